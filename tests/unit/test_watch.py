"""Owns the watch over what other processes do, by looks into a store that two processes share. Never a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from sixpx.core.job import Status, again, cancel
from sixpx.errors import StoreDown
from sixpx.feed import LINE_MOST, Feed, Line
from sixpx.hub import EVERY, Hub, JobEvent
from sixpx.store.base import Changed
from sixpx.store.sqlite import SqliteStore
from sixpx.watch import Pace, Watch
from tests.contract import changes
from tests.contract.jobs import ADA, NOW, after, job_of

LOOK = 0.02
PACE = Pace(look=LOOK, back=5.0, most=3)


class Flaky(SqliteStore):
    """A store that goes away for a few looks, or has a page to be read once."""

    down = 0
    page: Sequence[Changed] = ()

    async def changed(self, since: datetime, most: int, user_id: str | None = None) -> Sequence[Changed]:
        if self.down:
            self.down -= 1
            raise StoreDown("away")
        if self.page:
            page, self.page = self.page, ()
            return page
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
    assert await house.quiet()  # a look at this moment: the next one reaches back from it
    await house.others.add_job(job_of(2), {}, None, NOW)
    assert await house.quiet()


async def test_an_outage_of_the_store_is_outlived(house: House) -> None:
    house.store.down = 5
    await house.others.add_job(job_of(1), {}, None, NOW)
    assert await house.next() == (job_of(1).id, Status.PENDING)


async def test_what_others_did_while_the_store_was_long_away_is_told_when_it_is_back(house: House) -> None:
    """Or while this process stood still: as far back as nothing was heard."""
    assert await house.quiet()
    house.store.down = 10**6
    house.now = after(120)
    await house.others.add_job(job_of(1, created=after(30)), {}, None, after(30))
    assert await house.quiet()
    house.store.down = 0
    assert await house.next() == (job_of(1).id, Status.PENDING)
    assert await house.quiet()


async def test_the_end_that_a_process_with_a_slower_clock_made_is_told(house: House) -> None:
    """Its end carries an earlier moment than what this process has told of the job."""
    posted = job_of(1, created=after(2))
    await house.store.add_job(posted, {}, None, after(2))
    house.hub.publish(JobEvent.of(posted, by_owner=True))
    assert await house.next() == (posted.id, Status.PENDING)
    (claim,) = await house.others.claim("other", after(0.5), after(30), 1)
    assert await house.next() == (posted.id, Status.PROCESSING)
    await changes.cancel(house.others, ADA, claim.job.id, after(0.2))
    assert await house.next() == (posted.id, Status.FAILED)
    assert await house.quiet()


async def test_what_was_read_before_this_process_changed_it_is_not_told(house: House) -> None:
    posted = job_of(1)
    await house.store.add_job(posted, {}, None, NOW)
    assert await house.next() == (posted.id, Status.PENDING)
    (claim,) = await house.store.claim("ours", after(1), after(30), 1)
    house.hub.publish(JobEvent.of(claim.job))
    assert await house.next() == (posted.id, Status.PROCESSING)
    house.store.page = [Changed(posted.id, ADA, Status.PENDING, NOW)]
    assert await house.quiet()


async def test_more_changes_of_one_moment_than_one_look_reads_are_all_told(house: House) -> None:
    for number in range(1, 12):
        await house.others.add_job(job_of(number), {}, None, NOW)
    await house.others.add_job(job_of(12, created=after(0.1)), {}, None, after(0.1))
    assert {(await house.next())[0] for _ in range(12)} == {job_of(number).id for number in range(1, 13)}


class Telling(Flaky):
    """A store whose database tells by itself: what the queue holds, until the stream breaks off."""

    told: asyncio.Queue[Changed | None]

    async def changes(self) -> AsyncIterator[Changed | None]:
        yield None
        while (changed := await self.told.get()) is not None:
            yield changed
        raise StoreDown("away")


async def test_what_no_stream_told_of_is_looked_for_when_there_is_one_again(tmp_path: Path) -> None:
    store, hub, heard, now = Telling.open(tmp_path / "store.db"), Hub(), asyncio.Queue[JobEvent](), [NOW]
    store.told = asyncio.Queue()
    watch = Watch(store, hub, lambda: now[0], PACE)
    with hub.listening(EVERY, heard.put_nowait):
        await watch.start()
        store.told.put_nowait(Changed("1" * 24, ADA, Status.COMPLETE, NOW))
        async with asyncio.timeout(5):
            assert (await heard.get()).job_id == "1" * 24
            await store.add_job(job_of(2, created=after(30)), {}, None, after(30))
            now[0] = after(120)
            store.told.put_nowait(None)
            assert (await heard.get()).job_id == job_of(2).id
        await watch.stop()
    await store.close()


async def test_what_was_told_is_forgotten_in_time(house: House) -> None:
    await house.others.add_job(job_of(1), {}, None, NOW)
    await house.next()
    house.now = after(60)
    await asyncio.sleep(5 * LOOK)
    assert house.watch._seen == {}


async def test_a_job_that_was_retried_and_failed_again_between_two_looks_is_told(house: House) -> None:
    await house.others.add_job(job_of(1), {}, None, NOW)
    await house.next()
    await changes.cancel(house.others, ADA, job_of(1).id, after(1))
    assert await house.next() == (job_of(1).id, Status.FAILED)
    await house.others.change_job(ADA, job_of(1).id, lambda job: cancel(again(job, after(2)), after(3)))
    assert await house.next() == (job_of(1).id, Status.FAILED)
    assert await house.quiet()


async def test_a_listener_who_reads_is_not_overrun_by_one_look(house: House) -> None:
    """Far more at once than a line holds, as after an outage."""
    many = LINE_MOST + 50
    feed = Feed(house.hub)
    with feed.listening(ADA) as line:
        listening = asyncio.create_task(_taken(line, many))
        page = [Changed(f"{number:024x}", ADA, Status.PENDING, NOW) for number in range(many)]
        house.store.page = page
        assert await asyncio.wait_for(listening, 5) == [one.job_id for one in page]
    await feed.close()


async def _taken(line: Line, number: int) -> list[str]:
    return [event.job_id for _ in range(number) if (event := await line.next()) is not None]
