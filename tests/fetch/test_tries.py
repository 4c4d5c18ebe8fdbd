"""What a download tries again, and what is final."""

from __future__ import annotations

import asyncio
import socket
import threading
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientPayloadError, StreamReader, web
from aiohttp.base_protocol import BaseProtocol

from sixpx.errors import FetchFailed
from sixpx.fetch import Fetcher, FetchLimits, _next_batch
from sixpx.guard import Guard
from tests.fetch.site import BODY, Pauses, Site, failing, pauses, status

# --- tries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_a_transient_status_is_tried_again(code: int, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.script = status(code, times=2)
    await fetcher.fetch(site.url, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"at last"
    assert pauses(fetcher) == [0.2, 1.0]


async def test_three_tries_are_all(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.script = status(503)
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert error.detail == "127.0.0.1 answered 503"
    assert error.retryable
    assert len(site.seen) == 3


@pytest.mark.parametrize("code", [204, 206, 300, 302, 304, 400, 401, 403, 404, 410, 451])
async def test_any_other_status_is_final(code: int, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.script = status(code)
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert isinstance(error, FetchFailed)
    assert not error.retryable
    assert "127.0.0.1 answered" in error.detail
    assert len(site.seen) == 1


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("7", [7.0]),
        ("0", [0.2]),
        (formatdate(1_000_009, usegmt=True), [9.0]),
        (formatdate(1, usegmt=True), [0.2]),
        ("soon", [0.2]),
        ("\u00b2", [0.2]),
    ],
)
async def test_retry_after_is_honoured(
    asked: str, expected: list[float], site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.script = status(429, times=1, Retry_After=asked)
    await fetcher.fetch(site.url, tmp_path / "a")
    assert pauses(fetcher) == expected


@pytest.mark.parametrize("asked", ["31", "86400", "9" * 400])
async def test_retry_after_beyond_the_time_ends_the_fetch(
    asked: str, site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.script = status(503, Retry_After=asked)
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert error.retryable
    assert len(site.seen) == 1
    assert pauses(fetcher) == []


@pytest.mark.parametrize("after", [-1, 0, 1000])
async def test_a_cut_connection_is_tried_again(after: int, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def cut(request: web.Request, number: int) -> web.StreamResponse:
        if number > 1:
            return web.Response(body=b"at last")
        assert request.transport is not None
        if after >= 0:
            response = web.StreamResponse()
            response.content_length = 200_000
            await response.prepare(request)
            await response.write(b"x" * after)
            await asyncio.sleep(0.02)
        request.transport.abort()
        return web.Response()

    site.script = cut
    assert (await fetcher.fetch(site.url, tmp_path / "a")).bytes == 7
    assert (tmp_path / "a").read_bytes() == b"at last"


async def test_a_large_body_cut_short_is_written_from_the_start_again(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    async def cut(request: web.Request, number: int) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(BODY) * 20
        await response.prepare(request)
        for _ in range(20 if number == 2 else 15):
            await response.write(BODY)
        if number == 1:
            await asyncio.sleep(0.05)
            assert request.transport is not None
            request.transport.abort()
        return response

    site.script = cut
    await fetcher.fetch(site.url, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY * 20
    assert len(site.seen) == 2


async def test_a_body_that_broke_before_it_is_awaited_does_not_hang() -> None:
    content = StreamReader(BaseProtocol(asyncio.get_running_loop()), 1 << 16)
    content.set_exception(ClientPayloadError("cut"))
    with pytest.raises(ClientPayloadError):
        await asyncio.wait_for(_next_batch(content, 100), 1)


async def test_nobody_there_is_transient(fetcher: Fetcher, tmp_path: Path) -> None:
    error = await failing(fetcher, "http://127.0.0.1:1/HUSH", tmp_path / "a")
    assert error.detail == "127.0.0.1 could not be reached"
    assert error.retryable
    assert len(pauses(fetcher)) == 2


@pytest.mark.parametrize(("number", "final"), [("EAI_NONAME", True), ("EAI_AGAIN", False)])
async def test_an_unknown_name_is_final_and_a_silent_name_server_is_not(
    number: str, final: bool, tmp_path: Path
) -> None:
    import socket

    def lookup(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(getattr(socket, number), "no")

    fetcher = Fetcher(Guard(lookup=lookup), sleep=Pauses())
    error = await failing(fetcher, "http://nowhere.example/HUSH", tmp_path / "a")
    await fetcher.close()
    assert error.detail == "The name nowhere.example cannot be resolved"
    assert error.retryable is not final
    assert len(pauses(fetcher)) == (0 if final else 2)


async def test_what_is_no_http_is_final(fetcher: Fetcher, tmp_path: Path) -> None:
    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(ssh, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    error = await failing(fetcher, f"http://127.0.0.1:{port}/HUSH", tmp_path / "a")
    assert "no HTTP" in error.detail
    assert not error.retryable
    error = await failing(fetcher, f"https://127.0.0.1:{port}/HUSH", tmp_path / "a")
    assert "TLS" in error.detail
    assert not error.retryable
    server.close()


async def test_names_whose_lookups_hang_hold_back_no_other_download(site: Site, tmp_path: Path) -> None:
    """Eight name servers that are silent are enough to have taken all the threads that lookups once shared."""
    go = threading.Event()

    def lookup(host: str, *asked: Any, **how: Any) -> list[Any]:
        if host.endswith(".silent.test"):
            go.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return socket.getaddrinfo(host, *asked, **how)

    limits = FetchLimits(connect_s=0.3, total_s=1, tries=1, parallel=8)
    fetcher = Fetcher(Guard(["127.0.0.0/8", "::1"], lookup), limits)
    try:
        silent = (fetcher.fetch(f"http://{number}.silent.test/", tmp_path / f"{number}") for number in range(8))
        for outcome in await asyncio.gather(*silent, return_exceptions=True):
            assert isinstance(outcome, FetchFailed)
        await fetcher.fetch(site.url.replace("127.0.0.1", "localhost"), tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == BODY
    finally:
        go.set()
        await fetcher.close()
