"""Owns the contract of a store: what is remembered, and what every member promises. Never a driver.

Promises, held by `tests/contract/test_store_*.py` for every member:
- `add_job` returns after the job is durable: neither a killed process nor a lost power supply takes it back.
- A job is claimed by one claimant at a time. A claim is a lease: renewed, or free again when it ends.
- Whoever writes to a job by a claim that is no longer valid gets `Lost`, and changes nothing. A claim ends with its
  lease, also where nobody else has taken the job yet.
- Users take turns: of those with pending jobs, the one served longest ago is next, with the oldest of his jobs.
- `now` is an argument everywhere. A store that cannot be reached raises `StoreDown`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from sixpx.core.job import Job, User
from sixpx.core.query import Found, Page, Sort


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job until its lease ends. `serial` grows with every claim of the job, so that an old
    claimant is told from a new one."""

    job: Job
    owner: str
    serial: int


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key of a user with the fingerprint of the body that came with it, kept until `expires`."""

    key: str
    fingerprint: str
    expires: datetime


NOBODY: Mapping[str, int] = MappingProxyType({})


class Store(Protocol):
    """All methods raise StoreDown when the store does not answer. Times are aware datetimes in UTC."""

    async def add_job(self, job: Job, blobs: Mapping[str, bytes], once: Once | None, now: datetime) -> str:
        """Keeps the job and its blobs, all or nothing, and returns its id; with an Idempotency-Key that came before,
        keeps nothing and returns the first job's id. KeyReused where the fingerprint differs."""
        ...

    async def first_with(self, user_id: str, once: Once, now: datetime) -> str | None:
        """The id of the job that this Idempotency-Key made, if any. KeyReused where the fingerprint differs."""
        ...

    async def job(self, user_id: str, job_id: str) -> Job | None: ...

    async def jobs(self, user_id: str, page: Page, sort: Sort) -> Found[Job]: ...

    async def blob(self, blob_id: str) -> bytes | None: ...

    async def claim(
        self,
        owner: str,
        now: datetime,
        until: datetime,
        most: int,
        taken: Mapping[str, int] = NOBODY,
        each: int | None = None,
    ) -> Sequence[Claim]:
        """Claims up to `most` pending jobs until `until`; each becomes processing. No user gets more than `each`
        in all, those counted that he has `taken` already; None: as many as there are."""
        ...

    async def renew(self, held: Sequence[Claim], now: datetime, until: datetime) -> Sequence[Claim]:
        """Moves the leases' ends; returns the claims that are lost, those whose lease ended before `now` included."""
        ...

    async def save(self, claim: Claim, job: Job, now: datetime) -> None:
        """Writes the job under the claim; an ended job's lease ends with it. Raises Lost where the claim is not held
        any more, or its lease ended before `now`."""
        ...

    async def give_back(self, claim: Claim, job: Job, now: datetime) -> None:
        """The job, as far as it came, is pending again and the claim is over. Raises Lost as `save` does."""
        ...

    async def release(self, now: datetime, everything: bool = False) -> int:
        """Makes pending again what was processing under a lease that ended before `now` (or under any, for the only
        process of a store); returns how many."""
        ...

    async def cancel(self, user_id: str, job_id: str, now: datetime) -> Job | None:
        """Ends a pending or processing job as cancelled; its claim is lost from then on. Returns the job as it is
        afterwards, changed or not; None where there is none."""
        ...

    async def retry(self, user_id: str, job_id: str, now: datetime) -> Job | None:
        """Puts a failed job's failed outputs back in the queue. Conflict where nothing failed or it has not ended;
        None where there is no such job."""
        ...

    async def remove_job(self, user_id: str, job_id: str) -> bool:
        """Forgets an ended job with its blobs and its Idempotency-Key, and notes that its hosted files are left; False
        where there is none. Conflict where it has not ended."""
        ...

    async def leftovers(self) -> Sequence[str]:
        """The folders `user/job` of removed jobs whose hosted files are still to be removed."""
        ...

    async def cleared(self, folder: str) -> None:
        """The files of this folder are removed: it is no leftover any more."""
        ...

    async def add_user(self, user: User) -> None: ...

    async def user(self, user_id: str) -> User | None: ...

    async def users(self) -> Sequence[User]: ...

    async def set_connection(self, user_id: str, mask: str, sealed: str | None) -> User | None:
        """Lets the user's mask stand for a sealed connection string, or (None) for nothing any more, without touching
        another mask that is set at the same moment. The user as he is afterwards; None where there is none."""
        ...

    async def ping(self) -> None:
        """Returns when the store can be written to."""
        ...

    async def close(self) -> None: ...
