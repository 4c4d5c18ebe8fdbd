"""Owns the ways to a bucket for the tests of S3: through a proxy, a front, or names of Amazon's. Never a test."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
import pytest_asyncio
from aiobotocore.session import get_session

from sixpx.credentials import Destination
from sixpx.errors import PutFailed
from sixpx.guard import Guard
from sixpx.targets import Parcel
from sixpx.targets.s3 import S3
from tests.contract.places import BUCKET, LOOPBACK, SwiftS3Place, s3_destination
from tests.servers import swift
from tests.servers.base import HOST
from tests.servers.front import Front
from tests.servers.proxy import AT, Proxy
from tests.servers.tls import certificate

MEGABYTE = 1024**2
Packed = Callable[..., Parcel]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bucket(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SwiftS3Place]:
    place = await SwiftS3Place.open(tmp_path_factory.mktemp("swift"))
    yield place
    await place.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def to_s3() -> AsyncIterator[S3]:
    opened = S3(Guard(LOOPBACK))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def front(bucket: SwiftS3Place) -> AsyncIterator[Front]:
    opened = Front(bucket.server.url)
    await opened.start()
    yield opened
    await opened.end()


@pytest_asyncio.fixture(loop_scope="session")
async def bucket_proxy(bucket: SwiftS3Place) -> AsyncIterator[Proxy]:
    opened = await Proxy.open(bucket.ports)
    yield opened
    await opened.close()


def at(url: str, folder: str = "some", region: str | None = None) -> Destination:
    """The tester's bucket by way of this endpoint."""
    return replace(s3_destination(url, swift.ACCESS_KEY, swift.SECRET, folder), region=region)


def through(proxy: Proxy) -> Destination:
    return at(f"http://{AT}:{proxy.ports[0]}")


def reader(url: str, key: str = swift.ACCESS_KEY, secret: str = swift.SECRET) -> AbstractAsyncContextManager[Any]:
    """Another client, to look with."""
    words = {"aws_access_key_id": key, "aws_secret_access_key": secret, "region_name": "us-east-1"}
    client: AbstractAsyncContextManager[Any] = get_session().create_client("s3", endpoint_url=url, **words)
    return client


async def pending(url: str) -> list[Any]:
    """The multipart uploads that were begun and not ended."""
    async with reader(url) as client:
        return list((await client.list_multipart_uploads(Bucket=BUCKET)).get("Uploads", []))


async def failed(target: S3, packed: Packed, to: Destination) -> PutFailed:
    with pytest.raises(PutFailed) as caught:
        await target.put(packed(), to)
    for secret in (to.secret, to.username, "AWS4-HMAC", "told"):
        assert secret not in caught.value.detail
    return caught.value


class Amazon:
    """Names below amazonaws.com lead to a server of ours, which has a certificate that only this client trusts."""

    def __init__(self, folder: Path) -> None:
        files = certificate(folder)
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(files.cert, files.key)
        self.front = Front(tls=server)
        trusted = files.trusted
        trusted.check_hostname = False  # the certificate is not Amazon's
        self.target = S3(Guard(LOOPBACK, lookup=self._lookup), _tls=trusted)

    def _lookup(self, host: str, port: int, *others: Any, **options: Any) -> list[Any]:
        assert host.endswith(".amazonaws.com")
        return [(2, 1, 6, "", (HOST, self.front.port))]

    async def __aenter__(self) -> Self:
        await self.front.start()
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self.target.close()
        await self.front.end()
