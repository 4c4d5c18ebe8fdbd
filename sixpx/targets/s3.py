"""Owns uploads to Amazon S3 and to stores that speak its protocol. Never a bucket's settings: those are its owner's.

aiobotocore directly and not aioboto3: the release that aioboto3 pins has no `socket_factory`, by which the guard sees
every address that is connected to, and aioboto3's own upload reads files in the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from sixpx.credentials import Destination
from sixpx.errors import Again, PutFailed, Refused
from sixpx.guard import Guard
from sixpx.targets.base import Parcel

HOME = "us-east-1"
"""Where `s3://` begins; the bucket's own region is followed from there and remembered (SPEC section 4)."""

WHOLE = 64 * 1024**2
"""Bytes up to which a file goes in one request; larger ones go in parts, so that a fault costs one part."""
PART = 16 * 1024**2
PARTS_MOST = 9_000
AT_ONCE = 4
"""Parts under way at the same time."""

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
KEPT = 64
"""Clients kept for the next upload; one holds about a megabyte."""


@dataclass(slots=True)
class Kept:
    """One client, its use, and what closes it."""

    client: Any
    stack: AsyncExitStack
    users: int = 0


@dataclass(slots=True)
class S3:
    """`guard` sees every connection. Clients are kept by credentials, region and endpoint."""

    guard: Guard
    _kept: dict[str, Kept] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Content-MD5 goes with every byte, so that the store refuses what was damaged on the way; an object is seen
        when it is whole. Raises PutFailed, Refused."""
        key = "/".join(filter(None, (to.path, parcel.name)))
        if len(key.encode()) > 1024:
            raise PutFailed(f"the S3 key has {len(key.encode())} bytes; the most that S3 takes is 1,024")
        with in_our_words(to):
            async with self._client(to) as client:
                await (_whole if parcel.size <= WHOLE else _in_parts)(client, parcel, to, key)
                return location(to, key, client.meta.region_name)

    @asynccontextmanager
    async def _client(self, to: Destination) -> AsyncIterator[Any]:
        name = _name(to)
        async with self._making:
            kept = self._kept.pop(name, None) or await self._made(to)
            self._kept[name] = kept
            kept.users += 1
            await self._drop_idle()
        try:
            yield kept.client
        finally:
            kept.users -= 1

    async def _made(self, to: Destination) -> Kept:
        stack = AsyncExitStack()
        config = AioConfig(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=SILENCE_SECONDS,
            retries={"total_max_attempts": 1},  # further tries are made by Targets, for all destinations alike
            max_pool_connections=32,
            request_checksum_calculation="when_required",  # others than Amazon refuse the trailers of `when_supported`
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,  # an AWS_ENDPOINT_URL of the machine is nobody's destination
            s3={"addressing_style": to.option("style") or "auto", "payload_signing_enabled": False},
            connector_args={"socket_factory": self.guard.socket_factory, "keepalive_timeout": 15},
            http_session_cls=_session_class(self._tls),
        )
        client = await stack.enter_async_context(
            get_session().create_client(
                "s3",
                region_name=to.region or HOME,
                endpoint_url=to.option("endpoint"),
                aws_access_key_id=to.username,
                aws_secret_access_key=to.secret,
                config=config,
            )
        )
        client.meta.events.register("before-sign.s3", _without_expect)
        return Kept(client, stack)

    async def _drop_idle(self) -> None:
        """The longest unused ones beyond KEPT; those at work stay."""
        for name, kept in list(self._kept.items())[:-KEPT]:
            if not kept.users:
                del self._kept[name]
                await kept.stack.aclose()

    async def close(self) -> None:
        while self._kept:
            await self._kept.popitem()[1].stack.aclose()


def _name(to: Destination) -> str:
    """What clients are kept by; a digest, since the secret is part of it."""
    parts = (to.username, to.secret, to.region, to.option("endpoint"), to.option("style"))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _session_class(context: ssl.SSLContext) -> type[AIOHTTPSession]:
    class Session(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore ships no types
        """Every client shares one TLS context: to load the authorities anew costs 40 ms of the event loop each."""

        def _build_ssl_contexts(self, proxy_url: str | None) -> tuple[ssl.SSLContext, None]:
            return context, None

    return Session


def _without_expect(request: Any, **others: Any) -> None:
    """aiohttp waits for `100 Continue` without a time limit: a silent server would hold the upload for ever."""
    del request.headers["Expect"]


async def _whole(client: Any, parcel: Parcel, to: Destination, key: str) -> None:
    digest = await asyncio.to_thread(_md5, parcel.source)
    with await asyncio.to_thread(parcel.source.open, "rb") as body:
        await client.put_object(
            Bucket=to.host, Key=key, Body=body, ContentLength=parcel.size, ContentMD5=digest, **_about(parcel, to)
        )


async def _in_parts(client: Any, parcel: Parcel, to: Destination, key: str) -> None:
    """A multipart upload of equal parts; nothing of it is seen, and it is given up, where a part fails."""
    place = {"Bucket": to.host, "Key": key}
    begun = await client.create_multipart_upload(**place, **_about(parcel, to))
    upload = {**place, "UploadId": begun["UploadId"]}
    try:
        size = max(PART, math.ceil(parcel.size / PARTS_MOST))
        turns = asyncio.Semaphore(AT_ONCE)
        count = math.ceil(parcel.size / size)
        async with asyncio.TaskGroup() as tasks:
            sent = [tasks.create_task(_part(client, upload, parcel, n, size, turns)) for n in range(count)]
        parts = [{"PartNumber": number, "ETag": one.result()} for number, one in enumerate(sent, 1)]
        await client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    except BaseException as fault:
        await asyncio.shield(_give_up(client, upload))
        raise fault.exceptions[0] if isinstance(fault, BaseExceptionGroup) else fault from None


async def _part(
    client: Any, upload: Mapping[str, str], parcel: Parcel, number: int, size: int, turns: asyncio.Semaphore
) -> str:
    async with turns:
        body = await asyncio.to_thread(_piece, parcel.source, number * size, size)
        digest = base64.b64encode(await asyncio.to_thread(_md5_of, body)).decode()
        reply = await client.upload_part(**upload, PartNumber=number + 1, Body=body, ContentMD5=digest)
        return str(reply["ETag"])


async def _give_up(client: Any, upload: Mapping[str, str]) -> None:
    # the fault that brought us here is the one to tell; a rule of the bucket clears what is left
    with suppress(BotoCoreError, ClientError, OSError, TimeoutError):
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.abort_multipart_upload(**upload)


def _about(parcel: Parcel, to: Destination) -> dict[str, str]:
    """What the object says of itself. An access list only where the string names one: new buckets refuse them."""
    acl = to.option("acl")
    return {"ContentType": parcel.type, **({"ACL": acl} if acl and acl != "none" else {})}


def _md5(path: Path) -> str:
    """Base64, as Content-MD5 has it (RFC 1864)."""
    with path.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "md5").digest()).decode()


def _md5_of(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


def _piece(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


def location(to: Destination, key: str, region: str) -> str:
    """The object's public URL, without credentials. Virtual-hosted as Amazon prefers; by path for another endpoint, and
    for a bucket whose name has a dot, which no certificate of Amazon's covers."""
    path = quote(key, safe="/~")
    endpoint = to.option("endpoint")
    if endpoint:
        base = urlsplit(endpoint)
        if to.option("style") == "virtual":
            return f"{base.scheme}://{to.host}.{base.netloc}{base.path.rstrip('/')}/{path}"
        return f"{endpoint.rstrip('/')}/{quote(to.host)}/{path}"
    host = "s3.amazonaws.com" if region == HOME else f"s3.{region}.amazonaws.com"
    return f"https://{host}/{to.host}/{path}" if "." in to.host else f"https://{to.host}.{host}/{path}"


# --- faults ---------------------------------------------------------------------------------------

BUSY = {
    "SlowDown",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "RequestLimitExceeded",
}
BROKEN = {"RequestTimeout", "InternalError", "BadDigest", "IncompleteBody", "OperationAborted"}
SENTENCES: Mapping[str, str] = {
    "NoSuchBucket": 'there is no bucket "{bucket}" at {where}',
    "AccessDenied": 'the key may not write to the bucket "{bucket}" at {where} (access denied)',
    "AllAccessDisabled": 'the bucket "{bucket}" at {where} is disabled',
    "InvalidAccessKeyId": "{where} does not know the access key",
    "SignatureDoesNotMatch": "the secret does not belong to the access key, says {where}",
    "ExpiredToken": "the access key has expired, says {where}",
    "InvalidBucketName": '"{bucket}" is no name that a bucket can have',
    "EntityTooLarge": "the file is larger than {where} takes",
    "QuotaExceeded": 'the bucket "{bucket}" at {where} is full',
    "AccessControlListNotSupported": 'the bucket "{bucket}" takes no access lists: leave the option acl out',
}
"""What stores say in one word, and what it means here. Their own messages may repeat the key."""


@contextmanager
def in_our_words(to: Destination) -> Iterator[None]:
    """Turns what aiobotocore raises into PutFailed or Refused."""
    where = urlsplit(to.option("endpoint") or "//Amazon S3").netloc
    try:
        yield
    except ClientError as fault:
        raise _told(fault.response, to.host, where) from fault
    except ParamValidationError as fault:
        raise PutFailed(f'"{to.host}" is no name that a bucket can have') from fault
    except (BotoCoreError, OSError, TimeoutError) as fault:
        if refusal := _refusal(fault):
            raise refusal from fault
        raise PutFailed(f"the connection to {where} failed ({_short(fault)})", again=Again.BROKEN) from fault


def _told(reply: Mapping[str, Any], bucket: str, where: str) -> PutFailed:
    code, meta = str(reply.get("Error", {}).get("Code", "")), reply.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    after = str(meta.get("HTTPHeaders", {}).get("retry-after", ""))
    wait = float(after) if after.isdecimal() else None
    if code in BUSY or status in (429, 503):
        return PutFailed(f"{where} has too much to do ({status} {code})", again=Again.BUSY, wait=wait)
    if code in BROKEN or status >= 500:
        return PutFailed(f"{where} failed ({status} {code})", again=Again.BROKEN, wait=wait)
    sentence = SENTENCES.get(code, f"{{where}} refused the file ({status} {code or 'without a word'})")
    return PutFailed(sentence.format(bucket=bucket, where=where))


def _refusal(fault: BaseException | None) -> Refused | None:
    """The guard's word, which aiohttp and aiobotocore wrap."""
    while fault is not None:
        if isinstance(fault, Refused):
            return Refused(fault.detail)
        fault = getattr(fault, "kwargs", {}).get("error") or fault.__cause__ or fault.__context__
    return None


def _short(fault: BaseException) -> str:
    """What kind of failure it was: the texts of libraries hold whole URLs."""
    return {
        "ConnectTimeoutError": "no connection in time",
        "ReadTimeoutError": "it went silent",
        "ConnectionClosedError": "it was cut",
        "EndpointConnectionError": "nobody answers",
        "SSLError": "its certificate is not trusted",
    }.get(type(fault).__name__, type(fault).__name__)
