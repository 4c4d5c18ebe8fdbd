"""Owns the watch over what other processes do, by looks into a store that two processes share. Never a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from sixpx.core.job import Status
from sixpx.errors import StoreDown
from sixpx.hub import EVERY, Hub, JobEvent
from sixpx.store.base import Changed
from sixpx.store.sqlite import SqliteStore
from sixpx.watch import Pace, Watch
from tests.contract import changes
from tests.contract.jobs import ADA, NOW, after, job_of

LOOK = 0.02
PACE = Pace(look=LOOK, back=5.0, most=3)


class Flaky(SqliteStore):
    """A store that goes away for a few looks."""

    down = 0

    async def changed(self, since: datetime, most: int, user_id: str | None = None) -> Sequence[Changed]:
        if self.down:
            self.down -= 1
            raise StoreDown("away")
        return await super().changed(since, most, user_id)


class House:
    """This process: its store, its hub, what the hub heard. `others` is the store as another process has it."""

    def __init__(self, path: Path) -> None:
        self.store, self.others = Flaky.open(path), SqliteStore.open(path)
        self.hub, self.now = Hub(), NOW
        self.heard: asyncio.Queue[JobEvent] = asyncio.Queue()
        self.watch = Watch(self.store, self.hub, lambda: self.now, PACE)

    async def next(self) -> tuple[str, Status]:
        async with asyncio.timeout(5):
            event = await self.heard.get()
        return event.job_id, event.status

    async def quiet(self) -> bool:
        """Whether ten looks bring nothing."""
        await asyncio.sleep(10 * LOOK)
        return self.heard.empty()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path / "store.db")
    with made.hub.listening(EVERY, made.heard.put_nowait):
        await made.watch.start()
        yield made
        await made.watch.stop()
    await made.store.close()
    await made.others.close()


async def test_what_another_process_does_is_told_once(house: House) -> None:
    await house.others.add_job(job_of(1), {}, None, NOW)
    assert await house.next() == (job_of(1).id, Status.PENDING)
    assert await house.quiet()
    (claim,) = await house.others.claim("other", after(1), after(30), 1)
    assert await house.next() == (claim.job.id, Status.PROCESSING)
    await changes.cancel(house.others, ADA, claim.job.id, after(2))
    assert await house.next() == (claim.job.id, Status.FAILED)
    assert await house.quiet()


async def test_what_this_process_has_told_is_not_told_again(house: House) -> None:
    house.hub.publish(JobEvent.of(job_of(1)))
    assert await house.next() == (job_of(1).id, Status.PENDING)
    await house.store.add_job(job_of(1), {}, None, NOW)
    assert await house.quiet()


async def test_a_job_that_is_worked_on_and_saved_is_no_news(house: House) -> None:
    await house.others.add_job(job_of(1), {}, None, NOW)
    (claim,) = await house.others.claim("other", after(1), after(30), 1)
    seen = {await house.next()}
    for moment in (2, 3, 4):
        await house.others.save(claim, replace(claim.job, modified=after(moment)), after(moment))
        await asyncio.sleep(2 * LOOK)
    while not house.heard.empty():
        seen.add(await house.next())
    assert (job_of(1).id, Status.PROCESSING) in seen
    assert await house.quiet()


async def test_more_changes_than_one_look_reads_are_all_told(house: House) -> None:
    for number in range(1, 11):
        await house.others.add_job(job_of(number, created=after(number / 100)), {}, None, NOW)
    assert {(await house.next())[0] for _ in range(10)} == {job_of(number).id for number in range(1, 11)}


async def test_a_change_that_was_kept_late_is_told_as_far_as_a_look_reaches_back(house: House) -> None:
    house.now = after(4)
    await house.others.add_job(job_of(1), {}, None, NOW)
    assert await house.next() == (job_of(1).id, Status.PENDING)
    house.now = after(60)
    await house.others.add_job(job_of(2), {}, None, NOW)
    assert await house.quiet()


async def test_an_outage_of_the_store_is_outlived(house: House) -> None:
    house.store.down = 5
    await house.others.add_job(job_of(1), {}, None, NOW)
    assert await house.next() == (job_of(1).id, Status.PENDING)


async def test_what_was_told_is_forgotten_in_time(house: House) -> None:
    await house.others.add_job(job_of(1), {}, None, NOW)
    await house.next()
    house.now = after(60)
    await asyncio.sleep(5 * LOOK)
    assert house.watch._seen == {}
