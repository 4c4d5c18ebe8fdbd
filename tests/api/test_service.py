"""Owns what the service says of itself: its limits, that it lives, whether it is ready, and when its store is down."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from aiohttp import web

from sixpx.api.middleware import Runner
from sixpx.app import Service
from sixpx.errors import BadSettings
from sixpx.settings import Lanes, Limits, Server, Settings
from tests.api.clients import Client, body_of
from tests.api.conftest import speaking, without_runner

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_limits_are_published(live: Client) -> None:
    reply = await live.ask("GET", "/v1/limits", auth=None)
    limits = Limits()
    assert reply.status == 200
    assert reply.json == {name: getattr(limits, name) for name in Limits.__dataclass_fields__}


async def test_a_running_service_lives_and_is_ready(live: Client) -> None:
    for path in ("/livez", "/readyz"):
        reply = await live.ask("GET", path, auth=None)
        assert (reply.status, reply.json) == (200, {"status": "ok"})


async def test_every_reply_tells_its_time(live: Client) -> None:
    assert (await live.ask("GET", "/livez")).headers["Server-Timing"].startswith("app;dur=")


async def test_a_store_that_is_down_is_503_and_a_client_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with without_runner(tmp_path) as client:
        job_id = await client.posted(body_of())
        await client.store.close()
        for reply in (
            await client.post(body_of()),
            await client.get(),
            await client.get(f"/{job_id}"),
            await client.ask("DELETE", f"{client.jobs}/{job_id}"),
            await client.ask("POST", f"{client.jobs}/{job_id}/retry"),
        ):
            assert (reply.status, reply.json["type"]) == (503, "urn:sixpx:error:store_down")
            assert int(reply.headers["Retry-After"]) > 0


async def test_a_mistake_of_ours_is_500_without_its_words(
    idle: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/etc/internals of ours")

    monkeypatch.setattr(idle.store, "jobs", broken)
    with caplog.at_level(logging.ERROR):
        reply = await idle.get()
    assert (reply.status, reply.json["title"]) == (500, "Internal Server Error")
    assert b"internals" not in reply.body
    assert "/etc/internals of ours" in caplog.text


async def test_a_credential_that_cannot_be_opened_any_more_is_500_and_in_the_log(
    idle: Client, caplog: pytest.LogCaptureFixture
) -> None:
    user = await idle.as_new_user({"photos": "sealed with a key that is lost"})
    with caplog.at_level(logging.ERROR):
        reply = await user.post(body_of({"url": "photos"}))
    assert reply.status == 500
    assert "not sealed with any of the configured keys" in caplog.text


async def test_a_service_whose_parts_are_gone_lives_and_is_not_ready(tmp_path: Path) -> None:
    settings = Settings(server=Server(data=str(tmp_path)), lanes=Lanes(count=1))
    service, second = Service(settings), Service(settings)
    await service.start()
    try:
        assert service.first_user is not None
        with pytest.raises(BadSettings, match="another sixpx service"):
            await second.start()
        await second.stop()
        async with speaking(service.web(), service.store, service.hub, tmp_path, service.vault) as client:
            await service.drain()
            reply = await client.ask("GET", "/readyz")
            assert (reply.status, reply.json["service"]) == (503, "is stopping")
            await service.pool.close()
            await service.store.close()
            reply = await client.ask("GET", "/readyz")
            assert (reply.status, set(reply.json)) == (503, {"status", "service", "lanes", "store"})
            assert (await client.ask("GET", "/livez")).status == 200
    finally:
        await service.stop()


@pytest.mark.parametrize("begun", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /"])
async def test_a_connection_with_a_request_that_never_comes_is_closed(begun: bytes) -> None:
    app = web.Application()
    app.router.add_get("/livez", _lives)
    runner = Runner(app, idle=0.3)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(begun)
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.count(b"HTTP/1.1 200") == begun.count(b"\r\n\r\n")
        writer.close()
    finally:
        await runner.cleanup()


async def _lives(request: web.Request) -> web.Response:
    return web.Response()
