"""Owns the promise that the service answers as its description says: every answer in it, from a real service. Never the
description as a document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sixpx.api.openapi import described
from sixpx.api.v1.operations import OPERATIONS
from sixpx.api.v1.versions import VERSIONS
from sixpx.app import lanes_of
from sixpx.core.user import Plan
from sixpx.pool import Pool
from sixpx.settings import Search, Server, Settings
from tests.api.clients import PUBLIC, Client, Reply, body_of, data_uri, picture, step
from tests.api.conftest import OnlyItsFace, speaking, without_runner
from tests.api.documented import Description, Documented

pytestmark = pytest.mark.asyncio(loop_scope="session")

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
UNREACHED = {
    *((one.name, 500) for one in OPERATIONS),  # a mistake of ours; tests/api/test_service.py has one
    ("postJob", 408),  # a body of which nothing comes for two minutes
    ("deleteJob", 409),  # a job that is made pending again at the very moment
}


async def test_it_knows_every_route_and_no_other(idle: Client) -> None:
    """But for HEAD, which goes wherever GET does: no client has to be told."""
    app = idle.server.app
    routes = {(one.method.lower(), one.resource.canonical) for one in app.router.routes() if one.resource}
    assert {one for one in routes if one[0] != "head"} == {(one.method, one.path) for one in OPERATIONS}


async def test_anybody_may_read_it_and_keep_it_for_some_minutes(idle: Client) -> None:
    reply = await idle.ask("GET", "/v1/openapi.json", auth=None)
    assert (reply.status, reply.json) == (200, described(PUBLIC))
    assert reply.headers["Cache-Control"] == "public, max-age=300"


async def test_braces_in_an_id_are_as_unknown_as_any_other_id(idle: Client) -> None:
    """aiohttp's router lets no brace into a part of an address unless it is told to: it was a 404 to everybody."""
    user = Documented.of(idle)
    for one in (one for one in OPERATIONS if one.proven):
        method, path = one.method.upper(), one.path.replace("{user_id}", "%7Bid%7D")
        assert (await user.ask(method, path.format(job_id="a", delivery_id="b"))).status == 401
        path = one.path.format(user_id=user.user.id, job_id="%7Bid%7D", delivery_id="b")
        assert "{job_id}" not in one.path or (await user.ask(method, path)).json["type"] == "urn:sixpx:error:not_found"


async def test_every_answer_that_is_described_is_given_so(live: Client, idle: Client, tmp_path: Path) -> None:
    """What is described and never comes would be told by the difference, what comes and is not described by the check
    of every reply."""
    description = Description(described(PUBLIC))
    user = Documented.of(live, description=description)
    await a_whole_life(user)
    await hosted_pictures(user)
    await what_needs_no_key(user)
    user = Documented.of(idle, description=description)
    await jobs_that_wait(user)
    await refusals(user)
    await streams(user)
    await what_is_out_of_reach(user, tmp_path)
    assert description.answers - description.seen == UNREACHED


# --- what goes well -------------------------------------------------------------------------------


async def a_whole_life(user: Documented) -> None:
    """A job that ends well and one that fails, in every version."""
    tags: list[Any] = [
        {"tag": "small", "methods": [step("resize", width=8), step("analyze", type="color")]},
        {"tag": "face", "methods": [step("crop", face=True, width=8, height=8)]},
    ]
    good = await user.run(body_of(*tags, input={"main": data_uri(picture())}, data={"order": 7}))
    bad = await user.run(body_of(*tags, input={"main": data_uri(b"no picture")}))
    assert (good["status"], bad["status"]) == ("complete", "failed")
    for version in VERSIONS:
        for job in (good, bad):
            assert (await user.get(f"/{job['_id']}", headers={"6px-Version": version})).status == 200
        assert len((await user.get(headers={"6px-Version": version})).json) == 2
    found = await user.get("?data.order=7&processed.bytes={gt}0&sort_by=created,asc&per_page=1")
    assert [one["_id"] for one in found.json] == [good["_id"]]
    assert (await user.ask("POST", f"{user.jobs}/{good['_id']}/retry")).status == 409
    assert (await user.ask("HEAD", f"{user.jobs}/{good['_id']}")).status == 200
    assert (await user.ask("POST", f"/v1/users/{user.user.id}/auth")).status == 200


async def hosted_pictures(user: Documented) -> None:
    job = await user.run(body_of(input={"main": data_uri(picture())}))
    location = job["processed"][0]["data"]["output"]["main"]["location"]
    asked: list[tuple[dict[str, str], int]] = [
        ({}, 200),
        ({"Range": "bytes=0-9"}, 206),
        ({"If-None-Match": "*"}, 304),
        ({"If-Match": '"another"'}, 412),
        ({"Range": "bytes=1000000-"}, 416),
    ]
    assert [(await user.file(location, headers=headers)).status for headers, _ in asked] == [one for _, one in asked]
    assert (await user.ask("DELETE", f"{user.jobs}/{job['_id']}")).status == 204
    assert (await user.file(location)).status == 404


async def what_needs_no_key(user: Documented) -> None:
    for path in ("/v1/limits", "/v1/formats", "/v1/openapi.json", "/livez", "/readyz"):
        assert (await user.ask("GET", path, auth=None)).status == 200


async def jobs_that_wait(user: Documented) -> None:
    """Posted with a plan, cancelled, retried, and what became of its callback."""
    await user.store.change_user(user.user.id, lambda one: replace(one, plan=Plan(per_minute=1, per_month=100)))
    made = await user.post(body_of(callback={"url": "https://someone:secret@example.com/"}))
    assert "RateLimit" in made.headers
    job = f"{user.jobs}/{made.json['id']}"
    assert (await user.ask("DELETE", job)).status == 202
    (owed,) = (await user.ask("GET", f"{job}/deliveries")).json
    replay = f"{job}/deliveries/{owed['id']}/replay"
    assert (await user.ask("POST", replay)).status == 202
    assert (await user.ask("POST", f"{job}/retry")).status == 200
    assert (await user.ask("POST", replay)).status == 409
    assert (await user.ask("GET", f"/v1/users/{user.user.id}/usage")).json["minute"]["left"] == 0
    assert (await user.post(body_of())).status == 429


async def streams(user: Documented) -> None:
    """Of what has no end, the beginning."""
    for path, headers, status in (
        (f"/v1/users/{user.user.id}/events", {"Authorization": f"Bearer {user.pair}"}, 200),
        ("/v1/socket", UPGRADE, 101),
        ("/", UPGRADE, 101),
    ):
        async with user.session.get(user.server.make_url(path), headers=headers) as response:
            assert response.status == status
            user.description.check("GET", path, Reply(response.status, response.headers.copy(), b""))
    assert (await user.ask("GET", "/v1/socket")).status == 426
    assert (await user.ask("GET", "/")).status == 404


# --- what goes wrong ------------------------------------------------------------------------------


def asked_by(user: Client) -> list[tuple[str, str]]:
    """Every operation of a user, about things that are not there."""
    ids = {"user_id": user.user.id, "job_id": "0" * 24, "delivery_id": "msg"}
    return [(one.method.upper(), one.path.format(**ids)) for one in OPERATIONS if one.proven]


async def refusals(user: Documented) -> None:
    user = await user.as_new_user()
    for method, path in asked_by(user):
        assert (await user.ask(method, path, auth="Bearer nobody:nothing")).status == 401
    for method, path in asked_by(user):
        if "0" * 24 in path:
            assert (await user.ask(method, path)).status == 404
    events = f"/v1/users/{user.user.id}/events"
    for reply in (
        await user.post({"input": 5}),
        await user.get("?page=none"),
        await user.get(f"/{'0' * 24}?wait=long"),
        await user.ask("GET", events, headers={"Last-Event-ID": "mine"}),
    ):
        assert reply.status == 400
    assert (await user.post(b" " * 2_000_001)).status == 413
    once = {"Idempotency-Key": "one"}
    assert [(await user.post(body_of(data={"n": n}), headers=once)).status for n in (1, 1, 2)] == [200, 200, 422]


async def what_is_out_of_reach(user: Documented, data: Path) -> None:
    """A store that is down, a search that has no time, lanes that are not there."""
    async with without_runner(data / "down") as client:
        down = Documented.of(client, description=user.description)
        await down.store.close()
        for method, path in asked_by(down):
            assert (await down.ask(method, path, body_of(), auth="Bearer nobody:nothing")).status == 503
    async with hurried(data) as client:
        poor = Documented.of(client, description=user.description)
        assert (await poor.get("?data.a=b")).status == 422
        assert (await poor.ask("GET", "/v1/formats")).status == 503
        assert (await poor.ask("GET", "/readyz")).status == 503


@asynccontextmanager
async def hurried(data: Path) -> AsyncIterator[Client]:
    """A service whose searches may take no time at all, and whose lanes were never started."""
    face = OnlyItsFace(Settings(server=Server(public_url=PUBLIC, data=str(data)), search=Search(seconds=1e-9)))
    face.open()
    face.pool = Pool(lanes_of(face.settings), data)
    async with speaking(face.web(), face.store, face.hub, data, face.vault) as client:
        yield client
    await face.store.close()
