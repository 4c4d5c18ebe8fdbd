"""Owns searches over HTTP: the editions' own, as printed, and what is refused. Never the whole language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sixpx.api.v1.versions import VERSIONS
from sixpx.clock import now
from sixpx.core.job import Job, Picture, Span, Status, Stored
from sixpx.ids import new_id
from sixpx.settings import Search, Server, Settings
from tests.api.clients import PUBLIC, Client, Reply, body_of
from tests.api.conftest import OnlyItsFace, speaking
from tests.contract.jobs import ended, job_of
from tests.golden.editions import Request, requests

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOULDER, DENVER, PARIS = (40.0176, -105.2797), (39.7392, -104.9903), (48.8566, 2.3522)
OLD = datetime(1999, 12, 12, 13, 33, tzinfo=UTC)


async def kept(client: Client, job: Job, **parts: Any) -> str:
    """The id of a job that lies in the store as if it had been posted and worked on."""
    made = replace(job, id=new_id(), user_id=client.user.id, **parts)
    return await client.store.add_job(made, {}, None, now())


def picture_at(place: tuple[float, float]) -> dict[str, Any]:
    return {"pictures": (Picture("main", 4, 3, "image/jpeg", 120, place),)}


def heavy(bytes: int) -> Job:
    job = ended(job_of(1))
    (one,) = job.processed
    stored = {"main": Stored(4, 3, bytes, "image/png", "http://files.test/one.png")}
    return replace(job, processed=(replace(one, stored=stored),))


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    assert reply.headers["X-Total-Count"] == str(len(reply.json))
    return [one["_id"] for one in reply.json]


# --- the editions ---------------------------------------------------------------------------------

NO_SEARCH = ("", "key", "page", "sort_by")
CURLED = [one for one in requests() if one.method == "GET" and one.query.partition("=")[0] not in NO_SEARCH]


@pytest.mark.parametrize("example", CURLED, ids=lambda one: one.at)
async def test_every_search_that_curl_sends_finds_what_its_text_says(idle: Client, example: Request) -> None:
    found = {
        "processed.bytes": await kept(idle, heavy(1_048_577)),
        "status": await kept(idle, job_of(1), status=Status.PROCESSING),
        "processed.images.latlon": await kept(idle, job_of(1), **picture_at(BOULDER)),
        "data.id": await kept(idle, job_of(1), data={"id": "1234"}),
    }
    others = [
        await kept(idle, heavy(1_048_576), data={"id": "12345"}),
        await kept(idle, job_of(1), **picture_at(DENVER), created=OLD),
        await kept(idle, job_of(1), **picture_at(PARIS), data={"name": "1234"}),
    ]
    before = await kept(idle, job_of(1), created=datetime(1999, 12, 12, 13, 32, 59, 999_000, UTC))
    field = example.query.partition("=")[0]
    expected = {found[field]} if field in found else {*found.values(), *others}
    assert set(ids(await idle.get(f"?{example.query}&per_page=100"))) == expected
    assert before not in expected


async def test_the_editions_print_eleven_searches() -> None:
    assert len(CURLED) == 11


SEVERAL: Mapping[str, tuple[list[Any], list[Any]]] = {
    "data.number={all}123,456": ([[123, 456], [456, 7, 123]], [123, [456], None]),
    "data.number={nin}123,456": ([7, None, [7]], [123, [456], "123"]),
    "data.number={in}123,456": ([123, 456, [7, 456]], [7, None]),
    "data.number={gt}123": ([124, 123.5], [123, 122, "124"]),
    "data.number={gte}123": ([124, 123], [122]),
    "data.number={lt}123": ([122, -5], [123, 124]),
    "data.number={lte}123": ([122, 123.0], [124]),
    "data.number={ne}123": ([122, "x"], [123, 123.0, [123]]),
    "data.number={mod}10,2": ([2, 12, 112], [3, 10, "12"]),
    "data.string={all}foo,bar": (["foobar", "Bar Foo", ["foo", "bar"]], ["foo", "bar", None]),
    "data.string={nin}foo,bar": (["baz", 5], ["Foo", "a bar", ["x", "BAR"]]),
    "data.string={in}foo,bar": (["Foo", "rebar"], ["baz", 5]),
    "data.string={not}foo": (["bar", 5], ["foo", "a FOO b"]),
    "data.string={exact}fOoBaR": (["fOoBaR"], ["foobar", "fOoBaR!", "xfOoBaR"]),
    "data.date={gt}1999-12-12T13:33:00.000Z": (["1999-12-12T13:33:00.001Z"], ["1999-12-12T13:33:00.000Z"]),
    "data.date={gte}1999-12-12T13:33:00.000Z": (["1999-12-12T13:33:00.000Z"], ["1999-12-12T13:32:59.999Z"]),
    "data.date={lt}1999-12-12T13:33:00.000Z": (["1998-12-12T13:33:00.000Z"], ["1999-12-12T13:33:00.000Z"]),
    "data.date={lte}1999-12-12T13:33:00.000Z": (["1999-12-12T13:33:00.000Z"], ["1999-12-12T13:33:00.001Z"]),
    "data.date={gt}1999-12-12T13:33:00.000Z{lt}2014-01-01T01:01:01.000Z": (
        ["2003-01-01T00:00:00.000Z"],
        ["1999-12-12T13:33:00.000Z", "2014-01-01T01:01:01.000Z", "2015-01-01T01:01:01.000Z"],
    ),
}
"""The operators that the editions list, for a field of `data`: which of its values are found, and which not."""


@pytest.mark.parametrize("text", SEVERAL)
async def test_every_operator_of_the_editions_lists_does_what_is_printed_beside_it(idle: Client, text: str) -> None:
    name = text.partition("=")[0].removeprefix("data.")
    within, without = SEVERAL[text]
    expected = [await kept(idle, job_of(1), data={name: value}) for value in within]
    for value in without:
        await kept(idle, job_of(1), data={name: value})
    assert set(ids(await idle.get(f"?{text}"))) == set(expected)
    as_printed = await idle.get(f"?{text.removeprefix('data.')}")  # no job has such a field
    assert len(ids(as_printed)) == (len(within) + len(without) if text.split("{")[1][:2] in ("ni", "ne", "no") else 0)


DATES = {
    "created={gt}1999-12-12T13:33:00.000Z": [1],
    "created={gte}1999-12-12T13:33:00.000Z": [0, 1],
    "created={lt}1999-12-12T13:33:00.000Z": [-1],
    "created={lte}1999-12-12T13:33:00.000Z": [-1, 0],
    "created={gt}1999-12-12T13:33:00.000Z{lt}2014-01-01T01:01:01.000Z": [1],
    "created=1999-12-12T14:33:00.000+01:00": [0],
    "created={ne}1999-12-12T13:33:00.000Z": [-1, 1],
}


@pytest.mark.parametrize("text", DATES)
async def test_dates_are_compared_as_moments(idle: Client, text: str) -> None:
    made = {by: await kept(idle, job_of(1), created=OLD.replace(year=1999 + by)) for by in (-1, 0, 1)}
    assert ids(await idle.get(f"?{text}&sort_by=created")) == [made[by] for by in DATES[text]]


@pytest.mark.parametrize("name", ["latlon", "processed.images.latlon"])
async def test_a_position_finds_the_nearest_first_within_miles(idle: Client, name: str) -> None:
    paris, denver, boulder = [await kept(idle, job_of(1), **picture_at(at)) for at in (PARIS, DENVER, BOULDER)]
    await kept(idle, job_of(1))
    assert ids(await idle.get(f"?{name}={{near}}40.0176,-105.2797&sort_by=created")) == [boulder, denver, paris]
    assert ids(await idle.get(f"?{name}={{near}}40.0176,-105.2797,5")) == [boulder]
    assert ids(await idle.get(f"?{name}={{near}}40.0176,-105.2797,30")) == [boulder, denver]


# --- beyond them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_documented_names_work_in_every_version(idle: Client, version: str) -> None:
    span = Span(OLD, OLD.replace(second=2), 30, 40)
    found = await kept(idle, heavy(2_000_000), total=span, **picture_at(PARIS))
    await kept(idle, job_of(1, tags=("two",)))
    for text in (
        "processed.bytes={gt}1048576",
        "processed.duration.total=2000",
        "processed.duration.start={lt}2000",
        "processed.duration.upload={gt}39",
        "processed.images.latlon={near}48.8566,2.3522,1",
        "processed.images.width=4",
        "processed.data.bytes=2000000",
        "processed.data.output.main.info.width={lt}5",
        "processed.output.main.info.type=PNG",
        "processed.status=complete",
        "processed.name=one",
        "images.type=jpeg",
    ):
        assert ids(await idle.get(f"?{text}", headers={"6px-Version": version})) == [found], text
    in_order = await idle.get("?sort_by=processed.bytes,desc", headers={"6px-Version": version})
    assert ids(in_order)[0] == found


async def test_a_parameter_may_come_twice_and_pages_keep_all_of_it(idle: Client) -> None:
    for number in range(5):
        await kept(idle, job_of(1), data={"n": number})
    reply = await idle.get("?data.n={gt}0&data.n={lt}4&data.n={ne}2&per_page=1&sort_by=data.n")
    assert [one["data"]["n"] for one in reply.json] == [1]
    assert reply.headers["X-Total-Count"] == "2"
    following = next(one for one in reply.headers["Link"].split(", ") if 'rel="next"' in one)
    address = following.split(">")[0].lstrip("<")
    pairs = parse_qsl(urlsplit(address).query)
    assert [value for name, value in pairs if name == "data.n"] == ["{gt}0", "{lt}4", "{ne}2"]
    again = await idle.ask("GET", address)
    assert [one["data"]["n"] for one in again.json] == [3]


async def test_a_plus_that_was_decoded_to_a_space_is_still_an_offset(idle: Client) -> None:
    made = await kept(idle, job_of(1), created=datetime(2014, 8, 16, 20, 41, 6, 343_000, UTC))
    for text in ("2014-08-16T20:41:06.343+00:00", "2014-08-16T22:41:06.343%2B02:00", "2014-08-16T20:41:06.343%2000:00"):
        assert ids(await idle.get(f"?created={text}")) == [made]


@pytest.mark.parametrize("text", ["a,b", "{gt}5", "50% off", "a_b", "C:\\temp", "ünï & co.", "a+b", "\\", "'; --"])
async def test_every_character_can_be_asked_for(idle: Client, text: str) -> None:
    made = await kept(idle, job_of(1), data={"x": f"<{text}>"})
    await kept(idle, job_of(1), data={"x": "<another>"})
    escaped = "".join(f"\\{one}" if one in "\\{}," else one for one in text)
    asked = "".join(f"%{byte:02X}" for byte in escaped.encode())
    assert ids(await idle.get(f"?data.x={asked}")) == [made]
    assert ids(await idle.get(f"?data.x={{exact}}%3C{asked}%3E")) == [made]


async def test_credentials_are_never_found(idle: Client) -> None:
    body = body_of(
        {"url": "s3://AKIAKEY:VERYSECRET@bucket/path"},
        input={"main": "http://user:VERYSECRET@example.com/a.png"},
        callback={"url": "https://user:VERYSECRET@example.com/hook"},
    )
    made = await idle.posted(body)
    for name in ("output.url", "input.main", "callback.url", "callback", "output", "input", "_id", "user_id"):
        for word in ("VERYSECRET", "secret", "SECRET@", "gAAAA"):
            assert ids(await idle.get(f"?{name}={word}")) == []
    assert ids(await idle.get("?output.url=***@bucket")) == [made]
    assert ids(await idle.get("?input.main=***&callback.url=hook")) == [made]
    for private in ("sixpx.output.sealed", "sixpx.callback", "sixpx"):
        assert (await idle.get(f"?{private}=gAAAA")).status == 400
        assert (await idle.get(f"?sort_by={private}")).status == 400


async def test_key_and_secret_are_no_fields(idle: Client) -> None:
    made = await kept(idle, job_of(1), data={"x": "kale"})
    asked = f"?key={idle.user.api_key}&secret={idle.secret}&data.x=kale&wait=1"
    assert ids(await idle.get(asked, auth=None)) == [made]


async def test_what_is_wrong_is_a_problem_that_names_each_parameter(idle: Client) -> None:
    reply = await idle.get("?page=0&processed.bytes={gtt}5&created=soon&data.%24x=1&latlon={near}91,0")
    assert (reply.status, reply.headers["Content-Type"]) == (400, "application/problem+json")
    assert reply.json["type"] == "urn:sixpx:error:invalid"
    assert reply.pointers == ["/page", "/processed.bytes", "/created", "/data.$x", "/latlon"]
    assert "did you mean {gt}?" in reply.json["errors"][1]["detail"]
    assert all(one["detail"] in reply.json["detail"] for one in reply.json["errors"])


@pytest.mark.parametrize(
    "query", ["data.x=%FF", "data.x=%ED%A0%80", "%FF=1", "data.%00=1", "data.x=%00", "{gt}=5", "=", "&&", "%"]
)
async def test_odd_bytes_in_a_query_are_a_list_or_a_bad_request(idle: Client, query: str) -> None:
    assert (await idle.get(f"?{query}")).status in (200, 400)


async def test_a_search_over_its_time_is_422(tmp_path: Path) -> None:
    settings = Settings(server=Server(public_url=PUBLIC, data=str(tmp_path)), search=Search(seconds=1e-9))
    face = OnlyItsFace(settings)
    face.open()
    async with speaking(face.web(), face.store, face.hub, tmp_path, face.vault) as client:
        await client.posted(body_of())
        reply = await client.get("?data.x={ne}kale")
        assert (reply.status, reply.headers["Content-Type"]) == (422, "application/problem+json")
        assert reply.json["type"] == "urn:sixpx:error:query_too_slow"
    await face.store.close()
