"""Owns what the tests of Cloud Files stand on: Rackspace before a real Swift, and one who sends files. Never a test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import web

from sixpx.credentials import Destination, parse
from sixpx.errors import PutFailed
from sixpx.guard import Guard
from sixpx.targets.base import Parcel
from sixpx.targets.cf import CloudFiles
from tests.servers import swift
from tests.servers.rackspace import Answer, Rackspace
from tests.servers.swift import Swift

CONTAINER = "cf-more"
LOOPBACK = ("127.0.0.0/8",)
PICTURE = os.urandom(80_000)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def objects(tmp_path_factory: pytest.TempPathFactory) -> Swift:
    running = await asyncio.to_thread(Swift.shared, tmp_path_factory.mktemp("swift"))
    await asyncio.to_thread(running.call, "PUT", CONTAINER)
    return running


@pytest_asyncio.fixture(loop_scope="session")
async def rackspace(objects: Swift) -> AsyncIterator[Rackspace]:
    running = await Rackspace.started(objects)
    yield running
    await running.end()


class Cloud:
    """Puts to Cloud Files as the connection string says."""

    def __init__(self, folder: Path, objects: Swift, target: CloudFiles) -> None:
        self.folder = folder
        self._objects, self.target = objects, target
        self.container = CONTAINER

    async def put(
        self, name: str, scheme: str = "cf", body: bytes = PICTURE, user: str = swift.USER, query: str = ""
    ) -> str:
        return await self.put_file(await self.written(body), len(body), name, self.to(scheme, user, query))

    async def written(self, body: bytes) -> Path:
        file = self.folder / os.urandom(8).hex()
        await asyncio.to_thread(file.write_bytes, body)
        return file

    async def put_file(self, file: Path, size: int, name: str, to: Destination) -> str:
        return await self.target.put(Parcel(file, "user/job", name, "image/png", size), to)

    def to(self, scheme: str = "cf", user: str = swift.USER, query: str = "") -> Destination:
        return parse(f"{scheme}://{quote(user, safe='')}:{swift.SECRET}@{self.container}/more{query}")

    async def stored(self, name: str) -> bytes | None:
        reply = await asyncio.to_thread(self._objects.call, "GET", f"{self.container}/more/{quote(name)}")
        return reply.body if reply.status == 200 else None

    async def failed(self, name: str, scheme: str = "cf", user: str = swift.USER, query: str = "") -> PutFailed:
        with pytest.raises(PutFailed) as caught:
            await self.put(name, scheme, user=user, query=query)
        assert swift.SECRET not in caught.value.detail.replace(swift.USER, "")
        return caught.value


@pytest_asyncio.fixture(loop_scope="session")
async def cloud(tmp_path: Path, objects: Swift, rackspace: Rackspace) -> AsyncIterator[Cloud]:
    target = CloudFiles(Guard(LOOPBACK), rackspace.us, rackspace.uk)
    yield Cloud(tmp_path, objects, target)
    await target.close()


def answer(status: int, **headers: str) -> Answer:
    async def given(request: web.Request) -> web.Response:
        await request.content.read()
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return given
