"""Owns the lanes: child processes that render, each killed at its time limit, replaced when it dies, recycled in time.

A thin face over pebble. Never knows MongoDB, HTTP or a method, and never imports the worker: the children do, by name.

A Render that crashes its lane, or runs over its time, is blamed by trial: each sheet that was not finished runs once
more, alone, with the whole time for itself; one that fails alone is final (SPEC section 9, Attempts).
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pebble

from sixpx.core.render import LANE_ENVIRONMENT, Flaw, Render, Report, Sheet, made_from_journal

log = logging.getLogger(__name__)

REBUILD_TRIES = 5
"""How often a Render may meet a pool that broke under it before it is reported: innocents are run again."""

MISTAKE = Flaw("internal", "render", "the service made a mistake with this output; it is in its log", True)


@dataclass(frozen=True, slots=True)
class Lanes:
    """How many lanes, after how many Renders each is replaced, its address space in bytes, its niceness (so that the
    event loop answers while all lanes are busy), and how many Renders may wait in the pipe, so that none idles."""

    count: int = 2
    recycle: int = 200
    memory: int = 4 * 1024**3
    nice: int = 5
    ahead: int = 2
    worker: str = "sixpx.worker"


def _set_up(worker: str, memory: int, nice: int, scratch: str) -> None:
    """Runs in each new child."""
    # pebble ends a lane by SIGTERM first; its own handler would wait for libvips to come back from a hopeless picture
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    importlib.import_module(worker).set_up(memory=memory, nice=nice, scratch=scratch)


def _render(worker: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Runs in a child: plain values in, plain values out."""
    report = importlib.import_module(worker).render(Render.from_json(raw))
    return dict(report.to_json())


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
        self._slots = asyncio.Semaphore(lanes.count + lanes.ahead)
        self._rebuilding = asyncio.Lock()
        self._pool: pebble.ProcessPool | None = None

    async def start(self) -> None:
        await asyncio.to_thread(self._build)

    def _build(self) -> None:
        lanes = self.lanes
        # forkserver: a fork of a process that has used libvips hangs, and spawn pays the imports for every child
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([lanes.worker])
        self._pool = pebble.ProcessPool(
            max_workers=lanes.count,
            max_tasks=lanes.recycle,
            initializer=_set_up,
            initargs=(lanes.worker, lanes.memory, lanes.nice, str(self._scratch)),
            context=context,
        )
        with _environment(LANE_ENVIRONMENT):
            # pebble starts its children with the first task; they must start inside this environment
            self._pool.schedule(os.getpid).result(timeout=60)

    @property
    def alive(self) -> bool:
        """Whether Renders are accepted."""
        return self._pool is not None and self._pool.active

    async def render(self, render: Render) -> Report:
        """The Report of this Render, whatever happens to its lane: a crash or an overrun becomes a Flaw of the sheets
        that it concerns. Takes turns with the other callers, first come, first served."""
        report = await self._attempt(render)
        if isinstance(report, Report):
            return report
        finished = await asyncio.to_thread(_finished, render)
        done = f"{len(finished.made)} of {len(render.sheets)} outputs were done"
        log.warning("%s: %s; %s", render.id, report.detail, done, extra={"stage": "render", "code": report.code})
        for sheet in render.sheets:
            if sheet.key not in finished.made:
                finished = _merged(finished, sheet, await self._attempt(replace(render, sheets=(sheet,))))
        return finished

    async def _attempt(self, render: Render) -> Report | Flaw:
        async with self._slots:
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

    async def _rebuild(self, broken: pebble.ProcessPool | None) -> None:
        async with self._rebuilding:
            if broken is None or self._pool is not broken:
                return
            await asyncio.to_thread(_discard, broken)
            await asyncio.to_thread(self._build)

    async def close(self) -> None:
        """Ends all lanes at once; whoever still waits for a Report is told that the pool broke."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.to_thread(_discard, pool)


def _schedule(pool: pebble.ProcessPool | None, worker: str, render: Render, limit: float) -> Any:
    """A pebble future; BrokenProcessPool where the pool takes no more tasks."""
    if pool is None:
        raise BrokenProcessPool("the pool is not running")
    try:
        return pool.schedule(_render, args=(worker, render.to_json()), timeout=limit)
    except RuntimeError as inactive:
        raise BrokenProcessPool("the pool takes no more tasks") from inactive


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
    )
