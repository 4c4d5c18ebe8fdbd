"""Owns when a read of SQLite ends: by its limit, with its caller, with the store; and who waits for whom. Never SQL's
meaning."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from sixpx.core import job as core
from sixpx.core.job import Job
from sixpx.core.query import Contains, In, Query
from sixpx.errors import StoreDown, TooSlow
from sixpx.store.sqlite import SEARCHERS, SqliteStore, claims
from sixpx.store.sqlite.readers import Readers
from tests.contract.jobs import ADA, NOW, after, job_of

LIMIT = 20
"""Seconds in which all of this must be over."""


class Endless:
    """A read without an end; `begun` is set when it runs."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.begun = asyncio.Event()

    def __call__(self, db: apsw.Connection) -> None:
        self.loop.call_soon_threadsafe(self.begun.set)
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        db.execute(f"{numbers} SELECT max(i) FROM n").fetchall()


class Slow(Endless):
    """A read of 1,000 rows, each of which takes a tenth of a second and next to no steps of SQLite's machine."""

    def __call__(self, db: apsw.Connection) -> None:
        self.loop.call_soon_threadsafe(self.begun.set)
        db.create_scalar_function("slow", lambda: time.sleep(0.1), 0)
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)"
        db.execute(f"{numbers} SELECT slow() FROM n").fetchall()


def one(db: apsw.Connection) -> int:
    found: int = db.execute("SELECT 1").get
    return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "store.db")
    await opened.add_job(job_of(1), {}, None, NOW)
    yield opened
    async with asyncio.timeout(LIMIT):
        await opened.close()


@pytest.fixture
async def reader(store: SqliteStore, tmp_path: Path) -> AsyncIterator[Readers]:
    """A single one."""
    opened = Readers(tmp_path / "store.db", 1, "test")
    yield opened
    async with asyncio.timeout(LIMIT):
        await opened.close()


async def test_a_read_ends_at_its_limit_and_its_thread_reads_on(reader: Readers) -> None:
    async with asyncio.timeout(LIMIT):
        with pytest.raises(TooSlow):
            await reader.read(Endless(), 0.05)
        assert await reader.read(one) == 1


async def test_rows_that_are_slow_by_themselves_end_with_the_one_that_is_read(reader: Readers) -> None:
    async with asyncio.timeout(LIMIT):
        with pytest.raises(TooSlow):
            await reader.read(Slow(), 0.05)
        assert await reader.read(one) == 1
        slow = Slow()
        reading = asyncio.ensure_future(reader.read(slow))
        await slow.begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await reader.read(one) == 1
        slow = Slow()
        reading = asyncio.ensure_future(reader.read(slow))
        await slow.begun.wait()
        await reader.close()
        with pytest.raises(StoreDown):
            await reading


async def test_the_limit_counts_from_the_call_not_from_the_threads_turn(reader: Readers) -> None:
    begun: list[bool] = []
    async with asyncio.timeout(LIMIT):
        first = Endless()
        busy = asyncio.ensure_future(reader.read(first))
        await first.begun.wait()
        with pytest.raises(TooSlow):
            await reader.read(lambda db: begun.append(True), 0.05)
        busy.cancel()
        assert await reader.read(one) == 1
    assert not begun


async def test_a_caller_that_goes_away_ends_its_read(reader: Readers) -> None:
    endless = Endless()
    async with asyncio.timeout(LIMIT):
        reading = asyncio.ensure_future(reader.read(endless))
        await endless.begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await reader.read(one) == 1


async def test_a_store_that_closes_ends_what_is_read(reader: Readers) -> None:
    endless = Endless()
    async with asyncio.timeout(LIMIT):
        reading = asyncio.ensure_future(reader.read(endless))
        await endless.begun.wait()
        await reader.close()
        with pytest.raises(StoreDown):
            await reading
    with pytest.raises(StoreDown):
        await reader.read(one)


async def test_a_search_ends_at_its_limit(store: SqliteStore) -> None:
    with pytest.raises(TooSlow):
        await store.jobs(ADA, Query(Contains("data.title", "x")), 0)
    assert (await store.jobs(ADA, Query(Contains("data.title", "x")), 30)).total == 0


async def test_slow_searches_hold_up_neither_reads_nor_quick_searches(store: SqliteStore) -> None:
    slow = [Endless() for _ in range(SEARCHERS)]
    searches = [asyncio.ensure_future(store._searchers.read(each)) for each in slow]
    async with asyncio.timeout(LIMIT):
        for each in slow:
            await each.begun.wait()
        assert await store.job(ADA, job_of(1).id) == job_of(1)
        assert (await store.jobs(ADA, Query(), 30)).total == 1
        assert (await store.jobs(ADA, Query(In("status", ("pending",))), 30)).total == 1
        with pytest.raises(TooSlow):
            await store.jobs(ADA, Query(In("data.order", ("x",))), 0.05)
        for search in searches:
            search.cancel()
        await asyncio.gather(*searches, return_exceptions=True)
        assert (await store.jobs(ADA, Query(In("data.order", ("x",))), 30)).total == 0


# --- claims ---------------------------------------------------------------------------------------


async def test_whoever_writes_does_not_wait_until_claimed_jobs_are_read(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One may be as large as a body, and takes seconds to unpack."""
    begun, go_on, read = threading.Event(), threading.Event(), claims.of_row

    def slow(row: Sequence[Any]) -> Job:
        begun.set()
        assert go_on.wait(LIMIT)
        return read(row)

    monkeypatch.setattr(claims, "of_row", slow)
    claiming = asyncio.create_task(store.claim("me", NOW, after(60), 9))
    try:
        async with asyncio.timeout(LIMIT):
            assert await asyncio.to_thread(begun.wait, LIMIT)
            await store.add_job(job_of(2), {}, None, NOW)
            assert not claiming.done()
    finally:
        go_on.set()
    assert [one.job.id for one in await claiming] == [job_of(1).id]


async def test_a_job_that_is_cancelled_before_its_claimer_has_read_it_is_not_worked_on(store: SqliteStore) -> None:
    found = await store._writer.write(lambda db: claims.claim(db, "me", NOW, after(60), 9, {}, None))
    assert [one.job_id for one in found] == [job_of(1).id]
    await store.change_job(ADA, job_of(1).id, lambda job: core.cancel(job, after(1)))
    assert await store._read(lambda db: claims.claimed(db, "me", found)) == []
