"""Owns the way of a body from the wire to a JSON value, and how much memory bodies may take. Never what a body means.

A large body is held several times over while it is parsed, decoded and stored, so the large ones take turns: what one
may bring is reserved before it is read, and the heavy work is done for one of them at a time. It needs Python's one
lock anyway, and so it takes no longer.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import orjson
from aiohttp import web

from sixpx.api.v1 import mistakes
from sixpx.budget import Budget
from sixpx.errors import Busy, Invalid, TooLarge

T = TypeVar("T")
P = ParamSpec("P")

LARGE = 1_000_000
"""Bytes from which a body waits for room and is handled in a thread (SPEC section 9, Data URIs)."""
ROOM = 64_000_000
"""Bytes of large bodies in flight; one that is larger by itself waits until it is alone."""
PATIENCE = 30.0
"""Seconds that a request waits for room."""
READ_WITHIN = 120.0
"""Seconds for a large body to arrive: as long as it does, others wait for its room."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A body as a JSON value, and how many bytes it was."""

    value: Any
    size: int


class Bodies:
    """The room for large bodies of one process; times in seconds."""

    def __init__(self, room: int = ROOM, patience: float = PATIENCE, read_within: float = READ_WITHIN) -> None:
        self._room = Budget(room)
        self._patience = patience
        self._read_within = read_within
        self._working = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, request: web.Request) -> AsyncIterator[None]:
        """The request's body has its room while the block runs. Raises Busy, and TooLarge before a byte is read."""
        size = _announced(request)
        if size <= LARGE:
            yield
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._room.reserve(size)
        except TimeoutError:
            raise Busy("too many large bodies are being received; try again") from None
        try:
            yield
        finally:
            self._room.release(size)

    async def parsed(self, request: web.Request) -> Asked:
        """The body of the request. Raises Invalid, TooLarge."""
        try:
            async with asyncio.timeout(self._read_within):
                raw = await _read(request)
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        size = len(raw)
        return Asked(await self.handled(size, parse, raw), size)

    async def handled(self, size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns on a body of so many bytes: for a large one in a thread, one at a time."""
        if size <= LARGE:
            return work(*args, **kwargs)
        async with self._working:
            return await asyncio.to_thread(work, *args, **kwargs)


def parse(raw: bytes | bytearray) -> Any:
    """The JSON value of a body. Raises Invalid."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise Invalid(f"the body is not JSON ({where}: {fault.msg})") from fault


def fingerprint(value: Any) -> str:
    """What makes two bodies the same: their JSON, white space aside; the order of keys counts, filters run in it.
    Raises Invalid for a value nested so deep that it cannot be written."""
    if found := tuple(mistakes.too_deep(value)):
        raise Invalid(f"the body: {found[0].detail}", found)
    return hashlib.sha256(orjson.dumps(value)).hexdigest()


def _announced(request: web.Request) -> int:
    """The most that the body can have: bytes. Raises TooLarge."""
    packed = "Content-Encoding" in request.headers
    size = request.content_length
    if size is None and not request.can_read_body:
        return 0
    if size is not None and size > request.client_max_size:
        raise _too_large()
    return request.client_max_size if size is None or packed else size


async def _read(request: web.Request) -> bytearray:
    """As `request.read` does, but without a second copy, and nothing stays with the request."""
    raw = bytearray()
    try:
        async for chunk in request.content.iter_any():
            raw += chunk
            if len(raw) > request.client_max_size:
                raise _too_large()
    except web.RequestPayloadError as fault:
        raise Invalid("the request body cannot be read: it is not packed as Content-Encoding says") from fault
    return raw


def _too_large() -> TooLarge:
    return TooLarge("the request body is over the limit (limits.body_bytes; see GET /v1/limits)")
