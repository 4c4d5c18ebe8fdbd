"""Owns how SQLite is asked: which index answers what, that nothing that is asked becomes SQL, what is counted. Never a
second store: what a condition means is held by their differential test."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import apsw
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixpx.core import matching
from sixpx.core.matching import Document, key_of, metres, select
from sixpx.core.query import And, Contains, Expr, In, Mod, Near, Not, Or, Order, Page, Query, Sort, Than
from sixpx.store.document import searchable
from sixpx.store.sqlite import file as sqlite_file
from sixpx.store.sqlite import functions as sqlite_functions
from sixpx.store.sqlite import index as sqlite_index
from sixpx.store.sqlite import jobs as sqlite_jobs
from sixpx.store.sqlite import near as sqlite_near
from sixpx.store.sqlite import query as sqlite_query
from sixpx.store.sqlite import search as sqlite_search
from sixpx.store.sqlite.search import is_quick
from tests.conftest import LONG
from tests.contract.jobs import ADA, JSON, NOW, job_of
from tests.contract.queries import jobs, queries
from tests.unit.plans import plan

DECLARED = ("data.a", "data.b", "data.a.b")
JOBS = jobs()
DOCUMENTS: list[Document] = [orjson.loads(orjson.dumps(searchable(one))) for one in JOBS]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    """A connection to a file with random jobs, and indexes of some of their odd values."""
    path = tmp_path_factory.mktemp("search") / "store.db"
    sqlite_file.prepare(path, DECLARED)
    connection = sqlite_file.connect(path)
    sqlite_functions.register(connection)
    for one in JOBS:
        sqlite_jobs.add(connection, one, {}, None, NOW, ())
    yield connection
    connection.close()


def answer(db: apsw.Connection, query: Query, declared: tuple[str, ...] = DECLARED) -> tuple[list[str], int]:
    found = sqlite_jobs.page_of(db, ADA, query, frozenset({*sqlite_index.DEFAULT, *declared}))
    return [one.id for one in found.items], found.total


def meant(query: Query) -> tuple[list[str], int]:
    page, total = select(query, DOCUMENTS)
    return [one["_id"] for one in page], total


# --- meaning, where little is counted -------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting stops at seven, so that 120 jobs are many."""
    monkeypatch.setattr(sqlite_search, "COUNT_MOST", 7)
    monkeypatch.setattr(matching, "COUNT_MOST", 7)
    monkeypatch.setattr(sqlite_search, "FEW", 20)
    monkeypatch.setattr(sqlite_search, "STRETCH", 2)


@settings(max_examples=1000 if LONG else 60)
@given(query=queries)
@pytest.mark.usefixtures("few")
def test_searches_mean_the_same_where_more_match_than_are_counted(db: apsw.Connection, query: Query) -> None:
    assert answer(db, query) == meant(query)


@settings(max_examples=1000 if LONG else 40)
@given(query=queries)
def test_searches_mean_the_same_by_indexes_of_odd_values_and_without(db: apsw.Connection, query: Query) -> None:
    assert answer(db, query) == answer(db, query, ()) == meant(query)


INDEXED = [
    *(In("_id", tuple(one.id for one in JOBS[::3])), In("_id", ()), Contains("_id", "1")),
    *(In("status", ("failed", "complete")), Not(In("status", ("failed",))), Contains("status", "e")),
    *(Than("created", Order.GTE, NOW), Than("totals.bytes", Order.LT, 200), Mod("data.a", 2, 1)),
    *(In("data.a", (1, "a", True)), Than("data.a", Order.GT, "a"), Than("data.b", Order.GT, 0)),
    Contains("data.a.b", "a"),
]
SORTS = ["created", "modified", "status", "_id", "totals.bytes", "totals.duration.total", "data.a", "data.c", "images"]


@settings(max_examples=1000 if LONG else 40)
@given(
    st.lists(st.sampled_from(INDEXED), max_size=3),
    st.sampled_from(SORTS),
    st.booleans(),
    st.sampled_from((1, 2, 5)),
    st.none() | st.sampled_from((1e3, 2e6, 3e7)).map(lambda far: Near(38.9, -77.0, far)) | st.just(Near(-89.0, 179.0)),
)
@pytest.mark.usefixtures("few")
def test_indexes_together_mean_what_they_mean_alone(
    db: apsw.Connection, parts: list[Expr], path: str, descending: bool, page: int, near: Near | None
) -> None:
    query = Query(And(tuple(parts)), Sort(path, descending), Page(page, 4), near)
    assert answer(db, query) == meant(query)


LONG_LIST = (*range(-3, 9), 0.5, -2.5, 1e300, 2**53 + 1, "a", "A", "1", "kale", "failed", "one", "\\", '"', "ß", True)


@pytest.mark.parametrize("path", ["data.a", "data.b", "data.c", "data.a.b", "status", "processed.name", "totals.bytes"])
@pytest.mark.parametrize("values", [LONG_LIST, LONG_LIST[:-1], LONG_LIST[:13]], ids=["mixed", "plain", "numbers"])
def test_a_long_list_means_any_of_its_values(db: apsw.Connection, path: str, values: tuple[Any, ...]) -> None:
    for asked in (In(path, values), Not(In(path, values)), And((In(path, values), Than("created", Order.GTE, NOW)))):
        query = Query(asked, page=Page(1, 100))
        assert answer(db, query) == answer(db, query, ()) == meant(query)


def test_a_statement_names_few_values_however_many_are_asked_for() -> None:
    """SQLite looks each name up among all: 50 lists of 100 values would take it more than a second."""
    lists = [In(f"data.{name}", tuple(range(100 * name, 100 * name + 100))) for name in range(50)]
    values = sqlite_query.Values()
    sqlite_query.where(And(tuple(lists)), values)
    sqlite_query.where(And(tuple(lists)), values)
    assert len(values.bound) <= 2 * len(lists)


# --- nothing that is asked becomes SQL ------------------------------------------------------------

HOSTILE = (
    "'",
    '"',
    "`",
    ";",
    "--",
    "/*",
    ")",
    "]",
    "[",
    "$",
    "%",
    "%s",
    "{0}",
    ":user",
    "?1",
    "\\",
    "\x00",
    "\n",
    " OR 1=1",
)
hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=3), max_size=4).map("".join)
hostile_paths = st.tuples(st.sampled_from(("data", "data.a", "input", "processed", "output.methods", "x")), hostile)


@given(hostile_paths.map(".".join), hostile, st.integers(-(2**70), 2**70))
def test_no_path_and_no_value_breaks_out_of_its_place(db: apsw.Connection, path: str, text: str, number: int) -> None:
    for asked in (In(path, (text, number)), Contains(path, text), Than(path, Order.GT, number), Mod(path, 3, number)):
        query = Query(Not(asked), Sort(path))
        assert answer(db, query) == meant(query)


# --- which index answers --------------------------------------------------------------------------

ANSWERS: dict[str, tuple[Query, str]] = {
    "the list": (Query(), "COVERING INDEX job_newest (user_id=?)"),
    "modified": (Query(sort=Sort("modified")), "COVERING INDEX job_changed (user_id=?)"),
    "created": (Query(Than("created", Order.GT, NOW)), "COVERING INDEX job_newest (user_id=? AND created>?)"),
    "status": (Query(In("status", ("failed",))), "COVERING INDEX job_status (user_id=? AND status=?)"),
    "not status": (Query(Not(In("status", ("failed",)))), "COVERING INDEX job_status (user_id=? AND status=?)"),
    "_id": (Query(In("_id", (job_of(1).id, job_of(2).id))), "INDEX sqlite_autoindex_job_1 (id=?)"),
    "_id, and something else": (
        Query(And((In("_id", (job_of(1).id,)), Contains("data.order", "x"))), sort=Sort("data.order")),
        "INDEX sqlite_autoindex_job_1 (id=?)",
    ),
    "data.id": (Query(In("data.id", ("x",))), "COVERING INDEX search:data.id (user_id=? AND <expr>=?)"),
    "data.id, digits": (
        Query(Or((In("data.id", (12,)), In("data.id", ("12",))))),
        "COVERING INDEX search:data.id (user_id=? AND <expr>=?)",
    ),
    "near": (Query(near=Near(51.5, 0.0, 1e4)), "place USING PRIMARY KEY (user_id=? AND lat>? AND lat<?)"),
    "near across the date line": (
        Query(near=Near(-17.7, 179.999, 1e4)),
        "place USING PRIMARY KEY (user_id=? AND lat>? AND lat<?)",
    ),
    "near any": (Query(near=Near(51.5, 0.0)), "place USING PRIMARY KEY (user_id=?"),
    "declared": (Query(In("data.a.b", (1,))), "INDEX search:data.a.b (user_id=? AND <expr>=?)"),
    **{
        path: (Query(Than(path, Order.GT, 5)), f"COVERING INDEX search:{path} (user_id=? AND <expr>>? AND <expr><?)")
        for path in ("totals.bytes", *(f"totals.duration.{name}" for name in ("total", "download", "upload")))
    },
    **{
        path: (Query(Than(path, Order.LTE, NOW)), f"COVERING INDEX search:{path} (user_id=? AND <expr>>? AND <expr><?)")
        for path in ("totals.duration.start", "totals.duration.end")
    },
    **{
        f"sorted by {path}": (Query(sort=Sort(path)), f"COVERING INDEX search:{path} (user_id=?)")
        for path in ("totals.bytes", "totals.duration.total", "totals.duration.start")
    },
}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_documented_field_is_answered_by_its_index(db: apsw.Connection, name: str) -> None:
    query, expected = ANSWERS[name]
    explained = plan(db, query)
    assert expected in explained
    assert is_quick(query, sqlite_index.paths(db))


NEWEST_FIRST: dict[str, Expr] = {
    **{path: Than(path, Order.LTE, NOW) for path in ("created", "modified", "totals.duration.start")},
    "status": In("status", ("failed", "complete")),
    "totals.bytes": Than("totals.bytes", Order.LT, 200),
}


@pytest.mark.parametrize("path", NEWEST_FIRST)
def test_the_newest_of_what_an_index_finds_are_found_without_a_look_at_a_job(db: apsw.Connection, path: str) -> None:
    asked = plan(db, Query(NEWEST_FIRST[path]))
    assert "USING COVERING INDEX" in asked
    assert "USING INDEX" not in asked


def test_a_list_by_id_walks_the_jobs_of_its_user_alone(db: apsw.Connection) -> None:
    """The key has those of all users: it would lead through all of them."""
    explained = plan(db, Query(sort=Sort("_id")))
    assert "job_newest (user_id=?)" in explained
    assert "SCAN job USING INDEX sqlite_autoindex_job_1" not in explained


SLOW = {
    "an undeclared path": Query(In("data.order", ("x",))),
    "a part of an id": Query(Contains("_id", "5eed")),
    "all but one": Query(Not(In("_id", (job_of(1).id,)))),
    "a choice": Query(Or((In("status", ("failed",)), Contains("data.id", "x")))),
    "an undeclared order": Query(sort=Sort("data.order")),
    "both": Query(And((In("data.id", (1,)), In("data.order", (1,))))),
}


@pytest.mark.parametrize("name", SLOW)
def test_what_must_look_at_each_job_is_not_called_quick(name: str) -> None:
    assert not is_quick(SLOW[name], frozenset(sqlite_index.DEFAULT))


# --- odd values -----------------------------------------------------------------------------------


@given(JSON, JSON)
def test_sqlite_orders_all_values_as_mongodb_does(db: apsw.Connection, one: Any, other: Any) -> None:
    keys = [key_of(value) for value in (one, other)]
    less = db.execute("SELECT a < b OR (a IS NULL AND b IS NOT NULL) FROM (SELECT ? AS a, ? AS b)",
                      tuple(map(sqlite_functions.sortable, keys))).get  # fmt: skip
    assert bool(less) == (keys[0] < keys[1])


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 360), st.floats(0, 2.1e7))
def test_what_is_near_enough_lies_in_the_box(latitude: float, longitude: float, bearing: float, far: float) -> None:
    angle, north = far / matching.EARTH, math.radians(latitude)
    sine = math.sin(north) * math.cos(angle) + math.cos(north) * math.sin(angle) * math.cos(math.radians(bearing))
    there = math.degrees(math.asin(max(-1.0, min(1.0, sine))))
    east = math.atan2(math.sin(math.radians(bearing)) * math.sin(angle) * math.cos(north),
                      math.cos(angle) - math.sin(north) * sine)  # fmt: skip
    away = (longitude + math.degrees(east) + 180) % 360 - 180
    if metres(latitude, longitude, there, away) <= far:
        found = sqlite_near.box(Near(latitude, longitude), far)
        assert found.south <= there <= found.north
        assert any(west <= away <= east for west, east in found.spans)
