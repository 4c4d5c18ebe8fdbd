"""Owns the promises about callbacks of a whole service: each end is told, what was done is listed, and repeated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from sixpx.clock import now
from sixpx.core.user import User
from sixpx.credentials import new_callback_secret
from sixpx.store.document import when
from tests.api.clients import Client, body_of, data_uri, picture
from tests.contract import changes
from tests.servers.receiver import Receiver, receiver

pytestmark = pytest.mark.asyncio(loop_scope="session")

WITHIN = 20.0


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


def asked(url: str, **parts: Any) -> dict[str, Any]:
    return body_of(input={"main": data_uri(picture())}, callback={"url": url}, **parts)


async def deliveries(client: Client, job_id: str, true: Callable[[Any], object] = bool) -> Any:
    """The list, once the condition holds for it."""
    async with asyncio.timeout(WITHIN):
        while not true(listed := (await client.get(f"/{job_id}/deliveries")).json):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    return listed


def delivered(listed: Any) -> bool:
    return bool(listed) and all(one["status"] == "delivered" for one in listed)


async def secret_of(client: Client) -> str:
    user = await client.store.user(client.user.id)
    assert user is not None
    return client.open(user.callback_secrets[0])


# --- told ------------------------------------------------------------------------------------------


async def test_a_job_that_completes_is_told_as_its_get_shows_it(live: Client, there: Receiver) -> None:
    job = await live.run(asked(there.url("/ok", userinfo="me:hush@"), data={"order": 7}))
    came = await there.first("/ok")
    told = came.verified(await secret_of(live))
    assert told == job
    assert told["status"] == "complete"
    assert told["callback"] == {"url": there.url("/ok", userinfo="me:***@")}
    assert b"hush" not in came.body


async def test_a_job_that_fails_is_told(live: Client, there: Receiver) -> None:
    job = await live.run({**asked(there.url("/ok")), "input": {"main": there.url("/nothing.png")}})
    told = (await there.first("/ok")).verified(await secret_of(live))
    assert told == job
    assert told["status"] == "failed"


async def test_a_cancelled_job_is_told(live: Client, there: Receiver) -> None:
    body = {**asked(there.url("/ok")), "input": {"main": there.url("/hang")}}
    job_id = await live.posted(body)
    assert (await live.ask("DELETE", f"{live.jobs}/{job_id}")).status == 202
    told = (await there.first("/ok")).verified(await secret_of(live))
    assert (told["_id"], told["status"], told["error"]["code"]) == (job_id, "failed", "cancelled")


async def test_a_version_is_spoken_as_in_the_post(live: Client, there: Receiver) -> None:
    headers = {"6px-Version": "2014-06"}
    job_id = await live.posted(asked(there.url("/ok")), headers=headers)
    told = (await there.first("/ok")).verified(await secret_of(live))
    assert told == (await live.get(f"/{job_id}", headers=headers)).json
    assert isinstance(told["processed"], dict)


async def test_a_job_without_a_callback_owes_nothing(live: Client) -> None:
    job = await live.run(asked(""))
    assert (await live.get(f"/{job['_id']}/deliveries")).json == []


# --- listed ----------------------------------------------------------------------------------------


async def test_attempts_are_listed(live: Client, there: Receiver) -> None:
    job = await live.run(asked(there.url("/status/503?after=90&say=busy", userinfo="me:hush@")))
    (one,) = await deliveries(live, job["_id"], lambda listed: listed[0]["attempts"])
    (attempt,) = one.pop("attempts")
    assert one == {
        "id": f"msg_{job['_id']}_1",
        "created": job["modified"],
        "status": "pending",
        "url": there.url("/status/503?after=90&say=busy", userinfo="me:***@"),
        "next_attempt": one["next_attempt"],
    }
    assert (attempt["status_code"], attempt["detail"]) == (503, "busy")
    assert attempt["duration"] >= 0
    assert 85 < (when(one["next_attempt"]) - when(attempt["started"])).total_seconds() < 110


async def test_a_receiver_that_is_not_there_is_listed_with_the_reason(live: Client) -> None:
    job = await live.run(asked("http://10.0.0.1/x"))
    (one,) = await deliveries(live, job["_id"], lambda listed: listed[0]["attempts"])
    assert one["attempts"][0]["status_code"] is None
    assert "10.0.0.1 is a private address" in one["attempts"][0]["detail"]


# --- replayed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ok", "/status/410?times=1"])
async def test_a_delivery_is_sent_again_with_its_id_and_todays_secrets(
    live: Client, there: Receiver, path: str
) -> None:
    job = await live.run(asked(there.url(path)))
    (one,) = await deliveries(live, job["_id"], lambda listed: listed[0]["status"] != "pending")
    fresh = new_callback_secret()
    await live.store.change_user(live.user.id, _with(live.seal(fresh)))
    reply = await live.ask("POST", f"{live.jobs}/{job['_id']}/deliveries/{one['id']}/replay")
    assert reply.status == 202
    assert (reply.json["id"], reply.json["status"]) == (one["id"], "pending")
    assert reply.json["next_attempt"] is not None
    again = await there.first(path.partition("?")[0], 2)
    assert again.id == one["id"]
    assert again.verified(fresh) == again.verified(await secret_of(live)) == job
    (done,) = await deliveries(live, job["_id"], delivered)
    assert len(done["attempts"]) == 2
    assert done["next_attempt"] is None


def _with(sealed: str) -> Callable[[User], User]:
    return lambda user: replace(user, callback_secrets=(sealed, *user.callback_secrets))


async def test_a_retried_job_drops_what_was_owed_and_its_replay_waits_for_the_end(
    idle: Client, there: Receiver
) -> None:
    job_id = await idle.posted(asked(there.url("/ok")))
    await idle.ask("DELETE", f"{idle.jobs}/{job_id}")
    (first,) = (await idle.get(f"/{job_id}/deliveries")).json
    assert (first["status"], first["attempts"]) == ("pending", [])
    await idle.ask("POST", f"{idle.jobs}/{job_id}/retry")
    (dropped,) = (await idle.get(f"/{job_id}/deliveries")).json
    assert (dropped["status"], dropped["next_attempt"]) == ("dropped", None)
    replay = f"{idle.jobs}/{job_id}/deliveries/{first['id']}/replay"
    early = await idle.ask("POST", replay)
    assert early.status == 409
    assert early.json["type"].endswith("conflict")
    await changes.cancel(idle.store, idle.user.id, job_id, now())
    assert (await idle.ask("POST", replay)).status == 202
    both = (await idle.get(f"/{job_id}/deliveries")).json
    assert [(one["id"], one["status"]) for one in both] == [
        (f"msg_{job_id}_1", "pending"),
        (f"msg_{job_id}_2", "pending"),
    ]


async def test_what_is_not_there_is_404(idle: Client) -> None:
    job_id = await idle.posted(asked("http://hooks.test/"))
    await changes.cancel(idle.store, idle.user.id, job_id, now())
    stranger = await idle.as_new_user()
    paths = {
        "another user's job": (stranger, f"{stranger.jobs}/{job_id}/deliveries"),
        "no job": (idle, f"{idle.jobs}/{'f' * 24}/deliveries"),
    }
    for client, path in paths.values():
        assert (await client.ask("GET", path)).status == 404
        assert (await client.ask("POST", f"{path}/msg_{job_id}_1/replay")).status == 404
    for id in (f"msg_{job_id}_2", "x", "%00"):
        assert (await idle.ask("POST", f"{idle.jobs}/{job_id}/deliveries/{id}/replay")).status == 404


async def test_nobody_without_a_key_sees_or_replays_anything(idle: Client) -> None:
    path = f"{idle.jobs}/{'f' * 24}/deliveries"
    assert (await idle.ask("GET", path, auth=None)).status == 401
    assert (await idle.ask("POST", f"{path}/x/replay", auth=None)).status == 401
