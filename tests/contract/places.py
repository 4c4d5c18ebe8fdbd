"""Owns PLACES, the destinations under the contract suite: each a real server and the member that uploads to it. Never
a look through our own client: what is stored is read behind its back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pytest
from aiobotocore.session import get_session

from sixpx.credentials import Destination, parse
from sixpx.guard import Guard
from sixpx.host_keys import HostKeys
from sixpx.targets.base import Target
from sixpx.targets.cf import CloudFiles
from sixpx.targets.disk import Disk
from sixpx.targets.ftp import Ftp
from sixpx.targets.s3 import S3
from sixpx.targets.sftp import Sftp
from tests.conftest import LONG
from tests.servers import proftpd, swift
from tests.servers.proftpd import Proftpd
from tests.servers.rackspace import Rackspace
from tests.servers.sshd import Sshd
from tests.servers.swift import Swift
from tests.servers.vsftpd import Vsftpd

PUBLIC = "http://img.test"


class Place(Protocol):
    """Where files arrive. `secret` is the password in its connection strings, which nothing may ever repeat."""

    @property
    def target(self) -> Target: ...

    @property
    def secret(self) -> str: ...

    @property
    def ports(self) -> tuple[int, ...]:
        """Where its server listens on 127.0.0.1; none for a place without one."""
        ...

    def to(self, folder: str) -> Destination:
        """The destination for a folder, `a/b`, or the root for an empty text."""
        ...

    def wrong(self, folder: str) -> Destination:
        """The same with a wrong secret."""
        ...

    async def content(self, path: str) -> bytes | None:
        """The bytes stored at `folder/name`, None where there is no such file."""
        ...

    async def type(self, path: str) -> str | None:
        """Its MIME type, None where the protocol has none."""
        ...

    async def names(self, folder: str) -> set[str]:
        """All that anyone can see in the folder, hidden files and temporary ones too."""
        ...

    async def close(self) -> None: ...


Opened = Callable[[Path], Awaitable[Place]]
"""Starts what a place needs in an empty folder, and makes its member."""


@dataclass(slots=True)
class DiskPlace:
    """Default hosting: the folder of the connection is the parcel's."""

    root: Path
    target: Target
    secret: str = ""
    ports: tuple[int, ...] = ()

    @classmethod
    async def open(cls, folder: Path) -> DiskPlace:
        return cls(folder, Disk(folder, PUBLIC))

    def to(self, folder: str) -> Destination:
        return parse("6px")

    def wrong(self, folder: str) -> Destination:
        raise NotImplementedError("default hosting has no secret")

    async def content(self, path: str) -> bytes | None:
        file = self.root / path
        return file.read_bytes() if file.is_file() else None

    async def type(self, path: str) -> str | None:
        return None

    async def names(self, folder: str) -> set[str]:
        return {one.name for one in (self.root / folder).iterdir()} if (self.root / folder).is_dir() else set()

    async def close(self) -> None:
        await self.target.close()


BUCKET = "sixpx-pictures"
LOOPBACK = ("127.0.0.0/8",)


@dataclass(slots=True)
class InSwift:
    """A container of OpenStack Swift, read through Swift itself."""

    server: Swift
    target: Target
    container: str
    secret: str = swift.SECRET

    async def content(self, path: str) -> bytes | None:
        reply = await asyncio.to_thread(self.server.call, "GET", f"{self.container}/{quote(path)}")
        return reply.body if reply.status == 200 else None

    async def type(self, path: str) -> str | None:
        reply = await asyncio.to_thread(self.server.call, "HEAD", f"{self.container}/{quote(path)}")
        return reply.headers["content-type"]

    async def names(self, folder: str) -> set[str]:
        asked = f"{self.container}?prefix={quote(folder)}/&delimiter=/"
        reply = await asyncio.to_thread(self.server.call, "GET", asked)
        return {name.rpartition("/")[2] for name in reply.body.decode().splitlines()}

    async def close(self) -> None:
        await self.target.close()


@dataclass(slots=True)
class SwiftS3Place(InSwift):
    """A bucket behind Swift's S3 face."""

    @classmethod
    async def open(cls, folder: Path) -> SwiftS3Place:
        server = await asyncio.to_thread(Swift.shared, folder)
        await make_bucket(server.url, swift.ACCESS_KEY, swift.SECRET)
        return cls(server, S3(Guard(LOOPBACK)), BUCKET)

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.server.port,)

    def to(self, folder: str) -> Destination:
        return s3_destination(self.server.url, swift.ACCESS_KEY, self.secret, folder)

    def wrong(self, folder: str) -> Destination:
        return s3_destination(self.server.url, swift.ACCESS_KEY, "wrong/and+other", folder)


def s3_destination(endpoint: str, key: str, secret: str, folder: str) -> Destination:
    words = {"key": quote(key, safe=""), "secret": secret, "endpoint": quote(endpoint, safe="")}
    return parse("s3://{key}:{secret}@{bucket}/{path}?endpoint={endpoint}".format(
        **words, bucket=BUCKET, path=quote(folder)
    ))  # fmt: skip


async def make_bucket(endpoint: str, key: str, secret: str, bucket: str = BUCKET) -> None:
    """One of the tester's own; it may be there."""
    words = {"aws_access_key_id": key, "aws_secret_access_key": secret, "region_name": "us-east-1"}
    async with get_session().create_client("s3", endpoint_url=endpoint, **words) as client:
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):
            await client.create_bucket(Bucket=bucket)


@dataclass(slots=True)
class CloudFilesPlace(InSwift):
    """A container of Swift's own, reached by a token of Rackspace's identity service."""

    identity: Rackspace | None = None

    @classmethod
    async def open(cls, folder: Path) -> CloudFilesPlace:
        server = await asyncio.to_thread(Swift.shared, folder)
        await asyncio.to_thread(server.call, "PUT", "cf-pictures")
        identity = await Rackspace.started(server)
        return cls(server, CloudFiles(Guard(LOOPBACK), identity.us, identity.uk), "cf-pictures", identity=identity)

    @property
    def ports(self) -> tuple[int, ...]:
        return ()  # its connection strings name no address, so that nothing can stand between

    def to(self, folder: str) -> Destination:
        return self._to(folder, self.secret)

    def wrong(self, folder: str) -> Destination:
        return self._to(folder, "wrong@/:%ü")

    def _to(self, folder: str, secret: str) -> Destination:
        return parse(f"cf+ord://{swift.USER}:{quote(secret, safe='')}@{self.container}/{quote(folder)}")

    async def close(self) -> None:
        await self.target.close()
        if self.identity is not None:
            await self.identity.end()


@dataclass(slots=True)
class TempAuthPlace(CloudFilesPlace):
    """The same with a token of Swift's own TempAuth (v1), as any Swift is reached by its auth_url."""

    @classmethod
    async def open(cls, folder: Path) -> TempAuthPlace:
        server = await asyncio.to_thread(Swift.shared, folder)
        await asyncio.to_thread(server.call, "PUT", "v1-pictures")
        return cls(server, CloudFiles(Guard(LOOPBACK)), "v1-pictures")

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.server.port,)

    def _to(self, folder: str, secret: str) -> Destination:
        user, key = (quote(one, safe="") for one in (swift.ACCESS_KEY, secret))
        return parse(f"cf://{user}:{key}@{self.container}/{quote(folder)}?auth_url={quote(self.server.auth)}")


@dataclass(slots=True)
class SftpPlace:
    """A folder behind OpenSSH's sshd, with its host key pinned."""

    server: Sshd
    target: Target
    secret: str

    @classmethod
    async def open(cls, folder: Path) -> SftpPlace:
        server = await asyncio.to_thread(Sshd)
        target = Sftp(Guard(LOOPBACK), HostKeys(remembered=folder / "host_keys"))
        return cls(server, target, server.password or server.key)

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.server.port,)

    def to(self, folder: str) -> Destination:
        return self._to(folder, self.secret)

    def wrong(self, folder: str) -> Destination:
        return self._to(folder, "wrong@/:%ü")

    def _to(self, folder: str, secret: str) -> Destination:
        server, password = self.server, quote(secret, safe="")
        path = quote(f"{server.root}/{folder}")
        return parse(f"sftp://{server.user}:{password}@127.0.0.1:{server.port}{path}?hostkey={server.fingerprint}")

    async def content(self, path: str) -> bytes | None:
        file = self.server.root / path
        return file.read_bytes() if file.is_file() else None

    async def type(self, path: str) -> str | None:
        return None

    async def names(self, folder: str) -> set[str]:
        place = self.server.root / folder
        return {one.name for one in place.iterdir()} if place.is_dir() else set()

    async def close(self) -> None:
        await self.target.close()
        await asyncio.to_thread(self.server.end)


@dataclass(slots=True)
class FtpPlace:
    """A folder behind a real FTP server; vsftpd's only user is anonymous, who has no secret."""

    server: Vsftpd | Proftpd
    scheme: str
    target: Target
    secret: str

    @classmethod
    def opened(cls, server: type[Vsftpd | Proftpd], scheme: str) -> Opened:
        async def open(folder: Path) -> Place:
            running = await asyncio.to_thread(server, folder / "server", scheme == "ftps")
            target = Ftp(Guard(LOOPBACK), running.certificate.trusted)
            return cls(running, scheme, target, proftpd.PASSWORD if isinstance(running, Proftpd) else "")

        return open

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.server.port, *self.server.passive)

    def to(self, folder: str) -> Destination:
        return self._to(folder, self.secret)

    def wrong(self, folder: str) -> Destination:
        return self._to(folder, "wrong@/:%ü")

    def _to(self, folder: str, secret: str) -> Destination:
        user, password = proftpd.USER if self.secret else "anonymous", quote(secret, safe="")
        inner = self.server.inner.relative_to(self.server.root)
        return parse(f"{self.scheme}://{user}:{password}@127.0.0.1:{self.server.port}/{inner}/{quote(folder)}")

    async def content(self, path: str) -> bytes | None:
        file = self.server.inner / path
        return file.read_bytes() if file.is_file() else None

    async def type(self, path: str) -> str | None:
        return None

    async def names(self, folder: str) -> set[str]:
        place = self.server.inner / folder
        return {one.name for one in place.iterdir()} if place.is_dir() else set()

    async def close(self) -> None:
        await self.target.close()
        await asyncio.to_thread(self.server.end)


PLACES: dict[str, Opened] = {
    "6px": DiskPlace.open,
    "s3": SwiftS3Place.open,
    "cf": CloudFilesPlace.open,
    "cf-v1": TempAuthPlace.open,
    "sftp": SftpPlace.open,
    "ftp-proftpd": FtpPlace.opened(Proftpd, "ftp"),
    "ftp-vsftpd": FtpPlace.opened(Vsftpd, "ftp"),
    "ftps-proftpd": FtpPlace.opened(Proftpd, "ftps"),
    "ftps-vsftpd": FtpPlace.opened(Vsftpd, "ftps"),
}


def spare_time(place: Place) -> None:
    """Skips what another place shows as well, or in less time: ProFTPD takes a fifth of a second for a login."""
    slow = isinstance(place, FtpPlace) and isinstance(place.server, Proftpd)
    if not LONG and (slow or type(place) is CloudFilesPlace):
        pytest.skip("another place shows it as well; this one's turn is `make test-long`")
