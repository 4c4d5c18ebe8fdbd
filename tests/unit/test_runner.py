"""Owns the tests of the runner over a real store: window, turns, leases, giving back, ends. Never a real picture."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sixpx.clock import now
from sixpx.core.job import Job, Status
from sixpx.core.query import Query
from sixpx.errors import StoreDown, TooLarge
from sixpx.hub import JobEvent
from sixpx.runner import BATCH, Pace
from sixpx.store.base import Claim
from sixpx.store.sqlite import SqliteStore
from tests.contract import changes
from tests.contract.jobs import ADA, BEN
from tests.unit.fakes import eventually
from tests.unit.runner_house import Houses, half_done, simple, two_halves


@pytest.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    made = Houses(tmp_path)
    yield made
    for house in made.open:
        for part in (house.world.sources, house.world.lanes, house.world.target):
            part.gates.open()
        await house.runner.stop()
        assert house.scraps == []
        await house.store.close()


async def test_a_job_goes_from_the_queue_to_its_end_and_each_change_is_told(houses: Houses) -> None:
    house = await houses.make()
    await house.add(simple())
    assert await house.ended(simple()) == [Status.COMPLETE]
    assert house.heard(simple()) == ["processing", "complete"]
    assert house.runner.in_flight == 0


async def test_a_job_that_another_process_added_is_found_by_looking(houses: Houses) -> None:
    house = await houses.make()
    await house.store.add_job(simple(), {}, None, now())
    assert await house.ended(simple()) == [Status.COMPLETE]


async def test_no_more_jobs_are_in_flight_than_the_window_has_room_for(houses: Houses) -> None:
    house = await houses.make(Pace(window=2, look=0.02))
    house.world.sources.gates.close(*(f"u/{number}" for number in range(1, 6)))
    await house.add(*(simple(number) for number in range(1, 6)))
    await eventually(lambda: len(house.world.sources.asked) == 2)
    await asyncio.sleep(0.06)
    assert (house.runner.in_flight, len(house.world.sources.asked)) == (2, 2)
    house.world.sources.gates.open("u/1")
    await eventually(lambda: len(house.world.sources.asked) == 3)
    house.world.sources.gates.open()
    await house.ended(*(simple(number) for number in range(1, 6)))


class Slow(SqliteStore):
    """Gives what was asked for first, and keeps whoever asks further waiting."""

    asked: asyncio.Event

    async def claim(self, *words: Any) -> Sequence[Claim]:
        claims = await super().claim(*words)
        if self.asked.is_set():
            await asyncio.Event().wait()
        self.asked.set()
        return claims


async def test_the_first_of_many_jobs_does_not_wait_until_all_are_claimed(houses: Houses) -> None:
    Slow.asked = asyncio.Event()
    house = await houses.make(Pace(window=2 * BATCH, look=0.02), Slow, start=False)
    await house.add(*(simple(number, (ADA, BEN)[number % 2]) for number in range(2 * BATCH)))
    claiming = asyncio.create_task(house.runner._claim())
    await eventually(lambda: len([one for one in house.events if one.status is Status.COMPLETE]) == BATCH)
    assert not claiming.done()
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)


async def test_a_user_with_many_jobs_does_not_keep_another_waiting(houses: Houses) -> None:
    house = await houses.make(Pace(window=1, look=0.02), start=False)
    queue = [*(simple(number, ADA) for number in range(1, 6)), *(simple(number, BEN) for number in (6, 7))]
    await house.add(*queue)
    await house.runner.start()
    await house.ended(*queue)
    users = ["ben" if one in ("u/6", "u/7") else "ada" for one in house.world.sources.asked]
    assert sorted(users[:2]) == sorted(users[2:4]) == ["ada", "ben"]
    assert [one for one in house.world.sources.asked if one not in ("u/6", "u/7")] == [f"u/{n}" for n in range(1, 6)]


async def test_jobs_of_one_window_are_worked_on_together(houses: Houses) -> None:
    house = await houses.make()
    house.world.lanes.gates.close("a")
    await house.add(*(simple(number) for number in range(1, 4)))
    await eventually(lambda: house.world.lanes.at_once == 3)
    house.world.lanes.gates.open()
    await house.ended(*(simple(number) for number in range(1, 4)))


# --- ends that are not plain ----------------------------------------------------------------------


async def test_a_mistake_of_ours_ends_the_job_as_internal_and_stays_in_the_log(
    houses: Houses, caplog: pytest.LogCaptureFixture
) -> None:
    house = await houses.make()
    house.world.lanes.faults["slow"] = ZeroDivisionError("a detail that is nobody's business")
    with caplog.at_level(logging.ERROR):
        await half_done(house, two_halves())
        house.world.sources.gates.open()
        assert await house.ended(two_halves()) == [Status.FAILED]
    job = await house.job(two_halves())
    assert job.trouble is not None
    assert (job.trouble.code, job.trouble.retryable, job.trouble.stage) == ("internal", True, "run")
    assert "detail" not in job.trouble.detail
    assert [one.status for one in job.processed] == [Status.COMPLETE, Status.FAILED]
    assert "ZeroDivisionError" in caplog.text
    await house.add(simple(2))
    assert await house.ended(simple(2)) == [Status.COMPLETE]


async def test_a_job_cancelled_by_its_owner_stops_at_once_and_keeps_its_results(houses: Houses) -> None:
    house = await houses.make()
    await half_done(house, two_halves())
    cancelled = await changes.cancel(house.store, ADA, two_halves().id, now())
    assert cancelled is not None
    house.hub.publish(JobEvent(cancelled.id, ADA, cancelled.status, by_owner=True))
    await eventually(lambda: house.runner.in_flight == 0)
    assert house.world.sources.cancelled == ["u/slow"]
    assert await house.job(two_halves()) == cancelled
    assert cancelled.processed[0].stored
    assert house.heard(two_halves()) == ["processing"]


@pytest.mark.parametrize("turns", range(5))
async def test_a_second_cancellation_breaks_off_nothing_that_the_first_one_tidies_up(
    houses: Houses, turns: int
) -> None:
    """Of a process that stood still it comes at once from its lease and from what others did."""
    house = await houses.make()
    await half_done(house, two_halves())
    cancelled = await changes.cancel(house.store, ADA, two_halves().id, now())
    assert cancelled is not None
    for _ in range(2):
        house.hub.publish(JobEvent(cancelled.id, ADA, cancelled.status, by_owner=True))
        for _ in range(turns):
            await asyncio.sleep(0)
    await eventually(lambda: house.runner.in_flight == 0)
    assert (house.world.means.spool.held, house.scraps) == (0, [])


async def test_another_jobs_cancellation_disturbs_nobody(houses: Houses) -> None:
    house = await houses.make()
    await half_done(house, two_halves())
    house.hub.publish(JobEvent("f" * 24, ADA, Status.FAILED, by_owner=True))
    house.world.sources.gates.open()
    assert await house.ended(two_halves()) == [Status.COMPLETE]


async def test_a_job_that_ended_elsewhere_is_dropped_when_its_lease_is_not_renewed(houses: Houses) -> None:
    house = await houses.make(Pace(lease=0.09, look=0.02))
    await half_done(house, two_halves())
    cancelled = await changes.cancel(house.store, ADA, two_halves().id, now())
    await eventually(lambda: house.runner.in_flight == 0)
    assert await house.job(two_halves()) == cancelled


async def test_a_job_that_ended_elsewhere_is_not_written_over_by_a_result(houses: Houses) -> None:
    house = await houses.make()
    await half_done(house, two_halves())
    cancelled = await changes.cancel(house.store, ADA, two_halves().id, now())
    house.world.sources.gates.open()
    await eventually(lambda: house.runner.in_flight == 0)
    assert await house.job(two_halves()) == cancelled
    assert house.heard(two_halves()) == ["processing"]


# --- leases ---------------------------------------------------------------------------------------


async def test_a_job_that_takes_longer_than_its_lease_stays_its_runners(houses: Houses) -> None:
    house = await houses.make(Pace(lease=0.3, look=0.02))
    await half_done(house, two_halves())
    other = await houses.make(Pace(lease=0.3, look=0.02))
    await asyncio.sleep(0.7)
    assert other.world.sources.asked == []
    house.world.sources.gates.open()
    assert await house.ended(two_halves()) == [Status.COMPLETE]


async def test_the_job_of_a_dead_process_is_taken_over_when_its_lease_ends(houses: Houses) -> None:
    house = await houses.make(Pace(lease=0.1, look=0.02), start=False)
    await house.add(simple())
    assert len(await house.store.claim("the dead", now(), now() + timedelta(seconds=0.1), 1)) == 1
    await house.runner.start()
    assert await house.ended(simple()) == [Status.COMPLETE]


# --- stop -----------------------------------------------------------------------------------------


async def test_stopping_lets_jobs_in_flight_finish_and_claims_no_more(houses: Houses) -> None:
    house = await houses.make()
    await half_done(house, two_halves())
    stopping = asyncio.create_task(house.runner.stop())
    await asyncio.sleep(0.01)
    await house.add(simple(2))
    house.world.sources.gates.open()
    await stopping
    assert (await house.job(two_halves())).status is Status.COMPLETE
    assert await house.job(simple(2)) == simple(2)


async def test_stopping_gives_back_what_does_not_finish_in_time_with_its_results(houses: Houses) -> None:
    house = await houses.make(Pace(look=0.02, grace=0.05))
    await half_done(house, two_halves())
    await house.runner.stop()
    job = await house.job(two_halves())
    assert [job.status, *(one.status for one in job.processed)] == [Status.PENDING, Status.COMPLETE, Status.PENDING]
    assert job.processed[0].stored
    after = await houses.make()
    assert await after.ended(two_halves()) == [Status.COMPLETE]
    assert after.world.sources.asked == ["u/slow"]


async def test_a_stop_without_grace_gives_back_at_once(houses: Houses) -> None:
    house = await houses.make(Pace(look=0.02, grace=0))
    house.world.sources.gates.close(*(f"u/{number}" for number in range(1, 4)))
    await house.add(*(simple(number) for number in range(1, 4)))
    await eventually(lambda: house.runner.in_flight == 3)
    await house.runner.stop()
    found = await house.store.jobs(ADA, Query())
    assert {one.status for one in found.items} == {Status.PENDING}


class SlowToClaim(SqliteStore):
    """Claims, and takes its time to say so."""

    said: asyncio.Event
    claimed = False

    async def claim(self, *asked: Any, **more: Any) -> Sequence[Claim]:
        claims = await super().claim(*asked, **more)
        if claims:
            self.claimed = True
            await self.said.wait()
        return claims


async def test_jobs_claimed_while_stopping_are_not_forgotten(houses: Houses) -> None:
    house = await houses.make(Pace(look=0.02, grace=0.05), SlowToClaim)
    store = house.store
    assert isinstance(store, SlowToClaim)
    store.said = asyncio.Event()
    house.world.sources.gates.close("u/1")
    await house.add(simple())
    await eventually(lambda: store.claimed)
    stopping = asyncio.create_task(house.runner.stop())
    await asyncio.sleep(0.01)
    store.said.set()
    await stopping
    assert (await house.job(simple())).status is Status.PENDING
    assert house.runner.in_flight == 0


# --- a store in trouble -----------------------------------------------------------------------------


class Moody(SqliteStore):
    """Raises what it is told to, once for each call."""

    faults: dict[str, list[Exception]]

    def _mood(self, call: str) -> None:
        if getattr(self, "faults", {}).get(call):
            raise self.faults[call].pop()

    async def claim(self, *asked: Any, **more: Any) -> Sequence[Claim]:
        self._mood("claim")
        return await super().claim(*asked, **more)

    async def renew(self, held: Sequence[Claim], now: datetime, until: datetime) -> Sequence[Claim]:
        self._mood("renew")
        return await super().renew(held, now, until)

    async def save(self, claim: Claim, job: Job, now: datetime) -> None:
        self._mood("save")
        await super().save(claim, job, now)


@pytest.mark.parametrize("fault", [StoreDown("busy"), RuntimeError("a document that cannot be read")])
@pytest.mark.parametrize("call", ["claim", "renew"])
async def test_work_goes_on_after_a_fault_of_the_store(houses: Houses, call: str, fault: Exception) -> None:
    house = await houses.make(Pace(lease=0.06, look=0.02), Moody, start=False)
    store = house.store
    assert isinstance(store, Moody)
    store.faults = {call: [fault, fault]}
    await house.runner.start()
    await eventually(lambda: not store.faults[call])
    await house.add(simple())
    assert await house.ended(simple()) == [Status.COMPLETE]
    assert all(not loop.done() for loop in house.runner._loops)


async def test_a_job_whose_end_cannot_be_recorded_runs_again_after_its_lease(houses: Houses) -> None:
    house = await houses.make(Pace(lease=0.1, look=0.02), Moody)
    store = house.store
    assert isinstance(store, Moody)
    store.faults = {"save": [StoreDown("busy")]}
    await house.add(simple())
    assert await house.ended(simple()) == [Status.COMPLETE]
    assert house.world.sources.asked == ["u/1", "u/1"]


@pytest.mark.parametrize("job", [simple(), two_halves()], ids=["at its end", "in between"])
async def test_a_job_whose_results_the_store_cannot_hold_ends_with_that(houses: Houses, job: Job) -> None:
    house = await houses.make(Pace(lease=30, look=0.02), Moody)
    store = house.store
    assert isinstance(store, Moody)
    store.faults = {"save": [TooLarge("the job comes to 17,000,000 bytes")]}
    await house.add(job)
    assert await house.ended(job) == [Status.FAILED]
    trouble = (await house.job(job)).trouble
    assert trouble is not None
    assert (trouble.code, trouble.retryable) == ("over_limit", False)
    assert trouble.detail == "with its results the job comes to 17,000,000 bytes"
    assert store.faults == {"save": []}


async def test_what_is_put_after_its_job_was_removed_is_removed_too(houses: Houses) -> None:
    house, job = await houses.make(), simple(1)
    house.world.target.gates.close("x-a.png")
    await house.add(job)
    await eventually(lambda: house.world.lanes.renders)
    cancelled = await changes.cancel(house.store, job.user_id, job.id, now())
    assert cancelled is not None
    await house.store.remove_job(job.user_id, job.id)
    house.hub.publish(JobEvent(job.id, job.user_id, cancelled.status, by_owner=True))
    await eventually(lambda: house.removed)
    assert house.removed == [f"{job.user_id}/{job.id}"]
