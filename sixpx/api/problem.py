"""Owns how an error looks to a client: application/problem+json (RFC 9457). Never what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from sixpx.errors import (
    Busy,
    Conflict,
    Invalid,
    KeyReused,
    NotFound,
    NotSupported,
    OverQuota,
    SixpxError,
    StoreDown,
    TooLarge,
    TooSlow,
    Unauthorized,
)

STATUS: Mapping[type[SixpxError], tuple[int, str]] = {
    Invalid: (400, "Bad Request"),
    NotSupported: (400, "Bad Request"),
    Unauthorized: (401, "Unauthorized"),
    NotFound: (404, "Not Found"),
    Conflict: (409, "Conflict"),
    TooLarge: (413, "Content Too Large"),
    KeyReused: (422, "Unprocessable Content"),
    TooSlow: (422, "Unprocessable Content"),
    OverQuota: (429, "Too Many Requests"),
    Busy: (503, "Service Unavailable"),
    StoreDown: (503, "Service Unavailable"),
}
"""The editions' codes and ours (SPEC section 1, Errors)."""

TYPE = "urn:sixpx:error:"
RETRY_AFTER = "5"
"""Seconds after which a client may ask again when the store was down."""


def of(fault: SixpxError) -> web.Response:
    """The reply for one of our own errors."""
    status, title = next((known for kind, known in STATUS.items() if isinstance(fault, kind)), (500, ""))
    if status == 500:
        return unexpected()
    mistakes = fault.mistakes if isinstance(fault, Invalid) else ()
    errors = [{"pointer": one.pointer, "detail": one.detail} for one in mistakes]
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="sixpx", charset="UTF-8"'
    if status == 503:
        headers["Retry-After"] = RETRY_AFTER
    if isinstance(fault, OverQuota):
        headers["Retry-After"] = str(fault.wait)
    return _reply(status, title, fault.code, fault.detail, {"errors": errors} if errors else {}, headers)


def of_http(fault: web.HTTPException) -> web.Response:
    """The reply for an error that the HTTP layer found."""
    headers = {"Allow": fault.headers["Allow"]} if "Allow" in fault.headers else {}
    detail = {
        404: "there is nothing at this address",
        405: f"this address does not answer to the method used; it knows {headers.get('Allow', 'others')}",
        413: "the request body is over the limit (limits.body_bytes; see GET /v1/limits)",
    }.get(fault.status, fault.reason)
    return _reply(fault.status, fault.reason, f"http_{fault.status}", detail, {}, headers)


def upgrade_required() -> web.Response:
    """The reply for a plain request at an address of web sockets (RFC 9110 section 15.5.22)."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return _reply(426, "Upgrade Required", "http_426", "this address is for web sockets", {}, headers)


def not_http() -> web.Response:
    """The reply for what cannot be read as HTTP; it repeats nothing of it."""
    detail = "the request is not HTTP as RFC 9112 has it, or a line of it is too long"
    return _reply(400, "Bad Request", "http_400", detail, {}, {})


def unexpected() -> web.Response:
    """The reply for a mistake of ours; it names no internals."""
    return _reply(500, "Internal Server Error", "internal", "the service made a mistake; it is in its log", {}, {})


def _reply(
    status: int, title: str, code: str, detail: str, extra: Mapping[str, Any], headers: Mapping[str, str]
) -> web.Response:
    body = {"type": TYPE + code, "title": title, "status": status, "detail": detail, **extra}
    return web.Response(
        body=orjson.dumps(body), status=status, headers=headers, content_type="application/problem+json"
    )
