"""Owns the web socket of edition 1 ("Web Sockets"): authorisation, pings, events out. Never what an event is.

The client says `{"auth": {"user_id": …}}`, hears `{"auth": true}` once, and then `{"job_id": …, "status": …}` for each
change. 55 s of silence close a socket (SPEC section 7), but not while a job of its user is under way: one of the
published clients never pings, and does not come back. Whoever has not said who he is has 55 s for that, pings or not,
and whose proof does not hold any more is not told anything further.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from sixpx.api import problem
from sixpx.api.auth import AGAIN_SECONDS, Auth, Shown, revoked
from sixpx.api.v1 import told
from sixpx.core.user import User
from sixpx.errors import NotFound, SixpxError, Unauthorized
from sixpx.feed import Feed, Line
from sixpx.log import wordless

log = logging.getLogger(__name__)

SILENCE_SECONDS = 55.0
WRITE_SECONDS = 10.0
"""How long one write may wait for a client that does not read."""
CLOSE_SECONDS = 2.0
"""How long a client has to agree to the end."""
MESSAGE_BYTES = 4096
"""A client has nothing long to say."""
TRIES_MOST = 5
"""Refusals on one connection, after which it is closed."""
UNDERSTOOD = 'expected {"auth": {"user_id": …}} or {"ping": true}'
ONE_USER = "this connection belongs to another user already"


@dataclass(frozen=True, slots=True)
class Sockets:
    """`/` and `/v1/socket`; `stopping` is done when nobody shall wait any longer."""

    auth: Auth
    feed: Feed
    stopping: asyncio.Future[None]
    silence: float = SILENCE_SECONDS
    write: float = WRITE_SECONDS
    again: float = AGAIN_SECONDS

    def add_to(self, app: web.Application) -> None:
        for path in ("/", "/v1/socket"):
            app.router.add_get(path, self.meet, allow_head=False)

    async def meet(self, request: web.Request) -> web.StreamResponse:
        # not compressed: an event is 60 bytes, and what would compress it takes 130 kB for each socket
        socket = web.WebSocketResponse(
            autoping=False, max_msg_size=MESSAGE_BYTES, timeout=CLOSE_SECONDS, compress=False
        )
        if not socket.can_prepare(request):
            if request.path == "/":
                raise NotFound("there is nothing at this address; web sockets connect to it")
            return problem.upgrade_required()
        await socket.prepare(request)
        await Visit(self, socket, request).last()
        return socket


@dataclass(frozen=True, slots=True)
class _Entry:
    """Who was let in: what is told fills his line, and he can be asked again for what he has shown."""

    line: Line
    prove: Callable[[], Awaitable[User]]


class Visit:
    """One connection, until one side ends it."""

    def __init__(self, sockets: Sockets, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._sockets = sockets
        self._socket = socket
        self._origin = request.headers.get("Origin")
        self._transport = request.transport
        self._listening = ExitStack()
        self._entry: asyncio.Future[_Entry] = asyncio.get_running_loop().create_future()
        self._user_id = ""
        self._refused = 0
        self._patience = asyncio.get_running_loop().time() + sockets.silence

    async def last(self) -> None:
        """Until the client goes, is silent, does not read, or may not listen any more, or the service stops."""
        parts = [asyncio.ensure_future(one) for one in (self._hear(), self._tell(), self._look_again())]
        try:
            await asyncio.wait((*parts, self._sockets.stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            _log_mistakes(await asyncio.gather(*parts, return_exceptions=True))
            self._listening.close()
        await self._part(WSCloseCode.GOING_AWAY if self._sockets.stopping.done() else WSCloseCode.POLICY_VIOLATION)

    async def _part(self, code: WSCloseCode) -> None:
        """Says goodbye, for which aiohttp would wait until the client has read all that was sent before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code)
        if self._socket.close_code == WSCloseCode.ABNORMAL_CLOSURE:
            self._cut_off()

    def _cut_off(self) -> None:
        """Ends the connection of a client that does not read: closed in good order, it would stay for as long as there
        is something unread."""
        if self._transport is not None:
            self._transport.abort()

    # --- what the client says ---------------------------------------------------------------------

    async def _hear(self) -> None:
        while self._refused < TRIES_MOST:
            message = await self._next()
            if message.type is WSMsgType.TEXT:
                await self._answer(message.data)
            elif message.type is WSMsgType.PING:
                await self._within(self._socket.pong(message.data))
            elif message.type is not WSMsgType.PONG:
                return

    async def _next(self) -> WSMessage:
        """What the client says next. Raises TimeoutError where it is silent for too long."""
        # one receive for all of the wait: aiohttp gives a connection up whose receive is cut short
        receiving = asyncio.ensure_future(self._socket.receive())
        try:
            self._sign()
            while not receiving.done():
                await asyncio.wait((receiving,), timeout=self._patience - asyncio.get_running_loop().time())
                if not receiving.done():
                    self._check_silence()
        finally:
            receiving.cancel()
        return receiving.result()

    def _sign(self) -> None:
        """Something was said, by either side: the silence begins anew, once it is known who is there."""
        if self._user_id:
            self._patience = asyncio.get_running_loop().time() + self._sockets.silence

    def _check_silence(self) -> None:
        if asyncio.get_running_loop().time() < self._patience:
            return
        if not self._sockets.feed.working_for(self._user_id):
            raise TimeoutError
        self._sign()

    async def _answer(self, text: str) -> None:
        said = _object(text)
        if isinstance(auth := said.get("auth"), dict):
            await self._authorise(auth)
        elif "ping" in said:
            await self._say({"pong": True})
        else:
            await self._say({"error": {"code": "invalid", "detail": UNDERSTOOD}})

    async def _authorise(self, asked: Mapping[str, Any]) -> None:
        """Says `{"auth": true}` once the first event can be heard, and never a second time for one message: the
        published clients begin their program anew with each."""
        shown = Shown(_text(asked, "key"), _text(asked, "secret"))
        prove = partial(self._sockets.auth.at_a_socket, _text(asked, "user_id"), shown, self._origin)
        try:
            user = await prove()
        except SixpxError as fault:
            self._refused += isinstance(fault, Unauthorized)
            await self._say({"auth": False, "error": {"code": fault.code, "detail": fault.detail}})
            return
        if self._user_id not in ("", user.id):
            await self._say({"auth": False, "error": {"code": "conflict", "detail": ONE_USER}})
            return
        entry = None
        if not self._user_id:
            self._user_id = user.id
            entry = _Entry(self._listening.enter_context(self._sockets.feed.listening(user.id)), prove)
        await self._say({"auth": True})
        if entry is not None:
            self._entry.set_result(entry)

    # --- what it is told --------------------------------------------------------------------------

    async def _tell(self) -> None:
        line = (await self._entry).line
        while (event := await line.next()) is not None:
            self._sign()
            await self._within(self._socket.send_str(told.message(event.job_id, event.status)))

    async def _look_again(self) -> None:
        """Returns when the proof does not hold any more: its secret was taken back, or the user removed."""
        await revoked((await self._entry).prove, self._sockets.again)

    async def _say(self, value: Mapping[str, Any]) -> None:
        await self._within(self._socket.send_str(orjson.dumps(value).decode()))

    async def _within(self, writing: Coroutine[Any, Any, None]) -> None:
        """Raises TimeoutError for a client that does not read. Nothing is said after what was broken off."""
        try:
            async with asyncio.timeout(self._sockets.write):
                await writing
        except (TimeoutError, asyncio.CancelledError):
            self._cut_off()
            raise


def _log_mistakes(outcomes: Iterable[object]) -> None:
    """What ended a connection, where it is neither the client's going nor his silence."""
    for fault in outcomes:
        if isinstance(fault, Exception) and not isinstance(fault, TimeoutError | ConnectionError):
            log.error("a web socket failed", exc_info=wordless(fault), extra={"stage": "socket"})


def _object(text: str) -> dict[str, Any]:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    return value if isinstance(value, str) else ""
