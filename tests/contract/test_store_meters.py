"""Owns the contract's plans: posts counted exactly, no more jobs worked on than a plan has. Never whose turn it is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from sixpx.core.job import Status, advance
from sixpx.core.meter import Window, windows
from sixpx.core.query import Query
from sixpx.core.user import Plan
from sixpx.errors import Conflict, KeyReused, OverQuota, Unauthorized
from sixpx.store.base import Once, Store
from tests.contract import changes
from tests.contract.conftest import Open
from tests.contract.jobs import ADA, BEN, NOW, after, ended, job_of
from tests.contract.test_store_claims import claim_one
from tests.contract.test_store_jobs import fill

pytestmark = pytest.mark.usefixtures("people")

PLAN = Plan(per_minute=3, per_month=5)


def meter(plan: Plan = PLAN, seconds: float = 0) -> Sequence[Window]:
    return windows(plan, after(seconds))


async def post(store: Store, number: int, seconds: float = 0, once: Once | None = None, user: str = ADA) -> str:
    return await store.add_job(job_of(number, user), {}, once, after(seconds), meter(seconds=seconds))


# --- posts ------------------------------------------------------------------------------------------


async def test_each_post_is_counted_in_every_window(store: Store) -> None:
    assert list(await store.counted(ADA, meter())) == [0, 0]
    await post(store, 1)
    await post(store, 2)
    await post(store, 3, seconds=61)
    await post(store, 4, user=BEN)
    assert list(await store.counted(ADA, meter())) == [2, 3]
    assert list(await store.counted(ADA, meter(seconds=61))) == [1, 3]
    assert list(await store.counted(BEN, meter())) == [1, 1]


async def test_posts_of_a_plan_without_bounds_are_counted_too(store: Store) -> None:
    for number in range(1, 8):
        await store.add_job(job_of(number), {}, None, NOW, meter(Plan()))
    assert list(await store.counted(ADA, meter())) == [7, 7]


async def test_a_full_window_refuses_and_says_for_how_long(store: Store) -> None:
    for number in (1, 2, 3):
        await post(store, number, seconds=10)
    with pytest.raises(OverQuota, match="3 jobs a minute") as refused:
        await post(store, 4, seconds=20)
    assert refused.value.wait == 40
    assert await store.job(ADA, job_of(4).id) is None
    await post(store, 5, seconds=60)


async def test_a_post_that_one_window_refuses_is_counted_in_none(store: Store) -> None:
    for number in range(1, 6):
        await post(store, number, seconds=60 * number)
    for _ in range(3):
        with pytest.raises(OverQuota, match="5 jobs a month"):
            await store.add_job(job_of(9), {"b" * 24: b"x"}, None, after(600), meter(seconds=600))
    assert list(await store.counted(ADA, meter(seconds=600))) == [0, 5]
    assert await store.blob("b" * 24) is None


async def test_a_plan_of_nothing_refuses_the_first_post(store: Store) -> None:
    with pytest.raises(OverQuota):
        await store.add_job(job_of(1), {}, None, NOW, meter(Plan(per_minute=0)))
    assert list(await store.counted(ADA, meter())) == [0, 0]


async def test_posts_at_once_by_several_processes_fill_the_plan_exactly(store: Store, another: Open) -> None:
    stores = [store, await another()]
    plan = Plan(per_minute=10, per_month=20)

    async def one(number: int) -> bool:
        try:
            await stores[number % 2].add_job(job_of(number), {}, None, NOW, windows(plan, NOW))
        except OverQuota:
            return False
        return True

    kept = await asyncio.gather(*(one(number) for number in range(1, 33)))
    assert sum(kept) == 10
    assert (await store.jobs(ADA, Query())).total == 10
    assert list(await store.counted(ADA, windows(plan, NOW))) == [10, 10]


async def test_a_key_that_came_before_is_not_counted_and_not_refused(store: Store) -> None:
    once = Once("key", "body", after(3600))
    await post(store, 1, once=once)
    await post(store, 2)
    await post(store, 3)
    assert await post(store, 4, once=once) == job_of(1).id
    with pytest.raises(KeyReused):
        await post(store, 5, once=replace(once, fingerprint="other"))
    assert list(await store.counted(ADA, meter())) == [3, 3]


async def test_posts_at_once_with_one_key_are_counted_once(store: Store, another: Open) -> None:
    stores = [store, await another()]
    once = Once("key", "body", after(3600))
    made = await asyncio.gather(*(post(stores[number % 2], number, once=once) for number in (1, 2)))
    assert made[0] == made[1]
    assert list(await store.counted(ADA, meter())) == [1, 1]


async def test_a_key_whose_post_was_over_the_plan_is_free(store: Store) -> None:
    for number in (1, 2, 3):
        await post(store, number)
    with pytest.raises(OverQuota):
        await post(store, 4, once=Once("key", "body", after(3600)))
    other = Once("key", "other", after(3600))
    assert await store.first_with(ADA, other, NOW) is None
    assert await post(store, 5, seconds=60, once=other) == job_of(5).id


async def test_a_user_who_is_removed_while_he_posts_posts_nothing(store: Store) -> None:
    """He had proven himself; nobody would ever see or remove the job."""
    once = Once("key", "body", after(3600))
    assert await store.remove_user(ADA)
    with pytest.raises(Unauthorized):
        await store.add_job(job_of(1), {"b" * 24: b"x"}, once, NOW, meter())
    assert await store.job(ADA, job_of(1).id) is None
    assert await store.blob("b" * 24) is None
    assert await store.first_with(ADA, once, NOW) is None
    assert list(await store.counted(ADA, meter())) == [0, 0]


async def test_a_job_whose_id_is_taken_is_not_counted(store: Store) -> None:
    await fill(store, job_of(1, BEN))
    with pytest.raises(Conflict):
        await post(store, 1)
    assert list(await store.counted(ADA, meter())) == [0, 0]


async def test_counts_of_months_outlive_their_window(store: Store) -> None:
    await post(store, 1)
    month = timedelta(days=40).total_seconds()
    await post(store, 2, seconds=month)
    await store.release(after(month))
    assert list(await store.counted(ADA, meter()))[1] == 1
    assert list(await store.counted(ADA, meter(seconds=month))) == [1, 1]


# --- jobs worked on at once -------------------------------------------------------------------------


async def plan(store: Store, concurrent: int | None) -> None:
    await store.change_user(ADA, lambda one: replace(one, plan=Plan(concurrent=concurrent)))


async def test_no_more_jobs_of_a_user_are_worked_on_than_his_plan_has(store: Store, another: Open) -> None:
    await plan(store, 2)
    await fill(store, *(job_of(number) for number in range(1, 6)), job_of(9, BEN))
    first = await store.claim("me", NOW, after(30), 8)
    assert Counter(one.job.user_id for one in first) == {ADA: 2, BEN: 1}
    assert list(await (await another()).claim("you", NOW, after(30), 8)) == []
    his = [one for one in first if one.job.user_id == ADA]
    await store.save(his[0], ended(his[0].job), after(1))
    await store.give_back(his[1], advance(his[1].job, Status.PENDING, after(1)), after(1))
    again = await store.claim("me", after(2), after(30), 8)
    assert [one.job.id for one in again] == [his[1].job.id, job_of(3).id]


async def test_a_cancelled_or_released_job_makes_room_in_the_plan(store: Store) -> None:
    await plan(store, 1)
    await fill(store, job_of(1), job_of(2))
    await claim_one(store)
    await changes.cancel(store, ADA, job_of(1).id, after(1))
    assert (await claim_one(store, until=30)).job.id == job_of(2).id
    assert await store.release(after(31)) == 1
    assert (await claim_one(store, now=31, until=60)).job.id == job_of(2).id


async def test_the_plan_is_what_it_is_now(store: Store) -> None:
    await plan(store, 1)
    await fill(store, *(job_of(number) for number in range(1, 5)))
    assert len(await store.claim("me", NOW, after(30), 8)) == 1
    await store.change_user(ADA, lambda one: replace(one, plan=Plan(concurrent=3)))
    assert len(await store.claim("me", NOW, after(30), 8)) == 2
    await store.change_user(ADA, lambda one: replace(one, plan=Plan()))
    assert len(await store.claim("me", NOW, after(30), 8)) == 1


async def test_who_has_no_room_is_not_in_the_way_and_keeps_his_place(store: Store) -> None:
    await plan(store, 1)
    await fill(store, job_of(1), job_of(2))
    mine = await claim_one(store)
    await fill(store, job_of(3, BEN), job_of(4, BEN), job_of(5, BEN))
    assert [(await claim_one(store)).job.user_id for _ in range(2)] == [BEN, BEN]
    await store.save(mine, ended(mine.job), after(1))
    assert (await claim_one(store)).job.user_id == ADA


async def test_looking_for_jobs_costs_who_has_no_room_nothing(store: Store) -> None:
    await plan(store, 1)
    await fill(store, job_of(1), job_of(2))
    mine = await claim_one(store)
    await fill(store, job_of(3, BEN))
    assert (await claim_one(store)).job.user_id == BEN
    for _ in range(3):
        assert list(await store.claim("me", NOW, after(30), 1)) == []
    await store.save(mine, ended(mine.job), after(1))
    await fill(store, job_of(4, BEN))
    assert [(await claim_one(store)).job.user_id for _ in range(2)] == [ADA, BEN]


async def test_claimers_of_several_processes_keep_to_the_plan_together(store: Store, another: Open) -> None:
    stores = [store, await another(), await another()]
    await plan(store, 4)
    await fill(store, *(job_of(number) for number in range(1, 41)))
    working, most, done = 0, 0, []

    async def claimer(number: int) -> None:
        nonlocal working, most
        mine = stores[number % 3]
        while len(done) < 40:
            for claim in await mine.claim(f"owner{number}", NOW, after(30), 3):
                working += 1
                most = max(most, working)
                await asyncio.sleep(0)
                working -= 1
                await mine.save(claim, ended(claim.job), after(1))
                done.append(claim.job.id)

    async with asyncio.timeout(60):
        await asyncio.gather(*(claimer(number) for number in range(9)))
    assert most <= 4
    assert sorted(done) == [job_of(number).id for number in range(1, 41)]
