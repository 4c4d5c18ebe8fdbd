"""Owns the one thread that writes to a SQLite file: callers' changes are committed in groups. Never knows a table.

One commit serves all changes that wait for it, so that a durable write (synchronous=FULL) costs a fraction of an
fsync. A change that raises is undone alone, by its savepoint.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import apsw

from sixpx.errors import Conflict, SixpxError, StoreDown

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
    error: BaseException | None = None


class Writer:
    """Runs changes one after another on a connection of its own. `close` waits for those already asked."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._queue: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._closed = False
        self._thread.start()

    async def write(self, change: Callable[[apsw.Connection], T]) -> T:
        """What `change` returned, after the commit; what it raised, with its changes undone."""
        if self._closed:
            raise StoreDown("the store is closed")
        loop = asyncio.get_running_loop()
        asked = _Asked(change, loop, loop.create_future())
        self._queue.put(asked)
        result: T = await asked.future
        return result

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            if group:
                self._commit(group)
                _answer(group)
        self._connection.close()

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
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for asked in group:
                self._apply(asked)
            self._connection.execute("COMMIT")
        except apsw.Error as broken:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for asked in group:
                asked.error = StoreDown(f"the database cannot be written to: {broken}")

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
        except Exception as fault:  # a mistake of ours in one change must not take the thread, or its group, along
            asked.error = fault


def _answer(group: list[_Asked]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Asked]] = {}
    for asked in group:
        by_loop.setdefault(asked.loop, []).append(asked)
    for loop, answers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list[_Asked]) -> None:
    for asked in answers:
        if asked.future.done():
            continue
        if asked.error is not None:
            asked.future.set_exception(asked.error)
        else:
            asked.future.set_result(asked.result)
