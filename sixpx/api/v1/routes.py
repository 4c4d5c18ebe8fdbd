"""Owns the addresses of /v1 and what each of them does, in the words of the contracts. Never SQL, never a lane."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from sixpx.api import schemas
from sixpx.api.auth import Auth
from sixpx.api.v1 import read, versions, write
from sixpx.core.job import Job, Status, User
from sixpx.errors import Invalid, NotFound, TooLarge
from sixpx.hub import Hub, JobEvent
from sixpx.store.base import Once, Store

PARSE_OFF_LOOP = 1_000_000
"""Bytes of a body from which it is parsed in a thread (SPEC section 9, Data URIs)."""
ONCE_KEPT = timedelta(hours=24)
NO_JOB = "there is no such job"


@dataclass(frozen=True, slots=True)
class Api:
    """What the API works with. `remove_files` deletes the hosted files of `user/job`; `limits` is published as it is;
    `ready` says what is not ready, or nothing."""

    store: Store
    auth: Auth
    hub: Hub
    maker: read.Maker
    clock: Callable[[], datetime]
    remove_files: Callable[[str], Awaitable[None]]
    limits: Mapping[str, float]
    ready: Callable[[], Awaitable[Mapping[str, str]]]

    def add_to(self, app: web.Application) -> None:
        schemas.law()  # read once, before the first request
        jobs = "/v1/users/{user_id}/jobs"
        app.router.add_post(jobs, self.create)
        app.router.add_get(jobs, self.list)
        app.router.add_get(jobs + "/{job_id}", self.get)
        app.router.add_delete(jobs + "/{job_id}", self.delete)
        app.router.add_post(jobs + "/{job_id}/retry", self.retry)
        app.router.add_post("/v1/users/{user_id}/auth", self.check)
        app.router.add_get("/v1/limits", self.show_limits)
        app.router.add_get("/livez", self.livez)
        app.router.add_get("/readyz", self.readyz)

    # --- jobs ------------------------------------------------------------------------------------

    async def create(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        versions.chosen(request.headers.get("6px-Version"))
        key = read.idempotency_key(request.headers)
        raw = await _body(request)
        now = self.clock()
        asked = await _parse(raw)
        once = None if key is None else Once(key, _fingerprint(asked), now + ONCE_KEPT)
        job_id = await self._add(asked, user, once, now, large=len(raw) > PARSE_OFF_LOOP)
        return write.json({"id": job_id}, headers={"Location": f"/v1/users/{user.id}/jobs/{job_id}"})

    async def _add(self, asked: Any, user: User, once: Once | None, now: datetime, large: bool) -> str:
        if once is not None and (first := await self.store.first_with(user.id, once, now)):
            return first
        if large:
            posted = await asyncio.to_thread(read.posted, asked, user, now, self.maker)
        else:
            posted = read.posted(asked, user, now, self.maker)
        job_id = await self.store.add_job(posted.job, posted.blobs, once, now)
        self.hub.publish(JobEvent(job_id, user.id, Status.PENDING, by_owner=True))
        return job_id

    async def get(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        version = versions.chosen(request.headers.get("6px-Version"))
        wait = read.wait_seconds(request.query)
        return write.job(await self._ended(user, request.match_info["job_id"], wait), version)

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
            try:
                async with asyncio.timeout(wait):
                    return await ended or await self._job(user, job_id)
            except TimeoutError:
                return await self._job(user, job_id)

    async def _job(self, user: User, job_id: str) -> Job:
        job = await self.store.job(user.id, job_id)
        if job is None:
            raise NotFound(NO_JOB)
        return job

    async def list(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        version = versions.chosen(request.headers.get("6px-Version"))
        page, sort = read.page_and_sort(request.query)
        found = await self.store.jobs(user.id, page, sort)
        return write.jobs(found, version, page, request.path, request.query)

    async def delete(self, request: web.Request) -> web.Response:
        """Cancels a job that has not ended (202); removes one that has, with its hosted files (204)."""
        user = await self.auth.user_of(request)
        job = await self._job(user, request.match_info["job_id"])
        if not job.status.ended:
            # it may have ended by itself meanwhile; it was not asked to be removed, and is not
            after = await self.store.cancel(user.id, job.id, self.clock()) or job
            self.hub.publish(JobEvent(after.id, user.id, after.status, by_owner=True, job=after))
            return write.json({"id": after.id, "status": str(after.status)}, 202)
        # files first: what is interrupted here is finished by the same request again
        await self.remove_files(f"{user.id}/{job.id}")
        if not await self.store.remove_job(user.id, job.id):
            raise NotFound(NO_JOB)
        return web.Response(status=204)

    async def retry(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        job = await self.store.retry(user.id, request.match_info["job_id"], self.clock())
        if job is None:
            raise NotFound(NO_JOB)
        self.hub.publish(JobEvent(job.id, user.id, job.status, by_owner=True))
        return write.json({"id": job.id})

    # --- the service -----------------------------------------------------------------------------

    async def check(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        return write.json({"auth": True, "user_id": user.id})

    async def show_limits(self, request: web.Request) -> web.Response:
        return write.json(dict(self.limits))

    async def livez(self, request: web.Request) -> web.Response:
        return write.json({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        troubles = await self.ready()
        return write.json({"status": "unready" if troubles else "ok", **troubles}, 503 if troubles else 200)


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as fault:
        raise TooLarge("the request body is over the limit (limits.body_bytes; see GET /v1/limits)") from fault
    except web.RequestPayloadError as fault:
        raise Invalid("the request body cannot be read: it is not packed as Content-Encoding says") from fault


async def _parse(raw: bytes) -> Any:
    return await asyncio.to_thread(read.body, raw) if len(raw) > PARSE_OFF_LOOP else read.body(raw)


def _fingerprint(asked: Any) -> str:
    """What makes two bodies the same: their JSON, white space aside; the order of keys counts, filters run in it."""
    return hashlib.sha256(orjson.dumps(asked)).hexdigest()
