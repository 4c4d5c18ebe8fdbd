"""Owns who works on what: claims, leases, the window of jobs in flight, giving back. Never SQL, never a pixel.

The window is wider than the lanes, so that downloads and uploads of some jobs run while others are rendered. No user
fills all of it: whoever comes next finds room at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sixpx.core import job as core
from sixpx.core.job import Job, Status, Trouble
from sixpx.errors import Lost, SixpxError, StoreDown, TooLarge
from sixpx.hub import EVERY, Hub, JobEvent
from sixpx.run import Means, Run
from sixpx.scratch import Scratch
from sixpx.store.base import Claim, Store

log = logging.getLogger(__name__)

Remove = Callable[[str], Awaitable[None]]
"""Removes the hosted files of `user/job`."""

BATCH = 8
"""Jobs that are claimed at once: each takes a database over the network some milliseconds."""
OURS = Trouble("internal", "run", "the service made a mistake with this output; it is in its log", True)
"""What a job fails with that we made a mistake with."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`window`: jobs in flight; times in seconds: a lease, the pause between looks into an empty queue, and how long
    `stop` lets jobs finish."""

    window: int = 32
    lease: float = 30.0
    look: float = 1.0
    grace: float = 20.0


@dataclass(slots=True)
class _Flight:
    claim: Claim
    run: Run
    task: asyncio.Task[None]

    def cancel(self) -> None:
        """Once: the lease is lost at about the moment that its loss is heard of, and a second cancellation would break
        off what the first one has begun to tidy up."""
        if not self.task.cancelling():
            self.task.cancel()


class Runner:
    """Works on the store's jobs until `stop`. One in a process."""

    def __init__(
        self, owner: str, store: Store, hub: Hub, means: Means, scratch: Path, pace: Pace, remove_files: Remove
    ) -> None:
        self._owner = owner
        self._store = store
        self._hub = hub
        self._means = means
        self._scratch = scratch
        self._pace = pace
        self._remove_files = remove_files
        self._flights: dict[tuple[str, int], _Flight] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._loops: list[asyncio.Task[None]] = []

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    async def start(self) -> None:
        self._loops = [asyncio.create_task(self._claim_for_ever()), asyncio.create_task(self._renew_for_ever())]

    async def stop(self) -> None:
        """Claims nothing more, lets the jobs in flight finish within the grace time, and gives back the rest."""
        self._stopping = True
        self._wake.set()
        if self._loops:  # a claim under way is seen to its end: its jobs are in flight too
            await asyncio.wait(self._loops[:1])
        tasks = [flight.task for flight in self._flights.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=self._pace.grace)
        for task in (*tasks, *self._loops):
            task.cancel()
        await asyncio.gather(*tasks, *self._loops, return_exceptions=True)

    # --- claiming --------------------------------------------------------------------------------

    async def _claim_for_ever(self) -> None:
        with self._hub.listening(EVERY, self._hear):
            while not self._stopping:
                self._wake.clear()
                try:
                    await self._claim()
                except StoreDown as down:
                    log.warning("no jobs can be claimed: %s", down.detail, extra={"stage": "claim"})
                except Exception:  # a mistake of ours must not end the claiming for good
                    log.exception("no jobs can be claimed", extra={"stage": "claim"})
                await self._pause()

    def _hear(self, event: JobEvent) -> None:
        if event.by_owner and event.status.ended:
            for flight in self._flights.values():
                if flight.claim.job.id == event.job_id:
                    flight.cancel()
        self._wake.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._pace.look):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _claim(self) -> None:
        """Until the window or the queue has no more, a few at a time: all but the first would wait for the last."""
        each = self._pace.window - self._pace.window // 4
        while not self._stopping and (room := min(BATCH, self._pace.window - len(self._flights))) > 0:
            now = self._means.clock()
            taken = Counter(flight.claim.job.user_id for flight in self._flights.values())
            claims = await self._store.claim(self._owner, now, self._lease_end(now), room, taken, each)
            for claim in claims:
                self._take_off(claim)
            if len(claims) < room:
                return

    def _lease_end(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._pace.lease)

    def _take_off(self, claim: Claim) -> None:
        scratch = Scratch(self._scratch, f"{claim.job.id}.{claim.serial}")
        run = Run(claim.job, scratch, self._means, lambda job: self._store.save(claim, job, self._means.clock()))
        task = asyncio.create_task(self._fly(claim, run), name=f"job {claim.job.id}")
        self._flights[_key(claim)] = _Flight(claim, run, task)
        self._tell(claim.job)

    # --- one job ---------------------------------------------------------------------------------

    async def _fly(self, claim: Claim, run: Run) -> None:
        """The run of one claimed job, and the way it ends."""
        extra = {"job": claim.job.id, "stage": "run"}
        try:
            await self._record(claim, await run.finish())
        except asyncio.CancelledError:
            await self._give_back(claim, run)
            raise
        except Lost:
            log.info("the job is no longer ours", extra=extra)
            await self._forget(run.job)
        except StoreDown as down:
            # its lease ends by itself, and then it runs again
            log.warning("the job cannot be recorded: %s", down.detail, extra=extra)
        except TooLarge as fault:
            log.warning("the job's results cannot be recorded: %s", fault.detail, extra=extra)
            await self._fail(claim, claim.job, Trouble("over_limit", "run", f"with its results {fault.detail}"))
        except Exception:
            log.exception("the job could not be run", extra=extra)
            await self._fail(claim, run.job, OURS)
        finally:
            self._flights.pop(_key(claim), None)
            self._wake.set()

    async def _record(self, claim: Claim, ended: Job) -> None:
        """Keeps the end and tells it, both or none: a cancellation that comes in between waits."""
        recording = asyncio.create_task(self._store.save(claim, ended, self._means.clock()))
        try:
            await asyncio.shield(recording)
        except asyncio.CancelledError:
            await asyncio.wait([recording])
            if recording.exception() is None:
                self._tell_end(ended)
            raise
        self._tell_end(ended)

    def _tell_end(self, ended: Job) -> None:
        _log_end(ended)
        self._tell(ended)

    async def _fail(self, claim: Claim, job: Job, trouble: Trouble) -> None:
        """What would happen again ends the job, as far as it came, instead of running it for ever."""
        failed = core.fail_unfinished(job, trouble, self._means.clock())
        try:
            await self._store.save(claim, failed, self._means.clock())
            self._tell(failed)
        except (Lost, StoreDown):
            log.info("the job is no longer ours", extra={"job": failed.id, "stage": "run"})

    async def _give_back(self, claim: Claim, run: Run) -> None:
        job = core.advance(run.job, Status.PENDING, self._means.clock())
        try:
            await self._store.give_back(claim, job, self._means.clock())
            log.info("the job was given back", extra={"job": job.id, "stage": "run"})
        except (Lost, StoreDown, TooLarge):
            log.info("the job is no longer ours", extra={"job": job.id, "stage": "run"})
            await self._forget(job)

    async def _forget(self, job: Job) -> None:
        """A job may be cancelled and removed while its picture is on the way: then that comes after the others went."""
        with suppress(SixpxError):
            if await self._store.job(job.user_id, job.id) is None:
                await self._remove_files(f"{job.user_id}/{job.id}")

    def _tell(self, job: Job) -> None:
        self._hub.publish(JobEvent.of(job))

    # --- leases ----------------------------------------------------------------------------------

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._pace.lease / 3)
            try:
                await self._renew()
            except StoreDown as down:
                log.warning("leases cannot be renewed: %s", down.detail, extra={"stage": "lease"})
            except Exception:  # as above
                log.exception("leases cannot be renewed", extra={"stage": "lease"})

    async def _renew(self) -> None:
        now = self._means.clock()
        claims = [flight.claim for flight in self._flights.values()]
        for lost in await self._store.renew(claims, now, self._lease_end(now)):
            if (flight := self._flights.get(_key(lost))) is not None:
                flight.cancel()
        if released := await self._store.release(now):
            log.warning("%d jobs of ended leases are pending again", released, extra={"stage": "lease"})
            self._wake.set()


def _key(claim: Claim) -> tuple[str, int]:
    return claim.job.id, claim.serial


def _log_end(job: Job) -> None:
    extra = {"job": job.id, "user": job.user_id, "stage": "end", "ms": job.total.total, "bytes": job.bytes}
    log.info("job %s: %s", job.id, job.status, extra=extra)
    for one in job.processed:
        if one.trouble is not None:
            fault = {"job": job.id, "stage": one.trouble.stage, "code": one.trouble.code, "output": one.tag}
            log.warning("output %s failed: %s", one.tag, one.trouble.detail, extra=fault)
