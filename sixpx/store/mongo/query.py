"""Owns how a Query becomes MongoDB's own filter and order, and a page of its answer. Never a write, never a Job.

A filter means what `core.matching.evaluate` does, on the documents as this store writes them: their ids are ObjectIds,
their moments are dates, keys of `data` are escaped. What compares those as text is asked of the server as text.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from bson import Decimal128, ObjectId
from pymongo.errors import ExecutionTimeout

from sixpx.core.matching import fold
from sixpx.core.query import COUNT_MOST, And, Contains, Expr, In, Mod, Not, Or, Query, Sort, Than, Value
from sixpx.errors import TooSlow
from sixpx.store.document import TOPS, iso, when
from sixpx.store.mongo import near as places
from sixpx.store.mongo.document import WHOLE, escaped, oid
from sixpx.store.mongo.near import Documents
from sixpx.store.mongo.server import Table

Filter = dict[str, Any]
Leaf = In | Than | Contains | Mod

NOTHING: Filter = {"_id": {"$in": []}}
OWN = frozenset({"images.position"})
"""Kept beside what can be searched, for the index."""
IDS = frozenset({"_id", "user_id", "processed._id"})
DATES = frozenset(
    {"created", "modified", "processed.created", "processed.modified"}
    | {f"{span}.{end}" for span in ("totals.duration", "processed.data.duration") for end in ("start", "end")}
)
ISO_FORMAT = "%Y-%m-%dT%H:%M:%S.%LZ"
HEX = frozenset("0123456789abcdef")
DIGITS = 34
"""Of the decimals that stand in BSON for whole numbers beyond 64 bits."""


# --- conditions -----------------------------------------------------------------------------------


def filter_of(expr: Expr) -> Filter:
    """The filter that matches what the condition holds for; {} for every document."""
    match expr:
        case And(parts):
            return _joined("$and", [made for one in parts if (made := filter_of(one))])
        case Or(parts):
            return _joined("$or", [filter_of(one) for one in parts]) if parts else NOTHING
        case Not(part):
            return {"$nor": [filter_of(part)]}
        case In() | Than() | Contains() | Mod():
            return _leaf(expr)


def _joined(operator: str, filters: list[Filter]) -> Filter:
    if len(filters) < 2:
        return filters[0] if filters else {}
    return {operator: filters}


def _leaf(leaf: Leaf) -> Filter:
    path = leaf.path.split(".")
    kind = _kind(path)
    if not _is_field(kind):
        return NOTHING
    if kind in IDS and (native := _of_ids(leaf)) is None:
        return _as_text(leaf, path, lambda one: {"$toString": one})
    if kind in DATES and (native := _of_dates(leaf)) is None:
        return _as_text(leaf, path, lambda one: {"$dateToString": {"date": one, "format": ISO_FORMAT}})
    if kind not in IDS | DATES:
        native = _of_values(leaf)
    return NOTHING if native is None or native == {"$in": []} else {_escaped(path): native}


def _kind(path: Sequence[str]) -> str:
    """The path without the number of the record or picture that is meant."""
    return ".".join(path if _place(path) is None else [path[0], *path[2:]])


def _is_field(kind: str) -> bool:
    first, _, rest = kind.partition(".")
    return first in TOPS and f"{first}.{rest.partition('.')[0]}" not in OWN


def _of_values(leaf: Leaf) -> Filter | None:
    """What is asked of plain values; None where nothing can be meant. Moments are text there, as clients sent them."""
    match leaf:
        case In(_, values):
            return {"$in": [_operand(one) for one in values]}
        case Than(_, order, value):
            return {f"${order}": _operand(value)}
        case Contains(_, text):
            return {"$regex": pattern_of(text)}
        case Mod(_, divisor, remainder):
            fits = -WHOLE < remainder < WHOLE
            return {"$mod": [min(abs(divisor), WHOLE - 1), remainder]} if fits else None


def _operand(value: Value) -> Any:
    """As documents hold it."""
    if isinstance(value, datetime):
        return iso(value)
    if type(value) is int and not -WHOLE <= value < WHOLE:
        if abs(value) < 10**DIGITS:
            return Decimal128(str(value))
        return math.inf if value > 0 else -math.inf
    return value


# --- ids and moments ------------------------------------------------------------------------------


def _of_ids(leaf: Leaf) -> Filter | None:
    """What is asked of ObjectIds where it can be asked of them as they are, else None."""
    match leaf:
        case In(_, values):
            return {"$in": [ObjectId(one) for one in values if isinstance(one, str) and _is_id(one)]}
        case Contains(_, text) if _is_id(fold(text)):
            return {"$in": [ObjectId(fold(text))]}
        case Mod():
            return {"$in": []}
        case _:
            return None


def _of_dates(leaf: Leaf) -> Filter | None:
    """The same of dates. They are whole milliseconds, and so is an operand: as `core.matching` reads it."""
    match leaf:
        case In(_, values):
            return {"$in": [made for one in values if (made := _moment(one)) is not None]}
        case Than(_, order, value) if (made := _moment(value)) is not None:
            return {f"${order}": made}
        case Mod():
            return {"$in": []}
        case _:
            return None


def _is_id(text: str) -> bool:
    return len(text) == 24 and HEX.issuperset(text)


def _moment(value: Value) -> datetime | None:
    """The moment that is written so, if any."""
    if isinstance(value, datetime):
        return when(iso(value))
    try:
        return made if isinstance(value, str) and iso(made := when(value)) == value else None
    except (ValueError, OverflowError):
        return None


def _as_text(leaf: Leaf, path: Sequence[str], shown: Callable[[Any], Any]) -> Filter:
    """Asked of every value as it is printed: an expression that no index helps, for what is rarely asked."""
    match leaf:
        case Contains(_, text):
            holds: Any = {"$regexMatch": {"input": "$$text", "regex": pattern_of(text)}}
        case Than(_, order, str() | datetime() as limit):
            holds = {f"${order}": ["$$text", {"$literal": _operand(limit)}]}
        case _:
            return NOTHING
    texts = {"$map": {"input": _all_at(path), "as": "one", "in": shown("$$one")}}
    return {"$expr": {"$anyElementTrue": [{"$map": {"input": texts, "as": "text", "in": holds}}]}}


def _all_at(path: Sequence[str]) -> Any:
    """The values at a path to an id or a moment, in a list: of all records, or of the one that a number names."""
    if path[0] == "processed" and (place := _place(path)) is None:
        return "$" + ".".join(path)
    if path[0] == "processed":
        named = {"$arrayElemAt": ["$processed", place]}
        value: Any = {"$let": {"vars": {"named": named}, "in": "$$named." + ".".join(path[2:])}}
    else:
        value = "$" + ".".join(path)
    return {"$filter": {"input": [value], "as": "one", "cond": {"$gt": ["$$one", None]}}}


def _place(path: Sequence[str]) -> int | None:
    """The number that stands second in the path, written as a place in an array is."""
    word = path[1] if len(path) > 1 else ""
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 and str(int(word)) == word else None


# --- text -----------------------------------------------------------------------------------------


def pattern_of(text: str) -> str:
    """A pattern that matches what holds the text, whatever its case: each letter is written out in all its forms, so
    that the server's own idea of case is not asked."""
    return "".join(map(_any_case, text))


@lru_cache(4096)
def _any_case(character: str) -> str:
    forms = FORMS.get(fold(character))
    if forms is not None:
        return f"[{forms}]"
    # in this way for all that may mean something in a pattern; a NUL cannot stand in one at all
    return character if character.isalnum() or not character.isascii() else f"\\x{ord(character):02x}"


def _forms() -> Mapping[str, str]:
    forms: dict[str, str] = {}
    for character in map(chr, range(0x20000)):
        if character.casefold() != character and (folded := fold(character)) != character:
            forms[folded] = forms.get(folded, folded) + character
    return forms


FORMS = _forms()
"""All characters that fold to the same one, by that one. There is no case beyond Unicode's second plane."""


# --- pages ----------------------------------------------------------------------------------------


def sort_of(sort: Sort) -> list[tuple[str, int]]:
    direction = -1 if sort.descending else 1
    path = sort.path.split(".")
    if not _is_field(_kind(path)) or sort.path == "_id":
        return [("_id", direction)]
    return [(_escaped(path), direction), ("_id", direction)]


def _escaped(path: Sequence[str]) -> str:
    return ".".join(map(escaped, path))


async def page_of(collection: Table, user_id: str, query: Query, seconds: float | None = None) -> tuple[Documents, int]:
    """The documents of the page that the query asks for, and how many there are on all pages, up to COUNT_MOST. Raises
    TooSlow, and the driver's errors."""
    where = _joined("$and", [{"user_id": oid(user_id)}, *([made] if (made := filter_of(query.where)) else [])])
    clock = asyncio.get_running_loop().time
    until = None if seconds is None else clock() + seconds

    def left() -> int | None:
        """Milliseconds for the next command; 0 would be no limit."""
        return None if until is None else max(1, round((until - clock()) * 1000))

    try:
        if query.near is not None:
            return await places.page_of(collection, where, query.near, query.page, left)
        return await _sorted_page(collection, where, query, left)
    except ExecutionTimeout as fault:
        raise TooSlow("the search took too long; ask for less, or by a field that is indexed") from fault


async def _sorted_page(
    collection: Table, where: Filter, query: Query, left: Callable[[], int | None]
) -> tuple[Documents, int]:
    page = query.page
    found = collection.find(where, sort=sort_of(query.sort), skip=page.offset, limit=page.size, max_time_ms=left())
    documents = await found.to_list(None)
    if 0 < len(documents) < page.size or (not documents and not page.offset):
        return documents, min(page.offset + len(documents), COUNT_MOST)
    return documents, await places.counted(collection, where, left())
