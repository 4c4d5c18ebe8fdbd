"""Owns the lanes: child processes that render, each killed at its time limit, replaced when it dies, recycled in time.

A thin face over pebble. Never knows MongoDB, HTTP or a method, and never imports the worker: the children do, by name.

A Render that crashes its lane, or runs over its time, is blamed by trial: each sheet that was not finished runs once
more, alone, with the whole time for itself; one that fails alone is final (SPEC section 9, Attempts).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pebble

from sixpx.core.formats import Formats
from sixpx.core.render import LANE_ENVIRONMENT, Flaw, Render, Report, Sheet, made_from_journal
from sixpx.errors import Busy
from sixpx.turns import Turns

log = logging.getLogger(__name__)

START_SECONDS = 60.0
"""How long the first lane may take to come up."""
REBUILD_TRIES = 5
"""How often a Render may meet a pool that broke under it before it is reported: innocents are run again."""

WATCH_SECONDS = 0.5
"""How often the lanes are looked after when nobody asks for one."""
CATALOGUE_SECONDS = 30.0
"""How long a lane may take to find out what this installation reads and writes."""
SETTLE_SECONDS = 2.0
"""How long a cancelled Render waits for the end of its lane, so that nothing is written behind its back."""
KILL_SECONDS = 0.2
"""How long pebble waits for a lane to heed SIGTERM before SIGKILL: ours never do."""
MISTAKE = Flaw("internal", "render", "the service made a mistake with this output; it is in its log", True)


@dataclass(frozen=True, slots=True)
class Lanes:
    """How many lanes, after how many Renders each is replaced, its address space in bytes, its niceness (so that the
    event loop answers while all lanes are busy), how many Renders may wait in the pipe, so that none idles, and the
    path of the model by which faces are found, if any."""

    count: int = 2
    recycle: int = 200
    memory: int = 4 * 1024**3
    nice: int = 5
    ahead: int = 1
    face_model: str = ""
    worker: str = "sixpx.worker"


def _set_up(worker: str, memory: int, nice: int, scratch: str, face_model: str) -> None:
    """Runs in each new child."""
    # a supervisor may send SIGTERM to the whole group: the server decides when its lanes end, by SIGKILL
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    importlib.import_module(worker).set_up(memory=memory, nice=nice, scratch=scratch, face_model=face_model)


def _end_with_the_server() -> None:
    """A lane whose server was killed has no time limit any more, and nobody waits for it."""
    server = multiprocessing.parent_process()
    if server is not None:
        server.join()
        os._exit(1)


def _render(worker: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Runs in a child: plain values in, plain values out."""
    report = importlib.import_module(worker).render(Render.from_json(raw))
    return dict(report.to_json())


def _catalogue(worker: str) -> dict[str, Any]:
    """Runs in a child."""
    return dict(importlib.import_module(worker).catalogue().to_json())


@contextmanager
def _environment(extra: Mapping[str, str]) -> Iterator[None]:
    """What the children's allocator and libvips read at exec, without a trace in the server's own environment."""
    before = dict(os.environ)
    os.environ.update(extra)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Pool:
    """The lanes of this process. One event loop; `start` before the first `render`, `close` at the end."""

    def __init__(self, lanes: Lanes, scratch: Path) -> None:
        self.lanes = lanes
        self.busy_ms = 0.0
        self._scratch = scratch
        self._turns = Turns(lanes.count + lanes.ahead)
        self._rebuilding = asyncio.Lock()
        self._pool: pebble.ProcessPool | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._formats: Formats | None = None
        self._asking = asyncio.Lock()

    async def start(self) -> None:
        pebble.CONSTS.term_timeout = KILL_SECONDS
        self._pool = await asyncio.to_thread(_built, self.lanes, self._scratch)
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """An idle lane that dies breaks the pebble pool; nobody may be there to notice it by a Render."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if not self.alive:
                await self._rebuild(self._pool)

    @property
    def alive(self) -> bool:
        """Whether Renders are accepted."""
        return self._pool is not None and self._pool.active

    async def render(self, render: Render, user: str = "") -> Report:
        """The Report of this Render, whatever happens to its lane: a crash or an overrun becomes a Flaw of the sheets
        that it concerns. Users take turns; of one user, who came first is served first."""
        report = await self._attempt(render, user)
        if isinstance(report, Report):
            return report
        finished = await asyncio.to_thread(_finished, render)
        done = f"{len(finished.made)} of {len(render.sheets)} outputs were done"
        log.warning("%s: %s; %s", render.id, report.detail, done, extra={"stage": "render", "code": report.code})
        for sheet in render.sheets:
            alone = replace(render, sheets=(sheet,))
            if sheet.key not in finished.made:
                finished = _merged(finished, sheet, await self._attempt(alone, user))
        return finished

    async def _attempt(self, render: Render, user: str) -> Report | Flaw:
        async with self._turns.turn(user):
            for _ in range(REBUILD_TRIES):
                pool = self._pool
                try:
                    return await self._run(pool, render)
                except BrokenProcessPool as broken:
                    # a lane that dies idle breaks the whole pebble pool: nobody in the pipe is to blame
                    log.warning("the lanes are rebuilt: %s", broken, extra={"stage": "render"})
                    await self._rebuild(pool)
        return Flaw("lane_crashed", "render", "the image process ended again and again before it could begin", True)

    async def _run(self, pool: pebble.ProcessPool | None, render: Render) -> Report | Flaw:
        limit = render.limits.render_ms / 1000
        future = _schedule(pool, self.lanes.worker, render, limit)
        # beyond this no lane that holds the task can be alive: those before it in the pipe had their limits too
        patience = (limit + 5) * (2 + self.lanes.ahead)
        try:
            raw = await asyncio.wait_for(asyncio.wrap_future(future), patience)
        except asyncio.CancelledError:
            await asyncio.to_thread(_settle, future)
            raise
        except TimeoutError as late:
            if future.cancelled():
                raise BrokenProcessPool("a lane hangs and cannot be stopped") from late
            return Flaw("time_limit", "render", f"the output was not made within {limit:g} s (limit: render_seconds)")
        except pebble.ProcessExpired as gone:
            return Flaw("lane_crashed", "render", f"the image process ended unexpectedly ({_cause(gone.exitcode)})")
        except BrokenProcessPool:
            raise
        except Exception:
            log.exception("%s: the worker made a mistake", render.id, extra={"stage": "render"})
            return Report(render.id, None, {}, dict.fromkeys((sheet.key for sheet in render.sheets), MISTAKE))
        report = Report.from_json(raw)
        self.busy_ms += report.busy_ms
        log.debug("%s: rendered", render.id, extra={"stage": "render", "ms": report.busy_ms})
        return report

    async def formats(self) -> Formats:
        """What this installation reads and writes: a lane finds it out when it is first asked for. Raises Busy where
        none does."""
        async with self._asking:
            if self._formats is None:
                async with self._turns.turn(""):
                    self._formats = await self._catalogue()
            return self._formats

    async def _catalogue(self) -> Formats:
        try:
            if self._pool is None:
                raise BrokenProcessPool("the pool is not running")
            future: Any = self._pool.schedule(_catalogue, args=(self.lanes.worker,), timeout=CATALOGUE_SECONDS)
            # shielded: a task that is cancelled costs its lane, whoever works there
            raw: Mapping[str, Any] = await asyncio.shield(asyncio.wrap_future(future))
            return Formats.from_json(raw)
        except (BrokenProcessPool, pebble.ProcessExpired, RuntimeError, TimeoutError) as fault:
            log.warning("no lane told what it reads and writes: %s", fault, extra={"stage": "formats"})
            raise Busy("what this installation reads and writes is not known yet; try again") from fault

    async def _rebuild(self, broken: pebble.ProcessPool | None) -> None:
        """New lanes in place of `broken` ones, unless somebody was faster; without success the next try follows."""
        async with self._rebuilding:
            if broken is None or self._pool is not broken:
                return
            await asyncio.to_thread(_discard, broken)
            try:
                self._pool = await asyncio.to_thread(_built, self.lanes, self._scratch)
            except BrokenProcessPool:
                log.exception("the lanes cannot be rebuilt", extra={"stage": "render"})

    async def close(self) -> None:
        """Ends all lanes at once; whoever still waits for a Report is told that the pool broke."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.to_thread(_discard, pool)


def _built(lanes: Lanes, scratch: Path) -> pebble.ProcessPool:
    """Running lanes. Raises BrokenProcessPool where none comes up."""
    # forkserver: a fork of a process that has used libvips hangs, and spawn pays the imports for every child
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([lanes.worker])
    pool = pebble.ProcessPool(
        max_workers=lanes.count,
        max_tasks=lanes.recycle,
        initializer=_set_up,
        initargs=(lanes.worker, lanes.memory, lanes.nice, str(scratch), lanes.face_model),
        context=context,
    )
    try:
        with _environment(LANE_ENVIRONMENT):
            # pebble starts its children with the first task; they must start inside this environment
            pool.schedule(os.getpid).result(timeout=START_SECONDS)
    except (BrokenProcessPool, pebble.ProcessExpired, TimeoutError, RuntimeError) as fault:
        _discard(pool)
        raise BrokenProcessPool(f"no lane comes up: {fault}") from fault
    return pool


def _schedule(pool: pebble.ProcessPool | None, worker: str, render: Render, limit: float) -> Any:
    """A pebble future; BrokenProcessPool where the pool takes no more tasks."""
    if pool is None:
        raise BrokenProcessPool("the pool is not running")
    try:
        return pool.schedule(_render, args=(worker, render.to_json()), timeout=limit)
    except RuntimeError as inactive:
        raise BrokenProcessPool("the pool takes no more tasks") from inactive


def _settle(future: concurrent.futures.Future[Any]) -> None:
    """Returns when a cancelled task's lane is dead: pebble takes note, and kills it with its next look around. A task
    that no lane has taken yet finds its files gone when one does."""
    concurrent.futures.wait([future], SETTLE_SECONDS)
    time.sleep(2 * pebble.CONSTS.sleep_unit + KILL_SECONDS)


def _discard(pool: pebble.ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves this one without types
    pool.join()


def _cause(exitcode: int) -> str:
    return f"signal {-exitcode}" if exitcode < 0 else f"exit code {exitcode}"


def _finished(render: Render) -> Report:
    """What a lane wrote down before it died."""
    if render.journal is None:
        return Report(render.id, None)
    journal = Path(render.journal)
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    return Report(render.id, None, made_from_journal(lines))


def _merged(report: Report, sheet: Sheet, outcome: Report | Flaw) -> Report:
    if isinstance(outcome, Flaw):
        return replace(report, flaws={**report.flaws, sheet.key: outcome})
    return replace(
        report,
        seen=outcome.seen or report.seen,
        made={**report.made, **outcome.made},
        flaws={**report.flaws, **outcome.flaws},
        busy_ms=report.busy_ms + outcome.busy_ms,
        others={**report.others, **outcome.others},
    )
