"""Owns Server-Sent Events: a user's jobs as they change, and what a listener missed. Never a web socket.

The id of an event is a moment, and what came after it is asked of the store: a listener goes on where it was after a
restart of the service, too, and at another process. It is given one to begin with, for it may lose its connection
before the first event. An event may come twice where connections break; none is left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from sixpx.api.auth import OF_USER, Auth, revoked
from sixpx.api.v1 import told
from sixpx.errors import Invalid, SixpxError
from sixpx.feed import Feed, Line
from sixpx.store.base import Store

log = logging.getLogger(__name__)

QUIET_SECONDS = 15.0
"""How often something is sent where nothing happens, so that whoever stands between keeps the connection open."""
WRITE_SECONDS = 10.0
"""How long one write may wait for a listener who does not read."""
RECONNECT_MS = 1000
OVERLAP = timedelta(seconds=2)
"""Changes are kept a little later than the moment that they carry: so far back is looked for what was missed."""
MISSED_MOST = 1000
"""Changes of one look into the store."""


@dataclass(frozen=True, slots=True)
class Events:
    """`GET /v1/users/:user_id/events`; `stopping` is done when nobody shall wait any longer."""

    store: Store
    auth: Auth
    feed: Feed
    clock: Callable[[], datetime]
    stopping: asyncio.Future[None]

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(f"{OF_USER}/events", self.stream, allow_head=False)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        user = await self.auth.user_of(request)
        since, now = _since(request), self.clock()
        reply = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        reply.content_type = "text/event-stream"
        with self.feed.listening(user.id, repeats=False) as line:
            await reply.prepare(request)
            try:
                await _write(reply, told.greeting(RECONNECT_MS, None if since else now))
                if since is not None:
                    await self._tell_missed(reply, user.id, since)
                await self._follow(request, reply, line)
                await _in_time(reply.write_eof())
            except TimeoutError:
                _cut_off(request)
            except SixpxError as fault:  # no other answer can be given any more; he comes back and asks again
                log.debug("what a listener missed cannot be looked for: %s", fault.code)
        return reply

    async def _tell_missed(self, reply: web.StreamResponse, user_id: str, since: datetime) -> None:
        async for missed in self._missed(user_id, since):
            await _write(reply, missed)

    async def _missed(self, user_id: str, since: datetime) -> AsyncIterator[bytes]:
        since, most = since - OVERLAP, MISSED_MOST
        seen: frozenset[tuple[str, datetime]] = frozenset()
        while True:
            changes = await self.store.changed(since, most, user_id)
            for one in changes:
                if (one.job_id, one.modified) not in seen:
                    yield told.of_stream(one.job_id, one.status, one.modified)
            if len(changes) < most:
                return
            if changes[-1].modified == since:  # a look that is full of a single moment
                most *= 2
            since = changes[-1].modified
            seen = frozenset((one.job_id, one.modified) for one in changes if one.modified == since)

    async def _follow(self, request: web.Request, reply: web.StreamResponse, line: Line) -> None:
        """Until the service stops, the listener goes, does not read, or may not listen any more."""
        # one wait until an event comes, since one that is given up may have taken its event already
        waiting = asyncio.ensure_future(line.next())
        gone = asyncio.ensure_future(revoked(lambda: self.auth.user_of(request)))
        try:
            while True:
                either: list[asyncio.Future[Any]] = [waiting, self.stopping, gone]
                await asyncio.wait(either, timeout=QUIET_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if self.stopping.done() or gone.done():
                    return
                if not waiting.done():
                    await _write(reply, b": still here\n\n")
                elif (event := waiting.result()) is None:
                    return
                else:
                    waiting = asyncio.ensure_future(line.next())
                    await _write(reply, told.of_event(event))
        finally:
            waiting.cancel()
            gone.cancel()


async def _write(reply: web.StreamResponse, raw: bytes) -> None:
    await _in_time(reply.write(raw))


async def _in_time(writing: Coroutine[Any, Any, None]) -> None:
    """Raises TimeoutError for a listener who does not read: he may come back and ask for the rest."""
    async with asyncio.timeout(WRITE_SECONDS):
        await writing


def _cut_off(request: web.Request) -> None:
    """Closed in good order, a connection would stay for as long as there is something unread."""
    if request.transport is not None:
        request.transport.abort()


def _since(request: web.Request) -> datetime | None:
    """By the header of browsers, or by a parameter for whoever cannot set one. Raises Invalid."""
    text = request.headers.get("Last-Event-ID") or request.query.get("last_event_id")
    if not text:
        return None
    if (moment := told.since(text)) is None:
        raise Invalid(f"Last-Event-ID: expected the id of an event of this stream, got {text[:40]!r}")
    return moment
