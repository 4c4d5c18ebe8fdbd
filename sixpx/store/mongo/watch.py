"""Owns hearing from MongoDB itself what becomes of jobs: its change streams. Never a look at the jobs themselves.

A replica set has them; a single mongod, and servers that speak its protocol alone, have not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from sixpx.core.job import Status
from sixpx.errors import NotSupported
from sixpx.store.base import Changed
from sixpx.store.mongo.server import Server, meaning

FIELDS = ("user_id", "status", "modified")
STATUS_CHANGED: list[dict[str, Any]] = [
    {
        "$match": {
            "$or": [
                {"operationType": {"$in": ["insert", "replace"]}},
                {"operationType": "update", "updateDescription.updatedFields.status": {"$exists": True}},
            ]
        }
    },
    {"$project": {f"fullDocument.{name}": True for name in FIELDS} | {"documentKey": True}},
]
WAIT_MS = 1_000
"""How long the server waits for news before it says that there are none."""


async def changes(server: Server) -> AsyncIterator[Changed | None]:
    """As `Store.changes`. Raises StoreDown, NotSupported."""
    begun = False
    try:
        stream = server.jobs.watch(STATUS_CHANGED, full_document="updateLookup", max_await_time_ms=WAIT_MS)
        async with stream:
            while stream.alive:
                change = await stream.try_next()
                if not begun:
                    begun = True
                    yield None
                if change is not None and (changed := of(change)) is not None:
                    yield changed
    except OperationFailure as fault:
        if begun:
            raise meaning(fault) from fault
        raise NotSupported("this MongoDB has no change streams; jobs are looked at instead") from fault
    except PyMongoError as fault:
        raise meaning(fault) from fault


def of(change: Mapping[str, Any]) -> Changed | None:
    """A job as a change event has it; None where it is gone meanwhile."""
    job = change.get("fullDocument")
    if not job or any(name not in job for name in FIELDS):
        return None
    key = str(change["documentKey"]["_id"])
    return Changed(key, str(job["user_id"]), Status(job["status"]), job["modified"])
