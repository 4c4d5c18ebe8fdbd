"""Owns the contract's jobs: kept as they came, listed newest first, seen by their user alone. Never a claim."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from sixpx.core.job import Job
from sixpx.core.query import COUNT_MOST, Page, Query, Sort
from sixpx.errors import Conflict, StoreDown
from sixpx.store.base import Once, Store
from tests.contract import changes
from tests.contract.conftest import Open
from tests.contract.databases import crowd
from tests.contract.jobs import ADA, BEN, NOW, after, job_of, jobs

_numbers = itertools.count(1)


async def fill(store: Store, *added: Job) -> None:
    await asyncio.gather(*(store.add_job(one, {}, None, NOW) for one in added))


def ids(found: tuple[Job, ...]) -> list[str]:
    return [one.id for one in found]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(random=jobs())
async def test_a_job_comes_back_equal_from_the_store(store: Store, random: Job) -> None:
    job = replace(random, id=f"{next(_numbers):024x}")
    assert await store.add_job(job, {}, None, NOW) == job.id
    assert await store.job(job.user_id, job.id) == job


async def test_what_is_nested_as_deep_as_bodies_may_be_comes_back_equal(store: Store) -> None:
    deep: object = 2**64 - 1
    for number in range(98):
        deep = {"a.b": deep} if number % 2 else [deep]
    job = replace(job_of(1), data={"deep": deep, "beside": 1})
    await fill(store, job)
    assert await store.job(ADA, job.id) == job
    again = await store.change_job(ADA, job.id, lambda one: replace(one, modified=after(1)))
    assert again == await store.job(ADA, job.id) == replace(job, modified=after(1))


async def test_a_job_comes_back_equal_after_it_was_changed(store: Store) -> None:
    job = job_of(1)
    odd = {
        "": 1,
        "a.b": {"$c": [{"": -(2**63)}]},
        "$set": {"x": 2**63},
        "%": "%2E",
        "\0": "\0",
        "%2E": None,
        "_id": "5",
    }
    await fill(store, replace(job, data=odd))
    changed = await store.change_job(ADA, job.id, lambda one: replace(one, callback={"a.b": [odd]}))
    assert changed == await store.job(ADA, job.id) == replace(job, data=odd, callback={"a.b": [odd]})
    assert changed is not None
    assert list(changed.data) == list(odd)


async def test_options_of_a_step_keep_their_order(store: Store) -> None:
    job = job_of(1)
    options = {"sepia": 10, "invert": True, "brightness": 5, "a": 1}
    asked = {**job.outputs[0].asked, "methods": [{"method": "filter", "options": options}]}
    await fill(store, replace(job, outputs=(replace(job.outputs[0], asked=asked),)))
    found = await store.job(ADA, job.id)
    assert found is not None
    assert list(found.outputs[0].steps[0].options) == list(options)


async def test_another_process_sees_what_was_added(store: Store, another: Open) -> None:
    await fill(store, job_of(1))
    assert await (await another()).job(ADA, job_of(1).id) == job_of(1)


async def test_another_users_job_is_not_there(store: Store) -> None:
    await fill(store, job_of(1, ADA), job_of(2, BEN))
    assert await store.job(BEN, job_of(1).id) is None
    assert ids((await store.jobs(BEN, Query())).items) == [job_of(2).id]


async def test_an_unknown_job_is_none(store: Store) -> None:
    assert await store.job(ADA, "f" * 24) is None


async def test_a_user_without_jobs_gets_an_empty_page(store: Store) -> None:
    found = await store.jobs(ADA, Query())
    assert (found.items, found.total, found.capped) == ((), 0, False)


async def test_an_id_that_is_taken_is_refused_and_the_first_job_stays(store: Store) -> None:
    await fill(store, job_of(1, ADA))
    with pytest.raises(Conflict):
        await store.add_job(job_of(1, BEN), {"b" * 24: b"bytes"}, Once("k", "f", after(60)), NOW)
    assert await store.job(ADA, job_of(1).id) == job_of(1)
    assert await store.blob("b" * 24) is None
    assert await store.first_with(BEN, Once("k", "other", after(60)), NOW) is None


async def test_pages_are_newest_first_and_ties_go_by_id_in_the_same_direction(store: Store) -> None:
    moments = {1: 5, 2: 5, 3: 0, 4: 9, 5: 5}
    await fill(store, *(job_of(number, created=after(second)) for number, second in moments.items()))
    descending = await store.jobs(ADA, Query())
    ascending = await store.jobs(ADA, Query(sort=Sort("created", descending=False)))
    assert ids(descending.items) == [job_of(number).id for number in (4, 5, 2, 1, 3)]
    assert ids(ascending.items) == ids(descending.items)[::-1]


async def test_pages_do_not_overlap_and_count_all_jobs(store: Store) -> None:
    await fill(store, *(job_of(number) for number in range(1, 8)))
    pages = [await store.jobs(ADA, Query(page=Page(number, 3))) for number in (1, 2, 3, 4)]
    assert [len(one.items) for one in pages] == [3, 3, 1, 0]
    assert {one.total for one in pages} == {7}
    assert ids(tuple(job for one in pages for job in one.items)) == [job_of(number).id for number in range(7, 0, -1)]


async def test_a_list_can_be_sorted_by_the_last_change(store: Store) -> None:
    await fill(store, job_of(1, created=after(1)), job_of(2, created=after(2)), job_of(3, created=after(3)))
    await changes.cancel(store, ADA, job_of(1).id, after(9))
    assert ids((await store.jobs(ADA, Query(sort=Sort("modified")))).items) == [job_of(n).id for n in (1, 3, 2)]


async def test_a_page_beyond_the_last_is_empty(store: Store) -> None:
    await fill(store, job_of(1))
    found = await store.jobs(ADA, Query(page=Page(999_999_999, 100)))
    assert (found.items, found.total) == ((), 1)


@pytest.mark.long
async def test_counting_stops_at_the_cap(store: Store) -> None:
    await crowd(store, [job_of(number) for number in range(1, COUNT_MOST + 1)])
    await fill(store, job_of(COUNT_MOST + 1))
    found = await store.jobs(ADA, Query(page=Page(1, 1)))
    assert (found.total, found.capped) == (COUNT_MOST, True)
    assert ids(found.items) == [job_of(COUNT_MOST + 1).id]
    assert len((await store.jobs(ADA, Query(page=Page(COUNT_MOST + 1, 1)))).items) == 1


async def test_a_store_that_can_be_written_to_answers_a_ping(store: Store) -> None:
    await store.ping()


async def test_a_closed_store_is_down_for_readers_and_writers(store: Store) -> None:
    await fill(store, job_of(1))
    await store.close()
    for call in (
        store.ping(),
        store.job(ADA, job_of(1).id),
        store.jobs(ADA, Query()),
        store.blob("b" * 24),
        store.add_job(job_of(2), {}, None, NOW),
        store.claim("me", NOW, after(30), 1),
        store.user(ADA),
    ):
        with pytest.raises(StoreDown):
            await call


async def test_closing_twice_is_closing_once(store: Store) -> None:
    await store.close()
    await store.close()
