"""Owns claims as rows of SQLite: whose turn it is, leases, and writing under one. Never an owner's wish, or a commit.

Each function works on the connection that it is given; whoever calls it decides in which transaction.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import apsw

from sixpx.core.job import Job
from sixpx.errors import Lost
from sixpx.store.base import Claim, Owed
from sixpx.store.sqlite import users as people
from sixpx.store.sqlite.jobs import COLUMNS, doc_of, ms_or_none, of_row
from sixpx.store.sqlite.users import ms

HELD = "id = ? AND owner = ? AND serial = ? AND status = 'processing' AND lease >= ?"
"""A claim holds until its lease has ended, whether or not somebody has noticed."""
NEXT_USER = (
    "SELECT user_id FROM turn WHERE waiting AND user_id NOT IN (SELECT value FROM json_each(?)) ORDER BY served LIMIT 1"
)
"""Looks at users who may have pending jobs alone, by the index `turn_waiting`: however many users were ever seen, the
first row is the answer, but for those who hold as many jobs as they may."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that is claimed, not yet read: it may be as large as a body, which takes seconds."""

    job_id: str
    user_id: str
    serial: int


def claim(
    db: apsw.Connection,
    owner: str,
    now: datetime,
    until: datetime,
    most: int,
    taken: Mapping[str, int],
    each: int | None,
) -> list[Taken]:
    """The jobs themselves are read by `claimed`, in a thread that nobody who writes waits for."""
    found: list[Taken] = []
    held = Counter(taken)
    full = set() if each is None else {user for user, jobs in held.items() if jobs >= each}
    while len(found) < most:
        job_id = _next(db, full)
        if job_id is None:
            break
        found.append(_take(db, job_id, owner, now, until))
        user_id = found[-1].user_id
        held[user_id] += 1
        if each is not None and held[user_id] >= each:
            full.add(user_id)
    return found


def claimed(db: apsw.Connection, owner: str, found: Sequence[Taken]) -> list[Claim]:
    """Of those that nobody has cancelled or removed since."""
    mine = f"SELECT {COLUMNS} FROM job WHERE id = ? AND owner = ? AND serial = ? AND status = 'processing'"
    rows = ((one, db.execute(mine, (one.job_id, owner, one.serial)).fetchone()) for one in found)
    return [Claim(of_row(row), owner, one.serial) for one, row in rows if row is not None]


def _next(db: apsw.Connection, full: set[str]) -> str | None:
    """The oldest pending job of the user served longest ago, whose turn is over with it; not of one who is `full`, as
    whoever has no room in his plan becomes."""
    while (user_id := db.execute(NEXT_USER, (json.dumps(sorted(full)),)).get) is not None:
        if _at_most(db, user_id):
            full.add(user_id)
            continue
        pending = "SELECT min(id) FROM job WHERE user_id = ? AND status = 'pending'"
        job_id: str | None = db.execute(pending, (user_id,)).get
        if job_id is not None:
            db.execute("UPDATE turn SET served = (SELECT max(served) + 1 FROM turn) WHERE user_id = ?", (user_id,))
            return job_id
        # his last one was claimed, cancelled or removed
        db.execute("UPDATE turn SET waiting = 0 WHERE user_id = ?", (user_id,))
    return None


def _at_most(db: apsw.Connection, user_id: str) -> bool:
    """Whether as many jobs of the user are worked on as his plan has."""
    user = people.one(db, user_id)
    if user is None or user.plan.concurrent is None:
        return False
    working = "SELECT count(*) FROM job WHERE user_id = ? AND status = 'processing'"
    return int(db.execute(working, (user_id,)).get) >= user.plan.concurrent


def _take(db: apsw.Connection, job_id: str, owner: str, now: datetime, until: datetime) -> Taken:
    row: tuple[Any, ...]
    (row,) = db.execute(
        "UPDATE job SET status = 'processing', owner = ?, lease = ?, modified = ?, serial = serial + 1 "
        "WHERE id = ? RETURNING user_id, serial",
        (owner, ms(until), ms(now), job_id),
    ).fetchall()
    return Taken(job_id, *row)


def renew(db: apsw.Connection, claims: Sequence[Claim], now: datetime, until: datetime) -> list[Claim]:
    lost = []
    for one in claims:
        db.execute(f"UPDATE job SET lease = ? WHERE {HELD}", (ms(until), *_held(one, now)))
        if not db.changes():
            lost.append(one)
    return lost


def put(db: apsw.Connection, claim: Claim, job: Job, now: datetime, over: bool) -> None:
    """Writes the job under the claim, which ends with it where it is `over`. Raises Lost."""
    free = ", owner = NULL, lease = NULL" if over else ""
    db.execute(
        f"UPDATE job SET doc = jsonb(?), status = ?, modified = ?, due = ?{free} WHERE {HELD}",
        (doc_of(job), str(job.status), ms(job.modified), ms_or_none(job.due), *_held(claim, now)),
    )
    if not db.changes():
        raise Lost(f"job {job.id} is no longer claimed by this process")


def owed(db: apsw.Connection, now: datetime, until: datetime, most: int) -> list[Owed]:
    """`due` moves on: whoever asks before `until` does not see them."""
    due = "SELECT id, user_id, doc ->> '$.sixpx.callback' FROM job WHERE due <= ? ORDER BY due LIMIT ?"
    rows = db.execute(due, (ms(now), most)).fetchall()
    db.executemany("UPDATE job SET due = ? WHERE id = ?", [(ms(until), job_id) for job_id, *_ in rows])
    return [Owed(str(job_id), str(user_id), str(sealed or "")) for job_id, user_id, sealed in rows]


def release(db: apsw.Connection, now: datetime, everything: bool) -> int:
    due = "" if everything else " AND lease < ?"
    db.execute(
        f"UPDATE job SET status = 'pending', owner = NULL, lease = NULL, modified = ? WHERE status = 'processing'{due}",
        (ms(now),) if everything else (ms(now), ms(now)),
    )
    return db.changes()


def _held(claim: Claim, now: datetime) -> tuple[str, str, int, int]:
    return claim.job.id, claim.owner, claim.serial, ms(now)
