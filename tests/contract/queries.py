"""Owns random searches and the jobs that they search: few words, so that much is found, and odd ones. Never a store.

`spelled` reads a search as a client spells it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from hypothesis import strategies as st
from multidict import MultiDict

from sixpx.api.v1.search import asked
from sixpx.core.job import Job, Picture, Processed, Span, Status, Trouble
from sixpx.core.query import And, Contains, Expr, In, Mod, Near, Not, Or, Order, Page, Query, Sort, Than
from tests.contract.jobs import ADA, CY, NOW, ended, job_of

MANY = 120

KEYS = ("a", "b", "c", "A", "0", "1", "01", "-1", "a b", "é", "'", '"', "[0]", "#-1", "\\", "%", "ключ")
"""All of which a path can name."""
SHUT = ("a.b", "$a", "", ".")
"""Which none can: the stores escape them, and nobody finds them."""
WHOLE = (0, 1, 2, 3, -1, -3, 10, 14, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63))
FRACTIONS = (0.0, -0.0, 1.0, 0.5, -2.5, 14.0, 1e-9, 1e300, -1e300, float(2**53), float(2**63))
TEXTS = (
    *("", "a", "A", "ab", "b", "kale", "Kale", "KALE", "beets", "1", "14", "1.0", "true", "null"),
    *("s", "S", "ſ", "k", "K", "\u212a", "i", "I", "İ", "ı", "i\u0307", "ss", "ß", "ẞ", "fi", "ﬁ", "É", "é", "e\u0301"),
    *("ǅ", "ǆ", "σ", "ς", "Σ", "µ", "μ", "Ꭰ", "ꭰ", "\U00010400", "\U00010428", "\U0001f600", "\uffff", "\ue000"),
    *("%", "_", "a%b", "a_b", "\\", "'", '"', "*", "?", "[a]", "^a", "a$", ".", "(", "\n", " a ", "a\nb", "2014-08-16"),
)
HIDDEN = ("a\x00b", "\x00")
"""What a document may hold and no search can ask for."""

PLACES = (
    *((38.8977, -77.0366), (38.9, -77.1), (38.9, -77.0), (38.87, -77.04), (0.0, 0.0), (0.5, 179.9), (-0.25, -179.8)),
    *((89.9, 12.0), (-90.0, 0.0), (51.5, 0.001), (-33.9, 151.2)),
)
MOMENTS = tuple(NOW + timedelta(milliseconds=ms) for ms in (-86_400_000, -1, 0, 1, 999, 1_000, 3_600_000))


def spelled(text: str) -> Query:
    """The search of what stands after the `?`, as a server decodes it."""
    return asked(MultiDict(parse_qsl(text, keep_blank_values=True)))


# --- jobs -----------------------------------------------------------------------------------------


def jobs(seed: int = 5) -> list[Job]:
    """The same jobs for the same seed; ids grow, moments repeat."""
    dice = random.Random(seed)
    return [_job(dice, number) for number in range(1, MANY + 1)]


def _job(dice: random.Random, number: int) -> Job:
    job = job_of(number, ADA, tuple(dice.sample(("one", "two", "thumb", "Größe"), dice.randrange(1, 4))))
    status = dice.choice(list(Status))
    if status.ended:
        job = ended(job, status)
    start = dice.choice(MOMENTS)
    total = Span(start, start + timedelta(milliseconds=dice.choice((0, 5, 1500))), dice.randrange(3), dice.randrange(3))
    trouble = dice.choice((None, Trouble("cancelled", "run", "it was cancelled", retryable=dice.random() < 0.5)))
    return replace(
        job,
        status=status,
        created=start,
        modified=dice.choice(MOMENTS),
        processed=tuple(_record(dice, one) for one in job.processed),
        total=dice.choice((Span(), Span(start), total)),
        trouble=trouble,
        callback=dice.choice((None, False, "", {"url": "http://example.com/hook"}, {"url": "http://a.test/"})),
        pictures=tuple(_picture(dice, name) for name in ("main", "logo")[: dice.randrange(3)]),
        data=_object(dice, 0),
    )


def _record(dice: random.Random, one: Processed) -> Processed:
    start = dice.choice(MOMENTS)
    span = dice.choice((Span(), Span(start), Span(start, dice.choice(MOMENTS), dice.randrange(3), 7)))
    return replace(one, created=start, span=span)


def _picture(dice: random.Random, name: str) -> Picture:
    place = dice.choice((None, *PLACES))
    return Picture(name, dice.choice((4, 40)), 30, dice.choice(("image/png", "image/jpeg")), dice.randrange(5), place)


def _object(dice: random.Random, depth: int) -> dict[str, Any]:
    keys = [*KEYS[: 3 if depth == 0 else dice.randrange(3)], *dice.sample(KEYS, dice.randrange(4))]
    # last of the outermost object: as they are escaped, they stand elsewhere where whole objects are compared
    shut = dice.sample(SHUT, dice.randrange(3)) if depth == 0 else ()
    return {key: _value(dice, depth + 1) for key in (*dict.fromkeys(keys), *shut)}


def _value(dice: random.Random, depth: int) -> Any:
    kind = dice.randrange(10 if depth < 4 else 5)
    if kind < 5:
        pool: Any = (WHOLE, FRACTIONS, TEXTS + HIDDEN, TEXTS, (None, True, False))[kind]
        return dice.choice(pool)
    if kind < 8:
        return [_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    return _object(dice, depth)


# --- one of each ----------------------------------------------------------------------------------

SHAPES: tuple[Any, ...] = (
    *(
        [],
        {},
        [[]],
        [None],
        [2],
        [[2]],
        [[[2]]],
        [1, [2]],
        [1, 2],
        [{}],
        {"0": 2},
        [{"0": 2}],
        [{"0": [2]}],
        [[{"0": 2}]],
    ),
    *(
        {"01": 2},
        [1, {"1": 2}],
        {"b": 2},
        [{"b": 2}],
        [[{"b": 2}]],
        [{"b": [1, 2]}, {"b": "x"}],
        [{"b": [[2]]}],
        [5, {}],
    ),
    *({"b": "x"}, {"c": 1}, {"b": 2, "a": 0}, {"a": "x"}, [["x"]], [[2, "x"]], ["K", True, 3], [False, ""]),
)
"""Objects and arrays in each other, for paths to find their way through."""


def cabinet() -> list[Job]:
    """A job of CY for each value and each shape, at `data.v`."""
    held = (*WHOLE, *FRACTIONS, *TEXTS, *HIDDEN, None, True, False, *SHAPES)
    return [replace(job_of(10_000 + number, CY), data={"v": value}) for number, value in enumerate(held)]


def of_each() -> list[Query]:
    """Every value asked for in every way, every path, every order."""
    values = (*WHOLE, *FRACTIONS, *TEXTS, True, False)
    compared = [Than("data.v", order, one) for order in Order for one in (*WHOLE, *FRACTIONS)]
    compared += [Than("data.v", order, one) for order in (Order.GT, Order.LTE) for one in TEXTS]
    paths = [f"data.v{rest}" for rest in ("", ".0", ".1", ".01", ".b", ".0.0", ".0.b", ".b.0", ".b.1", ".0.0.0")]
    asked: list[Expr] = [
        *(In("data.v", (one,)) for one in values),
        *compared,
        *(Contains("data.v", one) for one in TEXTS),
        *(Mod("data.v", divisor, rest) for divisor in (1, 2, -3, 7, 2**53) for rest in range(-2, 3)),
        *(
            one
            for path in paths
            for one in (In(path, (2, "x", 1)), Contains(path, "X"), Than(path, Order.GTE, 1), Mod(path, 2, 0))
        ),
    ]
    first = Page(1, 25)
    ordered = [Sort(path, down) for path in ("data.v", "data.v.b", "data.v.a", "data") for down in (True, False)]
    return [
        *(Query(one, page=first) for one in asked),
        *(Query(Not(one), page=first) for one in asked[::7]),
        *(Query(sort=one, page=Page(1, 1_000)) for one in ordered),
    ]


# --- searches -------------------------------------------------------------------------------------

keys = st.sampled_from(KEYS[:3]) | st.sampled_from(KEYS[:3]) | st.sampled_from(KEYS)
data_paths = st.lists(keys, min_size=1, max_size=3).map(lambda parts: ".".join(("data", *parts)))
numbers = st.sampled_from(WHOLE + FRACTIONS)
texts = st.sampled_from(TEXTS)
moments = st.sampled_from(MOMENTS)
orders = st.sampled_from(list(Order))

KNOWN: Mapping[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from([str(one) for one in Status]),
    "processed.status": st.sampled_from([str(one) for one in Status]),
    "processed.0.status": st.sampled_from([str(one) for one in Status]),
    "processed.name": st.sampled_from(("one", "ONE", "größe", "t")),
    "processed.1.name": st.sampled_from(("one", "two")),
    "processed.data.bytes": st.sampled_from((0, 120)),
    "processed.data.output.main.info.width": st.sampled_from((3, 4)),
    "processed.data.duration.upload": st.sampled_from((0, 7)),
    "processed.error.code": st.sampled_from(("bad_image", "cancelled")),
    "totals.bytes": st.sampled_from((0, 120, 240, 119.5)),
    "totals.duration.total": st.sampled_from((0, 5, 1500)),
    "totals.duration.download": st.integers(0, 2),
    "images.name": st.sampled_from(("main", "LOGO", "o")),
    "images.width": st.sampled_from((4, 40)),
    "images.type": st.sampled_from(("image/png", "PNG")),
    "images.latlon": st.sampled_from((0.0, 38.9, -77.0)),
    "images.latlon.0": st.sampled_from((0.0, 38.9, -77.0)),
    "images.1.bytes": st.integers(0, 4),
    "error.code": st.sampled_from(("cancelled", "CANCEL")),
    "error.retryable": st.booleans(),
    "output.tag": st.sampled_from(("one", "two", "THUMB")),
    "callback.url": st.sampled_from(("HOOK", "a.test")),
    "callback": st.sampled_from(("", False)),
    "input.main": st.sampled_from(("example.com", "http://example.com/a.png")),
}
"""Documented paths with what is asked of them."""
CLOSED = ("status", "error.retryable")
"""Of these only equality is ever asked."""
DATED = (
    *("created", "modified", "processed.created", "processed.0.modified", "processed.data.duration.start"),
    *("processed.data.duration.end", "totals.duration.start", "totals.duration.end"),
)
"""Paths that hold dates; nothing but a date is ever asked of them."""


def leaves(paths: st.SearchStrategy[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Expr]:
    return (
        st.builds(In, paths, st.lists(values | st.booleans(), min_size=1, max_size=3).map(tuple))
        | st.builds(Than, paths, orders, values.filter(lambda one: not isinstance(one, bool)))
        | st.builds(Contains, paths, texts)
        | st.builds(Mod, paths, st.sampled_from((1, 2, 3, 7, -3, 10, 2**40)), st.integers(-3, 4))
    )


def _known(path: str) -> st.SearchStrategy[Expr]:
    values = KNOWN[path]
    one_of: st.SearchStrategy[Expr] = st.builds(In, st.just(path), st.lists(values, max_size=3).map(tuple))
    if path in CLOSED:
        return one_of
    within = texts | values.filter(lambda one: isinstance(one, str))
    return one_of | leaves(st.just(path), values) | st.builds(Contains, st.just(path), within)


def _dated(path: str) -> st.SearchStrategy[Expr]:
    same: st.SearchStrategy[Expr] = st.builds(In, st.just(path), st.lists(moments, min_size=1, max_size=2).map(tuple))
    return same | st.builds(Than, st.just(path), orders, moments)


ids: st.SearchStrategy[Expr] = st.builds(
    In, st.just("_id"), st.lists(st.integers(0, MANY).map("{:024x}".format), max_size=3).map(tuple)
) | st.builds(
    Contains, st.sampled_from(("_id", "processed._id", "user_id")), st.sampled_from(("a", "00", "1", "5B", ""))
)
leaf: st.SearchStrategy[Expr] = st.one_of(
    leaves(data_paths, numbers | texts),
    leaves(data_paths, numbers | texts),
    st.sampled_from(sorted(KNOWN)).flatmap(_known),
    st.sampled_from(DATED).flatmap(_dated),
    ids,
)


def _has_index(path: str) -> bool:
    """No client sorts by a place in an array."""
    return any(part.isdecimal() for part in path.split("."))


def _deeper(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """As often a leaf as a combination; now and then an And or an Or of nothing."""
    some = st.lists(inner, max_size=3).map(tuple)
    combined: st.SearchStrategy[Expr] = st.builds(Not, inner) | st.builds(And, some) | st.builds(Or, some)
    return st.booleans().flatmap(lambda simple: leaf if simple else combined)


exprs = _deeper(_deeper(_deeper(leaf)))
whole = (
    *("_id", "user_id", "data", "processed", "processed.data", "output"),
    *("input", "images", "totals", "error", "callback"),
)
"""What is no single value is ordered too."""
sortable = (data_paths | st.sampled_from((*KNOWN, *DATED, *whole))).filter(lambda path: not _has_index(path))
sorts = st.builds(Sort, sortable, st.booleans())
pages = st.builds(Page, st.integers(1, 3), st.sampled_from((1, 2, 7, 10, 100)))
positions = st.sampled_from(PLACES) | st.sampled_from(((38.88, -77.05), (12.3, 178.0), (-89.0, 33.0), (60.1, -0.7)))
nears = st.builds(
    lambda at, within: Near(*at, within), positions, st.sampled_from((None, 0.0, 1.0, 5_000.0, 1e6, 1e7, 3e7))
)
queries = st.builds(Query, exprs, st.just(Sort()) | sorts, pages, st.none() | st.none() | nears)
