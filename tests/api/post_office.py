"""Owns what delivers callbacks in a test: store, hub and sender, and jobs that end. Never a receiver."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count

from sixpx.app import callback_body
from sixpx.callbacks import Callbacks, Pace
from sixpx.clock import now
from sixpx.core import job as core
from sixpx.core.delivery import Delivery, Fate
from sixpx.core.job import Job
from sixpx.core.user import User
from sixpx.credentials import Vault, new_callback_secret, new_key, redact
from sixpx.guard import Guard, Lookup
from sixpx.hub import Hub, JobEvent
from sixpx.receivers import Receivers
from sixpx.store.base import Store
from tests.contract.jobs import ADA, job_of, user_of

LOOPBACK = ("127.0.0.0/8",)
WITHIN = 20.0
AT_ONCE = (0.0, 0.0, 0.0)
"""Three attempts without a pause."""


@dataclass(slots=True)
class Office:
    """One process that delivers."""

    store: Store
    hub: Hub
    vault: Vault
    callbacks: Callbacks
    due: asyncio.Event
    secret: str
    numbers: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    async def user(self, user_id: str = ADA, *secrets: str) -> User:
        made = replace(user_of(1, "test"), id=user_id)
        made = replace(made, callback_secrets=tuple(map(self.vault.seal, secrets)))
        await self.store.add_user(made)
        return made

    async def end(self, url: str, user_id: str = ADA, tell: bool = True, **parts: object) -> Job:
        """A job with this callback, ended and told as its owner's cancellation is."""
        job = job_of(self.numbers(), user_id)
        job = replace(job, callback={"url": redact(url)}, callback_sealed=self.vault.seal(url), **parts)
        await self.store.add_job(job, {}, None, now())
        ended = await self.store.change_job(job.user_id, job.id, lambda one: core.cancel(one, now()))
        assert ended is not None
        if tell:
            self.hub.publish(JobEvent.of(ended, by_owner=True))
        return ended

    async def delivery(self, job: Job, number: int = -1) -> Delivery:
        found = await self.store.job(job.user_id, job.id)
        assert found is not None
        return found.deliveries[number]

    async def when(self, job: Job, true: Callable[[Delivery], object], number: int = -1) -> Delivery:
        """The delivery, once the condition holds for it in the store."""
        async with asyncio.timeout(WITHIN):
            while not true(one := await self.delivery(job, number)):  # noqa: ASYNC110 - it is in a store, without event
                await asyncio.sleep(0.005)
        return one

    async def quiet(self) -> None:
        """Until no attempt is under way."""
        async with asyncio.timeout(WITHIN):
            while self.callbacks._under_way:  # noqa: ASYNC110 - a task that ends begins another one
                await asyncio.sleep(0.005)

    async def tried(self, job: Job, times: int = 1) -> Delivery:
        return await self.when(job, lambda one: len(one.attempts) >= times)

    async def over(self, job: Job) -> Delivery:
        return await self.when(job, lambda one: one.fate is not Fate.PENDING)


@asynccontextmanager
async def office(
    store: Store,
    schedule: Sequence[float] = AT_ONCE,
    seconds: float = 5.0,
    parallel: int = 16,
    allow: Sequence[str] = LOOPBACK,
    vault: Vault | None = None,
    user: bool = True,
    grace: float = 5.0,
    look: float = 0.05,
    body: Callable[[Job], bytes] = callback_body,
    lookup: Lookup = socket.getaddrinfo,
) -> AsyncIterator[Office]:
    """It delivers while the block runs. With a `user` whose callbacks are signed with `secret`."""
    async with AsyncExitStack() as stack:
        receivers = Receivers(Guard(allow, lookup), seconds, parallel)
        stack.push_async_callback(receivers.close)
        hub, due = Hub(), asyncio.Event()
        vault = vault or Vault(new_key())
        pace = Pace(seconds, parallel, look=look, grace=grace, schedule=schedule)
        callbacks = Callbacks(store, hub, vault, receivers, body, now, due, pace, luck=lambda: 0.5)
        made = Office(store, hub, vault, callbacks, due, new_callback_secret())
        if user:
            await made.user(ADA, made.secret)
        await callbacks.start()
        stack.push_async_callback(callbacks.stop)
        yield made
