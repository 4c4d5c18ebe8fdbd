"""Owns all that a MongoDB holds, to be carried to another store or taken from one. Never a search, never a claim."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import bson
from bson import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from sixpx.core.job import Status
from sixpx.errors import Conflict, TooLarge
from sixpx.store import archive
from sixpx.store.base import Kind, Row
from sixpx.store.document import iso, when
from sixpx.store.mongo import jobs, turns
from sixpx.store.mongo import server as servers
from sixpx.store.mongo.document import LARGEST, Document, of_job, of_user, oid, to_job, to_user_of
from sixpx.store.mongo.server import CODEC, LONG_SECONDS, Server, Table, answered

RAW = CodecOptions(RawBSONDocument)
EPOCH = datetime.fromtimestamp(0, UTC)
asked = partial(answered, within=LONG_SECONDS)
"""A page may be large, and the line slow."""
DUPLICATE = 11000
"""The server's code for a key that is there already."""
UPLOADS = 8
"""Blobs that are written at once."""


class MongoArchive:
    """Make it with `open`; its methods are those of `base.Archive`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._marks: Table = server.jobs.database["migration"]
        self._tables = {
            Kind.USER: server.users,
            Kind.COUNT: server.posted,
            Kind.ONCE: server.once,
            Kind.AGREED: server.agreed,
            Kind.BLOB: server.files,
            Kind.JOB: server.jobs,
        }

    @classmethod
    async def open(cls, url: str, now: datetime) -> MongoArchive:
        """The database that the URL names, its indexes made where they are missing. Raises BadSettings where the URL
        cannot be used, StoreDown, Conflict where a service works on it."""
        server = await servers.connect(url)
        try:
            await servers.prepare(server, url, ())
            working = {"status": Status.PROCESSING.value, "sixpx.lease": {"$gte": now}}
            if await asked(server.jobs.find_one(working, {"_id": True})):
                raise Conflict("a service works on jobs of this MongoDB; stop all of them first")
        except BaseException:
            server.client.close()
            raise
        return cls(server)

    async def close(self) -> None:
        self._server.client.close()

    # --- reading ---------------------------------------------------------------------------------

    async def count(self, kind: Kind) -> int:
        if kind is Kind.LEFTOVER:
            return len(await self._leftovers())
        return int(await asked(self._tables[kind].count_documents({})))

    async def after(self, kind: Kind, key: str, most: int) -> Sequence[Row]:
        if kind is Kind.LEFTOVER:
            return [row for row in await self._leftovers() if row.key > key][:most]
        return await asked(self._page(kind, {"_id": {"$gt": _id(kind, key)}} if key else {}, most))

    async def among(self, kind: Kind, keys: Sequence[str]) -> Sequence[Row]:
        if kind is Kind.LEFTOVER:
            return [row for row in await self._leftovers() if row.key in keys]
        where = {"_id": {"$in": [_id(kind, key) for key in keys]}}
        return await asked(self._page(kind, where, len(keys), whole=True))

    async def _leftovers(self) -> Sequence[Row]:
        """Few, and not all that are noted are some."""
        return list(map(archive.of_leftover, await asked(jobs.leftovers(self._server))))

    async def _page(self, kind: Kind, where: Document, most: int, whole: bool = False) -> list[Row]:
        found = self._tables[kind].with_options(RAW).find(where, sort=[("_id", 1)], limit=most)
        page: list[bytes] = []
        size = 0
        async for one in found:
            page.append(one.raw)
            size += one["length"] if kind is Kind.BLOB else len(one.raw)
            if size >= archive.PAGE_BYTES and not whole:
                break
        await found.close()
        documents = await asyncio.to_thread(lambda: [bson.decode(one, CODEC) for one in page])
        if kind is Kind.BLOB:
            return await self._with_bytes(documents)
        return await asyncio.to_thread(lambda: list(map(READ[kind], documents)))

    async def _with_bytes(self, files: Sequence[Document]) -> list[Row]:
        pieces: dict[Any, list[bytes]] = {one["_id"]: [] for one in files}
        chunks = self._server.chunks.find({"files_id": {"$in": list(pieces)}}, sort=[("files_id", 1), ("n", 1)])
        async for chunk in chunks:
            pieces[chunk["files_id"]].append(chunk["data"])
        return [
            archive.of_blob(str(one["_id"]), str(one["metadata"]["job"]), b"".join(pieces[one["_id"]])) for one in files
        ]

    # --- writing ---------------------------------------------------------------------------------

    async def put(self, kind: Kind, rows: Sequence[Row]) -> None:
        if kind is Kind.BLOB:
            await asked(self._put_blobs(rows))
            return
        table = self._server.leftovers if kind is Kind.LEFTOVER else self._tables[kind]
        documents = await asyncio.to_thread(lambda: [RawBSONDocument(WRITE[kind](row)) for row in rows])
        await asked(_put(table, documents))
        if kind is Kind.JOB:
            pending = {row.content["user_id"] for row in rows if row.content["status"] == Status.PENDING}
            await asked(turns.mark(self._server, map(oid, sorted(pending))))

    async def _put_blobs(self, rows: Sequence[Row]) -> None:
        """What a killed migration began to write is removed first, chunks without a file too."""
        ids = [oid(row.key) for row in rows]
        await self._server.files.delete_many({"_id": {"$in": ids}})
        await self._server.chunks.delete_many({"files_id": {"$in": ids}})
        for first in range(0, len(rows), UPLOADS):
            await asyncio.gather(*map(self._upload, rows[first : first + UPLOADS]))

    async def _upload(self, row: Row) -> None:
        about = {"job": oid(row.content["job_id"])}
        content = row.content["bytes"]
        await self._server.blobs.upload_from_stream_with_id(oid(row.key), row.key, content, metadata=about)

    # --- the mark --------------------------------------------------------------------------------

    async def mark(self) -> Mapping[str, Any] | None:
        return await asked(self._marks.find_one({"_id": "mark"}, {"_id": False}))

    async def note(self, mark: Mapping[str, Any]) -> None:
        await asked(self._marks.replace_one({"_id": "mark"}, mark, upsert=True))


async def _put(table: Table, documents: Sequence[Any]) -> None:
    """A page is new, but for the one at which a migration was killed."""
    try:
        await table.insert_many(documents, ordered=False)
    except BulkWriteError as fault:
        if {one["code"] for one in fault.details["writeErrors"]} != {DUPLICATE}:
            raise
        replace: Iterable[Any] = (ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents)
        await table.bulk_write(list(replace), ordered=False)


# --- rows -----------------------------------------------------------------------------------------


def _id(kind: Kind, key: str) -> Any:
    return "/".join(archive.parts(key)) if kind in (Kind.COUNT, Kind.ONCE) else oid(key)


def _count_of(raw: Document) -> Row:
    return archive.of_count(str(raw["user_id"]), raw["name"], raw["count"], iso(raw["ends"]))


def _once_of(raw: Document) -> Row:
    job_id = str(raw["job_id"])
    return archive.of_once(str(raw["user_id"]), raw["key"], raw["fingerprint"], job_id, iso(raw["expires"]))


READ: Mapping[Kind, Callable[[Document], Row]] = {
    Kind.USER: lambda raw: archive.of_user(to_user_of(raw)),
    Kind.COUNT: _count_of,
    Kind.ONCE: _once_of,
    Kind.AGREED: lambda raw: archive.of_agreed(raw["_id"], raw["value"]),
    Kind.JOB: lambda raw: archive.of_job(to_job(raw)),
}


def _user(row: Row) -> bytes:
    return bson.encode({**of_user(archive.user_of(row)), "rev": 0})


def _count(row: Row) -> bytes:
    raw = {**row.content, "user_id": oid(row.content["user_id"]), "ends": when(row.content["ends"])}
    return bson.encode({"_id": _id(Kind.COUNT, row.key), **raw})


def _once(row: Row) -> bytes:
    """As if its one post had come long ago."""
    raw = row.content
    ids = {"user_id": oid(raw["user_id"]), "job_id": oid(raw["job_id"])}
    post = {"posts": 1, "since": EPOCH, "expires": when(raw["expires"])}
    return bson.encode({"_id": _id(Kind.ONCE, row.key), **raw, **ids, **post})


def _leftover(row: Row) -> bytes:
    return bson.encode({"_id": row.key, "job_id": oid(row.key.rpartition("/")[2]), "swept": True})


def _job(row: Row) -> bytes:
    job = archive.job_of(row)
    document = of_job(job)
    document["sixpx"].update({"rev": 0, "serial": 0} | ({"due": job.due} if job.due else {}))
    encoded = bson.encode(document)
    if len(encoded) > LARGEST:
        raise TooLarge(
            f"job {job.id} comes to {len(encoded):,} bytes; MongoDB takes {LARGEST:,} at most in one document"
        )
    return encoded


WRITE: Mapping[Kind, Callable[[Row], bytes]] = {
    Kind.USER: _user,
    Kind.COUNT: _count,
    Kind.ONCE: _once,
    Kind.LEFTOVER: _leftover,
    Kind.AGREED: lambda row: bson.encode({"_id": row.key, **row.content}),
    Kind.JOB: _job,
}
