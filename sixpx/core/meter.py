"""Owns how posts are counted: windows of time, what fits into each, what is left. Never a counter, never a clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sixpx.core.user import Plan

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which a user's posts are counted: its name, `per` which unit it is, when it ends (UTC), and
    how many fit into it (None: any number)."""

    name: str
    per: str
    ends: datetime
    most: int | None = None

    @property
    def full(self) -> str:
        """The sentence for whoever finds it full."""
        jobs = "job" if self.most == 1 else "jobs"
        return f"your plan has {self.most} {jobs} a {self.per}, and no more is left"

    @property
    def seconds(self) -> int:
        """Its whole length; months differ."""
        return 60 if self.per == "minute" else round((self.ends - (self.ends - DAY).replace(day=1)).total_seconds())

    def wait(self, now: datetime) -> int:
        """Whole seconds until it ends, one at least."""
        return max(1, math.ceil((self.ends - now).total_seconds()))

    def left(self, used: int) -> int | None:
        """How many more fit into it; None: any number."""
        return None if self.most is None else max(0, self.most - used)


def windows(plan: Plan, now: datetime) -> tuple[Window, Window]:
    """The minute and the calendar month that `now` lies in."""
    minute = now.replace(second=0, microsecond=0)
    return (
        Window(f"{minute:%Y-%m-%dT%H:%M}", "minute", minute + timedelta(minutes=1), plan.per_minute),
        _month(now, plan.per_month),
    )


def months_before(now: datetime, number: int) -> tuple[Window, ...]:
    """So many calendar months before that of `now`, the last one first."""
    found: list[Window] = []
    for _ in range(number):
        now = now.replace(day=1) - DAY
        found.append(_month(now, None))
    return tuple(found)


def _month(now: datetime, most: int | None) -> Window:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(f"{first:%Y-%m}", "month", (first + 32 * DAY).replace(day=1), most)
