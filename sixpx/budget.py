"""Owns how many bytes may be taken at once: of the scratch folder, of memory. Never what they hold.

Whoever needs several pieces reserves them all before he begins, so that no two can wait for each other; whoever came
first is served first. What turns out not to be needed is given back as soon as that is known.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Budget:
    """A budget of bytes. One reservation larger than all of it waits until it is alone, and then passes."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def held(self) -> int:
        """Bytes that are reserved now."""
        return self._held

    async def reserve(self, size: int) -> None:
        """Returns when `size` bytes are ours; `release` them, in one piece or several."""
        if not self._waiting and self._fits(size):
            self._held += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(size)
            raise

    def release(self, size: int) -> None:
        self._held -= size
        while self._waiting and (self._waiting[0][1].done() or self._fits(self._waiting[0][0])):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._held += size
                turn.set_result(None)

    def _fits(self, size: int) -> bool:
        return self._held == 0 or self._held + size <= self._budget
