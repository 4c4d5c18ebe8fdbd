"""Owns the contract's claims: one claimant at a time, turns between users, leases that end. Never an owner's wish."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sixpx.core.job import Status, advance
from sixpx.errors import Lost
from sixpx.store.base import Claim, Store
from tests.contract import changes
from tests.contract.conftest import Open
from tests.contract.jobs import ADA, BEN, CY, NOW, after, ended, job_of
from tests.contract.test_store_jobs import fill


async def claim_one(store: Store, owner: str = "me", until: float = 30, now: float = 0) -> Claim:
    (claim,) = await store.claim(owner, after(now), after(until), 1)
    return claim


async def all_are_refused(store: Store, claim: Claim, now: float = 1) -> None:
    """Whatever the old claimant writes raises Lost, and changes nothing."""
    before = await store.job(claim.job.user_id, claim.job.id)
    with pytest.raises(Lost):
        await store.save(claim, ended(claim.job), after(now))
    with pytest.raises(Lost):
        await store.save(claim, replace(claim.job, data={"late": True}), after(now))
    with pytest.raises(Lost):
        await store.give_back(claim, advance(claim.job, Status.PENDING, after(99)), after(now))
    assert list(await store.renew([claim], after(now), after(999))) == [claim]
    assert await store.job(claim.job.user_id, claim.job.id) == before


async def test_an_empty_queue_has_nothing_to_claim(store: Store) -> None:
    assert list(await store.claim("me", NOW, after(30), 5)) == []


async def test_a_claimed_job_is_processing_and_nobody_else_can_claim_it(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store, now=5)
    assert (claim.owner, claim.job) == ("me", advance(job_of(1), Status.PROCESSING, after(5)))
    assert await store.job(ADA, job_of(1).id) == claim.job
    assert list(await store.claim("you", after(5), after(30), 1)) == []


async def test_no_more_jobs_are_claimed_than_asked_for(store: Store) -> None:
    await fill(store, *(job_of(number) for number in range(1, 6)))
    assert [len(await store.claim("me", NOW, after(30), most)) for most in (0, 2, 9, 1)] == [0, 2, 3, 0]


async def test_thirty_claimers_get_each_job_once(store: Store, another: Open) -> None:
    stores = [store, await another(), await another()]
    await fill(store, *(job_of(number, (ADA, BEN, CY)[number % 3]) for number in range(1, 301)))

    async def claimer(number: int) -> list[str]:
        mine: list[str] = []
        while got := await stores[number % 3].claim(f"owner{number}", NOW, after(30), 1 + number % 4):
            mine += [one.job.id for one in got]
        return mine

    taken = await asyncio.gather(*(claimer(number) for number in range(30)))
    assert Counter(one for mine in taken for one in mine) == Counter(job_of(number).id for number in range(1, 301))


# --- whose turn it is -------------------------------------------------------------------------------


async def served(store: Store, most: int) -> list[str]:
    """The users in the order in which their jobs are claimed."""
    users = []
    while claims := await store.claim("me", NOW, after(30), most):
        users += [one.job.user_id for one in claims]
    return users


@pytest.mark.parametrize("most", [1, 7, 100])
async def test_users_take_turns_however_many_jobs_they_have(store: Store, most: int) -> None:
    queue = [*(job_of(number, ADA) for number in range(1, 51)), *(job_of(number, BEN) for number in range(51, 56))]
    await fill(store, *queue, job_of(56, CY))
    users = await served(store, most)
    assert sorted(users[:3]) == [ADA, BEN, CY]
    assert [Counter(users[place : place + 2]) for place in range(3, 11, 2)] == [Counter((ADA, BEN))] * 4
    assert users[11:] == [ADA] * 45


async def test_a_users_own_jobs_are_served_oldest_first(store: Store) -> None:
    await fill(store, *(job_of(number, user) for number in (5, 3, 9, 1, 7) for user in (ADA,)))
    await fill(store, job_of(2, BEN), job_of(4, BEN))
    claims = await store.claim("me", NOW, after(30), 10)
    assert [one.job.id for one in claims if one.job.user_id == ADA] == [job_of(number).id for number in (1, 3, 5, 7, 9)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from((ADA, BEN, CY, "claim", "claim")), max_size=40))
async def test_the_user_served_longest_ago_is_next(another: Open, moves: Sequence[str]) -> None:
    store = await another()
    await store.claim("sweeper", NOW, after(30), 1000)
    waiting: Counter[str] = Counter()
    last: dict[str, int] = {}
    for turn, move in enumerate(moves):
        if move != "claim":
            test_the_user_served_longest_ago_is_next.number += 1
            await fill(store, job_of(test_the_user_served_longest_ago_is_next.number, move))
            waiting[move] += 1
        elif not +waiting:
            assert not await store.claim("me", NOW, after(30), 1)
        else:
            claim = await claim_one(store)
            # users of earlier examples have been served before: all that is known is the order within this one
            known = [user for user in +waiting if user in last]
            if claim.job.user_id in last:
                assert set(+waiting) == set(known)
                assert last[claim.job.user_id] == min(last[user] for user in known)
            waiting[claim.job.user_id] -= 1
            last[claim.job.user_id] = turn


test_the_user_served_longest_ago_is_next.number = 0


async def test_a_newcomer_does_not_wait_behind_those_who_were_served(store: Store) -> None:
    await fill(store, *(job_of(number, ADA) for number in range(1, 20)))
    await store.claim("me", NOW, after(30), 5)
    await fill(store, job_of(50, BEN))
    assert (await claim_one(store)).job.user_id == BEN


@pytest.mark.parametrize("how", ["cancelled", "retried", "given back", "released", "added"])
async def test_a_user_who_went_and_comes_back_is_served_by_his_place_in_line(store: Store, how: str) -> None:
    await fill(store, job_of(1, BEN))
    ben = await claim_one(store)  # served before Ada
    await fill(store, job_of(2, ADA))
    ada = await claim_one(store)
    assert list(await store.claim("me", NOW, after(30), 1)) == []  # the queue is empty: both have gone
    assert (ben.job.user_id, ada.job.user_id) == (BEN, ADA)
    await fill(store, job_of(3, ADA), job_of(4, BEN))
    if how == "cancelled":  # his only pending job goes: he must not be in the way
        await changes.cancel(store, BEN, job_of(4).id, after(1))
        assert [(await claim_one(store)).job.id] == [job_of(3).id]
        assert list(await store.claim("me", NOW, after(30), 1)) == []
        await fill(store, job_of(5, ADA), job_of(6, BEN))
    if how == "retried":
        await store.save(ben, ended(ben.job, Status.FAILED), after(1))
        await changes.retry(store, BEN, ben.job.id, after(2))
    if how == "given back":
        await store.give_back(ben, advance(ben.job, Status.PENDING, after(1)), after(1))
    if how == "released":
        await store.release(after(31))
    users = [(await claim_one(store)).job.user_id for _ in range(2)]
    assert users == [BEN, ADA]


# --- leases -----------------------------------------------------------------------------------------


async def test_a_lease_that_has_not_ended_is_not_released(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store, until=30)
    assert await store.release(after(29)) == 0
    await store.save(claim, ended(claim.job), after(29))


async def test_a_lease_that_ended_makes_its_job_pending_and_its_claim_lost(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store, until=30)
    assert await store.release(after(31)) == 1
    assert await store.job(ADA, claim.job.id) == advance(claim.job, Status.PENDING, after(31))
    await all_are_refused(store, claim)
    assert await store.release(after(31)) == 0


async def test_the_next_claimant_is_told_from_the_last(store: Store) -> None:
    await fill(store, job_of(1))
    old = await claim_one(store, until=30)
    await store.release(after(31))
    new = await claim_one(store, now=31, until=60)
    assert new.serial > old.serial
    assert new.owner == old.owner
    await all_are_refused(store, old)
    await store.save(new, ended(new.job), after(32))


async def test_a_renewed_lease_holds_until_its_new_end(store: Store) -> None:
    await fill(store, job_of(1), job_of(2))
    renewed, left = await store.claim("me", NOW, after(30), 2)
    assert list(await store.renew([renewed], after(29), after(60))) == []
    assert await store.release(after(31)) == 1
    assert list(await store.renew([renewed, left], after(31), after(90))) == [left]
    assert await store.release(after(61)) == 0
    assert await store.release(after(91)) == 1


async def test_a_claim_whose_lease_has_ended_is_lost_though_nobody_has_taken_the_job(store: Store) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store, until=30)
    await all_are_refused(store, claim, now=31)
    assert await store.release(after(31)) == 1  # and its end is still there to be found
    assert (await claim_one(store, now=31, until=60)).serial > claim.serial


async def test_a_claim_holds_to_the_very_end_of_its_lease(store: Store) -> None:
    await fill(store, job_of(1), job_of(2), job_of(3))
    one, two, three = await store.claim("me", NOW, after(30), 3)
    assert await store.release(after(30)) == 0
    await store.save(one, ended(one.job), after(30))
    await store.give_back(two, advance(two.job, Status.PENDING, after(30)), after(30))
    assert list(await store.renew([three], after(30), after(60))) == []


async def test_renewing_nothing_loses_nothing(store: Store) -> None:
    assert list(await store.renew([], NOW, after(30))) == []


async def test_the_only_process_of_a_store_takes_back_every_lease(store: Store) -> None:
    await fill(store, job_of(1), job_of(2), job_of(3))
    first, _ = await store.claim("me", NOW, after(3000), 2)
    assert await store.release(after(1), everything=True) == 2
    await all_are_refused(store, first)
    assert len(await store.claim("me", after(2), after(30), 9)) == 3


async def test_saving_in_between_keeps_the_claim(store: Store) -> None:
    await fill(store, job_of(1, tags=("one", "two")))
    claim = await claim_one(store)
    half = ended(claim.job, tags=frozenset({"one"}))
    await store.save(claim, half, after(1))
    assert await store.job(ADA, half.id) == half
    assert list(await store.renew([claim], after(1), after(60))) == []
    await store.save(claim, ended(half), after(40))


@pytest.mark.parametrize("status", [Status.COMPLETE, Status.FAILED])
async def test_an_ended_job_is_nobodys(store: Store, status: Status) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store)
    await store.save(claim, ended(claim.job, status), after(1))
    assert await store.job(ADA, job_of(1).id) == ended(claim.job, status)
    assert await store.release(after(999), everything=True) == 0
    assert list(await store.claim("me", NOW, after(30), 1)) == []
    await all_are_refused(store, claim)


async def test_a_job_given_back_is_pending_with_what_was_done(store: Store) -> None:
    await fill(store, job_of(1, tags=("one", "two")))
    claim = await claim_one(store)
    half = advance(ended(claim.job, tags=frozenset({"one"})), Status.PENDING, after(2))
    await store.give_back(claim, half, after(2))
    assert await store.job(ADA, half.id) == half
    await all_are_refused(store, claim)
    again = await claim_one(store, "you", now=3)
    assert again.job == advance(half, Status.PROCESSING, after(3))
    assert again.serial > claim.serial


async def test_results_outlive_a_lease_that_ended(store: Store) -> None:
    await fill(store, job_of(1, tags=("one", "two")))
    claim = await claim_one(store, until=30)
    half = ended(claim.job, tags=frozenset({"one"}))
    await store.save(claim, half, after(1))
    await store.release(after(31))
    assert (await claim_one(store, now=32)).job.processed == half.processed


async def test_no_user_gets_more_than_his_share_of_the_room(store: Store) -> None:
    for number in range(1, 11):
        await store.add_job(job_of(number, ADA), {}, None, NOW)
    first = await store.claim("me", NOW, after(30), 8, each=3)
    assert [claim.job.user_id for claim in first] == [ADA] * 3
    await store.add_job(job_of(11, BEN), {}, None, NOW)
    second = await store.claim("me", NOW, after(30), 8, taken={ADA: 2}, each=3)
    assert sorted(claim.job.user_id for claim in second) == sorted([ADA, BEN])
    assert len(await store.claim("me", NOW, after(30), 8, taken={ADA: 3}, each=3)) == 0
    assert len(await store.claim("me", NOW, after(30), 99)) == 6
