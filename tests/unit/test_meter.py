"""Owns the tests of windows: their names, ends and lengths, what is left. Never a counter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sixpx.core.meter import months_before, windows
from sixpx.core.user import Plan

PLAN = Plan(per_minute=60, per_month=1000)


def test_a_moment_lies_in_its_minute_and_its_calendar_month() -> None:
    minute, month = windows(PLAN, datetime(2014, 8, 16, 20, 41, 6, 343000, UTC))
    assert (minute.name, minute.ends, minute.most) == (
        "2014-08-16T20:41",
        datetime(2014, 8, 16, 20, 42, tzinfo=UTC),
        60,
    )
    assert (month.name, month.ends, month.most) == ("2014-08", datetime(2014, 9, 1, tzinfo=UTC), 1000)


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (datetime(2014, 2, 28, 23, 59, 59, tzinfo=UTC), 28),
        (datetime(2016, 2, 1, tzinfo=UTC), 29),
        (datetime(2014, 4, 30, tzinfo=UTC), 30),
        (datetime(2014, 12, 31, tzinfo=UTC), 31),
        (datetime(2014, 1, 31, 12, tzinfo=UTC), 31),
    ],
    ids=lambda one: str(one).replace(" ", "T"),
)
def test_a_month_is_as_long_as_it_is(now: datetime, days: int) -> None:
    minute, month = windows(PLAN, now)
    assert (minute.seconds, month.seconds) == (60, days * 86400)


def test_the_wait_is_whole_seconds_and_never_none() -> None:
    minute, month = windows(PLAN, datetime(2014, 12, 31, 23, 59, 58, 100000, UTC))
    now = datetime(2014, 12, 31, 23, 59, 58, 100000, UTC)
    assert (minute.wait(now), month.wait(now)) == (2, 2)
    assert minute.wait(minute.ends) == 1


def test_less_than_nothing_is_never_left() -> None:
    minute, month = windows(Plan(per_minute=3), datetime(2014, 8, 16, tzinfo=UTC))
    assert [minute.left(used) for used in (0, 2, 3, 9)] == [3, 1, 0, 0]
    assert month.left(9) is None


def test_earlier_months_go_back_over_the_year() -> None:
    found = months_before(datetime(2014, 3, 31, 23, tzinfo=UTC), 4)
    assert [one.name for one in found] == ["2014-02", "2014-01", "2013-12", "2013-11"]
    assert [windows(PLAN, one.ends)[1].name for one in found[1:]] == [one.name for one in found[:-1]]
