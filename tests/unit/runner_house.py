"""Owns a runner over a real store and fakes for all else, to be tested. Never a test."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from sixpx.clock import now
from sixpx.core.job import Job, Status
from sixpx.hub import EVERY, Hub, JobEvent
from sixpx.runner import Pace, Runner
from sixpx.store.sqlite import SqliteStore
from tests.contract.jobs import ADA
from tests.unit.fakes import World, asked, eventually

QUICK = Pace(window=4, lease=30, look=0.02, grace=5)


class House:
    """A store, a hub and a runner over fakes; every event of the hub is kept."""

    def __init__(self, folder: Path, pace: Pace, store: SqliteStore) -> None:
        self.world, self.hub, self.store = World(now), Hub(), store
        self.scratch = folder / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.events: list[JobEvent] = []
        self.removed: list[str] = []
        self.runner = Runner("me", store, self.hub, self.world.means, self.scratch, pace, self.remove)

    async def remove(self, folder: str) -> None:
        self.removed.append(folder)

    async def add(self, *jobs: Job) -> None:
        for job in jobs:
            await self.store.add_job(job, {}, None, now())
            self.hub.publish(JobEvent(job.id, job.user_id, job.status, by_owner=True))

    async def job(self, job: Job) -> Job:
        found = await self.store.job(job.user_id, job.id)
        assert found is not None
        return found

    def heard(self, job: Job) -> list[str]:
        return [str(one.status) for one in self.events if one.job_id == job.id and not one.by_owner]

    async def ended(self, *jobs: Job) -> list[Status]:
        await eventually(lambda: all(self.heard(job)[-1:] in (["complete"], ["failed"]) for job in jobs))
        return [(await self.job(job)).status for job in jobs]

    @property
    def scraps(self) -> list[Path]:
        return list(self.scratch.glob("*"))


class Houses:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open: list[House] = []
        self.stack = ExitStack()

    async def make(self, pace: Pace = QUICK, kind: type[SqliteStore] = SqliteStore, start: bool = True) -> House:
        house = House(self.folder, pace, kind.open(self.folder / "store.db"))
        self.open.append(house)
        self.stack.enter_context(house.hub.listening(EVERY, house.events.append))
        if start:
            await house.runner.start()
        return house


def simple(number: int = 1, user: str = ADA) -> Job:
    return asked({"a": f"u/{number}"}, {"x": "a"}, number, user)


def two_halves(number: int = 1) -> Job:
    """`x` is made at once; `y` needs the input `slow`."""
    return asked({"a": "u/a", "slow": "u/slow"}, {"x": "a", "y": "slow"}, number)


async def half_done(house: House, job: Job) -> None:
    """The job under way with its first output saved and its second waiting."""
    house.world.sources.gates.close("u/slow")
    await house.add(job)
    await eventually(lambda: house.world.lanes.renders)
    while (await house.job(job)).processed[0].status is not Status.COMPLETE:  # noqa: ASYNC110 - a save is no event
        await asyncio.sleep(0.003)
