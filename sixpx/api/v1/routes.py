"""Owns the addresses of /v1 and what each of them does, in the words of the contracts. Never SQL, never a lane."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from sixpx.api import schemas
from sixpx.api.auth import OF_USER, Auth
from sixpx.api.v1 import body, query, read, search, usage, versions, write
from sixpx.core import job as core
from sixpx.core import meter
from sixpx.core.formats import Formats
from sixpx.core.job import Job
from sixpx.core.user import User
from sixpx.errors import NotFound, OverQuota, SixpxError
from sixpx.feed import Feed
from sixpx.hub import Hub, JobEvent
from sixpx.store.base import Once, Store

log = logging.getLogger(__name__)

ONCE_KEPT = timedelta(hours=24)
NO_JOB = "there is no such job"


@dataclass(frozen=True, slots=True)
class Api:
    """What the API works with. `remove_files` deletes the hosted files of `user/job`; `limits` is published as it is,
    `formats` asks a lane what it reads and writes; `version` is spoken with whoever names none; a search may take
    `search_seconds`; `ready` says what is not ready, or nothing; `stopping` is done when
    nobody shall wait any longer."""

    store: Store
    auth: Auth
    hub: Hub
    feed: Feed
    maker: read.Maker
    clock: Callable[[], datetime]
    remove_files: Callable[[str], Awaitable[None]]
    limits: Mapping[str, float]
    formats: Callable[[], Awaitable[Formats]]
    ready: Callable[[], Awaitable[Mapping[str, str]]]
    stopping: asyncio.Future[None]
    version: str = versions.DEFAULT
    search_seconds: float = 5.0
    bodies: body.Bodies = field(default_factory=body.Bodies)

    def add_to(self, app: web.Application) -> None:
        schemas.law()  # read once, before the first request
        jobs, job = f"{OF_USER}/jobs", f"{OF_USER}/jobs/{{job_id:[^/]+}}"
        app.router.add_post(jobs, self.create)
        app.router.add_get(jobs, self.list)
        app.router.add_get(job, self.get)
        app.router.add_delete(job, self.delete)
        app.router.add_post(f"{job}/retry", self.retry)
        app.router.add_post(f"{OF_USER}/auth", self.check)
        app.router.add_get("/v1/limits", self.show_limits)
        app.router.add_get("/v1/formats", self.show_formats)
        app.router.add_get("/livez", self.livez)
        app.router.add_get("/readyz", self.readyz)

    # --- jobs ------------------------------------------------------------------------------------

    async def create(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        version = self._version(request, user)
        key = query.idempotency_key(request.headers)
        try:
            before = await usage.room(self.store, user, self.clock())
            # with an Idempotency-Key it may ask for a job that is there already, which is no matter of the plan
            if key is None and (full := before.fault(self.clock())):
                raise full
            async with AsyncExitStack() as held:
                async with self.bodies.turn(request):
                    job_id, new = await self._add(user, version, key, await self.bodies.parsed(request), held)
                now = self.clock()
                left = (usage.after(before, user, now) if new else before).headers(now)
                location = {"Location": f"/v1/users/{user.id}/jobs/{job_id}"}
                reply = write.json({"id": job_id}, headers={**location, **left})
                await reply.prepare(request)
                await reply.write_eof()
        except OverQuota as fault:
            return await usage.refusal(self.store, user, self.clock(), fault)
        return reply

    async def _add(
        self, user: User, version: str, key: str | None, asked: body.Asked, held: AsyncExitStack
    ) -> tuple[str, bool]:
        """The id of the job, and whether it was made (and counted) now; while `held` is open, nobody is told of it
        (SPEC section 7)."""
        now, once = self.clock(), None
        if key is not None:
            print_ = await self.bodies.handled(asked.size, body.fingerprint, asked.value)
            once = Once(key, print_, now + ONCE_KEPT)
            if first := await self.store.first_with(user.id, once, now):
                return first, False
        posted = await self.bodies.handled(asked.size, read.posted, asked.value, user, now, self.maker, version)
        del asked  # the texts of its data URIs, while their bytes are stored
        held.enter_context(self.feed.holding(posted.job.id))
        job_id = await self.store.add_job(posted.job, posted.blobs, once, now, meter.windows(user.plan, now))
        if job_id != posted.job.id:  # a POST with the same key was first
            return job_id, False
        self.hub.publish(JobEvent.of(posted.job, by_owner=True))
        return job_id, True

    def _version(self, request: web.Request, user: User) -> str:
        return versions.chosen(request.headers.get("6px-Version"), user.api_version, self.version)

    async def get(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        version = self._version(request, user)
        wait = query.wait_seconds(request.query)
        job = await self._ended(user, request.match_info["job_id"], wait)
        if job.status.ended:
            self.feed.read(job.id)
        return await write.job(job, version)

    async def _ended(self, user: User, job_id: str, wait: float) -> Job:
        """The job, ended if it ends within `wait` seconds."""
        ended: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()

        def hear(event: JobEvent) -> None:
            if event.status.ended and not ended.done():
                ended.set_result(event.job)

        with self.hub.listening(job_id, hear):
            job = await self._job(user, job_id)
            if job.status.ended or not wait:
                return job
            either: list[asyncio.Future[Any]] = [ended, self.stopping]
            await asyncio.wait(either, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            return (ended.result() if ended.done() else None) or await self._job(user, job_id)

    async def _job(self, user: User, job_id: str) -> Job:
        job = await self.store.job(user.id, job_id)
        if job is None:
            raise NotFound(NO_JOB)
        return job

    async def list(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        version = self._version(request, user)
        asked = search.asked(request.query)
        found = await self.store.jobs(user.id, asked, self.search_seconds)
        return await write.jobs(found, version, asked.page, request.path, request.query)

    async def delete(self, request: web.Request) -> web.Response:
        """Cancels a job that has not ended (202); removes one that has, with its hosted files (204)."""
        user = await self.auth.user_of(request)
        job = await self._job(user, request.match_info["job_id"])
        if not job.status.ended:
            # it may have ended by itself meanwhile; it was not asked to be removed, and is not
            now = self.clock()
            after = await self.store.change_job(user.id, job.id, lambda one: core.cancel(one, now)) or job
            self.hub.publish(JobEvent.of(after, by_owner=True))
            return write.json({"id": after.id, "status": str(after.status)}, 202)
        if not await self.store.remove_job(user.id, job.id):
            raise NotFound(NO_JOB)
        await self._remove_files(user.id, job.id)
        return web.Response(status=204)

    async def _remove_files(self, user_id: str, job_id: str) -> None:
        """Those of a job that is gone: what stays is a leftover in the store, looked for every ten minutes."""
        folder = f"{user_id}/{job_id}"
        try:
            await self.remove_files(folder)
            await self.store.cleared(folder)
        except (SixpxError, OSError) as fault:
            extra = {"job": job_id, "user": user_id, "stage": "remove"}
            log.warning("the files of a removed job stay until they are looked for again: %s", fault, extra=extra)

    async def retry(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        now = self.clock()
        job = await self.store.change_job(user.id, request.match_info["job_id"], lambda one: core.again(one, now))
        if job is None:
            raise NotFound(NO_JOB)
        self.hub.publish(JobEvent.of(job, by_owner=True))
        return write.json({"id": job.id})

    # --- the service -----------------------------------------------------------------------------

    async def check(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        return write.json({"auth": True, "user_id": user.id})

    async def show_limits(self, request: web.Request) -> web.Response:
        return write.json(dict(self.limits))

    async def show_formats(self, request: web.Request) -> web.Response:
        return write.json((await self.formats()).to_json())

    async def livez(self, request: web.Request) -> web.Response:
        return write.json({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        troubles = await self.ready()
        return write.json({"status": "unready" if troubles else "ok", **troubles}, 503 if troubles else 200)
