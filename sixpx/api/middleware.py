"""Owns what each request passes: errors become problems, the time is taken, one line logged. Never a secret.

What is no request passes here too, on the way in: `Runner` is aiohttp's but for its words about such a thing, which
quote the request line, a header or a piece of the body to the client and to the log.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError, RawRequestMessage
from yarl import URL

from sixpx.api import problem
from sixpx.api.auth import key_of
from sixpx.errors import SixpxError
from sixpx.log import wordless

log = logging.getLogger("sixpx.access")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SLASHES = re.compile("/{2,}")
QUERY = re.compile("[?&].*", re.DOTALL)

IDLE_SECONDS = 75.0
"""Longer than the proxies in use keep a connection without a request: they close it, and never find it closed."""

BROKEN = (web.RequestPayloadError, HttpProcessingError)
"""What aiohttp's parsers raise over a body. They quote it."""


@web.middleware
async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Logs method, path (never the query: it may carry key and secret), status, milliseconds, and the beginning of the
    key; and tells the milliseconds to the client (Server-Timing, W3C)."""
    began = time.perf_counter()
    response = await handler(request)
    ms = (time.perf_counter() - began) * 1000
    if not response.prepared:
        response.headers["Server-Timing"] = f"app;dur={ms:.3f}"
    if log.isEnabledFor(logging.DEBUG):
        extra = {"method": request.method, "path": _path(request), "status": response.status, "ms": round(ms, 1)}
        log.debug("%s %s", request.method, extra["path"], extra={**extra, "key": key_of(request)})
    return response


@web.middleware
async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every error into a problem reply."""
    try:
        return await handler(request)
    except SixpxError as fault:
        reply = problem.of(fault)
        if reply.status == 500:
            log.exception("a request failed", extra={"method": request.method, "path": _path(request)})
        return reply
    except web.HTTPException as fault:
        if fault.status < 400:
            raise
        return problem.of_http(fault)
    except BROKEN:
        return problem.not_http()
    except ConnectionError:
        # the client left in the middle of its request; there is nobody to answer, and nothing for us to mend
        log.debug("the client left", extra={"method": request.method, "path": _path(request)})
        return web.Response(status=400)
    except Exception:
        if request.writer.output_size > 0:
            raise  # the reply has begun, and would have another one inside of it: `handle_error` breaks it off
        log.exception("a request failed", extra={"method": request.method, "path": _path(request)})
        return problem.unexpected()


def _path(request: web.Request) -> str:
    """The path as a log may show it: without what was meant to be a query, key and secret in it, where the `?` before
    it was forgotten or percent-encoded."""
    return QUERY.sub("…", request.path)


# --- what no middleware sees ------------------------------------------------------------------------


class Runner(web.AppRunner):
    """Serves an application over connections that quote nothing. `idle`: seconds after which one is closed that has
    nothing to do, or has begun a request and never come to its end of headers (aiohttp waits an hour)."""

    def __init__(self, app: web.Application, *, idle: float = IDLE_SECONDS, **others: Any) -> None:
        super().__init__(app, keepalive_timeout=idle, **others)

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=_lenient(made.request_factory), **made._kwargs)


def _lenient(make: Callable[..., web.BaseRequest]) -> Callable[..., web.BaseRequest]:
    """Two addresses that no route would see as they are meant. The published Python client sends `/v1//users/...`. And
    yarl reads the host of an absolute target late, and raises over `http://xn--/`: nothing is at such an address."""

    def request(message: RawRequestMessage, *others: object) -> web.BaseRequest:
        try:
            return make(_with_single_slashes(message), *others)
        except ValueError:
            return make(message._replace(url=URL("*")), *others)

    return request


def _with_single_slashes(message: RawRequestMessage) -> RawRequestMessage:
    path = message.url.raw_path
    if not path.startswith("/v1/") or "//" not in path:
        return message
    return message._replace(url=message.url.with_path(SLASHES.sub("/", path), encoded=True, keep_query=True))


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """aiohttp's, in our words where its own would quote what came."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """A body that breaks off its chunks is an error to whoever waits for it; aiohttp's fast parser forgets to say
        so, and the request would wait until its client goes away."""
        try:
            super().data_received(data)
        except (ValueError, IndexError) as fault:  # yarl's over the target http://[::1]@/, which aiohttp lets pass
            log.debug("what came is no HTTP: %s", type(fault).__name__)
            self.force_close()
        if self._messages and not isinstance(self._messages[-1][0], RawRequestMessage):
            waiting = [payload for _, payload in self._messages]
            if self._current_request is not None:
                waiting.append(self._current_request.content)
            for payload in waiting:
                if not payload.is_eof():
                    payload.set_exception(web.RequestPayloadError("the body is broken"))

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The reply for what its parser cannot read, and for what went wrong outside of the middlewares."""
        if status == 400:
            log.debug("what came is no HTTP: %s", type(exc).__name__, extra={"status": status})
        else:
            self.log_exception("a request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the reply has begun, another one cannot be sent")
        reply = problem.not_http() if status == 400 else problem.unexpected()
        reply.force_close()
        return reply

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Explains what aiohttp refuses before the middlewares: an Expect header that it does not know."""
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            resp = problem.of_http(resp)
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: object, exc_info: BaseException | None = None, **_: object) -> None:
        """The kind and the place of what went wrong. Its words may quote a request."""
        if isinstance(exc_info, BROKEN):
            log.debug("a body is broken: %s", type(exc_info).__name__)
            return
        log.error("a connection failed", exc_info=exc_info and wordless(exc_info))
