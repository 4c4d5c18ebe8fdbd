"""Owns the contract of a store: what is remembered, and what every member promises. Never a driver.

Promises, held by `tests/contract/test_store_*.py` for every member:
- `add_job` returns after the job is durable: neither a killed process nor a lost power supply takes it back.
- A job is claimed by one claimant at a time. A claim is a lease: renewed, or free again when it ends.
- Whoever writes to a job by a claim that is no longer valid gets `Lost`, and changes nothing. A claim ends with its
  lease, also where nobody else has taken the job yet.
- Users take turns: of those with pending jobs, the one served longest ago is next, with the oldest of his jobs.
- Users take no more than their plans have: of jobs worked on at once, by all processes together, and of posts.
- A change is a pure function of what is there: it is applied to the newest state, as if nobody else were writing.
- What is owed is claimed by one caller at a time, as jobs are.
- `now` is an argument everywhere. A store that cannot be reached raises `StoreDown`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from sixpx.core.delivery import Delivery
from sixpx.core.job import Job, Status
from sixpx.core.meter import Window
from sixpx.core.query import Found, Query
from sixpx.core.user import User


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


@dataclass(frozen=True, slots=True)
class Owed:
    """A job with a callback that is due: whose it is, and the sealed URL to call. The job itself may be as large as a
    body, and many are due at once: each is read when it is its turn."""

    job_id: str
    user_id: str
    sealed: str


Told = Callable[[tuple[Delivery, ...]], tuple[Delivery, ...]]
"""What an attempt makes of the deliveries of a job."""
GONE = "the user was removed"
NOBODY: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Changed:
    """A job as its owner is told of it: its status, and when it became so."""

    job_id: str
    user_id: str
    status: Status
    modified: datetime


class Store(Protocol):
    """All methods raise StoreDown when the store does not answer. Times are aware datetimes in UTC."""

    # --- jobs -----------------------------------------------------------------------------------

    async def add_job(
        self, job: Job, blobs: Mapping[str, bytes], once: Once | None, now: datetime, meter: Sequence[Window] = ()
    ) -> str:
        """Keeps the job and its blobs, counts it in each window, all or nothing, and returns its id; with an
        Idempotency-Key that came before, keeps and counts nothing and returns the first job's id. KeyReused where the
        fingerprint differs, OverQuota where a window is full, Unauthorized where posts are counted of a user who is not
        there any more, TooLarge where the store cannot hold the job."""
        ...

    async def first_with(self, user_id: str, once: Once, now: datetime) -> str | None:
        """The id of the job that this Idempotency-Key made, if any. KeyReused where the fingerprint differs."""
        ...

    async def job(self, user_id: str, job_id: str) -> Job | None: ...

    async def jobs(self, user_id: str, query: Query, seconds: float | None = None) -> Found[Job]:
        """The page of the user's jobs that the query asks for, as `core.query.evaluate` has it. TooSlow where it takes
        longer than `seconds`."""
        ...

    async def changed(self, since: datetime, most: int, user_id: str | None = None) -> Sequence[Changed]:
        """The jobs (of one user, or of all) that were modified at `since` or later, the oldest change first."""
        ...

    def changes(self) -> AsyncIterator[Changed | None]:
        """What becomes of jobs from now on, as the database tells it; None at the beginning, and wherever something may
        have been left out. Raises NotSupported where the database cannot tell, StoreDown where it goes away."""
        ...

    async def blob(self, blob_id: str) -> bytes | None: ...

    # --- claims ---------------------------------------------------------------------------------

    async def claim(
        self,
        owner: str,
        now: datetime,
        until: datetime,
        most: int,
        taken: Mapping[str, int] = NOBODY,
        each: int | None = None,
    ) -> Sequence[Claim]:
        """Claims up to `most` pending jobs until `until`; each becomes processing. Some of them come soon rather than
        all of them late. No user gets more than `each` in all, those counted that he has `taken` already; None: as many
        as there are. Nor does one get more than his plan's `concurrent`, with what all processes hold for him."""
        ...

    async def renew(self, held: Sequence[Claim], now: datetime, until: datetime) -> Sequence[Claim]:
        """Moves the leases' ends; returns the claims that are lost, those whose lease ended before `now` included."""
        ...

    async def save(self, claim: Claim, job: Job, now: datetime) -> None:
        """Writes the job under the claim; an ended job's lease ends with it. Raises Lost where the claim is not held
        any more, or its lease ended before `now`; TooLarge where the store cannot hold it."""
        ...

    async def give_back(self, claim: Claim, job: Job, now: datetime) -> None:
        """The job, as far as it came, is pending again and the claim is over. Raises Lost as `save` does."""
        ...

    async def release(self, now: datetime, everything: bool = False) -> int:
        """Makes pending again what was processing under a lease that ended before `now` (or under any, for the only
        process of a store); returns how many."""
        ...

    # --- jobs changed without a claim --------------------------------------------------------------

    async def change_job(self, user_id: str, job_id: str, change: Callable[[Job], Job]) -> Job | None:
        """Writes what `change` makes of the job; a claim on it is lost, unless nothing changed. Returns the job as it
        is afterwards, None where there is none. `change` is pure and may be called more than once; what it raises, this
        raises, and nothing is written."""
        ...

    async def change_deliveries(self, user_id: str, job_id: str, change: Told) -> Sequence[Delivery] | None:
        """As `change_job`, for the deliveries of a job that has ended, and nothing else of it. Returns them as they are
        afterwards, None where there is no such job, or it has not ended."""
        ...

    async def owed(self, now: datetime, until: datetime, most: int) -> Sequence[Owed]:
        """Up to `most` jobs with a callback that is due by `now`, the longest due first; nobody else is given them
        before `until`, unless they are written to."""
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

    # --- users ----------------------------------------------------------------------------------

    async def add_user(self, user: User) -> None:
        """Conflict where there is one of this id."""
        ...

    async def user(self, user_id: str) -> User | None: ...

    async def users(self) -> Sequence[User]: ...

    async def change_user(self, user_id: str, change: Callable[[User], User]) -> User | None:
        """As `change_job`: two changes at the same moment both hold."""
        ...

    async def remove_user(self, user_id: str) -> bool:
        """Forgets the user with all his jobs, as `remove_job` does, and what was counted for him; False where there is
        none. Conflict where a job of his has not ended."""
        ...

    async def counted(self, user_id: str, meter: Sequence[Window]) -> Sequence[int]:
        """How many posts of the user were counted in each window."""
        ...

    async def agree(self, name: str, value: str) -> str:
        """What all processes of this store have under this name: the value that was given first."""
        ...

    async def ping(self) -> None:
        """Returns when the store can be written to."""
        ...

    async def close(self) -> None: ...


# --- all of it ------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a store holds, in the order in which it is carried over: a job comes after all that it needs."""

    USER = "users"
    COUNT = "counts of posts"
    ONCE = "Idempotency-Keys"
    LEFTOVER = "leftovers"
    AGREED = "agreements"
    BLOB = "data URIs"
    JOB = "jobs"


@dataclass(frozen=True, slots=True)
class Row:
    """One of a kind, in the shape of `document` whatever the store. `content` is plain JSON, a blob's bytes excepted;
    dates are ISO 8601. The key is one word: where two make it, a user's id is the first 24 letters."""

    key: str
    content: Mapping[str, Any]


class Archive(Protocol):
    """A whole store, as it is carried over to another one. No service works on it meanwhile; a lease is not part of it,
    so that a job that was processing is pending. All methods raise StoreDown."""

    async def count(self, kind: Kind) -> int: ...

    async def after(self, kind: Kind, key: str, most: int) -> Sequence[Row]:
        """The rows whose keys are greater, in the order of keys: `most` at most, fewer where they are large, none where
        there are none."""
        ...

    async def among(self, kind: Kind, keys: Sequence[str]) -> Sequence[Row]:
        """The rows with these keys that are there, in any order."""
        ...

    async def put(self, kind: Kind, rows: Sequence[Row]) -> None:
        """Keeps them durably; one whose key is there already is replaced."""
        ...

    async def mark(self) -> Mapping[str, Any] | None:
        """What was noted of a migration into this store."""
        ...

    async def note(self, mark: Mapping[str, Any]) -> None:
        """Notes it durably, in place of what was noted before."""
        ...

    async def close(self) -> None: ...
