"""Owns the contract's searches as clients spell them: the monsters, limits of time, users. Never a random one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sixpx.store.base import Store
from tests.contract import databases, monsters
from tests.contract.conftest import MEMBERS
from tests.contract.jobs import ADA, BEN, NOW, job_of
from tests.contract.queries import spelled

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = {job.id: name for name, job in monsters.jobs().items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=MEMBERS)
async def lair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    """A store with the monsters of one user, and a job of another's."""
    folder = tmp_path_factory.mktemp(request.param)
    store = await MEMBERS[request.param](folder)
    added = (*monsters.jobs().values(), job_of(99, BEN))
    await asyncio.gather(*(store.add_job(one, {}, None, NOW) for one in added))
    yield store
    await store.close()
    await asyncio.to_thread(databases.give_back, folder)


async def found(store: Store, text: str) -> tuple[list[str], int]:
    answer = await store.jobs(ADA, spelled(text), 30)
    return [NAMES[one.id] for one in answer.items], answer.total


@pytest.mark.parametrize("text", [*monsters.SETS, *monsters.ELSEWHERE])
async def test_a_search_finds_these_monsters(lair: Store, text: str) -> None:
    expected = {**monsters.SETS, **monsters.ELSEWHERE}[text]
    names, total = await found(lair, text)
    assert names == [name for name in reversed(NAMES.values()) if name in expected]  # newest first
    assert total == len(expected)


@pytest.mark.parametrize("text", monsters.ORDERED)
async def test_a_search_finds_them_in_this_order(lair: Store, text: str) -> None:
    names, total = await found(lair, text)
    assert names == monsters.ORDERED[text]
    everywhere = "&".join(one for one in text.split("&") if not one.startswith(("page=", "per_page=")))
    assert total == (await found(lair, f"{everywhere}&per_page=100"))[1]


async def test_a_job_of_another_user_is_never_found(lair: Store) -> None:
    for text in ("", "coffee={ne}black", "status=pending", f"_id={job_of(99).id}", f"user_id={BEN}"):
        assert job_of(99).id not in [one.id for one in (await lair.jobs(ADA, spelled(text))).items]
    assert [one.id for one in (await lair.jobs(BEN, spelled("coffee={ne}black"))).items] == [job_of(99).id]


async def test_a_found_job_is_the_whole_job(lair: Store) -> None:
    answer = await lair.jobs(ADA, spelled("data.name=frank"))
    assert answer.items == (monsters.jobs()[monsters.FRANK],)


async def test_what_is_private_to_the_store_is_not_found(lair: Store) -> None:
    for name in ("owner", "lease", "serial", "due", "doc", "id", "__v.x"):
        for operator in ("", "{ne}", "{gt}"):
            expected = len(NAMES) if operator == "{ne}" else 0
            assert (await found(lair, f"{name}={operator}1"))[1] == expected


async def test_a_search_ends_with_the_task_that_made_it(lair: Store) -> None:
    asking = asyncio.create_task(lair.jobs(ADA, spelled("data.name=frank"), 30))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await found(lair, "data.name=frank"))[0] == [monsters.FRANK]
