"""Owns uploads over SFTP. Never a key that nobody trusts, never the machine's own SSH configuration or agent."""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import asyncssh

from sixpx.credentials import Destination
from sixpx.errors import Again, PutFailed
from sixpx.guard import Guard
from sixpx.host_keys import HostKeys
from sixpx.targets.base import Parcel

CONNECT_SECONDS = 10.0
"""For the connection, the key exchange and the login; servers hash passwords slowly on purpose."""
SILENCE_SECONDS = 30.0
PIECE = 1024**2
"""Bytes that are read at a time; asyncssh sends them in parallel requests of the size that the server likes."""
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


class Client(asyncssh.SSHClient):
    """Asks HostKeys about the server's key, and remembers which it was."""

    def __init__(self, keys: HostKeys, to: Destination) -> None:
        self._keys, self._to = keys, to
        self.seen: str | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.seen = key.get_fingerprint()
        return self._keys.trust(self._to.host, port_of(self._to), self.seen, self._to.option("hostkey"))


@dataclass(slots=True)
class Line:
    """One connection with its SFTP session, and how many uploads are on it."""

    connection: asyncssh.SSHClientConnection
    sftp: asyncssh.SFTPClient
    users: int = 0
    idle_since: float = 0.0

    @property
    def alive(self) -> bool:
        return not self.connection.is_closed()


@dataclass(slots=True)
class Sftp:
    """`guard` sees every connection, `keys` every host key. A connection serves many uploads, also at once."""

    guard: Guard
    keys: HostKeys
    _lines: dict[str, Line] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Written under a temporary name, its size compared, then renamed. Raises PutFailed, Refused."""
        folder = _folder(to.path)
        path, part = (posixpath.join(folder, name) for name in (parcel.name, f".{secrets.token_hex(8)}.part"))
        with _in_our_words(to):
            async with self._line(to) as sftp:
                try:
                    await _written(sftp, parcel, part, folder)
                    await _renamed(sftp, part, path)
                except BaseException:
                    await asyncio.shield(_removed(sftp, part))
                    raise
        return location(to, parcel.name)

    @asynccontextmanager
    async def _line(self, to: Destination) -> AsyncIterator[asyncssh.SFTPClient]:
        name = _name(to)
        async with self._turns.setdefault(name, asyncio.Lock()):
            line = self._lines.pop(name, None)
            if line is None or not line.alive:
                line = await self._opened(to)
            self._lines[name] = line
            line.users += 1
        await self._drop_idle()
        try:
            yield line.sftp
        finally:
            line.users -= 1
            line.idle_since = asyncio.get_running_loop().time()

    async def _opened(self, to: Destination) -> Line:
        await self.keys.load()
        client = Client(self.keys, to)
        async with asyncio.timeout(CONNECT_SECONDS):
            sock = await self.guard.connect(to.host, port_of(to))
            try:
                connection = await asyncssh.connect(
                    sock=sock,
                    client_factory=lambda: client,
                    username=to.username,
                    **_proof(to),
                    **await self._known(to),
                )
            except asyncssh.HostKeyNotVerifiable as fault:
                refusal = self.keys.refusal(to.host, port_of(to), client.seen, to.option("hostkey"))
                raise refusal from fault
            except BaseException:
                sock.close()
                raise
            if client.seen is not None:  # None: it stood in the operator's file
                await self.keys.keep(to.host, port_of(to), client.seen, to.option("hostkey"))
            return Line(connection, await connection.start_sftp_client())

    async def _known(self, to: Destination) -> dict[str, Any]:
        """The operator's file where it names the host and the connection string pins no key; else our own answer."""
        nobody: dict[str, Any] = {"known_hosts": ([], [], [])}
        if self.keys.listed is None or to.option("hostkey"):
            return nobody
        known = asyncssh.import_known_hosts(await asyncio.to_thread(self.keys.listed.read_text))
        match = known.match(to.host, to.host, port_of(to))
        return {"known_hosts": match} if any(match[:3]) else nobody

    async def _drop_idle(self) -> None:
        now = asyncio.get_running_loop().time()
        for place, (name, line) in enumerate(list(self._lines.items())):
            old = line.idle_since + IDLE_SECONDS < now or place < len(self._lines) - KEPT
            if not line.users and line.idle_since and old:
                del self._lines[name]
                line.connection.close()

    async def close(self) -> None:
        for line in self._lines.values():
            line.connection.abort()
            with suppress(OSError, asyncssh.Error):
                await line.connection.wait_closed()
        self._lines.clear()


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
        with await asyncio.to_thread(parcel.source.open, "rb") as local:
            while piece := await asyncio.to_thread(local.read, PIECE):
                await _quickly(remote.write(piece))
        with suppress(asyncssh.SFTPOpUnsupported):
            await _quickly(remote.fsync())
        size = (await _quickly(remote.stat())).size
    finally:
        await asyncio.shield(_closed(remote))
    if size != parcel.size:
        raise PutFailed(f"the server kept {size} of {parcel.size} bytes", again=Again.BROKEN)


async def _renamed(sftp: asyncssh.SFTPClient, part: str, path: str) -> None:
    """In place of a file of that name. Servers without posix-rename rename over nothing: it is removed first there."""
    try:
        await _quickly(sftp.posix_rename(part, path))
    except asyncssh.SFTPOpUnsupported:
        with suppress(asyncssh.SFTPNoSuchFile):
            await _quickly(sftp.remove(path))
        await _quickly(sftp.rename(part, path))


async def _removed(sftp: asyncssh.SFTPClient, part: str) -> None:
    with suppress(asyncssh.Error, OSError, TimeoutError):
        await _quickly(sftp.remove(part))


async def _closed(remote: asyncssh.SFTPClientFile) -> None:
    with suppress(asyncssh.Error, OSError, TimeoutError):
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
    except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.ConnectionLost) as fault:
        raise PutFailed(f"the connection to {where} was cut", again=Again.BROKEN) from fault
    except asyncssh.SFTPError as fault:
        raise PutFailed(f'{where} refused the file in "{to.path or "/"}" (SFTP error {fault.code})') from fault
    except asyncssh.KeyExchangeFailed as fault:
        raise PutFailed(f"{where} and sixpx know no encryption in common") from fault
    except asyncssh.DisconnectError as fault:
        raise PutFailed(f"{where} closed the connection (SSH code {fault.code})", again=Again.BROKEN) from fault
    except TimeoutError as fault:
        raise PutFailed(f"{where} went silent, or did not answer in time", again=Again.BROKEN) from fault
    except OSError as fault:
        raise PutFailed(
            f"{where} cannot be reached ({fault.strerror or 'no connection'})", again=Again.BROKEN
        ) from fault
