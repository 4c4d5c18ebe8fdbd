"""Owns one run of one job: fetch, render, put, record. Never claims, never waits for a lease, never touches a pixel.

Every input is fetched once however often it is named; a Render starts when its own files are there; its pictures are
put where they belong as soon as its lane has finished it. What one output cannot do is that output's trouble alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sixpx.budget import Budget
from sixpx.core import job as core
from sixpx.core import tally as tallies
from sixpx.core.job import Input, Job, Picture
from sixpx.core.media import filename
from sixpx.core.render import Limits, Made, Render, Report, Seen
from sixpx.core.tally import Tally
from sixpx.errors import BadSettings, Lost, Mistaken, OutputFault, PutFailed, StoreDown
from sixpx.log import wordless
from sixpx.scratch import Scratch
from sixpx.targets import Parcel, Targets
from sixpx.turns import Turns

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Got:
    """An input on our disk: bytes, and the milliseconds that its download took."""

    path: Path
    bytes: int
    ms: float


class Sources(Protocol):
    """Brings the bytes of an input into a file; raises OutputFault."""

    async def get(self, source: Input, path: Path) -> Got: ...


class Renders(Protocol):
    """The lanes; users take turns at them."""

    async def render(self, render: Render, user: str) -> Report: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a run works with; `clock` tells UTC, `input_bytes` is what one download may bring at most, `downloads`
    says whose turn it is to fetch."""

    sources: Sources
    pool: Renders
    targets: Targets
    limits: Limits
    spool: Budget
    downloads: Turns
    input_bytes: int
    clock: Callable[[], datetime]


class Run:
    """Makes the unfinished outputs of `job`, which is the job as far as it has come. `save` keeps it in between and
    raises Lost when the job is no longer ours."""

    def __init__(self, job: Job, scratch: Scratch, means: Means, save: Callable[[Job], Awaitable[None]]) -> None:
        self.job = job
        self._scratch = scratch
        self._means = means
        self._save = save
        self._start = means.clock()
        self._reserved = 0
        self._fetches: dict[str, asyncio.Task[Got]] = {}
        self._tallies = tuple(Tally(output) for output in core.unfinished(job))

    async def finish(self) -> Job:
        """The job at its end, not yet saved. Its scratch files are gone afterwards, come what may."""
        try:
            self._fail_unknown_destinations()
            await self._reserve()
            async with asyncio.TaskGroup() as tasks:
                for name in self._wanted():
                    tasks.create_task(self._one_source(name))
        except ExceptionGroup as several:
            raise several.exceptions[0] from several
        finally:
            await self._clean_up()
        spans = (one.span for one in self.job.processed)
        total = tallies.merged(spans, core.download_ms(self.job.inputs))
        return core.conclude(self.job, total, self._means.clock())

    def _fail_unknown_destinations(self) -> None:
        """Before anything is fetched for them."""
        for tally in self._tallies:
            try:
                self._means.targets.check(tally.output.destination)
            except OutputFault as fault:
                for name in tally.output.names:
                    tally.fail(name, fault, "put")
                self._record(tally)

    def _wanted(self) -> Sequence[str]:
        return core.sources_of(tally.output for tally in self._tallies if not tally.full)

    async def _reserve(self) -> None:
        """Room for every download that may come, at its largest."""
        wanted = (name for tally in self._tallies if not tally.full for name in core.needs_of(tally.output))
        needs = {self.job.input(name).address for name in wanted}
        size = len(needs) * self._means.input_bytes
        await self._means.spool.reserve(size)
        self._reserved = size

    async def _one_source(self, name: str) -> None:
        """All that is made of one input."""
        mine = [tally for tally in self._tallies if name in tally.output.names and not tally.full]
        layers = {layer for tally in mine for layer in tally.output.layers}
        got = await self._fetch_all(dict.fromkeys((name, *sorted(layers))))
        ready = [tally for tally in mine if not _fail_unfetched(tally, name, got)]
        if ready:
            render = self._render(name, ready, got)
            report = await self._means.pool.render(render, self.job.user_id)
            for seen_in, seen in {name: report.seen, **report.others}.items():
                self._note(seen_in, seen)
            places = [self._place(tally, name, render, report) for tally in ready]
            await (asyncio.gather(*places) if len(places) > 1 else places[0])  # one needs no task of its own
        for tally in mine:
            if tally.full:
                self._record(tally)
        if not all(tally.full for tally in self._tallies):
            await self._save(self.job)

    async def _clean_up(self) -> None:
        try:
            for fetch in self._fetches.values():
                fetch.cancel()
            await asyncio.gather(*self._fetches.values(), return_exceptions=True)
            await self._scratch.clear()
        finally:  # also where it is cancelled once more: the room is everybody's
            self._means.spool.release(self._reserved)
            self._reserved = 0

    # --- fetch -----------------------------------------------------------------------------------

    async def _fetch_all(self, names: Mapping[str, None]) -> dict[str, Got | OutputFault]:
        return {name: await _outcome(fetch) for name, fetch in [(name, self._fetch(name)) for name in names]}

    def _fetch(self, name: str) -> asyncio.Task[Got]:
        """The one download of this input's URL; started by whoever asks first."""
        source = self.job.input(name)
        key = source.address
        if key not in self._fetches:
            path = self._scratch.path(f"input-{len(self._fetches)}")
            self._fetches[key] = asyncio.create_task(self._get(source, path))
        return self._fetches[key]

    async def _get(self, source: Input, path: Path) -> Got:
        got = await self._bring(source, path)
        unused = self._means.input_bytes - got.bytes
        self._reserved -= unused
        self._means.spool.release(unused)
        self.job = core.with_download(self.job, source.address, round(got.ms))
        return got

    async def _bring(self, source: Input, path: Path) -> Got:
        """The file; a mistake of ours is this input's trouble, and nobody else's."""
        try:
            async with self._means.downloads.turn(self.job.user_id):
                return await self._means.sources.get(source, path)
        except (OutputFault, StoreDown, Lost):
            raise
        except Exception as mistake:
            log.exception("an input could not be fetched", extra={"job": self.job.id, "stage": "fetch"})
            raise Mistaken("the service made a mistake with this input; it is in its log") from mistake

    # --- render, put -------------------------------------------------------------------------------

    def _render(self, name: str, ready: Sequence[Tally], got: Mapping[str, Got | OutputFault]) -> Render:
        paths = {one: str(file.path) for one, file in got.items() if isinstance(file, Got)}
        sheets = (
            tallies.sheet(tally.output, name, str(self._scratch.path(f"sheet-{self._tallies.index(tally)}-{name}")))
            for tally in ready
        )
        # one sheet needs no record of what was finished before a crash
        journal = str(self._scratch.path(f"journal-{name}")) if len(ready) > 1 else None
        render = tallies.render(f"{self.job.id}/{name}", name, sheets, paths, journal)
        return replace(render, limits=self._means.limits)

    async def _place(self, tally: Tally, name: str, render: Render, report: Report) -> None:
        made = report.made.get(tallies.key(tally.output, name))
        if made is None:
            tally.take_flaw(name, report)
            return
        path = next(Path(one.path) for one in render.sheets if one.key == tallies.key(tally.output, name))
        began = time.perf_counter()
        try:
            location = await self._put(tally, name, path, made)
        except OutputFault as fault:
            tally.fail(name, fault, "put")
        else:
            tally.store(name, made, location)
        tally.upload += (time.perf_counter() - began) * 1000

    async def _put(self, tally: Tally, name: str, path: Path, made: Made) -> str:
        folder = f"{self.job.user_id}/{self.job.id}"
        parcel = Parcel(path, folder, filename(tally.output.names[name], made.type), made.type, made.bytes)
        try:
            return await self._means.targets.put(parcel, tally.output.destination, tally.output.sealed)
        except OutputFault:
            raise
        except BadSettings as fault:
            raise PutFailed("the stored connection string was sealed with a key that is gone") from fault
        except Exception as mistake:
            # what a library says may quote the connection string: its kind and place are enough
            extra = {"job": self.job.id, "stage": "put", "output": tally.output.tag}
            log.error("a picture could not be put", exc_info=wordless(mistake), extra=extra)
            raise Mistaken("the service made a mistake with this output; it is in its log") from mistake

    # --- record ----------------------------------------------------------------------------------

    def _record(self, tally: Tally) -> None:
        now = self._means.clock()
        before = next(one for one in self.job.processed if one.tag == tally.output.tag)
        download = core.download_ms(map(self.job.input, core.needs_of(tally.output)))
        self.job = core.with_processed(self.job, tally.record(before, self._start, now, download), now)

    def _note(self, name: str, seen: Seen | None) -> None:
        if seen is not None:
            name = self.job.input(name).name
            picture = Picture(name, seen.width, seen.height, seen.type, seen.bytes, seen.latlon, seen.warning)
            self.job = core.with_picture(self.job, picture)


async def _outcome(fetch: asyncio.Task[Got]) -> Got | OutputFault:
    try:
        # shielded: one waiter that is cancelled must not cancel the download of the others
        return await asyncio.shield(fetch)
    except OutputFault as fault:
        return fault


def _fail_unfetched(tally: Tally, name: str, got: Mapping[str, Got | OutputFault]) -> bool:
    for needed in (name, *sorted(tally.output.layers)):
        fault = got[needed]
        if isinstance(fault, OutputFault):
            tally.fail(name, fault, "fetch", at=needed)
            return True
    return False
