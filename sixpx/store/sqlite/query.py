"""Owns how a condition becomes SQL, with the meaning of `core.matching` to the letter. Never a page, an index, a row.

Plain values are compared by SQLite itself, lists at the end of a path too; what lies behind a list on the way is asked
of Python, row by row (`functions`). No value becomes text of SQL: all are bound, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from sixpx.core.matching import fold
from sixpx.core.query import And, Contains, Expr, In, Mod, Not, Or, Order, Sort, Than, Value
from sixpx.store.document import iso, when
from sixpx.store.sqlite import functions
from sixpx.store.sqlite.functions import FALSE, TRUE, WHOLE, Leaf
from sixpx.store.sqlite.path import COLUMNS, MOMENTS, Place, place_of

SIGNS: Mapping[Order, str] = {Order.GT: ">", Order.GTE: ">=", Order.LT: "<", Order.LTE: "<="}
NEVER, NOTHING = "0", "-9e999"
"""No row; the place of nothing in an order: below every number."""
REPLACED_MOST = 40
"""Letters of a part that SQLite replaces in a text; beyond it Python is quicker."""
NAMED_MOST = 8
"""Values of a list that have names of their own. SQLite looks a name up among all: the time of thousands is squared."""


@dataclass(slots=True)
class Values:
    """What is bound to a statement, by name; `bind` gives a value its name, an equal one the same again."""

    bound: dict[str, Any] = field(default_factory=dict)
    names: dict[tuple[type, Any], str] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        name = self.names.setdefault((type(value), value), f"v{len(self.bound)}")
        self.bound[name] = value
        return f":{name}"

    def list(self, values: Sequence[Any], written: Sequence[str] = ()) -> str:
        """What stands after IN: numbers and text, and what is `written` in SQL already."""
        if len(values) <= NAMED_MOST:
            return f"({', '.join((*map(self.bind, values), *written))})"
        selects = [f"SELECT value FROM json_each({self.bind(orjson.dumps(values).decode())})"]
        return f"({' UNION ALL '.join((*selects, *(f'SELECT {one}' for one in written)))})"


# --- conditions -----------------------------------------------------------------------------------


def where(expr: Expr, values: Values) -> str:
    """True for the rows of `job` whose documents the condition holds for; false or NULL for the others."""
    match expr:
        case And(parts):
            return _joined(" AND ", [where(one, values) for one in parts]) if parts else "1"
        case Or(parts):
            return _joined(" OR ", [where(one, values) for one in parts]) if parts else NEVER
        case Not(part):
            return f"NOT coalesce({where(part, values)}, 0)"
        case In() | Than() | Contains() | Mod():
            return _leaf(plain(expr), values)


def _joined(word: str, parts: Sequence[str]) -> str:
    return f"({word.join(parts)})"


def plain(leaf: Leaf) -> Leaf:
    """The leaf with its moments as documents have them: text."""
    match leaf:
        case In(_, operands):
            return replace(leaf, values=tuple(map(_text_of, operands)))
        case Than(_, _, datetime() as value):
            return replace(leaf, value=iso(value))
        case _:
            return leaf


def _text_of(value: Value) -> Value:
    return iso(value) if isinstance(value, datetime) else value


def _leaf(leaf: Leaf, values: Values) -> str:
    if (column := COLUMNS.get(leaf.path)) is not None:
        return of_moment(leaf, column, values) if column in MOMENTS else of_text(leaf, column, values)
    place = place_of(leaf.path)
    if place is None or place.ends_in_list:
        return NEVER
    python = f"sixpx_holds({values.bind(functions.question(leaf, place.words))}, {place.root_of_doc})"
    if not place.writable or not fits(leaf):
        return python
    return _entered(place, lambda source: _of_json(leaf, place, source, python, values))


def fits(leaf: Leaf) -> bool:
    """Whether SQLite has numbers as large."""
    match leaf:
        case In(_, operands):
            asked: Sequence[Any] = operands
        case Than(_, _, value):
            asked = (value,)
        case Mod(_, divisor, remainder):
            asked = (abs(divisor), remainder)
        case _:
            return True
    return all(not isinstance(one, int) or -WHOLE < one < WHOLE for one in asked)


def _entered(place: Place, asked: Callable[[str], str]) -> str:
    """What is asked of the value, held by some element of each list on the way."""
    source, joins = "doc", []
    for number, path in enumerate(place.lists):
        joins.append(f"jsonb_each({source}, '{path}') AS each{number}")
        source = f"each{number}.value"
    if not joins:
        return asked(source)
    kind = f"each{len(joins) - 1}.type"
    return f"EXISTS (SELECT 1 FROM {', '.join(joins)} WHERE CASE {kind} WHEN 'object' THEN {asked(source)} END)"


def _of_json(leaf: Leaf, place: Place, source: str, python: str, values: Values) -> str:
    """By the kind of what is there. A whole number that SQLite has no room for is left to Python."""
    value = f"{source} ->> '{place.path}'"
    element = f"CASE item.type {_by_kind(leaf, 'item.atom', python, values)} END"
    listed = f"EXISTS (SELECT 1 FROM json_each({source}, '{place.path}') AS item WHERE {element})"
    missing = ""
    if place.maybe:
        missing = f" ELSE CASE WHEN {_some_list(place, source)} THEN {python} END"
    kinds = _by_kind(leaf, value, python, values)
    return f"CASE json_type({source}, '{place.path}') {kinds} WHEN 'array' THEN {listed}{missing} END"


def _some_list(place: Place, source: str) -> str:
    return " OR ".join(f"json_type({source}, '{path}') = 'array'" for path in place.maybe)


def _by_kind(leaf: Leaf, value: str, python: str, values: Values) -> str:
    """The WHENs of each kind of value that could match at all."""
    whens = []
    if (text := of_text(leaf, f"({value})", values)) != NEVER:
        whens.append(f"WHEN 'text' THEN {text}")
    if (number := of_number(leaf, f"({value})", python, values)) != NEVER:
        whens.append(f"WHEN 'integer' THEN CASE typeof({value}) WHEN 'integer' THEN {number} ELSE {python} END")
        whens.append(f"WHEN 'real' THEN {number}")
    if isinstance(leaf, In):
        whens += [f"WHEN '{str(one).lower()}' THEN 1" for one in (True, False) if any(one is v for v in leaf.values)]
    return " ".join(whens) or "WHEN 'none' THEN 0"


def of_text(leaf: Leaf, value: str, values: Values) -> str:
    """Of a value that is text."""
    match leaf:
        case In(_, operands) if texts := [one for one in operands if isinstance(one, str)]:
            return f"{value} IN {values.list(texts)}"
        case Than(_, order, str(limit)):
            return f"{value} {SIGNS[order]} {values.bind(limit)}"
        case Contains(_, text):
            return _contains(fold(text), value, values)
        case _:
            return NEVER


def _contains(part: str, value: str, values: Values) -> str:
    """SQLite's `lower` is for ASCII: letters beyond it that fold to one of the part become that one first. The value is
    written once, since SQLite would look it up each time."""
    if not part:
        return f"{value} IS NOT NULL"
    forms = [(form, letter) for letter in sorted(set(part)) for form in _forms().get(letter, ())]
    if len(forms) > REPLACED_MOST:
        return f"sixpx_contains({value}, {values.bind(part)})"
    for form, letter in forms:
        value = f"replace({value}, '{form}', '{letter}')"
    return f"instr(lower({value}), {values.bind(part)})"


@lru_cache(1)
def _forms() -> Mapping[str, Sequence[str]]:
    """The characters beyond ASCII that fold to another one, by that one. None has a case beyond the second plane."""
    forms: dict[str, list[str]] = {}
    for character in map(chr, range(0x80, 0x20000)):
        if character.casefold() != character and (folded := fold(character)) != character:
            forms.setdefault(folded, []).append(character)
    return forms


def of_number(leaf: Leaf, value: str, python: str, values: Values) -> str:
    """Of a value that is a number."""
    match leaf:
        case In(_, operands) if numbers := [one for one in operands if is_number(one)]:
            return f"{value} IN {values.list(numbers)}"
        case Than(_, order, (int() | float()) as limit):
            return f"{value} {SIGNS[order]} {values.bind(limit)}"
        case Mod(_, divisor, remainder):
            rest = f"CAST({value} AS INTEGER) % {values.bind(abs(divisor))} = {values.bind(remainder)}"
            return f"CASE WHEN {value} BETWEEN {-WHOLE + 1} AND {WHOLE - 1025} THEN {rest} ELSE {python} END"
        case _:
            return NEVER


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def of_moment(leaf: Leaf, column: str, values: Values) -> str:
    """Of a column of milliseconds, which is text to whoever searches; compared as a number where that is the same."""
    text = f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000, 'unixepoch') || printf('.%03dZ', {column} % 1000)"
    match leaf:
        case In(_, operands):
            moments = [ms for one in operands if (ms := milliseconds(one)) is not None]
            return f"{column} IN {values.list(moments)}" if moments else NEVER
        case Than(_, order, value) if (ms := milliseconds(value)) is not None:
            return f"{column} {SIGNS[order]} {values.bind(ms)}"
        case _:
            return of_text(leaf, f"({text})", values)


def milliseconds(value: Value) -> int | None:
    """Since 1970, of a moment written as documents write it; None of all else."""
    try:
        moment = when(value) if isinstance(value, str) else None
        return round(moment.timestamp() * 1000) if moment is not None and iso(moment) == value else None
    except (ValueError, OverflowError):
        return None


# --- order ----------------------------------------------------------------------------------------


def order(sort: Sort, values: Values) -> str:
    """A value that SQLite orders as the sort says (see `functions.sortable`)."""
    if (column := COLUMNS.get(sort.path)) is not None:
        return column
    place = place_of(sort.path)
    if place is None:
        return NOTHING
    question = functions.order_question(place.words, sort.descending)
    python = f"sixpx_order({values.bind(question)}, {place.root_of_doc})"
    if not place.writable or place.ends_in_list or len(place.lists) > 1:
        return python
    if not place.lists:
        return _key(place, "doc", python)
    inner = f"CASE type WHEN 'object' THEN {_key(place, 'value', TRUE)} ELSE {NOTHING} END"
    best = "max" if sort.descending else "min"
    chosen = f"CASE WHEN max(rank) >= x'' THEN {python} ELSE coalesce({best}(rank), {NOTHING}) END"
    return f"(SELECT {chosen} FROM (SELECT {inner} AS rank FROM jsonb_each(doc, '{place.lists[0]}')))"


def _key(place: Place, source: str, otherwise: str) -> str:
    """Plain values as they are; `otherwise` for lists and objects."""
    value, kind = f"{source} ->> '{place.path}'", f"json_type({source}, '{place.path}')"
    missing = f"CASE WHEN {_some_list(place, source)} THEN {otherwise} ELSE {NOTHING} END" if place.maybe else NOTHING
    plain = " ".join(f"WHEN '{one}' THEN {value}" for one in ("text", "integer", "real"))
    rest = f"WHEN 'true' THEN {TRUE} WHEN 'false' THEN {FALSE} WHEN 'null' THEN {NOTHING}"
    lists = f"WHEN 'array' THEN {otherwise} WHEN 'object' THEN {otherwise}"
    return f"CASE {kind} {plain} {rest} {lists} ELSE {missing} END"
