"""Owns the threads that read a SQLite file, each with a connection of its own, and when they give up. Never a table.

Whoever does not wait any more interrupts his reader, which ends with the row that it is at. A reader also looks by
itself at the time, every few thousand steps of SQLite's machine: where the event loop is late, and for one row's sake.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import apsw

from sixpx.errors import StoreDown, TooSlow
from sixpx.store.sqlite import file as files
from sixpx.store.sqlite import functions

T = TypeVar("T")

STEPS = 20_000
"""Of SQLite's machine, between two looks: some milliseconds, where it does not call functions on large documents."""


@dataclass(slots=True, eq=False)
class _Patience:
    """Until when somebody waits, in seconds of `time.monotonic`. `gone`: he will not be answered at all. `reading`: the
    connection, while it reads for him."""

    until: float
    gone: bool = False
    reading: apsw.Connection | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def over(self) -> bool:
        return time.monotonic() > self.until

    def end(self, gone: bool = False) -> None:
        self.gone, self.until = gone, -math.inf
        with self.lock:  # what the connection reads next is somebody else's
            if self.reading is not None:
                self.reading.interrupt()

    @contextmanager
    def of(self, connection: apsw.Connection) -> Iterator[None]:
        """It reads for him. SQLite forgets an interruption where no statement is under way: so one always is."""
        connection.set_progress_handler(self.over, STEPS)
        under_way = connection.execute("VALUES (1), (2)")
        with self.lock:
            self.reading = connection
        try:
            yield
        finally:
            with self.lock:
                self.reading = None
            under_way.close()
            connection.set_progress_handler(None)


class Readers:
    """So many threads under one name. `close` ends what they are at."""

    def __init__(self, path: Path, count: int, name: str) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._local = threading.local()
        self._connections: list[apsw.Connection] = []
        self._asked: set[_Patience] = set()

    async def read(self, work: Callable[[apsw.Connection], T], seconds: float | None = None) -> T:
        """What `work` returns. TooSlow after so many seconds, the time in the queue included; a caller that is
        cancelled ends the work too. StoreDown where the file cannot be read."""
        patience = _Patience(math.inf if seconds is None else time.monotonic() + seconds)
        try:
            reading = asyncio.get_running_loop().run_in_executor(self._threads, self._work, work, patience)
        except RuntimeError as closed:
            raise StoreDown("the store is closed") from closed
        self._asked.add(patience)
        try:
            async with asyncio.timeout(seconds):
                return await reading
        except TimeoutError as late:  # it may not even have begun, where others are slow too
            patience.end()
            raise _given_up(patience) from late
        except asyncio.CancelledError:
            patience.end(gone=True)
            raise
        finally:
            self._asked.discard(patience)

    async def close(self) -> None:
        for patience in self._asked:
            patience.end(gone=True)
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _work(self, work: Callable[[apsw.Connection], T], patience: _Patience) -> T:
        try:
            connection = self._connection()
            with patience.of(connection):
                if patience.over():
                    raise _given_up(patience)
                return work(connection)
        except apsw.InterruptError as interrupted:
            raise _given_up(patience) from interrupted
        except apsw.Error as broken:
            raise StoreDown(f"the database cannot be read: {broken}") from broken

    def _connection(self) -> apsw.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = files.connect(self._path)
            functions.register(self._local.connection)
            self._connections.append(self._local.connection)
        connection: apsw.Connection = self._local.connection
        return connection


def _given_up(patience: _Patience) -> Exception:
    if patience.gone:
        return StoreDown("the store is closed")
    return TooSlow("the search took too long; ask for less, or by a field that is indexed")
