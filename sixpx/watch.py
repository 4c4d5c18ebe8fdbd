"""Owns what other processes of one store do to jobs: it is told in this process too. Never a claim, never a socket.

Where the database can tell by itself (change streams) it does; elsewhere it is asked again and again what was modified.
The clocks of the processes may differ a little, and a change is kept a little later than the moment it carries: each
look reaches back, and what was told is not told again. Whose clock is behind cannot be told from what is old by what
a change carries alone: where that matters, the job itself is read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sixpx.core.job import Status
from sixpx.errors import NotSupported, StoreDown
from sixpx.hub import EVERY, Hub, JobEvent
from sixpx.store.base import Changed, Store

log = logging.getLogger(__name__)

Seen = tuple[Status, datetime]
MANY = 1000
"""So many jobs may be remembered before it is worth to look which are to be forgotten."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks, and how far each reaches back behind the one before; `reach`: how far at most, where
    nothing was heard for long. `most` changes are read at once."""

    look: float = 0.5
    back: float = 5.0
    reach: float = 900.0
    most: int = 1000


PACE = Pace()


class Watch:
    """Tells the hub what others did, until `stop`. Only for a store that several processes share."""

    def __init__(self, store: Store, hub: Hub, clock: Callable[[], datetime], pace: Pace = PACE) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._pace = pace
        self._seen: dict[str, Seen] = {}
        self._many = MANY
        self._heard = clock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch_for_ever())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch_for_ever(self) -> None:
        with self._hub.listening(EVERY, self._note):
            while True:
                try:
                    await self._stream()
                except NotSupported:
                    await self._poll_for_ever()
                except StoreDown as down:
                    log.warning("other processes cannot be heard: %s", down.detail, extra={"stage": "watch"})
                except Exception:  # a mistake of ours must not end the watch for good
                    log.exception("other processes cannot be heard", extra={"stage": "watch"})
                await asyncio.sleep(self._pace.look)

    async def _stream(self) -> None:
        """Raises NotSupported where the database has no change streams. What changed while none was open is looked
        for."""
        async for changed in self._store.changes():
            if changed is None:
                await self._look()
            else:
                await self._tell(changed)
                self._heard = max(self._heard, min(changed.modified, self._clock()))
            if len(self._seen) > self._many:
                self._forget()

    async def _poll_for_ever(self) -> None:
        while True:
            with suppress(StoreDown):  # the runner says so already
                await self._look()
            self._forget()
            await asyncio.sleep(self._pace.look)

    async def _look(self) -> None:
        """From the last time on that all was heard: the database, or this process, may have stood still since."""
        began = self._clock()
        async for changed in self._changed(self._behind(min(self._heard, began), began)):
            await self._tell(changed)
            await asyncio.sleep(0)  # a page all at once would be more than a listener's line holds
        self._heard = began

    def _behind(self, heard: datetime, now: datetime) -> datetime:
        return max(heard - timedelta(seconds=self._pace.back), now - timedelta(seconds=self._pace.reach))

    async def _changed(self, since: datetime) -> AsyncIterator[Changed]:
        """All pages; one that is full of a single moment is read again, larger."""
        most = self._pace.most
        while True:
            page = await self._store.changed(since, most)
            for one in page:
                yield one
            if len(page) < most:
                return
            if page[-1].modified == since:
                most *= 2
            since = page[-1].modified

    # --- what was told already ----------------------------------------------------------------------

    def _note(self, event: JobEvent) -> None:
        self._seen[event.job_id] = (event.status, event.at or self._clock())

    async def _tell(self, changed: Changed) -> None:
        if await self._is_news(changed):
            event = JobEvent(changed.job_id, changed.user_id, changed.status, by_owner=True, at=changed.modified)
            self._hub.publish(event)

    async def _is_news(self, changed: Changed) -> bool:
        """Once for each status of a job; that it is still being worked on is no news. Another end is one: the job was
        retried meanwhile."""
        seen = self._seen.get(changed.job_id)
        if seen is None:
            return True
        status, at = seen
        if status is changed.status and (changed.modified == at or not status.ended):
            self._seen[changed.job_id] = (status, max(at, changed.modified))
            return False
        return changed.modified > at or await self._is_so(changed, seen)

    async def _is_so(self, changed: Changed, seen: Seen) -> bool:
        """Whether it is the newest of the job, though what was told already carries a later moment: of another clock,
        else it was read before that happened."""
        job = await self._store.job(changed.user_id, changed.job_id)
        same = job is not None and (job.status, job.modified) == (changed.status, changed.modified)
        return same and self._seen.get(changed.job_id) == seen

    def _forget(self) -> None:
        """What no look reaches back to any more."""
        oldest = self._behind(self._heard, self._clock()) - timedelta(seconds=2 * self._pace.back)
        self._seen = {job: seen for job, seen in self._seen.items() if seen[1] > oldest}
        self._many = 2 * len(self._seen) + MANY
