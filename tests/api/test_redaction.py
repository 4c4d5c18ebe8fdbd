"""Owns the promise that what is secret never comes out again: not in a reply, a log, or the database's bytes."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from sixpx.api.middleware import Runner
from sixpx.new_user import NewUser, new_user
from sixpx.settings import Server, Settings
from tests.api.clients import PUBLIC, Client, Reply, body_of, step
from tests.api.conftest import OnlyItsFace, Pictures

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


@pytest.mark.parametrize("userinfo", [f"hook:{PLANTED}@", ""])
async def test_the_whole_url_of_a_callback_is_kept_sealed(idle: Client, userinfo: str) -> None:
    url = f"https://{userinfo}example.com/done?a=1"
    job_id = await idle.posted(body_of(callback={"url": url}))
    job = await idle.store.job(idle.user.id, job_id)
    assert job is not None
    assert job.callback_sealed is not None
    assert idle.open(job.callback_sealed) == url
    shown = await idle.get(f"/{job_id}")
    assert PLANTED not in said(shown)
    assert job.callback_sealed not in said(shown)


@pytest.mark.parametrize("callback", [None, False, "", {}, {"url": ""}, {"url": False}])
async def test_a_callback_without_a_url_is_echoed_and_has_none_to_keep(idle: Client, callback: object) -> None:
    parts = {} if callback is None else {"callback": callback}
    job = await idle.store.job(idle.user.id, await idle.posted(body_of(**parts)))
    assert job is not None
    assert job.callback_sealed is None
    assert (await idle.get(f"/{job.id}")).json.get("callback") == callback
    assert (await idle.get(f"/{job.id}/deliveries")).json == []


async def test_a_masked_name_is_shown_as_the_mask(idle: Client, caplog: pytest.LogCaptureFixture) -> None:
    url = f"s3://hidden-key:{PLANTED}@hidden-bucket/path"
    user = await idle.as_new_user({"photos": idle.seal(url)})
    with caplog.at_level(logging.DEBUG):
        reply = await user.get(f"/{await user.posted(body_of({'url': 'photos'}))}")
    assert reply.json["output"][0]["url"] == "photos"
    for text in (said(reply), caplog.text, (await asyncio.to_thread(held, idle)).decode("latin-1")):
        assert PLANTED not in text
        assert "hidden-bucket" not in text
        assert "hidden-key" not in text


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


# --- what is no HTTP ------------------------------------------------------------------------------

LINE = b"GET /v1/users/x/jobs?key=k&secret=pLaNtEd-sEcReT "
POST = b"POST JOBS?PAIR HTTP/1.1\r\nHost: h\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED: dict[str, tuple[bytes, ...]] = {
    "bad version": (LINE + b"HTTP/9.9x\r\nHost: h\r\n\r\n",),
    "no version": (LINE + b"\r\n\r\n",),
    "bad method": (b"pLaNtEd-sEcReT / HTTP/1.1\r\n\r\n", b"\r\n"),
    "bad header": (LINE + b"HTTP/1.1\r\nHost: h\r\nbad header pLaNtEd-sEcReT\r\n\r\n",),
    "NUL in a header": (LINE + b"HTTP/1.1\r\nHost: h\r\nX: pLaNtEd-sEcReT\0\r\n\r\n",),
    "bad cookie": (LINE + b"HTTP/1.1\r\nHost: h\r\nCookie: pLaNtEd-sEcReT\x01=;;=\r\n\r\n",),
    "huge header": (LINE + b"HTTP/1.1\r\nHost: h\r\nX: pLaNtEd-sEcReT" + b"a" * 20_000 + b"\r\n\r\n",),
    "huge request line": (LINE[:-1] + b"a" * 20_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",),
    "many headers": (LINE + b"HTTP/1.1\r\nHost: h\r\n" + b"pLaNtEd-sEcReT: 1\r\n" * 300 + b"\r\n",),
    "NUL in the path": (b"GET /\0pLaNtEd-sEcReT HTTP/1.1\r\nHost: h\r\n\r\n",),
    "bad host in the path": (b"GET http://u:pLaNtEd-sEcReT@[::1/ HTTP/1.1\r\nHost: h\r\n\r\n",),
    "bad length": (POST + b"Content-Length: pLaNtEd-sEcReT\r\n\r\n",),
    "bad transfer coding": (POST + b"Transfer-Encoding: pLaNtEd-sEcReT\r\n\r\n",),
    "two lengths": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 14\r\n\r\npLaNtEd-sEcReT",),
    "bad chunk": (CHUNKED + b"pLaNtEd-sEcReT\r\nzz\r\n\r\n",),
    "bad chunk later": (CHUNKED + b"3\r\nabc\r\n", b"pLaNtEd-sEcReT\r\nzz\r\n\r\n"),
    "bad gzip": (POST + b"Content-Encoding: gzip\r\nContent-Length: 14\r\n\r\n", b"pLaNtEd-sEcReT"),
    "after a good one": (b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n", LINE + b"HTTP/9.9x\r\n\r\n"),
}
UNWANTED = {
    "bad expectation": (b"417", b"GET /livez HTTP/1.1\r\nHost: h\r\nExpect: pLaNtEd-sEcReT\r\n\r\n"),
    "odd host in the path": (b"404", b"GET http://u:pLaNtEd-sEcReT@xn--/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    "a stray byte in the key": (b"401", b"GET JOBS HTTP/1.0\r\nAuthorization: Bearer \xffpLaNtEd-sEcReT:x\r\n\r\n"),
    "a NUL in the key": (b"401", b"GET JOBS?key=%00&secret=pLaNtEd-sEcReT%00 HTTP/1.1\r\nHost: h\r\n\r\n"),
}  # fmt: skip


class Raw:
    """Speaks to a service in bytes, as `sixpx serve` serves it."""

    def __init__(self, port: int, user: NewUser) -> None:
        self._port = port
        self._words = {
            b"JOBS": f"/v1/users/{user.user.id}/jobs".encode(),
            b"PAIR": f"key={user.user.api_key}&secret={user.secret}".encode(),
        }

    async def say(self, *parts: bytes) -> bytes:
        """All that is answered until the other side closes, or has nothing more to say."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for part in parts:
            for word, meant in self._words.items():
                part = part.replace(word, meant)
            writer.write(part)
            await asyncio.sleep(0.05)
        answer = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while piece := await reader.read(65536):
                    answer += piece
        writer.close()
        await asyncio.sleep(0.02)
        return answer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def raw(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Raw]:
    settings = Settings(server=Server(public_url=PUBLIC, data=str(tmp_path_factory.mktemp("raw"))))
    face, user = OnlyItsFace(settings), new_user("raw")
    face.open()
    await face.store.add_user(user.user)
    runner = Runner(face.web(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Raw(runner.addresses[0][1], user)
    await runner.cleanup()
    await face.store.close()


def problems_of(answer: bytes) -> list[dict[str, Any]]:
    return [
        orjson.loads(one.partition(b"\r\n\r\n")[2]) for one in answer.split(b"HTTP/1.")[1:] if b"problem+json" in one
    ]


def loud(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What is more than a whisper; the callbacks of other tests' jobs, tried meanwhile, are no part of it."""
    return [one for one in caplog.records if one.levelno > logging.DEBUG and one.name != "sixpx.callbacks"]


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_http_is_neither_echoed_nor_logged(
    raw: Raw, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await raw.say(*MALFORMED[name])
        gc.collect()  # a task that failed tells its exception when it goes
    assert PLANTED.encode() not in answer
    assert b" 400 Bad Request\r\n" in answer
    assert [one["status"] for one in problems_of(answer)] == [400]
    assert PLANTED not in caplog.text
    assert not loud(caplog), caplog.text


@pytest.mark.parametrize("name", UNWANTED)
async def test_what_is_odd_is_explained_without_an_echo(raw: Raw, caplog: pytest.LogCaptureFixture, name: str) -> None:
    status, sent = UNWANTED[name]
    with caplog.at_level(logging.DEBUG):
        answer = await raw.say(sent)
        gc.collect()
    assert PLANTED.encode() not in answer
    assert [one["status"] for one in problems_of(answer)] == [int(status)]
    assert PLANTED not in caplog.text
    assert not loud(caplog), caplog.text


async def test_a_target_that_breaks_the_parser_ends_the_connection(raw: Raw, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert await raw.say(b"GET http://[pLaNtEd-sEcReT]@/ HTTP/1.1\r\nHost: h\r\n\r\n") == b""
    assert PLANTED not in caplog.text
    assert not loud(caplog), caplog.text


async def test_a_good_request_is_served_as_ever(raw: Raw) -> None:
    answer = await raw.say(CHUNKED + b"3\r\n[1]\r\n0\r\n\r\n")
    assert b"problem+json" in answer
    assert b"expected a job" in answer
    assert (await raw.say(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n" * 2)).count(b'{"status":"ok"}') == 2


async def test_a_mistake_outside_of_the_middlewares_is_told_without_its_words(
    raw: Raw, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError(PLANTED)

    monkeypatch.setattr(web.Response, "prepare", broken)
    await raw.say(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
    assert "ValueError" in caplog.text
    assert PLANTED not in caplog.text


async def test_the_bytes_of_a_body_that_was_refused_are_not_kept(idle: Client) -> None:
    await idle.post(orjson.dumps({"input": {"main": PLANTED + "-refused"}}))
    assert (PLANTED + "-refused").encode() not in await asyncio.to_thread(held, idle)
