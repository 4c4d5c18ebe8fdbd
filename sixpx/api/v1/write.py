"""Owns the way out: replies as JSON, and the headers that lead through the pages of a list. Never decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, repeat
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from sixpx.api.v1.versions import seen_by
from sixpx.core.job import Job
from sixpx.core.query import Found, Page

SECRETS = ("key", "secret")
LIGHT = 2_000
"""Values up to which a reply is made in the event loop, 50 characters of text counting as one: a millisecond's work."""


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return _reply(orjson.dumps(value), status, headers)


async def job(found: Job, version: str) -> web.Response:
    return _reply(await _in_time((found,), lambda: orjson.dumps(seen_by(found, version))))


async def jobs(found: Found[Job], version: str, page: Page, path: str, query: Mapping[str, str]) -> web.Response:
    """The page, its Link header (RFC 8288) and `X-Total-Count`."""
    headers = {"X-Total-Count": str(found.total)}
    if found.capped:
        headers["X-Total-Count-Capped"] = "true"
    if links := ", ".join(_links(found, page, path, query)):
        headers["Link"] = links
    raw = await _in_time(found.items, lambda: orjson.dumps([seen_by(one, version) for one in found.items]))
    return _reply(raw, headers=headers)


def _reply(raw: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=raw, status=status, headers=headers, content_type="application/json")


async def _in_time(shown: Iterable[Job], render: Callable[[], bytes]) -> bytes:
    """What `render` makes of the jobs: in a thread where it would keep other requests waiting."""
    heavy = next(islice(_values(shown), LIGHT, None), None) is not None
    return await asyncio.to_thread(render) if heavy else render()


def _values(shown: Iterable[Job]) -> Iterator[int]:
    """One for each value that is shown, more or less; what is large yields before it is looked into."""
    for one in shown:
        for output in one.outputs:
            yield from _within(output.asked)
        for processed in one.processed:
            for stored in processed.stored.values():
                yield from repeat(1, 10)
                yield from _within(stored.analysis)
        yield from _within(one.data)


def _within(value: Any) -> Iterator[int]:
    open_ = [value]
    while open_:
        inner = open_.pop()
        yield 1
        if isinstance(inner, str):
            yield from repeat(1, len(inner) // 50)
        elif isinstance(inner, Mapping | list):
            yield from repeat(1, len(inner))
            open_.extend(inner)
            if isinstance(inner, Mapping):
                open_.extend(inner.values())


def _links(found: Found[Job], page: Page, path: str, query: Mapping[str, str]) -> Iterable[str]:
    last = max(1, -(-found.total // page.size))
    if found.capped:  # nobody counted to the end: it lies behind a page that is full
        last = page.number + (len(found.items) == page.size)
    pages = {"first": 1, "prev": page.number - 1, "next": page.number + 1, "last": last}
    # key and secret are left out: a Link is logged and followed by machines that have their own
    kept = [(name, value) for name, value in query.items() if name not in (*SECRETS, "page", "per_page")]
    for relation, number in pages.items():
        if 1 <= number <= last and not (relation == "last" and found.capped):
            yield f'<{path}?{urlencode([*kept, ("page", number), ("per_page", page.size)])}>; rel="{relation}"'
