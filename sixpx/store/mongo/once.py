"""Owns Idempotency-Keys in MongoDB: one key, one job, without a transaction over both. Never what is in a job.

A key is kept first, with the id that its job will have. Whoever comes with the same key and body while that job is not
there makes it under that id: as the id is unique, there is one job, whoever of them is faster or dies in between.
Whoever comes with another body is refused; where the job has not come after a while, its process is dead and the key
free.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from sixpx.errors import KeyReused
from sixpx.store.base import Once
from sixpx.store.mongo.document import oid
from sixpx.store.mongo.server import Server

Document = dict[str, Any]

GRACE = timedelta(minutes=5)
"""How long a job may be on its way after its key; more than all waits for the server together."""

LOOKS, LOOK = 20, 0.05
"""How often, and after how many seconds each, a post looks for the job of another one that came first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the job of a key is: its id, and whether it is there already."""

    job_id: str
    there: bool = False


async def first_with(server: Server, user_id: str, once: Once, now: datetime) -> str | None:
    found = await server.once.find_one({"_id": _id(user_id, once)})
    if found is None or found["expires"] <= now or not await _there(server, found):
        return None
    return _same(found, once)


async def begin(server: Server, user_id: str, once: Once, job_id: str, now: datetime) -> Place:
    """The key is kept, for the job of this id or for one that was on its way before. Raises KeyReused."""
    ours = {"user_id": oid(user_id), "key": once.key, "fingerprint": once.fingerprint, "job_id": oid(job_id)}
    ours |= {"posts": 1, "since": now, "expires": once.expires}
    while True:
        try:
            await server.once.insert_one({"_id": _id(user_id, once), **ours})
            return Place(job_id)
        except DuplicateKeyError:
            pass
        found = await _settled(server, user_id, once)
        if found is not None and (place := await _after(server, found, once, ours, now)) is not None:
            return place


async def _settled(server: Server, user_id: str, once: Once) -> Document | None:
    """The key as it was kept, when its job is there; after a moment also without it."""
    for left in reversed(range(LOOKS)):
        found: Document | None = await server.once.find_one({"_id": _id(user_id, once)})
        if found is None or not left or await _there(server, found):
            return found
        await asyncio.sleep(LOOK)
    return None


async def _after(server: Server, found: Document, once: Once, ours: Document, now: datetime) -> Place | None:
    """The place where a key was kept before; None where somebody else has just changed it."""
    there = await _there(server, found)
    if found["expires"] > now:
        if there:
            return Place(_same(found, once), there=True)
        if found["fingerprint"] == once.fingerprint:
            joined = await server.once.update_one(_as(found), {"$inc": {"posts": 1}})
            return Place(str(found["job_id"])) if joined.matched_count else None
        if found["since"] + GRACE > now:
            raise KeyReused("this Idempotency-Key came with another body, whose job is on its way; use a new key")
    replaced = await server.once.update_one(_as(found), {"$set": ours})
    return Place(str(ours["job_id"])) if replaced.matched_count else None


async def take_back(server: Server, user_id: str, once: Once, job_id: str) -> None:
    """The job is not kept by this post; the key is free where no other post waits for it."""
    key = {"_id": _id(user_id, once), "job_id": oid(job_id)}
    await server.once.update_one(key, {"$inc": {"posts": -1}})
    await server.once.delete_one({**key, "posts": {"$lte": 0}})


async def sweep(server: Server, now: datetime) -> None:
    await server.once.delete_many({"expires": {"$lte": now - GRACE}})


async def _there(server: Server, found: Document) -> bool:
    job = {"_id": found["job_id"], "user_id": found["user_id"]}
    return await server.jobs.find_one(job, {"_id": True}) is not None


def _same(found: Document, once: Once) -> str:
    if found["fingerprint"] != once.fingerprint:
        raise KeyReused("this Idempotency-Key came before with another body; use a new key for a new job")
    return str(found["job_id"])


def _as(found: Document) -> Document:
    """The key as it was found, unless somebody else has replaced it."""
    return {name: found[name] for name in ("_id", "job_id", "fingerprint", "since")}


def _id(user_id: str, once: Once) -> str:
    """The unique index of `_id` is the one on user and key."""
    return f"{user_id}/{once.key}"
