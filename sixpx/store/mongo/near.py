"""Owns a page of jobs by distance, found by MongoDB's $nearSphere. Never a condition, never a write.

The server finds who is near; who is nearest, and by how much, `core.matching` says: so every store has the same order,
also where two distances differ by less than a server's arithmetic does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sixpx.core.matching import EARTH, nearest
from sixpx.core.query import COUNT_MOST, Near, Page
from sixpx.store.mongo.server import Table

POSITION = "images.position"
"""Where a document has the points of its pictures, under a 2dsphere index."""
NOISE = 1.0
"""Metres by which the server's order may differ from ours; haversines are worst at the other end of the world."""
MARGIN = 0.01
"""The part by which a server's circle may be too large or too small: FerretDB's are off by up to 0.4 % (measured)."""
AROUND = math.pi * EARTH
"""Nothing is farther away than this, in metres."""
SPARE = 16
"""Documents read beyond the page, to see where those of one distance end; more and more where they do not."""

Documents = Sequence[Mapping[str, Any]]
Ranked = tuple[float, Any]


async def page_of(
    collection: Table,
    where: Mapping[str, Any],
    near: Near,
    page: Page,
    left: Callable[[], int | None],
) -> tuple[Documents, int]:
    """The documents of the page, the nearest first, and how many there are on all pages. `left`: the milliseconds that
    a command has."""
    wanted, spare = page.offset + page.size, SPARE
    while True:
        most = wanted + spare
        raw = await _nearby(collection, where, near, most, left())
        ranked = _ranked(near, raw)
        # none that was not read is nearer than this
        beyond = math.inf if len(raw) < most else _distance(_endless(near), raw[-1]) or 0.0
        beyond -= 2 * NOISE
        if (len(ranked) >= wanted and ranked[wanted - 1][0] < beyond) or _reach(near) < beyond:
            break
        spare *= 64
    total = len(ranked) if _reach(near) < beyond else await _count(collection, where, near, left)
    ids = [id for _, id in ranked[page.offset : wanted]]
    return await _whole(collection, ids, left()), min(total, COUNT_MOST)


def _endless(near: Near) -> Near:
    return replace(near, within=None)


def _reach(near: Near) -> float:
    """Metres within which everything that is asked for lies."""
    return AROUND if near.within is None else near.within


async def _nearby(
    collection: Table, where: Mapping[str, Any], near: Near, most: int, milliseconds: int | None
) -> Documents:
    """Positions of the first so many in the server's order, a little more than the radius around."""
    sphere: dict[str, Any] = {"$geometry": _point(near)}
    if (reach := _outer(near)) < AROUND:
        sphere["$maxDistance"] = reach
    asked = {"$and": [where, {POSITION: {"$nearSphere": sphere}}]}
    found = collection.find(asked, {POSITION: 1}, limit=most, max_time_ms=milliseconds)
    return await found.to_list(None)


def _outer(near: Near) -> float:
    """Metres within which the server surely finds all."""
    return _reach(near) * (1 + MARGIN) + NOISE


def _point(near: Near) -> Mapping[str, Any]:
    return {"type": "Point", "coordinates": [near.longitude, near.latitude]}


def _ranked(near: Near, raw: Documents) -> list[Ranked]:
    measured = ((_distance(near, one), one["_id"]) for one in raw)
    return sorted((distance, id) for distance, id in measured if distance is not None)


def _distance(near: Near, raw: Mapping[str, Any]) -> float | None:
    points = (one["position"]["coordinates"] for one in raw["images"] if "position" in one)
    return nearest(near, {"images": [{"latlon": (latitude, longitude)} for longitude, latitude in points]})


async def _count(collection: Table, where: Mapping[str, Any], near: Near, left: Callable[[], int | None]) -> int:
    """Up to COUNT_MOST; $nearSphere itself cannot be counted by. What surely lies within is counted by the server, and
    what lies about the edge is measured."""
    if (outer := _outer(near)) >= AROUND:
        return await counted(collection, {"$and": [where, {POSITION: {"$exists": True}}]}, left())
    inner = _circle(near, _reach(near) * (1 - MARGIN) - NOISE)
    sure = await counted(collection, {"$and": [where, inner]}, left())
    if sure >= COUNT_MOST:
        return sure
    edge = {"$and": [where, _circle(near, outer), {"$nor": [inner]}]}
    found = collection.find(edge, {POSITION: 1}, limit=COUNT_MOST, max_time_ms=left())
    return sure + len(_ranked(near, await found.to_list(None)))


def _circle(near: Near, metres: float) -> Mapping[str, Any]:
    circle = [[near.longitude, near.latitude], max(metres, 0.0) / EARTH]
    return {POSITION: {"$geoWithin": {"$centerSphere": circle}}}


async def counted(collection: Table, where: Mapping[str, Any], milliseconds: int | None) -> int:
    """How many documents match, up to COUNT_MOST."""
    limit: dict[str, Any] = {} if milliseconds is None else {"maxTimeMS": milliseconds}
    return int(await collection.count_documents(where, limit=COUNT_MOST, **limit))


async def _whole(collection: Table, ids: Sequence[Any], milliseconds: int | None) -> Documents:
    """The documents in this order; one that was removed meanwhile is left out."""
    if not ids:
        return []
    found = await collection.find({"_id": {"$in": list(ids)}}, max_time_ms=milliseconds).to_list(None)
    by_id = {one["_id"]: one for one in found}
    return [by_id[id] for id in ids if id in by_id]
