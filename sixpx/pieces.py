"""Owns reading a finished file in threads, a piece at a time. Never what becomes of the pieces."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol


class Digest(Protocol):
    """What `hashlib` makes."""

    def update(self, data: bytes, /) -> None: ...


async def pieces(path: Path, most: int, digest: Digest | None = None) -> AsyncIterator[bytes]:
    """The bytes of a file, at most `most` at a time; `digest` has seen every piece that came out.
    Raises OSError.

    A turn of a thread costs as much as it costs to send a small picture: a file of one piece takes one turn.
    """
    start, left = 0, 1
    while left > 0:
        piece, left = await asyncio.to_thread(_piece, path, start, most, digest)
        start += len(piece)
        if piece:
            yield piece


def _piece(path: Path, start: int, most: int, digest: Digest | None) -> tuple[bytes, int]:
    """A piece, and how many bytes come after it."""
    # opened anew for each piece: 10 µs, and no open file is left behind where nobody reads on
    with path.open("rb", buffering=0) as file:
        left = os.fstat(file.fileno()).st_size - start
        file.seek(start)
        piece = file.read(min(most, left))  # to ask for much more than there is costs five times the time
    if digest is not None:
        digest.update(piece)
    return piece, left - len(piece) if piece else 0


class Slice(io.RawIOBase):
    """Some bytes of a file, as a file of their own, for clients that read it themselves."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._start, self._at = start, 0
        self._read_at = time.monotonic()
        self._size = min(size, os.fstat(self._file.fileno()).st_size - start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        most = max(0, min(len(buffer), self._size - self._at))
        count = os.preadv(self._file.fileno(), [memoryview(buffer)[:most]], self._start + self._at)
        self._at += count
        self._read_at = time.monotonic()
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def close(self) -> None:
        self._file.close()
        super().close()

    @asynccontextmanager
    async def wanted(self, seconds: float) -> AsyncIterator[None]:
        """While a client sends it. Raises TimeoutError once nobody has read on for so many seconds: the other side
        takes no more, or says nothing to the last of it."""
        self._read_at = time.monotonic()
        async with asyncio.timeout(seconds) as limit:
            watch = asyncio.create_task(self._move(limit, seconds))
            try:
                yield
            finally:
                watch.cancel()

    async def _move(self, limit: asyncio.Timeout, seconds: float) -> None:
        while not limit.expired():
            left = seconds - (time.monotonic() - self._read_at)
            limit.reschedule(asyncio.get_running_loop().time() + left)
            await asyncio.sleep(seconds / 4)
