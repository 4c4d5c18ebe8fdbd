"""Owns jobs as documents of MongoDB: kept, found, and changed by their owners. Never a claim.

One document is written in one step, and there are no transactions: what else belongs to it is written before or after,
in such an order that what a killed process leaves is seen by nobody, and `sweep` puts it right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import AutoReconnect, DuplicateKeyError, PyMongoError, WriteError

from sixpx.core.delivery import Delivery
from sixpx.core.job import Job, Status
from sixpx.core.meter import Window
from sixpx.core.query import Found, Query
from sixpx.errors import Conflict, OverQuota, Unauthorized
from sixpx.store.base import Changed, Once, Told
from sixpx.store.mongo import blobs as bytes_of
from sixpx.store.mongo import once as keys
from sixpx.store.mongo import turns
from sixpx.store.mongo import users as people
from sixpx.store.mongo.document import Document, changes, new_job, oid, to_job
from sixpx.store.mongo.query import page_of
from sixpx.store.mongo.server import Server

OPEN = {"$in": [Status.PENDING.value, Status.PROCESSING.value]}
ENDED = {"$in": [Status.COMPLETE.value, Status.FAILED.value]}
BATCH = 1000
"""Jobs of a removed user that are removed at once."""


# --- keeping --------------------------------------------------------------------------------------


async def add(
    server: Server,
    job: Job,
    blobs: Mapping[str, bytes],
    once: Once | None,
    now: datetime,
    meter: Sequence[Window],
) -> str:
    # what it is refused for by itself comes before anything is kept
    document = await asyncio.to_thread(new_job, job)
    if once is None:
        await _add_counted(server, job, document, blobs, now, meter)
        return job.id
    place = await keys.begin(server, job.user_id, once, job.id, now)
    if place.there:
        return place.job_id
    document["sixpx"]["once"] = once.key
    if place.job_id != job.id:
        document["_id"] = oid(place.job_id)
        document["sixpx"]["post"] = oid(job.id)
    try:
        await _add_counted(server, job, document, blobs, now, meter)
    except (WriteError, OverQuota, Unauthorized):
        if await _made_by(server, document, once):
            return place.job_id
        await keys.take_back(server, job.user_id, once, place.job_id)
        raise
    return place.job_id


async def _add_counted(
    server: Server, job: Job, document: Document, blobs: Mapping[str, bytes], now: datetime, meter: Sequence[Window]
) -> None:
    """Raises OverQuota, Unauthorized; WriteError where it was surely not kept."""
    await people.count(server, job.user_id, meter, now)
    try:
        if blobs:
            await bytes_of.add(server, job.id, str(document["_id"]), blobs, now)
        await _insert(server, document)
    except WriteError:
        await people.take_back(server, job.user_id, meter)
        if blobs:
            await bytes_of.take_back(server, job.id, blobs)
        raise
    # it is kept: what fails from here on is put right by a sweep
    with suppress(PyMongoError):
        if blobs:
            await bytes_of.kept(server, job.id)
        if job.status is Status.PENDING:
            await turns.mark(server, [document["user_id"]])


async def _insert(server: Server, document: Document) -> None:
    """Where the connection breaks nobody knows whether it was kept: it is tried again, and then its id tells."""
    try:
        await server.jobs.insert_one(document)
    except AutoReconnect:
        try:
            await server.jobs.insert_one(document)
        except DuplicateKeyError:
            ours = {"_id": document["_id"], "user_id": document["user_id"], "sixpx.post": document["sixpx"].get("post")}
            if not await server.jobs.find_one(ours, {"_id": True}):
                raise


async def _made_by(server: Server, document: Document, once: Once) -> bool:
    """Whether another post with this key has made the job."""
    made = {"_id": document["_id"], "user_id": document["user_id"], "sixpx.once": once.key}
    return await server.jobs.find_one(made, {"_id": True}) is not None


# --- finding --------------------------------------------------------------------------------------


async def one(server: Server, user_id: str, job_id: str) -> Job | None:
    raw = await server.jobs.find_one(_his(user_id, job_id))
    return None if raw is None else await asyncio.to_thread(to_job, raw)


async def page(server: Server, user_id: str, query: Query, seconds: float | None) -> Found[Job]:
    documents, total = await page_of(server.jobs, user_id, query, seconds)
    return Found(await asyncio.to_thread(lambda: tuple(map(to_job, documents))), total)


async def changed(server: Server, since: datetime, most: int, user_id: str | None) -> list[Changed]:
    where: Document = {"modified": {"$gte": since}}
    if user_id is not None:
        where["user_id"] = oid(user_id)
    fields = {"user_id": True, "status": True, "modified": True}
    found = server.jobs.find(where, fields, sort=[("modified", 1), ("_id", 1)], limit=most)
    return [
        Changed(str(raw["_id"]), str(raw["user_id"]), Status(raw["status"]), raw["modified"])
        for raw in (await found.to_list(None) if most else ())
    ]


# --- changing -------------------------------------------------------------------------------------


async def change(server: Server, user_id: str, job_id: str, change: Callable[[Job], Job]) -> Job | None:
    """Writes the job without a claim: whoever held one has lost it."""
    while (raw := await server.jobs.find_one(_his(user_id, job_id))) is not None:
        before = await asyncio.to_thread(to_job, raw)
        job = change(before)
        if job == before or await _replace(server, raw, job):
            return job
    return None


async def change_deliveries(server: Server, user_id: str, job_id: str, told: Told) -> tuple[Delivery, ...] | None:
    """The whole job is written: what the document comes to has to be known."""

    def with_them(job: Job) -> Job:
        return replace(job, deliveries=told(job.deliveries)) if job.status.ended else job

    job = await change(server, user_id, job_id, with_them)
    return job.deliveries if job is not None and job.status.ended else None


async def _replace(server: Server, raw: Document, job: Job) -> bool:
    """Whether the job was written: only where nobody else has done so since it was read."""
    update = await asyncio.to_thread(changes, job)
    update["$unset"] = {**update.get("$unset", {}), "sixpx.owner": "", "sixpx.lease": ""}
    as_read = {"_id": raw["_id"], "user_id": raw["user_id"], "sixpx.rev": raw["sixpx"]["rev"]}
    if not (await server.jobs.update_one(as_read, update)).matched_count:
        return False
    if job.status is Status.PENDING:
        await turns.mark(server, [raw["user_id"]])
    return True


# --- removing -------------------------------------------------------------------------------------


async def remove(server: Server, user_id: str, job_id: str) -> bool:
    his = _his(user_id, job_id)
    found = await server.jobs.find_one(his, {"status": True})
    if found is None:
        return False
    if not Status(found["status"]).ended:
        raise Conflict(f"only an ended job can be removed; this one is {found['status']}")
    # it counts as one when the job is gone
    await _note_leftovers(server, user_id, [found["_id"]])
    if not (await server.jobs.delete_one({**his, "status": ENDED})).deleted_count:
        return await remove(server, user_id, job_id)  # it was retried or removed in between
    await _forget_what_was_with(server, [found["_id"]])
    return True


async def remove_some(server: Server, user_id: str) -> bool:
    """A batch of the jobs of a user who is to be removed, while there is one. Raises Conflict where one has not
    ended."""
    whose = {"user_id": oid(user_id)}
    if open_ := await server.jobs.count_documents({**whose, "status": OPEN}):
        raise Conflict(f"{open_} jobs of the user have not ended")
    if await people.one(server, user_id) is None:
        return False
    found = await server.jobs.find({**whose, "status": ENDED}, {"_id": True}, limit=BATCH).to_list(None)
    if ids := [one["_id"] for one in found]:
        await _note_leftovers(server, user_id, ids)
        await server.jobs.delete_many({"_id": {"$in": ids}, "status": ENDED})
        there = await _there(server, ids)  # one that was retried in between
        await _forget_what_was_with(server, [id for id in ids if id not in there])
    return bool(ids)


async def _note_leftovers(server: Server, user_id: str, ids: Sequence[Any]) -> None:
    notes = [UpdateOne({"_id": f"{user_id}/{id}"}, {"$set": {"job_id": id, "swept": False}}, upsert=True) for id in ids]
    await server.leftovers.bulk_write(notes, ordered=False)


async def _forget_what_was_with(server: Server, ids: list[Any]) -> None:
    await server.once.delete_many({"job_id": {"$in": ids}})
    await bytes_of.remove_of(server, ids)
    await server.leftovers.update_many({"job_id": {"$in": ids}}, {"$set": {"swept": True}})


async def leftovers(server: Server) -> list[str]:
    return [one["_id"] for one in await _of_gone_jobs(server, {})]


async def cleared(server: Server, folder: str) -> None:
    """What else was with the job goes before the note: without it nobody finds that again."""
    note = await server.leftovers.find_one({"_id": folder})
    if note is not None and not note["swept"]:
        await _forget_what_was_with(server, [note["job_id"]])
    await server.leftovers.delete_one({"_id": folder})


async def sweep(server: Server) -> None:
    """What was with jobs that are removed, where their process was killed before it came to that."""
    gone = [one["job_id"] for one in await _of_gone_jobs(server, {"swept": False})]
    for first in range(0, len(gone), BATCH):
        await _forget_what_was_with(server, gone[first : first + BATCH])


async def _of_gone_jobs(server: Server, where: Document) -> list[Document]:
    """Notes, but those of jobs that are there: it was only meant to remove them."""
    notes = await server.leftovers.find(where, sort=[("_id", 1)]).to_list(None)
    there: set[Any] = set()
    for first in range(0, len(notes), BATCH):  # of a removed user they may be more than one question can name
        there |= await _there(server, [one["job_id"] for one in notes[first : first + BATCH]])
    return [one for one in notes if one["job_id"] not in there]


async def _there(server: Server, ids: Sequence[Any]) -> set[Any]:
    return set(await server.jobs.distinct("_id", {"_id": {"$in": list(ids)}}))


def _his(user_id: str, job_id: str) -> Document:
    return {"_id": oid(job_id), "user_id": oid(user_id)}
