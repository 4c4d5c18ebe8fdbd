"""Owns how S3 fails: parts that are given up, the words of its faults, silence, the guard. Against
OpenStack Swift's S3 face, and a front before it that gives the answers S3 documents. Never a stubbed client.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sixpx.credentials import parse
from sixpx.errors import Again, PutFailed, Refused
from sixpx.guard import Guard
from sixpx.targets import s3
from sixpx.targets.s3 import S3
from tests.contract.buckets import MEGABYTE, Amazon, at, failed, pending, through
from tests.contract.conftest import Packed
from tests.contract.places import LOOPBACK, SwiftS3Place
from tests.servers.base import HOST
from tests.servers.front import Answer, Front
from tests.servers.proxy import Fault, Harm, Proxy, Way

pytestmark = pytest.mark.asyncio(loop_scope="session")


# --- parts ----------------------------------------------------------------------------------------


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files over 6 MB go in parts of 5 MB, the smallest that S3 takes."""
    monkeypatch.setattr(s3, "WHOLE", 6 * MEGABYTE)
    monkeypatch.setattr(s3, "PART", 5 * MEGABYTE)


@pytest.mark.usefixtures("parts")
async def test_a_large_file_goes_in_parts(bucket: SwiftS3Place, to_s3: S3, front: Front, packed: Packed) -> None:
    body = os.urandom(11 * MEGABYTE)
    await to_s3.put(packed(body), at(front.url, "parts"))
    assert await bucket.content("parts/a.png") == body
    assert await bucket.type("parts/a.png") == "image/png"
    sent = [one for one in front.asked if "partNumber" in one.path]
    assert [int(one.headers["Content-Length"]) for one in sorted(sent, key=lambda one: one.path)] == [
        5 * MEGABYTE, 5 * MEGABYTE, MEGABYTE,
    ]  # fmt: skip
    assert all(one.headers["Content-MD5"] for one in sent)


@pytest.mark.usefixtures("parts")
async def test_parts_are_given_up_where_one_fails(
    bucket: SwiftS3Place, to_s3: S3, front: Front, packed: Packed
) -> None:
    front.answers = [None, None, Answer(500, "InternalError")]
    with pytest.raises(PutFailed, match="InternalError") as caught:
        await to_s3.put(packed(os.urandom(11 * MEGABYTE), "given up.png"), at(front.url))
    assert caught.value.again is Again.BROKEN
    assert await pending(bucket.server.url) == []
    assert await bucket.content("some/given up.png") is None


@pytest.mark.usefixtures("parts")
async def test_a_part_that_was_damaged_is_refused(
    bucket: SwiftS3Place, to_s3: S3, bucket_proxy: Proxy, packed: Packed
) -> None:
    bucket_proxy.arm(Fault(Harm.CORRUPT, after=7 * MEGABYTE))
    with pytest.raises(PutFailed, match="BadDigest"):
        await to_s3.put(packed(os.urandom(11 * MEGABYTE), "damaged.png"), through(bucket_proxy))
    assert await pending(bucket.server.url) == []
    assert await bucket.content("some/damaged.png") is None


SHARES = (0.3, *(pytest.param(number / 12, marks=pytest.mark.long) for number in range(12)))


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("share", SHARES)
async def test_parts_are_whole_or_given_up_wherever_the_connection_is_reset(
    bucket: SwiftS3Place, to_s3: S3, bucket_proxy: Proxy, packed: Packed, share: float
) -> None:
    body = os.urandom(11 * MEGABYTE)
    bucket_proxy.arm(Fault(Harm.RESET, after=int(share * len(body))))
    name = f"{os.urandom(4).hex()}.png"
    try:
        await to_s3.put(packed(body, name), through(bucket_proxy))
    except PutFailed:
        assert await pending(bucket.server.url) == []
        assert await bucket.content(f"some/{name}") is None
    else:
        assert await bucket.content(f"some/{name}") == body
    assert bucket_proxy.struck


@pytest.mark.usefixtures("parts")
async def test_parts_are_given_up_where_the_run_is_cancelled(
    bucket: SwiftS3Place, to_s3: S3, bucket_proxy: Proxy, packed: Packed
) -> None:
    put = asyncio.create_task(to_s3.put(packed(os.urandom(11 * MEGABYTE), "left.png"), through(bucket_proxy)))
    while bucket_proxy.passed[Way.UP] < 5 * MEGABYTE:  # noqa: ASYNC110  # the proxy counts, it tells nobody
        await asyncio.sleep(0.01)
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await put
    assert await pending(bucket.server.url) == []
    assert await bucket.content("some/left.png") is None


@pytest.mark.usefixtures("parts")
async def test_an_error_that_comes_with_200_is_one(to_s3: S3, front: Front, packed: Packed) -> None:
    front.answers = [None, None, None, None, Answer(200, "InternalError")]  # as CompleteMultipartUpload is documented
    with pytest.raises(PutFailed) as caught:
        await to_s3.put(packed(os.urandom(11 * MEGABYTE)), at(front.url, "complete"))
    assert caught.value.again is Again.BROKEN
    assert await pending(front.behind or "") == []


@pytest.mark.long
async def test_seventy_megabytes_go_in_parts_by_themselves(bucket: SwiftS3Place, to_s3: S3, packed: Packed) -> None:
    body = os.urandom(70 * MEGABYTE)
    await to_s3.put(packed(body), at(bucket.server.url, "seventy"))
    assert await bucket.content("seventy/a.png") == body


# --- faults in our words --------------------------------------------------------------------------


async def test_what_swift_refuses_is_said_in_a_sentence(bucket: SwiftS3Place, to_s3: S3, packed: Packed) -> None:
    to = at(bucket.server.url)
    where = bucket.server.url.removeprefix("http://")
    missing = await failed(to_s3, packed, replace(to, host="no-such-bucket"))
    assert missing.detail == f'there is no bucket "no-such-bucket" at {where}'
    wrong = await failed(to_s3, packed, replace(to, secret="not-the-secret"))
    assert wrong.detail == f"the secret does not belong to the access key, says {where}"
    assert (await failed(to_s3, packed, replace(to, host="No_Bucket"))).detail == (
        '"No_Bucket" is no name that a bucket can have'
    )
    assert all(one.again is None and not one.retryable for one in (missing, wrong))


TOLD = (
    (Answer(403, "AccessDenied"), None, "may not write to the bucket"),
    (Answer(403, "InvalidAccessKeyId"), None, "does not know the access key"),
    (Answer(403, "AllAccessDisabled"), None, "is disabled"),
    (Answer(400, "ExpiredToken"), None, "has expired"),
    (Answer(400, "AccessControlListNotSupported"), None, "takes no access lists"),
    (Answer(400, "EntityTooLarge"), None, "is larger than"),
    (Answer(403, "QuotaExceeded"), None, "is full"),
    (Answer(418, ""), None, "refused the file (418"),
    (Answer(503, "SlowDown", {"Retry-After": "3"}), Again.BUSY, "has too much to do (503 SlowDown)"),
    (Answer(429, "TooManyRequests"), Again.BUSY, "has too much to do"),
    (Answer(500, "InternalError"), Again.BROKEN, "failed (500 InternalError)"),
    (Answer(502, ""), Again.BROKEN, "failed (502"),
    (Answer(400, "RequestTimeout"), Again.BROKEN, "failed (400 RequestTimeout)"),
    (Answer(400, "BadDigest"), Again.BROKEN, "failed (400 BadDigest)"),
)


@pytest.mark.parametrize(("answer", "again", "words"), TOLD, ids=lambda one: getattr(one, "code", None))
async def test_what_stores_say_is_said_in_a_sentence_and_once(
    to_s3: S3, front: Front, packed: Packed, answer: Answer, again: Again | None, words: str
) -> None:
    front.answers = [answer]
    fault = await failed(to_s3, packed, at(front.url))
    assert words in fault.detail
    assert fault.again is again
    assert fault.wait == (3.0 if answer.headers else None)
    assert len(front.asked) == 1  # further tries are made by Targets


@pytest.mark.parametrize("size", [10, 3 * MEGABYTE])
async def test_a_server_that_takes_the_request_and_says_nothing_is_left(
    silent: int, packed: Packed, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(s3, "SILENCE_SECONDS", 0.3)
    target = S3(Guard(LOOPBACK))
    began = time.monotonic()
    try:
        with pytest.raises(PutFailed, match="it went silent") as caught:
            await target.put(packed(os.urandom(size)), at(f"http://{HOST}:{silent}"))
    finally:
        await target.close()
    assert caught.value.again is Again.BROKEN
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("body", [b"<Initiat>", b"<html/>", b"", b"\xff\x00"])
async def test_an_answer_that_is_none_of_s3_is_a_fault_of_the_connection(
    packed: Packed, to_s3: S3, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    async def garble(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        await incoming.readuntil(b"\r\n\r\n")
        outgoing.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        outgoing.close()

    monkeypatch.setattr(s3, "WHOLE", 1)
    server = await asyncio.start_server(garble, HOST, 0)
    fault = await failed(to_s3, packed, at(f"http://{HOST}:{server.sockets[0].getsockname()[1]}"))
    server.close()
    assert fault.again is Again.BROKEN


async def test_a_certificate_that_nobody_trusts_is_said_and_not_tried_again(
    to_s3: S3, packed: Packed, tmp_path: Path
) -> None:
    async with Amazon(tmp_path) as amazon:
        fault = await failed(to_s3, packed, at(amazon.front.url))
    assert fault.again is None
    assert f"the certificate of {HOST}:{amazon.front.port} is not trusted (self" in fault.detail


async def test_a_host_that_nobody_knows_and_a_port_that_nobody_hears_are_said(to_s3: S3, packed: Packed) -> None:
    unknown = await failed(to_s3, packed, at("http://nowhere.invalid"))
    assert unknown.detail == "the connection to nowhere.invalid failed (no such host is known)"
    assert (await failed(to_s3, packed, at("http://127.0.0.1:1"))).detail.endswith("failed (nobody answers)")


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://169.254.169.254", "169.254.169.254 is a metadata address"),
        ("http://localhost:8080", "is a loopback address"),
        ("http://[::1]:80", "::1 is a loopback address"),
        ("http://[::ffff:10.0.0.1]", "IPv4-mapped"),
    ],
)
async def test_the_guard_refuses_an_endpoint_that_is_not_public(packed: Packed, endpoint: str, words: str) -> None:
    target = S3(Guard())
    with pytest.raises(Refused, match=words):
        await target.put(packed(), at(endpoint))
    await target.close()


@pytest.mark.parametrize("string", ["s3://KEY:SECRET@bucket?style=sideways", "s3+-x://KEY:SECRET@bucket"])
async def test_options_that_fit_nothing_are_not_tried_again(to_s3: S3, packed: Packed, string: str) -> None:
    fault = await failed(to_s3, packed, parse(string))
    assert fault.again is None
