"""Owns the MongoDB member of the store contract: one database that many services share. Never knows the other store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime

from sixpx.core.delivery import Delivery
from sixpx.core.job import Job
from sixpx.core.meter import Window
from sixpx.core.query import Found, Query
from sixpx.core.user import User
from sixpx.store.base import NOBODY, Changed, Claim, Once, Owed, Told
from sixpx.store.mongo import blobs as bytes_of
from sixpx.store.mongo import claims, jobs
from sixpx.store.mongo import once as keys
from sixpx.store.mongo import server as servers
from sixpx.store.mongo import users as people
from sixpx.store.mongo import watch as watching
from sixpx.store.mongo.server import LONG_SECONDS, SECONDS, Server, answered


class MongoStore:
    """The store in one database. Make it with `open`; its methods are those of `base.Store`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @classmethod
    async def open(cls, url: str, index: Sequence[str] = ()) -> MongoStore:
        """Opens the database that the URL names, its indexes made where they are missing. `index`: the paths of jobs
        that are searched often. Raises BadSettings where the URL cannot be used, StoreDown where nobody answers."""
        server = await servers.connect(url)
        try:
            await servers.prepare(server, url, index)
        except BaseException:
            server.client.close()
            raise
        return cls(server)

    async def close(self) -> None:
        self._server.client.close()

    # --- jobs -----------------------------------------------------------------------------------

    async def add_job(
        self, job: Job, blobs: Mapping[str, bytes], once: Once | None, now: datetime, meter: Sequence[Window] = ()
    ) -> str:
        adding = jobs.add(self._server, job, blobs, once, now, meter)
        return await answered(adding, LONG_SECONDS if blobs else SECONDS)

    async def first_with(self, user_id: str, once: Once, now: datetime) -> str | None:
        return await answered(keys.first_with(self._server, user_id, once, now))

    async def job(self, user_id: str, job_id: str) -> Job | None:
        return await answered(jobs.one(self._server, user_id, job_id))

    async def jobs(self, user_id: str, query: Query, seconds: float | None = None) -> Found[Job]:
        return await answered(jobs.page(self._server, user_id, query, seconds), (seconds or LONG_SECONDS) + SECONDS)

    async def changed(self, since: datetime, most: int, user_id: str | None = None) -> Sequence[Changed]:
        return await answered(jobs.changed(self._server, since, most, user_id))

    def changes(self) -> AsyncIterator[Changed | None]:
        return watching.changes(self._server)

    async def blob(self, blob_id: str) -> bytes | None:
        return await answered(bytes_of.one(self._server, blob_id), LONG_SECONDS)

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
        return await answered(claims.claim(self._server, owner, now, until, most, taken, each))

    async def renew(self, held: Sequence[Claim], now: datetime, until: datetime) -> Sequence[Claim]:
        return await answered(claims.renew(self._server, held, now, until))

    async def save(self, claim: Claim, job: Job, now: datetime) -> None:
        await answered(claims.put(self._server, claim, job, now, over=job.status.ended))

    async def give_back(self, claim: Claim, job: Job, now: datetime) -> None:
        await answered(claims.put(self._server, claim, job, now, over=True))

    async def release(self, now: datetime, everything: bool = False) -> int:
        return await answered(claims.release(self._server, now, everything), LONG_SECONDS)

    # --- jobs changed without a claim --------------------------------------------------------------

    async def change_job(self, user_id: str, job_id: str, change: Callable[[Job], Job]) -> Job | None:
        return await answered(jobs.change(self._server, user_id, job_id, change))

    async def change_deliveries(self, user_id: str, job_id: str, change: Told) -> Sequence[Delivery] | None:
        return await answered(jobs.change_deliveries(self._server, user_id, job_id, change))

    async def owed(self, now: datetime, until: datetime, most: int) -> Sequence[Owed]:
        return await answered(claims.owed(self._server, now, until, most))

    async def remove_job(self, user_id: str, job_id: str) -> bool:
        return await answered(jobs.remove(self._server, user_id, job_id))

    async def leftovers(self) -> Sequence[str]:
        return await answered(jobs.leftovers(self._server), LONG_SECONDS)

    async def cleared(self, folder: str) -> None:
        await answered(jobs.cleared(self._server, folder))

    # --- users ----------------------------------------------------------------------------------

    async def add_user(self, user: User) -> None:
        await answered(people.add(self._server, user))

    async def user(self, user_id: str) -> User | None:
        return await answered(people.one(self._server, user_id))

    async def users(self) -> Sequence[User]:
        return await answered(people.everyone(self._server))

    async def change_user(self, user_id: str, change: Callable[[User], User]) -> User | None:
        return await answered(people.change(self._server, user_id, change))

    async def remove_user(self, user_id: str) -> bool:
        while await answered(jobs.remove_some(self._server, user_id), LONG_SECONDS):
            """Each batch has its own limit: a user may have any number of jobs."""
        return await answered(people.forget(self._server, user_id), LONG_SECONDS)

    async def counted(self, user_id: str, meter: Sequence[Window]) -> Sequence[int]:
        return await answered(people.counted(self._server, user_id, meter))

    async def agree(self, name: str, value: str) -> str:
        return await answered(servers.agree(self._server, name, value))

    async def ping(self) -> None:
        await answered(servers.ping(self._server))
