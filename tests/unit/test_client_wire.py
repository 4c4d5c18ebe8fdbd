"""Holds our client to its word before services, and things between, that do not keep theirs. Never a real service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sixpx.client import AsyncClient, Client, Invalid, OverQuota, Result, SixpxError, asynchronous
from sixpx.client.ear import Ear
from sixpx.client.wire import PAUSE_SECONDS, Wire
from tests.unit.test_commands import JOB, ME, PICTURE, answered

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


async def test_a_wait_keeps_its_limit_where_a_socket_is_swallowed() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("/socket"):
            await asyncio.sleep(5)
        return web.json_response(PENDING)

    async with asyncio.timeout(3):
        with pytest.raises(SixpxError, match=r"has not ended within 0\.2 s"):
            await answered(handler, lambda client: client.wait("j1", 0.2))


# --- replies of another kind ----------------------------------------------------------------------


ASKED: dict[str, Callable[[AsyncClient], Awaitable[Any]]] = {
    "post": lambda client: client.post({}),
    "job": lambda client: client.job("j1"),
    "jobs": lambda client: client.jobs(),
    "deliveries": lambda client: client.deliveries("j1"),
    "limits": lambda client: client.limits(),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("body", ["", "7", "null", '"x"', "{}", '{"jobs": []}'])
async def test_json_of_another_service_is_said(asked: str, body: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=body, headers={"X-Total-Count": "many"})

    with pytest.raises(SixpxError, match=r"is it a sixpx service\?|no job of version"):
        await answered(handler, ASKED[asked])


async def test_a_redirect_is_said_with_where_it_leads() -> None:
    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("https://px.example/v1/users?key=hunter2")

    with pytest.raises(SixpxError, match=r"301 Moved Permanently and sends us to https://px\.example; ") as caught:
        await answered(handler, ASKED["post"])
    assert "hunter2" not in caught.value.detail


@pytest.mark.parametrize(
    ("headers", "wait"), [({"Retry-After": "7"}, 7), ({"Retry-After": "soon"}, PAUSE_SECONDS), ({}, PAUSE_SECONDS)]
)
async def test_what_stands_before_the_service_may_have_enough_too(headers: dict[str, str], wait: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=429, text="<html>", headers=headers)

    with pytest.raises(OverQuota, match="answered 429 Too Many Requests") as caught:
        await answered(handler, ASKED["post"])
    assert caught.value.wait == wait


def test_a_later_service_may_say_more_of_a_picture() -> None:
    info = {**PICTURE["info"], "frames": 3}
    later = {"name": "a", "status": "complete", "data": {"output": {"main": {**PICTURE, "info": info}}}}
    assert Result.of({**JOB, "processed": [later]}).picture().width == 2


@pytest.mark.parametrize("at", ["127.0.0.1:8666", "http://a b", "http://a#b", "px.example"])
def test_an_address_that_is_none_is_said_as_it_came(at: str) -> None:
    with pytest.raises(Invalid, match=f"such as http://127.0.0.1:8666, got '{at}'"):
        Wire(at, ME)


# --- misuse ---------------------------------------------------------------------------------------


def picture_of(job: Result) -> Any:
    return job.pictures[0]


async def test_a_picture_is_saved_in_a_folder_of_any_spelling(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"png")

    job = Result.of(JOB)
    saved = await answered(handler, lambda client: client.download(job, picture_of(job), str(tmp_path)))
    assert saved.read_bytes() == b"png"
    for nowhere in (tmp_path / "nowhere", saved):  # a file is no folder
        with pytest.raises(SixpxError, match="cannot be written: "):
            await answered(handler, lambda client, to=nowhere: client.download(job, picture_of(job), to))  # type: ignore[misc]


async def test_a_client_is_opened_once() -> None:
    def twice() -> None:
        with Client("http://127.0.0.1:1", ME) as px:
            with pytest.raises(RuntimeError, match="open already"):
                px.__enter__()
            assert px._loop is not None
            assert px._loop.is_running()

    await asyncio.to_thread(twice)
    async with AsyncClient("http://127.0.0.1:1", ME) as px:
        with pytest.raises(RuntimeError, match="open already"):
            await px.__aenter__()
