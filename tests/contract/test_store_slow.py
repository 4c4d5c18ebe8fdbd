"""Holds searches to their limit of time: what takes longer ends with TooSlow, and the store goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from sixpx.core.job import Picture
from sixpx.core.query import Contains, Near, Or, Page, Query, Sort
from sixpx.errors import TooSlow
from sixpx.store.base import Store
from tests.contract.conftest import MEMBERS
from tests.contract.databases import crowd
from tests.contract.jobs import ADA, job_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOBS = 2_000
HERE = Picture("main", 4, 3, "image/jpeg", 9, (48.2, 16.4))
SLOW = {
    "conditions": Query(Or(tuple(Contains(f"data.{word}", "Ö") for word in "abcdefghij"))),
    "an order": Query(sort=Sort("data.text.deep", descending=False), page=Page(20, 100)),
    "distances": Query(near=Near(0.0, 0.0), page=Page(20, 100)),
}
INSTANT = 0.001


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=MEMBERS)
async def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    store = await MEMBERS[request.param](tmp_path_factory.mktemp(request.param))
    data = {"text": {"deep": "lorem ipsum " * 20}, **dict.fromkeys("abcdefghij", "dolor sit amet " * 5)}
    plain = [replace(job_of(number), data=data, pictures=(HERE,)) for number in range(1, JOBS + 1)]
    await crowd(store, plain)
    yield store
    await store.close()


@pytest.mark.parametrize("name", SLOW)
async def test_a_search_that_takes_too_long_ends_and_the_next_one_is_answered(full: Store, name: str) -> None:
    with pytest.raises(TooSlow, match="took too long"):
        await full.jobs(ADA, SLOW[name], INSTANT)
    assert (await full.jobs(ADA, SLOW[name], 60)).total in (0, JOBS)


async def test_one_slow_search_does_not_end_another(full: Store) -> None:
    asked = [full.jobs(ADA, query, limit) for query in SLOW.values() for limit in (INSTANT, 60)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one).__name__ for one in answers] == ["TooSlow", "Found"] * len(SLOW)
