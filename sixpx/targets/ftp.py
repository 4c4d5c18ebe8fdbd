"""Owns uploads over FTP, and over FTP with explicit TLS (`ftps`). Never an address for data that the server names.

RFC 959, 2428 (EPSV), 3659 (SIZE), 4217 (TLS). FTP itself checks nothing: without TLS, what the server keeps is read
back and compared before it gets its name.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import posixpath
import re
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import aioftp
from aioftp.common import SSLSessionBoundContext

from sixpx.credentials import Destination
from sixpx.errors import Again, PutFailed
from sixpx.guard import Guard
from sixpx.pieces import pieces
from sixpx.targets.base import Parcel

T = TypeVar("T")

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
PIECE = 256 * 1024
"""Bytes that are read and sent at a time."""
KEPT = 8
"""Idle connections kept for each destination; one serves one upload at a time."""
IDLE_SECONDS = 20.0
"""After this long a connection is tried before it is used again, since servers close idle ones."""
OLD_SECONDS = 120.0
ANONYMOUS = "anonymous"

BROKEN = (aioftp.AIOFTPException, OSError, EOFError, ValueError, LookupError, OverflowError)
"""What goes wrong with a server; the last three where an answer of it is no FTP."""


class Client(aioftp.Client):
    """aioftp's, with four differences: the guard opens the sockets; data go to the address of the control connection
    alone; TLS on a data connection begins after the server has accepted the transfer, resuming the session of the
    control connection, as servers wait for it (RFC 4217 section 7); and time is limited for each command and piece,
    since aioftp's own limit makes a task of every line (a third of the time of a small file, before Python 3.12)."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard
        self.idle_since = 0.0

    async def _open_connection(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(CONNECT_SECONDS):
            if self._stream is None:
                return await asyncio.open_connection(sock=await self._guard.connect(host, port))
            # an address and no name, so that nothing is looked up between the check and the socket
            address = self._stream.writer.get_extra_info("peername")[0]
            self._guard.check(address)
            return await asyncio.open_connection(address, port)

    async def command(  # type: ignore[override]  # of its two forms nobody uses the one without an answer
        self, *words: Any, **options: Any
    ) -> tuple[aioftp.Code, list[str]]:
        return await _quickly(super().command(*words, **options))

    async def parse_line(self) -> tuple[aioftp.Code, str]:
        """A line of the server's answer: all of it, in whatever encoding."""
        line = await self.stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("it was cut")
        text = line.decode(errors="replace").rstrip()
        return aioftp.Code(text[:3]), text[3:]

    @property
    def hung_up(self) -> bool:
        return self.stream.reader.at_eof() or self.stream.writer.is_closing()

    @property
    def encrypted(self) -> bool:
        return self.stream.writer.get_extra_info("ssl_object") is not None

    async def transfer(self, command: str) -> aioftp.DataConnectionThrottleStreamIO:
        """The data connection of a command that was accepted."""
        reader, writer = await self.get_passive_connection("I")
        try:
            await self.command(command, "1xx")
            control = self.stream.writer.get_extra_info("ssl_object")
            if control is not None:
                session = SSLSessionBoundContext(
                    ssl.PROTOCOL_TLS_CLIENT, context=control.context, session=control.session
                )
                async with asyncio.timeout(CONNECT_SECONDS):
                    await writer.start_tls(session, server_hostname=self.server_host)
        except BaseException:
            writer.close()
            raise
        throttles = {"_": self.throttle}
        return aioftp.DataConnectionThrottleStreamIO(self, reader, writer, throttles=throttles)


@dataclass(slots=True)
class Ftp:
    """`guard` sees every connection, `tls` says which certificates are trusted."""

    guard: Guard
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    _idle: dict[str, list[Client]] = field(default_factory=dict)

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Written under a temporary name, compared, then renamed. Raises PutFailed, Refused."""
        folder = _folder(to.path)
        path, part = (posixpath.join(folder, name) for name in (parcel.name, f".{secrets.token_hex(8)}.part"))
        with _in_our_words(to):
            async with self._client(to) as client:
                try:
                    digest = await _stored(client, parcel, part, folder)
                    await _compared(client, parcel, part, digest)
                    await _renamed(client, parcel, part, path)
                except BaseException:
                    client.close()
                    await asyncio.shield(self._removed(to, part))
                    raise
        return location(to, parcel.name)

    @asynccontextmanager
    async def _client(self, to: Destination) -> AsyncIterator[Client]:
        """A connection for one upload; after a fault nobody knows what its server will say next, so it is left."""
        idle = self._idle.setdefault(_name(to), [])
        client = await _awake(idle) or await self._opened(to)
        try:
            yield client
        except BaseException as fault:
            client.close()
            if isinstance(fault, BROKEN) and not isinstance(fault, aioftp.StatusCodeError):
                _left(idle)  # what befell the one may have befallen all
            raise
        self._keep(_name(to), client)

    def _keep(self, name: str, client: Client) -> None:
        """For the next upload; those that nobody has needed for long are left, whatever their server."""
        client.idle_since = now = asyncio.get_running_loop().time()
        idle = self._idle[name] = self._idle.pop(name, [])  # the last used place comes last
        idle.append(client)
        _left(idle, KEPT)
        for one, others in list(self._idle.items()):
            if not others or others[-1].idle_since + OLD_SECONDS < now:
                _left(self._idle.pop(one))

    async def _opened(self, to: Destination) -> Client:
        client = Client(self.guard)
        try:
            await client.connect(to.host, to.port or 21)
            if to.scheme == "ftps":
                await self._encrypt(client, to)
            await client.login(to.username or ANONYMOUS, to.secret)
        except BaseException:
            client.close()
            raise
        return client

    async def _encrypt(self, client: Client, to: Destination) -> None:
        try:
            await _quickly(client.upgrade_to_tls(self.tls))
        except aioftp.StatusCodeError as fault:
            if not fault.received_codes[-1].matches("5xx"):
                raise
            raise PutFailed(f"{to.host} speaks FTP without TLS only ({fault.received_codes[-1]})") from fault

    async def _removed(self, to: Destination, part: str) -> None:
        """What was begun is taken away, over a connection of its own. It may be gone, or the server."""
        with suppress(*BROKEN, PutFailed):
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                client = await self._opened(to)
                try:
                    await client.command(f"DELE {part}", "250")
                finally:
                    client.close()

    async def close(self) -> None:
        while self._idle:
            _left(self._idle.popitem()[1])


def _left(idle: list[Client], but: int = 0) -> None:
    """Closes the connections that were idle longest, all but so many."""
    while len(idle) > but:
        idle.pop(0).close()


async def _awake(idle: list[Client]) -> Client | None:
    """The connection that was used last, if it still answers."""
    now = asyncio.get_running_loop().time()
    while idle:
        client = idle.pop()
        age = now - client.idle_since
        if client.hung_up:
            client.close()
            continue
        if age < IDLE_SECONDS:
            return client
        with suppress(*BROKEN):
            if age < OLD_SECONDS:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await client.command("NOOP", "2xx")
                return client
        client.close()
    return None


async def _stored(client: Client, parcel: Parcel, part: str, folder: str) -> bytes | None:
    """SHA-256 of what was sent; none where TLS sees to it."""
    try:
        stream = await client.transfer(f"STOR {part}")
    except aioftp.StatusCodeError as fault:
        if fault.received_codes[-1] not in ("550", "553"):
            raise
        await _made(client, folder)
        stream = await client.transfer(f"STOR {part}")
    sent = None if client.encrypted else hashlib.sha256()
    with _closing(stream):
        try:
            async for piece in pieces(parcel.source, PIECE, sent):
                await _quickly(stream.write(piece))
        except ConnectionError:
            await stream.finish()  # raises what the server says of it: that its disk is full, say
            raise
        await stream.finish()
    return sent.digest() if sent else None


@contextmanager
def _closing(stream: aioftp.DataConnectionThrottleStreamIO) -> Iterator[None]:
    """A data connection is left at once where anything goes wrong."""
    try:
        yield
    except BaseException:
        stream.close()
        raise


async def _made(client: Client, folder: str) -> None:
    """The folder and those above it. They may be there, or come at the same moment: the next STOR tells."""
    parts = [one for one in folder.split("/") if one]
    root = "/" if folder.startswith("/") else ""
    for depth in range(1, len(parts) + 1):
        with suppress(aioftp.StatusCodeError):
            await client.command(f"MKD {root}{'/'.join(parts[:depth])}", "257")


async def _compared(client: Client, parcel: Parcel, part: str, digest: bytes | None) -> None:
    """Raises PutFailed where the server does not keep what was sent: its size, and without TLS its every byte."""
    await _sized(client, parcel, part)
    if digest is None:
        return
    kept = hashlib.sha256()
    stream = await client.transfer(f"RETR {part}")
    with _closing(stream):
        while piece := await _quickly(stream.read(PIECE)):
            kept.update(piece)
        await stream.finish()
    if kept.digest() != digest:
        raise PutFailed("the file was damaged on its way to the server", again=Again.BROKEN)


async def _sized(client: Client, parcel: Parcel, path: str) -> None:
    _, words = await client.command(f"SIZE {path}", "213")
    if int(words[-1]) != parcel.size:
        raise PutFailed(f"the server kept {int(words[-1])} of {parcel.size} bytes", again=Again.BROKEN)


async def _renamed(client: Client, parcel: Parcel, part: str, path: str) -> None:
    """In place of a file of that name; a server that does not rename over one has it removed first. Without TLS even
    the name may have been damaged on its way."""
    try:
        await _moved(client, part, path)
    except aioftp.StatusCodeError as fault:
        if not fault.received_codes[-1].matches("5xx"):
            raise
        try:
            await client.command(f"DELE {path}", "250")
        except aioftp.StatusCodeError:
            raise fault from None
        await _moved(client, part, path)
    if not client.encrypted:
        await _sized(client, parcel, path)


async def _moved(client: Client, part: str, path: str) -> None:
    await client.command(f"RNFR {part}", "350")
    await client.command(f"RNTO {path}", "2xx")


async def _quickly(answer: Coroutine[Any, Any, T]) -> T:
    """What the server says to one thing; one that goes silent is left."""
    async with asyncio.timeout(SILENCE_SECONDS):
        return await answer


def _folder(path: str) -> str:
    """The folder as the server takes it: absolute, or relative to the login folder for `/~/…` (SPEC section 9)."""
    if path == "/~" or path.startswith("/~/"):
        return path[3:]
    return path or "/"


def _name(to: Destination) -> str:
    """What connections are kept by; a digest, since the secret is part of it."""
    parts = (to.scheme, to.username, to.secret, to.host, to.port)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def location(to: Destination, name: str) -> str:
    """The file's URL, without credentials."""
    host = f"[{to.host}]" if ":" in to.host else to.host
    port = f":{to.port}" if to.port else ""
    return f"{to.scheme}://{host}{port}{quote(to.path, safe='/~')}/{quote(name)}"


# --- faults ---------------------------------------------------------------------------------------


@contextmanager
def _in_our_words(to: Destination) -> Iterator[None]:
    """Turns what aioftp and TLS raise into PutFailed. Replies of servers are not repeated: they may hold anything."""
    where = to.host
    try:
        yield
    except aioftp.StatusCodeError as fault:
        raise _told(fault, to) from fault
    except ssl.SSLCertVerificationError as fault:
        raise PutFailed(f"the certificate of {where} is not trusted ({fault.verify_message})") from fault
    except ssl.SSLError as fault:
        raise PutFailed(f"no TLS connection to {where} comes about", again=Again.BROKEN) from fault
    except TimeoutError as fault:
        raise PutFailed(f"{where} went silent, or did not answer in time", again=Again.BROKEN) from fault
    except BROKEN as fault:
        raise PutFailed(f"the connection to {where} failed ({_why(fault)})", again=Again.BROKEN) from fault


def _why(fault: BaseException) -> str:
    match fault:
        case socket.gaierror():
            return "no such host is known"
        case OSError(errno=int(number)):
            return os.strerror(number).lower()
        case OSError() | EOFError():
            return "it was cut"
    return "its answer is no FTP"


def _told(fault: aioftp.StatusCodeError, to: Destination) -> PutFailed:
    code, where, folder = str(fault.received_codes[-1]), to.host, to.path or "/"
    if code in ("452", "552"):
        return PutFailed(f"{where} has no space left", again=Again.BUSY)
    if code in ("421", "450"):
        return PutFailed(f"{where} has too much to do ({code})", again=Again.BUSY)
    if not code.startswith("5"):
        return PutFailed(f"{where} broke the transfer off ({code})", again=Again.BROKEN)
    if to.scheme == "ftp" and re.search("TLS|SSL|encrypt", " ".join(fault.info), re.IGNORECASE):
        return PutFailed(f"{where} wants TLS ({code}): write ftps:// in place of ftp://")
    if code == "530":
        return PutFailed(f"{where} does not accept the user name and password")
    if code in ("550", "553"):
        return PutFailed(f'{where} does not let this user write to "{folder}" ({code})')
    return PutFailed(f'{where} refused the file in "{folder}" ({code})')
