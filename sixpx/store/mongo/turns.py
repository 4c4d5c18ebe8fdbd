"""Owns whose turn it is in MongoDB: users with pending jobs, by when they were served last. Never a job.

A user's turn says `waiting` while he may have pending jobs. Whoever makes a job pending says so afterwards, and counts
it in `posted`; whoever finds none takes it back only where nothing was posted since he looked. So no job is overlooked
but that of a process which is killed between the two, and `repair` finds those.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from pymongo import ReturnDocument

from sixpx.core.job import Status
from sixpx.store.mongo.document import Document, oid
from sixpx.store.mongo.server import Server

SERVED = "served"
"""The number that counts who was served."""


async def mark(server: Server, users: Iterable[Any]) -> None:
    """These users, by ObjectId, have jobs that have just become pending."""
    for user in users:
        change = {"$set": {"waiting": True}, "$inc": {"posted": 1}, "$setOnInsert": {"served": 0}}
        await server.turns.update_one({"_id": user}, change, upsert=True)


async def anybody(server: Server, full: Collection[str]) -> bool:
    return await server.turns.find_one(_waiting(full), {"_id": True}) is not None


async def numbers(server: Server, most: int) -> int:
    """The first of so many numbers, which nobody else gets and which are greater than all before."""
    counted = await server.numbers.find_one_and_update(
        {"_id": SERVED}, {"$inc": {"last": most}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    return int(counted["last"]) - most + 1


async def next_one(server: Server, full: Collection[str], number: int) -> Document | None:
    """The turn, as it was, of the user served longest ago: who asks next is given another user."""
    change = {"$set": {"served": number}}
    turn: Document | None = await server.turns.find_one_and_update(_waiting(full), change, sort=[("served", 1)])
    return turn


async def not_served(server: Server, turn: Document, number: int, waiting: bool) -> None:
    """His turn is where it was before; `waiting`: he has pending jobs all the same."""
    mine = {"_id": turn["_id"], "served": number}
    before = {"served": turn["served"]}
    if not waiting:
        over = {"$set": {**before, "waiting": False}}
        if (await server.turns.update_one({**mine, "posted": turn["posted"]}, over)).matched_count:
            return
        # served by another claimer, or a job has come meanwhile
        unchanged = {"_id": turn["_id"], "posted": turn["posted"]}
        await server.turns.update_one(unchanged, {"$set": {"waiting": False}})
    await server.turns.update_one(mine, {"$set": before})


async def repair(server: Server) -> None:
    """Users whose jobs are pending and whose turns do not say so."""
    pending = await server.jobs.distinct("user_id", {"status": Status.PENDING.value})
    waiting = await server.turns.distinct("_id", {"waiting": True, "_id": {"$in": pending}}) if pending else []
    await mark(server, set(pending) - set(waiting))


def _waiting(full: Collection[str]) -> Document:
    return {"waiting": True, "_id": {"$nin": [oid(user) for user in full]}}
