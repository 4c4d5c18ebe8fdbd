"""Owns the services under the tests of the API: a whole one, one without a runner, and a server of pictures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from sixpx.app import Service
from sixpx.credentials import Vault, new_key
from sixpx.feed import Feed
from sixpx.hub import Hub
from sixpx.settings import Lanes, Limits, Network, Server, Settings
from sixpx.store.sqlite import SqliteStore
from sixpx.targets.disk import Disk
from tests.api.clients import PUBLIC, Client, picture


class Pictures:
    """Serves `/WIDTHxHEIGHT.png` (or jpg, gif; anything after the size is ignored) and counts what was asked for.
    `/slow/…` waits until `go` is set; `/broken` is no picture; every path may carry userinfo."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.go = asyncio.Event()
        self.url = ""

    def host(self, userinfo: str) -> str:
        return self.url.replace("://", f"://{userinfo}@")

    async def answer(self, request: web.Request) -> web.Response:
        self.hits[request.path] += 1
        if request.path.startswith("/slow/"):
            await self.go.wait()
        if request.path == "/broken":
            return web.Response(body=b"no picture at all", content_type="image/png")
        if request.path == "/missing":
            raise web.HTTPNotFound
        size, _, format = request.path.rpartition("/")[2].partition(".")
        width, height = size.split("-")[0].split("x")
        kind = {"jpg": "JPEG", "gif": "GIF"}.get(format, "PNG")
        return web.Response(body=picture(int(width), int(height), kind))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pictures() -> AsyncIterator[Pictures]:
    made, app = Pictures(), web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


@asynccontextmanager
async def speaking(
    app: web.Application, store: SqliteStore, hub: Hub, data: Path, vault: Vault
) -> AsyncIterator[Client]:
    server = TestServer(app)
    await server.start_server(access_log=None)  # as `sixpx serve` does: aiohttp's own would show the query
    async with server, ClientSession() as session:
        nobody = Client(server, session, store, hub, data, None, "", vault.seal, vault.open)
        yield await nobody.as_new_user()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A whole service with one real lane that may read from this machine."""
    data = tmp_path_factory.mktemp("service")
    settings = Settings(
        server=Server(public_url=PUBLIC, data=str(data)), lanes=Lanes(count=1), network=Network(("127.0.0.0/8",))
    )
    made = Service(settings)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _live(service: Service) -> AsyncIterator[Client]:
    async with speaking(service.web(), service.store, service.hub, service.settings.data, service.vault) as client:
        yield client


class OnlyItsFace(Service):
    """A service over its store, with nobody who works on the jobs: they stay pending."""

    def open(self) -> None:
        data = self.settings.data
        self.vault, self.hub, self.hosting = Vault(new_key()), Hub(), Disk(data / "hosted", PUBLIC)
        self.store = SqliteStore.open(self.settings.database)
        self.feed = Feed(self.hub)
        self.stopped = asyncio.get_running_loop().create_future()


@asynccontextmanager
async def without_runner(data: Path) -> AsyncIterator[Client]:
    """A client of such a service."""
    settings = Settings(server=Server(public_url=PUBLIC, data=str(data)), limits=Limits(body_bytes=2_000_000))
    face = OnlyItsFace(settings)
    face.open()
    async with speaking(face.web(), face.store, face.hub, data, face.vault) as client:
        yield client
    await face.store.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _idle(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with without_runner(tmp_path_factory.mktemp("idle")) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def live(_live: Client) -> Client:
    """A new user of the whole service."""
    return await _live.as_new_user()


@pytest_asyncio.fixture(loop_scope="session")
async def idle(_idle: Client) -> Client:
    """A new user of the service whose jobs stay pending."""
    return await _idle.as_new_user()
