"""Owns how posts are counted: windows of time and what fits into each. Never a counter, never a clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sixpx.core.user import Plan


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
        return f"your plan has {self.most} jobs a {self.per}, and they are posted"

    def wait(self, now: datetime) -> int:
        """Whole seconds until it ends, one at least."""
        return max(1, math.ceil((self.ends - now).total_seconds()))


def windows(plan: Plan, now: datetime) -> tuple[Window, Window]:
    """The minute and the calendar month that `now` lies in."""
    minute = now.replace(second=0, microsecond=0)
    month = minute.replace(day=1, hour=0, minute=0)
    after = (month + timedelta(days=32)).replace(day=1)
    return (
        Window(f"{minute:%Y-%m-%dT%H:%M}", "minute", minute + timedelta(minutes=1), plan.per_minute),
        Window(f"{month:%Y-%m}", "month", after, plan.per_month),
    )
