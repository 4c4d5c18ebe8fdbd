"""Owns what a plan lets through: how many posts, how it says so, and what it counts. Never how stores count."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sixpx import app
from sixpx.core.query import Query
from sixpx.core.user import Plan
from tests.api.clients import Client, Reply, body_of
from tests.api.conftest import without_runner

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = datetime(2014, 8, 30, 12, 0, 30, tzinfo=UTC)
LIMITS = re.compile(r'"(\w+)";(\w)=(\d+);(\w)=(\d+)')


class Calendar:
    """The service's clock, which a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    made = Calendar()
    monkeypatch.setattr(app, "now", made)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def desk(tmp_path: Path, calendar: Calendar) -> AsyncIterator[Client]:
    """A service that goes by the calendar."""
    async with without_runner(tmp_path) as client:
        yield client


async def planned(client: Client, **plan: int) -> Client:
    """A new user with a plan."""
    made = await client.as_new_user()
    user = await client.store.change_user(made.user.id, lambda one: replace(one, plan=Plan(**plan)))
    assert user is not None
    return replace(made, user=user)


def limits(reply: Reply, header: str) -> dict[str, dict[str, int]]:
    """A field of the draft: `"minute";r=1;t=30` is {"minute": {"r": 1, "t": 30}}."""
    items = reply.headers[header].split(", ")
    found = [LIMITS.fullmatch(item) for item in items]
    return {one[1]: {one[2]: int(one[3]), one[4]: int(one[5])} for one in found if one}


async def usage(client: Client) -> Any:
    reply = await client.ask("GET", f"/v1/users/{client.user.id}/usage")
    assert reply.status == 200, reply.body
    return reply.json


async def test_a_full_minute_is_429_and_says_when_to_come_back(desk: Client, calendar: Calendar) -> None:
    client = await planned(desk, per_minute=2)
    replies = [await client.post(body_of()) for _ in range(3)]
    assert [one.status for one in replies] == [200, 200, 429]
    refused = replies[-1]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json["type"] == "urn:sixpx:error:over_quota"
    assert "2 jobs a minute" in refused.json["detail"]
    assert refused.headers["Retry-After"] == "30"
    calendar.now += timedelta(seconds=29.9)
    assert (await client.post(body_of())).headers["Retry-After"] == "1"
    calendar.now += timedelta(seconds=0.1)
    assert (await client.post(body_of())).status == 200
    assert len((await client.get()).json) == 3


async def test_a_full_month_is_429_until_the_next_one(desk: Client, calendar: Calendar) -> None:
    client = await planned(desk, per_month=1)
    assert (await client.post(body_of())).status == 200
    calendar.now += timedelta(hours=1)
    refused = await client.post(body_of())
    assert (refused.status, refused.headers["Retry-After"]) == (429, str(34 * 3600 + 59 * 60 + 30))
    calendar.now = datetime(2014, 9, 1, tzinfo=UTC)
    assert (await client.post(body_of())).status == 200


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "new"}], ids=["early", "in the store"])
async def test_where_both_are_full_the_wait_is_the_longer_one(desk: Client, headers: dict[str, str]) -> None:
    client = await planned(desk, per_minute=1, per_month=1)
    await client.posted(body_of())
    refused = await client.post(body_of(), headers=headers)
    assert (refused.status, int(refused.headers["Retry-After"])) == (429, 34 * 3600 + 59 * 60 + 30 + 3600)
    assert "1 job a month" in refused.json["detail"]


async def test_replies_to_posts_tell_what_is_left(desk: Client, calendar: Calendar) -> None:
    client = await planned(desk, per_minute=3, per_month=10)
    first, second = await client.post(body_of()), await client.post(body_of())
    policy = {"minute": {"q": 3, "w": 60}, "month": {"q": 10, "w": 31 * 86400}}
    assert limits(first, "RateLimit-Policy") == limits(second, "RateLimit-Policy") == policy
    until = 11 * 3600 + 59 * 60 + 30 + 86400
    assert limits(first, "RateLimit") == {"minute": {"r": 2, "t": 30}, "month": {"r": 9, "t": until}}
    assert limits(second, "RateLimit") == {"minute": {"r": 1, "t": 30}, "month": {"r": 8, "t": until}}
    await client.post(body_of())
    refused = await client.post(body_of())
    assert refused.status == 429
    assert limits(refused, "RateLimit-Policy") == policy
    assert limits(refused, "RateLimit") == {"minute": {"r": 0, "t": 30}, "month": {"r": 7, "t": until}}


async def test_a_plan_names_its_own_limits_alone(desk: Client) -> None:
    assert list(limits(await (await planned(desk, per_month=5)).post(body_of()), "RateLimit")) == ["month"]
    free = await (await planned(desk, concurrent=1)).post(body_of())
    assert not {"RateLimit", "RateLimit-Policy", "Retry-After"} & set(free.headers)


async def test_a_user_without_limits_costs_no_look_at_the_counts(idle: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def counted(*_: object) -> None:
        raise AssertionError("the counts were read")

    monkeypatch.setattr(idle.store, "counted", counted)
    assert (await idle.post(body_of())).status == 200


async def test_only_posts_of_jobs_are_counted(desk: Client) -> None:
    client = await planned(desk, per_minute=2)
    job_id = await client.posted(body_of())
    for reply in (
        await client.get(),
        await client.get(f"/{job_id}"),
        await client.ask("POST", f"/v1/users/{client.user.id}/auth"),
        await client.ask("POST", f"{client.jobs}/{job_id}/retry"),
        await client.ask("DELETE", f"{client.jobs}/{job_id}"),
    ):
        assert reply.status != 429
        assert "RateLimit" not in reply.headers
    assert (await usage(client))["minute"]["used"] == 1


async def test_what_is_refused_is_not_counted(desk: Client) -> None:
    client = await planned(desk, per_minute=1)
    assert (await client.post(b"{")).status == 400
    assert (await client.post(body_of({"methods": [{"method": "none"}]}))).status == 400
    assert (await client.post(b" " * 2_000_001)).status == 413
    assert (await client.post(body_of(), auth="Bearer a:b")).status == 401
    assert (await usage(client))["minute"]["used"] == 0
    assert (await client.post(body_of())).status == 200
    assert (await client.post(body_of())).status == 429
    assert (await usage(client))["minute"]["used"] == 1


async def test_a_repeated_post_is_answered_though_the_plan_is_used_up_and_not_counted(desk: Client) -> None:
    client, once = await planned(desk, per_minute=1, per_month=5), {"Idempotency-Key": "once"}
    first = await client.post(body_of(), headers=once)
    again = await client.post(body_of(), headers=once)
    assert (again.status, again.json) == (200, first.json)
    assert [limits(one, "RateLimit")["month"]["r"] for one in (first, again)] == [4, 4]
    assert limits(again, "RateLimit")["minute"]["r"] == 0
    other = await client.post(body_of(), headers={"Idempotency-Key": "another"})
    assert (other.status, limits(other, "RateLimit")["minute"]["r"]) == (429, 0)
    assert (await client.post(body_of(data={"a": 1}), headers=once)).status == 422
    assert (await usage(client))["month"]["used"] == 1


async def test_who_has_nothing_left_is_refused_before_his_body_is_read(desk: Client) -> None:
    client = await planned(desk, per_minute=1)
    await client.posted(body_of())
    assert (await client.post(b"this is no JSON")).status == 429
    reader, writer = await asyncio.open_connection(client.server.host, client.server.port)
    head = f"POST {client.jobs} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.pair}\r\nContent-Length: 1000000"
    writer.write(f"{head}\r\n\r\n".encode())
    async with asyncio.timeout(10):
        assert b" 429 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_many_at_once_get_as_many_as_the_plan_has(desk: Client) -> None:
    client = await planned(desk, per_minute=7)
    replies = await asyncio.gather(*(client.post(body_of()) for _ in range(30)))
    assert Counter(one.status for one in replies) == {200: 7, 429: 23}
    assert all(limits(one, "RateLimit")["minute"]["r"] == 0 for one in replies if one.status == 429)
    assert (await usage(client))["minute"] == {"used": 7, "most": 7, "left": 0, "ends": "2014-08-30T12:01:00.000Z"}


async def test_one_users_posts_are_no_others(desk: Client) -> None:
    one, other = await planned(desk, per_minute=1), await planned(desk, per_minute=1)
    assert [(await client.post(body_of())).status for client in (one, other, one)] == [200, 200, 429]


async def test_who_is_removed_posts_no_more_though_his_proof_is_remembered(desk: Client) -> None:
    client = await planned(desk, per_minute=5)
    assert (await client.get()).status == 200
    assert await client.store.remove_user(client.user.id)
    for headers in ({}, {"Idempotency-Key": "once"}):
        assert (await client.post(body_of(), headers=headers)).status == 401
    assert (await client.store.jobs(client.user.id, Query())).total == 0


async def test_counts_survive_a_restart(tmp_path: Path, calendar: Calendar) -> None:
    async with without_runner(tmp_path) as first:
        client = await planned(first, per_minute=2, per_month=3)
        assert [(await client.post(body_of())).status for _ in range(3)] == [200, 200, 429]
    async with without_runner(tmp_path) as second:
        client = replace(client, server=second.server, session=second.session, store=second.store)
        assert (await client.post(body_of())).status == 429
        calendar.now += timedelta(minutes=1)
        assert [(await client.post(body_of())).status for _ in range(2)] == [200, 429]
        assert (await usage(client))["month"]["left"] == 0


async def test_the_usage_tells_plan_counts_and_earlier_months(desk: Client, calendar: Calendar) -> None:
    client = await planned(desk, per_minute=5, concurrent=2)
    for moment in (datetime(2013, 9, 1, tzinfo=UTC), datetime(2014, 6, 30, 23, 59, tzinfo=UTC), START, START):
        calendar.now = moment
        await client.posted(body_of())
    assert await usage(client) == {
        "user_id": client.user.id,
        "plan": {"per_minute": 5, "per_month": None, "concurrent": 2},
        "minute": {"used": 2, "most": 5, "left": 3, "ends": "2014-08-30T12:01:00.000Z"},
        "month": {"name": "2014-08", "used": 2, "most": None, "left": None, "ends": "2014-09-01T00:00:00.000Z"},
        "months": {"2014-06": 1, "2013-09": 1},
        "jobs": {"pending": 4, "processing": 0},
    }


async def test_the_usage_is_the_users_own(idle: Client) -> None:
    other = await idle.as_new_user()
    assert (await idle.ask("GET", f"/v1/users/{other.user.id}/usage")).status == 401
    assert (await usage(idle))["plan"] == {"per_minute": None, "per_month": None, "concurrent": None}
