"""Owns the SQLite member of the store contract: one file, nothing to install. Never knows the other store.

All changes go through one writer thread (`writer`), reads through a few threads with connections of their own
(`readers`); jobs become documents and documents jobs in those threads too, for a job may be as large as a body.
A search that has to look at each job has threads of its own: reads, and searches that an index answers, do not wait
for it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import apsw

from sixpx.core.delivery import Delivery
from sixpx.core.job import Job
from sixpx.core.meter import Window
from sixpx.core.query import Found, Query
from sixpx.core.user import User
from sixpx.errors import BadSettings, NotSupported
from sixpx.store.base import NOBODY, Changed, Claim, Once, Owed, Told
from sixpx.store.sqlite import claims
from sixpx.store.sqlite import file as files
from sixpx.store.sqlite import jobs as rows
from sixpx.store.sqlite import search as searches
from sixpx.store.sqlite import users as people
from sixpx.store.sqlite.readers import Readers
from sixpx.store.sqlite.writer import Writer

T = TypeVar("T")

READERS, SEARCHERS = 2, 2
"""Threads for what is quick, and for searches that look at each job of a user."""


class SqliteStore:
    """The store in one file. Make it with `open`; its methods are those of `base.Store`."""

    def __init__(self, path: Path, lock: int | None, indexed: frozenset[str]) -> None:
        self._lock = lock
        self._indexed = indexed
        self._writer = Writer(files.connect(path))
        self._readers = Readers(path, READERS, "sqlite-reader")
        self._searchers = Readers(path, SEARCHERS, "sqlite-searcher")

    @classmethod
    def open(cls, path: Path, alone: bool = False, index: Iterable[str] | None = None) -> SqliteStore:
        """Opens the file, made where it is missing. `alone`: as the one service that works on its jobs. `index`: the
        paths that are indexed for searches, beside those that always are; None: as the file has it. Raises
        BadSettings where another one does already, or the file is no store of ours."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # whoever comes first, as the service does
        lock = files.lock(path) if alone else None
        try:
            return cls(path, lock, files.prepare(path, index))
        except (apsw.Error, BadSettings) as fault:
            if lock is not None:
                os.close(lock)
            if isinstance(fault, BadSettings):
                raise
            raise BadSettings((f"store.url: {files.unusable(path, fault)}",)) from fault

    async def close(self) -> None:
        await self._writer.close()
        await self._readers.close()
        await self._searchers.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- jobs ---------------------------------------------------------------------------------

    async def add_job(
        self, job: Job, blobs: Mapping[str, bytes], once: Once | None, now: datetime, meter: Sequence[Window] = ()
    ) -> str:
        return await self._writer.write(lambda db: rows.add(db, job, blobs, once, now, meter))

    async def first_with(self, user_id: str, once: Once, now: datetime) -> str | None:
        return await self._read(lambda db: rows.first_with(db, user_id, once, now))

    async def job(self, user_id: str, job_id: str) -> Job | None:
        return await self._read(lambda db: rows.one(db, user_id, job_id))

    async def jobs(self, user_id: str, query: Query, seconds: float | None = None) -> Found[Job]:
        readers = self._readers if searches.is_quick(query, self._indexed) else self._searchers
        return await readers.read(lambda db: rows.page_of(db, user_id, query, self._indexed), seconds)

    async def changed(self, since: datetime, most: int, user_id: str | None = None) -> Sequence[Changed]:
        return await self._read(lambda db: rows.changed(db, since, most, user_id))

    def changes(self) -> AsyncIterator[Changed | None]:
        raise NotSupported("SQLite does not tell what another process does to a file")

    async def blob(self, blob_id: str) -> bytes | None:
        found = await self._read(lambda db: db.execute("SELECT bytes FROM blob WHERE id = ?", (blob_id,)).get)
        return None if found is None else bytes(found)

    # --- claims ---------------------------------------------------------------------------------

    async def claim(
        self,
        owner: str,
        now: datetime,
        until: datetime,
        most: int,
        taken: Mapping[str, int] = NOBODY,
        each: int | None = None,
    ) -> Sequence[Claim]:
        # where nothing is pending nothing is written, and the commit costs no sync
        found = await self._writer.write(lambda db: claims.claim(db, owner, now, until, most, taken, each))
        return await self._read(lambda db: claims.claimed(db, owner, found)) if found else []

    async def renew(self, held: Sequence[Claim], now: datetime, until: datetime) -> Sequence[Claim]:
        return await self._writer.write(lambda db: claims.renew(db, held, now, until)) if held else []

    async def save(self, claim: Claim, job: Job, now: datetime) -> None:
        await self._writer.write(lambda db: claims.put(db, claim, job, now, over=job.status.ended))

    async def give_back(self, claim: Claim, job: Job, now: datetime) -> None:
        await self._writer.write(lambda db: claims.put(db, claim, job, now, over=True))

    async def release(self, now: datetime, everything: bool = False) -> int:
        return await self._writer.write(lambda db: claims.release(db, now, everything))

    # --- jobs changed without a claim --------------------------------------------------------------

    async def change_job(self, user_id: str, job_id: str, change: Callable[[Job], Job]) -> Job | None:
        return await self._writer.write(lambda db: rows.change(db, user_id, job_id, change))

    async def change_deliveries(self, user_id: str, job_id: str, change: Told) -> Sequence[Delivery] | None:
        return await self._writer.write(lambda db: rows.change_deliveries(db, user_id, job_id, change))

    async def owed(self, now: datetime, until: datetime, most: int) -> Sequence[Owed]:
        return await self._writer.write(lambda db: claims.owed(db, now, until, most))

    async def remove_job(self, user_id: str, job_id: str) -> bool:
        return await self._writer.write(lambda db: rows.remove(db, user_id, job_id))

    async def leftovers(self) -> Sequence[str]:
        found = await self._read(lambda db: db.execute("SELECT folder FROM leftover ORDER BY folder").fetchall())
        return [str(folder) for (folder,) in found]

    async def cleared(self, folder: str) -> None:
        await self._writer.write(lambda db: db.execute("DELETE FROM leftover WHERE folder = ?", (folder,)).get)

    # --- users -----------------------------------------------------------------------------------

    async def add_user(self, user: User) -> None:
        await self._writer.write(lambda db: people.add(db, user))

    async def user(self, user_id: str) -> User | None:
        return await self._read(lambda db: people.one(db, user_id))

    async def users(self) -> Sequence[User]:
        return await self._read(people.everyone)

    async def change_user(self, user_id: str, change: Callable[[User], User]) -> User | None:
        return await self._writer.write(lambda db: people.change(db, user_id, change))

    async def remove_user(self, user_id: str) -> bool:
        return await self._writer.write(lambda db: people.remove(db, user_id))

    async def counted(self, user_id: str, meter: Sequence[Window]) -> Sequence[int]:
        return await self._read(lambda db: people.counted(db, user_id, meter))

    async def agree(self, name: str, value: str) -> str:
        return await self._writer.write(lambda db: files.agree(db, name, value))

    async def ping(self) -> None:
        # the same number again: a page is written and synced, which a full disk refuses
        await self._writer.write(lambda db: db.execute(f"PRAGMA user_version = {files.SCHEMA_VERSION}").get)

    # --- reading ---------------------------------------------------------------------------------

    async def _read(self, work: Callable[[apsw.Connection], T]) -> T:
        return await self._readers.read(work)
