"""Owns the editions' own requests, sent as they are printed. Never what comes of the pictures."""

from __future__ import annotations

from typing import Any

import pytest

from sixpx.credentials import is_mask, redact
from tests.api.clients import Client
from tests.golden.editions import Body, Request, bodies, replies, requests

pytestmark = pytest.mark.asyncio(loop_scope="session")

GETS = [one for one in requests() if one.method == "GET"]
POSTS = [one for one in requests() if one.method == "POST"]
PAGED = ("", "page", "per_page", "sort_by", "key")


def echoed(asked: Any) -> Any:
    return [{**one, "url": redact(one["url"])} if one.get("url") else one for one in asked]


def asked_of(one: Request) -> str:
    return one.query.partition("=")[0]


@pytest.mark.parametrize("example", bodies(), ids=lambda one: one.at)
async def test_every_job_of_the_editions_is_accepted_and_echoed(idle: Client, example: Body) -> None:
    masks = {one["url"] for one in example.body["output"] if one.get("url")}
    user = await idle.as_new_user({mask: idle.seal("s3://key:secret@bucket/path") for mask in masks if is_mask(mask)})
    reply = await user.post(example.body)
    assert reply.status == 200, reply.body
    assert reply.headers["Location"] == f"{user.jobs}/{reply.json['id']}"
    job = (await user.ask("GET", reply.headers["Location"])).json
    assert job["_id"] == reply.json["id"]
    assert job["output"] == echoed(example.body["output"])
    assert set(job["input"]) == set(example.body["input"])
    assert job["data"] == (example.body.get("data") or {})
    assert (job["status"], len(job["processed"])) == ("pending", len(example.body["output"]))


@pytest.mark.parametrize("example", POSTS, ids=lambda one: one.at)
async def test_every_post_that_curl_sends_is_accepted(idle: Client, example: Request) -> None:
    reply = await idle.post(example.body, headers=example.headers)
    assert reply.status == 200, reply.body


@pytest.mark.parametrize("example", [one for one in GETS if asked_of(one) in PAGED], ids=lambda one: one.at)
async def test_every_get_that_curl_sends_is_answered(idle: Client, example: Request) -> None:
    made = await idle.posted(bodies()[0].body)
    one_job = example.path.count("/") == 5
    query = example.query.replace("YOUR_KEY", idle.user.api_key).replace("YOUR_SECRET", idle.secret)
    auth = None if "secret=" in query else ""
    reply = await idle.get((f"/{made}" if one_job else "") + (f"?{query}" if query else ""), auth=auth)
    assert reply.status == 200
    assert isinstance(reply.json, dict if one_job else list)


async def test_a_reply_has_the_keys_of_edition_3s_sample(idle: Client) -> None:
    sample = next(one.body for one in replies() if "edition-3" in one.at)
    job = (await idle.get(f"/{await idle.posted(bodies()[0].body)}")).json
    assert set(sample) - {"callback"} <= set(job)
    assert {"_id", "created", "modified", "name", "status", "data"} == set(job["processed"][0])
