"""Owns the members under the contracts of stores and targets: each test runs for every one of them. Never a test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from bson import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from sixpx.store.base import Store
from sixpx.store.mongo import MongoStore
from sixpx.store.sqlite import SqliteStore
from sixpx.targets import Parcel
from tests.contract import databases
from tests.contract.buckets import bucket, bucket_proxy, front, to_s3
from tests.contract.cloud_files import cloud, objects, rackspace
from tests.contract.jobs import ADA, BEN, user_of
from tests.contract.logins import member, sshd, sshd_proxy
from tests.contract.places import PLACES, Place
from tests.servers.base import HOST

__all__ = ["bucket", "bucket_proxy", "cloud", "front", "member", "objects", "rackspace", "sshd", "sshd_proxy", "to_s3"]

Open = Callable[[], Awaitable[Store]]


async def _sqlite(folder: Path) -> Store:
    return SqliteStore.open(folder / "store.db")


async def _mongo(folder: Path) -> Store:
    return await MongoStore.open(await asyncio.to_thread(databases.uri_of, folder))


MEMBERS: Mapping[str, Callable[[Path], Awaitable[Store]]] = {"sqlite": _sqlite, "mongo": _mongo}


@pytest.fixture(params=MEMBERS)
async def another(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the store of this test, as one more process would."""
    opened: list[Store] = []

    async def open() -> Store:
        opened.append(await MEMBERS[request.param](tmp_path))
        return opened[-1]

    yield open
    for one in opened:
        await one.close()
    await asyncio.to_thread(databases.give_back, tmp_path)


@pytest.fixture
async def store(another: Open) -> Store:
    """An empty store."""
    return await another()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the job of another post with his key; tests that let posts die know that there is none."""
    monkeypatch.setattr("sixpx.store.mongo.once.LOOKS", 1)


@pytest.fixture
async def uri(tmp_path: Path) -> AsyncIterator[str]:
    """An empty database of MongoDB."""
    yield await asyncio.to_thread(databases.uri_of, tmp_path)
    await asyncio.to_thread(databases.give_back, tmp_path)


@pytest.fixture
async def shell(uri: str) -> AsyncIterator[Database[dict[str, Any]]]:
    """The database as other tools see it."""
    with MongoClient[dict[str, Any]](uri) as client:
        yield client.get_default_database().with_options(CodecOptions(tz_aware=True, tzinfo=UTC))


# --- targets --------------------------------------------------------------------------------------

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=PLACES)
async def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    opened = await PLACES[request.param](tmp_path_factory.mktemp(request.param))
    yield opened
    await opened.close()


@pytest.fixture
async def people(store: Store) -> None:
    """The users Ada and Ben: posts are counted only of who is there."""
    for id in (ADA, BEN):
        await store.add_user(user_of(int(id, 16)))


class Sender:
    """Puts bytes to the place as a run does: from a file in a scratch folder."""

    def __init__(self, place: Place, scratch: Path) -> None:
        self.place, self.scratch = place, scratch

    async def put(self, folder: str, name: str, body: bytes = PICTURE, type: str = "image/png") -> str:
        file = self.scratch / os.urandom(4).hex()
        await asyncio.to_thread(file.write_bytes, body)
        return await self.place.target.put(Parcel(file, folder, name, type, len(body)), self.place.to(folder))


@pytest.fixture
def sender(place: Place, tmp_path: Path) -> Sender:
    return Sender(place, tmp_path)


Packed = Callable[..., Parcel]


@pytest.fixture
def packed(tmp_path: Path) -> Packed:
    """Makes a parcel of bytes, as a run does: `packed(body, name, folder)`."""

    def pack(body: bytes = PICTURE, name: str = "a.png", folder: str = "user/job") -> Parcel:
        file = tmp_path / os.urandom(4).hex()
        file.write_bytes(body)
        return Parcel(file, folder, name, "image/png", len(body))

    return pack


@pytest_asyncio.fixture(loop_scope="session")
async def silent() -> AsyncIterator[int]:
    """The port of a server that takes everything and says nothing."""

    async def swallow(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        while await incoming.read(2**16):
            pass
        outgoing.close()

    server = await asyncio.start_server(swallow, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
