"""Owns the fakes under a run: sources, lanes and a destination that wait or fail as told. Never real bytes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sixpx.budget import Budget
from sixpx.core.job import Input, Job, Output, Processed, Step
from sixpx.core.render import Flaw, Limits, Made, Render, Report, Seen
from sixpx.credentials import Destination
from sixpx.run import Got, Means
from sixpx.targets import HOSTED, Parcel, Targets
from sixpx.turns import Turns
from tests.contract.jobs import ADA, NOW, job_of

SIZE = 100
INPUT_BYTES = 10_000
"""What one download may bring at most."""
"""Bytes of every input."""
MS = 7.0
"""Milliseconds of every download."""


@dataclass
class Gates:
    """What waits until it is opened, by name; what has no gate goes through."""

    closed: dict[str, asyncio.Event] = field(default_factory=dict)

    def close(self, *names: str) -> None:
        self.closed.update({name: asyncio.Event() for name in names})

    def open(self, *names: str) -> None:
        for name in names or tuple(self.closed):
            self.closed[name].set()

    async def __call__(self, name: str) -> None:
        if name in self.closed:
            await self.closed[name].wait()


class FakeSources:
    """Inputs by their shown URL."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.gates = Gates()
        self.cancelled: list[str] = []

    async def get(self, source: Input, path: Path) -> Got:
        self.asked.append(source.shown)
        try:
            await self.gates(source.shown)
        except asyncio.CancelledError:
            self.cancelled.append(source.shown)
            raise
        if source.shown in self.faults:
            raise self.faults[source.shown]
        _write(path, b"x" * SIZE)
        return Got(path, SIZE, MS)


class FakeLanes:
    """Renders by `job/input`; gates and faults by that id or by the input's name alone."""

    def __init__(self) -> None:
        self.renders: list[Render] = []
        self.flaws: dict[str, Flaw] = {}
        self.faults: dict[str, Exception] = {}
        self.gates = Gates()
        self.at_once = 0
        self.most_at_once = 0

    async def render(self, render: Render, user: str) -> Report:
        assert _sizes(render.source, *render.others.values()) == {SIZE}
        self.renders.append(render)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            for name in (render.id, render.id.rpartition("/")[2]):
                await self.gates(name)
                if name in self.faults:
                    raise self.faults[name]
        finally:
            self.at_once -= 1
        good = [sheet for sheet in render.sheets if sheet.key not in self.flaws]
        for sheet in good:
            _write(Path(sheet.path), b"made")
        made = {sheet.key: Made(4, 3, 4, "image/png") for sheet in good}
        flaws = {sheet.key: self.flaws[sheet.key] for sheet in render.sheets if sheet.key in self.flaws}
        return Report(render.id, Seen(10, 8, "image/jpeg", SIZE), made, flaws)

    @property
    def order(self) -> list[str]:
        return [render.id for render in self.renders]


class FakeTarget:
    """A destination; gates and faults by file name."""

    def __init__(self) -> None:
        self.puts: list[Parcel] = []
        self.faults: dict[str, Exception] = {}
        self.gates = Gates()

    async def put(self, parcel: Parcel, to: Destination) -> str:
        await self.gates(parcel.name)
        assert parcel.source.read_bytes() == b"made"
        if parcel.name in self.faults:
            raise self.faults[parcel.name]
        self.puts.append(parcel)
        return f"http://files.test/{parcel.folder}/{parcel.name}"

    async def close(self) -> None: ...


class Ticking:
    """A clock that goes on by a millisecond whenever it is looked at."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment


class World:
    """All fakes of one run."""

    def __init__(self, clock: Callable[[], datetime] | None = None, budget: int = 1_000_000) -> None:
        self.sources, self.lanes, self.target = FakeSources(), FakeLanes(), FakeTarget()
        self.spool = Budget(budget)
        targets = Targets({HOSTED: lambda: self.target}, str)
        limits = Limits(render_ms=1234)
        self.means = Means(
            self.sources, self.lanes, targets, limits, self.spool, Turns(99), INPUT_BYTES, clock or Ticking()
        )


def asked(
    inputs: Mapping[str, str], outputs: Mapping[str, str], number: int = 1, user: str = ADA, **parts: object
) -> Job:
    """A job with these inputs (name → host) and outputs (tag → names of inputs, `+name` for a layer)."""
    words: dict[str, list[str]] = defaultdict(list, {tag: text.split() for tag, text in outputs.items()})
    made = tuple(
        Output(
            tag,
            {"tag": tag},
            {one: f"{tag}-{one}" for one in names if one[0] != "+"},
            tuple(Step("layer", {"ref": one[1:]}) for one in names if one[0] == "+"),
        )
        for tag, names in words.items()
    )
    return replace(
        job_of(number, user),
        inputs=tuple(Input(name, host) for name, host in inputs.items()),
        outputs=made,
        processed=tuple(Processed(f"{place:024x}", one.tag, NOW, NOW) for place, one in enumerate(made)),
        **parts,
    )


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _sizes(*paths: str) -> set[int]:
    return {Path(path).stat().st_size for path in paths}


async def eventually(true: Callable[[], object]) -> None:
    """Waits until the condition holds."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.003)
