"""Holds our client to its word before services, and things between, that do not keep theirs. Never a real service."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from sixpx.client import asynchronous
from sixpx.client.ear import Ear
from tests.unit.test_commands import JOB, answered

PENDING = {**JOB, "status": "pending"}


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(wire: Any) -> None:
        return None

    monkeypatch.setattr(Ear, "open", none)
    monkeypatch.setattr(asynchronous, "LOOK_SECONDS", 0.02)


# --- long polls -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_sockets")
async def test_a_long_poll_is_over_before_a_proxy_ends_it() -> None:
    """30 s and 60 s are what load balancers give by default; a look gets through one that gives less."""
    asked: list[float] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(float(request.query.get("wait", 0)))
        if asked[-1] > 0:
            return web.Response(status=504)
        return web.json_response(JOB if len(asked) > 3 else PENDING)

    assert (await answered(handler, lambda client: client.wait("j1"))).ended
    assert asked == [asked[0], 0, asked[0], 0]
    assert 0 < asked[0] < 29


@pytest.mark.usefixtures("no_sockets")
async def test_a_service_that_goes_away_in_a_long_poll_has_its_whole_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asynchronous, "AWAY_SECONDS", 0.3)
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            await asyncio.sleep(0.4)
        return web.Response(status=502) if asked < 3 else web.json_response(JOB)

    assert (await answered(handler, lambda client: client.wait("j1"))).ended
