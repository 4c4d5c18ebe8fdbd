"""Owns Server-Sent Events: who may listen, what comes live, what comes after a gap. Never the order of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

from sixpx.api import auth
from sixpx.api.auth import Auth
from sixpx.api.middleware import explained
from sixpx.api.v1 import events, told
from sixpx.api.v1.events import Events
from sixpx.api.v1.operations import OPERATIONS
from sixpx.api.v1.parameters import PARAMETERS
from sixpx.clock import now
from sixpx.core import people
from sixpx.core.job import Status
from sixpx.errors import StoreDown
from sixpx.feed import Feed
from sixpx.hub import JobEvent
from tests.api.clients import Client, body_of
from tests.api.deaf import narrow, with_little_room

pytestmark = pytest.mark.asyncio(loop_scope="session")

BAD = body_of(input={"main": "data:image/png;base64,AAAA"})
"""A job that ends at once: it fails."""


@dataclass(frozen=True, slots=True)
class Radio:
    """An event stream as a browser reads it (WHATWG HTML, 9.2.6); `greeting`: the fields of its first block."""

    reply: ClientResponse
    greeting: dict[str, str] = field(default_factory=dict)

    async def block(self, within: float = 5.0) -> dict[str, str]:
        """The fields of the next block; a comment under the empty name."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(within):
            while line := (await self.reply.content.readline()).decode().rstrip("\n"):
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
        return fields

    async def event(self, within: float = 5.0) -> tuple[str, Any]:
        """The id and the data of the next event."""
        while "data" not in (block := await self.block(within)):
            pass
        assert block["event"] == "job"
        return block["id"], orjson.loads(block["data"])


@asynccontextmanager
async def tuned(client: Client, last: str = "", **options: Any) -> AsyncIterator[Radio]:
    headers = {"Authorization": f"Bearer {client.pair}", **({"Last-Event-ID": last} if last else {})}
    url = client.server.make_url(f"/v1/users/{client.user.id}/events")
    async with client.session.get(url, headers=headers, **options) as reply:
        assert reply.status == 200
        assert reply.content_type == "text/event-stream"
        radio = Radio(reply, await Radio(reply).block())
        assert radio.greeting.pop("retry") == "1000"
        yield radio


async def test_a_job_is_told_from_its_post_to_its_end_and_its_end_once(live: Client) -> None:
    async with tuned(live) as radio:
        job_id = await live.posted(BAD)
        heard = [(await radio.event(10))[1] for _ in range(3)]
        assert heard == [{"job_id": job_id, "status": one} for one in ("pending", "processing", "failed")]
        with pytest.raises(TimeoutError):
            await radio.event(1.5)


async def test_who_comes_back_hears_what_he_missed_and_goes_on(live: Client) -> None:
    async with tuned(live) as radio:
        first = await live.posted(BAD)
        while (event := await radio.event(10))[1]["status"] != "failed":
            pass
    missed = [(await live.run(BAD))["_id"] for _ in range(3)]
    async with tuned(live, last=event[0]) as radio:
        told: dict[str, str] = {}
        while len(told.keys() - {first}) < 3:
            _, data = await radio.event()
            told[data["job_id"]] = data["status"]
        assert {id: told[id] for id in missed} == dict.fromkeys(missed, "failed")
        live.hub.publish(JobEvent(first, live.user.id, Status.PENDING))
        assert (await radio.block())["data"] == f'{{"job_id":"{first}","status":"pending"}}'


async def test_who_loses_his_connection_before_the_first_event_misses_nothing_either(live: Client) -> None:
    async with tuned(live) as radio:
        assert radio.greeting.keys() == {"id"}
    job_id = (await live.run(BAD))["_id"]
    async with tuned(live, last=radio.greeting["id"]) as again:
        assert again.greeting == {}
        assert (await again.event())[1] == {"job_id": job_id, "status": "failed"}


async def test_who_cannot_set_a_header_says_the_id_in_the_query_as_described(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    url = idle.server.make_url(f"/v1/users/{idle.user.id}/events").with_query({"last_event_id": f"0-{'0' * 24}"})
    async with idle.session.get(url, headers={"Authorization": f"Bearer {idle.pair}"}) as reply:
        assert (await Radio(reply).event())[1]["job_id"] == job_id
    (listen,) = (one for one in OPERATIONS if one.name == "listen")
    assert "last_event_id" in {PARAMETERS[one]["name"] for one in listen.parameters}


async def test_more_of_a_single_moment_is_missed_than_one_look_brings(
    idle: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MISSED_MOST", 3)
    posted, moment = {await idle.posted(body_of()) for _ in range(8)}, now()
    for one in posted:
        await idle.store.change_job(idle.user.id, one, lambda job: replace(job, modified=moment))
    async with tuned(idle, last=f"0-{'0' * 24}") as radio:
        heard = [(await radio.event())[1]["job_id"] for _ in range(8)]
    assert set(heard) == posted


async def test_a_store_that_goes_away_ends_the_stream_in_good_order(
    idle: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreDown("the database cannot be read")

    monkeypatch.setattr(type(idle.store), "changed", away)
    async with tuned(idle, last=f"0-{'0' * 24}") as radio:
        assert await radio.reply.read() == b""


async def test_a_mistake_of_ours_breaks_the_stream_off_and_says_nothing_into_it(
    idle: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(told, "of_event", broken)
    async with tuned(idle) as radio:
        idle.hub.publish(JobEvent("f" * 24, idle.user.id, Status.PENDING))
        with pytest.raises(ClientPayloadError, match="not completed"):
            await asyncio.wait_for(radio.reply.read(), 10)


async def test_more_is_missed_than_one_look_brings(idle: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MISSED_MOST", 3)
    start = f"0-{'0' * 24}"
    posted = {await idle.posted(body_of()) for _ in range(8)}
    async with tuned(idle, last=start) as radio:
        heard = [(await radio.event())[1]["job_id"] for _ in range(8)]
    assert set(heard) == posted


async def test_only_ones_own_jobs_are_heard(live: Client) -> None:
    other = await live.as_new_user()
    async with tuned(live, last=f"0-{'0' * 24}") as radio:
        await other.run(BAD)
        mine = await live.posted(BAD)
        assert (await radio.event(10))[1]["job_id"] == mine


@pytest.mark.parametrize("last", ["x", "1", "1-2", "-", "1" * 20 + "-" + "f" * 24])
async def test_an_id_that_is_none_of_ours_is_400(idle: Client, last: str) -> None:
    reply = await idle.ask("GET", f"/v1/users/{idle.user.id}/events", headers={"Last-Event-ID": last})
    assert (reply.status, "Last-Event-ID" in reply.json["detail"]) == (400, True)


async def test_the_proof_is_that_of_every_request(idle: Client) -> None:
    path = f"/v1/users/{idle.user.id}/events"
    assert (await idle.ask("GET", path, auth="Bearer wrong:wrong")).status == 401
    assert (await idle.ask("GET", path, auth=None)).status == 401


async def test_a_listener_that_leaves_is_forgotten(idle: Client, service: Any) -> None:
    async with tuned(idle):
        pass
    async with tuned(idle, last=f"0-{'0' * 24}") as radio:
        job_id = await idle.posted(body_of())
        assert (await radio.event())[1]["job_id"] == job_id


async def test_a_quiet_stream_says_that_it_is_there(idle: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "QUIET_SECONDS", 0.1)
    async with tuned(idle) as radio:
        assert await radio.block() == {"": "still here"}
        assert await radio.block() == {"": "still here"}


async def test_an_event_that_comes_while_something_else_is_written_is_not_lost(
    idle: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = events._write

    async def slowly(reply: Any, raw: bytes) -> None:
        if raw.startswith(b":"):
            idle.hub.publish(JobEvent("f" * 24, idle.user.id, Status.PENDING))
            await asyncio.sleep(0.05)
        await write(reply, raw)

    monkeypatch.setattr(events, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(events, "_write", slowly)
    async with tuned(idle) as radio:
        assert await radio.block() == {"": "still here"}
        assert (await radio.block())["data"] == f'{{"job_id":"{"f" * 24}","status":"pending"}}'


async def test_whose_secret_is_taken_back_hears_no_longer(idle: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth.revoked, "__defaults__", (0.1,))
    async with tuned(idle) as radio:
        await idle.store.change_user(
            idle.user.id, lambda one: people.rotated(one, "another digest", None, now(), timedelta())
        )
        async with asyncio.timeout(10):
            assert await radio.reply.read() == b""


async def test_a_listener_who_does_not_read_loses_his_connection(idle: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "WRITE_SECONDS", 0.3)
    feed, stopping = Feed(idle.hub), asyncio.get_running_loop().create_future()
    app = web.Application(middlewares=[explained])
    app.on_response_prepare.append(with_little_room)
    Events(idle.store, Auth(idle.store, now), feed, now, stopping).add_to(app)
    async with (
        TestServer(app) as server,
        ClientSession(connector=TCPConnector(socket_factory=narrow)) as session,
        tuned(replace(idle, server=server, session=session)) as deaf,
    ):
        deaf.reply.connection.transport.pause_reading()
        async with asyncio.timeout(10):
            while server.runner.server.connections:
                for _ in range(10):
                    idle.hub.publish(JobEvent("f" * 24, idle.user.id, Status.PROCESSING, at=now()))
                await asyncio.sleep(0.001)
    await feed.close()
