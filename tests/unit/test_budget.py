"""The budget of the scratch folder: never overdrawn but by one that is alone, first come first served, no deadlock."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.budget import Budget

BUDGET = 100


async def test_what_fits_passes_at_once_and_what_does_not_waits_its_turn() -> None:
    spool = Budget(BUDGET)
    await spool.reserve(60)
    large, small = (asyncio.create_task(spool.reserve(size)) for size in (50, 10))
    await asyncio.sleep(0)
    assert not large.done()
    assert not small.done()  # it would fit, but others came before
    spool.release(30)
    await asyncio.gather(large, small)
    assert spool.held == 30 + 50 + 10


async def test_what_is_larger_than_the_budget_passes_alone() -> None:
    spool = Budget(BUDGET)
    await spool.reserve(1)
    huge = asyncio.create_task(spool.reserve(10 * BUDGET))
    await asyncio.sleep(0)
    assert not huge.done()
    spool.release(1)
    await huge
    assert spool.held == 10 * BUDGET


@pytest.mark.parametrize("granted", [False, True])
async def test_who_is_cancelled_keeps_nothing(granted: bool) -> None:
    spool = Budget(BUDGET)
    await spool.reserve(BUDGET)
    waiting = asyncio.create_task(spool.reserve(40))
    behind = asyncio.create_task(spool.reserve(70))
    await asyncio.sleep(0)
    if granted:
        spool.release(BUDGET)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    if not granted:
        spool.release(BUDGET)
    await behind
    assert spool.held == 70


@given(sizes=st.lists(st.integers(0, 3 * BUDGET), min_size=1, max_size=30), seed=st.integers())
def test_everybody_gets_his_turn_and_the_budget_holds(sizes: list[int], seed: int) -> None:
    spool, chance, running = Budget(BUDGET), random.Random(seed), []

    async def one(size: int) -> None:
        await spool.reserve(size)
        running.append(size)
        assert sum(running) <= BUDGET or [each for each in running if each] == [size]
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        running.remove(size)
        spool.release(size)

    async def everybody() -> None:
        async with asyncio.timeout(5):
            await asyncio.gather(*map(one, sizes))

    asyncio.run(everybody())
    assert spool.held == 0
