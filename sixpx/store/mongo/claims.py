"""Owns claims in MongoDB: taking the next job, leases, and writing under one. Never an owner's wish.

Any number of processes claim at once. What they agree on is in single documents, each changed in one step.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import PyMongoError

from sixpx.core.job import Job, Status
from sixpx.errors import Lost
from sixpx.store.base import Claim, Owed
from sixpx.store.mongo import blobs as bytes_of
from sixpx.store.mongo import jobs, turns
from sixpx.store.mongo import once as keys
from sixpx.store.mongo import users as people
from sixpx.store.mongo.document import Document, changes, oid, to_job
from sixpx.store.mongo.server import SECONDS, Server

PENDING, PROCESSING = Status.PENDING.value, Status.PROCESSING.value
FREE = {"sixpx.owner": "", "sixpx.lease": ""}


# --- claiming -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Round:
    """One call of `claim`: how many jobs each user has, whose room is full, and what plans were looked up."""

    server: Server
    owner: str
    now: datetime
    until: datetime
    held: Counter[str]
    each: int | None
    full: set[str]
    plans: dict[str, int | None] = field(default_factory=dict)

    def count(self, user_id: str) -> None:
        self.held[user_id] += 1
        if self.each is not None and self.held[user_id] >= self.each:
            self.full.add(user_id)

    async def concurrent(self, user_id: str) -> int | None:
        """How many jobs of the user may be worked on at once."""
        if user_id not in self.plans:
            user = await people.one(self.server, user_id)
            self.plans[user_id] = None if user is None else user.plan.concurrent
        return self.plans[user_id]


async def claim(
    server: Server,
    owner: str,
    now: datetime,
    until: datetime,
    most: int,
    taken: Mapping[str, int],
    each: int | None,
) -> list[Claim]:
    full = set() if each is None else {user for user, count in taken.items() if count >= each}
    if most <= 0 or not await turns.anybody(server, full):
        return []
    this = _Round(server, owner, now, until, Counter(taken), each, full)
    claims: list[Claim] = []
    hurry = _hurry(until - now)
    try:
        number = await turns.numbers(server, most)
        while len(claims) < most and (claimed := await _next(this, number + len(claims))) is not None:
            claims.append(claimed)
            if hurry():
                break
            this.count(claimed.job.user_id)
    except PyMongoError:
        if not claims:
            raise  # else what was claimed so far is worked on
    return claims


async def _next(this: _Round, number: int) -> Claim | None:
    """The oldest pending job of the user served longest ago, whose turn is over with it. Where one has no room in his
    plan, all who have none are asked for at once: each by himself they would take longer than a claim may."""
    while (turn := await turns.next_one(this.server, this.full, number)) is not None:
        user_id = str(turn["_id"])
        most = await this.concurrent(user_id)
        if most is None or await _working(this.server, turn["_id"]) < most:
            claimed = await _take(this, turn["_id"])
            if claimed is None:
                await turns.not_served(this.server, turn, number, waiting=False)
                continue
            if most is None or await _working(this.server, turn["_id"]) <= most:
                return await _claim_of(this, claimed)
            # another process took one at the same moment: whoever sees too many puts his back
            await _put_back(this.server, claimed)
        this.full |= {user_id, *await _without_room(this.server)}
        await turns.not_served(this.server, turn, number, waiting=True)
    return None


def _hurry(lease: timedelta) -> Callable[[], bool]:
    """Whether to go with what there is: where the database is slow a caller would give up on the whole, and all that
    was claimed for him would wait for the ends of its leases. Nor may these come before he has begun."""
    clock = asyncio.get_running_loop().time
    enough = clock() + min(SECONDS / 2, lease.total_seconds() / 3)
    return lambda: clock() >= enough


async def _without_room(server: Server) -> set[str]:
    """The users with as many jobs worked on as their plans have."""
    by_user = {"$group": {"_id": "$user_id", "count": {"$sum": 1}}}
    counted = server.jobs.aggregate([{"$match": {"status": PROCESSING}}, by_user])
    working = {one["_id"]: one["count"] async for one in counted}
    limited = {"_id": {"$in": list(working)}, "plan.concurrent": {"$exists": True}}
    plans = server.users.find(limited, {"plan.concurrent": True})
    return {str(one["_id"]) async for one in plans if working[one["_id"]] >= one["plan"]["concurrent"]}


async def _take(this: _Round, user: Any) -> Document | None:
    """The job as it was before."""
    taken = {"status": PROCESSING, "modified": this.now, "sixpx.owner": this.owner, "sixpx.lease": this.until}
    found: Document | None = await this.server.jobs.find_one_and_update(
        {"status": PENDING, "user_id": user},
        {"$set": taken, "$inc": {"sixpx.serial": 1, "sixpx.rev": 1}},
        sort=[("created", 1), ("_id", 1)],
    )
    return found


async def _claim_of(this: _Round, before: Document) -> Claim:
    raw = {**before, "status": PROCESSING, "modified": this.now}
    return Claim(await asyncio.to_thread(to_job, raw), this.owner, before["sixpx"]["serial"] + 1)


async def _put_back(server: Server, before: Document) -> None:
    """As if it had not been taken."""
    job = {"_id": before["_id"], "user_id": before["user_id"]}
    mine = {**job, "status": PROCESSING, "sixpx.serial": before["sixpx"]["serial"] + 1}
    change = {"$set": {"status": PENDING, "modified": before["modified"]}, "$unset": FREE, "$inc": {"sixpx.rev": 1}}
    await server.jobs.update_one(mine, change)
    await turns.mark(server, [before["user_id"]])


async def _working(server: Server, user: Any) -> int:
    return int(await server.jobs.count_documents({"status": PROCESSING, "user_id": user}))


# --- writing under a claim ------------------------------------------------------------------------


async def renew(server: Server, claims: Sequence[Claim], now: datetime, until: datetime) -> list[Claim]:
    changed = await asyncio.gather(
        *(server.jobs.update_one(_held(one, now), {"$set": {"sixpx.lease": until}}) for one in claims)
    )
    return [one for one, result in zip(claims, changed, strict=True) if not result.matched_count]


async def put(server: Server, claim: Claim, job: Job, now: datetime, over: bool) -> None:
    """Writes the job under the claim, which ends with it where it is `over`. Raises Lost."""
    update = await asyncio.to_thread(changes, job)
    if over:
        update["$unset"] = {**update.get("$unset", {}), **FREE}
    if not (await server.jobs.update_one(_held(claim, now), update)).matched_count:
        raise Lost(f"job {job.id} is no longer claimed by this process")
    if job.status is Status.PENDING:
        await turns.mark(server, [oid(job.user_id)])


def _held(claim: Claim, now: datetime) -> Document:
    """A claim holds until its lease has ended, whether or not somebody has noticed."""
    whose = {"sixpx.owner": claim.owner, "sixpx.serial": claim.serial, "sixpx.lease": {"$gte": now}}
    # by its user too: where jobs are sharded by him, one shard is asked and not all of them
    job = {"_id": oid(claim.job.id), "user_id": oid(claim.job.user_id)}
    return {**job, "status": PROCESSING, **whose}


async def owed(server: Server, now: datetime, until: datetime, most: int) -> list[Owed]:
    """`due` moves on: whoever asks before `until` does not see them."""
    due: list[Owed] = []
    hurry = _hurry(until - now)
    try:
        while len(due) < most and (found := await _longest_due(server, now, until)) is not None:
            due.append(found)
            if hurry():
                break
    except PyMongoError:
        if not due:
            raise  # as above
    return due


async def _longest_due(server: Server, now: datetime, until: datetime) -> Owed | None:
    due, change = due_by(now), {"$set": {"sixpx.due": until}}
    shown = {"user_id": True, "sixpx.callback": True}
    while (first := await server.jobs.find_one(due, {"user_id": True}, sort=[("sixpx.due", 1)])) is not None:
        found: Document | None = await server.jobs.find_one_and_update({**due, **first}, change, shown)
        if found is not None:
            sealed = found["sixpx"].get("callback", "")
            return Owed(str(found["_id"]), str(found["user_id"]), sealed)  # else another was faster
    return None


def due_by(now: datetime) -> Document:
    """In the words of the partial index too: not every server sees by itself that what is at a moment is there."""
    return {"sixpx.due": {"$lte": now, "$exists": True}}


# --- what killed processes left -------------------------------------------------------------------


async def release(server: Server, now: datetime, everything: bool) -> int:
    left: Document = {"status": PROCESSING, **({} if everything else {"sixpx.lease": {"$lt": now}})}
    change = {"$set": {"status": PENDING, "modified": now}, "$unset": FREE, "$inc": {"sixpx.rev": 1}}
    users = await server.jobs.distinct("user_id", left)
    released = int((await server.jobs.update_many(left, change)).modified_count) if users else 0
    await turns.mark(server, users)
    await turns.repair(server)
    await keys.sweep(server, now)
    await people.sweep(server, now)
    await jobs.sweep(server)
    await bytes_of.sweep(server, now)
    return released
