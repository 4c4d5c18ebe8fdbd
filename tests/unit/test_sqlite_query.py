"""Owns how SQLite is asked: which index answers what, that nothing that is asked becomes SQL, what is counted. Never a
second store: what a condition means is held by their differential test."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixpx.core import matching
from sixpx.core.matching import Document, key_of, metres, select
from sixpx.core.query import And, Contains, Expr, In, Mod, Near, Not, Or, Order, Page, Query, Sort, Than
from sixpx.errors import BadSettings
from sixpx.settings import load
from sixpx.store.document import searchable
from sixpx.store.sqlite import SqliteStore
from sixpx.store.sqlite import file as sqlite_file
from sixpx.store.sqlite import functions as sqlite_functions
from sixpx.store.sqlite import index as sqlite_index
from sixpx.store.sqlite import jobs as sqlite_jobs
from sixpx.store.sqlite import near as sqlite_near
from sixpx.store.sqlite import query as sqlite_query
from sixpx.store.sqlite import search as sqlite_search
from sixpx.store.sqlite.search import Search, is_quick, rows_of
from tests.conftest import LONG
from tests.contract.jobs import ADA, JSON, NOW, after, job_of
from tests.contract.queries import jobs, queries

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


def plan(db: apsw.Connection, query: Query) -> str:
    search = Search(db, query, sqlite_index.paths(db), ADA, plans=[])
    rows_of(search)
    return "\n".join(search.plans or ())


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


BAD_PATHS = ("data.order'", "data", "processed.status", "data.", "data..a", "data.a b", 'data."a"', "data.$a", "data.é",
             "status", "data.a\n", "data." + "a" * 100)  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS, ids=range(len(BAD_PATHS)))
def test_only_plain_paths_of_data_can_be_declared(tmp_path: Path, path: str) -> None:
    file = tmp_path / "sixpx.toml"
    file.write_text(f"[search]\nindex = {orjson.dumps(['data.order', path]).decode()}\n")
    with pytest.raises(BadSettings) as refused:
        load(file, {})
    (fault,) = refused.value.faults
    assert fault.startswith("search.index: ")
    assert repr(path) in fault


def test_as_many_paths_as_slow_a_post_down_are_refused() -> None:
    paths = ",".join(f"data.a{number}" for number in range(21))
    with pytest.raises(BadSettings, match="up to 20 paths, got 21"):
        load(None, {"SIXPX_SEARCH_INDEX": paths})


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


# --- indexes that come and go ---------------------------------------------------------------------


def indexes(path: Path) -> dict[str, int]:
    """The indexes for searches, with the page on which each begins: another one where it was made anew."""
    db = apsw.Connection(str(path))
    found = dict(db.execute("SELECT name, rootpage FROM sqlite_schema WHERE name LIKE 'search:%'").fetchall())
    db.close()
    return found


async def test_an_index_comes_with_its_path_and_goes_with_it(tmp_path: Path) -> None:
    path, query = tmp_path / "store.db", Query(In("data.order", ("a",)))
    store = SqliteStore.open(path)
    for number in (1, 2):
        await store.add_job(replace(job_of(number), data={"order": ["a", "b"][number - 1]}), {}, None, NOW)
    await store.close()
    default = indexes(path)
    assert default.keys() == {f"search:{one}" for one in sqlite_index.DEFAULT}
    for declared, expected in ((["data.order"], True), (None, True), (["data.id", "data.order"], True), ([], False)):
        store = SqliteStore.open(path, index=declared)
        assert [one.id for one in (await store.jobs(ADA, query)).items] == [job_of(1).id]
        explained = await store._searchers.read(lambda db: plan(db, query))
        await store.close()
        assert ("search:data.order" in explained) == expected
        now = indexes(path)
        assert ("search:data.order" in now) == expected
        assert default.items() <= now.items()


async def test_an_index_of_another_definition_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await SqliteStore.open(path).close()
    db = apsw.Connection(str(path))
    db.execute('DROP INDEX "search:data.id"')
    db.execute('CREATE INDEX "search:data.id" ON job (id)')
    db.close()
    store = SqliteStore.open(path)
    explained = await store._readers.read(lambda db: plan(db, ANSWERS["data.id"][0]))
    await store.close()
    assert ANSWERS["data.id"][1] in explained


# --- positions ------------------------------------------------------------------------------------


def seen(position: tuple[float, float] | None) -> Callable[[Any], Any]:
    from sixpx.core.job import Picture, with_picture

    return lambda job: with_picture(job, Picture("main", 4, 3, "image/png", 9, position))


async def test_positions_follow_what_is_written(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "store.db")
    there, away = Query(near=Near(10.0, 20.0, 1000)), Query(near=Near(-10.0, 20.0, 1000))

    async def totals() -> tuple[int, int]:
        return (await store.jobs(ADA, there)).total, (await store.jobs(ADA, away)).total

    await store.add_job(job_of(1), {}, None, NOW)
    found = [await totals()]
    for position in ((10.0, 20.0), (10.0, 20.0), (-10.0, 20.0), None, (10.0, 20.0)):
        await store.change_job(ADA, job_of(1).id, seen(position))
        found.append(await totals())
    assert found == [(0, 0), (1, 0), (1, 0), (0, 1), (0, 0), (1, 0)]
    await store.change_job(ADA, job_of(1).id, lambda job: replace(job, status=type(job.status).FAILED))
    await store.remove_job(ADA, job_of(1).id)
    assert await totals() == (0, 0)
    assert await store._read(lambda db: db.execute("SELECT count(*) FROM place").get) == 0
    await store.close()


# --- files of older versions ----------------------------------------------------------------------


@pytest.mark.parametrize("version", range(1, sqlite_file.SCHEMA_VERSION))
async def test_jobs_of_an_older_file_are_found_by_all_indexes(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.db"
    old = apsw.Connection(str(path))
    for step in sqlite_file.STEPS[:version]:
        old.execute(step)
    old.execute(f"PRAGMA user_version = {version}")
    job = seen((10.0, 20.0))(replace(job_of(1), data={"id": 7}))
    moments = round(NOW.timestamp() * 1000), round(after(1).timestamp() * 1000)
    old.execute(
        "INSERT INTO job (id, user_id, status, created, modified, doc) VALUES (?, ?, 'failed', ?, ?, jsonb(?))",
        (job.id, ADA, *moments, sqlite_jobs.doc_of(job)),
    )
    old.close()
    store = await asyncio.to_thread(SqliteStore.open, path, index=["data.order"])
    for query in (Query(near=Near(10, 20, 10)), Query(In("data.id", (7,))), Query(In("status", ("failed",))),
                  Query(And((In("totals.bytes", (0,)), Than("modified", Order.GT, NOW))))):  # fmt: skip
        assert [one.id for one in (await store.jobs(ADA, query)).items] == [job.id]
    await store.close()


@pytest.mark.parametrize("bytes", [None, 4096], ids=["new", "older"])
async def test_a_new_file_has_large_pages_and_an_older_one_keeps_its_own(tmp_path: Path, bytes: int | None) -> None:
    path = tmp_path / "store.db"
    if bytes is not None:
        old = apsw.Connection(str(path))
        for statement in (
            f"PRAGMA page_size = {bytes}",
            *sqlite_file.STEPS,
            f"PRAGMA user_version = {sqlite_file.SCHEMA_VERSION}",
        ):
            old.execute(statement)
        old.close()
    store = await asyncio.to_thread(SqliteStore.open, path)
    await store.add_job(job_of(1), {}, None, NOW)
    assert (await store.jobs(ADA, Query())).total == 1
    assert await store._read(lambda db: db.execute("PRAGMA page_size").get) == (bytes or sqlite_file.PAGE_BYTES)
    await store.close()
