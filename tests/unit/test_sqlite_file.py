"""Owns what a SQLite file has for searches: indexes that come and go, positions, what an older version left. Never the
meaning of a condition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest

from sixpx.core.job import Picture, Status, with_picture
from sixpx.core.query import And, In, Near, Order, Query, Than
from sixpx.errors import BadSettings
from sixpx.settings import load
from sixpx.store.sqlite import SqliteStore
from sixpx.store.sqlite import file as sqlite_file
from sixpx.store.sqlite import index as sqlite_index
from sixpx.store.sqlite import jobs as sqlite_jobs
from sixpx.store.sqlite.search import is_quick
from tests.contract.jobs import ADA, NOW, after, job_of
from tests.unit.plans import plan

# --- indexes that come and go ---------------------------------------------------------------------

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


async def test_paths_that_differ_in_case_alone_have_an_index_each(tmp_path: Path) -> None:
    path, declared = tmp_path / "store.db", ["data.ID", "data.order", "data.Order"]
    store = SqliteStore.open(path, index=declared)
    await store.add_job(replace(job_of(1), data={"ID": 1, "id": 2, "order": 3, "Order": 4}), {}, None, NOW)
    for again in (declared, None, declared[1:]):
        await store.close()
        store = SqliteStore.open(path, index=again)
        for number, name in enumerate(("data.ID", "data.id", "data.order", "data.Order"), 1):
            assert [(await store.jobs(ADA, Query(In(name, (one,))))).total for one in (number, 9)] == [1, 0]
            indexed = is_quick(Query(In(name, (number,))), store._indexed)
            assert indexed == (name != "data.ID" or again != declared[1:])
    await store.close()


async def test_an_index_of_another_definition_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await SqliteStore.open(path).close()
    db = apsw.Connection(str(path))
    db.execute('DROP INDEX "search:data.id"')
    db.execute('CREATE INDEX "search:data.id" ON job (id)')
    db.close()
    store = SqliteStore.open(path)
    explained = await store._readers.read(lambda db: plan(db, Query(In("data.id", ("x",)))))
    await store.close()
    assert "COVERING INDEX search:data.id (user_id=? AND <expr>=?)" in explained


# --- positions ------------------------------------------------------------------------------------


def seen(position: tuple[float, float] | None) -> Callable[[Any], Any]:
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
    await store.change_job(ADA, job_of(1).id, lambda job: replace(job, status=Status.FAILED))
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
