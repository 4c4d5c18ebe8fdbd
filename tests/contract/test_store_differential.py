"""Owns the law that every store answers a search as `core.matching.select` does. Never a URL."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hypothesis import given, settings

from sixpx.core.job import Job
from sixpx.core.matching import select
from sixpx.core.query import Query
from sixpx.store.base import Store
from sixpx.store.document import searchable
from tests.conftest import LONG
from tests.contract import databases
from tests.contract.conftest import MEMBERS
from tests.contract.jobs import ADA, BEN, CY, NOW, job_of
from tests.contract.queries import cabinet, jobs, of_each, queries

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Filled:
    """A store with the documents of what it holds for each of two users."""

    def __init__(self, store: Store, *jobs: Job) -> None:
        self.store = store
        self.documents: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in jobs:
            self.documents[one.user_id].append(orjson.loads(orjson.dumps(searchable(one))))

    def __repr__(self) -> str:
        return type(self.store).__name__  # Hypothesis prints what a test was given, and fields whole

    async def answers(self, user_id: str, query: Query) -> None:
        """Asserts that the store's answer is the meaning of the query."""
        page, total = select(query, self.documents[user_id])
        found = await self.store.jobs(user_id, query, 30)
        assert ([one.id for one in found.items], found.total) == ([one["_id"] for one in page], total), query


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=MEMBERS)
async def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filled]:
    """A store with the random jobs of one user, a job for each value of another, and one of a third."""
    folder = tmp_path_factory.mktemp(request.param)
    store = await MEMBERS[request.param](folder)
    made = (*jobs(), *cabinet(), job_of(9_999, BEN))
    for one in made:
        await store.add_job(one, {}, None, NOW)
    yield Filled(store, *made)
    await store.close()
    await asyncio.to_thread(databases.give_back, folder)


@settings(max_examples=5_000 if LONG else 500)
@given(query=queries)
async def test_a_store_finds_what_the_conditions_mean_in_their_order(filled: Filled, query: Query) -> None:
    await filled.answers(ADA, query)


async def test_every_value_is_found_by_what_it_is_in_every_way_of_asking(filled: Filled) -> None:
    for query in list(of_each())[:: 1 if LONG else 4]:
        await filled.answers(CY, query)
