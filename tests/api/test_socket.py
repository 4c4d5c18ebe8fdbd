"""Owns the web socket: who may listen, what is heard and when, how it ends. Never the order of events (`test_feed`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, web
from aiohttp.test_utils import TestServer

from sixpx.api.auth import Auth
from sixpx.api.v1 import told
from sixpx.api.v1.socket import TRIES_MOST, Sockets
from sixpx.clock import now
from sixpx.core import people
from sixpx.core.job import Status
from sixpx.core.user import SocketAuth
from sixpx.feed import Feed
from sixpx.hub import JobEvent
from tests.api.clients import Client, body_of
from tests.api.deaf import narrow, with_little_room

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOB = "f" * 24
A_LITTLE = 600
"""Events that wait for who does not read, fewer than any write would wait for."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A web socket as a client uses it."""

    socket: ClientWebSocketResponse

    async def say(self, value: Any) -> None:
        await self.socket.send_bytes(b"\0") if value is bytes else await self.socket.send_str(
            value if isinstance(value, str) else orjson.dumps(value).decode()
        )

    async def hear(self, within: float = 5.0) -> Any:
        message = await self.socket.receive(timeout=within)
        return orjson.loads(message.data) if message.type is WSMsgType.TEXT else message.type

    async def asks(self, value: Any) -> Any:
        await self.say(value)
        return await self.hear()


@asynccontextmanager
async def calling(client: Client, path: str = "/v1/socket", **options: Any) -> AsyncIterator[Phone]:
    async with client.session.ws_connect(client.server.make_url(path), **options) as socket:
        yield Phone(socket)


def proof(client: Client, **changed: Any) -> dict[str, Any]:
    return {"auth": {"user_id": client.user.id, "key": client.user.api_key, "secret": client.secret, **changed}}


async def with_id_alone(client: Client) -> Client:
    await client.store.change_user(client.user.id, lambda one: replace(one, socket_auth=SocketAuth.USER_ID))
    return client


# --- who may listen -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/v1/socket"])
async def test_key_and_secret_open_both_addresses_and_events_come(idle: Client, path: str) -> None:
    async with calling(idle, path) as phone:
        assert await phone.asks(proof(idle)) == {"auth": True}
        for status in (Status.PROCESSING, Status.COMPLETE):
            idle.hub.publish(JobEvent(JOB, idle.user.id, status))
            assert await phone.hear() == {"job_id": JOB, "status": str(status)}


async def test_the_users_id_alone_is_enough_where_he_has_it_so(idle: Client) -> None:
    await with_id_alone(idle)
    async with calling(idle, headers={"Origin": "http://127.0.0.1:1"}) as phone:  # the Python client sends such a one
        assert await phone.asks({"auth": {"user_id": idle.user.id}}) == {"auth": True}


async def test_the_users_id_alone_is_refused_as_an_unknown_user_is_and_the_refusal_says_what_is_needed(
    idle: Client,
) -> None:
    async with calling(idle) as phone:
        refusals = [await phone.asks({"auth": {"user_id": id}}) for id in (idle.user.id, "0" * 24, "nobody")]
    assert refusals[0]["auth"] is False
    assert "the key is required" in refusals[0]["error"]["detail"]
    assert refusals[1:] == refusals[:1] * 2


@pytest.mark.parametrize("changed", [{"key": "x" * 32}, {"secret": "wrong"}, {"secret": None}, {"key": 7}])
async def test_a_wrong_proof_is_refused_and_a_right_one_may_follow(idle: Client, changed: dict[str, Any]) -> None:
    async with calling(idle) as phone:
        assert (await phone.asks(proof(idle, **changed)))["auth"] is False
        assert await phone.asks(proof(idle)) == {"auth": True}


async def test_nobody_guesses_for_ever_on_one_connection(idle: Client) -> None:
    async with calling(idle) as phone:
        for _ in range(TRIES_MOST):
            assert (await phone.asks(proof(idle, secret="wrong")))["auth"] is False
        assert await phone.hear() is WSMsgType.CLOSE


async def test_nothing_is_heard_before_the_proof_nor_of_others(idle: Client) -> None:
    other = await idle.as_new_user()
    async with calling(idle) as phone:
        idle.hub.publish(JobEvent(JOB, idle.user.id, Status.PROCESSING))
        assert await phone.asks(proof(idle)) == {"auth": True}
        idle.hub.publish(JobEvent(JOB, other.user.id, Status.PROCESSING))
        assert await phone.asks({"ping": True}) == {"pong": True}


async def test_a_connection_stays_with_one_user_who_may_prove_himself_again(idle: Client) -> None:
    other = await idle.as_new_user()
    async with calling(idle) as phone:
        assert [await phone.asks(proof(idle)) for _ in range(2)] == [{"auth": True}] * 2
        assert (await phone.asks(proof(other)))["error"]["code"] == "conflict"
        idle.hub.publish(JobEvent(JOB, idle.user.id, Status.PROCESSING))
        assert (await phone.hear())["job_id"] == JOB


# --- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["", "null", "[]", "{", "7", '{"auth": 1}', '{"auth": null}', "{}", '{"a": {}}'])
async def test_what_is_not_understood_is_answered_with_what_is(idle: Client, said: str) -> None:
    async with calling(idle) as phone:
        assert "expected" in (await phone.asks(said))["error"]["detail"]
        assert await phone.asks(proof(idle)) == {"auth": True}


@pytest.mark.parametrize("said", ["x" * 5000, bytes])
async def test_what_is_too_long_or_no_text_ends_the_connection(idle: Client, said: Any) -> None:
    async with calling(idle) as phone:
        await phone.say(said)
        assert await phone.hear() is WSMsgType.CLOSE


async def test_a_ping_of_the_protocol_is_answered_too(idle: Client) -> None:
    async with calling(idle, autoping=False) as phone:
        await phone.socket.ping(b"here")
        assert await phone.hear() is WSMsgType.PONG


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/v1/socket", 426)])
async def test_a_plain_request_is_told_that_sockets_connect_there(idle: Client, path: str, status: int) -> None:
    async with idle.session.get(idle.server.make_url(path)) as reply:
        assert (reply.status, reply.content_type) == (status, "application/problem+json")


# --- a whole job ----------------------------------------------------------------------------------


async def test_a_client_that_listens_after_the_reply_to_its_post_never_misses_the_end(live: Client) -> None:
    async with calling(live) as phone:
        assert await phone.asks(proof(live)) == {"auth": True}
        job_id = await live.posted(body_of(input={"main": "data:image/png;base64,AAAA"}))
        heard = [await phone.hear(10) for _ in range(3)]
        assert heard == [{"job_id": job_id, "status": one} for one in ("pending", "processing", "failed")]
        assert await phone.hear() == heard[-1]  # once more, a second later


async def test_the_end_of_a_job_that_was_read_is_not_told_over_the_socket_of_the_next_one(live: Client) -> None:
    async with calling(live) as phone:
        assert await phone.asks(proof(live)) == {"auth": True}
        job_id = await live.posted(body_of(input={"main": "data:image/png;base64,AAAA"}))
        while (await phone.hear(10))["status"] != "failed":
            pass
        await live.get(f"/{job_id}")
        async with calling(live) as next_one:
            assert await next_one.asks(proof(live)) == {"auth": True}
            assert await phone.hear() == {"job_id": job_id, "status": "failed"}
            with pytest.raises(TimeoutError):
                await next_one.hear(0.5)


async def test_a_cancelled_job_is_told(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    async with calling(idle) as phone:
        assert await phone.asks(proof(idle)) == {"auth": True}
        assert (await idle.ask("DELETE", f"{idle.jobs}/{job_id}")).status == 202
        assert await phone.hear() == {"job_id": job_id, "status": "failed"}


# --- how it ends ----------------------------------------------------------------------------------


@asynccontextmanager
async def small(
    client: Client, silence: float = 60.0, write: float = 10.0, again: float = 60.0
) -> AsyncIterator[tuple[Client, asyncio.Future[None]]]:
    """The sockets alone over the same store and hub, with limits of their own; and the future that stops them."""
    feed, stopping = Feed(client.hub, once_more=0.05), asyncio.get_running_loop().create_future()
    app = web.Application()
    app.on_response_prepare.append(with_little_room)
    Sockets(Auth(client.store, now), feed, stopping, silence, write, again).add_to(app)
    async with TestServer(app) as server:
        yield replace(client, server=server), stopping
    await feed.close()


async def test_silence_closes_a_socket_and_a_ping_keeps_it(idle: Client) -> None:
    async with small(idle, silence=0.4) as (here, _), calling(here) as silent, calling(here) as talking:
        assert [await one.asks(proof(idle)) for one in (silent, talking)] == [{"auth": True}] * 2
        for _ in range(4):
            assert await talking.asks({"ping": True}) == {"pong": True}
            await asyncio.sleep(0.2)
        assert await silent.hear() is WSMsgType.CLOSE
        assert await talking.asks({"ping": True}) == {"pong": True}


async def test_who_does_not_say_who_he_is_cannot_stay_by_pings(idle: Client) -> None:
    async with small(idle, silence=0.4) as (here, _), calling(here) as nobody:
        heard = None
        async with asyncio.timeout(5):
            while heard is not WSMsgType.CLOSE:
                await nobody.say({"ping": True})
                heard = await nobody.hear()
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("taken_back", ["the secret", "the user", "nothing"])
async def test_whose_proof_is_taken_back_hears_no_longer(idle: Client, taken_back: str) -> None:
    other = await idle.as_new_user()
    async with small(idle, again=0.1) as (here, _), calling(here) as phone:
        assert await phone.asks(proof(other)) == {"auth": True}
        if taken_back == "the secret":
            await idle.store.change_user(
                other.user.id, lambda one: people.rotated(one, "another digest", None, now(), timedelta())
            )
        elif taken_back == "the user":
            assert await idle.store.remove_user(other.user.id)
        else:
            await asyncio.sleep(2.5)  # longer than a proof is remembered
            assert await phone.asks({"ping": True}) == {"pong": True}
            return
        assert await phone.hear() is WSMsgType.CLOSE
        assert phone.socket.close_code == 1008


async def test_silence_does_not_close_a_socket_whose_user_has_work_under_way(idle: Client) -> None:
    async with small(idle, silence=0.6) as (here, _), calling(here) as silent:
        idle.hub.publish(JobEvent(JOB, idle.user.id, Status.PROCESSING))
        assert await silent.asks(proof(idle)) == {"auth": True}
        await asyncio.sleep(1.5)  # more than twice the silence
        idle.hub.publish(JobEvent(JOB, idle.user.id, Status.COMPLETE))
        assert (await silent.hear())["status"] == "complete"
        assert (await silent.hear())["status"] == "complete"
        assert await silent.hear() is WSMsgType.CLOSE


async def test_a_mistake_of_ours_ends_one_socket_and_is_in_the_log(
    idle: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("words that may quote a client")

    monkeypatch.setattr(told, "message", broken)
    async with calling(idle) as phone:
        assert await phone.asks(proof(idle)) == {"auth": True}
        idle.hub.publish(JobEvent(JOB, idle.user.id, Status.PROCESSING))
        assert await phone.hear() is WSMsgType.CLOSE
    (record,) = (one for one in caplog.records if one.levelname == "ERROR")
    assert record.exc_info is not None
    assert (record.message, str(record.exc_info[1])) == ("a web socket failed", "RuntimeError")


async def test_nothing_is_compressed_for_whoever_offers_it(idle: Client) -> None:
    async with calling(idle, compress=15) as phone:
        assert phone.socket.compress == 0
        assert await phone.asks(proof(idle)) == {"auth": True}


async def test_a_stopping_service_says_so_and_closes(idle: Client) -> None:
    async with small(idle) as (here, stopping), calling(here) as phone:
        assert await phone.asks(proof(idle)) == {"auth": True}
        stopping.set_result(None)
        assert await phone.hear() is WSMsgType.CLOSE
        assert phone.socket.close_code == 1001


@pytest.mark.parametrize("why", ["hears a lot", "says a lot", "is silent"])
async def test_a_client_that_does_not_read_loses_its_connection_and_others_hear_on(idle: Client, why: str) -> None:
    silence = 1.0 if why == "is silent" else 60.0
    async with small(idle, silence, write=0.3) as (here, _), calling(here) as reader:
        assert await reader.asks(proof(idle)) == {"auth": True}
        async with (
            ClientSession(connector=TCPConnector(socket_factory=narrow)) as session,
            calling(replace(here, session=session)) as deaf,
        ):
            assert await deaf.asks(proof(idle)) == {"auth": True}
            transport = deaf.socket._response.connection.transport
            transport.pause_reading()
            async with asyncio.timeout(20):
                for number in count(1):
                    if why == "says a lot":
                        await asyncio.wait((asyncio.ensure_future(deaf.socket.ping(b"x" * 125)),), timeout=0.01)
                    elif why == "hears a lot" or number <= A_LITTLE:
                        status = Status.COMPLETE if number == A_LITTLE else Status.PROCESSING
                        idle.hub.publish(JobEvent(JOB, idle.user.id, status))
                        assert (await reader.hear())["job_id"] == JOB
                    else:
                        await reader.asks({"ping": True})
                        await asyncio.sleep(0.05)
                    if len(here.server.runner.server.connections) == 1:
                        break
            transport.resume_reading()
