"""Owns the doors: who is let in, in which forms, and the one answer for all others. Never what is behind them."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from sixpx import clock, credentials
from sixpx.core import people
from sixpx.core.user import User
from sixpx.log import JsonLines, TextLines
from tests.api.clients import Client, body_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


PAGE = "https://shop.example"


async def on_the_list(client: Client, *domains: str) -> Client:
    """The client's user with pages that may use the key alone."""
    user = await client.store.change_user(client.user.id, lambda one: people.with_domains(one, domains, ()))
    assert user is not None
    return replace(client, user=user)


def query(key: str, secret: str) -> str:
    return f"?key={quote(key)}&secret={quote(secret)}"


async def test_key_and_secret_are_accepted_in_all_three_forms(idle: Client) -> None:
    key, secret = idle.user.api_key, idle.secret
    assert (await idle.get(query(key, secret), auth=None)).status == 200
    assert (await idle.get(auth=basic(f"{key}:{secret}"))).status == 200
    assert (await idle.get(auth=f"Bearer {key}:{secret}")).status == 200
    assert (await idle.get(auth=f"bearer  {key}:{secret} ")).status == 200
    assert (await idle.ask("POST", idle.jobs + query(key, secret), body_of(), auth=None)).status == 200


async def test_all_refusals_are_the_same(idle: Client) -> None:
    idle = await on_the_list(idle, PAGE)
    page, elsewhere = {"Origin": PAGE}, {"Origin": "https://evil.example"}
    key, secret = idle.user.api_key, idle.secret
    stranger = replace(idle, user=replace(idle.user, id="f" * 24))
    odd = replace(idle, user=replace(idle.user, id="nobody"))
    other = await idle.as_new_user()
    replies = [
        await stranger.get(),
        await odd.get(),
        await idle.get(auth=None),
        await idle.get(query("wrong", secret), auth=None),
        await idle.get(query(key, "wrong"), auth=None),
        await idle.get(query(key, ""), auth=None),
        await idle.get(query("", ""), auth=None),
        await idle.get(f"?key={key}", auth=None),
        await idle.get(query(secret, key), auth=None),
        await idle.get(auth=f"Bearer {key}"),
        await idle.get(auth=f"Bearer {other.pair}"),
        await idle.get(auth="Basic !!!"),
        await idle.get(auth=basic("\N{SNOWMAN}:\N{SNOWMAN}")),
        await idle.get(auth="Digest x"),
        await idle.get("?key=%ff%00&secret=%f0", auth=None),
        await idle.get(f"?key={key}", auth=None, headers=elsewhere),
        await idle.get(f"?key={key}", auth=None, headers={"Origin": "null"}),
        await idle.get(f"?key={other.user.api_key}", auth=None, headers=page),
        await idle.get("?secret=x", auth=None, headers=page),
        await idle.get(query(key, "wrong"), auth=None, headers=page),
        await stranger.get(f"?key={key}", auth=None, headers=page),
        await idle.ask("POST", idle.jobs, {"not": "read"}, auth="Bearer a:b"),
        await idle.ask("DELETE", f"{idle.jobs}/{'f' * 24}", auth="Bearer a:b"),
        await idle.ask("POST", f"/v1/users/{idle.user.id}/auth", auth="Bearer a:b"),
    ]
    assert {one.status for one in replies} == {401}
    assert len({one.body for one in replies}) == 1
    assert all("WWW-Authenticate" in one.headers for one in replies)


async def test_the_query_wins_over_the_header(idle: Client) -> None:
    assert (await idle.get(query(idle.user.api_key, "wrong"))).status == 401


async def test_a_client_can_check_its_key(idle: Client) -> None:
    reply = await idle.ask("POST", f"/v1/users/{idle.user.id}/auth")
    assert (reply.status, reply.json) == (200, {"auth": True, "user_id": idle.user.id})


async def test_the_key_alone_is_enough_from_a_page_on_the_list_in_all_forms(idle: Client) -> None:
    idle, key = await on_the_list(idle, "shop.example"), idle.user.api_key
    page = {"Origin": PAGE}
    checked = await idle.ask("POST", f"/v1/users/{idle.user.id}/auth?key={key}", auth=None, headers=page)
    assert (checked.status, checked.json["auth"]) == (200, True)
    assert (await idle.ask("POST", f"{idle.jobs}?key={key}", body_of(), auth=None, headers=page)).status == 200
    for auth in (basic(key), basic(f"{key}:"), f"Bearer {key}", f"Bearer {key}:"):
        assert (await idle.get(auth=auth, headers=page)).status == 200


async def test_an_old_secret_is_good_until_its_time_is_over(idle: Client) -> None:
    def rotated(keep: timedelta) -> Callable[[User], User]:
        return lambda one: people.rotated(one, credentials.digest("new"), None, clock.now(), keep)

    await idle.store.change_user(idle.user.id, rotated(timedelta(hours=1)))
    for secret in (idle.secret, "new"):
        assert (await idle.get(auth=f"Bearer {idle.user.api_key}:{secret}")).status == 200
    other = await idle.as_new_user()
    await idle.store.change_user(other.user.id, rotated(timedelta()))
    assert (await other.get()).status == 401
    assert (await other.get(auth=f"Bearer {other.user.api_key}:new")).status == 200


async def test_what_belongs_to_another_user_is_not_there(idle: Client) -> None:
    other = await idle.as_new_user()
    job_id = await other.posted(body_of())
    file = idle.data / "hosted" / other.user.id / job_id / "a.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"picture")
    assert (await idle.ask("GET", f"/{other.user.id}/{job_id}/a.png", auth=None)).status == 200
    assert (await idle.ask("GET", f"/{idle.user.id}/{job_id}/a.png", auth=None)).status == 404
    assert (await idle.get(f"/{job_id}")).status == 404
    assert (await idle.ask("DELETE", f"{idle.jobs}/{job_id}")).status == 404
    assert (await idle.ask("POST", f"{idle.jobs}/{job_id}/retry")).status == 404
    assert (await idle.get()).json == []
    assert (await idle.ask("GET", other.jobs)).status == 401


async def test_the_access_log_shows_the_beginning_of_a_key_and_no_secret(
    idle: Client, caplog: pytest.LogCaptureFixture
) -> None:
    key, secret = idle.user.api_key, idle.secret
    with caplog.at_level(logging.DEBUG):
        await idle.get(query(key, secret), auth=None)
        await idle.get()
        await idle.get(auth=basic(f"{key}:{secret}"))
        await idle.get(query(key, "wrong-secret"), auth=None)
        await idle.get(query(secret, key), auth=None)
        await idle.get(f"?secret={secret}", auth=None)
        await idle.ask("GET", "/livez", auth=None)
        for separator in ("&", "%3F", "%3f"):  # nothing is at such an address
            broken = query(key, secret).replace("?", separator)
            assert (await idle.get(broken, auth=None)).status == 404
    records = [one for one in caplog.records if one.name == "sixpx.access"]
    shown = [one.__dict__.get("key") for one in records]
    assert shown == [f"{key[:4]}…"] * 4 + ["…", *[None] * 5]
    assert records[-1].__dict__["path"] == f"{idle.jobs}…"
    lines = "".join(format.format(one) for one in caplog.records for format in (TextLines(), JsonLines()))
    assert f" key={key[:4]}…" in lines
    assert not [one for one in (key, secret, "wrong-secret", idle.pair) if one in lines]
