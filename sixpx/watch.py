"""Owns what other processes of one store do to jobs: it is told in this process too. Never a claim, never a socket.

Where the database can tell by itself (change streams) it does; elsewhere it is asked again and again what was modified.
The clocks of the processes may differ a little, and a change is kept a little later than the moment it carries: each
look reaches back, and what was told is not told again.
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

Seen = tuple[Status, datetime | None]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks, and how far each reaches back; `most` changes are read at once."""

    look: float = 0.5
    back: float = 5.0
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
                await self._look(self._clock() - timedelta(seconds=self._pace.back))
            else:
                self._tell(changed)
                self._forget()

    async def _poll_for_ever(self) -> None:
        while True:
            with suppress(StoreDown):  # the runner says so already
                await self._look(self._clock() - timedelta(seconds=self._pace.back))
            self._forget()
            await asyncio.sleep(self._pace.look)

    async def _look(self, since: datetime) -> None:
        async for changed in self._changed(since):
            self._tell(changed)
            await asyncio.sleep(0)  # a page all at once would be more than a listener's line holds

    async def _changed(self, since: datetime) -> AsyncIterator[Changed]:
        """All pages; a page that brings nothing but one moment ends it."""
        while True:
            page = await self._store.changed(since, self._pace.most)
            for one in page:
                yield one
            if len(page) < self._pace.most or page[-1].modified == since:
                return
            since = page[-1].modified

    # --- what was told already ----------------------------------------------------------------------

    def _note(self, event: JobEvent) -> None:
        self._seen[event.job_id] = (event.status, event.at)

    def _tell(self, changed: Changed) -> None:
        """Once for each status of a job; that it is still being worked on is no news. A later end is one: the job was
        retried meanwhile."""
        status, at = self._seen.get(changed.job_id, (None, None))
        later = at is not None and changed.modified > at
        if (status is changed.status and not (later and status.ended)) or (at is not None and at > changed.modified):
            self._seen[changed.job_id] = (changed.status, changed.modified)
            return
        event = JobEvent(changed.job_id, changed.user_id, changed.status, by_owner=True, at=changed.modified)
        self._hub.publish(event)

    def _forget(self) -> None:
        """What no look reaches back to any more."""
        oldest = self._clock() - timedelta(seconds=3 * self._pace.back)
        self._seen = {job: seen for job, seen in self._seen.items() if seen[1] is None or seen[1] > oldest}
