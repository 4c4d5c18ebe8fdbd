"""Owns an FTP server that gives the answers it is told to, for those that no real one can be brought to give. Never
a proof that an upload works: vsftpd and ProFTPD are.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from tests.servers.base import HOST

HANGS_UP = b"\0"
"""Ends an answer after which the server is gone, in the middle of a line."""
USUAL = {
    "USER": "331 password?", "PASS": "230 welcome", "TYPE": "200 so be it", "NOOP": "200 here", "MKD": '257 "made"',
    "RNFR": "350 whereto?", "RNTO": "250 moved", "DELE": "250 gone", "STOR": "150 go on", "RETR": "150 here it comes",
}  # fmt: skip


@dataclass(slots=True)
class ToldFtp:
    """`tells` are answers to commands, given once each in this order; `heard` is what clients said. Of files it knows
    the last one that was sent."""

    tells: dict[str, list[bytes]] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    kept: bytes = b""
    greeting: bytes = b"220 hello"
    _servers: list[asyncio.Server] = field(default_factory=list)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _data: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=asyncio.Queue)

    async def start(self) -> None:
        self._servers.append(await asyncio.start_server(self._serve, HOST, 0))

    @property
    def port(self) -> int:
        return int(self._servers[0].sockets[0].getsockname()[1])

    async def end(self) -> None:
        for one in (*self._servers, *self._writers):
            one.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(self.greeting + b"\r\n")
            while line := (await reader.readline()).decode().rstrip():
                self.heard.append(line)
                command = line.split(" ")[0]
                told = self.tells.get(command, [])
                answer = told.pop(0) if told else await self._usual(command)
                if answer.endswith(HANGS_UP):
                    writer.write(answer.removesuffix(HANGS_UP))
                    break
                writer.write(answer + b"\r\n")
                if answer.startswith(b"150"):
                    writer.write(await self._transferred(command) + b"\r\n")
        writer.close()

    async def _usual(self, command: str) -> bytes:
        if command in ("EPSV", "PASV"):
            return await self._listening(command)
        if command == "SIZE":
            return b"213 %d" % len(self.kept)
        return USUAL.get(command, "502 never heard of it").encode()

    async def _listening(self, command: str) -> bytes:
        opened = self._data = asyncio.Queue()

        async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)
            await opened.put((reader, writer))

        self._servers.append(await asyncio.start_server(keep, HOST, 0))
        port = self._servers[-1].sockets[0].getsockname()[1]
        if command == "EPSV":
            return b"229 come (|||%d|)" % port
        return b"227 come (10,0,0,1,%d,%d)" % divmod(port, 256)  # where nobody may be led

    async def _transferred(self, command: str) -> bytes:
        reader, writer = await self._data.get()
        if command == "STOR":
            self.kept = await reader.read()
        else:
            writer.write(self.kept)
        writer.close()
        return (self.tells.get("done") or [b"226 done"]).pop(0)
