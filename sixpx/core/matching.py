"""Owns the meaning of a search: which documents a condition matches, and in which order they stand. Never a store.

A document is that of `store.document.searchable`: plain JSON, its dates as ISO 8601 text. Every store answers as
`select` does; its differential test holds it to that. Rules on paths and order are MongoDB's (its manual on arrays in
queries and on comparison order; `BSONElementIterator` and its tests where the manual is silent).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sixpx.core.query import COUNT_MOST, And, Contains, Expr, In, Mod, Near, Not, Or, Order, Query, Sort, Than

Document = Mapping[str, Any]
Key = tuple[Any, ...]

EARTH = 6_378_100.0
"""The radius of the sphere that distances lie on, in metres (SPEC section 9, Search)."""
INT64 = range(-(2**63), 2**63)
"""Numbers beyond it have no remainder (`ModMatchExpression`)."""

COMPARE: Mapping[Order, Callable[[Any, Any], bool]] = {
    Order.GT: operator.gt,
    Order.GTE: operator.ge,
    Order.LT: operator.lt,
    Order.LTE: operator.le,
}


def select(query: Query, documents: Iterable[Document]) -> tuple[list[Document], int]:
    """The page that the query asks for and the number of documents on all pages, counted up to COUNT_MOST."""
    found = [one for one in documents if evaluate(query.where, one)]
    if query.near is None:
        found.sort(key=lambda one: sort_key(query.sort, one), reverse=query.sort.descending)
    else:
        found = _nearest_first(query.near, found)
    start = query.page.offset
    return found[start : start + query.page.size], min(len(found), COUNT_MOST)


def evaluate(expr: Expr, document: Document) -> bool:
    """Whether the condition holds for the document."""
    match expr:
        case And(parts):
            return all(evaluate(one, document) for one in parts)
        case Or(parts):
            return any(evaluate(one, document) for one in parts)
        case Not(part):
            return not evaluate(part, document)
        case In() | Than() | Contains() | Mod():
            holds = _test(expr)
            return any(holds(one) for one in values_at(expr.path, document))


def _test(leaf: In | Than | Contains | Mod) -> Callable[[Any], bool]:
    """What one value has to be for the leaf to hold."""
    match leaf:
        case In(_, values):
            wanted = [_plain(one) for one in values]
            return lambda value: any(_alike(value, one) and value == one for one in wanted)
        case Than(_, order, operand):
            limit, compare = _plain(operand), COMPARE[order]
            return lambda value: _alike(value, limit) and compare(value, limit)
        case Contains(_, text):
            part = fold(text)
            return lambda value: isinstance(value, str) and part in fold(value)
        case Mod(_, divisor, remainder):
            return lambda value: _is_number(value) and int(value) in INT64 and _rest(int(value), divisor) == remainder


def _plain(operand: Any) -> Any:
    """A moment as documents hold it: `store.document.iso`."""
    if isinstance(operand, datetime):
        return operand.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"
    return operand


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _alike(one: Any, other: Any) -> bool:
    """Of one kind, so that they can be equal or less at all: true is not 1."""
    return any(isinstance(one, kind) and isinstance(other, kind) for kind in (str, bool)) or (
        _is_number(one) and _is_number(other)
    )


def _rest(whole: int, divisor: int) -> int:
    """The remainder with the sign of the number that is divided."""
    rest = abs(whole) % abs(divisor)
    return rest if whole >= 0 else -rest


# --- text -----------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """The text without its case, character for character: Unicode's simple folding. What folds to more than one
    character (`ß`, `İ`, the ligature `ﬁ`) stays as it is, so that stores can do the same with classes of characters."""
    return text.lower() if text.isascii() else "".join(map(_folded, text))


@lru_cache(4096)
def _folded(character: str) -> str:
    folded = character.casefold()
    return folded if len(folded) == 1 else character


# --- paths ----------------------------------------------------------------------------------------


def values_at(path: str, document: Document) -> Iterator[Any]:
    """The values that a dotted path leads to. A component enters an object by key, each object of an array, and an
    array by index; arrays within arrays are entered by index alone. An array at the end stands for its elements, unless
    an index led there: then it is one value, which equals nothing that can be asked."""
    return _values(document, path.split("."), 0)


def _values(value: Any, path: Sequence[str], at: int) -> Iterator[Any]:
    if at == len(path):
        yield from value if isinstance(value, list) else (value,)
    elif isinstance(value, Mapping):
        if path[at] in value:
            yield from _values(value[path[at]], path, at + 1)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, Mapping):
                yield from _values(one, path, at)
        if (index := _index(path[at], value)) is not None:
            yield from (value[index],) if at + 1 == len(path) else _values(value[index], path, at + 1)


def _index(component: str, array: Sequence[Any]) -> int | None:
    """The place in the array that a component means, if any; `01` is none."""
    if not component.isascii() or not component.isdigit() or len(component) > 9 or str(int(component)) != component:
        return None
    return int(component) if int(component) < len(array) else None


# --- order ----------------------------------------------------------------------------------------


def sort_key(sort: Sort, document: Document) -> Key:
    """What the documents are ordered by, ties by id included: `sorted(..., key=..., reverse=sort.descending)`. An array
    counts as its least element, or its greatest when descending. Null and an empty array are nothing there
    (DocumentDB's rule; a mongod lays empty arrays lower). Arrays within arrays lie above objects; both are compared
    element by element. Where an index leads to an array, servers differ: `api.v1.search` takes no such path."""
    best = max if sort.descending else min
    return best(_keys(document, sort.path.split("."), 0)), document["_id"]


NOTHING: Key = (1,)


def _keys(value: Any, path: Sequence[str], at: int) -> Iterator[Key]:
    if at == len(path):
        if isinstance(value, list):
            yield from map(key_of, value) if value else (NOTHING,)
        else:
            yield key_of(value)
    elif isinstance(value, Mapping):
        yield from _keys(value.get(path[at]), path, at + 1)
    elif isinstance(value, list) and value:
        if (index := _index(path[at], value)) is not None:
            yield from _keys(value[index], path, at + 1)
        else:
            for one in value:
                yield from _keys(one if isinstance(one, Mapping) else None, path, at)
    else:
        yield NOTHING


def key_of(value: Any) -> Key:
    """The place of one value in MongoDB's order of kinds, then in the order of its kind."""
    match value:
        case None:
            return NOTHING
        case bool():
            return 6, value
        case int() | float():
            return 2, value
        case str():
            return 3, value
        case Mapping():
            within = ((name, key_of(inner)) for name, inner in value.items())
            return 4, tuple((key[0], name, key) for name, key in within)
        case _:
            return 5, tuple(key_of(one) for one in value)


# --- distance -------------------------------------------------------------------------------------


def metres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The great-circle distance between two positions in degrees, by the haversine formula."""
    north, other_north = math.radians(latitude), math.radians(other_latitude)
    across = math.sin((other_north - north) / 2) ** 2
    along = math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(across + math.cos(north) * math.cos(other_north) * along)))


def nearest(near: Near, document: Document) -> float | None:
    """Metres to the nearest picture with a position; None where there is none, or none within the radius."""
    positions = [one["latlon"] for one in document["images"] if one.get("latlon")]
    least = min((metres(near.latitude, near.longitude, *one) for one in positions), default=None)
    return None if least is None or (near.within is not None and least > near.within) else least


def _nearest_first(near: Near, documents: Iterable[Document]) -> list[Document]:
    measured = ((nearest(near, one), one) for one in documents)
    within = [(distance, one["_id"], one) for distance, one in measured if distance is not None]
    return [one for _, _, one in sorted(within, key=lambda each: each[:2])]
