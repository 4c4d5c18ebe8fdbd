"""Holds pages of jobs by distance to their order where it is hardest: crowds at one place, and edges of a circle."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from sixpx.core.job import Job, Picture
from sixpx.core.matching import EARTH, nearest, select
from sixpx.core.query import And, In, Near, Page, Query
from sixpx.store.base import Store
from sixpx.store.document import searchable
from tests.contract.conftest import MEMBERS
from tests.contract.databases import crowd
from tests.contract.jobs import ADA, BEN, job_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIENNA = (48.2082, 16.3738)
SAME = 90
"""Jobs at one place: more than what is read beyond a page."""
RADIUS = 50_000.0


def _with(job: Job, *places: tuple[float, float]) -> Job:
    pictures = (Picture("main", 4, 3, "image/png", 9), *(Picture("p", 4, 3, "image/png", 9, one) for one in places))
    return replace(job, pictures=pictures)


def _about(dice: random.Random, metres: float) -> tuple[float, float]:
    """A place about so far from Vienna, in any direction."""
    turn, degrees = dice.uniform(0, 2 * math.pi), math.degrees(metres / EARTH)
    return VIENNA[0] + degrees * math.cos(turn), VIENNA[1] + degrees * math.sin(turn) / math.cos(
        math.radians(VIENNA[0])
    )


def made() -> list[Job]:
    dice = random.Random(7)
    crowded = [_with(job_of(number), VIENNA, _about(dice, 9e5)) for number in dice.sample(range(1, SAME + 1), SAME)]
    edge = [_with(job_of(200 + number), _about(dice, RADIUS * dice.uniform(0.993, 1.007))) for number in range(60)]
    antipode = [_with(job_of(300 + number), (-VIENNA[0], VIENNA[1] - 180 + number / 1e6)) for number in range(5)]
    return [*crowded, *edge, *antipode, _with(job_of(400)), _with(job_of(401, BEN), VIENNA)]


JOBS = made()
DOCUMENTS = [searchable(job) for job in JOBS if job.user_id == ADA]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=MEMBERS)
async def map_(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    store = await MEMBERS[request.param](tmp_path_factory.mktemp(request.param))
    await crowd(store, JOBS)
    yield store
    await store.close()


async def assert_as_meant(store: Store, query: Query) -> None:
    found = await store.jobs(ADA, query, 30)
    page, total = select(query, DOCUMENTS)
    assert ([one.id for one in found.items], found.total) == ([one["_id"] for one in page], total)


@pytest.mark.parametrize("page", [Page(1, 1), Page(1, 7), Page(3, 7), Page(13, 7), Page(2, 100), Page(9, 100)])
async def test_a_page_that_cuts_a_crowd_is_ordered_by_id(map_: Store, page: Page) -> None:
    await assert_as_meant(map_, Query(near=Near(*VIENNA), page=page))


@pytest.mark.parametrize("within", [0.0, 1.0, RADIUS * 0.999, RADIUS, RADIUS * 1.002, 9e6, math.pi * EARTH, 1e9])
async def test_a_circle_ends_where_it_ends(map_: Store, within: float) -> None:
    """Also where only the first page is read, and the rest counted."""
    for size in (1, 100):
        await assert_as_meant(map_, Query(near=Near(*VIENNA, within), page=Page(1, size)))


async def test_the_jobs_of_a_circle_are_those_of_the_condition(map_: Store) -> None:
    wanted = And((In("_id", tuple(one.id for one in JOBS[::3])),))
    await assert_as_meant(map_, Query(wanted, near=Near(*VIENNA, RADIUS), page=Page(1, 5)))


async def test_some_jobs_lie_about_the_edge_where_a_server_errs() -> None:
    far = [distance for one in DOCUMENTS if (distance := nearest(Near(*VIENNA), one)) is not None]
    assert sum(0.996 < one / RADIUS < 1 for one in far) > 5
    assert sum(1 < one / RADIUS < 1.004 for one in far) > 5
