"""Owns the one thread that writes to a SQLite file: callers' changes are committed in groups. Never knows a table.

One commit serves all changes that wait for it, so that a durable write (synchronous=FULL) costs a fraction of an
fsync. A change that raises is undone alone, by its savepoint. Whatever happens to the thread, every caller is answered.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import apsw

from sixpx.errors import Conflict, SixpxError, StoreDown

log = logging.getLogger(__name__)

T = TypeVar("T")
Change = Callable[[apsw.Connection], Any]

GROUP_MOST = 256
"""Changes in one commit; bounds how long the first of them waits."""


@dataclass(slots=True)
class _Asked:
    change: Change
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Runs changes one after another on a connection of its own. `close` waits for those already asked."""

    def __init__(self, connection: apsw.Connection) -> None:
        # what a savepoint may have to put back is kept in memory: by itself SQLite writes what is beyond 64 KB to a
        # file, and one job touches more (https://sqlite.org/compile.html, SQLITE_STMTJRNL_SPILL)
        connection.execute("PRAGMA temp_store = MEMORY")
        self._connection = connection
        self._queue: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._closed = False
        self._door = threading.Lock()  # nothing enters the queue once it is closed
        self._thread.start()

    async def write(self, change: Callable[[apsw.Connection], T]) -> T:
        """What `change` returned, after the commit; what it raised, with its changes undone."""
        loop = asyncio.get_running_loop()
        asked = _Asked(change, loop, loop.create_future())
        with self._door:
            if self._closed:
                raise StoreDown("the store is closed")
            self._queue.put(asked)
        result: T = await asked.future
        return result

    async def close(self) -> None:
        with self._door:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            open_ = True
            while open_:
                group, open_ = self._next_group()
                if group:
                    self._serve(group)
        except BaseException:
            log.exception("the thread that writes to the database has died", extra={"stage": "store"})
        finally:
            self._end()

    def _serve(self, group: list[_Asked]) -> None:
        try:
            self._commit(group)
        except BaseException:
            _fail(group, "the database cannot be written to any more")
            raise
        finally:
            _answer(group)

    def _end(self) -> None:
        """Whoever still waits is told; an orderly close has left nobody."""
        with self._door:
            self._closed = True
        left = []
        while not self._queue.empty():
            if (asked := self._queue.get_nowait()) is not None:
                left.append(asked)
        _fail(left, "the store is closed")
        _answer(left)
        self._connection.close(True)

    def _next_group(self) -> tuple[list[_Asked], bool]:
        group: list[_Asked] = []
        one = self._queue.get()
        while one is not None:
            group.append(one)
            if len(group) == GROUP_MOST:
                return group, True
            try:
                one = self._queue.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Asked]) -> None:
        """All or, where the database or this thread is struck, nothing. Raises where even that is not certain."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for asked in group:
                self._apply(asked)
            self._connection.execute("COMMIT")
        except BaseException as broken:  # a KeyboardInterrupt too: nobody else waits for this thread's callers
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            _fail(group, f"the database cannot be written to: {broken!r}")

    def _apply(self, asked: _Asked) -> None:
        try:
            with self._connection:
                asked.result = asked.change(self._connection)
        except SixpxError as fault:
            asked.error = fault
        except apsw.ConstraintError as taken:
            asked.error = Conflict(f"what was to be added is there already: {taken}")
        except apsw.SQLError as fault:  # as below: the database itself is well
            asked.error = fault
        except apsw.Error:
            raise
        except StopIteration as fault:  # no future takes it
            asked.error = RuntimeError(f"a change ran out of rows: {fault!r}")
        except Exception as fault:  # a mistake of ours in one change must not take the thread, or its group, along
            asked.error = fault


def _fail(group: list[_Asked], why: str) -> None:
    for asked in group:
        asked.error = StoreDown(why)


def _answer(group: list[_Asked]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Asked]] = {}
    for asked in group:
        by_loop.setdefault(asked.loop, []).append(asked)
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, answers)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            log.debug("%d changes were made for a loop that is closed", len(answers))


def _resolve(answers: list[_Asked]) -> None:
    for asked in answers:
        if asked.future.done():
            continue
        if asked.error is not None:
            asked.future.set_exception(asked.error)
        else:
            asked.future.set_result(asked.result)
