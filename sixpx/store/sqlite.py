"""Owns the SQLite member of the store contract: one file, nothing to install. Never knows the other store.

Write-ahead log with synchronous=FULL: what was answered survives a killed process and a lost power supply. All
changes go through one writer thread (`writer`), reads through a few threads with connections of their own.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import apsw
import orjson

from sixpx.core import job as core
from sixpx.core.job import Job, Status, User
from sixpx.core.query import COUNT_MOST, Found, Page, Sort
from sixpx.errors import BadSettings, Conflict, KeyReused, Lost, StoreDown
from sixpx.store.base import Claim, Once
from sixpx.store.document import from_job, from_user, to_job, to_user
from sixpx.store.writer import Writer

T = TypeVar("T")

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE user (id TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE job (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, status TEXT NOT NULL,
    created INTEGER NOT NULL, modified INTEGER NOT NULL,
    owner TEXT, lease INTEGER, serial INTEGER NOT NULL DEFAULT 0,
    doc BLOB NOT NULL);
CREATE INDEX job_newest ON job (user_id, created, id);
CREATE INDEX job_pending ON job (user_id, id) WHERE status = 'pending';
CREATE INDEX job_leased ON job (lease) WHERE status = 'processing';
CREATE TABLE blob (id TEXT PRIMARY KEY, job_id TEXT NOT NULL, bytes BLOB NOT NULL);
CREATE INDEX blob_job ON blob (job_id);
CREATE TABLE once (
    user_id TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, job_id TEXT NOT NULL,
    expires INTEGER NOT NULL, PRIMARY KEY (user_id, key)) WITHOUT ROWID;
CREATE INDEX once_expires ON once (expires);
CREATE TABLE turn (user_id TEXT PRIMARY KEY, served INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX turn_served ON turn (served);
"""
COLUMNS = "json(doc), user_id, status, created, modified"
READERS = 2
BUSY_MS = 10_000
"""How long a write waits for another process (`sixpx user add` beside a running service)."""


class SqliteStore:
    """The store in one file. Make it with `open`; its methods are those of `base.Store`."""

    def __init__(self, path: Path, lock: int | None) -> None:
        self._path = path
        self._lock = lock
        self._writer = Writer(_connect(path))
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._reading: list[apsw.Connection] = []

    @classmethod
    def open(cls, path: Path, alone: bool = False) -> SqliteStore:
        """Opens the file, made where it is missing. `alone`: as the one service that works on its jobs. Raises
        BadSettings where another one does already, or the file is no store of ours."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _take_lock(path) if alone else None
        try:
            _prepare(path)
            return cls(path, lock)
        except (apsw.Error, BadSettings) as fault:
            if lock is not None:
                os.close(lock)
            if isinstance(fault, BadSettings):
                raise
            raise BadSettings((f"store.url: {path} is not a usable SQLite file: {fault}",)) from fault

    async def close(self) -> None:
        await self._writer.close()
        self._readers.shutdown(wait=True)
        for connection in self._reading:
            connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- jobs ---------------------------------------------------------------------------------

    async def add_job(self, job: Job, blobs: Mapping[str, bytes], once: Once | None, now: datetime) -> str:
        doc = orjson.dumps(from_job(job)).decode()

        def change(db: apsw.Connection) -> str:
            if once is not None:
                earlier = _first_with(db, job.user_id, once, now)
                if earlier is not None:
                    return earlier
                row = (job.user_id, once.key, once.fingerprint, job.id, _ms(once.expires))
                db.execute("INSERT OR REPLACE INTO once VALUES (?, ?, ?, ?, ?)", row)
                db.execute("DELETE FROM once WHERE expires <= ?", (_ms(now),))
            db.execute(
                "INSERT INTO job (id, user_id, status, created, modified, doc) VALUES (?, ?, ?, ?, ?, jsonb(?))",
                (job.id, job.user_id, str(job.status), _ms(job.created), _ms(job.modified), doc),
            )
            for blob_id, content in blobs.items():
                db.execute("INSERT INTO blob VALUES (?, ?, ?)", (blob_id, job.id, content))
            db.execute("INSERT OR IGNORE INTO turn VALUES (?, 0)", (job.user_id,))
            return job.id

        return await self._writer.write(change)

    async def first_with(self, user_id: str, once: Once, now: datetime) -> str | None:
        return await self._read(lambda db: _first_with(db, user_id, once, now))

    async def job(self, user_id: str, job_id: str) -> Job | None:
        return await self._read(lambda db: _job(db, user_id, job_id))

    async def jobs(self, user_id: str, page: Page, sort: Sort) -> Found[Job]:
        direction = "DESC" if sort.descending else "ASC"
        order = f"{sort.field} {direction}, id {direction}"

        def read(db: apsw.Connection) -> Found[Job]:
            rows = db.execute(
                f"SELECT {COLUMNS} FROM job WHERE user_id = ? ORDER BY {order} LIMIT ? OFFSET ?",
                (user_id, page.size, page.offset),
            ).fetchall()
            counted = "SELECT count(*) FROM (SELECT 1 FROM job WHERE user_id = ? LIMIT ?)"
            total = db.execute(counted, (user_id, COUNT_MOST)).get
            return Found(tuple(_to_job(row) for row in rows), total)

        return await self._read(read)

    async def blob(self, blob_id: str) -> bytes | None:
        found = await self._read(lambda db: db.execute("SELECT bytes FROM blob WHERE id = ?", (blob_id,)).get)
        return None if found is None else bytes(found)

    # --- claims ---------------------------------------------------------------------------------

    async def claim(self, owner: str, now: datetime, until: datetime, most: int) -> Sequence[Claim]:
        def change(db: apsw.Connection) -> list[Claim]:
            return [claim for _ in range(most) if (claim := _claim_next(db, owner, _ms(now), _ms(until)))]

        # where nothing is pending nothing is written, and the commit costs no sync
        return await self._writer.write(change)

    async def renew(self, claims: Sequence[Claim], until: datetime) -> Sequence[Claim]:
        def change(db: apsw.Connection) -> list[Claim]:
            lost = []
            for claim in claims:
                db.execute(f"UPDATE job SET lease = ? WHERE {HELD}", (_ms(until), *_held(claim)))
                if not db.changes():
                    lost.append(claim)
            return lost

        return await self._writer.write(change) if claims else []

    async def save(self, claim: Claim, job: Job) -> None:
        await self._put(claim, job, over=job.status.ended)

    async def give_back(self, claim: Claim, job: Job) -> None:
        await self._put(claim, job, over=True)

    async def _put(self, claim: Claim, job: Job, over: bool) -> None:
        doc = orjson.dumps(from_job(job)).decode()
        free = ", owner = NULL, lease = NULL" if over else ""

        def change(db: apsw.Connection) -> None:
            db.execute(
                f"UPDATE job SET doc = jsonb(?), status = ?, modified = ?{free} WHERE {HELD}",
                (doc, str(job.status), _ms(job.modified), *_held(claim)),
            )
            if not db.changes():
                raise Lost(f"job {job.id} is no longer claimed by this process")

        await self._writer.write(change)

    async def release(self, now: datetime, everything: bool = False) -> int:
        due = "" if everything else " AND lease < ?"
        bindings = (_ms(now),) if everything else (_ms(now), _ms(now))
        statement = (
            "UPDATE job SET status = 'pending', owner = NULL, lease = NULL, modified = ? "
            f"WHERE status = 'processing'{due}"
        )

        def change(db: apsw.Connection) -> int:
            db.execute(statement, bindings)
            return db.changes()

        return await self._writer.write(change)

    # --- what owners do to their jobs ------------------------------------------------------------

    async def cancel(self, user_id: str, job_id: str, now: datetime) -> Job | None:
        def change(db: apsw.Connection) -> Job | None:
            job = _job(db, user_id, job_id)
            return job if job is None or job.status.ended else _rewrite(db, core.cancel(job, now))

        return await self._writer.write(change)

    async def retry(self, user_id: str, job_id: str, now: datetime) -> Job | None:
        def change(db: apsw.Connection) -> Job | None:
            job = _job(db, user_id, job_id)
            if job is not None and job.status is not Status.FAILED:
                raise Conflict(f"only a failed job can be retried; this one is {job.status}")
            return None if job is None else _rewrite(db, core.again(job, now))

        return await self._writer.write(change)

    async def remove_job(self, user_id: str, job_id: str) -> bool:
        def change(db: apsw.Connection) -> bool:
            job = _job(db, user_id, job_id)
            if job is None:
                return False
            if not job.status.ended:
                raise Conflict(f"only an ended job can be removed; this one is {job.status}")
            db.execute("DELETE FROM job WHERE id = ?", (job_id,))
            db.execute("DELETE FROM blob WHERE job_id = ?", (job_id,))
            return True

        return await self._writer.write(change)

    # --- users -----------------------------------------------------------------------------------

    async def add_user(self, user: User) -> None:
        doc = orjson.dumps(from_user(user)).decode()
        await self._writer.write(lambda db: db.execute("INSERT INTO user VALUES (?, jsonb(?))", (user.id, doc)).get)

    async def user(self, user_id: str) -> User | None:
        doc = await self._read(lambda db: db.execute("SELECT json(doc) FROM user WHERE id = ?", (user_id,)).get)
        return None if doc is None else to_user(orjson.loads(str(doc)))

    async def users(self) -> Sequence[User]:
        rows = await self._read(lambda db: db.execute("SELECT json(doc) FROM user ORDER BY id").fetchall())
        return [to_user(orjson.loads(str(doc))) for (doc,) in rows]

    async def ping(self) -> None:
        await self._writer.write(lambda db: db.execute("SELECT 1").get)

    # --- reading ---------------------------------------------------------------------------------

    async def _read(self, work: Callable[[apsw.Connection], T]) -> T:
        try:
            reading = asyncio.get_running_loop().run_in_executor(self._readers, self._on_reader, work)
        except RuntimeError as closed:
            raise StoreDown("the store is closed") from closed
        return await reading

    def _on_reader(self, work: Callable[[apsw.Connection], T]) -> T:
        if not hasattr(self._local, "connection"):
            self._local.connection = _connect(self._path)
            self._reading.append(self._local.connection)
        try:
            return work(self._local.connection)
        except apsw.Error as broken:
            raise StoreDown(f"the database cannot be read: {broken}") from broken


HELD = "id = ? AND owner = ? AND serial = ? AND status = 'processing'"


def _held(claim: Claim) -> tuple[str, str, int]:
    return claim.job.id, claim.owner, claim.serial


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_MS)
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _write_ahead(connection: apsw.Connection) -> None:
    """Where two processes make one new file at once SQLite does not wait by itself."""
    for left in reversed(range(max(1, BUSY_MS // 10))):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except apsw.BusyError:
            if not left:
                raise
            time.sleep(0.01)


def _prepare(path: Path) -> None:
    connection = _connect(path)
    try:
        # the lock first: a `sixpx user add` beside the first start must not make the tables too
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").get
        if version > SCHEMA_VERSION:
            raise BadSettings((f"store.url: {path} was made by a newer sixpx (schema {version})",))
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if tables and "turn" not in tables:
            raise BadSettings((f"store.url: {path} is the database of another program",))
        if not tables:
            connection.execute(SCHEMA)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    finally:
        connection.close()


def _take_lock(path: Path) -> int:
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        os.close(lock)
        raise BadSettings((f"store.url: another sixpx service works with {path}; stop it first",)) from taken
    return lock


def _claim_next(db: apsw.Connection, owner: str, now: int, until: int) -> Claim | None:
    """The oldest pending job of the user served longest ago, now claimed."""
    oldest = "(SELECT min(id) FROM job WHERE user_id = turn.user_id AND status = 'pending')"
    turn = f"SELECT user_id, {oldest} AS oldest FROM turn WHERE oldest IS NOT NULL ORDER BY served LIMIT 1"
    found = db.execute(turn).fetchone()
    if found is None:
        return None
    user_id, job_id = found
    claimed = db.execute(
        "UPDATE job SET status = 'processing', owner = ?, lease = ?, modified = ?, serial = serial + 1 "
        f"WHERE id = ? RETURNING {COLUMNS}, serial",
        (owner, until, now, job_id),
    )
    *columns, serial = next(claimed)
    claimed.close()
    db.execute("UPDATE turn SET served = (SELECT max(served) + 1 FROM turn) WHERE user_id = ?", (user_id,))
    return Claim(_to_job(columns), owner, serial)


def _first_with(db: apsw.Connection, user_id: str, once: Once, now: datetime) -> str | None:
    query = "SELECT fingerprint, job_id FROM once WHERE user_id = ? AND key = ? AND expires > ?"
    row = db.execute(query, (user_id, once.key, _ms(now))).fetchone()
    if row is None:
        return None
    fingerprint, job_id = row
    if fingerprint != once.fingerprint:
        raise KeyReused("this Idempotency-Key came before with another body; use a new key for a new job")
    return str(job_id)


def _job(db: apsw.Connection, user_id: str, job_id: str) -> Job | None:
    row = db.execute(f"SELECT {COLUMNS} FROM job WHERE id = ? AND user_id = ?", (job_id, user_id)).fetchone()
    return None if row is None else _to_job(row)


def _rewrite(db: apsw.Connection, job: Job) -> Job:
    """Writes the job without a claim: whoever held one has lost it."""
    doc = orjson.dumps(from_job(job)).decode()
    db.execute(
        "UPDATE job SET doc = jsonb(?), status = ?, modified = ?, owner = NULL, lease = NULL WHERE id = ?",
        (doc, str(job.status), _ms(job.modified), job.id),
    )
    return job


def _to_job(row: Sequence[Any]) -> Job:
    doc, user_id, status, created, modified = row
    return to_job(orjson.loads(doc), user_id, status, _from_ms(created), _from_ms(modified))


def _ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def _from_ms(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp / 1000, UTC)
