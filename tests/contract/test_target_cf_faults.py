"""Owns what Cloud Files does when something goes wrong: faults by class, the guard, connections. Never a stubbed
client: the store is a real Swift, and where it must misbehave a door before it does.
"""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from pathlib import Path

import pytest
from aiohttp import web

from sixpx.errors import Again, PutFailed, Refused
from sixpx.targets import cf
from tests.contract.cloud_files import PICTURE, Cloud, answer
from tests.servers.rackspace import Rackspace

pytestmark = pytest.mark.asyncio(loop_scope="session")


# --- faults ---------------------------------------------------------------------------------------


async def test_a_body_that_is_damaged_on_its_way_is_not_stored(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.storage, rackspace.damaged = rackspace.door, 1
    fault = await cloud.failed("damaged.png")
    assert fault.detail.startswith("the file was damaged on its way to 127.0.0.1:")
    assert fault.again is Again.BROKEN
    assert await cloud.stored("damaged.png") is None
    await cloud.put("damaged.png")
    assert await cloud.stored("damaged.png") == PICTURE


async def test_what_a_store_kept_otherwise_is_removed(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.storage = rackspace.door
    await cloud.put("other.png")
    rackspace.answers = [answer(201, Etag=hashlib.md5(b"other").hexdigest())]
    fault = await cloud.failed("other.png")
    assert (fault.again, await cloud.stored("other.png")) == (Again.BROKEN, None)


async def test_what_a_store_kept_under_another_name_is_not_stored(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.storage = rackspace.door
    rackspace.answers = [answer(201, Etag=hashlib.md5(PICTURE).hexdigest())]
    fault = await cloud.failed("astray.png")
    assert (fault.again, "does not have the file" in fault.detail) == (Again.BROKEN, True)


async def test_a_region_that_the_account_got_is_seen(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.regions["us"] = ("DFW",)
    await cloud.failed("new.png", "cf+ord")
    rackspace.regions["us"] = ("DFW", "ORD")
    await cloud.put("new.png", "cf+ord")


@pytest.mark.parametrize(
    ("status", "headers", "again", "wait", "words"),
    [
        (403, {}, None, None, "may not write to the container"),
        (413, {}, None, None, "the container is full"),
        (413, {"Retry_After": "7"}, Again.BUSY, 7, "too much to do"),
        (429, {"Retry_After": "3"}, Again.BUSY, 3, "too much to do"),
        (498, {}, Again.BUSY, None, "too much to do"),
        (503, {"Retry_After": "later"}, Again.BUSY, None, "too much to do"),
        (507, {}, Again.BUSY, None, "too much to do"),
        (408, {}, Again.BROKEN, None, "failed"),
        (500, {}, Again.BROKEN, None, "failed"),
        (307, {"Location": "http://169.254.169.254/"}, None, None, "redirects uploads"),
        (400, {}, None, None, "refused the file"),
        (200, {}, None, None, "refused the file"),
    ],
)
async def test_every_status_has_its_class(
    cloud: Cloud,
    rackspace: Rackspace,
    status: int,
    headers: dict[str, str],
    again: Again | None,
    wait: float | None,
    words: str,
) -> None:
    rackspace.storage, rackspace.answers = rackspace.door, [answer(status, **headers)]
    fault = await cloud.failed("status.png")
    assert (fault.again, fault.wait, fault.retryable) == (again, wait, again is not None)
    assert words in fault.detail


async def test_a_connection_that_is_cut_is_tried_again_with_a_fresh_token(cloud: Cloud, rackspace: Rackspace) -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    rackspace.storage, rackspace.answers = rackspace.door, [cut]
    fault = await cloud.failed("cut.png")
    assert (fault.again, "was cut" in fault.detail) == (Again.BROKEN, True)
    await cloud.put("cut.png")
    assert rackspace.asked == ["us", "us"]


async def test_a_store_that_goes_silent_is_left(
    cloud: Cloud, rackspace: Rackspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cf, "SILENCE_SECONDS", 0.5)

    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(3)
        return web.Response(status=201)

    rackspace.storage, rackspace.answers = rackspace.door, [silent, silent]
    fault = await cloud.failed("silent.png")
    assert (fault.again, "went silent" in fault.detail) == (Again.BROKEN, True)
    with pytest.raises(PutFailed, match="went silent"):  # more than any buffer on the way holds, and nobody reads
        await cloud.put("silent.png", body=bytes(30_000_000))


async def test_nobody_there_is_a_sentence(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.storage = "http://127.0.0.1:9/v1/x"
    fault = await cloud.failed("x.png")
    assert (fault.detail, fault.again) == ("127.0.0.1:9 cannot be reached", Again.BROKEN)


# --- the guard ------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["http://10.0.0.1/v1/x", "http://169.254.169.254/v1/x", "http://[::1]:80/v1/x"])
async def test_a_catalogue_cannot_lead_to_where_the_guard_forbids(
    cloud: Cloud, rackspace: Rackspace, address: str
) -> None:
    rackspace.storage = address
    with pytest.raises(Refused, match=r"is not connected to: .* not a public one"):
        await cloud.put("x.png")


async def test_a_catalogue_cannot_put_credentials_into_a_location(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.storage = rackspace.storage.replace("http://", "http://user:word@")
    assert (await cloud.failed("x.png")).detail.startswith("the account has no object storage")


@pytest.mark.parametrize("version", ["v1", "v2.0", "v3"])
async def test_an_auth_url_cannot_lead_to_where_the_guard_forbids(cloud: Cloud, version: str) -> None:
    with pytest.raises(Refused, match=r"^10\.0\.0\.1:5000 is not connected to: 10\.0\.0\.1 is a private address"):
        await cloud.put("x.png", query=f"?auth_url=http://10.0.0.1:5000/{version}")


# --- connections and memory -----------------------------------------------------------------------


async def test_connections_are_kept_for_the_next_file(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.storage, rackspace.cdn = rackspace.door, ""
    for number in range(10):
        await cloud.put(f"{number}.png")
    assert len(rackspace.lines) == 1


async def test_a_kept_connection_that_the_server_closed_is_no_fault(cloud: Cloud, rackspace: Rackspace) -> None:
    async def last(request: web.Request) -> web.StreamResponse:
        reply = await rackspace._through(request)
        assert request.transport is not None
        asyncio.get_running_loop().call_later(0.05, request.transport.close)
        return reply

    rackspace.storage, rackspace.answers, rackspace.cdn = rackspace.door, [last], ""
    await cloud.put("first.png")
    await asyncio.sleep(0.1)
    await cloud.put("second.png")
    assert await cloud.stored("second.png") == PICTURE
    assert len(rackspace.lines) == 2


async def test_memory_does_not_grow_with_the_file(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(100_000_000)
    await cloud.put("small.png")
    tracemalloc.start()
    await cloud.put_file(file, 100_000_000, "large.png", cloud.to())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4_000_000
