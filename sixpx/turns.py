"""Owns whose turn it is: so many at once, users in turn, each user's own in the order they came. Never what they do.

A queue that knows no users serves whoever asked for much, and lets all others wait behind it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """`most` turns are taken at once."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """The block runs when it is this user's turn."""
        await self._take(user)
        try:
            yield
        finally:
            self._free += 1
            self._call_next()

    async def _take(self, user: str) -> None:
        if self._free and not self._waiting:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free += 1
                self._call_next()
            raise

    def _call_next(self) -> None:
        """Gives every free turn to the user who waits longest for one; who is served goes to the end of the line."""
        while self._free and self._waiting:
            user, line = next(iter(self._waiting.items()))
            turn = line.popleft()
            if not turn.done():
                turn.set_result(None)
                self._free -= 1
                self._waiting.move_to_end(user)
            if not line:
                del self._waiting[user]
