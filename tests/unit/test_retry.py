"""Owns the promises about further tries: how many, how long after, and never more than that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core.retry import DELAYS, wait_before
from sixpx.errors import Again

LONGEST = max(max(delays) for delays in DELAYS.values())


@pytest.mark.parametrize("why", Again)
def test_there_is_an_end(why: Again) -> None:
    waits = [wait_before(tries, why, 1.0) for tries in range(1, 6)]
    assert waits == [*DELAYS[why], *[None] * (5 - len(DELAYS[why]))]


@given(st.sampled_from(Again), st.integers(1, 9), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_a_wait_is_between_half_the_delay_and_the_longest_of_all(
    why: Again, tries: int, luck: float, asked: float | None
) -> None:
    wait = wait_before(tries, why, luck, asked)
    if wait is not None:
        assert DELAYS[why][tries - 1] / 2 <= wait <= LONGEST
        assert asked is None or wait >= min(asked, LONGEST)


def test_who_is_busy_is_given_more_time_than_who_was_cut_off() -> None:
    for tries in (1, 2):
        busy, broken = wait_before(tries, Again.BUSY, 0.5), wait_before(tries, Again.BROKEN, 0.5)
        assert busy is not None
        assert broken is not None
        assert busy > broken
