"""Owns the operators of a search: an entry for each, with the kinds of fields that it is for. Never a URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from sixpx.api.v1 import operands
from sixpx.api.v1.fields import Kind
from sixpx.api.v1.operands import Unfit
from sixpx.core.job import Status
from sixpx.core.matching import fold
from sixpx.core.query import And, Contains, Expr, In, Mod, Near, Not, Or, Order, Than, Value

Build = Callable[[str, Kind, list[str]], Expr | Near]


@dataclass(frozen=True, slots=True)
class Operator:
    """The kinds of fields that it is for; `build` makes the condition of a path, its kind and the values given."""

    kinds: frozenset[Kind]
    build: Build


# --- equality, by kind ----------------------------------------------------------------------------

ID_LENGTH = 24


def _text(path: str, text: str) -> Expr:
    return In(path, (text,)) if _digits(text) else Contains(path, text)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _status(path: str, text: str) -> Expr:
    """A status is one of few: what is contained becomes what it can be, for an index."""
    return In(path, tuple(str(one) for one in Status if fold(text) in one))


def _id(path: str, text: str) -> Expr:
    return In(path, (fold(text),)) if len(text) == ID_LENGTH else Contains(path, text)


def _anything(path: str, text: str) -> Expr:
    """Digits equal the number or the text (SPEC section 5); what may be meant as a number, or as true or false, equals
    that or is contained in a text."""
    number = operands.as_number(text)
    if number is not None and _digits(text):
        return In(path, (number, text))
    word = operands.BOOLEANS.get(text.lower()) if number is None else number
    return Contains(path, text) if word is None else Or((In(path, (word,)), Contains(path, text)))


EQUALS: Mapping[Kind, Callable[[str, str], Expr]] = {
    Kind.ANY: _anything,
    Kind.NUMBER: lambda path, text: In(path, (operands.number(text),)),
    Kind.TEXT: _text,
    Kind.DATE: lambda path, text: In(path, (operands.moment(text),)),
    Kind.BOOLEAN: lambda path, text: In(path, (operands.boolean(text),)),
    Kind.STATUS: _status,
    Kind.ID: _id,
}
"""What an operand asks of a field where no operator says otherwise."""


def _exact_of(path: str, text: str) -> Expr:
    number = operands.as_number(text)
    return In(path, (text,) if number is None else (number, text))


EXACT: Mapping[Kind, Callable[[str, str], Expr]] = {
    **EQUALS,
    **dict.fromkeys((Kind.TEXT, Kind.STATUS, Kind.ID), lambda path, text: In(path, (text,))),
    Kind.ANY: _exact_of,
}
COMPARED: Mapping[Kind, Callable[[str], Value]] = {
    Kind.ANY: operands.plain,
    Kind.NUMBER: operands.number,
    Kind.TEXT: str,
    Kind.DATE: operands.moment,
}
"""The operand that values are greater or less than."""


# --- combinations ---------------------------------------------------------------------------------


def all_of(parts: Iterable[Expr]) -> Expr:
    made = tuple(parts)
    return made[0] if len(made) == 1 else And(made)


def any_of(path: str, parts: Iterable[Expr]) -> Expr:
    """Any of them; values that are equalled are asked for at once."""
    flat = [inner for one in parts for inner in (one.parts if isinstance(one, Or) else (one,))]
    values = tuple(dict.fromkeys((type(v), v) for one in flat if isinstance(one, In) for v in one.values))
    equalled = (In(path, tuple(v for _, v in values)),) if any(isinstance(one, In) for one in flat) else ()
    made = (*equalled, *(one for one in flat if not isinstance(one, In)))
    return made[0] if len(made) == 1 else Or(made)


def _listed(combine: Callable[[str, Iterable[Expr]], Expr]) -> Build:
    """An operator on a list; blank members of it are nothing."""

    def build(path: str, kind: Kind, values: list[str]) -> Expr:
        given = [one for one in values if one]
        if not given:
            raise Unfit("a value after the operator", got="none")
        return combine(path, (EQUALS[kind](path, one) for one in given))

    return build


def _exact(path: str, kind: Kind, values: list[str]) -> Expr:
    return EXACT[kind](path, ",".join(values))


def _than(order: Order) -> Build:
    def build(path: str, kind: Kind, values: list[str]) -> Expr:
        if not any(values):
            raise Unfit("a value after the operator", got="none")
        operand = COMPARED[kind](",".join(values))
        assert not isinstance(operand, bool)
        return Than(path, order, operand)

    return build


def _mod(path: str, kind: Kind, values: list[str]) -> Expr:
    if len(values) != 2:
        raise Unfit("a divisor and a remainder, with a comma between", ",".join(values))
    divisor, remainder = map(operands.whole, values)
    if divisor == 0:
        raise Unfit("a divisor other than 0", ",".join(values))
    return Mod(path, divisor, remainder)


def _near(path: str, kind: Kind, values: list[str]) -> Near:
    return operands.near(",".join(values))


NEITHER = _listed(lambda path, parts: Not(any_of(path, parts)))
COMPARABLE, MATCHED, NUMERIC = frozenset(COMPARED), frozenset(EQUALS), frozenset({Kind.NUMBER, Kind.ANY})

OPERATORS: Mapping[str, Operator] = {
    "in": Operator(MATCHED, _listed(any_of)),
    "all": Operator(MATCHED, _listed(lambda path, parts: all_of(parts))),
    "nin": Operator(MATCHED, NEITHER),
    "ne": Operator(MATCHED, NEITHER),
    "not": Operator(MATCHED, NEITHER),
    "exact": Operator(MATCHED, _exact),
    "gt": Operator(COMPARABLE, _than(Order.GT)),
    "gte": Operator(COMPARABLE, _than(Order.GTE)),
    "lt": Operator(COMPARABLE, _than(Order.LT)),
    "lte": Operator(COMPARABLE, _than(Order.LTE)),
    "mod": Operator(NUMERIC, _mod),
    "near": Operator(frozenset({Kind.PLACE}), _near),
}
PLAIN = "in"
"""The operator where none is written."""


def operator(name: str, kind: Kind) -> Operator:
    """The operator of this name on a field of this kind; Unfit where there is none."""
    found = OPERATORS.get(name or PLAIN)
    if found is None or kind not in found.kinds:
        known = [one for one, each in OPERATORS.items() if kind in each.kinds]
        close = () if name in OPERATORS else get_close_matches(name, known, 1)
        hint = f" (did you mean {{{close[0]}}}?)" if close else ""
        where = " ({near} is for latlon)" if name == "near" else ""
        listed = " ".join(f"{{{one}}}" for one in known)
        raise Unfit(f"{listed} on a {kind}{hint}{where}", f"{{{name}}}", None if name else "none")
    return found
