"""Owns the contract's changes: pure functions applied to the newest state, and who is told of what. Never a wish."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from sixpx.core.job import Job, Status
from sixpx.core.query import Query
from sixpx.core.user import User
from sixpx.errors import Conflict
from sixpx.store.base import Changed, Once, Store
from tests.contract import changes
from tests.contract.conftest import Open
from tests.contract.jobs import ADA, BEN, NOW, after, ended, job_of, user_of
from tests.contract.test_store_claims import all_are_refused, claim_one
from tests.contract.test_store_jobs import fill
from tests.contract.test_store_meters import meter


class Mistake(Exception):
    """What a change may raise."""


def fail(one: object) -> Job:
    raise Mistake


def counted(job: Job) -> Job:
    return replace(job, data={"count": job.data.get("count", 0) + 1})


# --- jobs -------------------------------------------------------------------------------------------


async def test_a_change_is_written_and_returned(store: Store) -> None:
    await fill(store, job_of(1))
    changed = await store.change_job(ADA, job_of(1).id, counted)
    assert changed == counted(job_of(1))
    assert await store.job(ADA, job_of(1).id) == changed


async def test_a_change_of_nothing_leaves_a_claim_as_it_is(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store)
    assert await store.change_job(ADA, job_of(1).id, lambda one: replace(one)) == claim.job
    await store.save(claim, ended(claim.job), after(1))


async def test_a_change_of_anything_ends_a_claim(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store)
    await store.change_job(ADA, job_of(1).id, counted)
    await all_are_refused(store, claim)


async def test_what_a_change_raises_is_raised_and_nothing_is_written(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store)
    with pytest.raises(Mistake):
        await store.change_job(ADA, job_of(1).id, fail)
    assert await store.job(ADA, job_of(1).id) == claim.job
    await store.save(claim, ended(claim.job), after(1))


async def test_nobody_changes_a_job_that_is_not_his(store: Store) -> None:
    await fill(store, job_of(1))
    assert await store.change_job(BEN, job_of(1).id, fail) is None
    assert await store.change_job(ADA, "f" * 24, fail) is None
    assert await store.job(ADA, job_of(1).id) == job_of(1)


async def test_changes_at_once_by_several_processes_all_hold(store: Store, another: Open) -> None:
    stores = [store, await another(), await another()]
    await fill(store, job_of(1))
    await asyncio.gather(*(stores[number % 3].change_job(ADA, job_of(1).id, counted) for number in range(24)))
    job = await store.job(ADA, job_of(1).id)
    assert job is not None
    assert job.data == {"count": 24}


async def test_a_change_and_a_claimants_writing_do_not_undo_each_other(store: Store, another: Open) -> None:
    other = await another()
    for number in range(1, 13):
        await fill(store, job_of(number))
        claim = await claim_one(store)
        saving = store.save(claim, ended(claim.job), after(1))
        cancelling = changes.cancel(other, ADA, claim.job.id, after(1))
        await asyncio.gather(saving, cancelling, return_exceptions=True)
        job = await store.job(ADA, claim.job.id)
        assert job is not None
        # either it ended first and was not cancelled, or it was cancelled and lost to its claimant
        assert job == ended(claim.job) or (job.trouble is not None and job.trouble.code == "cancelled")


# --- what has changed -------------------------------------------------------------------------------


def told(number: int, status: Status, seconds: float, user: str = ADA) -> Changed:
    return Changed(job_of(number).id, user, status, after(seconds))


async def test_changes_are_told_oldest_first_from_a_moment_on(store: Store) -> None:
    await fill(store, job_of(1), job_of(2, BEN, created=after(2)), job_of(3, created=after(3)))
    await changes.cancel(store, ADA, job_of(1).id, after(9))
    first, second = told(2, Status.PENDING, 2, BEN), told(3, Status.PENDING, 3)
    last = told(1, Status.FAILED, 9)
    assert list(await store.changed(NOW, 9)) == [first, second, last]
    assert list(await store.changed(after(3), 9)) == [second, last]
    assert list(await store.changed(NOW, 2)) == [first, second]
    assert list(await store.changed(NOW, 9, ADA)) == [second, last]
    assert list(await store.changed(after(10), 9)) == []
    assert list(await store.changed(NOW, 0)) == []


async def test_what_changed_in_the_same_moment_is_told_by_id(store: Store) -> None:
    await fill(store, *(job_of(number) for number in (3, 1, 2)))
    assert list(await store.changed(NOW, 9)) == [told(number, Status.PENDING, 0) for number in (1, 2, 3)]


async def test_each_step_of_a_job_is_told(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store, now=2)
    assert list(await store.changed(after(1), 9)) == [told(1, Status.PROCESSING, 2)]
    await store.save(claim, replace(ended(claim.job), modified=after(5)), after(5))
    assert list(await store.changed(after(1), 9)) == [told(1, Status.COMPLETE, 5)]
    await fill(store, job_of(2))
    await claim_one(store, now=6, until=7)
    await store.release(after(8))
    assert list(await store.changed(after(6), 9)) == [told(2, Status.PENDING, 8)]


# --- users ------------------------------------------------------------------------------------------


async def test_a_user_is_changed_as_a_whole(store: Store) -> None:
    await store.add_user(user_of(1))
    changed = await store.change_user(user_of(1).id, lambda one: replace(one, name="Ada L.", domains=("a.test",)))
    assert changed == replace(user_of(1), name="Ada L.", domains=("a.test",))
    assert await store.user(user_of(1).id) == changed


async def test_what_a_change_of_a_user_raises_is_raised_and_nothing_is_written(store: Store) -> None:
    await store.add_user(user_of(1))

    def broken(user: User) -> User:
        raise Mistake

    with pytest.raises(Mistake):
        await store.change_user(user_of(1).id, broken)
    assert await store.user(user_of(1).id) == user_of(1)
    assert await store.change_user("f" * 24, broken) is None


async def test_changes_of_a_user_at_once_by_several_processes_all_hold(store: Store, another: Open) -> None:
    stores = [store, await another(), await another()]
    await store.add_user(user_of(1))

    def with_domain(number: int, user: User) -> User:
        return replace(user, domains=(*user.domains, f"{number}.test"))

    await asyncio.gather(
        *(stores[number % 3].change_user(user_of(1).id, partial(with_domain, number)) for number in range(24))
    )
    user = await store.user(user_of(1).id)
    assert user is not None
    assert sorted(user.domains) == sorted(f"{number}.test" for number in range(24))


async def test_a_removed_user_is_gone_with_all_that_was_his(store: Store) -> None:
    for number in (int(ADA, 16), int(BEN, 16)):
        await store.add_user(user_of(number))
    once = Once("key", "body", after(3600))
    for number, user in ((1, ADA), (2, ADA), (3, BEN)):
        blobs = {f"{number:024x}": b"bytes"}
        await store.add_job(job_of(number, user), blobs, replace(once, key=str(number)), NOW, meter())
    for _ in range(3):
        claim = await claim_one(store)
        await store.save(claim, ended(claim.job), after(1))
    assert await store.remove_user(ADA)
    assert await store.user(ADA) is None
    assert (await store.jobs(ADA, Query())).total == 0
    assert [await store.blob(f"{number:024x}") for number in (1, 2, 3)] == [None, None, b"bytes"]
    assert list(await store.leftovers()) == [f"{ADA}/{job_of(number).id}" for number in (1, 2)]
    assert await store.first_with(ADA, replace(once, key="1"), NOW) is None
    assert list(await store.counted(ADA, meter())) == [0, 0]
    assert [one.id for one in await store.users()] == [BEN]
    assert await store.job(BEN, job_of(3).id) is not None
    assert not await store.remove_user(ADA)


async def test_a_user_whose_jobs_have_not_ended_stays_with_all_that_is_his(store: Store) -> None:
    await store.add_user(user_of(int(ADA, 16)))
    await fill(store, job_of(1), job_of(2))
    claim = await claim_one(store)
    await store.save(claim, ended(claim.job), after(1))
    with pytest.raises(Conflict):
        await store.remove_user(ADA)
    await claim_one(store)
    with pytest.raises(Conflict):
        await store.remove_user(ADA)
    assert await store.user(ADA) is not None
    assert (await store.jobs(ADA, Query())).total == 2
    assert list(await store.leftovers()) == []


async def test_a_removed_users_name_in_line_is_forgotten(store: Store) -> None:
    await store.add_user(user_of(int(ADA, 16)))
    await fill(store, job_of(1))
    claim = await claim_one(store)
    await store.save(claim, ended(claim.job), after(1))
    await store.remove_user(ADA)
    assert list(await store.claim("me", NOW, after(30), 1)) == []
    await fill(store, job_of(2))
    assert (await claim_one(store)).job.id == job_of(2).id
