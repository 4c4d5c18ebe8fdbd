"""Owns jobs over HTTP with nobody working on them: pages, keys, waiting, ending, retrying. Never a picture."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from sixpx.api.v1 import write
from sixpx.api.v1.versions import VERSIONS
from sixpx.clock import now
from sixpx.core.job import Job, Status
from sixpx.core.query import COUNT_MOST, Found, Page
from sixpx.hub import JobEvent
from tests.api.clients import Client, Reply, body_of
from tests.api.conftest import without_runner
from tests.contract.jobs import ended, job_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def end(client: Client, job_id: str, status: Status = Status.COMPLETE) -> Job:
    """Does what a runner would: the job ends, and that is told."""
    job = await client.store.job(client.user.id, job_id)
    assert job is not None
    claims = await client.store.claim("test", now(), now() + timedelta(seconds=60), 10_000)
    claim = next(one for one in claims if one.job.id == job_id)
    done = ended(claim.job, status)
    await client.store.save(claim, done, now())
    client.hub.publish(JobEvent(job_id, client.user.id, status))
    return done


def links(reply: Reply | web.Response) -> dict[str, str]:
    parts = reply.headers.get("Link", "").split(", ")
    return {one.split('rel="')[1].rstrip('"'): one.split(">")[0].lstrip("<") for one in parts if one}


# --- lists ----------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def seven(idle: Client) -> list[str]:
    """Seven jobs of this user, oldest first."""
    return [await idle.posted(body_of()) for _ in range(7)]


async def test_jobs_are_listed_newest_first_ten_a_page(idle: Client, seven: list[str]) -> None:
    more = [await idle.posted(body_of()) for _ in range(4)]
    reply = await idle.get()
    assert [one["_id"] for one in reply.json] == [*seven, *more][::-1][:10]
    assert reply.headers["X-Total-Count"] == "11"
    assert "X-Total-Count-Capped" not in reply.headers


@pytest.mark.parametrize(
    ("number", "full", "expected"),
    [
        (1, True, {"first": 1, "next": 2}),
        (1, False, {"first": 1}),
        (7_000, True, {"first": 1, "prev": 6_999, "next": 7_001}),
        (7_000, False, {"first": 1, "prev": 6_999}),
    ],
)
async def test_links_lead_to_the_end_where_nobody_counted_and_no_further(
    number: int, full: bool, expected: Mapping[str, int]
) -> None:
    found = Found((job_of(1), job_of(2)) if full else (job_of(1),), COUNT_MOST)
    reply = await write.jobs(found, next(iter(VERSIONS)), Page(number, 2), "/jobs", {})
    assert reply.headers["X-Total-Count-Capped"] == "true"
    led = {relation: int(parse_qs(urlsplit(one).query)["page"][0]) for relation, one in links(reply).items()}
    assert led == expected


async def test_the_link_header_leads_through_all_pages(idle: Client, seven: list[str]) -> None:
    seen, path = [], "?per_page=3&sort_by=created,asc"
    for turn in range(1, 4):
        reply = await idle.get(path)
        seen += [one["_id"] for one in reply.json]
        found = links(reply)
        assert set(found) == {1: {"first", "next", "last"}, 2: {"first", "prev", "next", "last"}}.get(
            turn, {"first", "prev", "last"}
        )
        if "next" in found:
            path = found["next"].removeprefix(idle.jobs)
    assert seen == seven
    assert parse_qs(urlsplit(found["last"]).query) == {
        "per_page": ["3"],
        "sort_by": ["created,asc"],
        "page": ["3"],
    }


async def test_links_carry_neither_key_nor_secret(idle: Client, seven: list[str]) -> None:
    reply = await idle.get(f"?key={idle.user.api_key}&secret={idle.secret}&per_page=2&page=2", auth=None)
    assert set(links(reply)) == {"first", "prev", "next", "last"}
    whole = str(reply.headers) + reply.body.decode()
    assert idle.user.api_key not in whole
    assert idle.secret not in whole


async def test_more_than_a_hundred_a_page_are_clamped(idle: Client, seven: list[str]) -> None:
    reply = await idle.get("?per_page=5000")
    assert (reply.status, len(reply.json)) == (200, 7)
    assert "per_page=100" in links(reply)["first"]


async def test_a_page_beyond_the_last_is_empty_and_links_back(idle: Client, seven: list[str]) -> None:
    reply = await idle.get("?page=9&per_page=3")
    assert (reply.status, reply.json, reply.headers["X-Total-Count"]) == (200, [], "7")
    assert {"first", "last"} <= set(links(reply))


@pytest.mark.parametrize(
    ("order", "newest_first"),
    [("created", False), ("created,asc", False), ("created,1", False), ("created,desc", True), ("created,-1", True),
     ("created,DESC", True), ("modified", False), ("modified,desc", True), ("", True)],
)  # fmt: skip
async def test_a_list_is_sorted_as_asked(idle: Client, seven: list[str], order: str, newest_first: bool) -> None:
    found = [one["_id"] for one in (await idle.get(f"?sort_by={order}")).json]
    assert found == (seven[::-1] if newest_first else seven)


async def test_a_list_is_a_users_own(idle: Client, seven: list[str]) -> None:
    other = await idle.as_new_user()
    assert (await other.get()).json == []


# --- one POST, one job ----------------------------------------------------------------------------


async def test_a_key_and_body_sent_again_give_the_first_job(idle: Client) -> None:
    headers = {"Idempotency-Key": "a-key"}
    first = await idle.post(body_of(), headers=headers)
    again = await idle.post(body_of(), headers=headers)
    assert (again.status, again.json, again.headers["Location"]) == (200, first.json, first.headers["Location"])
    spaced = await idle.post(b" " + orjson.dumps(body_of()), headers=headers)
    assert spaced.json == first.json
    assert len((await idle.get()).json) == 1


async def test_a_replayed_key_tells_nobody_of_a_new_job(idle: Client) -> None:
    events: list[JobEvent] = []
    headers = {"Idempotency-Key": "a-key"}
    with idle.hub.listening(idle.user.id, events.append):
        ids = {(await idle.post(body_of(), headers=headers)).json["id"] for _ in range(2)}
        posts = (idle.post(body_of(), headers={"Idempotency-Key": "k"}) for _ in range(8))
        ids |= {one.json["id"] for one in await asyncio.gather(*posts)}
    assert sorted(one.job_id for one in events) == sorted(ids)
    assert len(ids) == 2


async def test_a_large_body_with_a_key_is_the_same_body_when_only_its_white_space_differs(idle: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    raw = orjson.dumps(body_of(data={"text": "x" * 1_000_000, "order": {"a": 1, "b": 2}}))
    first = (await idle.post(raw, headers=headers)).json
    assert (await idle.post(raw[:-1] + b" \n}", headers=headers)).json == first
    turned = raw.replace(b'{"a":1,"b":2}', b'{"b":2,"a":1}')
    assert (await idle.post(turned, headers=headers)).status == 422


async def test_a_key_with_another_body_is_422(idle: Client) -> None:
    headers = {"Idempotency-Key": "a-key"}
    await idle.posted(body_of(), headers=headers)
    for other in (body_of({"tag": "other"}), body_of(data={"a": 1}), {}):
        reply = await idle.post(other, headers=headers)
        assert (reply.status, reply.json["type"]) == (422, "urn:sixpx:error:idempotency_key_reused")
    assert len((await idle.get()).json) == 1


async def test_posts_with_one_key_at_the_same_time_make_one_job(idle: Client) -> None:
    replies = await asyncio.gather(*(idle.post(body_of(), headers={"Idempotency-Key": "k"}) for _ in range(12)))
    assert {one.status for one in replies} == {200}
    assert len({one.json["id"] for one in replies}) == 1
    assert len((await idle.get()).json) == 1


async def test_a_key_that_came_with_a_mistake_is_free_for_the_mended_body(idle: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    assert (await idle.post({}, headers=headers)).status == 400
    assert (await idle.post(body_of(), headers=headers)).status == 200


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "ü"])
async def test_a_key_that_is_none_is_400(idle: Client, key: str) -> None:
    reply = await idle.post(body_of(), headers={"Idempotency-Key": key})
    assert (reply.status, reply.json["detail"][:16]) == (400, "Idempotency-Key:")


async def test_posts_without_a_key_are_jobs_of_their_own(idle: Client) -> None:
    assert await idle.posted(body_of()) != await idle.posted(body_of())


# --- waiting --------------------------------------------------------------------------------------


async def test_waiting_ends_when_the_job_does(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    waiting = asyncio.create_task(idle.get(f"/{job_id}?wait=20"))
    while not idle.hub._listeners.get(job_id):  # noqa: ASYNC110 - until the request has arrived
        await asyncio.sleep(0.003)
    began = time.monotonic()
    await end(idle, job_id)
    assert (await waiting).json["status"] == "complete"
    assert time.monotonic() - began < 5


async def test_waiting_ends_after_the_seconds_asked_for(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    began = time.monotonic()
    assert (await idle.get(f"/{job_id}?wait=0.2")).json["status"] == "pending"
    assert 0.2 <= time.monotonic() - began < 5
    assert not idle.hub._listeners.get(job_id)


async def test_waiting_for_an_ended_job_takes_no_time(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    await end(idle, job_id)
    began = time.monotonic()
    assert (await idle.get(f"/{job_id}?wait=60")).json["status"] == "complete"
    assert time.monotonic() - began < 5


async def test_a_client_that_waits_hears_of_a_cancellation(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    waiting = asyncio.create_task(idle.get(f"/{job_id}?wait=20"))
    while not idle.hub._listeners.get(job_id):  # noqa: ASYNC110 - until the request has arrived
        await asyncio.sleep(0.003)
    await idle.ask("DELETE", f"{idle.jobs}/{job_id}")
    assert (await waiting).json["status"] == "failed"


# --- delete, retry --------------------------------------------------------------------------------


async def test_deleting_a_pending_job_cancels_it_and_deleting_it_again_removes_it(idle: Client) -> None:
    path = f"{idle.jobs}/{await idle.posted(body_of())}"
    folder = idle.data / "hosted" / idle.user.id / path.rpartition("/")[2]
    await asyncio.to_thread(folder.mkdir, parents=True)
    await asyncio.to_thread((folder / "a.png").write_bytes, b"x")
    assert (await idle.ask("DELETE", path)).status == 202
    job = (await idle.ask("GET", path)).json
    assert (job["status"], job["error"]["code"]) == ("failed", "cancelled")
    assert job["processed"][0]["error"]["code"] == "cancelled"
    assert await asyncio.to_thread(folder.exists)
    removed = await idle.ask("DELETE", path)
    assert (removed.status, removed.body) == (204, b"")
    assert not await asyncio.to_thread(folder.exists)
    assert (await idle.ask("GET", path)).status == 404
    assert (await idle.ask("DELETE", path)).status == 404


async def test_a_job_is_removed_though_its_files_cannot_be_and_they_are_swept_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with without_runner(tmp_path) as client:
        job_id = await client.posted(body_of())
        await end(client, job_id)
        hosted, path = tmp_path / "hosted" / client.user.id, f"{client.jobs}/{job_id}"
        await asyncio.to_thread(hosted.parent.mkdir, parents=True)
        await asyncio.to_thread(hosted.write_text, "a file where a folder should be")
        with caplog.at_level(logging.WARNING):
            assert (await client.ask("DELETE", path)).status == 204
        (said,) = [one for one in caplog.records if getattr(one, "stage", "") == "remove"]
        assert said.job == job_id
        assert list(await client.store.leftovers()) == [f"{client.user.id}/{job_id}"]
        assert (await client.ask("DELETE", path)).status == 404
        assert (await client.ask("POST", path + "/retry")).status == 404


async def test_the_files_of_a_job_go_after_the_job_and_nothing_is_left_over(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    await end(idle, job_id)
    assert (await idle.ask("DELETE", f"{idle.jobs}/{job_id}")).status == 204
    assert f"{idle.user.id}/{job_id}" not in await idle.store.leftovers()


async def test_the_key_of_a_removed_job_makes_a_new_one(idle: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await idle.posted(body_of(), headers=headers)
    await idle.ask("DELETE", f"{idle.jobs}/{first}")
    assert await idle.posted(body_of(), headers=headers) == first
    await idle.ask("DELETE", f"{idle.jobs}/{first}")
    second = await idle.posted(body_of(), headers=headers)
    assert second != first
    assert (await idle.get(f"/{second}")).status == 200


async def test_a_failed_job_is_retried_and_a_good_one_is_a_conflict(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    path = f"{idle.jobs}/{job_id}/retry"
    assert (await idle.ask("POST", path)).status == 409
    await end(idle, job_id, Status.FAILED)
    reply = await idle.ask("POST", path)
    assert (reply.status, reply.json) == (200, {"id": job_id})
    job = (await idle.get(f"/{job_id}")).json
    assert (job["status"], job["processed"][0]["status"]) == ("pending", "pending")
    assert "error" not in job["processed"][0]
    await end(idle, job_id)
    reply = await idle.ask("POST", path)
    assert (reply.status, reply.json["type"]) == (409, "urn:sixpx:error:conflict")


async def test_a_retried_job_can_be_claimed_by_a_runner_that_listens(idle: Client) -> None:
    job_id = await idle.posted(body_of())
    await end(idle, job_id, Status.FAILED)
    events: list[JobEvent] = []
    with idle.hub.listening(job_id, events.append):
        await idle.ask("POST", f"{idle.jobs}/{job_id}/retry")
    assert [(one.job_id, one.user_id, one.status, one.by_owner) for one in events] == [
        (job_id, idle.user.id, Status.PENDING, True)
    ]


async def test_data_is_echoed_as_it_was_sent(idle: Client) -> None:
    data = {"a.b": {"$where": [1, 1.5, None, True]}, "": "", "\0": "\0 \u2028", "ü": 2**53, "order": {"z": 1, "a": 2}}
    job = (await idle.get(f"/{await idle.posted(body_of(data=data))}")).json
    assert orjson.dumps(job["data"]) == orjson.dumps(data)


async def test_a_large_job_is_shown_whole(idle: Client) -> None:
    data = {"rows": [{"id": number, "text": "ü" * 60} for number in range(5000)]}
    job_id = await idle.posted(body_of(data=data))
    assert (await idle.get(f"/{job_id}")).json["data"] == data
    assert [one["data"] for one in (await idle.get()).json] == [data]


async def test_a_stored_job_is_told_to_the_runner_once_it_is_durable(idle: Client) -> None:
    events: list[JobEvent] = []
    with idle.hub.listening(idle.user.id, events.append):
        job_id = await idle.posted(body_of())
    assert [(one.job_id, one.user_id, one.status, one.by_owner) for one in events] == [
        (job_id, idle.user.id, Status.PENDING, True)
    ]
    assert await idle.store.job(idle.user.id, job_id) is not None
