"""Owns the tests of the one writer: groups, a failing change alone, errors by kind, the end. Never a table of ours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from sixpx.errors import Conflict, Lost, StoreDown
from sixpx.store.sqlite.writer import GROUP_MOST, Writer


def connected(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)")
    return connection


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    made = Writer(connected(tmp_path / "a.db"))
    yield made
    await made.close()


def add(number: int, db: apsw.Connection) -> int:
    db.execute("INSERT INTO t VALUES (?)", (number,))
    return number


def adding(writer: Writer, *numbers: int) -> list[asyncio.Future[int]]:
    return [asyncio.ensure_future(writer.write(lambda db, n=number: add(n, db))) for number in numbers]


def kept(path: Path) -> list[int]:
    reader = apsw.Connection(str(path))
    try:
        return [row[0] for row in reader.execute("SELECT n FROM t ORDER BY n")]
    finally:
        reader.close()


async def held(writer: Writer) -> threading.Event:
    """The writer waits until the event is set, so that what is asked meanwhile is one group."""
    began, go = threading.Event(), threading.Event()

    def wait(db: apsw.Connection) -> None:
        began.set()
        assert go.wait(10)

    waiting = asyncio.ensure_future(writer.write(wait))
    await asyncio.to_thread(began.wait, 10)
    waiting.add_done_callback(lambda done: done.result())
    return go


async def test_a_change_is_durable_when_its_caller_goes_on(writer: Writer, tmp_path: Path) -> None:
    assert await writer.write(lambda db: add(7, db)) == 7
    assert kept(tmp_path / "a.db") == [7]


async def test_all_that_wait_share_one_commit(tmp_path: Path) -> None:
    connection, commits = connected(tmp_path / "a.db"), []
    writer = Writer(connection)
    go = await held(writer)
    connection.set_commit_hook(lambda: bool(commits.append(1)))
    work = adding(writer, *range(GROUP_MOST))
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*work) == list(range(GROUP_MOST))
    assert len(commits) == 2  # the one that held the writer, and the group
    await writer.close()


async def test_more_than_a_group_are_all_written(writer: Writer, tmp_path: Path) -> None:
    await asyncio.gather(*adding(writer, *range(2 * GROUP_MOST + 5)))
    assert kept(tmp_path / "a.db") == list(range(2 * GROUP_MOST + 5))


async def test_a_failing_change_is_undone_alone(writer: Writer, tmp_path: Path) -> None:
    def lose(db: apsw.Connection) -> None:
        add(99, db)
        raise Lost("gone")

    def slip(db: apsw.Connection) -> None:
        add(98, db)
        raise ZeroDivisionError

    def misspell(db: apsw.Connection) -> None:
        add(97, db)
        db.execute("SELECT * FROM no_such_table")

    go = await held(writer)
    good = adding(writer, 1, 2)
    bad = [asyncio.ensure_future(writer.write(change)) for change in (lose, slip, misspell)]
    good += adding(writer, 3, 1)
    await asyncio.sleep(0)
    go.set()
    *fine, taken = await asyncio.gather(*good, return_exceptions=True)
    lost, slipped, misspelt = await asyncio.gather(*bad, return_exceptions=True)
    assert fine == [1, 2, 3]
    assert isinstance(taken, Conflict)
    assert isinstance(lost, Lost)
    assert isinstance(slipped, ZeroDivisionError)
    assert isinstance(misspelt, apsw.SQLError)
    assert kept(tmp_path / "a.db") == [1, 2, 3]


async def test_a_database_that_cannot_be_written_to_is_down_for_the_group_and_the_writer_lives_on(
    writer: Writer, tmp_path: Path
) -> None:
    other = apsw.Connection(str(tmp_path / "a.db"))
    other.execute("BEGIN IMMEDIATE")
    results = await asyncio.gather(*adding(writer, 1, 2, 3), return_exceptions=True)
    assert [type(one) for one in results] == [StoreDown] * 3
    other.execute("ROLLBACK")
    other.close()
    assert await writer.write(lambda db: add(4, db)) == 4
    assert kept(tmp_path / "a.db") == [4]


async def test_closing_waits_for_what_was_asked_and_refuses_what_comes_later(writer: Writer, tmp_path: Path) -> None:
    go = await held(writer)
    work = adding(writer, 1, 2, 3)
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(writer.close())
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*work) == [1, 2, 3]
    await closing
    with pytest.raises(StoreDown):
        await writer.write(lambda db: add(4, db))
    assert kept(tmp_path / "a.db") == [1, 2, 3]


async def test_a_caller_who_gave_up_takes_nobody_along(writer: Writer, tmp_path: Path) -> None:
    go = await held(writer)
    left, stayed = adding(writer, 1, 2)
    await asyncio.sleep(0)
    left.cancel()
    go.set()
    assert await stayed == 2
    assert kept(tmp_path / "a.db") == [1, 2]


async def test_a_change_that_is_interrupted_fails_its_group_and_the_writer_lives_on(
    writer: Writer, tmp_path: Path
) -> None:
    def interrupted(db: apsw.Connection) -> None:
        add(99, db)
        raise KeyboardInterrupt

    go = await held(writer)
    work = [*adding(writer, 1), asyncio.ensure_future(writer.write(interrupted)), *adding(writer, 2)]
    await asyncio.sleep(0)
    go.set()
    results = await asyncio.wait_for(asyncio.gather(*work, return_exceptions=True), 5)
    assert [type(one) for one in results] == [StoreDown] * 3
    assert await asyncio.wait_for(writer.write(lambda db: add(4, db)), 5) == 4
    assert kept(tmp_path / "a.db") == [4]


async def test_a_change_that_runs_out_of_rows_is_a_mistake_of_its_own(writer: Writer) -> None:
    with pytest.raises(RuntimeError, match="ran out of rows"):
        await asyncio.wait_for(writer.write(lambda db: next(db.execute("SELECT n FROM t"))), 5)
    assert await writer.write(lambda db: add(4, db)) == 4


class Unsound(apsw.Connection):
    """Can neither go on nor back, once told so."""

    broken = False

    def execute(self, statement: str, *rest: object) -> apsw.Cursor:
        if self.broken and statement in ("COMMIT", "ROLLBACK"):
            raise apsw.IOError("the disk is gone")
        return super().execute(statement, *rest)


async def test_when_the_writer_dies_nobody_waits_for_ever(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    connected(tmp_path / "a.db").close()
    connection = Unsound(str(tmp_path / "a.db"))
    writer = Writer(connection)
    go = await held(writer)
    connection.broken = True
    work = adding(writer, *range(GROUP_MOST + 5))  # the last of them still in the queue
    await asyncio.sleep(0)
    go.set()
    results = await asyncio.wait_for(asyncio.gather(*work, return_exceptions=True), 5)
    assert [type(one) for one in results] == [StoreDown] * (GROUP_MOST + 5)
    with pytest.raises(StoreDown):
        await asyncio.wait_for(writer.write(lambda db: add(4, db)), 5)
    await asyncio.wait_for(writer.close(), 5)
    assert "has died" in caplog.text
    assert kept(tmp_path / "a.db") == []


async def test_a_loop_that_is_closed_before_the_answer_takes_nobody_along(writer: Writer, tmp_path: Path) -> None:
    go = await held(writer)

    def elsewhere() -> None:
        async def ask() -> None:
            asking = asyncio.ensure_future(writer.write(lambda db: add(1, db)))
            await asyncio.sleep(0)
            asking.cancel()

        asyncio.run(ask())

    await asyncio.to_thread(elsewhere)
    here = adding(writer, 2)
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.wait_for(here[0], 5) == 2
    assert await writer.write(lambda db: add(3, db)) == 3
    assert kept(tmp_path / "a.db") == [1, 2, 3]
