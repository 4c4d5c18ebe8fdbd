"""Owns the databases that tests of stores run on: in MongoDB one a folder, as SQLite has a file. Never a test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from pymongo import MongoClient

from sixpx.core.job import Job
from sixpx.store.base import Store
from sixpx.store.mongo import MongoStore
from sixpx.store.mongo.document import new_job
from tests.contract.jobs import NOW
from tests.servers.mongo import Mongo

_used: dict[Path, str] = {}
_idle: list[str] = []


def uri_of(folder: Path) -> str:
    """The database of this folder, an empty one where it is asked for the first time."""
    if folder not in _used:
        _used[folder] = _idle.pop() if _idle else Mongo.shared(folder / "mongo").fresh()
    return _used[folder]


def give_back(folder: Path) -> None:
    """Empties the database for another folder: its indexes take longer to be made than most tests run."""
    uri = _used.pop(folder, None)
    if uri is None:
        return
    with MongoClient[dict[str, object]](uri) as client:
        database = client.get_default_database()
        for name in database.list_collection_names():
            database[name].delete_many({})
    _idle.append(uri)


async def crowd(store: Store, jobs: Sequence[Job]) -> None:
    """Adds them to be found and counted; where each would take a few commands, all at once."""
    if isinstance(store, MongoStore):
        await store._server.jobs.insert_many([new_job(one) for one in jobs])
        return
    for start in range(0, len(jobs), 1000):
        await asyncio.gather(*(store.add_job(one, {}, None, NOW) for one in jobs[start : start + 1000]))
