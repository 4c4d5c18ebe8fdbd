"""Owns the addresses under which a job's callbacks are looked at and sent again. Never sends one, never signs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aiohttp import web

from sixpx.api.auth import OF_USER, Auth
from sixpx.api.v1 import write
from sixpx.core import delivery as core
from sixpx.core.delivery import Attempt, Delivery
from sixpx.core.job import Job
from sixpx.errors import Conflict, NotFound
from sixpx.store.base import Store
from sixpx.store.document import iso

NO_JOB = "there is no such job"
NO_DELIVERY = "the job has no such delivery"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Callbacks that were owed for the ends of a job (SPEC section 7). `due` wakes who delivers them."""

    store: Store
    auth: Auth
    clock: Callable[[], datetime]
    due: asyncio.Event

    def add_to(self, app: web.Application) -> None:
        deliveries = f"{OF_USER}/jobs/{{job_id:[^/]+}}/deliveries"
        app.router.add_get(deliveries, self.list)
        app.router.add_post(deliveries + "/{delivery_id:[^/]+}/replay", self.replay)

    async def list(self, request: web.Request) -> web.Response:
        """All of them with their attempts, the oldest first."""
        user = await self.auth.user_of(request)
        job = await self.store.job(user.id, request.match_info["job_id"])
        if job is None:
            raise NotFound(NO_JOB)
        return write.json([shown(one, job) for one in job.deliveries])

    async def replay(self, request: web.Request) -> web.Response:
        """Makes one due at once, at the begin of its schedule, with the same webhook-id."""
        user = await self.auth.user_of(request)
        id, now = request.match_info["delivery_id"], self.clock()
        job = await self.store.change_job(user.id, request.match_info["job_id"], lambda job: _again(job, id, now))
        if job is None:
            raise NotFound(NO_JOB)
        self.due.set()
        return write.json(next(shown(one, job) for one in job.deliveries if one.id == id), 202)


def shown(one: Delivery, job: Job) -> dict[str, Any]:
    """A delivery as the API shows it; times in ms, the URL redacted as in the job."""
    return {
        "id": one.id,
        "created": iso(one.created),
        "status": str(one.fate),
        "url": job.callback.get("url") if isinstance(job.callback, dict) else None,
        "next_attempt": iso(one.due) if one.due else None,
        "attempts": [_attempt(each) for each in one.attempts],
    }


def _attempt(one: Attempt) -> dict[str, Any]:
    return {"started": iso(one.at), "duration": one.ms, "status_code": one.status, "detail": one.detail}


def _again(job: Job, id: str, now: datetime) -> Job:
    if all(one.id != id for one in job.deliveries):
        raise NotFound(NO_DELIVERY)
    if not job.status.ended:
        raise Conflict(f"a callback is sent again once its job has ended; this one is {job.status}")
    return replace(job, deliveries=core.changed(job.deliveries, id, lambda one: core.replayed(one, now)))
