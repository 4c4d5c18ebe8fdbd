"""Owns the search language: parameters of a URL become a Query. Never what a condition means, never a store's words.

The language is that of npm's mongoose-api-query: `field=value`, `field={operator}value`, several `{operator}value` on
one field, lists with commas. A backslash before `,` `{` `}` or `\\` means the character itself. Costs are capped here,
the time of a search by the store. All mistakes are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sixpx.api.v1 import query
from sixpx.api.v1.fields import CONSTANT, canonical, kind_of
from sixpx.api.v1.operands import Unfit
from sixpx.api.v1.operators import all_of, operator
from sixpx.core.matching import evaluate
from sixpx.core.query import EVERYTHING, PAGE_MOST, Expr, Near, Or, Page, Query, Sort
from sixpx.errors import Invalid, Mistake
from sixpx.store.document import TOPS

CONDITIONS_MOST = 50
"""Conditions of one search: `{gt}1{lt}9` are two."""
VALUES_MOST = 100
"""Values in one list."""
TEXT_MOST = 1_000
"""Characters of one value."""
PATH_MOST, DEPTH_MOST = 200, 16
"""Characters and components of a field's name."""
TOLD_MOST = 20
"""Mistakes that one reply tells."""
NO_JOB: Expr = Or(())


def asked(params: Mapping[str, str]) -> Query:
    """What the parameters of a list ask for; of a multi-valued mapping every value counts. Raises Invalid."""
    faults: list[Mistake] = []
    number, size, sort = 1, 1, Sort()
    with _told(faults, "page"):
        number = query.whole(params.get("page"), 1)
    with _told(faults, "per_page"):
        size = query.whole(query.reserved(params, "per_page"), 10)
    with _told(faults, "sort_by"):
        sort = _sort(query.reserved(params, "sort_by"))
    conditions: list[Expr | Near] = []
    for name, text in params.items():
        if name not in query.RESERVED:
            with _told(faults, name):
                conditions += _conditions(name, text)
    where = [one for one in conditions if not isinstance(one, Near)]
    nears = [one for one in conditions if isinstance(one, Near)]
    if len(nears) > 1:
        faults.append(Mistake("", f"expected one {{near}} in a search, got {len(nears)}"))
    if len(conditions) > CONDITIONS_MOST:
        faults.append(Mistake("", f"expected {CONDITIONS_MOST} conditions at most, got {len(conditions)}"))
    if faults:
        told = faults[:TOLD_MOST]
        raise Invalid("; ".join(one.detail for one in told), tuple(told))
    return Query(all_of(where), sort, Page(number, min(size, PAGE_MOST)), nears[0] if nears else None)


@contextmanager
def _told(faults: list[Mistake], name: str) -> Iterator[None]:
    """What does not fit within becomes a mistake of this parameter; its pointer is into the object of parameters."""
    try:
        yield
    except Unfit as fault:
        pointer = "/" + name[:PATH_MOST].replace("~", "~0").replace("/", "~1")
        faults.append(Mistake(pointer, f"{name[:PATH_MOST]}: {fault}"))


# --- one parameter --------------------------------------------------------------------------------


def _conditions(name: str, text: str) -> list[Expr | Near]:
    path = _path(name)
    kind = kind_of(path)
    made = (operator(name, kind).build(path, kind, values) for name, values in _segments(text))
    return [one if isinstance(one, Near) else _known(path, one) for one in made]


def _path(name: str) -> str:
    """The canonical path of a field."""
    parts = name.split(".")
    if not all(parts) or "$" in name or "\0" in name:
        raise Unfit("a field's name, with dots between its parts and without $", name)
    if len(name) > PATH_MOST or len(parts) > DEPTH_MOST:
        raise Unfit(f"a field's name of {PATH_MOST} characters and {DEPTH_MOST} parts at most", name)
    if parts[0] == "sixpx":
        raise Unfit("a field of the job as a client sees it", name)
    return canonical(name)


def _known(path: str, expr: Expr) -> Expr:
    """The condition, or what it comes to where no job has such a field: a store is not asked about those."""
    if path.partition(".")[0] in TOPS:
        return expr
    return EVERYTHING if evaluate(expr, CONSTANT) else NO_JOB


PIECE = re.compile(r"\\([\\{},])|\{(\w+)\}|([{,])|([^\\{,]+|\\)", re.DOTALL)
"""An escaped character, an operator, a brace or a comma with a meaning, or text."""


def _segments(text: str) -> list[tuple[str, list[str]]]:
    """Each operator with the values of its list; what stands before the first has no operator. Blank: nothing."""
    found: list[tuple[str, list[str]]] = [("", [""])]
    for piece in PIECE.finditer(text):
        escaped, word, special, plain = piece.groups()
        values = found[-1][1]
        if word is not None:
            found.append((word.lower(), [""]))
        elif special == "{":
            raise Unfit("an operator such as {gt}, or \\{ for the character itself", text[piece.start() :])
        elif special == ",":
            values.append("")
        else:
            values[-1] += escaped or plain
    for _, values in found:
        _bounded(values)
    return [one for one in found if one[0] or any(one[1])]


def _bounded(values: list[str]) -> None:
    if len(values) > VALUES_MOST:
        raise Unfit(f"{VALUES_MOST} values at most in a list", got=str(len(values)))
    for text in values:
        if len(text) > TEXT_MOST:
            raise Unfit(f"{TEXT_MOST} characters at most in a value", got=str(len(text)))
        if "\0" in text:
            raise Unfit("a value without the character U+0000", text)


# --- order ----------------------------------------------------------------------------------------

DIRECTIONS = {"": False, "asc": False, "1": False, "desc": True, "-1": True}


def _sort(text: str | None) -> Sort:
    """`field`, `field,asc` (or 1), `field,desc` (or -1)."""
    if not text:
        return Sort()
    name, _, direction = text.partition(",")
    descending = DIRECTIONS.get(direction.strip().lower())
    if descending is None:
        raise Unfit("asc, desc, 1 or -1 after the comma", direction)
    if any(part.isdecimal() for part in name.split(".")):
        raise Unfit("a field's name without places in arrays", name)
    path = _path(name)
    return Sort(path if path.partition(".")[0] in TOPS else "_id", descending)
