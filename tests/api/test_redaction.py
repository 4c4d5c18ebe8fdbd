"""Owns the promise that what is secret never comes out again: not in a reply, a log, or the database's bytes."""

from __future__ import annotations

import asyncio
import logging

import orjson
import pytest

from tests.api.clients import Client, Reply, body_of, step
from tests.api.conftest import Pictures

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLANTED = "pLaNtEd-sEcReT"


def held(client: Client) -> bytes:
    """Every byte that the service keeps, its own key aside."""
    files = (one for one in client.data.rglob("*") if one.is_file() and one.name != "secret.key")
    return b"".join(one.read_bytes() for one in files)


def said(*replies: Reply) -> str:
    return " ".join(f"{one.headers} {one.body.decode('utf-8', 'replace')}" for one in replies)


async def test_secrets_of_a_job_are_in_no_reply_no_log_and_not_in_the_database(
    live: Client, pictures: Pictures, caplog: pytest.LogCaptureFixture
) -> None:
    inputs = {"main": f"{pictures.host(f'ada:{PLANTED}')}/9x9.png", "gone": f"{pictures.host(f'a:{PLANTED}')}/missing"}
    outputs = (
        {"tag": "s3", "url": f"s3://AKIA:{PLANTED}@bucket/path"},
        {"tag": "s3-region", "url": f"s3+eu-west-1://AKIA:{PLANTED}/+@bucket/path?acl=private"},
        {"tag": "ftp", "url": f"ftp://user:{PLANTED}@host.test/path"},
        {"tag": "ours", "methods": [step("resize", width=3)]},
        {"tag": "gone", "ref": ["gone"]},
    )
    callback = {"url": f"https://hook:{PLANTED}@example.com/done"}
    with caplog.at_level(logging.DEBUG):
        posted = await live.post(body_of(*outputs, input=inputs, callback=callback))
        assert posted.status == 200, posted.body
        one = await live.get(f"/{posted.json['id']}?wait=30")
        listed = await live.get()
        retried = await live.ask("POST", f"{live.jobs}/{posted.json['id']}/retry")
        last = await live.get(f"/{posted.json['id']}?wait=30")
    assert PLANTED not in said(posted, one, listed, retried, last)
    assert PLANTED not in caplog.text
    assert PLANTED.encode() not in await asyncio.to_thread(held, live)
    job = one.json
    assert [each["status"] for each in job["processed"]] == ["failed", "failed", "failed", "complete", "failed"]
    assert job["output"][0]["url"] == "s3://AKIA:***@bucket/path"
    assert job["input"]["main"] == pictures.host("ada:***") + "/9x9.png"
    assert job["callback"] == {"url": "https://hook:***@example.com/done"}


async def test_a_masked_name_is_shown_as_the_mask(idle: Client, caplog: pytest.LogCaptureFixture) -> None:
    url = f"s3://AKIA:{PLANTED}@hidden-bucket/path"
    user = await idle.as_new_user({"photos": idle.seal(url)})
    with caplog.at_level(logging.DEBUG):
        reply = await user.get(f"/{await user.posted(body_of({'url': 'photos'}))}")
    assert reply.json["output"][0]["url"] == "photos"
    for text in (said(reply), caplog.text, (await asyncio.to_thread(held, idle)).decode("latin-1")):
        assert PLANTED not in text
        assert "hidden-bucket" not in text
        assert "AKIA" not in text


WRONG = {
    "a slip in the scheme": body_of({"url": f"s4://AKIA:{PLANTED}@bucket/path"}),
    "no bucket": body_of({"url": f"s3://AKIA:{PLANTED}"}),
    "a secret as a key": {**body_of(), f"s3://AKIA:{PLANTED}@b/p": 1},
    "a secret as a tag twice": body_of({"tag": f"ftp://u:{PLANTED}@h"}, {"tag": f"ftp://u:{PLANTED}@h"}),
    "a secret as a type": body_of({"type": f"s3://AKIA:{PLANTED}@b/p"}),
    "a secret as a ref": body_of({"ref": [f"http://u:{PLANTED}@h/"]}),
    "a bad input": body_of(input={"main": f"ftp://u:{PLANTED}@h/p"}),
    "an input that is no URL": body_of(input={"main": f"http://u:{PLANTED}@[::1/p"}),
    "a bad callback": body_of(callback={"url": f"u:{PLANTED}@h"}),
    "a bad port": body_of(callback={"url": f"http://u:{PLANTED}@h:99999999/"}),
    "a secret as an option": body_of({"methods": [step("resize", width=f"s3://AKIA:{PLANTED}@b/p")]}),
    "a secret as a layer": body_of({"methods": [step("layer", ref=f"http://u:{PLANTED}@h")]}),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_mistake_does_not_repeat_a_secret(idle: Client, caplog: pytest.LogCaptureFixture, name: str) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = await idle.post(WRONG[name])
    assert reply.status == 400
    assert PLANTED not in said(reply)
    assert PLANTED not in caplog.text


async def test_a_users_secret_is_kept_as_a_hash_and_logged_never(
    idle: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await idle.get(f"?key={idle.user.api_key}&secret={idle.secret}", auth=None)
        await idle.get("?key=a&secret=PLANTED-BY-QUERY", auth=None)
    assert idle.secret not in caplog.text
    assert "PLANTED-BY-QUERY" not in caplog.text
    assert idle.secret.encode() not in await asyncio.to_thread(held, idle)


async def test_the_bytes_of_a_body_that_was_refused_are_not_kept(idle: Client) -> None:
    await idle.post(orjson.dumps({"input": {"main": PLANTED + "-refused"}}))
    assert (PLANTED + "-refused").encode() not in await asyncio.to_thread(held, idle)
