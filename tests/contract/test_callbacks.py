"""Owns what callbacks ask of every store: an attempt is recorded once, and nothing that is owed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from sixpx.clock import now
from sixpx.core import delivery as core
from sixpx.core.delivery import Delivery, Fate
from sixpx.core.job import Job, Status
from sixpx.errors import StoreDown, TooLarge
from sixpx.store.base import Store, Told
from tests.api.post_office import office
from tests.contract import changes
from tests.contract.conftest import Open
from tests.contract.jobs import ADA
from tests.servers.receiver import Receiver, receiver


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


def outcome(one: Delivery) -> tuple[Fate, list[int | None]]:
    return one.fate, [each.status for each in one.attempts]


async def replay(store: Store, job: Job, id: str) -> None:
    await store.change_job(
        job.user_id,
        job.id,
        lambda one: replace(one, deliveries=core.changed(one.deliveries, id, lambda it: core.replayed(it, now()))),
    )


class Failing:
    """A store that cannot be written to so many times, once `down` is set: no real one can be made to do that. Where
    it is `late`, it has written, and its answer is lost."""

    def __init__(self, store: Store, times: int, late: bool = False) -> None:
        self._store, self._left, self._late, self.down = store, times, late, False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def change_deliveries(self, user_id: str, job_id: str, change: Told) -> Sequence[Delivery] | None:
        if self.down and self._left > 0:
            self._left -= 1
            if self._late:
                await self._store.change_deliveries(user_id, job_id, change)
            raise StoreDown("out for lunch")
        return await self._store.change_deliveries(user_id, job_id, change)


async def test_a_delivery_goes_through_its_schedule_and_is_over(store: Store, there: Receiver) -> None:
    async with office(store) as post:
        good, bad = await post.end(there.url("/status/500?times=1")), await post.end(there.url("/status/404"))
        assert outcome(await post.over(good)) == (Fate.DELIVERED, [500, 200])
        assert outcome(await post.over(bad)) == (Fate.FAILED, [404] * 3)
        far = now() + timedelta(days=9)
        assert list(await store.owed(far, far, 9)) == []


class Slow:
    """A store whose changes take until `go`."""

    def __init__(self, store: Store) -> None:
        self._store, self.asked, self.go = store, asyncio.Event(), asyncio.Event()
        self.go.set()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def change_deliveries(self, user_id: str, job_id: str, change: Told) -> Sequence[Delivery] | None:
        self.asked.set()
        await self.go.wait()
        return await self._store.change_deliveries(user_id, job_id, change)


async def test_a_record_under_way_when_the_service_stops_is_kept(store: Store, there: Receiver) -> None:
    slow = Slow(store)
    async with office(slow, grace=0) as post:  # type: ignore[arg-type]  # a Store by what it passes on
        job = await post.end(there.url("/ok"), tell=False)
        slow.asked.clear()
        slow.go.clear()
        post.due.set()
        async with asyncio.timeout(5):
            await slow.asked.wait()
        asyncio.get_running_loop().call_later(0.2, slow.go.set)
    assert outcome(await post.delivery(job)) == (Fate.DELIVERED, [200])


async def test_two_processes_deliver_each_callback_once(store: Store, another: Open, there: Receiver) -> None:
    async with office(store) as one, office(await another(), vault=one.vault, user=False):
        jobs = [await one.end(there.url("/slow/20")) for _ in range(20)]
        for job in jobs:
            assert outcome(await one.over(job)) == (Fate.DELIVERED, [200])
    assert sorted(came.id for came in there.came) == sorted(job.deliveries[0].id for job in jobs)


async def test_a_retried_job_drops_what_was_owed_while_it_is_tried(store: Store, there: Receiver) -> None:
    """And its runner, who has claimed it meanwhile, keeps it."""
    async with office(store) as post:
        job = await post.end(there.url("/slow/200"))
        await there.first("/slow/200")
        await changes.retry(store, ADA, job.id, now())
        (claim,) = await store.claim("me", now(), now() + timedelta(seconds=30), 1)
        await there.until(lambda: there.left == 1)
    assert await post.delivery(job) == replace(job.deliveries[0], fate=Fate.DROPPED, due=None)
    assert list(await store.renew([claim], now(), now() + timedelta(seconds=30))) == []
    found = await store.job(ADA, job.id)
    assert found is not None
    assert found.status is Status.PROCESSING


async def test_the_next_end_of_a_job_is_told_anew(store: Store, there: Receiver) -> None:
    async with office(store, schedule=(0, 60)) as post:
        job = await post.end(there.url("/status/500?times=1"))
        await post.tried(job)
        await changes.retry(store, ADA, job.id, now())
        await changes.cancel(store, ADA, job.id, now())
        post.due.set()
        second = await post.over(job)
        assert (await post.delivery(job, 0)).fate is Fate.DROPPED
    assert outcome(second) == (Fate.DELIVERED, [200])
    assert [came.id for came in there.came] == [f"msg_{job.id}_1", f"msg_{job.id}_2"]


async def test_a_replay_while_it_is_tried_is_one_more_attempt(store: Store, there: Receiver) -> None:
    async with office(store, look=60) as post:
        job = await post.end(there.url("/slow/200"))
        await there.first("/slow/200")
        await replay(store, job, job.deliveries[0].id)
        post.due.set()
        await there.first("/slow/200", 2)
        done = await post.over(job)
        assert outcome(done) == (Fate.DELIVERED, [200, 200])
    assert len(there.came) == 2
    assert there.came[0].id == there.came[1].id


async def test_two_deliveries_of_a_job_are_both_tried(store: Store, there: Receiver) -> None:
    async with office(store) as post:
        job = await post.end(there.url("/slow/20"))
        await post.over(job)
        await changes.retry(store, ADA, job.id, now())
        await changes.cancel(store, ADA, job.id, now())
        await replay(store, job, f"msg_{job.id}_1")
        post.due.set()
        for number in (0, 1):
            await post.when(job, lambda one: one.fate is Fate.DELIVERED, number)
    assert sorted(came.id for came in there.came) == [f"msg_{job.id}_{number}" for number in (1, 1, 2)]


@pytest.mark.parametrize("late", [False, True])
async def test_a_store_that_is_down_for_a_moment_is_waited_for(store: Store, there: Receiver, late: bool) -> None:
    failing = Failing(store, 2, late)
    async with office(failing) as post:  # type: ignore[arg-type]  # a Store by what it passes on
        job = await post.end(there.url("/slow/100"))
        failing.down = True
        assert outcome(await post.over(job)) == (Fate.DELIVERED, [200])
    assert len(there.came) == 1


async def test_what_was_not_recorded_is_tried_once_more(store: Store, there: Receiver) -> None:
    """The store is away for longer than a claim holds."""
    failing = Failing(store, 5)
    async with office(failing, seconds=0.6) as post:  # type: ignore[arg-type]  # as above
        job = await post.end(there.url("/ok"))
        failing.down = True
        assert outcome(await post.over(job)) == (Fate.DELIVERED, [200])
    assert [one.id for one in there.came] == [job.deliveries[0].id] * 2


class Full:
    """A store whose documents have no room for an attempt. (MongoDB's have 16 MB, which a job may all but fill.)"""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def change_deliveries(self, user_id: str, job_id: str, change: Told) -> Sequence[Delivery] | None:
        def changed(before: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
            after = change(before)
            if any(one.attempts for one in after):
                raise TooLarge("the job comes to 16,000,001 bytes")
            return after

        return await self._store.change_deliveries(user_id, job_id, changed)


async def test_a_job_that_fills_its_document_is_told_once_and_its_attempts_are_not_kept(
    store: Store, there: Receiver
) -> None:
    async with office(Full(store), seconds=0.5) as post:  # type: ignore[arg-type]  # as above
        good, bad = await post.end(there.url("/ok")), await post.end(there.url("/status/500"))
        assert outcome(await post.over(good)) == (Fate.DELIVERED, [])
        done = await post.over(bad)
        assert (outcome(done), done.tries, done.due) == ((Fate.FAILED, []), 3, None)
        await asyncio.sleep(2)  # a claim holds for 1.5 s
    assert len(there.came) == 4


async def test_a_removed_job_is_no_callbacks_trouble(store: Store, there: Receiver) -> None:
    async with office(store) as post:
        job = await post.end(there.url("/slow/100"))
        await there.first("/slow/100")
        assert await store.remove_job(ADA, job.id)
        await there.until(lambda: there.left == 1)
        other = await post.end(there.url("/ok"))
        await post.over(other)
    assert await store.job(ADA, job.id) is None


async def test_what_is_owed_is_told_after_a_restart_when_it_is_due(
    store: Store, another: Open, there: Receiver
) -> None:
    async with office(store, schedule=(0, 0.6, 60)) as post:
        job = await post.end(there.url("/status/500?times=1"))
        tried = await post.tried(job)
    assert tried.due is not None
    async with office(await another(), vault=post.vault, user=False) as later:
        done = await later.over(job)
    assert outcome(done) == (Fate.DELIVERED, [500, 200])
    assert done.attempts[1].at >= tried.due
