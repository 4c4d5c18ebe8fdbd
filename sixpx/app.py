"""Owns the composition: Settings become live objects and one web.Application. Never imported by anything but `cli`."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from sixpx import credentials, ids
from sixpx.api.auth import Auth
from sixpx.api.files import Files
from sixpx.api.middleware import explained, timed
from sixpx.api.v1.read import Counts, Maker
from sixpx.api.v1.routes import Api
from sixpx.core.job import User
from sixpx.core.render import Limits
from sixpx.credentials import Vault
from sixpx.errors import SixpxError
from sixpx.fetch import Fetcher, FetchLimits
from sixpx.guard import Guard
from sixpx.hub import Hub
from sixpx.pool import Lanes, Pool
from sixpx.run import Means
from sixpx.runner import Pace, Runner
from sixpx.settings import Settings
from sixpx.sources import InputSources
from sixpx.store.sqlite import SqliteStore
from sixpx.targets import HOSTED, Targets
from sixpx.targets.disk import Disk

log = logging.getLogger(__name__)

KEY_FILE = "secret.key"


def now() -> datetime:
    """UTC in whole milliseconds, which is what the API shows and the stores keep."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class FirstUser:
    """The user made at the first start; the secret is known here only."""

    user: User
    secret: str


class Service:
    """All live objects of one process. `start`, then serve `web`, then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.first_user: FirstUser | None = None
        self._scratch = settings.data / "scratch"
        self._stack = AsyncExitStack()
        self._stopping = False

    async def start(self) -> None:
        """Opens the store, takes back what a killed process left, starts the lanes. Raises BadSettings."""
        settings = self.settings
        settings.data.mkdir(parents=True, exist_ok=True)
        self.vault = Vault(vault_key(settings))
        self.store = SqliteStore.open(settings.database, alone=True)
        self._stack.push_async_callback(self.store.close)
        self.hub = Hub()
        self.disk = Disk(settings.data / "hosted", settings.public_url)
        await asyncio.to_thread(_empty, self._scratch)
        if released := await self.store.release(now(), everything=True):
            log.info("%d interrupted jobs are pending again", released, extra={"stage": "start"})
        self.first_user = await self._make_first_user()
        self.pool = Pool(lanes_of(settings), self._scratch)
        self._stack.push_async_callback(self.pool.close)
        await self.pool.start()
        self.runner = await self._start_runner()

    async def _start_runner(self) -> Runner:
        settings = self.settings
        fetcher = Fetcher(Guard(settings.network.allow), fetch_limits(settings))
        self._stack.push_async_callback(fetcher.close)
        targets = Targets({HOSTED: self.disk})
        self._stack.push_async_callback(targets.close)
        sources = InputSources(self.store, fetcher, self.vault, settings.limits.input_bytes)
        means = Means(sources, self.pool, targets, render_limits(settings), now)
        owner = f"{socket.gethostname()}/{os.getpid()}"
        runner = Runner(owner, self.store, self.hub, means, self._scratch, _pace(settings))
        await runner.start()
        self._stack.push_async_callback(runner.stop)
        return runner

    async def _make_first_user(self) -> FirstUser | None:
        if await self.store.users():
            return None
        first = new_user("first")
        await self.store.add_user(first.user)
        return first

    async def drain(self) -> None:
        """Claims nothing more; jobs in flight may finish within the grace time, the rest is given back."""
        self._stopping = True
        await self.runner.stop()

    async def stop(self) -> None:
        """Closes everything that `start` opened, in reverse order."""
        self._stopping = True
        await self._stack.aclose()

    def web(self) -> web.Application:
        """The HTTP face of this service."""
        settings = self.settings
        app = web.Application(middlewares=[timed, explained], client_max_size=settings.limits.body_bytes)
        limits = settings.limits
        maker = Maker(ids.new_id, ids.new_name, self.vault, Counts(limits.inputs, limits.outputs, limits.methods))
        auth = Auth(self.store)
        api = Api(self.store, auth, self.hub, maker, now, self.disk.remove, asdict(limits), self._troubles)
        api.add_to(app)
        Files(settings.data / "hosted").add_to(app)
        return app

    async def _troubles(self) -> Mapping[str, str]:
        """What keeps the service from taking jobs, by part."""
        troubles = {}
        if self._stopping:
            troubles["service"] = "is stopping"
        if not self.pool.alive:
            troubles["lanes"] = "are not running"
        try:
            async with asyncio.timeout(5):
                await self.store.ping()
        except (SixpxError, TimeoutError):
            troubles["store"] = "cannot be written to"
        return troubles


def new_user(name: str) -> FirstUser:
    """A user with fresh key and secret, not yet stored."""
    secret = credentials.new_secret()
    user = User(ids.new_id(), name, credentials.new_api_key(), credentials.digest(secret), now())
    return FirstUser(user, secret)


def vault_key(settings: Settings) -> str:
    """The key from the configuration, else one made at the first start and kept beside the database."""
    if settings.security.key:
        return settings.security.key
    path = settings.data / KEY_FILE
    if not path.exists():
        settings.data.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(credentials.new_key())
    return path.read_text().strip()


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def lanes_of(settings: Settings) -> Lanes:
    """The lanes of this machine."""
    lanes = settings.lanes
    return Lanes(settings.lane_count, lanes.recycle, lanes.memory, lanes.nice)


def fetch_limits(settings: Settings) -> FetchLimits:
    """What a download may take."""
    fetch = settings.fetch
    return FetchLimits(
        connect_s=fetch.connect_seconds,
        total_s=fetch.total_seconds,
        tries=fetch.tries,
        redirects=fetch.redirects,
        max_bytes=settings.limits.input_bytes,
    )


def render_limits(settings: Settings) -> Limits:
    """What a lane may make."""
    limits = settings.limits
    return Limits(
        limits.input_pixels,
        limits.input_frames,
        limits.all_frames_pixels,
        limits.output_side,
        round(limits.render_seconds * 1000),
    )


def _pace(settings: Settings) -> Pace:
    runner = settings.runner
    return Pace(
        window=runner.window,
        spool_bytes=runner.spool_bytes,
        lease=runner.lease_seconds,
        grace=runner.grace_seconds,
    )
