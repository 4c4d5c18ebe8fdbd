"""Owns uploads over SFTP. Never a key that nobody trusts, never the machine's own SSH configuration or agent."""

from __future__ import annotations

import asyncio
import hashlib
import os
import posixpath
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import asyncssh

from sixpx.credentials import Destination
from sixpx.errors import Again, PutFailed
from sixpx.guard import Guard
from sixpx.host_keys import HostKeys
from sixpx.pieces import pieces
from sixpx.targets.base import Parcel

CONNECT_SECONDS = 10.0
"""For the connection, the key exchange and the login; servers hash passwords slowly on purpose."""
SILENCE_SECONDS = 30.0
PIECE = 1024**2
"""Bytes that are read and sent at a time."""
KEPT = 32
"""Connections kept for the next upload."""
IDLE_SECONDS = 60.0
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)
"""The fastest first: with hardware AES half the time of the default."""
KEY_MARK = "b3BlbnNzaC1rZXktdjE"
"""How the body of an OpenSSH private key begins (`openssh-key-v1` in base64): a secret that does is a key."""

BROKEN = (
    OSError,  # TimeoutError is one
    asyncssh.DisconnectError,
    asyncssh.SFTPNoConnection,
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPBadMessage,
    ValueError,  # asyncssh could not read what came
)
"""What a connection raises that is of no use any more; other errors of SFTP are answers."""


class Client(asyncssh.SSHClient):
    """Is asked about a server's key that the operator's file does not list, and remembers which it was; with `listed`
    the file lists others for this server, and no other word counts."""

    def __init__(self, keys: HostKeys, to: Destination, listed: bool) -> None:
        self._keys, self._to, self.listed = keys, to, listed
        self.seen: str | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.seen = key.get_fingerprint()
        return not self.listed and self._keys.trust(
            self._to.host, port_of(self._to), self.seen, self._to.option("hostkey")
        )


@dataclass(eq=False, slots=True)
class Line:
    """One connection with its SFTP session, and how many uploads are on it. A `broken` one is not used again, and
    closed when its last upload has noticed."""

    connection: asyncssh.SSHClientConnection
    sftp: asyncssh.SFTPClient
    idle_since: float
    users: int = 0
    broken: bool = False

    @property
    def alive(self) -> bool:
        return not self.broken and not self.connection.is_closed()

    @contextmanager
    def in_use(self) -> Iterator[asyncssh.SFTPClient]:
        self.users += 1
        try:
            yield self.sftp
        except BROKEN:
            self.broken = True
            raise
        finally:
            self.users -= 1
            self.idle_since = asyncio.get_running_loop().time()
            if self.broken and not self.users:
                self.connection.abort()


@dataclass(slots=True)
class Sftp:
    """`guard` sees every connection, `keys` every host key. A connection serves many uploads, also at once; who waits
    for one that is being opened gets it, or its failure, together with the others."""

    guard: Guard
    keys: HostKeys
    _lines: dict[str, Line] = field(default_factory=dict)
    _opening: dict[str, asyncio.Task[Line]] = field(default_factory=dict)

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Written under a temporary name, its size compared, then renamed. Raises PutFailed, Refused."""
        folder = _folder(to.path)
        path, part = (posixpath.join(folder, name) for name in (parcel.name, f".{secrets.token_hex(8)}.part"))
        with _in_our_words(to):
            line = await self._line(to)
            try:
                with line.in_use() as sftp:
                    await _written(sftp, parcel, part, folder)
                    await _renamed(sftp, part, path)
            except BaseException:
                await asyncio.shield(self._removed(to, part))
                raise
        return location(to, parcel.name)

    async def _removed(self, to: Destination, part: str) -> None:
        """What was begun is taken away, over a new connection where the first one broke. It may be gone, or the
        server."""
        with suppress(*BROKEN, asyncssh.Error, PutFailed):
            line = await self._line(to)
            with line.in_use() as sftp:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await sftp.remove(part)

    async def _line(self, to: Destination) -> Line:
        name = _name(to)
        line = self._lines.pop(name, None)
        if line is None or not line.alive:
            line = await asyncio.shield(self._opening.get(name) or self._begun(name, to))
            self._lines.pop(name, None)
        self._drop_idle()
        self._lines[name] = line
        return line

    def _begun(self, name: str, to: Destination) -> asyncio.Task[Line]:
        def ended(task: asyncio.Task[Line]) -> None:
            del self._opening[name]
            if not task.cancelled() and task.exception() is None:  # kept, though nobody may wait any more
                self._lines[name] = task.result()

        opening = self._opening[name] = asyncio.create_task(self._opened(to))
        opening.add_done_callback(ended)
        return opening

    async def _opened(self, to: Destination) -> Line:
        await self.keys.load()
        known = await self._known(to)
        client = Client(self.keys, to, listed=any(known[:2]))
        async with asyncio.timeout(CONNECT_SECONDS):
            sock = await self.guard.connect(to.host, port_of(to))
            try:
                connection = await asyncssh.connect(
                    sock=sock,
                    client_factory=lambda: client,
                    username=to.username,
                    known_hosts=known,
                    **_proof(to),
                )
            except asyncssh.HostKeyNotVerifiable as fault:
                raise self.keys.refusal(
                    to.host, port_of(to), client.seen, to.option("hostkey"), client.listed
                ) from fault
            except TypeError as fault:  # asyncssh asks where a socket leads to that has just been reset
                sock.close()
                raise ConnectionResetError from fault
            except BaseException:
                sock.close()
                raise
            try:
                if client.seen is not None:  # None: it stood in the operator's file
                    await self.keys.keep(to.host, port_of(to), client.seen, to.option("hostkey"))
                return Line(connection, await connection.start_sftp_client(), asyncio.get_running_loop().time())
            except BaseException:
                connection.abort()
                raise

    async def _known(self, to: Destination) -> Any:
        """What the operator's file says about the host: its keys, authorities and revoked keys; nothing where the
        connection string pins a key."""
        if self.keys.listed is None or to.option("hostkey"):
            return [], [], []
        try:
            known = asyncssh.import_known_hosts(await asyncio.to_thread(self.keys.listed.read_text))
        except (OSError, ValueError) as fault:
            raise PutFailed(
                "the service cannot read its known_hosts file (sftp.known_hosts)", retryable=True
            ) from fault
        return known.match(to.host, to.host, port_of(to))

    def _drop_idle(self) -> None:
        """Before one more is kept."""
        now = asyncio.get_running_loop().time()
        lines = list(self._lines.items())
        for place, (name, line) in enumerate(lines):
            old = line.idle_since + IDLE_SECONDS < now or place <= len(lines) - KEPT
            if not line.users and old:
                del self._lines[name]
                line.connection.close()

    async def close(self) -> None:
        for opening in list(self._opening.values()):
            opening.cancel()
            await asyncio.wait([opening])
        while self._lines:
            connection = self._lines.popitem()[1].connection
            connection.abort()
            await connection.wait_closed()


def _proof(to: Destination) -> dict[str, Any]:
    """What the server is shown, and nothing of the machine's own."""
    options: dict[str, Any] = {
        "config": None,
        "agent_path": None,
        "encryption_algs": CIPHERS,
        "keepalive_interval": 15,
        "login_timeout": CONNECT_SECONDS,
    }
    if not to.secret.startswith(KEY_MARK):
        return {
            **options,
            "client_keys": None,
            "password": to.secret,
            "preferred_auth": "password,keyboard-interactive",
        }
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{to.secret}\n-----END OPENSSH PRIVATE KEY-----\n"
    try:
        key = asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        raise PutFailed(
            "the private key of the connection string cannot be read; expected one without passphrase"
        ) from None
    return {**options, "client_keys": [key], "preferred_auth": "publickey"}


async def _written(sftp: asyncssh.SFTPClient, parcel: Parcel, part: str, folder: str) -> None:
    try:
        remote = await _quickly(sftp.open(part, "wb"))
    except asyncssh.SFTPNoSuchFile:
        await _quickly(sftp.makedirs(folder, exist_ok=True))
        remote = await _quickly(sftp.open(part, "wb"))
    try:
        await _filled(remote, parcel)
        await _quickly(remote.close())  # some servers say here that the disk is full
    except BROKEN:
        raise  # nobody would answer
    except BaseException as fault:
        await asyncio.shield(_closed(remote))
        if isinstance(fault, asyncssh.SFTPFailure):  # version 3 of the protocol has no other word for it
            raise PutFailed("the server cannot write the file: disk or quota may be full", again=Again.BUSY) from fault
        raise
    size = (await _quickly(sftp.stat(part))).size
    if size != parcel.size:
        raise PutFailed(f"the server kept {size} of {parcel.size} bytes", again=Again.BROKEN)


async def _filled(remote: asyncssh.SFTPClientFile, parcel: Parcel) -> None:
    start = 0
    async for piece in pieces(parcel.source, PIECE):
        await _sent(remote, piece, start)
        start += len(piece)
    with suppress(asyncssh.SFTPOpUnsupported):
        await _quickly(remote.fsync())


async def _sent(remote: asyncssh.SFTPClientFile, piece: bytes, start: int) -> None:
    """In requests of the size that the server likes, all under way at once. None is cancelled, and each is heard to its
    end: asyncssh would leave what becomes of it to the log."""
    size = remote.write_len or len(piece)
    asked = [remote.write(piece[at : at + size], start + at) for at in range(0, len(piece), size)]
    requests = [asyncio.ensure_future(one) for one in asked]
    for one in requests:
        one.add_done_callback(_heard)
    done, _ = await asyncio.wait(requests, timeout=SILENCE_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
    for one in done:
        one.result()
    if len(done) < len(requests):
        raise TimeoutError


def _heard(request: asyncio.Future[int]) -> None:
    if not request.cancelled():
        request.exception()


async def _renamed(sftp: asyncssh.SFTPClient, part: str, path: str) -> None:
    """In place of a file of that name. Servers without posix-rename rename over nothing: it is removed first there."""
    try:
        await _quickly(sftp.posix_rename(part, path))
    except asyncssh.SFTPOpUnsupported:
        with suppress(asyncssh.SFTPNoSuchFile):
            await _quickly(sftp.remove(path))
        await _quickly(sftp.rename(part, path))


async def _closed(remote: asyncssh.SFTPClientFile) -> None:
    with suppress(*BROKEN, asyncssh.Error):
        await _quickly(remote.close())


async def _quickly(answer: Any) -> Any:
    """One request's answer; a server that goes silent is left."""
    async with asyncio.timeout(SILENCE_SECONDS):
        return await answer


def _folder(path: str) -> str:
    """The folder as the server takes it: absolute, or relative to the login folder for `/~/…` (SPEC section 9)."""
    if path == "/~" or path.startswith("/~/"):
        return path[3:] or "."
    return path or "/"


def port_of(to: Destination) -> int:
    return to.port or 22


def _name(to: Destination) -> str:
    """What connections are kept by; a digest, since the secret is part of it."""
    parts = (to.username, to.secret, to.host, port_of(to), to.option("hostkey"))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def location(to: Destination, name: str) -> str:
    """The file's URL, without credentials."""
    host = f"[{to.host}]" if ":" in to.host else to.host
    port = f":{to.port}" if to.port else ""
    return f"sftp://{host}{port}{quote(to.path, safe='/~')}/{quote(name)}"


# --- faults ---------------------------------------------------------------------------------------


@contextmanager
def _in_our_words(to: Destination) -> Iterator[None]:
    """Turns what asyncssh raises into PutFailed."""
    where = to.host
    try:
        yield
    except asyncssh.PermissionDenied as fault:
        raise PutFailed(f"{where} does not accept the user name and password or key") from fault
    except asyncssh.SFTPPermissionDenied as fault:
        raise PutFailed(f'{where} does not let this user write to "{to.path or "/"}"') from fault
    except (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded) as fault:
        raise PutFailed(f"{where} has no space left", again=Again.BUSY) from fault
    except asyncssh.KeyExchangeFailed as fault:
        if fault.reason.startswith("No matching"):
            raise PutFailed(f"{where} and sixpx know no encryption in common") from fault
        raise PutFailed(f"the connection to {where} was disturbed", again=Again.BROKEN) from fault
    except (asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection) as fault:
        raise PutFailed(f"the connection to {where} was cut", again=Again.BROKEN) from fault
    except (asyncssh.DisconnectError, asyncssh.SFTPBadMessage) as fault:
        raise PutFailed(f"{where} closed the connection (code {fault.code})", again=Again.BROKEN) from fault
    except asyncssh.SFTPError as fault:
        raise PutFailed(f'{where} refused the file in "{to.path or "/"}" (SFTP error {fault.code})') from fault
    except asyncssh.ChannelOpenError as fault:
        if fault.reason == "SSH connection closed":  # asyncssh's word for a connection that was lost just then
            raise PutFailed(f"the connection to {where} was cut", again=Again.BROKEN) from fault
        raise PutFailed(f"{where} offers no SFTP") from fault
    except asyncssh.Error as fault:
        raise PutFailed(f"{where} offers no SFTP") from fault
    except ValueError as fault:
        raise PutFailed(f"the connection to {where} was disturbed", again=Again.BROKEN) from fault
    except TimeoutError as fault:
        raise PutFailed(f"{where} went silent, or did not answer in time", again=Again.BROKEN) from fault
    except OSError as fault:
        raise PutFailed(f"the connection to {where} failed ({_why(fault)})", again=Again.BROKEN) from fault


def _why(fault: OSError) -> str:
    if isinstance(fault, socket.gaierror):
        return "no such host is known"
    return os.strerror(fault.errno).lower() if fault.errno else "it was cut"
