"""Owns all that a SQLite file holds, to be carried to another store or taken from one. Never a search, never a claim.

It has the file for itself: no service works on it meanwhile. One connection, one thread at a time, and no thread of
the event loop's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import apsw
import orjson

from sixpx.errors import BadSettings, StoreDown
from sixpx.store import archive
from sixpx.store.base import Kind, Row
from sixpx.store.document import iso, to_user, when
from sixpx.store.sqlite import file as files
from sixpx.store.sqlite import jobs
from sixpx.store.sqlite import users as people
from sixpx.store.sqlite.jobs import ms_or_none
from sixpx.store.sqlite.users import ms

T = TypeVar("T")

EPOCH = datetime.fromtimestamp(0, UTC)


def _iso(stamp: int) -> str:
    return iso(datetime.fromtimestamp(stamp / 1000, UTC))


READ: Mapping[Kind, tuple[str, str, Callable[..., Row]]] = {
    Kind.USER: ("SELECT json(doc) FROM user", "id", lambda doc: archive.of_user(to_user(orjson.loads(doc)))),
    Kind.COUNT: (
        "SELECT user_id, name, count, ends FROM posted",
        "user_id, name",
        lambda user_id, name, count, ends: archive.of_count(user_id, name, count, _iso(ends)),
    ),
    Kind.ONCE: (
        "SELECT user_id, key, fingerprint, job_id, expires FROM once",
        "user_id, key",
        lambda user_id, key, print, job_id, expires: archive.of_once(user_id, key, print, job_id, _iso(expires)),
    ),
    Kind.LEFTOVER: ("SELECT folder FROM leftover", "folder", archive.of_leftover),
    Kind.AGREED: ("SELECT name, value FROM agreed", "name", archive.of_agreed),
    Kind.BLOB: ("SELECT id, job_id, bytes FROM blob", "id", archive.of_blob),
    Kind.JOB: (
        f"SELECT {jobs.COLUMNS} FROM job",
        "id",
        lambda *row: archive.of_job(jobs.of_row(row)),
    ),
}
"""How each kind is read, by which columns it is ordered, and what becomes of a line."""


class SqliteArchive:
    """Make it with `open`; its methods are those of `base.Archive`."""

    def __init__(self, connection: apsw.Connection, lock: int) -> None:
        self._db = connection
        self._lock = lock
        self._turn = asyncio.Lock()

    @classmethod
    def open(cls, path: Path) -> SqliteArchive:
        """Opens the file, made where it is missing, and keeps services from it. Raises BadSettings where one works on
        it, or it is no store of ours."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = files.lock(path)
        except OSError as fault:
            raise BadSettings((f"{fault.filename or path}: {fault.strerror}",)) from fault
        try:
            files.prepare(path)
            return cls(files.connect(path), lock)
        except (apsw.Error, BadSettings) as fault:
            os.close(lock)
            if isinstance(fault, BadSettings):
                raise
            raise BadSettings((files.unusable(path, fault),)) from fault

    async def close(self) -> None:
        await asyncio.to_thread(self._db.close)
        os.close(self._lock)

    async def count(self, kind: Kind) -> int:
        select, _, _ = READ[kind]
        _, _, table = select.rpartition(" ")
        return int(await self._do(lambda db: db.execute(f"SELECT count(*) FROM {table}").get))

    async def after(self, kind: Kind, key: str, most: int) -> Sequence[Row]:
        select, order, row = READ[kind]
        words = _words(kind, key)
        query = f"{select} WHERE ({order}) > ({', '.join('?' * len(words))}) ORDER BY {order} LIMIT ?"
        return await self._do(lambda db: _page(db, query, (*words, most), row))

    async def among(self, kind: Kind, keys: Sequence[str]) -> Sequence[Row]:
        select, order, row = READ[kind]
        query = f"{select} WHERE ({order}) = ({', '.join('?' * len(_words(kind, '')))})"
        return await self._do(lambda db: [row(*one) for key in keys for one in db.execute(query, _words(kind, key))])

    async def put(self, kind: Kind, rows: Sequence[Row]) -> None:
        def write(db: apsw.Connection) -> None:
            with db:
                for row in rows:
                    WRITE[kind](db, row)

        await self._do(write)

    async def mark(self) -> Mapping[str, Any] | None:
        def read(db: apsw.Connection) -> Any:
            made = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migration'").get
            return made and db.execute("SELECT mark FROM migration").get

        noted = await self._do(read)
        return None if noted is None else dict(orjson.loads(noted))

    async def note(self, mark: Mapping[str, Any]) -> None:
        def write(db: apsw.Connection) -> None:
            with db:
                db.execute("CREATE TABLE IF NOT EXISTS migration (id INTEGER PRIMARY KEY, mark TEXT NOT NULL)")
                db.execute("INSERT OR REPLACE INTO migration VALUES (1, ?)", (orjson.dumps(mark).decode(),))

        await self._do(write)

    async def _do(self, work: Callable[[apsw.Connection], T]) -> T:
        """In another thread, one after another; who is cancelled meanwhile waits for its end, for the connection is one
        thread's."""
        async with self._turn:
            return await self._done(work)

    async def _done(self, work: Callable[[apsw.Connection], T]) -> T:
        doing = asyncio.ensure_future(asyncio.to_thread(work, self._db))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait((doing,))
            raise
        except apsw.Error as broken:
            raise StoreDown(f"the database cannot be read or written to: {broken}") from broken


def _words(kind: Kind, key: str) -> tuple[str, ...]:
    return archive.parts(key) if kind in (Kind.COUNT, Kind.ONCE) else (key,)


def _page(db: apsw.Connection, query: str, values: Sequence[Any], row: Callable[..., Row]) -> list[Row]:
    page: list[Row] = []
    bytes = 0
    for line in db.execute(query, values):
        page.append(row(*line))
        bytes += archive.size(page[-1].content)
        if bytes >= archive.PAGE_BYTES:
            break
    return page


# --- writing --------------------------------------------------------------------------------------


def _put_user(db: apsw.Connection, row: Row) -> None:
    db.execute("DELETE FROM user WHERE id = ?", (row.key,))
    people.add(db, archive.user_of(row))


def _put_count(db: apsw.Connection, row: Row) -> None:
    raw = row.content
    values = (raw["user_id"], raw["name"], raw["count"], ms(when(raw["ends"])))
    db.execute("INSERT OR REPLACE INTO posted (user_id, name, count, ends) VALUES (?, ?, ?, ?)", values)


def _put_once(db: apsw.Connection, row: Row) -> None:
    raw = row.content
    values = (raw["user_id"], raw["key"], raw["fingerprint"], raw["job_id"], ms(when(raw["expires"])))
    db.execute(
        "INSERT OR REPLACE INTO once (user_id, key, fingerprint, job_id, expires) VALUES (?, ?, ?, ?, ?)", values
    )


def _put_leftover(db: apsw.Connection, row: Row) -> None:
    db.execute("INSERT OR REPLACE INTO leftover (folder) VALUES (?)", (row.key,))


def _put_agreed(db: apsw.Connection, row: Row) -> None:
    db.execute("INSERT OR REPLACE INTO agreed (name, value) VALUES (?, ?)", (row.key, row.content["value"]))


def _put_blob(db: apsw.Connection, row: Row) -> None:
    values = (row.key, row.content["job_id"], row.content["bytes"])
    db.execute("INSERT OR REPLACE INTO blob (id, job_id, bytes) VALUES (?, ?, ?)", values)


def _put_job(db: apsw.Connection, row: Row) -> None:
    """As a new one, so that whatever is derived from a job is; then what only an older one has."""
    job = archive.job_of(row)
    db.execute("DELETE FROM job WHERE id = ?", (job.id,))
    jobs.add(db, job, {}, None, EPOCH, ())
    if job.due is not None:
        db.execute("UPDATE job SET due = ? WHERE id = ?", (ms_or_none(job.due), job.id))


WRITE: Mapping[Kind, Callable[[apsw.Connection, Row], None]] = {
    Kind.USER: _put_user,
    Kind.COUNT: _put_count,
    Kind.ONCE: _put_once,
    Kind.LEFTOVER: _put_leftover,
    Kind.AGREED: _put_agreed,
    Kind.BLOB: _put_blob,
    Kind.JOB: _put_job,
}
