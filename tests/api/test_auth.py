"""Owns the doors: who is let in, in which forms, and the one answer for all others. Never what is behind them."""

from __future__ import annotations

import base64
from dataclasses import replace
from urllib.parse import quote

import pytest

from tests.api.clients import Client, body_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


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
