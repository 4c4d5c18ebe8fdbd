"""Owns hearing of ends over a web socket, for all waits of one client. Never decides what to do without one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import aiohttp
import orjson

from sixpx.client.result import ENDED
from sixpx.client.wire import Identity, Wire
from sixpx.errors import SixpxError

PING_SECONDS = 30.0
"""As the published clients do; 55 s of silence end a socket. A ping that has no answer before the next is due says that
the line was cut, though nobody said so."""
PROOF_SECONDS = 10.0
REMEMBERED = 1000
"""Ends that were heard before anybody asked for them."""


class Ear:
    """Made by `open`; deaf once its socket has ended."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._expected: dict[str, asyncio.Future[None]] = {}
        self._ends: OrderedDict[str, None] = OrderedDict()
        self._heard_something = False
        self._tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._ping())]

    @classmethod
    async def open(cls, wire: Wire) -> Ear | None:
        """None where the service has no web sockets, or something between does not let them through."""
        try:
            socket = await wire.socket()
        except SixpxError:
            return None
        proven = False
        try:
            proven = await _proven(socket, wire.identity)
        finally:
            if not proven:
                await socket.close()
        return cls(socket) if proven else None

    @property
    def deaf(self) -> bool:
        return any(task.done() for task in self._tasks)

    async def end_of(self, job_id: str, seconds: float) -> None:
        """Returns when the job has ended, the ear has gone deaf, or after so many seconds."""
        if job_id in self._ends:
            del self._ends[job_id]  # good for one look: who finds that it was retried since waits for its next end
            return
        if self.deaf:
            return
        heard = self._expected.setdefault(job_id, asyncio.get_running_loop().create_future())
        await asyncio.wait((heard,), timeout=seconds)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()

    async def _hear(self) -> None:
        try:
            async for message in self._socket:
                self._heard_something = True
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._note(message.data)
        finally:
            self._wake_all()

    def _note(self, text: str) -> None:
        said: Any = None
        with suppress(orjson.JSONDecodeError):
            said = orjson.loads(text)
        if isinstance(said, dict) and said.get("status") in ENDED:
            job_id = str(said.get("job_id"))
            self._ends[job_id] = None
            if len(self._ends) > REMEMBERED:
                self._ends.popitem(last=False)
            if (waiting := self._expected.pop(job_id, None)) is not None:
                _wake(waiting)
        elif isinstance(said, dict) and "job_id" in said:
            self._ends.pop(str(said["job_id"]), None)  # it was retried

    async def _ping(self) -> None:
        try:
            self._heard_something = True
            while self._heard_something:
                self._heard_something = False
                await self._socket.send_str('{"ping":true}')
                await asyncio.sleep(PING_SECONDS)
        finally:
            self._wake_all()

    def _wake_all(self) -> None:
        """Nothing more is heard here."""
        for waiting in self._expected.values():
            _wake(waiting)
        self._expected.clear()


async def _proven(socket: aiohttp.ClientWebSocketResponse, who: Identity) -> bool:
    """Whether the service lets this user listen."""
    try:
        proof = {"user_id": who.user, "key": who.key, "secret": who.secret}
        await socket.send_str(orjson.dumps({"auth": proof}).decode())
        reply = await socket.receive(timeout=PROOF_SECONDS)
        return reply.type is aiohttp.WSMsgType.TEXT and orjson.loads(reply.data).get("auth") is True
    except (aiohttp.ClientError, ConnectionError, TimeoutError, ValueError, AttributeError):
        return False


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
