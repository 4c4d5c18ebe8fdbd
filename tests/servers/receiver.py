"""Owns a receiver of callbacks on 127.0.0.1 that behaves as a path says, and what came to it. Never imports sixpx.

`/ok`, `/status/500?times=2` (then 200; `&after=9` adds a Retry-After, `&say=…` a body), `/hang?times=2`, `/slow/50`
(ms), `/redirect`, `/huge`, `/endless`, `/cut`, `/drip`, `/babble`, `/headers`, `/echo`. More path tells them apart.
"""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any
from urllib.parse import quote

from aiohttp import web
from standardwebhooks import Webhook

WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Came:
    """One POST as it came; `at` by the loop's clock."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The job, where the standard's own library takes the signature."""
        return Webhook(secret).verify(self.body, dict(self.headers))


class Receiver:
    """Keeps what came; `pieces` counts what it could write of an answer without end."""

    def __init__(self) -> None:
        self.came: list[Came] = []
        self.hits: Counter[str] = Counter()
        self.pieces = 0
        self.left = 0
        self.port = 0
        self._news = asyncio.Condition()

    def url(self, path: str, userinfo: str = "", scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{userinfo}{host}:{self.port}{path}"

    def to(self, path: str) -> list[Came]:
        return [one for one in self.came if one.path == path]

    async def until(self, true: Callable[[], object]) -> None:
        """Waits for POSTs, or for their ends, until the condition holds."""
        async with asyncio.timeout(WITHIN), self._news:
            await self._news.wait_for(lambda: bool(true()))

    async def first(self, path: str, number: int = 1) -> Came:
        """The POST of this number to that path."""
        await self.until(lambda: len(self.to(path)) >= number)
        return self.to(path)[number - 1]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.hits[request.path] += 1
        self.came.append(Came(request.path, request.headers.copy(), body, asyncio.get_running_loop().time()))
        await self._tell()
        try:
            return await BEHAVIOUR.get(request.path.split("/")[1], _ok)(self, request)
        finally:
            self.left += 1
            await asyncio.shield(self._tell())

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@asynccontextmanager
async def receiver(tls: SSLContext | None = None) -> AsyncIterator[Receiver]:
    made, app = Receiver(), web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


# --- how it behaves -------------------------------------------------------------------------------


async def _ok(self: Receiver, request: web.Request) -> web.StreamResponse:
    return web.Response(text="thank you")


async def _status(self: Receiver, request: web.Request) -> web.StreamResponse:
    if self.hits[request.path] > int(request.query.get("times", 1000)):
        return web.Response(text="now it works")
    headers = {"Retry-After": request.query["after"]} if "after" in request.query else {}
    return web.Response(status=int(request.path.split("/")[2]), text=request.query.get("say", "no"), headers=headers)


async def _hang(self: Receiver, request: web.Request) -> web.StreamResponse:
    if self.hits[request.path] <= int(request.query.get("times", 1000)):
        await asyncio.sleep(60)
    return web.Response()


async def _slow(self: Receiver, request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(int(request.path.split("/")[2]) / 1000)
    return web.Response(text="at last")


async def _redirect(self: Receiver, request: web.Request) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": "/ok"})


async def _huge(self: Receiver, request: web.Request) -> web.StreamResponse:
    return web.Response(status=500, body=b"x" * 2**24)


async def _endless(self: Receiver, request: web.Request) -> web.StreamResponse:
    reply = web.StreamResponse(status=int(request.query.get("status", 200)))
    await reply.prepare(request)
    while True:  # until the other side goes
        await reply.write(b"and on " * 1000)
        self.pieces += 1


async def _cut(self: Receiver, request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _drip(self: Receiver, request: web.Request) -> web.StreamResponse:
    """A status line, a byte at a time."""
    return await _raw(request, (bytes([one]) for one in b"HTTP/1.1 200 OK\r\n" * 1000), 0.02)


async def _babble(self: Receiver, request: web.Request) -> web.StreamResponse:
    return await _raw(request, [b"this is no HTTP\r\n\r\n"], 0)


async def _headers(self: Receiver, request: web.Request) -> web.StreamResponse:
    """A head that does not end."""
    return await _raw(request, (b"HTTP/1.1 200 OK\r\n", *(b"x-%d: %s\r\n" % (n, b"y" * 900) for n in range(20_000))), 0)


async def _raw(request: web.Request, pieces: Any, pause: float) -> web.StreamResponse:
    for piece in pieces:
        if request.transport is None or request.transport.is_closing():
            break
        request.transport.write(piece)
        await asyncio.sleep(pause)
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _echo(self: Receiver, request: web.Request) -> web.StreamResponse:
    """Who asked, as he said it and as it reads."""
    said = request.headers.get("Authorization", "")
    read = base64.b64decode(said.removeprefix("Basic ")).decode()
    return web.Response(status=500, text=f"\x1b[31m{said}\x00\n{read} {quote(read)}\u202e" + "." * 9000)


BEHAVIOUR: Mapping[str, Callable[[Receiver, web.Request], Awaitable[web.StreamResponse]]] = {
    "status": _status,
    "hang": _hang,
    "slow": _slow,
    "redirect": _redirect,
    "huge": _huge,
    "endless": _endless,
    "cut": _cut,
    "drip": _drip,
    "babble": _babble,
    "headers": _headers,
    "echo": _echo,
}
