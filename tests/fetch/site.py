"""Owns the scripted server that downloads are tested against, and what tests ask of a fetcher."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sixpx.errors import SixpxError
from sixpx.fetch import Fetcher, FetchLimits
from sixpx.guard import Guard

BODY = bytes(range(256)) * 800  # 204,800 bytes
Script = Callable[[web.Request, int], Awaitable[web.StreamResponse]]


class Site:
    """A server at 127.0.0.1 that plays `script(request, number of the request from 1)`."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.ports: set[object] = set()
        self.script: Script = whole
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        assert request.transport is not None
        self.ports.add(request.transport.get_extra_info("peername"))
        return await self.script(request, len(self.seen))


async def whole(request: web.Request, number: int) -> web.Response:
    return web.Response(body=BODY)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Site()
    app = web.Application()
    app.router.add_get("/{tail:.*}", served.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/picture?sig=HUSH"
    yield served
    await runner.cleanup()


class Pauses(list[float]):
    """A sleep that notes and does not wait."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
async def fetcher(request: pytest.FixtureRequest) -> AsyncIterator[Fetcher]:
    limits = FetchLimits(**getattr(request, "param", {}))
    made = Fetcher(Guard(["127.0.0.0/8"]), limits, sleep=Pauses(), now=lambda: 1_000_000.0)
    yield made
    await made.close()


def limits(**values: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fetcher", [values], indirect=True)


def pauses(fetcher: Fetcher) -> Any:
    return fetcher._sleep


def left(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    return [path.name for path in folder.iterdir()] if folder.exists() else []


async def failing(fetcher: Fetcher, url: str, path: Path) -> SixpxError:
    """The error of a fetch that has to fail, which tells no secret and leaves no file."""
    with pytest.raises(SixpxError) as caught:
        await fetcher.fetch(url, path)
    assert "HUSH" not in str(caught.value)
    assert left(path.parent) == []
    return caught.value


def status(code: int, times: int = 99, **headers: str) -> Script:
    async def script(request: web.Request, number: int) -> web.Response:
        if number <= times:
            return web.Response(status=code, headers={name.replace("_", "-"): text for name, text in headers.items()})
        return web.Response(body=b"at last")

    return script
