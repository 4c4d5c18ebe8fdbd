"""Owns PLACES, where the benchmark uploads to: real servers of the tests, and their connection strings. Never a put."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from aiobotocore.session import get_session

from tests.servers import proftpd, swift
from tests.servers.base import HOST
from tests.servers.moto import Moto
from tests.servers.proftpd import Proftpd
from tests.servers.sshd import Sshd
from tests.servers.swift import Swift
from tests.servers.vsftpd import INNER, Vsftpd

BUCKET = "sixpx-pictures"


@dataclass(frozen=True, slots=True)
class Address:
    """What a sender has to know: the connection string, and what its environment says beside that."""

    url: str
    environment: Mapping[str, str] = field(default_factory=dict)


Place = Callable[[Path], AbstractContextManager[Address]]
"""Starts a server in an empty folder, and ends it."""


@contextmanager
def _disk(folder: Path) -> Iterator[Address]:
    yield Address("6px")


@contextmanager
def _swift_s3(folder: Path) -> Iterator[Address]:
    server = Swift(folder)
    try:
        yield _bucket(server.url, swift.ACCESS_KEY, swift.SECRET)
    finally:
        server.end()


@contextmanager
def _swift(folder: Path) -> Iterator[Address]:
    server = Swift(folder)
    server.call("PUT", BUCKET)
    user, auth = quote(swift.ACCESS_KEY, safe=""), quote(server.auth, safe="")
    try:
        yield Address(f"cf://{user}:{swift.SECRET}@{BUCKET}/pictures?auth_url={auth}")
    finally:
        server.end()


@contextmanager
def _moto(folder: Path) -> Iterator[Address]:
    server = Moto(folder)
    try:
        yield _bucket(server.url, "key", "secret")
    finally:
        server.end()


def _bucket(endpoint: str, key: str, secret: str) -> Address:
    asyncio.run(_make_bucket(endpoint, key, secret))
    return Address(f"s3://{quote(key, safe='')}:{secret}@{BUCKET}/pictures?endpoint={quote(endpoint, safe='')}")


async def _make_bucket(endpoint: str, key: str, secret: str) -> None:
    words = {"aws_access_key_id": key, "aws_secret_access_key": secret, "region_name": swift.REGION}
    async with get_session().create_client("s3", endpoint_url=endpoint, **words) as client:
        await client.create_bucket(Bucket=BUCKET)


@contextmanager
def _sshd(folder: Path) -> Iterator[Address]:
    server = Sshd()
    secret = quote(server.password or server.key, safe="")
    login, path = f"{server.user}:{secret}", quote(str(server.root))
    try:
        yield Address(f"sftp://{login}@{HOST}:{server.port}{path}?hostkey={quote(server.fingerprint)}")
    finally:
        server.end()


def _ftp(kind: type[Vsftpd | Proftpd], scheme: str) -> Place:
    @contextmanager
    def place(folder: Path) -> Iterator[Address]:
        server = kind(folder / "server", scheme == "ftps")
        login = f"{proftpd.USER}:{quote(proftpd.PASSWORD, safe='')}" if kind is Proftpd else "anonymous:"
        inner = f"/{INNER}" if kind is Vsftpd else ""
        try:
            # OpenSSL's own way to say whom to trust
            trust = {"SSL_CERT_FILE": str(server.certificate.cert)}
            yield Address(f"{scheme}://{login}@{HOST}:{server.port}{inner}", trust)
        finally:
            server.end()

    return place


PLACES: Mapping[str, Place] = {
    "6px": _disk,
    "s3-swift": _swift_s3,
    "s3-moto": _moto,
    "cf": _swift,
    "ftp-vsftpd": _ftp(Vsftpd, "ftp"),
    "ftp-proftpd": _ftp(Proftpd, "ftp"),
    "ftps-vsftpd": _ftp(Vsftpd, "ftps"),
    "ftps-proftpd": _ftp(Proftpd, "ftps"),
    "sftp": _sshd,
}
