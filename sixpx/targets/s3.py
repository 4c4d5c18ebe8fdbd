"""Owns uploads to Amazon S3 and to stores that speak its protocol. Never a bucket's settings: those are its owner's.

aiobotocore directly and not aioboto3: the release that aioboto3 pins has no `socket_factory`, by which the guard sees
every address that is connected to, and aioboto3's own upload reads files in the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import ipaddress
import math
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConfigValueStore, ConstantProvider
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, ParamValidationError
from botocore.loaders import Loader
from botocore.parsers import ResponseParserError

from sixpx.credentials import Destination
from sixpx.errors import Again, OutputFault, PutFailed, Refused
from sixpx.guard import Guard
from sixpx.pieces import Slice
from sixpx.targets.base import Parcel

HOME = "us-east-1"
"""Where `s3://` begins; the bucket's own region is followed from there and remembered (SPEC section 4)."""

WHOLE = 64 * 1024**2
"""Bytes up to which a file goes in one request; larger ones go in parts, so that a fault costs one part."""
SMALL = 512 * 1024
"""Bytes up to which a file is sent from memory: to read a small one costs less than several turns of a thread."""
PART = 16 * 1024**2
PARTS_MOST = 9_000
AT_ONCE = 4
"""Parts under way at the same time."""
DELETES_AT_ONCE = 16

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
CLEAR_SECONDS = 60.0
KEPT = 64
"""Clients kept for the next upload; one holds about a megabyte."""


@dataclass(slots=True)
class Kept:
    """One client, its use, what closes it, and the regions that buckets were found in."""

    client: Any
    stack: AsyncExitStack
    users: int = 0
    regions: dict[str, str] = field(default_factory=dict)

    def before_sign(self, request: Any, **others: Any) -> None:
        # aiohttp waits for `100 Continue` without a time limit: a silent server would hold the upload for ever
        del request.headers["Expect"]
        if (region := request.context["signing"]["region"]) != self.client.meta.region_name:
            self.regions[request.context["s3_redirect"]["bucket"]] = region


@dataclass(slots=True)
class S3:
    """`guard` sees every connection. Clients are kept by credentials, region and endpoint."""

    guard: Guard
    _kept: dict[str, Kept] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    _session: AioSession = field(default_factory=lambda: _own_session())

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Content-MD5 goes with every byte, so that the store refuses what was damaged on the way; an object is seen
        when it is whole. Raises PutFailed, Refused."""
        key = "/".join(filter(None, (to.path, parcel.name)))
        if len(key.encode()) > 1024:
            raise PutFailed(f"the S3 key has {len(key.encode())} bytes; the most that S3 takes is 1,024")
        with in_our_words(to):
            async with self._client(to) as kept:
                await (_whole if parcel.size <= WHOLE else _in_parts)(kept.client, parcel, to, key)
                return location(to, key, kept.regions.get(to.host, to.region or HOME))

    async def clear(self, to: Destination) -> None:
        """Removes every object below the path. Raises PutFailed, Refused."""
        with in_our_words(to):
            async with self._client(to) as kept, asyncio.timeout(CLEAR_SECONDS):
                client = kept.client
                pages = client.get_paginator("list_objects_v2").paginate(Bucket=to.host, Prefix=f"{to.path}/")
                async for page in pages:
                    keys = [one["Key"] for one in page.get("Contents", ())]
                    for start in range(0, len(keys), DELETES_AT_ONCE):
                        some = keys[start : start + DELETES_AT_ONCE]
                        # each by itself: the request for many needs a checksum that few other stores understand
                        await asyncio.gather(*(client.delete_object(Bucket=to.host, Key=key) for key in some))

    @asynccontextmanager
    async def _client(self, to: Destination) -> AsyncIterator[Kept]:
        name = _name(to)
        async with self._making:
            kept = self._kept.pop(name, None) or await self._made(to)
            self._kept[name] = kept
            kept.users += 1
            await self._drop_idle()
        try:
            yield kept
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
            proxies={},  # None would be those of the machine, past which the guard does not see
            s3={"addressing_style": to.option("style") or "auto", "payload_signing_enabled": False},
            connector_args={
                "socket_factory": self.guard.socket_factory,
                "resolver": self.guard.resolver,
                "keepalive_timeout": 15,
            },
            http_session_cls=_session_class(self._tls),
        )
        client = await stack.enter_async_context(
            self._session.create_client(
                "s3",
                region_name=to.region or HOME,
                endpoint_url=to.option("endpoint"),
                aws_access_key_id=to.username,
                aws_secret_access_key=to.secret,
                config=config,
            )
        )
        kept = Kept(client, stack)
        client.meta.events.register("before-sign.s3", kept.before_sign)
        return kept

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


def _own_session() -> AioSession:
    """What the clients share: the description of S3, loaded here once, and botocore's defaults. Neither the machine's
    AWS_* variables nor its ~/.aws say anything about somebody else's destination."""
    session = AioSession()
    values = {name: default for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    values |= {"config_file": os.devnull, "credentials_file": os.devnull}
    store = ConfigValueStore({name: ConstantProvider(value) for name, value in values.items()})
    session.register_component("config_store", store)
    session.register_component("data_loader", _descriptions())
    session.warm_up_loader_caches("s3")
    return session


@cache
def _descriptions() -> Loader:
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def _session_class(context: ssl.SSLContext) -> type[AIOHTTPSession]:
    class Session(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore ships no types
        """Every client shares one TLS context: to load the authorities anew costs 40 ms of the event loop each."""

        def _build_ssl_contexts(self, proxy_url: str | None) -> tuple[ssl.SSLContext, None]:
            return context, None

    return Session


async def _whole(client: Any, parcel: Parcel, to: Destination, key: str) -> None:
    about = {"Bucket": to.host, "Key": key, "ContentLength": parcel.size, **_about(parcel, to)}
    if parcel.size <= SMALL:
        body, digest = await asyncio.to_thread(_read, parcel.source)
        async with asyncio.timeout(SILENCE_SECONDS):
            await client.put_object(Body=body, ContentMD5=digest, **about)
        return
    with Slice(parcel.source, 0, parcel.size) as file:
        digest = await asyncio.to_thread(_md5_of, file)
        file.seek(0)
        async with file.wanted(SILENCE_SECONDS):
            await client.put_object(Body=file, ContentMD5=digest, **about)


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
        with Slice(parcel.source, number * size, size) as body:
            digest = await asyncio.to_thread(_md5_of, body)
            body.seek(0)
            async with body.wanted(SILENCE_SECONDS):
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


def _md5_of(file: Any) -> str:
    """Base64, as Content-MD5 has it (RFC 1864)."""
    return base64.b64encode(hashlib.file_digest(file, "md5").digest()).decode()


def _read(path: Path) -> tuple[bytes, str]:
    body = path.read_bytes()
    return body, _md5_of(io.BytesIO(body))


def location(to: Destination, key: str, region: str) -> str:
    """The object's public URL, without credentials; where the bucket stands in the host name and where in the path, as
    the client itself has it."""
    path = quote(key, safe="/~")
    base = urlsplit(to.option("endpoint") or _amazon(region))
    folder = base.path.rstrip("/")
    style = to.option("style") or ("path" if to.option("endpoint") else "virtual")
    if style == "virtual" and _in_host_names(to.host, base):
        return f"{base.scheme}://{to.host}.{base.netloc}{folder}/{path}"
    return f"{base.scheme}://{base.netloc}{folder}/{quote(to.host)}/{path}"


def _amazon(region: str) -> str:
    """Where Amazon S3 answers for a region; China has a domain of its own."""
    host = "s3.amazonaws.com" if region == HOME else f"s3.{region}.amazonaws.com"
    return f"https://{host}{'.cn' * region.startswith('cn-')}"


def _in_host_names(bucket: str, base: SplitResult) -> bool:
    """Whether the bucket's name can stand before the host's: not before an address, and with a dot in it no
    certificate covers it."""
    try:
        ipaddress.ip_address(base.hostname or "")
    except ValueError:
        dots = "." if base.scheme == "http" else ""
        return re.fullmatch(rf"[a-z0-9][a-z0-9{dots}-]{{1,61}}[a-z0-9]", bucket) is not None
    return False


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
    except (HTTPClientError, ConnectionError, ResponseParserError, KeyError, OSError) as fault:
        raise _broken(fault, where) from fault
    except BotoCoreError as fault:
        raise PutFailed(f"region, endpoint and style of the connection string name no place at {where}") from fault


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


def _broken(fault: BaseException, where: str) -> OutputFault:
    """What lies beneath a connection that failed; aiohttp and aiobotocore wrap it."""
    short = type(fault).__name__
    beneath: BaseException | None = fault
    while beneath is not None:
        match beneath:
            case Refused():
                return Refused(beneath.detail)
            case ssl.SSLCertVerificationError(verify_message=why):
                return PutFailed(f"the certificate of {where} is not trusted ({why})")
            case socket.gaierror():
                short = "no such host is known"
        beneath = getattr(beneath, "kwargs", {}).get("error") or beneath.__cause__ or beneath.__context__
    return PutFailed(f"the connection to {where} failed ({SHORT.get(short, short)})", again=Again.BROKEN)


SHORT: Mapping[str, str] = {
    "ConnectTimeoutError": "no connection in time",
    "ReadTimeoutError": "it went silent",
    "TimeoutError": "it went silent",
    "ConnectionClosedError": "it was cut",
    "EndpointConnectionError": "nobody answers",
    "SSLError": "it does not speak TLS",
    "ResponseParserError": "its answer is none of S3",
    "KeyError": "its answer is none of S3",
}
"""Kinds of failures: the texts of libraries hold whole URLs."""
