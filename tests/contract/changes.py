"""Owns what owners wish, as the API asks the store for it: cancel, retry, a mask. Never a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sixpx.core import job as core
from sixpx.core.job import Job
from sixpx.core.user import User
from sixpx.store.base import Store


async def cancel(store: Store, user_id: str, job_id: str, now: datetime) -> Job | None:
    return await store.change_job(user_id, job_id, lambda job: core.cancel(job, now))


async def retry(store: Store, user_id: str, job_id: str, now: datetime) -> Job | None:
    return await store.change_job(user_id, job_id, lambda job: core.again(job, now))


async def connect(store: Store, user_id: str, mask: str, sealed: str | None) -> User | None:
    """Lets the mask stand for a sealed connection string, or for nothing any more."""

    def change(user: User) -> User:
        others = {name: one for name, one in user.connections.items() if name != mask}
        return replace(user, connections=others if sealed is None else {**others, mask: sealed})

    return await store.change_user(user_id, change)
