"""Owns LOOPS, the bare client of each protocol: the plain best use of its library, for one known server. Never faults.

Each takes the steps that ours takes (checksum, temporary name, size, rename, and what is written at their place here),
over one client or a pool of connections that are kept. None of them guards addresses, limits time, tells a fault
from another, cleans up after one, or picks a server file by file.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import posixpath
import secrets
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from sixpx.credentials import Destination
from sixpx.targets.base import Parcel

AT_ONCE = 8
PIECE = 256 * 1024

Put = Callable[[Parcel], Awaitable[object]]


def _damaged(parcel: Parcel) -> RuntimeError:
    return RuntimeError(f"{parcel.name} did not arrive whole")


async def _disk(to: Destination, folder: Path) -> Put:
    """Moved, and synced: the file, its folder, and the folder above where that one is new."""

    def place(parcel: Parcel) -> None:
        job = f"{folder}/hosted/{parcel.folder}"
        path = f"{job}/{parcel.name}"
        try:
            os.replace(parcel.source, path)
        except FileNotFoundError:
            os.makedirs(job, exist_ok=True)
            os.replace(parcel.source, path)
            _sync(os.path.dirname(job))
        _sync(path)
        _sync(job)

    async def put(parcel: Parcel) -> None:
        await asyncio.to_thread(place, parcel)

    return put


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _s3(to: Destination, folder: Path) -> Put:
    """Content-MD5 as checksum; the store keeps the whole object or none, so no name is temporary."""
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    config = AioConfig(
        request_checksum_calculation="when_required",
        s3={"payload_signing_enabled": False},
        max_pool_connections=AT_ONCE,
        retries={"total_max_attempts": 1},
    )
    keys = {"aws_access_key_id": to.username, "aws_secret_access_key": to.secret}
    opened = get_session().create_client(
        "s3", region_name="us-east-1", endpoint_url=to.option("endpoint"), config=config, **keys
    )
    client = await opened.__aenter__()
    # with `Expect: 100-continue` aiohttp waits for the server twice
    client.meta.events.register("before-sign.s3", lambda request, **others: request.headers.__delitem__("Expect"))

    async def put(parcel: Parcel) -> None:
        body, digest = await asyncio.to_thread(_read, parcel.source, "md5")
        md5 = base64.b64encode(digest).decode()
        await client.put_object(
            Bucket=to.host, Key=f"{to.path}/{parcel.name}", Body=body, ContentMD5=md5, ContentType=parcel.type
        )

    return put


def _read(path: Path, algorithm: str | None) -> tuple[bytes, bytes]:
    body = path.read_bytes()
    return body, hashlib.new(algorithm, body, usedforsecurity=False).digest() if algorithm else b""


async def _cloud_files(to: Destination, folder: Path) -> Put:
    """The MD5 as ETag, which Swift checks and repeats; one token for all. Without TLS the object is asked for under
    its name afterwards, as ours does: no checksum covers the name."""
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))
    login = {"X-Auth-User": to.username, "X-Auth-Key": to.secret}
    async with session.get(to.option("auth_url") or "", headers=login) as reply:
        container = f"{reply.headers['X-Storage-Url']}/{to.host}"
        token = reply.headers["X-Auth-Token"]

    async def put(parcel: Parcel) -> None:
        body, digest = await asyncio.to_thread(_read, parcel.source, "md5")
        headers = {"X-Auth-Token": token, "Content-Type": parcel.type, "ETag": digest.hex()}
        url = f"{container}/{to.path}/{parcel.name}"
        async with session.put(url, data=body, headers=headers) as reply:
            reply.raise_for_status()
            if reply.headers["Etag"].strip('"') != digest.hex():
                raise _damaged(parcel)
        if url.startswith("http://"):
            there = {"X-Auth-Token": token, "X-Newest": "true"}
            async with session.head(url, headers=there) as reply:
                if reply.headers.get("Etag", "").strip('"') != digest.hex():
                    raise _damaged(parcel)

    return put


async def _ftp(to: Destination, folder: Path) -> Put:
    """A pool of connections. Size asked for; without TLS read back, and the SHA-256 of both compared."""
    import aioftp

    secure = to.scheme == "ftps"
    pool: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
    for _ in range(AT_ONCE):
        client = _ftps_client() if secure else aioftp.Client()
        await client.connect(to.host, to.port or 21)
        if secure:
            await client.upgrade_to_tls(ssl.create_default_context())
        await client.login(to.username, to.secret)
        pool.put_nowait(client)

    async def put(parcel: Parcel) -> None:
        body, digest = await asyncio.to_thread(_read, parcel.source, None if secure else "sha256")
        part = posixpath.join(to.path, f".{secrets.token_hex(8)}.part")
        client = await pool.get()
        async with await _accepted(client, f"STOR {part}") as stream:
            await stream.write(body)
        _, words = await client.command(f"SIZE {part}", "213")
        if int(words[-1]) != len(body) or not (secure or await _kept(client, part) == digest):
            raise _damaged(parcel)
        await client.rename(part, posixpath.join(to.path, parcel.name))
        pool.put_nowait(client)

    return put


async def _kept(client: Any, part: str) -> bytes:
    kept = hashlib.sha256()
    async with await _accepted(client, f"RETR {part}") as stream:
        async for block in stream.iter_by_block(PIECE):
            kept.update(block)
    return kept.digest()


async def _accepted(client: Any, command: str) -> Any:
    """A data connection. proftpd chooses ports at random and says 425 where one is taken."""
    import aioftp

    while True:
        try:
            return await client.get_stream(command, "1xx")
        except aioftp.StatusCodeError as fault:
            if fault.received_codes[-1] != "425":
                raise


def _ftps_client() -> Any:
    """aioftp's own begins TLS on data connections too early for real servers, and waits for ever."""
    import aioftp
    from aioftp.common import SSLSessionBoundContext, async_enterable

    class Client(aioftp.Client):
        async def _open_connection(self, host: str, port: int) -> Any:
            if self._stream is None:
                return await super()._open_connection(host, port)
            return await asyncio.open_connection(host, port)

        @async_enterable
        async def get_stream(self, command: Any = None, *options: Any, **others: Any) -> Any:
            reader, writer = await self.get_passive_connection("I")
            await self.command(command, "1xx")
            control = self.stream.writer.get_extra_info("ssl_object")
            session = SSLSessionBoundContext(ssl.PROTOCOL_TLS_CLIENT, context=control.context, session=control.session)
            await writer.start_tls(session, server_hostname=self.server_host)
            return aioftp.DataConnectionThrottleStreamIO(self, reader, writer, throttles={"_": self.throttle})

    return Client()


async def _sftp(to: Destination, folder: Path) -> Put:
    """One connection for all. Synced, size asked for."""
    import asyncssh

    connection = await asyncssh.connect(
        to.host,
        to.port or 22,
        username=to.username,
        password=to.secret,
        known_hosts=None,
        client_keys=None,
        config=None,
        agent_path=None,
        encryption_algs=["aes128-gcm@openssh.com"],  # half the time of the first of asyncssh's own
    )
    sftp = await connection.start_sftp_client()

    async def put(parcel: Parcel) -> None:
        body = await asyncio.to_thread(parcel.source.read_bytes)
        part = posixpath.join(to.path, f".{secrets.token_hex(8)}.part")
        async with sftp.open(part, "wb") as remote:
            await remote.write(body)
            await remote.fsync()
            if (await remote.stat()).size != len(body):
                raise _damaged(parcel)
        await sftp.posix_rename(part, posixpath.join(to.path, parcel.name))

    return put


LOOPS: Mapping[str, Callable[[Destination, Path], Awaitable[Put]]] = {
    "6px": _disk,
    "s3": _s3,
    "cf": _cloud_files,
    "ftp": _ftp,
    "ftps": _ftp,
    "sftp": _sftp,
}
"""The bare client of each scheme, connected."""
