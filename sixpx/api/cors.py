"""Owns what a browser is told about which pages may read our replies (Fetch standard, CORS). Never who is let in.

A preflight shows no key, so it cannot be told whose list to look at: every page may ask. That gives nothing away. What
a page sends it has to know by itself, for we never allow the credentials that a browser would add (no
Access-Control-Allow-Credentials); and whether the key alone is enough from there is decided with the request.
- A refusal may be read from everywhere, as it is the same for everybody: a page whose origin is on nobody's list reads
  why, and nobody learns from its headers whose list has which origin. So may what needs no key.
- Whatever else is answered to a user may be read from the origins on his list alone, errors too: also a page that holds
  a secret, which has no business in a browser.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from sixpx.api.auth import USER
from sixpx.core.origin import allows, is_origin

METHODS = "GET, POST, DELETE"
MAX_AGE_SECONDS = 7200
"""How long a browser need not ask again; Chromium remembers no longer."""
PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, 6px-Version, Last-Event-ID",
    "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
}
EXPOSED = (
    "Location, Link, X-Total-Count, X-Total-Count-Capped, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
    "Server-Timing"
)
"""Headers that a page may read beside those that every page may."""


def add_to(app: web.Application) -> None:
    app.middlewares.append(answered)
    # a signal, since some replies are on their way before a middleware sees them
    app.on_response_prepare.append(told)


@web.middleware
async def answered(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """OPTIONS at every address of the API, whether or not it is a preflight."""
    if request.method != "OPTIONS" or not _of_the_api(request):
        return await handler(request)
    refusal = request.match_info.http_exception
    known = refusal.allowed_methods if isinstance(refusal, web.HTTPMethodNotAllowed) else ()
    allow = {"Allow": ", ".join(sorted({*known, "OPTIONS"}))} if known else {}
    return web.Response(status=204, headers={**allow, **PREFLIGHT})


async def told(request: web.Request, response: web.StreamResponse) -> None:
    """Adds who may read the reply."""
    if not _of_the_api(request):
        return
    headers = response.headers
    headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Origin")))
    origins = request.headers.getall("Origin", ())
    if len(origins) == 1 and _may_read(request, origins[0]):
        headers["Access-Control-Allow-Origin"] = origins[0]
        headers["Access-Control-Expose-Headers"] = EXPOSED


def _may_read(request: web.Request, origin: str) -> bool:
    user = request.get(USER)
    return is_origin(origin) if user is None else allows(user.domains, origin)


def _of_the_api(request: web.Request) -> bool:
    return request.path.startswith("/v1/")
