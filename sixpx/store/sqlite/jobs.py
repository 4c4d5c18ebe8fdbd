"""Owns jobs as rows of SQLite: kept, found, and changed by their owners. Never a claim, a thread or a commit.

Each function works on the connection that it is given; whoever calls it decides in which transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import apsw
import orjson

from sixpx.core.delivery import Delivery, due_at
from sixpx.core.job import Job, Status
from sixpx.core.meter import Window
from sixpx.core.query import Found, Query
from sixpx.errors import Conflict, KeyReused
from sixpx.store.base import Changed, Once, Told
from sixpx.store.document import from_deliveries, from_job, to_deliveries, to_job
from sixpx.store.sqlite.search import Search, rows_of
from sixpx.store.sqlite.users import count, ms

COLUMNS = "json(doc), user_id, status, created, modified"


def add(
    db: apsw.Connection,
    job: Job,
    blobs: Mapping[str, bytes],
    once: Once | None,
    now: datetime,
    meter: Sequence[Window],
) -> str:
    if once is not None:
        if (earlier := first_with(db, job.user_id, once, now)) is not None:
            return earlier
        row = (job.user_id, once.key, once.fingerprint, job.id, ms(once.expires))
        db.execute("INSERT OR REPLACE INTO once VALUES (?, ?, ?, ?, ?)", row)
        db.execute("DELETE FROM once WHERE expires <= ?", (ms(now),))
    count(db, job.user_id, meter, now)
    db.execute(
        "INSERT INTO job (id, user_id, status, created, modified, doc) VALUES (?, ?, ?, ?, ?, jsonb(?))",
        (job.id, job.user_id, str(job.status), ms(job.created), ms(job.modified), doc_of(job)),
    )
    for blob_id, content in blobs.items():
        db.execute("INSERT INTO blob VALUES (?, ?, ?)", (blob_id, job.id, content))
    return job.id


def first_with(db: apsw.Connection, user_id: str, once: Once, now: datetime) -> str | None:
    # one that was carried over from a store without transactions may never have come to its job
    made = "EXISTS (SELECT 1 FROM job WHERE id = job_id)"
    query = f"SELECT fingerprint, job_id FROM once WHERE user_id = ? AND key = ? AND expires > ? AND {made}"
    row = db.execute(query, (user_id, once.key, ms(now))).fetchone()
    if row is None:
        return None
    fingerprint, job_id = row
    if fingerprint != once.fingerprint:
        raise KeyReused("this Idempotency-Key came before with another body; use a new key for a new job")
    return str(job_id)


def one(db: apsw.Connection, user_id: str, job_id: str) -> Job | None:
    row = db.execute(f"SELECT {COLUMNS} FROM job WHERE id = ? AND user_id = ?", (job_id, user_id)).fetchone()
    return None if row is None else of_row(row)


def page_of(db: apsw.Connection, user_id: str, query: Query, paths: frozenset[str]) -> Found[Job]:
    """`paths`: those that the file has indexes of."""
    with db:  # one moment for all that is asked
        rows, total = rows_of(Search(db, query, paths, user_id))
        found = db.execute(f"SELECT rowid, {COLUMNS} FROM job WHERE rowid IN {_marks(rows)}", rows).fetchall()
    jobs = {row: of_row(columns) for row, *columns in found}
    return Found(tuple(jobs[row] for row in rows), total)


def _marks(rows: Sequence[int]) -> str:
    return f"({', '.join('?' * len(rows))})"


def changed(db: apsw.Connection, since: datetime, most: int, user_id: str | None) -> list[Changed]:
    whose, values = ("", ()) if user_id is None else (" AND user_id = ?", (user_id,))
    rows = db.execute(
        f"SELECT id, user_id, status, modified FROM job WHERE modified >= ?{whose} ORDER BY modified, id LIMIT ?",
        (ms(since), *values, most),
    )
    return [Changed(id, user, Status(status), from_ms(modified)) for id, user, status, modified in rows]


def change(db: apsw.Connection, user_id: str, job_id: str, change: Callable[[Job], Job]) -> Job | None:
    """Writes the job without a claim: whoever held one has lost it."""
    before = one(db, user_id, job_id)
    job = before and change(before)
    if job is not None and job != before:
        db.execute(
            "UPDATE job SET doc = jsonb(?), status = ?, modified = ?, due = ?, owner = NULL, lease = NULL WHERE id = ?",
            (doc_of(job), str(job.status), ms(job.modified), ms_or_none(job.due), job.id),
        )
    return job


def change_deliveries(db: apsw.Connection, user_id: str, job_id: str, change: Told) -> tuple[Delivery, ...] | None:
    """In place: to unpack and write a job as large as a body takes seconds, in the one thread that writes."""
    ended = "user_id = ? AND status IN ('complete', 'failed')"
    found = f"SELECT doc -> '$.sixpx.deliveries' FROM job WHERE id = ? AND {ended}"
    row = db.execute(found, (job_id, user_id)).fetchone()
    if row is None:
        return None
    before = to_deliveries(orjson.loads(row[0] or "[]"))
    after = change(before)
    if after != before:
        made, due = orjson.dumps(from_deliveries(after)).decode(), ms_or_none(due_at(after))
        put = "UPDATE job SET doc = jsonb_set(doc, '$.sixpx.deliveries', jsonb(?)), due = ? WHERE id = ?"
        db.execute(put, (made, due, job_id))
    return after


def remove(db: apsw.Connection, user_id: str, job_id: str) -> bool:
    status = db.execute("SELECT status FROM job WHERE id = ? AND user_id = ?", (job_id, user_id)).get
    if status is None:
        return False
    if not Status(status).ended:
        raise Conflict(f"only an ended job can be removed; this one is {status}")
    for statement in ("job WHERE id", "blob WHERE job_id", "once WHERE job_id"):
        db.execute(f"DELETE FROM {statement} = ?", (job_id,))
    db.execute("INSERT OR IGNORE INTO leftover VALUES (?)", (f"{user_id}/{job_id}",))
    return True


def doc_of(job: Job) -> str:
    return orjson.dumps(from_job(job)).decode()


def of_row(row: Sequence[Any]) -> Job:
    """The job of a row's COLUMNS."""
    doc, user_id, status, created, modified = row
    return to_job(orjson.loads(doc), user_id, status, from_ms(created), from_ms(modified))


def ms_or_none(when: datetime | None) -> int | None:
    return None if when is None else ms(when)


def from_ms(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp / 1000, UTC)
