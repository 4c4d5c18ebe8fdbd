"""Owns the Delivery: one callback owed for one end of a job, what was tried, what comes next. Never a URL, a clock.

Deliveries live inside their job, so that an end and what is owed for it are kept in one write. Their ids are made of
the job's id and a number: the same end told twice is one delivery to its receiver.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


def owed(job_id: str, number: int, now: datetime) -> Delivery:
    """What is owed for the end of a job that had `number` deliveries before."""
    return Delivery(f"msg_{job_id}_{number + 1}", now, due=now)
