"""Owns the shape in which jobs and users are carried from store to store, and its digests. Never a driver."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from sixpx.core.job import Job, Status
from sixpx.core.user import User
from sixpx.store.base import Row
from sixpx.store.document import from_job, from_user, iso, to_job, to_user, when

PAGE_BYTES = 16_000_000
"""A page of rows ends when it is as large as this, so that large jobs and blobs do not fill the memory."""
USER_ID = 24
"""Letters of a user's id: where a key begins with one, the rest follows."""


def of_job(job: Job) -> Row:
    """A claim is not carried: whoever held it works on the other store no more."""
    if job.status is Status.PROCESSING:
        job = replace(job, status=Status.PENDING)
    columns = {"user_id": job.user_id, "status": str(job.status)}
    dates = {"created": iso(job.created), "modified": iso(job.modified)}
    return Row(job.id, {**from_job(job), **columns, **dates})


def job_of(row: Row) -> Job:
    raw = row.content
    return to_job(raw, raw["user_id"], raw["status"], when(raw["created"]), when(raw["modified"]))


def of_user(user: User) -> Row:
    return Row(user.id, from_user(user))


def user_of(row: Row) -> User:
    return to_user(row.content)


def of_count(user_id: str, name: str, count: int, ends: str) -> Row:
    return Row(user_id + name, {"user_id": user_id, "name": name, "count": count, "ends": ends})


def of_once(user_id: str, key: str, fingerprint: str, job_id: str, expires: str) -> Row:
    columns = {"fingerprint": fingerprint, "job_id": job_id, "expires": expires}
    return Row(user_id + key, {"user_id": user_id, "key": key, **columns})


def of_leftover(folder: str) -> Row:
    return Row(folder, {})


def of_agreed(name: str, value: str) -> Row:
    return Row(name, {"value": value})


def of_blob(id: str, job_id: str, content: bytes) -> Row:
    return Row(id, {"job_id": job_id, "bytes": content})


def parts(key: str) -> tuple[str, str]:
    """The user's id and what follows it; of an empty key two empty words, which are less than any."""
    return key[:USER_ID], key[USER_ID:]


def size(content: Mapping[str, Any]) -> int:
    """About how large a row is: for PAGE_BYTES."""
    return len(content["bytes"]) if "bytes" in content else len(orjson.dumps(content))


def digest(row: Row) -> bytes:
    """Two rows have the same digest where they are equal, the order of their fields included: it counts in filters."""
    told = orjson.dumps([row.key, row.content], default=lambda one: hashlib.sha256(one).hexdigest())
    return hashlib.sha256(told).digest()
