"""Times, sizes and what is left behind: nothing."""

from __future__ import annotations

import asyncio
import gzip
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sixpx.errors import OutputFault, OverLimit
from sixpx.fetch import Fetcher
from tests.fetch.site import BODY, Site, failing, left, limits

# --- limits ---------------------------------------------------------------------------------------


@limits(total_s=0.2)
async def test_slow_headers_end_with_the_total_time(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def silent(request: web.Request, number: int) -> web.Response:
        await asyncio.sleep(9)
        return web.Response()

    site.script = silent
    begin = time.perf_counter()
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert error.detail == "127.0.0.1 did not send the whole file in 0.2 s"
    assert error.retryable
    assert time.perf_counter() - begin < 1
    assert len(site.seen) == 1


@pytest.mark.parametrize("announced", [100, 5_000_000, None])
@limits(total_s=0.3)
async def test_a_slow_drip_ends_with_the_total_time(
    announced: int | None, site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    async def drip(request: web.Request, number: int) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = announced
        await response.prepare(request)
        await response.write(b"" if announced == 100 else BODY * 6)  # more than one batch reaches the file
        for _ in range(50):
            await response.write(b"x")
            await asyncio.sleep(0.05)
        return response

    site.script = drip
    assert "in 0.3 s" in (await failing(fetcher, site.url, tmp_path / "a")).detail


@limits(connect_s=0.2, tries=1)
async def test_a_connection_that_is_not_made_in_time(fetcher: Fetcher, tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(4096):  # and never a TLS handshake
                pass
        writer.close()
        gone.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    error = await failing(fetcher, f"https://127.0.0.1:{port}/HUSH", tmp_path / "a")
    assert error.detail == "127.0.0.1 could not be reached in time"
    assert error.retryable
    await gone.wait()
    server.close()


@pytest.mark.parametrize("announced", [True, False])
@limits(max_bytes=100_000)
async def test_too_large_by_header_and_by_counting(
    announced: bool, site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    async def large(request: web.Request, number: int) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(BODY) if announced else None
        await response.prepare(request)
        await response.write(BODY)
        return response

    site.script = large
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert isinstance(error, OverLimit)
    assert len(site.seen) == 1
    assert "input_bytes" in error.detail
    assert "100000" in error.detail
    assert ("204800" in error.detail) is announced


@limits(max_bytes=len(BODY))
async def test_a_file_of_exactly_the_limit_passes(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    assert (await fetcher.fetch(site.url, tmp_path / "a")).bytes == len(BODY)


async def test_a_content_encoding_is_refused(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def bomb(request: web.Request, number: int) -> web.Response:
        return web.Response(body=gzip.compress(b"0" * 1_000_000), headers={"Content-Encoding": "gzip"})

    site.script = bomb
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert "Content-Encoding" in error.detail
    assert len(site.seen) == 1


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_empty_body_is_an_error(chunked: bool, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def nothing(request: web.Request, number: int) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = None if chunked else 0
        await response.prepare(request)
        return response

    site.script = nothing
    assert (await failing(fetcher, site.url, tmp_path / "a")).detail == "127.0.0.1 answered 200 with an empty body"


@pytest.mark.parametrize("size", [1, 6])
async def test_a_cancelled_fetch_leaves_no_file(size: int, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def hang(request: web.Request, number: int) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(BODY * size)
        begun.set()
        await asyncio.sleep(9)
        return response

    site.script = hang
    task = asyncio.create_task(fetcher.fetch(site.url, tmp_path / "a"))
    await begun.wait()
    await asyncio.sleep(0.05)
    assert left(tmp_path) == (["a"] if size == 6 else [])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left(tmp_path) == []


async def test_a_cancelled_fetch_waits_for_the_write_under_way(
    site: Site, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sixpx import fetch

    write, begun = fetch._write, asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow_disk(*args: Any) -> None:
        loop.call_soon_threadsafe(begun.set)
        time.sleep(0.1)
        write(*args)

    monkeypatch.setattr(fetch, "_write", slow_disk)
    task = asyncio.create_task(fetcher.fetch(site.url, tmp_path / "a"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.15)
    assert left(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux")
async def test_a_full_scratch_disk_fails_the_input_alone(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/dev/full")
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert isinstance(error, OutputFault)
    assert error.detail == "The service could not keep the input: No space left on device"
    assert error.retryable
    assert len(site.seen) == 1


async def test_a_scratch_folder_that_is_gone_is_our_fault(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    error = await failing(fetcher, site.url, tmp_path / "gone" / "a")
    assert error.code == "fetch_failed"
    assert error.detail == "The service could not keep the input: No such file or directory"
    assert error.retryable
    assert len(site.seen) == 1
