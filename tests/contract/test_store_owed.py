"""Owns the contract's callbacks that are owed: given to one caller at a time, the longest due first. Never a POST."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

from sixpx.core.delivery import Delivery, Fate
from sixpx.core.job import Job, Status, conclude
from sixpx.store.base import Owed, Store
from tests.contract import changes
from tests.contract.conftest import Open
from tests.contract.jobs import ADA, BEN, NOW, after, ended, job_of
from tests.contract.test_store_claims import claim_one
from tests.contract.test_store_jobs import fill


async def told(store: Store, number: int, due: float = 1) -> Job:
    """A job that has ended with a callback owed since."""
    await fill(store, replace(job_of(number), callback={"url": "http://a.test"}, callback_sealed="sealed"))
    claim = await claim_one(store)
    done = replace(ended(claim.job), status=Status.PROCESSING)
    done = conclude(done, done.total, after(due))
    await store.save(claim, done, after(1))
    return done


def next_try(job: Job, due: float | None) -> Job:
    """The job after an attempt; the next one is due then."""
    (last,) = job.deliveries
    fate = Fate.DELIVERED if due is None else Fate.PENDING
    moment = None if due is None else after(due)
    return replace(job, deliveries=(replace(last, fate=fate, due=moment, tries=last.tries + 1),))


async def owed(store: Store, now: float, until: float = 1000, most: int = 9) -> list[str]:
    return [one.job_id for one in await store.owed(after(now), after(until), most)]


async def test_a_job_that_ended_is_owed_to_its_callback(store: Store) -> None:
    job = await told(store, 1)
    assert isinstance(job.deliveries[0], Delivery)
    assert list(await store.owed(after(1), after(60), 9)) == [Owed(job.id, ADA, "sealed")]


async def test_nothing_is_owed_where_nobody_is_to_be_called(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store)
    await store.save(claim, ended(claim.job), after(1))
    assert await owed(store, 1000) == []


async def test_what_is_due_later_is_not_owed_yet_and_comes_in_the_order_of_its_time(store: Store) -> None:
    for number, due in ((1, 30), (2, 20), (3, 10), (4, 40)):
        await told(store, number, due)
    assert await owed(store, 9) == []
    assert await owed(store, 30, most=2) == [job_of(3).id, job_of(2).id]
    assert await owed(store, 30) == [job_of(1).id]
    assert await owed(store, 40, most=0) == []


async def test_what_was_given_is_given_to_nobody_else_until_its_time_is_over(store: Store, another: Open) -> None:
    job = await told(store, 1)
    assert await owed(store, 1, until=30) == [job.id]
    assert await owed(await another(), 29) == []
    assert await owed(await another(), 30) == [job.id]


async def test_callers_of_several_processes_are_given_each_job_once(store: Store, another: Open) -> None:
    stores = [store, await another(), await another()]
    for number in range(1, 31):
        await told(store, number)
    taken = await asyncio.gather(*(owed(stores[number % 3], 5, most=4) for number in range(12)))
    assert Counter(id for some in taken for id in some) == Counter(job_of(number).id for number in range(1, 31))


async def test_an_attempt_that_is_written_says_when_the_next_one_is_due(store: Store) -> None:
    job = await told(store, 1)
    assert await owed(store, 1, until=60) == [job.id]
    await store.change_job(ADA, job.id, lambda one: next_try(one, 20))
    assert await owed(store, 19) == []
    assert await owed(store, 20, until=60) == [job.id]
    assert await store.job(ADA, job.id) == next_try(job, 20)
    await store.change_job(ADA, job.id, lambda one: next_try(one, None))
    assert await owed(store, 9999) == []


async def test_deliveries_are_changed_alone_and_only_of_a_job_that_has_ended(store: Store) -> None:
    job = await told(store, 1)
    tried = next_try(job, 20).deliveries
    assert await store.change_deliveries(ADA, job.id, lambda before: tried) == tried
    assert await store.job(ADA, job.id) == replace(job, deliveries=tried)
    assert await owed(store, 19) == []
    assert await owed(store, 20, until=60) == [job.id]
    assert await store.change_deliveries(ADA, job.id, lambda before: before) == tried
    assert await owed(store, 59) == []  # what does not change keeps its claim
    done = next_try(job, None).deliveries
    assert await store.change_deliveries(ADA, job.id, lambda before: done) == done
    assert await owed(store, 9999) == []
    assert await store.change_deliveries(BEN, job.id, lambda before: ()) is None
    assert await store.change_deliveries(ADA, "f" * 24, lambda before: ()) is None


async def test_deliveries_of_a_job_that_is_worked_on_are_left_to_its_runner(store: Store) -> None:
    await fill(store, replace(job_of(1), callback_sealed="sealed"))
    claim = await claim_one(store)
    assert await store.change_deliveries(ADA, job_of(1).id, lambda before: ()) is None
    await store.save(claim, claim.job, after(1))


async def test_changes_of_deliveries_at_once_all_hold(store: Store, another: Open) -> None:
    job, stores = await told(store, 1), [store, await another()]

    def one_more(before: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
        return tuple(replace(one, tries=one.tries + 1) for one in before)

    await asyncio.gather(*(stores[n % 2].change_deliveries(ADA, job.id, one_more) for n in range(12)))
    found = await store.job(ADA, job.id)
    assert found is not None
    assert found.deliveries[0].tries == 12


async def test_a_retried_job_owes_nothing_for_the_end_that_it_takes_back(store: Store) -> None:
    await fill(store, replace(job_of(1), callback_sealed="sealed"))
    await changes.cancel(store, ADA, job_of(1).id, after(1))
    await changes.retry(store, ADA, job_of(1).id, after(2))
    assert await owed(store, 9999) == []


async def test_a_cancelled_job_is_told_too(store: Store) -> None:
    await fill(store, replace(job_of(1), callback_sealed="sealed"))
    await changes.cancel(store, ADA, job_of(1).id, after(1))
    assert await owed(store, 0) == []
    assert await owed(store, 1) == [job_of(1).id]


async def test_a_removed_job_owes_nothing(store: Store) -> None:
    job = await told(store, 1)
    await store.remove_job(ADA, job.id)
    assert await owed(store, 9999) == []


async def test_what_is_owed_is_no_change_of_the_job(store: Store) -> None:
    job = await told(store, 1)
    await owed(store, 1, until=60)
    assert await store.job(ADA, job.id) == job
    assert [one.modified for one in await store.changed(NOW, 9)] == [job.modified]
