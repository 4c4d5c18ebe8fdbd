"""Owns connections that hold little: soon it is seen who does not read, for whom the system would take megabytes."""

from __future__ import annotations

import socket
from typing import Any

from aiohttp import web


async def with_little_room(request: web.Request, _: web.StreamResponse) -> None:
    """A signal of an application, `on_response_prepare`: what waits to be sent."""
    assert request.transport is not None
    request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


def narrow(address: tuple[Any, ...]) -> socket.socket:
    """A socket that takes little before its owner has read."""
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return made
