"""Owns the contract's Idempotency-Keys: one key and body, one job, for a while. Never how a key is read."""

from __future__ import annotations

import asyncio

import pytest

from sixpx.core.query import Query
from sixpx.errors import KeyReused
from sixpx.store.base import Once, Store
from tests.contract.jobs import ADA, BEN, NOW, after, job_of

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
    assert [number for number in range(1, 21) if await store.blob(f"{number:024x}")] == [int(made, 16)]


async def test_a_key_can_be_seen_by_another_process(store: Store) -> None:
    await store.add_job(job_of(1), {}, ONCE, NOW)
    await store.remove_job(BEN, job_of(1).id)
    assert await store.first_with(ADA, ONCE, after(1)) == job_of(1).id
