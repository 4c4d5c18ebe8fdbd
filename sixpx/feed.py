"""Owns what a user's listeners are told of his jobs, and when. Never a socket, never JSON names, never the store.

Published clients begin to listen for a job only after they have read the reply to its POST. So nothing of a job is told
before that reply is written, and its end is told once more a second later (SPEC section 7). Whoever began to listen in
between hears it then for the first time, unless the job was read by then: one of the clients opens a socket for each
job, and takes any `complete` that comes over it for that of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sixpx.hub import EVERY, Hub, JobEvent

ONCE_MORE = 1.0
"""Seconds after which an end is told again."""
LINE_MOST = 256
"""Events that wait for one listener; who has not taken them by then is not listening."""


class Line:
    """The events that wait for one listener, in order. Iterate with `next`; `overrun` once it was not emptied in time,
    and from then on nothing more comes."""

    def __init__(self, most: int = LINE_MOST) -> None:
        self._most = most
        self._events: deque[JobEvent] = deque()
        self._filled = asyncio.Event()
        self.overrun = False

    def put(self, event: JobEvent) -> None:
        if len(self._events) >= self._most:
            self.overrun = True
            self._events.clear()
        if not self.overrun:
            self._events.append(event)
        self._filled.set()

    async def next(self) -> JobEvent | None:
        """The next event, when there is one; None where the line is overrun."""
        while not self._events and not self.overrun:
            self._filled.clear()
            await self._filled.wait()
        return None if self.overrun else self._events.popleft()


@dataclass(slots=True)
class _Repeat:
    """An end that is told once more: who heard it the first time, and whether its owner has read it since."""

    event: JobEvent
    heard: tuple[Line, ...]
    later: asyncio.TimerHandle
    read: bool = False


class Feed:
    """Stands between the hub and the listeners outside of this process. Belongs to one event loop; `close` ends it."""

    def __init__(self, hub: Hub, once_more: float = ONCE_MORE) -> None:
        self._once_more = once_more
        self._held: dict[str, list[JobEvent]] = {}
        self._lines: dict[str, list[tuple[Line, bool]]] = {}
        self._repeats: dict[str, _Repeat] = {}
        self._open: dict[str, set[str]] = {}
        self._hearing = hub.listening(EVERY, self._hear)
        self._hearing.__enter__()

    async def close(self) -> None:
        """Nothing more is told."""
        self._hearing.__exit__(None, None, None)
        for repeat in self._repeats.values():
            repeat.later.cancel()
        self._repeats.clear()

    @contextmanager
    def holding(self, job_id: str) -> Iterator[None]:
        """Tells nothing of this job while the block runs; what happens meanwhile is told afterwards, in order."""
        self._held[job_id] = []
        try:
            yield
        finally:
            for event in self._held.pop(job_id):
                self._tell(event)

    @contextmanager
    def listening(self, user_id: str, repeats: bool = True) -> Iterator[Line]:
        """The line that fills with what happens to the user's jobs while the block runs; without `repeats` each end
        comes once."""
        entry = (Line(), repeats)
        self._lines.setdefault(user_id, []).append(entry)
        try:
            yield entry[0]
        finally:
            lines = self._lines[user_id]
            lines.remove(entry)
            if not lines:
                del self._lines[user_id]

    def read(self, job_id: str) -> None:
        """The owner has read this job after its end: it is no news to who begins to listen now."""
        if (repeat := self._repeats.get(job_id)) is not None:
            repeat.read = True

    def working_for(self, user_id: str) -> bool:
        """Whether a job of this user that was heard of has not ended."""
        return user_id in self._open

    # --- what happens -----------------------------------------------------------------------------

    def _hear(self, event: JobEvent) -> None:
        self._note(event)
        if (repeat := self._repeats.pop(event.job_id, None)) is not None:
            repeat.later.cancel()  # it has changed since
        if event.job_id in self._held:
            self._held[event.job_id].append(event)
        else:
            self._tell(event)

    def _note(self, event: JobEvent) -> None:
        jobs = self._open.setdefault(event.user_id, set())
        (jobs.discard if event.status.ended else jobs.add)(event.job_id)
        if not jobs:
            del self._open[event.user_id]

    def _tell(self, event: JobEvent) -> None:
        event = replace(event, job=None)  # a line must not keep whole jobs alive
        lines = tuple(line for line, _ in self._lines.get(event.user_id, ()))
        for line in lines:
            line.put(event)
        if event.status.ended:
            later = asyncio.get_running_loop().call_later(self._once_more, self._once_again, event.job_id)
            self._repeats[event.job_id] = _Repeat(event, lines, later)

    def _once_again(self, job_id: str) -> None:
        repeat = self._repeats.pop(job_id)
        for line, repeats in tuple(self._lines.get(repeat.event.user_id, ())):
            if repeats and (line in repeat.heard or not repeat.read):
                line.put(repeat.event)
