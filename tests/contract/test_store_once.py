"""Owns the contract's Idempotency-Keys: one key and body, one job, for a while. Never how a key is read."""

from __future__ import annotations

import asyncio

import pytest

from sixpx.core.query import Page, Query
from sixpx.core.user import Plan
from sixpx.errors import KeyReused
from sixpx.store.base import Once, Store
from tests.contract.jobs import ADA, BEN, NOW, after, job_of
from tests.contract.test_store_meters import meter

DAY = 24 * 3600
ONCE = Once("key-1", "body-a", after(DAY))


async def test_a_key_seen_for_the_first_time_makes_its_job(store: Store) -> None:
    assert await store.first_with(ADA, ONCE, NOW) is None
    assert await store.add_job(job_of(1), {}, ONCE, NOW) == job_of(1).id
    assert await store.first_with(ADA, ONCE, NOW) == job_of(1).id


async def test_the_same_key_and_body_give_the_first_job_and_keep_nothing(store: Store) -> None:
    await store.add_job(job_of(1), {}, ONCE, NOW)
    assert await store.add_job(job_of(2), {"b" * 24: b"bytes"}, ONCE, after(5)) == job_of(1).id
    assert await store.job(ADA, job_of(2).id) is None
    assert await store.blob("b" * 24) is None


async def test_the_same_key_with_another_body_is_refused_and_keeps_nothing(store: Store) -> None:
    await store.add_job(job_of(1), {}, ONCE, NOW)
    other = Once("key-1", "body-b", after(DAY))
    with pytest.raises(KeyReused):
        await store.add_job(job_of(2), {"b" * 24: b"bytes"}, other, after(5))
    with pytest.raises(KeyReused):
        await store.first_with(ADA, other, after(5))
    assert await store.job(ADA, job_of(2).id) is None
    assert await store.blob("b" * 24) is None
    assert await store.first_with(ADA, ONCE, after(5)) == job_of(1).id


async def test_a_key_belongs_to_its_user(store: Store) -> None:
    await store.add_job(job_of(1, ADA), {}, ONCE, NOW)
    assert await store.first_with(BEN, Once("key-1", "body-b", after(DAY)), NOW) is None
    assert await store.add_job(job_of(2, BEN), {}, Once("key-1", "body-b", after(DAY)), NOW) == job_of(2).id


async def test_a_key_is_kept_until_it_expires_and_is_free_afterwards(store: Store) -> None:
    await store.add_job(job_of(1), {}, ONCE, NOW)
    other = Once("key-1", "body-b", after(2 * DAY))
    assert await store.first_with(ADA, ONCE, after(DAY - 1)) == job_of(1).id
    assert await store.first_with(ADA, other, after(DAY)) is None
    assert await store.add_job(job_of(2), {}, other, after(DAY)) == job_of(2).id
    assert await store.first_with(ADA, other, after(DAY + 1)) == job_of(2).id


async def test_many_posts_with_one_key_at_once_make_one_job(store: Store) -> None:
    posts = (store.add_job(job_of(number), {f"{number:024x}": b"x"}, ONCE, NOW) for number in range(1, 21))
    (made,) = set(await asyncio.gather(*posts))
    found = await store.jobs(ADA, Query())
    assert [one.id for one in found.items] == [made]
    kept = [await store.blob(f"{number:024x}") for number in range(1, 21)]
    assert [one for one in kept if one is not None] == [b"x"]


@pytest.mark.usefixtures("impatient", "people")
async def test_posts_that_are_cancelled_at_any_moment_are_kept_whole_or_not_at_all(store: Store) -> None:
    """Whoever posts again with the key gets one job, and its bytes are there."""
    for number in range(1, 17):
        once = Once(f"key-{number}", "body", after(DAY))
        blobs = {f"{number:024x}": b"first"}
        posting = asyncio.create_task(store.add_job(job_of(number), blobs, once, NOW, meter(Plan())))
        await asyncio.sleep(number / 2000)
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        again = await store.add_job(job_of(100 + number), {f"{100 + number:024x}": b"again"}, once, NOW, meter(Plan()))
        assert await store.first_with(ADA, once, NOW) == again
    found = await store.jobs(ADA, Query(page=Page(1, 100)))
    assert found.total == 16
    await store.release(after(DAY))
    kept = [await store.blob(f"{base + number:024x}") for number in range(1, 17) for base in (0, 100)]
    assert sum(one is not None for one in kept) == 16
    assert len(await store.claim("me", after(DAY), after(DAY + 30), 99)) == 16


async def test_a_key_can_be_seen_by_another_process(store: Store) -> None:
    await store.add_job(job_of(1), {}, ONCE, NOW)
    await store.remove_job(BEN, job_of(1).id)
    assert await store.first_with(ADA, ONCE, after(1)) == job_of(1).id
