"""Turns: never more at once than allowed, users one after another, nobody forgotten."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.turns import Turns


async def test_a_user_with_one_wish_does_not_wait_behind_all_of_anothers() -> None:
    turns, order = Turns(1), []

    async def wish(user: str, number: int) -> None:
        async with turns.turn(user):
            order.append(f"{user}{number}")
            await asyncio.sleep(0)

    ada = [asyncio.create_task(wish("a", number)) for number in range(20)]
    await asyncio.sleep(0)
    ben = [asyncio.create_task(wish("b", number)) for number in range(2)]
    await asyncio.gather(*ada, *ben)
    assert order.index("b0") <= 3
    assert order.index("b1") <= 5
    assert [one for one in order if one[0] == "a"] == [f"a{number}" for number in range(20)]


@pytest.mark.parametrize("granted", [False, True])
async def test_who_is_cancelled_takes_no_turn(granted: bool) -> None:
    turns = Turns(1)
    holding = turns.turn("a")
    await holding.__aenter__()
    waiting = asyncio.create_task(turns.turn("b").__aenter__())
    await asyncio.sleep(0)
    if granted:
        await holding.__aexit__(None, None, None)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    if not granted:
        await holding.__aexit__(None, None, None)
    async with asyncio.timeout(1), turns.turn("c"):
        pass


@given(users=st.lists(st.sampled_from("abc"), max_size=40), most=st.integers(1, 4), seed=st.integers())
def test_everybody_gets_a_turn_and_never_too_many_at_once(users: list[str], most: int, seed: int) -> None:
    turns, chance, now, done = Turns(most), random.Random(seed), [0], []

    async def wish(user: str) -> None:
        async with turns.turn(user):
            now[0] += 1
            assert now[0] <= most
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            now[0] -= 1
        done.append(user)

    async def everybody() -> None:
        async with asyncio.timeout(5):
            await asyncio.gather(*map(wish, users))

    asyncio.run(everybody())
    assert sorted(done) == sorted(users)
