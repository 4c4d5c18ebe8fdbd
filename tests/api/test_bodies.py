"""Owns the promise that large bodies take turns: memory is bounded, small ones pass, and all that wait are answered."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sixpx.api.middleware import explained
from sixpx.api.v1 import write
from sixpx.api.v1.body import LARGE, Bodies
from sixpx.core.job import Job
from sixpx.core.query import Found, Page
from tests.contract.jobs import job_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

BIG = b'"' + b"x" * (LARGE + 1) + b'"'


class House:
    """A service that does nothing with a body but read it, and keep it until `go`."""

    def __init__(self, bodies: Bodies, limit: int = 10 * LARGE) -> None:
        self.bodies, self.go = bodies, asyncio.Event()
        self.inside = self.most = 0
        self.app = web.Application(client_max_size=limit, middlewares=[explained])
        self.app.router.add_post("/", self.post)

    async def post(self, request: web.Request) -> web.Response:
        async with self.bodies.turn(request):
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                asked = await self.bodies.parsed(request)
                await self.go.wait()
            finally:
                self.inside -= 1
        return web.json_response(asked.size)

    async def has_inside(self, number: int) -> None:
        async with asyncio.timeout(5):
            while self.inside != number:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.003)


async def status_of(client: TestClient[Any, Any], body: Any, **headers: str) -> int:
    async with client.post("/", data=io.BytesIO(body) if isinstance(body, bytes) else body, headers=headers) as reply:
        await reply.read()
        if reply.status == 503:
            assert int(reply.headers["Retry-After"]) > 0
            assert (await reply.json())["type"] == "urn:sixpx:error:busy"
        return reply.status


async def test_no_more_large_bodies_are_inside_than_have_room() -> None:
    house = House(Bodies(room=2 * len(BIG)))
    async with TestClient(TestServer(house.app)) as client:
        posts = [asyncio.ensure_future(status_of(client, BIG)) for _ in range(6)]
        await house.has_inside(2)
        await asyncio.sleep(0.05)
        assert house.inside == 2
        house.go.set()
        assert await asyncio.gather(*posts) == [200] * 6
        assert house.most == 2


async def test_small_bodies_pass_while_large_ones_wait() -> None:
    house = House(Bodies(room=1))  # and one that is larger than all the room passes alone
    async with TestClient(TestServer(house.app)) as client:
        large = [asyncio.ensure_future(status_of(client, BIG)) for _ in range(2)]
        await house.has_inside(1)
        small = [asyncio.ensure_future(status_of(client, b"1")) for _ in range(20)]
        await house.has_inside(21)
        house.go.set()
        assert await asyncio.gather(*large, *small) == [200] * 22


async def test_who_has_waited_too_long_is_told_when_to_come_back_and_takes_no_room_along() -> None:
    house = House(Bodies(room=len(BIG), patience=0.1))
    async with TestClient(TestServer(house.app)) as client:
        first = asyncio.ensure_future(status_of(client, BIG))
        await house.has_inside(1)
        assert await asyncio.gather(*(status_of(client, BIG) for _ in range(3))) == [503] * 3
        house.go.set()
        assert await first == 200
        assert await status_of(client, BIG) == 200


async def chunked(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def test_a_body_that_does_not_say_its_size_has_room_for_the_most_it_may_be() -> None:
    house = House(Bodies(room=10 * LARGE))
    async with TestClient(TestServer(house.app)) as client:
        posts = [asyncio.ensure_future(status_of(client, chunked(b"1"))) for _ in range(3)]
        await house.has_inside(1)
        await asyncio.sleep(0.05)
        assert house.inside == 1
        house.go.set()
        assert await asyncio.gather(*posts) == [200] * 3


async def test_a_fault_gives_its_room_back() -> None:
    house = House(Bodies(room=len(BIG)))
    house.go.set()
    async with TestClient(TestServer(house.app)) as client:
        assert await status_of(client, BIG[:-1]) == 400
        assert await status_of(client, b" " * (11 * LARGE)) == 413
        assert await status_of(client, chunked(b" " * (11 * LARGE))) == 413
        assert await status_of(client, BIG) == 200


async def test_a_body_that_does_not_arrive_gives_its_room_back() -> None:
    house = House(Bodies(room=len(BIG), read_within=0.2))
    house.go.set()
    async with TestClient(TestServer(house.app)) as client:
        assert client.server.port is not None
        reader, writer = await asyncio.open_connection(client.server.host, client.server.port)
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BIG)}\r\n\r\n"
        writer.write(head.encode() + BIG[:1000])
        await house.has_inside(1)
        assert await status_of(client, BIG) == 200
        assert b" 408 " in await reader.readline()
        writer.close()


# --- off the loop ---------------------------------------------------------------------------------


async def test_large_bodies_are_handled_off_the_loop_one_at_a_time() -> None:
    bodies, inside, most, threads = Bodies(), [0], [0], set()
    go = threading.Barrier(2, timeout=0.05)

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        with suppress(threading.BrokenBarrierError):  # nobody else is here
            go.wait()
        inside[0] -= 1
        return number

    assert await asyncio.gather(*(bodies.handled(LARGE + 1, work, number) for number in range(4))) == [0, 1, 2, 3]
    assert most == [1]
    assert threading.get_ident() not in threads
    assert await bodies.handled(LARGE, threading.get_ident) == threading.get_ident()


@pytest.mark.parametrize(
    ("data", "tags", "number", "in_loop"),
    [({}, 1, 1, True), ({"a": "b"}, 1, 10, True), ({"text": "x" * 110_000}, 1, 1, False), ({}, 50, 100, False),
     ({"rows": [1] * 5000}, 1, 1, False), ({"k" * 110_000: 1}, 1, 1, False)],
    ids=["a job", "a page", "a long text", "a long page", "many values", "a long key"],
)  # fmt: skip
async def test_a_heavy_reply_is_made_off_the_loop(
    monkeypatch: pytest.MonkeyPatch, data: Any, tags: int, number: int, in_loop: bool
) -> None:
    threads = set()

    def seen_by(job: Job, version: str) -> dict[str, Any]:
        threads.add(threading.get_ident())
        return {"id": job.id, "version": version}

    monkeypatch.setattr(write, "seen_by", seen_by)
    shown = tuple(replace(job_of(n, tags=tuple(map(str, range(tags)))), data=data) for n in range(1, number + 1))
    await write.jobs(Found(shown, number), "2014-08", Page(), "/", {})
    if number == 1:
        await write.job(shown[0], "2014-08")
    assert (threads == {threading.get_ident()}) is in_loop
