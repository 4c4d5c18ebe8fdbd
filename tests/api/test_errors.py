"""Owns what a client is told of its mistakes: every one at once, in one shape, with nothing of ours in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.clients import PICTURE, Client, body_of, data_uri, picture, step

pytestmark = pytest.mark.asyncio(loop_scope="session")


def resize(**options: Any) -> dict[str, Any]:
    return {"methods": [step("resize", **options)]}


WRONG: dict[str, tuple[Any, list[str]]] = {
    "nothing": ({}, ["/input", "/output"]),
    "a list": ([], [""]),
    "an unknown key": (body_of(inputs={}), ["/inputs"]),
    "no outputs": ({"input": {"main": PICTURE}, "output": []}, ["/output"]),
    "an unknown ref": (body_of({"ref": {"other": False}}), ["/output/0/ref/other"]),
    "an unknown ref in a list": (body_of({"ref": ["main", "other"]}), ["/output/0/ref/1"]),
    "main among several": (body_of(input={"a": PICTURE, "b": PICTURE}), ["/output/0/ref/main"]),
    "an unknown layer": (
        body_of({"methods": [step("layer", ref="logo")]}),
        ["/output/0/methods/0/options/ref"],
    ),
    "a bad width": (body_of(resize(width=-5)), ["/output/0/methods/0/options/width"]),
    "an unknown option": (body_of(resize(width=5, with_=3)), ["/output/0/methods/0/options/with_"]),
    "an unknown method": (body_of({"methods": [step("resise", width=5)]}), ["/output/0/methods/0/method"]),
    "equal tags": (body_of({"tag": "a"}, {"tag": "a"}), ["/output/1/tag"]),
    "a tag like a default": (body_of({"tag": "output-2"}, {}), ["/output/1/tag"]),
    "an unknown mask": (body_of({"url": "my-bucket"}), ["/output/0/url"]),
    "a bad connection string": (body_of({"url": "s3://bucket"}), ["/output/0/url"]),
    "an unknown scheme": (body_of({"url": "gopher://a:b@c/d"}), ["/output/0/url"]),
    "a bad input": (body_of(input={"main": "ftp://a/b"}), ["/input/main"]),
    "a hostless input": (body_of(input={"main": "http://"}), ["/input/main"]),
    "a broken data URI": (body_of(input={"main": "data:image/png;base64,@@@"}), ["/input/main"]),
    "a bad callback": (body_of(callback={"url": "mailto:a@b"}), ["/callback/url"]),
    "a file name with a slash": (body_of({"ref": {"main": "../a"}}), ["/output/0/ref/main"]),
    "a file name that no disk takes": (body_of({"ref": {"main": "ü" * 150}}), ["/output/0/ref/main"]),
    "one file name twice": (
        body_of({"ref": {"main": "a.png"}, "type": "image/png"}, {"ref": {"main": "a"}, "type": "image/png"}),
        ["/output/1/ref/main"],
    ),
    "one file name twice, one type open": (
        body_of({"ref": {"main": "a"}}, {"ref": {"main": "a"}, "type": "image/gif"}),
        ["/output/1/ref/main"],
    ),
    "a type that is no output": (body_of({"type": "image/svg+xml"}), ["/output/0/type"]),
    "too many methods": (body_of({"methods": [step("rotate", degrees=1)] * 21}), ["/output/0/methods"]),
    "too many outputs": (body_of(*[{"tag": str(n)} for n in range(51)]), ["/output"]),
    "too many inputs": (
        body_of({"ref": {"n0": False}}, input={f"n{n}": PICTURE for n in range(21)}),
        ["/input"],
    ),
    "many at once, by their shape": (
        body_of({"type": "x", "tag": 5, "methods": [step("resize", width="a", height=True)]}, surprise=1, data=[]),
        [
            "/surprise",
            "/data",
            "/output/0/type",
            "/output/0/tag",
            "/output/0/methods/0/options/width",
            "/output/0/methods/0/options/height",
        ],
    ),
    "many at once, by their meaning": (
        body_of({"url": "who", "ref": {"x": False}}, {"tag": "output-1"}, input={"main": "http:///"}),
        ["/input/main", "/output/0/ref/x", "/output/0/url", "/output/1/tag"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_every_mistake_in_a_body_is_named_at_once(idle: Client, name: str) -> None:
    body, pointers = WRONG[name]
    reply = await idle.post(body)
    assert reply.status == 400
    assert sorted(reply.pointers) == sorted(pointers)
    assert all(one["detail"] for one in reply.json["errors"])
    assert (await idle.get()).json == []


async def test_an_error_is_a_problem_of_rfc_9457(idle: Client) -> None:
    reply = await idle.post({})
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert set(reply.json) == {"type", "title", "status", "detail", "errors"}
    assert (reply.json["status"], reply.json["title"]) == (400, "Bad Request")


@pytest.mark.parametrize("name", ["a file under two types", "two places", "random names"])
async def test_what_only_looks_like_a_collision_is_accepted(idle: Client, name: str) -> None:
    one, two = {"ref": {"main": "a"}, "type": "image/png"}, {"ref": {"main": "a"}, "type": "image/gif"}
    bodies = {
        "a file under two types": body_of(one, two),
        "two places": body_of(one, {**one, "url": "s3://k:s@bucket/p"}),
        "random names": body_of({}, {}),
    }
    assert (await idle.post(bodies[name])).status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"nope",
        b'{"input": NaN}',
        b'{"a": 1} x',
        b"[" * 200_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=["empty", "open", "not UTF-8", "a word", "NaN", "more after", "deep list", "deep object"],
)
async def test_a_body_that_is_no_json_is_refused(idle: Client, raw: bytes) -> None:
    reply = await idle.post(raw)
    assert reply.status == 400
    assert reply.json["detail"]


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
async def test_numbers_that_are_not_finite_are_refused(idle: Client, number: str) -> None:
    raw = (
        b'{"input":{"main":"http://a/b"},"output":[{"ref":["main"],"methods":'
        b'[{"method":"rotate","options":{"degrees":%s}}]}],"data":{"x":%s}}'
    )
    assert (await idle.post(raw % (number.encode(), b"1"))).status == 400
    assert (await idle.post(raw % (b"1", number.encode()))).status == 400


async def test_a_body_nested_too_deep_is_refused(idle: Client) -> None:
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    assert (await idle.post(body_of(data={"deep": deep}))).status == 400


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a-key"}])
@pytest.mark.parametrize("depth", [101, 300, 1000])
async def test_a_body_nested_too_deep_is_the_clients_mistake_with_a_key_too(
    idle: Client, depth: int, headers: dict[str, str]
) -> None:
    raw = b'{"data":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    for body in (raw, b"[" * depth + b"]" * depth, raw[:-1] + b" " * 1_000_001 + b"}"):
        reply = await idle.post(body, headers=headers)
        assert (reply.status, reply.pointers) == (400, [""]), reply.body
        assert "levels of nesting" in reply.json["detail"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_body_that_is_not_packed_as_it_says_is_the_clients_mistake(idle: Client, coding: str) -> None:
    reply = await idle.post(b'{"input": {}}', headers={"Content-Encoding": coding})
    assert reply.status == 400


async def test_a_body_over_the_limit_is_413(idle: Client) -> None:
    reply = await idle.post(body_of(data={"x": "y" * 2_000_001}))
    assert (reply.status, reply.json["type"]) == (413, "urn:sixpx:error:too_large")
    assert "limits.body_bytes" in reply.json["detail"]


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 100_000):
        yield b" " * 100_000


async def test_a_body_over_the_limit_that_does_not_say_its_size_is_413(idle: Client) -> None:
    auth = {"Authorization": f"Bearer {idle.pair}"}
    url = idle.server.make_url(idle.jobs)
    for size, status in ((2_100_000, 413), (100_000, 400)):
        async with idle.session.post(url, data=chunks(size), headers=auth) as reply:
            assert reply.status == status


async def test_a_large_body_under_the_limit_is_accepted(idle: Client) -> None:
    uri = data_uri(picture() + b"\0" * 1_100_000)
    assert (await idle.post(body_of(input={"main": uri}))).status == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/users", "/v1/users/%ff", "/favicon.ico", "/v1/limits/x", "//"])
async def test_an_unknown_address_is_404(idle: Client, path: str) -> None:
    reply = await idle.ask("GET", path)
    assert (reply.status, reply.json["status"]) == (404, 404)
    assert reply.headers["Content-Type"].startswith("application/problem+json")


async def test_an_unknown_job_is_404_and_so_is_another_users(idle: Client) -> None:
    other = await idle.as_new_user()
    theirs = await other.posted(body_of())
    for job_id in ("f" * 24, "nonsense", theirs, "%00", "a" * 5000):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/retry")):
            assert (await idle.ask(method, f"{idle.jobs}/{job_id}{path}")).status == 404
    assert (await other.get(f"/{theirs}")).json["status"] == "pending"


async def test_a_method_that_an_address_does_not_know_is_405_with_allow(idle: Client) -> None:
    reply = await idle.ask("PUT", idle.jobs)
    assert (reply.status, reply.json["status"]) == (405, 405)
    assert {one.strip() for one in reply.headers["Allow"].split(",")} >= {"GET", "POST"}


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=a", "page=1e3", "page=99999999999", "per_page=0", "per_page=x", "sort_by=$",
     "sort_by=created,up", "sort_by=,", "page=%00", "page=%D9%A3"],
)  # fmt: skip
async def test_a_bad_query_of_the_list_is_400(idle: Client, query: str) -> None:
    reply = await idle.get(f"?{query}")
    assert reply.status == 400
    assert reply.json["detail"].startswith(query.partition("=")[0])


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "x", "1,5", "-inf"])
async def test_a_bad_wait_is_400(idle: Client, wait: str) -> None:
    reply = await idle.get(f"/{await idle.posted(body_of())}?wait={wait}")
    assert (reply.status, reply.json["detail"][:5]) == (400, "wait:")


async def test_a_list_of_very_many_values_is_refused_before_it_is_judged(idle: Client) -> None:
    points = [[1, 2]] * 100_000
    curves = {"method": "filter", "options": {"curves": {"channels": "rgb", "points": points}}}
    reply = await idle.ask("POST", idle.jobs, body_of({"methods": [curves]}))
    assert (reply.status, [one["pointer"] for one in reply.json["errors"]]) == (400, ["/output"])
