"""Owns how an event of a job looks to who listens: web sockets and Server-Sent Events. Never whom it is sent to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import orjson

from sixpx.core.job import Status
from sixpx.hub import JobEvent

CURSOR = re.compile(r"([0-9]{1,14})-([0-9a-f]{24})")
NO_JOB = "0" * 24
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def message(job_id: str, status: Status) -> str:
    """`{"job_id": …, "status": …}` as the published clients expect it; one line."""
    return orjson.dumps({"job_id": job_id, "status": str(status)}).decode()


def greeting(reconnect_ms: int, now: datetime | None) -> bytes:
    """What a stream begins with: how soon to come back, and to whom was nowhere yet, that he is at this moment."""
    id = f"id: {cursor(NO_JOB, now)}\n" if now else ""
    return f"retry: {reconnect_ms}\n{id}\n".encode()


def of_stream(job_id: str, status: Status, at: datetime | None) -> bytes:
    """One event of an event stream (WHATWG HTML, 9.2): its id says when the change was, and of which job."""
    id = f"id: {cursor(job_id, at)}\n" if at else ""
    return f"{id}event: job\ndata: {message(job_id, status)}\n\n".encode()


def cursor(job_id: str, at: datetime) -> str:
    """Where a listener has come to: milliseconds since 1970, and the job."""
    return f"{(at - EPOCH) // timedelta(milliseconds=1)}-{job_id}"


def since(text: str) -> datetime | None:
    """The moment of a cursor; None where it is none of ours."""
    found = CURSOR.fullmatch(text)
    return EPOCH + timedelta(milliseconds=int(found[1])) if found else None


def of_event(event: JobEvent) -> bytes:
    """The event as it goes into a stream."""
    return of_stream(event.job_id, event.status, event.at)
