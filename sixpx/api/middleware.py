"""Owns what each request passes: errors become problems, the time is taken, one line logged. Never a secret."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from sixpx.api import problem
from sixpx.errors import SixpxError

log = logging.getLogger("sixpx.access")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Logs method, path (never the query: it may carry key and secret), status and milliseconds, and tells the
    milliseconds to the client (Server-Timing, W3C)."""
    began = time.perf_counter()
    response = await handler(request)
    ms = (time.perf_counter() - began) * 1000
    if not response.prepared:
        response.headers["Server-Timing"] = f"app;dur={ms:.3f}"
    extra = {"method": request.method, "path": request.path, "status": response.status, "ms": round(ms, 1)}
    log.debug("%s %s", request.method, request.path, extra=extra)
    return response


@web.middleware
async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every error into a problem reply."""
    try:
        return await handler(request)
    except SixpxError as fault:
        reply = problem.of(fault)
        if reply.status == 500:
            log.exception("a request failed", extra={"method": request.method, "path": request.path})
        return reply
    except web.HTTPException as fault:
        if fault.status < 400:
            raise
        return problem.of_http(fault)
    except Exception:
        log.exception("a request failed", extra={"method": request.method, "path": request.path})
        return problem.unexpected()
