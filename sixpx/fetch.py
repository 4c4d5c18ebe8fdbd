"""Owns the way of bytes from a URL into a file of the scratch folder, and the reading of data: URIs. Never decodes.

A fetch is one GET with redirects followed by hand and a few tries, all inside one time limit. No error and no log
shows the userinfo, path or query of a URL: host and status are enough to understand, and signed URLs are secrets.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote_to_bytes

import aiohttp
from yarl import URL

from sixpx import __version__
from sixpx.errors import FetchFailed, Invalid, OverLimit
from sixpx.guard import Guard
from sixpx.threads import to_its_end

_PIECE = 100_000
"""Characters of a data: URI that are decoded at once."""
_BATCH = 1 << 20  # bytes gathered in memory before one hop to a thread writes them
_TRANSIENT = frozenset({408, 425, 429})  # and every 5xx
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
_MIME = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_NO_URL = (ValueError, IndexError)  # what yarl raises; the latter over http://[::1]@/
_PAUSES_S = (0.2, 1.0)  # before the second try, and before any later one


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one download may take (SPEC section 3). Seconds, bytes and numbers; `parallel` downloads run at a time."""

    connect_s: float = 5.0
    total_s: float = 30.0
    tries: int = 3
    redirects: int = 5
    max_bytes: int = 100_000_000
    parallel: int = 32


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: the size of the file in bytes, and how long it took in ms (waiting for a turn not counted)."""

    bytes: int
    ms: float


class BadDataURI(Invalid, ValueError):
    """A data: URI that can't be read; the detail never repeats it."""


class _Transient(Exception):
    """One try failed in a way that another may not; `retry_after` as the server sent it."""

    def __init__(self, fault: FetchFailed, retry_after: str | None = None) -> None:
        super().__init__(fault.detail)
        self.fault = fault
        self.retry_after = retry_after


class Fetcher:
    """Downloads through one guarded session with connections kept alive. `sleep` and `now` (Unix s) can be replaced."""

    def __init__(
        self,
        guard: Guard,
        limits: FetchLimits = FetchLimits(),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._guard = guard
        self._limits = limits
        self._sleep = sleep
        self._now = now
        self._turns = asyncio.Semaphore(limits.parallel)
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str, path: Path) -> Fetched:
        """Download `url` (http or https) into `path`, which must not exist yet and is gone again on every failure.

        Userinfo goes as Basic credentials (RFC 7617) to its own origin alone. Raises Refused (the guard), OverLimit
        (`max_bytes`), FetchFailed (everything else that the other side did; `retryable` where a later fetch may do).
        """
        origin = _read_url(url)
        async with self._turns:
            begin = time.perf_counter()
            try:
                async with asyncio.timeout(self._limits.total_s) as window:
                    size = await self._tries(origin, path, window.when() or 0.0)
            except BaseException as failure:
                await to_its_end(_remove, path)
                if isinstance(failure, TimeoutError):
                    raise _too_slow(origin, self._limits.total_s) from None
                raise
            return Fetched(size, (time.perf_counter() - begin) * 1000)

    async def close(self) -> None:
        """Close the connections that are kept alive."""
        if self._session is not None:
            await self._session.close()

    async def _tries(self, origin: URL, path: Path, deadline: float) -> int:
        attempt = 1
        while True:
            try:
                response = await self._follow(origin)
                try:
                    return await self._save(response, path)
                finally:
                    response.release()
            except _Transient as failure:
                pause = _pause(attempt, failure.retry_after, self._now())
                in_time = asyncio.get_running_loop().time() + pause < deadline
                if attempt >= self._limits.tries or not in_time:
                    raise failure.fault from None
            await self._sleep(pause)
            attempt += 1

    async def _follow(self, origin: URL) -> aiohttp.ClientResponse:
        """The answer at the end of the redirects, its status and headers found good, its body not read yet."""
        url, headers = origin, _basic(origin)
        if headers is not None:
            url = origin.with_user(None)  # so that no error of aiohttp can show it
        for _ in range(self._limits.redirects + 1):
            with _in_our_words(url):
                response = await self._open().get(url, headers=headers, allow_redirects=False)
            target = response.headers.get("Location") if response.status in _REDIRECTS else None
            if target is None:
                _accept(response)
                return response
            response.release()
            url, left = _next_hop(url, target), url
            if url.origin() != left.origin():
                headers = None  # for good: a hop back must not steer credentials to a place of its choice
        raise FetchFailed(f"{origin.host} redirects more than {self._limits.redirects} times")

    async def _save(self, response: aiohttp.ClientResponse, path: Path) -> int:
        """Write the body to `path`, in one hop to a thread where it is small."""
        # named as the configuration and GET /v1/limits name it
        limit, host = self._limits.max_bytes, response.url.host
        announced = response.content_length
        if announced is not None and announced > limit:
            raise OverLimit(f"The file at {host} has {announced} bytes; the limit input_bytes is {limit}")
        size = 0
        while True:
            with _in_our_words(response.url):
                batch = await _next_batch(response.content, announced)
            if not batch:
                break
            mode, size = "ab" if size else "wb", size + sum(map(len, batch))
            if size > limit:
                raise OverLimit(f"The file at {host} has more than {limit} bytes, the limit input_bytes")
            await to_its_end(_write, path, mode, batch)
        if size == 0:
            raise FetchFailed(f"{host} answered {response.status} with an empty body")
        return size

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # made at first use: a session belongs to the loop that runs
            self._session = aiohttp.ClientSession(
                # a lookup that hangs outlives its download and keeps its thread: there are some for those that follow
                connector=self._guard.connector(lookups=2 * self._limits.parallel),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"sixpx/{__version__}", "Accept-Encoding": "identity"},
                # No pool to wait for, so `connect` is the name lookup, TCP and TLS; `fetch` keeps the total.
                timeout=aiohttp.ClientTimeout(total=None, connect=self._limits.connect_s),
                read_bufsize=_BATCH,
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


# --- deciding ---------------------------------------------------------------------------------


def _read_url(text: str) -> URL:
    try:
        url = URL(text)
        host, port, _ = url.host, url.port, _basic(url)  # yarl reads these only when asked: http://xn--/ is a URL to it
    except _NO_URL:
        raise FetchFailed("Expected an http or https URL, came text that is no URL") from None
    if url.scheme not in ("http", "https"):
        raise FetchFailed("Expected an http or https URL, came one of another scheme")
    if not host or port is None:
        raise FetchFailed("Expected a URL with a host, came one without")
    return url


def _next_hop(url: URL, target: str) -> URL:
    """Where a Location leads (RFC 9110 section 10.2.2), without the userinfo that a server might plant in it."""
    try:
        step = URL(target)
        if step.scheme and not step.host:
            raise ValueError("http:///path, which would be read as relative")
        return _read_url(str(url.join(step))).with_user(None)
    except (*_NO_URL, FetchFailed):
        raise FetchFailed(f"{url.host} redirects to what is no http or https URL") from None


def _basic(url: URL) -> dict[str, str] | None:
    if url.user is None and url.password is None:
        return None
    pair = f"{url.user or ''}:{url.password or ''}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _accept(response: aiohttp.ClientResponse) -> None:
    """Raise unless this is a whole body without a content coding, which is where decompression bombs come from."""
    status, host = response.status, response.url.host
    if status // 100 != 2 or status == 206:
        transient = status in _TRANSIENT or status >= 500
        fault = FetchFailed(f"{host} answered {status}", retryable=transient)
        response.release()
        raise _Transient(fault, response.headers.get("Retry-After")) if transient else fault
    coding = response.headers.get("Content-Encoding", "identity")
    if coding.strip().lower() not in ("", "identity"):
        response.release()
        raise FetchFailed(f"{host} sent a Content-Encoding, though only identity was accepted")


def _pause(attempt: int, retry_after: str | None, now: float) -> float:
    """Seconds to wait after the failed try number `attempt`: what the server asks for (RFC 9110 10.2.3), else ours."""
    ours = _PAUSES_S[min(attempt, len(_PAUSES_S)) - 1]
    if not retry_after:
        return ours
    try:
        asked = float(retry_after) if retry_after.isdigit() else parsedate_to_datetime(retry_after).timestamp() - now
    except (ValueError, OverflowError):
        return ours
    return max(asked, ours)


@contextmanager
def _in_our_words(url: URL) -> Iterator[None]:
    """Turn the errors of aiohttp and yarl, which show whole URLs, into ours."""
    try:
        yield
    except (aiohttp.ClientError, ValueError) as error:
        raise _translated(error, url.host or "") from None


def _translated(error: aiohttp.ClientError | ValueError, host: str) -> Exception:
    if isinstance(error, aiohttp.InvalidURL) or not isinstance(error, aiohttp.ClientError):
        return FetchFailed(f"{host} is no host name and no IP address")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        gone = error.os_error.errno in _NO_SUCH_NAME
        fault = FetchFailed(f"The name {host} cannot be resolved", retryable=not gone)
        return fault if gone else _Transient(fault)
    if isinstance(error, aiohttp.ClientSSLError):
        return FetchFailed(f"{host} offers no TLS connection that can be trusted")
    if isinstance(error, aiohttp.ServerTimeoutError):
        return _Transient(FetchFailed(f"{host} could not be reached in time", retryable=True))
    if isinstance(error, aiohttp.ClientConnectorError):
        return _Transient(FetchFailed(f"{host} could not be reached", retryable=True))
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
        return _Transient(FetchFailed(f"{host} ended the connection before its answer was whole", retryable=True))
    return FetchFailed(f"{host} sent an answer that is no HTTP")


def _too_slow(url: URL, total_s: float) -> FetchFailed:
    return FetchFailed(f"{url.host} did not send the whole file in {total_s:g} s", retryable=True)


# --- reading and writing ------------------------------------------------------------------------


async def _next_batch(content: aiohttp.StreamReader, announced: int | None) -> list[bytes]:
    """About `_BATCH` bytes of the body, none at its end. A small body is awaited whole: one wake-up, not many."""
    if announced is not None and announced <= _BATCH:
        if content.exception() is None:
            await content.wait_eof()
        whole = content.read_nowait()  # raises what went wrong, if anything did
        return [whole] if whole else []
    batch, held = [], 0
    while held < _BATCH and (chunk := await content.readany()):
        batch.append(chunk)
        held += len(chunk)
    return batch


def _write(path: Path, mode: str, batch: list[bytes]) -> None:
    # Opened anew for each batch: 20 µs a megabyte, and no open file is left behind by a cancellation.
    try:
        with open(path, mode) as file:
            file.writelines(batch)
    except OSError as error:
        raise FetchFailed(f"The service could not keep the input: {error.strerror}", retryable=True) from error


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


# --- data: URIs ---------------------------------------------------------------------------------


def decode_data_uri(text: str) -> tuple[bytes, str]:
    """The bytes of a `data:` URI (RFC 2397) and its MIME type in lower case, without parameters.

    As lenient as browsers (WHATWG "forgiving-base64"): white space anywhere, padding optional, percent-encoding in
    base64 too. Raises BadDataURI, an Invalid and a ValueError, for anything else and for no bytes at all.
    """
    head, comma, payload = text.strip().partition(",")
    scheme, _, media = head.partition(":")
    if scheme.strip().lower() != "data" or not comma:
        raise BadDataURI("Expected data:TYPE;base64,BYTES, came no data: URI with a comma")
    mime, *parameters = [part.strip().lower() for part in media.split(";")]
    if mime and not _MIME.fullmatch(mime):
        raise BadDataURI("Expected a MIME type such as image/png after data:, came something else")
    content = _base64(payload) if "base64" in parameters[-1:] else _unescaped(payload)
    if not content:
        raise BadDataURI("The data: URI holds no bytes")
    return content, mime or "text/plain"


def _unescaped(payload: str) -> bytes:
    """Percent-encoded bytes, piece by piece: the standard function makes an object of every escape, a gigabyte of ten
    million. No piece ends within an escape."""
    out, begin = bytearray(), 0
    while begin < len(payload):
        end = begin + _PIECE
        if (escape := payload.find("%", end - 2, end)) >= 0:
            end = escape
        out += unquote_to_bytes(payload[begin:end])
        begin = end
    return bytes(out)


def _base64(payload: str) -> bytes:
    if "%" in payload:
        payload = _unescaped(payload).decode("latin-1")
    packed = "".join(payload.split()).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadDataURI("The data: URI says base64, but its bytes are not base64") from None
