"""Owns what a user is told of his plan: how many posts it has, how many are left, since when. Never counts them.

The header fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "minute";q=60;w=60` (quota,
window in seconds) and `RateLimit: "minute";r=12;t=30` (what is left, seconds until it is whole again).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from sixpx.api import problem
from sixpx.api.auth import OF_USER, Auth
from sixpx.api.v1 import write
from sixpx.core import meter
from sixpx.core.job import Status
from sixpx.core.meter import Window
from sixpx.core.query import In, Page, Query
from sixpx.core.user import User
from sixpx.errors import OverQuota
from sixpx.store.base import Store
from sixpx.store.document import iso

MONTHS = 12
"""How many months back are told; stores keep a little more."""


@dataclass(frozen=True, slots=True)
class Room:
    """The windows of a plan that have a limit, and how many posts were counted in each: a moment's truth."""

    counts: Mapping[Window, int]

    def fault(self, now: datetime) -> OverQuota | None:
        """What is to be raised where one is full: of several, the one that is full longest, so that nobody is told to
        come back in vain."""
        full = [window for window, used in self.counts.items() if window.left(used) == 0]
        last = max(full, key=lambda window: window.ends, default=None)
        return None if last is None else OverQuota(last.full, last.wait(now))

    def headers(self, now: datetime) -> dict[str, str]:
        """The fields of the draft; none where nothing is limited."""
        if not self.counts:
            return {}
        policy = (f'"{one.per}";q={one.most};w={one.seconds}' for one in self.counts)
        left = (f'"{one.per}";r={one.left(used)};t={one.wait(now)}' for one, used in self.counts.items())
        return {"RateLimit-Policy": ", ".join(policy), "RateLimit": ", ".join(left)}


async def room(store: Store, user: User, now: datetime) -> Room:
    """What is left of the user's plan. A plan without limits costs no look into the store."""
    limited = [one for one in meter.windows(user.plan, now) if one.most is not None]
    return Room(dict(zip(limited, await store.counted(user.id, limited), strict=True)) if limited else {})


def after(before: Room, user: User, now: datetime) -> Room:
    """What is left when one more was counted. Reckoned, not read: a store that goes down at this moment must not turn
    the reply to a job that was accepted into an error. A window that began since then holds this post alone."""
    counts = {one.name: used for one, used in before.counts.items()}
    limited = (one for one in meter.windows(user.plan, now) if one.most is not None)
    return Room({one: counts.get(one.name, 0) + 1 for one in limited})


async def refusal(store: Store, user: User, now: datetime, fault: OverQuota) -> web.Response:
    """429, with what is left of each window. `fault`: what the store said, which looks no further than the first."""
    left = await room(store, user, now)
    reply = problem.of(left.fault(now) or fault)
    reply.headers.update(left.headers(now))
    return reply


@dataclass(frozen=True, slots=True)
class Usage:
    """`GET /v1/users/:user_id/usage`."""

    store: Store
    auth: Auth
    clock: Callable[[], datetime]

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(f"{OF_USER}/usage", self.show)

    async def show(self, request: web.Request) -> web.Response:
        user = await self.auth.user_of(request)
        now = self.clock()
        windows = (*meter.windows(user.plan, now), *meter.months_before(now, MONTHS))
        counted = await self.store.counted(user.id, windows)
        minute, month, *earlier = zip(windows, counted, strict=True)
        return write.json(
            {
                "user_id": user.id,
                "plan": asdict(user.plan),
                "minute": _told(*minute),
                "month": {"name": month[0].name, **_told(*month)},
                "months": {window.name: used for window, used in earlier if used},
                "jobs": {str(one): await self._in_flight(user.id, one) for one in (Status.PENDING, Status.PROCESSING)},
            }
        )

    async def _in_flight(self, user_id: str, status: Status) -> int:
        """Counted up to 10,000, as lists are."""
        asked = Query(In("status", (str(status),)), page=Page(size=1))
        return (await self.store.jobs(user_id, asked)).total


def _told(window: Window, used: int) -> dict[str, Any]:
    return {"used": used, "most": window.most, "left": window.left(used), "ends": iso(window.ends)}
