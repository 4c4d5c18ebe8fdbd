"""Owns an HTTP server before a real one: it gives the answers that it is told to, and passes on every other request.
Never an answer that S3 does not document.
"""

from __future__ import annotations

import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.servers.base import HOST


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of S3; the body is its error document where there is a `code`."""

    status: int
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        document = f"<?xml version='1.0'?><Error><Code>{self.code}</Code><Message>told</Message></Error>"
        body = document if self.code else ""
        return web.Response(status=self.status, text=body, headers=self.headers, content_type="application/xml")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Front:
    """`answers` are given in this order; None passes a request on to `behind`, as do all after the last answer."""

    behind: str | None = None
    tls: ssl.SSLContext | None = None
    answers: list[Answer | None] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}"

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append(Asked(request.method, request.host, request.path_qs, dict(request.headers)))
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            return answer.response()
        if self.behind is None:
            return web.Response(headers={"ETag": '"told"'})
        target = aiohttp.client.URL(f"{self.behind}{request.raw_path}", encoded=True)
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(request.method, target, headers=request.headers, data=io.BytesIO(body)) as reply,
        ):
            kept = {name: reply.headers[name] for name in ("ETag", "Content-Type") if name in reply.headers}
            return web.Response(status=reply.status, body=await reply.read(), headers=kept)

    async def end(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
