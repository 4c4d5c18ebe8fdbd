"""Owns the way to a MongoDB: the client and its limits, collections, indexes, what its errors mean. Never a document.

The only file that knows motor: its successor, PyMongo's own AsyncMongoClient, has the same words.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from bson import CodecOptions
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
    AsyncIOMotorGridFSBucket,
)
from pymongo import ASCENDING, GEOSPHERE, IndexModel, ReadPreference, WriteConcern
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern

from sixpx.errors import BadSettings, Conflict, SixpxError, StoreDown
from sixpx.store.mongo.document import escaped

T = TypeVar("T")
Table = AsyncIOMotorCollection[dict[str, Any]]
Index = tuple[str, ...]

DATABASE = "sixpx"
"""Where the URL names none."""
THEIRS = frozenset({"admin", "config", "local"})
"""What MongoDB keeps of itself; changes of what lies there are not told
(https://www.mongodb.com/docs/manual/changeStreams/)."""
MILLISECONDS = {
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 30_000,
    "waitQueueTimeoutMS": 30_000,
}
"""How long anything is waited for, where the URL does not say it."""
SECONDS = 10.0
"""How long a caller waits for the whole of what he asked, where it is not known to be much."""
LONG_SECONDS = 60.0
"""The same for what may be much: bytes of data URIs, sweeps."""
BUILD_MS = 900_000
"""How long the indexes of a collection may take to be made, where it is large already."""
DURABLE = WriteConcern("majority", wtimeout=10_000, j=True)
"""A write is answered when neither a killed server nor a lost primary takes it back."""
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
CHUNK = 4 * 1024 * 1024
"""Bytes of a GridFS chunk: a data URI is a few of them."""


@dataclass(frozen=True, slots=True)
class Server:
    """The collections of one database, and the client that leads to them. `jobs users` are what the API shows; `turns`
    says who is served next, `once` which Idempotency-Keys came, `posted` how many posts are counted, `uploads` which
    blobs are being stored, `leftovers` whose files remain, `numbers` what was counted up to, `agreed`
    what all processes have alike."""

    client: AsyncIOMotorClient[dict[str, Any]]
    jobs: Table
    users: Table
    turns: Table
    once: Table
    posted: Table
    uploads: Table
    leftovers: Table
    numbers: Table
    agreed: Table
    files: Table
    chunks: Table
    blobs: AsyncIOMotorGridFSBucket


# --- the client -----------------------------------------------------------------------------------


async def connect(url: str) -> Server:
    """Does not wait for an answer. Raises BadSettings where the URL cannot be used; its words hold no part of it."""
    client = await _client(url, MILLISECONDS)
    try:
        named = client.get_default_database(DATABASE)
        # whatever the URL says of them: a claim that looks at what is old gives one job to two, or two to one
        database = named.with_options(CODEC, ReadPreference.PRIMARY, DURABLE, ReadConcern())
    except (PyMongoError, ValueError) as fault:
        client.close()
        raise _not_a_url(fault) from None
    if database.name in THEIRS:
        client.close()
        raise BadSettings(("store.url: expected a database of our own, got one of MongoDB's (is it the authSource?)",))
    return _server(client, database)


async def _client(url: str, limits: dict[str, int]) -> AsyncIOMotorClient[dict[str, Any]]:
    """In a thread, for mongodb+srv:// asks the name servers and TLS reads files."""
    loop = asyncio.get_running_loop()

    def made() -> AsyncIOMotorClient[dict[str, Any]]:
        asked = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
        options: dict[str, Any] = {name: ms for name, ms in limits.items() if name.lower() not in asked}
        with warnings.catch_warnings():
            # of an option that it does not know the driver would print more than we would
            warnings.simplefilter("error", UserWarning)
            return AsyncIOMotorClient(url, io_loop=loop, appname="sixpx", **options)

    try:
        return await asyncio.to_thread(made)
    except Exception as fault:  # of many kinds: the driver's, DNS', TLS'; and any of them may repeat a password
        raise _not_a_url(fault) from None


def _not_a_url(fault: Exception) -> BadSettings:
    why = "it has an option that is not known" if isinstance(fault, UserWarning) else type(fault).__name__
    return BadSettings((f"store.url: expected the URL of a MongoDB, as its documentation has it: {why}",))


def _server(client: AsyncIOMotorClient[dict[str, Any]], database: AsyncIOMotorDatabase[dict[str, Any]]) -> Server:
    names = ("jobs", "users", "turns", "once", "posted", "uploads", "leftovers", "numbers", "agreed")
    tables = {name: database[name] for name in names}
    bucket = AsyncIOMotorGridFSBucket(database, "blobs", chunk_size_bytes=CHUNK)
    return Server(client, **tables, files=database["blobs.files"], chunks=database["blobs.chunks"], blobs=bucket)


# --- indexes --------------------------------------------------------------------------------------

NEWEST = ("user_id", "created", "_id")
JOBS: dict[str, Index] = {
    "newest": NEWEST,
    "changed_last": ("user_id", "modified", "_id"),
    "changed": ("modified", "_id"),
    "by_status": ("status", "user_id", "created", "_id"),
    "by_bytes": ("user_id", "totals.bytes"),
    "by_total": ("user_id", "totals.duration.total"),
    "by_start": ("user_id", "totals.duration.start"),
    "by_end": ("user_id", "totals.duration.end"),
    "by_data_id": ("user_id", "data.id"),
}
"""`by_status` also leads to the next pending job, and to all users that have one."""
OTHERS: dict[str, dict[str, Index]] = {
    "turns": {"waiting": ("waiting", "served")},
    "once": {"expires": ("expires",), "job": ("job_id",)},
    "posted": {"ends": ("ends",), "user": ("user_id",)},
    "uploads": {"until": ("until",)},
    "leftovers": {"job": ("job_id",), "swept": ("swept",)},
    "files": {"job": ("metadata.job",)},
    "chunks": {"files_id_1_n_1": ("files_id", "n")},
}
PREFIX = "search "
"""Begins the names of indexes that the configuration asks for."""


def indexes_of(index: Sequence[str]) -> dict[str, list[IndexModel]]:
    """By collection. `index`: the paths of jobs that are searched often."""
    searched = {}
    for path in index:
        if (fields := ("user_id", ".".join(map(escaped, path.split("."))))) not in JOBS.values():
            searched[PREFIX + path] = fields
    found = {name: [_ascending(*one) for one in made.items()] for name, made in OTHERS.items()}
    part = {"sixpx.lease": (("status", "processing"), "leased"), "sixpx.due": (("sixpx.due", {"$exists": True}), "due")}
    found["jobs"] = [
        *(_ascending(*one) for one in {**JOBS, **searched}.items()),
        *(
            IndexModel([(path, ASCENDING)], name=name, partialFilterExpression=dict([where]))
            for path, (where, name) in part.items()
        ),
        IndexModel([("images.position", GEOSPHERE)], name="positions"),
    ]
    return found


def _ascending(name: str, paths: Index) -> IndexModel:
    # no other collection holds two chunks of one number
    unique = {"unique": True} if paths == ("files_id", "n") else {}
    return IndexModel([(path, ASCENDING) for path in paths], name=name, **unique)


async def prepare(server: Server, url: str, index: Sequence[str]) -> None:
    """Makes the indexes that are missing; several processes may do it at once. Raises StoreDown, BadSettings."""
    wanted = indexes_of(index)
    there = await answered(asyncio.gather(*(_names(getattr(server, name)) for name in wanted)))
    missing = {
        name: left
        for (name, models), names in zip(wanted.items(), there, strict=True)
        if (left := [one for one in models if one.document["name"] not in names])
    }
    if not missing:
        return
    patient = await _client(url, {**MILLISECONDS, "socketTimeoutMS": BUILD_MS})
    try:
        for name, models in missing.items():
            table = getattr(server, name)
            await answered(patient[table.database.name][table.name].create_indexes(models), BUILD_MS / 1000)
    finally:
        patient.close()


async def _names(table: Table) -> set[str]:
    return {one["name"] async for one in table.list_indexes()}


async def ping(server: Server) -> None:
    """Returns when something was written."""
    await server.numbers.update_one({"_id": "ping"}, {"$inc": {"count": 1}}, upsert=True)


# --- errors ---------------------------------------------------------------------------------------


async def answered(asked: Awaitable[T], within: float = SECONDS) -> T:
    """What was asked for, its errors in our words: they hold neither the URL nor what was written. Raises StoreDown
    where it takes longer: while nobody answers, requests must not wait for each other's turns to find that out."""
    try:
        async with asyncio.timeout(within):
            return await asked
    except TimeoutError as late:
        raise StoreDown("the database does not answer in time") from late
    except PyMongoError as fault:
        raise meaning(fault) from fault


def meaning(fault: PyMongoError) -> SixpxError:
    """Which of our errors one of the driver's is."""
    if isinstance(fault, DuplicateKeyError):
        return Conflict("what was to be added is there already")
    if isinstance(fault, InvalidOperation):
        return StoreDown("the store is closed")
    if isinstance(fault, ConnectionFailure):
        return StoreDown("the database does not answer")
    if isinstance(fault, OperationFailure):
        name = (fault.details or {}).get("codeName") or type(fault).__name__
        return StoreDown(f"the database refuses to work: {name} ({fault.code})")
    if isinstance(fault, ConfigurationError):  # what the URL says was judged before; mongodb+srv:// asks later
        return StoreDown("the database is not found by its name")
    return StoreDown(f"the database cannot be used: {type(fault).__name__}")


# --- what all processes have alike ------------------------------------------------------------------


async def agree(server: Server, name: str, value: str) -> str:
    """Whoever inserts first is right."""
    with suppress(DuplicateKeyError):
        await server.agreed.insert_one({"_id": name, "value": value})
    kept: dict[str, Any] | None = await server.agreed.find_one({"_id": name})
    return value if kept is None else str(kept["value"])
