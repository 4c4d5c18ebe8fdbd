"""Owns making a job's pictures here and now, into a folder: this process's own lanes, no store. Never a service.

The body is read, fetched and rendered by the code that the service uses; only the destinations differ: all pictures go
to the one folder, whatever `url` the outputs name, and no callback is called.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sixpx import app, clock, credentials, ids
from sixpx.api.v1 import read
from sixpx.api.v1.read import Counts, Maker, Posted
from sixpx.api.v1.versions import DEFAULT
from sixpx.core.job import Job, Status, advance, sources_of
from sixpx.core.user import User
from sixpx.credentials import Destination, Vault
from sixpx.errors import OverLimit, PutFailed
from sixpx.fetch import Fetcher
from sixpx.guard import Guard
from sixpx.job_file import JobFile
from sixpx.pool import Pool
from sixpx.run import Run
from sixpx.scratch import Scratch
from sixpx.settings import Settings
from sixpx.sources import Blobs, InputSources
from sixpx.targets import HOSTED, Parcel, Targets
from sixpx.targets.disk import place
from sixpx.threads import to_its_end

Saw = Callable[[Job], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Folder:
    """A destination: files straight in this folder, by their own names."""

    path: Path

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Overwrites a file of that name. Raises PutFailed."""
        path = self.path / parcel.name
        try:
            await to_its_end(place, parcel.source, path)
        except OSError as fault:
            raise PutFailed(f"{path} cannot be written: {fault.strerror}") from fault
        return str(path)

    async def close(self) -> None:
        """Nothing is held open."""


async def make(file: JobFile, folder: Path, settings: Settings, saw: Saw) -> Job:
    """The job at its end, its locations paths in `folder`; `saw` is told the job whenever outputs have ended. Raises
    Invalid with every mistake in the body, OverLimit for a picture on this disk that is too large."""
    vault = Vault(credentials.new_key())
    posted = await asyncio.to_thread(_posted, file, settings, vault)
    job = advance(posted.job, Status.PROCESSING, clock.now())
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sixpx-")))
        fetcher = Fetcher(Guard(settings.network.allow), app.fetch_limits(settings))
        stack.push_async_callback(fetcher.close)
        # a lane takes one input at a time
        lanes = app.lanes_of(settings)
        pool = Pool(replace(lanes, count=min(lanes.count, len(sources_of(job.outputs)))), scratch)
        stack.push_async_callback(pool.close)
        await pool.start()
        targets = Targets({HOSTED: lambda: Folder(folder)}, vault.open)
        sources = InputSources(_reading(posted.blobs), fetcher, vault, settings.limits.input_bytes)
        means = app.means_of(settings, sources, pool, targets)
        await saw(job)
        ended = await Run(job, Scratch(scratch, job.id), means, saw).finish()
        await saw(ended)
        return ended


def _reading(blobs: Mapping[str, bytes]) -> Blobs:
    async def blob(blob_id: str) -> bytes | None:
        return blobs.get(blob_id)

    return blob


def _posted(file: JobFile, settings: Settings, vault: Vault) -> Posted:
    limits = settings.limits
    for name in file.pictures:
        if (size := file.size_of(name)) > limits.input_bytes:
            raise OverLimit(f"/input/{name}: the file has {size} bytes; the limit input_bytes is {limits.input_bytes}")
    maker = Maker(ids.new_id, ids.new_name, vault, Counts(limits.inputs, limits.outputs, limits.methods))
    nobody = User(ids.new_id(), "", (), clock.now())
    return read.posted(_all_here(file.body()), nobody, clock.now(), maker, DEFAULT)


def _all_here(body: Any) -> Any:
    """The body without destinations, so that names which would meet in the folder are found as mistakes."""
    if not isinstance(body, dict) or not isinstance(body.get("output"), list):
        return body
    outputs = [{k: v for k, v in one.items() if k != "url"} if isinstance(one, dict) else one for one in body["output"]]
    return {**body, "output": outputs}
