"""Owns users and what is counted for them in MongoDB. Never a job's content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from sixpx.core.meter import Window
from sixpx.core.user import User
from sixpx.errors import OverQuota, Unauthorized
from sixpx.store.base import GONE
from sixpx.store.mongo.document import Document, of_user, oid, to_user_of
from sixpx.store.mongo.server import Server

KEPT = timedelta(days=400)
"""How long counts are kept after their window, for who asks about earlier months; those of minutes go at once."""
MINUTES, DAY = timedelta(minutes=5), timedelta(days=1)


async def add(server: Server, user: User) -> None:
    await server.users.insert_one({**of_user(user), "rev": 0})


async def one(server: Server, user_id: str) -> User | None:
    raw = await server.users.find_one({"_id": oid(user_id)})
    return None if raw is None else to_user_of(raw)


async def everyone(server: Server) -> list[User]:
    return [to_user_of(raw) async for raw in server.users.find(sort=[("_id", 1)])]


async def change(server: Server, user_id: str, change: Callable[[User], User]) -> User | None:
    while (raw := await server.users.find_one({"_id": oid(user_id)})) is not None:
        before = to_user_of(raw)
        user = change(before)
        if user == before:
            return user
        fields = {**of_user(user), "rev": raw["rev"] + 1}
        written = await server.users.replace_one({"_id": raw["_id"], "rev": raw["rev"]}, fields)
        if written.matched_count:
            return user
    return None


async def forget(server: Server, user_id: str) -> bool:
    """The user and all that is counted for him; False where there is none."""
    whose = {"user_id": oid(user_id)}
    await server.once.delete_many(whose)
    await server.posted.delete_many(whose)
    await server.turns.delete_one({"_id": oid(user_id)})
    return bool((await server.users.delete_one({"_id": oid(user_id)})).deleted_count)


# --- counts ---------------------------------------------------------------------------------------


async def count(server: Server, user_id: str, meter: Sequence[Window], now: datetime) -> None:
    """Counts one more post in each window, or in none. Raises OverQuota where one is full, Unauthorized where the user
    is gone: he may have proven himself a moment before."""
    if meter and await server.users.find_one({"_id": oid(user_id)}, {"_id": True}) is None:
        raise Unauthorized(GONE)
    for place, window in enumerate(meter):
        if not await _one_more(server, user_id, window):
            await take_back(server, user_id, meter[:place])
            raise OverQuota(window.full, window.wait(now))


async def take_back(server: Server, user_id: str, meter: Sequence[Window]) -> None:
    for window in meter:
        await server.posted.update_one({"_id": _id(user_id, window)}, {"$inc": {"count": -1}})


async def _one_more(server: Server, user_id: str, window: Window) -> bool:
    """Whether there was room. It is looked for and taken in one step, so that no post is refused for another one that
    will be refused itself."""
    if window.most is not None and window.most <= 0:
        return False
    room = {} if window.most is None else {"count": {"$lt": window.most}}
    while True:
        counted = await server.posted.update_one({"_id": _id(user_id, window), **room}, {"$inc": {"count": 1}})
        if counted.matched_count:
            return True
        first: Document = {"user_id": oid(user_id), "name": window.name, "count": 1, "ends": window.ends}
        try:
            await server.posted.insert_one({"_id": _id(user_id, window), **first})
            return True
        except DuplicateKeyError:
            if room and await server.posted.find_one({"_id": _id(user_id, window), "count": {"$gte": window.most}}):
                return False


async def counted(server: Server, user_id: str, meter: Sequence[Window]) -> list[int]:
    found = server.posted.find({"_id": {"$in": [_id(user_id, window) for window in meter]}})
    counts = {raw["_id"]: int(raw["count"]) async for raw in found}
    return [counts.get(_id(user_id, window), 0) for window in meter]


async def sweep(server: Server, now: datetime) -> None:
    # those of the last day: it would take long to look through the months of all users again and again
    lately = {"$gt": now - DAY, "$lte": now - MINUTES}
    await server.posted.delete_many({"ends": lately, "name": {"$regex": "T"}})
    await server.posted.delete_many({"ends": {"$lte": now - KEPT}})


def _id(user_id: str, window: Window) -> str:
    return f"{user_id}/{window.name}"
