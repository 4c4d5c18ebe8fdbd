"""Owns a proxy between a member and its server that cuts, delays, corrupts and goes silent. Never knows a protocol.

It listens on the very ports of the server at an address of its own. So it is in the way of FTP's data connections too,
which go to the address of the control connection, and TLS passes through it as it is.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from tests.servers.base import HOST

AT = "127.0.0.2"
"""Loopback too; a system that has only 127.0.0.1 needs `ifconfig lo0 alias 127.0.0.2`."""
BLOCK = 16 * 1024
DELAY_SECONDS = 0.2
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that lets a close send RST."""


class Way(StrEnum):
    UP = "up"
    """From the member to the server."""
    DOWN = "down"


class Harm(StrEnum):
    CUT = "cut"
    """Both ends see the connection closed."""
    RESET = "reset"
    SILENT = "silent"
    """The connection stays open, and nothing passes any more."""
    CORRUPT = "corrupt"
    """One bit of the next byte is turned over."""
    DELAY = "delay"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens once after so many bytes went this way, over all connections. With `lasting` the server is gone
    from then on: every other connection, new ones too, is treated in the same way."""

    harm: Harm
    way: Way = Way.UP
    after: int = 0
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.harm}-{self.way}-{self.after}{'-lasting' if self.lasting else ''}"


@dataclass(eq=False, slots=True)
class Link:
    """One connection of the member and the one to the server that belongs to it."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing passes while it is not set."""

    def close(self, reset: bool = False) -> None:
        self.open.set()
        for writer in self.writers:
            if reset:
                with suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
            else:
                writer.close()


@dataclass(slots=True)
class Proxy:
    """`passed` counts the bytes each way since the last `arm`, `accepted` the connections to each port."""

    ports: tuple[int, ...]
    host: str = AT
    pace: float = 0.0
    """Seconds that each block of BLOCK bytes takes on its way up."""
    passed: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    accepted: dict[int, int] = field(default_factory=dict)
    _fault: Fault | None = None
    _gone: Fault | None = None
    _links: dict[Link, asyncio.Task[None]] = field(default_factory=dict)
    _servers: list[asyncio.Server] = field(default_factory=list)

    @classmethod
    async def open(cls, ports: Iterable[int], host: str = AT) -> Proxy:
        proxy = cls(tuple(ports), host)
        await proxy.listen()
        return proxy

    async def listen(self) -> None:
        for port in self.ports:
            try:
                server = await asyncio.start_server(self._serve_on(port), sock=self._socket(port), limit=BLOCK)
            except OSError as fault:
                if fault.errno != errno.EADDRNOTAVAIL:
                    raise
                pytest.skip(f"no second loopback address to put a proxy at: {fault.strerror}")
            self._servers.append(server)

    def _socket(self, port: int) -> socket.socket:
        """With a small buffer, so that who sends soon notices that nobody reads."""
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * BLOCK)
        try:
            opened.bind((self.host, port))
        except OSError:
            opened.close()
            raise
        return opened

    async def refuse(self) -> None:
        """Nobody listens any more, until `listen`."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        self.drop()

    def arm(self, fault: Fault | None) -> None:
        """The next harm, or none from now on; connections that went silent stay so."""
        self._fault, self._gone = fault, None
        self.passed = dict.fromkeys(Way, 0)
        self.accepted = {}

    @property
    def struck(self) -> bool:
        """Whether the fault that was armed has come about."""
        return self._fault is None

    @property
    def open_links(self) -> int:
        return len(self._links)

    def drop(self) -> None:
        for link in list(self._links):
            link.close(reset=True)

    async def close(self) -> None:
        await self.refuse()
        await asyncio.gather(*self._links.values(), return_exceptions=True)

    # --- one connection ---------------------------------------------------------------------------

    def _serve_on(self, port: int):  # type: ignore[no-untyped-def]  # asyncio's own callback type
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.accepted[port] = self.accepted.get(port, 0) + 1
            try:
                upper, uplink = await asyncio.open_connection(HOST, port, limit=BLOCK)
            except OSError:
                writer.transport.abort()
                return
            link = Link((writer, uplink))
            link.open.set()
            task = asyncio.current_task()
            assert task is not None
            self._links[link] = task
            if self._gone is not None:
                self._strike(link, self._gone.harm)
            try:
                await asyncio.gather(
                    self._pass(link, Way.UP, reader, uplink), self._pass(link, Way.DOWN, upper, writer)
                )
            finally:
                del self._links[link]
                link.close()

        return serve

    async def _pass(self, link: Link, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(BLOCK):
                await link.open.wait()
                if self._due(way, len(data)):
                    data = await self._harmed(link, way, data, writer)
                self.passed[way] += len(data)
                if self.pace and way is Way.UP:
                    await asyncio.sleep(self.pace * len(data) / BLOCK)
                writer.write(data)
                await writer.drain()
            await link.open.wait()
            if writer.can_write_eof():
                writer.write_eof()

    def _due(self, way: Way, size: int) -> bool:
        return self._fault is not None and self._fault.way is way and self.passed[way] + size > self._fault.after

    async def _harmed(self, link: Link, way: Way, data: bytes, writer: asyncio.StreamWriter) -> bytes:
        """What still passes of these bytes."""
        fault, self._fault = self._fault, None
        assert fault is not None
        at = fault.after - self.passed[way]
        if fault.harm is Harm.CORRUPT:
            return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        if fault.harm is Harm.DELAY:
            await asyncio.sleep(DELAY_SECONDS)
            return data
        writer.write(data[:at])
        if fault.lasting:
            self._gone = fault
        for one in list(self._links) if fault.lasting else [link]:
            self._strike(one, fault.harm)
        await link.open.wait()
        return b""

    def _strike(self, link: Link, harm: Harm) -> None:
        if harm is Harm.SILENT:
            link.open.clear()
        else:
            link.close(reset=harm is Harm.RESET)
