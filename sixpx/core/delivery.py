"""Owns the Delivery: one callback owed for one end of a job, what was tried, what comes next. Never a URL, a clock.

Deliveries live inside their job, so that an end and what is owed for it are kept in one write. Their ids are made of
the job's id and a number: the same end told twice is one delivery to its receiver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sixpx.core.retry import CALLBACK_DELAYS, wait_for_callback

GONE = 410
"""The status that says: never again (Standard Webhooks 1.0)."""
DELIVERIES_KEPT = 20
"""The newest deliveries that a job keeps. Each of its ends makes one, and a job that fails can be retried for ever."""
ATTEMPTS_KEPT = 40
"""The newest attempts that a delivery keeps: four whole schedules, since each replay begins a new one."""


class Fate(StrEnum):
    """What became of a delivery. `dropped`: the job was retried before it was delivered; its next end is told anew."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST: when it began, how long it took in ms, the status that came (None where none came), and a sentence or
    the beginning of the answer."""

    at: datetime
    ms: int
    status: int | None
    detail: str = ""

    @property
    def delivered(self) -> bool:
        """Only 2xx is success; a redirect is none (SPEC section 7)."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivery:
    """`id` is the webhook-id (Standard Webhooks 1.0). `due`: when the next attempt may begin, None where none is owed;
    `tries` counts those of the schedule alone, a replay begins a new one."""

    id: str
    created: datetime
    fate: Fate = Fate.PENDING
    due: datetime | None = None
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Chance:
    """What decides about the next attempt beside the outcome of the last: `luck` of 0..1 for the spread, the seconds
    that the receiver `asked` for, and the schedule."""

    luck: float
    asked: float | None = None
    schedule: Sequence[float] = CALLBACK_DELAYS


def owed(job_id: str, number: int, now: datetime) -> Delivery:
    """What is owed for the end of a job that had `number` deliveries before."""
    return Delivery(f"msg_{job_id}_{number + 1}", now, due=now)


def with_owed(deliveries: Sequence[Delivery], job_id: str, now: datetime) -> tuple[Delivery, ...]:
    """Those of a job at one more end, the newest of them. The numbers go on, so that no webhook-id comes twice."""
    last = int(deliveries[-1].id.rpartition("_")[2]) if deliveries else 0
    return (*deliveries, owed(job_id, last, now))[-DELIVERIES_KEPT:]


def due_at(deliveries: Sequence[Delivery]) -> datetime | None:
    """When the next attempt at any of them may begin, if one is owed."""
    return min((one.due for one in deliveries if one.due is not None), default=None)


def due_of(deliveries: Sequence[Delivery], now: datetime) -> Delivery | None:
    """The one that is due by `now` and has been for longest."""
    ready = [one for one in deliveries if one.due is not None and one.due <= now]
    return min(ready, key=lambda one: one.due or now, default=None)


def attempted(delivery: Delivery, attempt: Attempt, now: datetime, chance: Chance) -> Delivery:
    """The delivery after an attempt that ended `now`: delivered, given up, or due again."""
    tries = delivery.tries + 1
    noted = replace(_noted(delivery, attempt), tries=tries, due=None)
    if attempt.delivered:
        return replace(noted, fate=Fate.DELIVERED)
    wait = None if attempt.status == GONE else wait_for_callback(tries, chance.luck, chance.asked, chance.schedule)
    if wait is None:
        return replace(noted, fate=Fate.FAILED)
    return replace(noted, due=now + timedelta(milliseconds=round(wait * 1000)))


def recorded(there: Delivery, began: Delivery, attempt: Attempt, now: datetime, chance: Chance) -> Delivery:
    """What is `there` after an attempt at what it was when the attempt `began`. It decides once: where another process
    has recorded one since, this one is nothing; what was dropped or replayed meanwhile stays so, and is noted."""
    if there == began:
        return attempted(there, attempt, now, chance)
    return _noted(there, attempt) if there.attempts == began.attempts else there


def replayed(delivery: Delivery, now: datetime) -> Delivery:
    """The same delivery due at once, at the begin of its schedule, whatever became of it."""
    return replace(delivery, fate=Fate.PENDING, due=now, tries=0)


def changed(deliveries: Sequence[Delivery], id: str, change: Callable[[Delivery], Delivery]) -> tuple[Delivery, ...]:
    """All of them, the one of this id changed."""
    return tuple(change(one) if one.id == id else one for one in deliveries)


def _noted(delivery: Delivery, attempt: Attempt) -> Delivery:
    return replace(delivery, attempts=(*delivery.attempts, attempt)[-ATTEMPTS_KEPT:])
