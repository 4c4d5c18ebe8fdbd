"""Owns the telling of ends: claims callbacks that are due, sends them signed, records what came. Never JSON names.

What is owed stands in the store since the end itself was written. A callback is claimed for a time (`Store.owed`),
tried within it and recorded; whatever is not recorded, because a process was killed or the store was away, is due
again when that time is over, with the same webhook-id. One is sent at least once, mostly once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sixpx import credentials, signature
from sixpx.calls import Call, Calls
from sixpx.core import delivery as core
from sixpx.core.delivery import Attempt, Chance, Delivery, Fate
from sixpx.core.job import Job
from sixpx.core.retry import CALLBACK_DELAYS, asked_for
from sixpx.core.user import User
from sixpx.credentials import Vault
from sixpx.errors import BadSettings, StoreDown, TooLarge
from sixpx.hub import EVERY, Hub, JobEvent
from sixpx.log import wordless
from sixpx.receivers import Answer, Letter, Receivers, host_of
from sixpx.store.base import Store

log = logging.getLogger(__name__)

Deliveries = tuple[Delivery, ...]

BATCH = 16
"""Callbacks that are claimed at once."""
MISTAKE = Answer(None, "the service made a mistake with this callback; it is in its log")
"""Told to the schedule, as what a receiver does is: what is not recorded would be tried for ever."""
RECORD_SECONDS = 5.0
"""How long a record under way may take when the service stops."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`seconds`: what one attempt may take; `parallel`: attempts at once; `look`: the pause in seconds between looks
    for what is due; `grace`: how long `stop` lets attempts finish; `schedule`: the delays between them."""

    seconds: float = 15.0
    parallel: int = 16
    look: float = 1.0
    grace: float = 5.0
    schedule: Sequence[float] = CALLBACK_DELAYS

    @property
    def claim(self) -> timedelta:
        """How long a claim holds: a third to wait for a slot, one for the attempt, one to record it."""
        return timedelta(seconds=3 * self.seconds)

    @property
    def attempt(self) -> timedelta:
        """What must be left of a claim when its attempt begins."""
        return timedelta(seconds=2 * self.seconds)


class Callbacks:
    """Delivers until `stop`. One in a process. `body` makes what is sent of a job; `due` is set by whoever made
    something due; `luck` draws from 0..1."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        vault: Vault,
        receivers: Receivers,
        body: Callable[[Job], bytes],
        clock: Callable[[], datetime],
        due: asyncio.Event,
        pace: Pace,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._hub = hub
        self._vault = vault
        self._receivers = receivers
        self._body = body
        self._clock = clock
        self._due = due
        self._pace = pace
        self._luck = luck
        self._calls = Calls(pace.parallel)
        self._writing = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        self._looking = asyncio.create_task(self._look_for_ever())

    async def stop(self) -> None:
        """Begins nothing more and lets attempts finish within the grace time. The others are due again later."""
        self._stopping = True
        self._due.set()
        tasks = [*self._under_way, *([self._looking] if self._looking else [])]
        if tasks:
            await asyncio.wait(tasks, timeout=self._pace.grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- what is due -----------------------------------------------------------------------------

    async def _look_for_ever(self) -> None:
        with self._hub.listening(EVERY, self._hear):
            while not self._stopping:
                self._due.clear()
                try:
                    await self._look()
                except StoreDown as down:
                    log.warning("no callbacks can be claimed: %s", down.detail, extra={"stage": "callback"})
                except Exception:  # a mistake of ours must not end the callbacks for good
                    log.exception("no callbacks can be claimed", extra={"stage": "callback"})
                await self._pause()

    def _hear(self, event: JobEvent) -> None:
        if event.status.ended and (event.job is None or event.job.due is not None):
            self._due.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._pace.look):
                await self._due.wait()
        except TimeoutError:
            pass

    async def _look(self) -> None:
        """Claims all that is due. What finds no place, or no slot in time, is left to a later look: a receiver that
        hangs holds back its own callbacks and nobody else's."""
        more = True
        while more and not self._stopping and not self._calls.full:
            now = self._clock()
            until = now + self._pace.claim
            owed = await self._store.owed(now, until, BATCH)
            for one in owed:
                self._calls.add(Call(one.user_id, one.job_id, self._host(one.sealed), until))
            self._begin()
            more = len(owed) == BATCH

    def _host(self, sealed: str) -> str:
        try:
            return host_of(self._vault.open(sealed))
        except BadSettings:  # the attempt will say so
            return ""

    def _begin(self) -> None:
        while not self._stopping and (call := self._calls.next()) is not None:
            task = asyncio.create_task(self._deliver(call), name=f"callback of job {call.job_id}")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    # --- one callback ----------------------------------------------------------------------------

    async def _deliver(self, call: Call) -> None:
        """One attempt, if it is still owed, and its record."""
        extra = {"job": call.job_id, "user": call.user_id, "stage": "callback"}
        try:
            await self._attempt(call)
        except StoreDown as down:
            log.warning("a callback is left for later: %s", down.detail, extra=extra)
        except Exception as mistake:
            log.error("a callback could not be delivered", exc_info=wordless(mistake), extra=extra)
        finally:
            self._calls.done(call)
            self._begin()

    async def _attempt(self, call: Call) -> None:
        async with self._writing:  # one whole job in memory, and not as many as there are slots
            at, began = self._clock(), time.perf_counter()
            # what is not ours for long enough is claimed again, by whoever is first
            ours = not self._stopping and at + self._pace.attempt <= call.until
            found = await self._owed(call, at) if ours else None
        if found is None:
            return
        owed, written = found
        answer = await self._answer(call, written) if isinstance(written, Letter) else written
        attempt = Attempt(at, round((time.perf_counter() - began) * 1000), answer.status, answer.detail)
        chance = Chance(self._luck(), asked_for(answer.retry_after, self._clock()), self._pace.schedule)
        after = await self._record(call, owed, attempt, chance)
        _log(call, attempt, next((one for one in after if one.id == owed.id), None))
        if core.due_of(after, self._clock()) is not None:
            self._due.set()

    async def _owed(self, call: Call, at: datetime) -> tuple[Delivery, Letter | Answer] | None:
        """The delivery, and what is sent for it or why nothing can be; None where nothing is owed any more. The job,
        which may be large, is let go before its receiver takes its time."""
        job = await self._store.job(call.user_id, call.job_id)
        owed = core.due_of(job.deliveries, at) if job is not None else None
        if job is None or owed is None:  # removed, retried, or delivered by another process
            return None
        try:
            user = await self._with_secret(job.user_id)
            if user is None:
                return owed, Answer(None, "the user is gone")
            return owed, await asyncio.to_thread(self._written, job, owed, user, at)
        except BadSettings:
            return owed, Answer(None, "the address or the signing secret was sealed with a key that is gone")
        except StoreDown:
            raise
        except Exception as mistake:
            log.error("a callback could not be written", exc_info=wordless(mistake), extra={"job": job.id})
            return owed, MISTAKE

    async def _answer(self, call: Call, letter: Letter) -> Answer:
        try:
            return await self._receivers.post(letter)
        except Exception as mistake:
            log.error("a callback could not be sent", exc_info=wordless(mistake), extra={"job": call.job_id})
            return MISTAKE

    async def _with_secret(self, user_id: str) -> User | None:
        """The user; one whom an older version made gets his signing secret first."""
        user = await self._store.user(user_id)
        if user is None or user.callback_secrets:
            return user
        fresh = (self._vault.seal(credentials.new_callback_secret()),)
        return await self._store.change_user(
            user_id, lambda one: one if one.callback_secrets else replace(one, callback_secrets=fresh)
        )

    def _written(self, job: Job, owed: Delivery, user: User, at: datetime) -> Letter:
        body = self._body(job)
        secrets = [self._vault.open(one) for one in user.callback_secrets]
        headers = {"Content-Type": "application/json", **signature.headers(secrets, owed.id, at, body)}
        return Letter(self._vault.open(job.callback_sealed or ""), headers, body)

    # --- the record ------------------------------------------------------------------------------

    async def _record(self, call: Call, began: Delivery, attempt: Attempt, chance: Chance) -> Deliveries:
        """Keeps the outcome. Stopped meanwhile, it is kept before the task ends."""
        recording = asyncio.create_task(self._kept(call, began, attempt, chance))
        try:
            return await asyncio.shield(recording)
        except asyncio.CancelledError:
            await asyncio.wait([recording], timeout=RECORD_SECONDS)
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)
            raise

    async def _kept(self, call: Call, began: Delivery, attempt: Attempt, chance: Chance) -> Deliveries:
        """Asks the store again while the claim holds; a job that is worked on again is its runner's, and has none.
        Raises StoreDown: then there is one more attempt."""
        ended, pause, whole = self._clock(), 0.1, True

        def noted(there: Delivery) -> Delivery:
            after = core.recorded(there, began, attempt, ended, chance)
            # as large as it was when nothing had been tried: of a job that fills its document the outcome has room
            return after if whole else replace(after, attempts=())

        def change(there: Deliveries) -> Deliveries:
            return core.changed(there, began.id, noted)

        while True:
            try:
                return tuple(await self._store.change_deliveries(call.user_id, call.job_id, change) or ())
            except TooLarge:
                if not whole:
                    raise
                whole = False
                continue
            except StoreDown:
                if self._clock() + timedelta(seconds=pause) >= call.until:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)


def _log(call: Call, attempt: Attempt, after: Delivery | None) -> None:
    """One line for an attempt that failed, one more for the last: the host and never the URL."""
    if attempt.delivered:
        return
    extra = {"job": call.job_id, "user": call.user_id, "stage": "callback", "ms": attempt.ms, "status": attempt.status}
    why = f"it answered {attempt.status}" if attempt.status is not None else attempt.detail
    log.warning("a callback to %s failed: %s", call.host, why, extra=extra)
    if after is not None and after.fate is Fate.FAILED:
        log.warning("the callback to %s is given up after %d attempts", call.host, after.tries, extra=extra)
