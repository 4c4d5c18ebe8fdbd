"""Owns the way out: replies as JSON, and the headers that lead through the pages of a list. Never decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from sixpx.api.v1.versions import seen_by
from sixpx.core.job import Job
from sixpx.core.query import Found, Page

SECRETS = ("key", "secret")


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, headers=headers, content_type="application/json")


def job(found: Job, version: str, status: int = 200) -> web.Response:
    return json(seen_by(found, version), status)


def jobs(found: Found[Job], version: str, page: Page, path: str, query: Mapping[str, str]) -> web.Response:
    """The page, its Link header (RFC 8288) and `X-Total-Count`."""
    headers = {"X-Total-Count": str(found.total)}
    if found.capped:
        headers["X-Total-Count-Capped"] = "true"
    if links := ", ".join(_links(found, page, path, query)):
        headers["Link"] = links
    return json([seen_by(one, version) for one in found.items], headers=headers)


def _links(found: Found[Job], page: Page, path: str, query: Mapping[str, str]) -> Iterable[str]:
    last = max(1, -(-found.total // page.size))
    pages = {"first": 1, "prev": page.number - 1, "next": page.number + 1, "last": last}
    # key and secret are left out: a Link is logged and followed by machines that have their own
    kept = {name: value for name, value in query.items() if name not in SECRETS}
    for relation, number in pages.items():
        within = 1 <= number <= last or (found.capped and relation == "next")
        if within and not (relation == "last" and found.capped):
            yield f'<{path}?{urlencode({**kept, "page": number, "per_page": page.size})}>; rel="{relation}"'
