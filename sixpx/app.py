"""Owns the composition: Settings become live objects and one web.Application. Only commands import it; never below."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import orjson
from aiohttp import web

from sixpx import credentials, data_folder, ids
from sixpx.api import cors
from sixpx.api.auth import Auth
from sixpx.api.files import Files
from sixpx.api.middleware import explained, timed
from sixpx.api.openapi import OpenApi
from sixpx.api.v1.deliveries import Deliveries
from sixpx.api.v1.events import Events
from sixpx.api.v1.read import Counts, Maker
from sixpx.api.v1.routes import Api
from sixpx.api.v1.socket import Sockets
from sixpx.api.v1.usage import Usage
from sixpx.api.v1.versions import seen_by
from sixpx.budget import Budget
from sixpx.callbacks import Callbacks
from sixpx.callbacks import Pace as CallbackPace
from sixpx.clock import now
from sixpx.core.formats import Formats
from sixpx.core.job import Job
from sixpx.core.render import Limits
from sixpx.credentials import Vault
from sixpx.destinations import hosting_of, makers_of
from sixpx.errors import BadSettings, SixpxError
from sixpx.feed import Feed
from sixpx.fetch import Fetcher, FetchLimits
from sixpx.guard import Guard
from sixpx.hub import Hub
from sixpx.key_file import vault_key
from sixpx.new_user import NewUser, new_user
from sixpx.pool import Lanes, Pool
from sixpx.receivers import Receivers
from sixpx.retention import expire_for_ever
from sixpx.run import Means
from sixpx.runner import Pace, Runner
from sixpx.settings import Settings
from sixpx.sources import InputSources
from sixpx.stores import open_store
from sixpx.sweep import sweep_for_ever
from sixpx.targets import Targets
from sixpx.targets.disk import Disk
from sixpx.turns import Turns
from sixpx.watch import Watch

log = logging.getLogger(__name__)

DOWNLOADS = 32
"""How many inputs are fetched at once; users take turns."""


class Service:
    """All live objects of one process. `start`, then serve `web`, then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._scratch = settings.data / "scratch"
        self._stack = AsyncExitStack()
        self._stopping = False
        self._callback_due = asyncio.Event()

    async def start(self) -> None:
        """Opens the store, takes back what a killed process left, starts the lanes. Raises BadSettings."""
        settings = self.settings
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if settings.shared:
            self._stack.callback(os.close, data_folder.claim(settings.data))
        self.store = await open_store(settings, alone=True)
        self._stack.push_async_callback(self.store.close)
        self.vault = Vault(key := vault_key(settings))
        if settings.shared:
            await self._check_key(key)
        self.hub = Hub()
        self.feed = Feed(self.hub)
        self._stack.push_async_callback(self.feed.close)
        self.stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.guard = Guard(settings.network.allow)
        self.hosting = await asyncio.to_thread(hosting_of, settings, self.guard)
        await asyncio.to_thread(_empty, self._scratch)
        # where others work too, only leases that have ended are nobody's
        if released := await self.store.release(now(), everything=not settings.shared):
            log.info("%d interrupted jobs are pending again", released, extra={"stage": "start"})
        self._stack.push_async_callback(self.hosting.close)
        self._in_background(sweep_for_ever(self.store, self.hosting))
        self.pool = Pool(lanes_of(settings), self._scratch)
        self._stack.push_async_callback(self.pool.close)
        await self.pool.start()
        await self._start_callbacks()
        self.runner = await self._start_runner()
        if settings.shared:
            watch = Watch(self.store, self.hub, now)
            await watch.start()
            self._stack.push_async_callback(watch.stop)
        if isinstance(self.hosting, Disk) and (days := settings.hosting.retention_days):
            self._in_background(expire_for_ever(self.hosting, timedelta(days=days), now))

    async def _check_key(self, key: str) -> None:
        """All processes of a store must open what any of them has sealed. Raises BadSettings."""
        mark = credentials.digest(f"the key of this store is {key}")[:16]
        if await self.store.agree("security.key", mark) != mark:
            sentence = "security.key: the other processes of this store have another key; give all of them the same one"
            raise BadSettings((sentence,))

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        self._stack.push_async_callback(_ended, asyncio.create_task(work))

    async def _start_callbacks(self) -> None:
        """Before the runner, so that they are there when the first job ends, and still there when the last one does."""
        asked = self.settings.callbacks
        receivers = Receivers(self.guard, asked.seconds, asked.parallel)
        self._stack.push_async_callback(receivers.close)
        pace = CallbackPace(asked.seconds, asked.parallel)
        callbacks = Callbacks(self.store, self.hub, self.vault, receivers, callback_body, now, self._callback_due, pace)
        await callbacks.start()
        self._stack.push_async_callback(callbacks.stop)

    async def _start_runner(self) -> Runner:
        settings = self.settings
        fetcher = Fetcher(self.guard, fetch_limits(settings))
        self._stack.push_async_callback(fetcher.close)
        targets = Targets(makers_of(settings, self.guard, self.hosting), self.vault.open)
        self._stack.push_async_callback(targets.close)
        sources = InputSources(self.store.blob, fetcher, self.vault, settings.limits.input_bytes)
        means = means_of(settings, sources, self.pool, targets)
        owner = f"{socket.gethostname()}/{os.getpid()}"
        pace = _pace(settings)
        runner = Runner(owner, self.store, self.hub, means, self._scratch, pace, self.hosting.remove)
        await runner.start()
        self._stack.push_async_callback(runner.stop)
        return runner

    async def first_user(self) -> NewUser | None:
        """A user where there is none yet. Asked for when the service answers, so that whoever is to read the secret
        does read it."""
        if await self.store.users():
            return None
        first = new_user("first", self.vault.seal)
        await self.store.add_user(first.user)
        return first

    async def drain(self) -> None:
        """Claims nothing more; jobs in flight may finish within the grace time, the rest is given back."""
        self._stopping = True
        await self.runner.stop()
        if not self.stopped.done():
            self.stopped.set_result(None)

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
        auth = Auth(self.store, now)
        Api(
            store=self.store,
            auth=auth,
            hub=self.hub,
            feed=self.feed,
            maker=maker,
            clock=now,
            remove_files=self.hosting.remove,
            limits=asdict(limits),
            formats=self._formats,
            ready=self._troubles,
            stopping=self.stopped,
            version=settings.api.version,
            search_seconds=settings.search.seconds,
        ).add_to(app)
        Usage(self.store, auth, now).add_to(app)
        Sockets(auth, self.feed, self.stopped).add_to(app)
        Events(self.store, auth, self.feed, now, self.stopped).add_to(app)
        Deliveries(self.store, auth, now, self._callback_due).add_to(app)
        Files(settings.data / "hosted").add_to(app)
        OpenApi(settings.public_url).add_to(app)
        cors.add_to(app)
        return app

    async def _formats(self) -> Formats:
        return await self.pool.formats()

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


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def callback_body(job: Job) -> bytes:
    """The job as whoever posted it would see it (SPEC section 9, Echo)."""
    return orjson.dumps(seen_by(job, job.version))


def _empty(folder: Path) -> None:
    """Removes what is in it; the folder itself may be a mount or a link of the operator's."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink(missing_ok=True)


def means_of(settings: Settings, sources: InputSources, pool: Pool, targets: Targets) -> Means:
    """What runs work with, under the limits of the configuration."""
    spool, downloads = Budget(settings.runner.spool_bytes), Turns(DOWNLOADS)
    input_bytes = settings.limits.input_bytes
    return Means(sources, pool, targets, render_limits(settings), spool, downloads, input_bytes, now)


def lanes_of(settings: Settings) -> Lanes:
    """The lanes of this machine."""
    lanes = settings.lanes
    return Lanes(settings.lane_count, lanes.recycle, lanes.memory, lanes.nice, face_model=settings.faces.model)


def fetch_limits(settings: Settings) -> FetchLimits:
    """What a download may take."""
    fetch = settings.fetch
    return FetchLimits(
        connect_s=fetch.connect_seconds,
        total_s=fetch.total_seconds,
        tries=fetch.tries,
        redirects=fetch.redirects,
        max_bytes=settings.limits.input_bytes,
        parallel=DOWNLOADS,
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
        lease=runner.lease_seconds,
        grace=runner.grace_seconds,
    )
