"""Owns the bytes of data URIs in GridFS, and that none stay whose job was not kept. Never a job's content.

There is no transaction over a job and its blobs: what is about to be stored is noted first, and the note is taken back
when the job is there. What a killed process left is found by its note.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from gridfs.errors import NoFile

from sixpx.store.mongo.document import oid
from sixpx.store.mongo.server import Server

PATIENCE = timedelta(hours=1)
"""How long blobs may wait for their job."""
SWEPT = 100
"""Notes that one sweep looks at."""


async def add(server: Server, post: str, job_id: str, blobs: Mapping[str, bytes], now: datetime) -> None:
    """Stores them for the job. `post` is the id that the job had when it came, which no other post has."""
    note = {"_id": oid(post), "job_id": oid(job_id), "blobs": [oid(one) for one in blobs], "until": now + PATIENCE}
    await server.uploads.insert_one(note)
    for blob_id, content in blobs.items():
        # the name is for people with a shell
        about = {"job": oid(job_id)}
        await server.blobs.upload_from_stream_with_id(oid(blob_id), blob_id, content, metadata=about)


async def kept(server: Server, post: str) -> None:
    """Their job is there."""
    await server.uploads.delete_one({"_id": oid(post)})


async def take_back(server: Server, post: str, blobs: Iterable[str]) -> None:
    """Their job is not kept."""
    await _delete(server, [oid(one) for one in blobs])
    await kept(server, post)


async def one(server: Server, blob_id: str) -> bytes | None:
    try:
        found = await server.blobs.open_download_stream(oid(blob_id))
        read: Callable[[], Awaitable[bytes]] = found.read  # motor's types have it that nothing is returned
        return await read()
    except NoFile:
        return None


async def remove_of(server: Server, job_ids: list[Any]) -> None:
    """Those of removed jobs."""
    files = server.files.find({"metadata.job": {"$in": job_ids}}, {"_id": True})
    await _delete(server, [one["_id"] async for one in files])


async def sweep(server: Server, now: datetime) -> None:
    """Removes what killed processes stored for jobs that they did not keep."""
    async for note in server.uploads.find({"until": {"$lte": now}}, limit=SWEPT):
        job = await server.jobs.find_one({"_id": note["job_id"]}, {"sixpx.post": True})
        if job is None or job["sixpx"].get("post", job["_id"]) != note["_id"]:
            await _delete(server, note["blobs"])
        await server.uploads.delete_one({"_id": note["_id"]})


async def _delete(server: Server, ids: list[Any]) -> None:
    """The chunks too of what was not stored to its end, which GridFS itself does not know."""
    if ids:
        await server.files.delete_many({"_id": {"$in": ids}})
        await server.chunks.delete_many({"files_id": {"$in": ids}})
