"""Owns the fan-out of job events inside this process. Never knows JSON names or sockets; keeps nothing.

A listener is called in the event loop, at once, and must not block; what it wants to remember it keeps itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sixpx.core.job import Job, Status


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A job changed its status. `by_owner`: its user asked for it (a new job, a cancellation, a retry). `job`: the job
    as it was recorded, where whoever tells has it at hand; `at`: when it was."""

    job_id: str
    user_id: str
    status: Status
    by_owner: bool = False
    job: Job | None = None
    at: datetime | None = None

    @classmethod
    def of(cls, job: Job, by_owner: bool = False) -> JobEvent:
        """The job has become what it is."""
        return cls(job.id, job.user_id, job.status, by_owner, job, job.modified)


Listener = Callable[[JobEvent], None]

EVERY = "*"
"""The topic of all events; the others are a job's id and a user's id."""


class Hub:
    """Listeners by topic."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}

    def publish(self, event: JobEvent) -> None:
        for topic in (event.job_id, event.user_id, EVERY):
            for listener in tuple(self._listeners.get(topic, ())):
                listener(event)

    @contextmanager
    def listening(self, topic: str, listener: Listener) -> Iterator[None]:
        """Calls `listener` for every event of the topic while the block runs."""
        self._listeners.setdefault(topic, []).append(listener)
        try:
            yield
        finally:
            listeners = self._listeners[topic]
            listeners.remove(listener)
            if not listeners:
                del self._listeners[topic]
