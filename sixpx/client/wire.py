"""Owns talking to a service over HTTP as one user: requests, a web socket, downloads. Never shows the secret.

Key and secret travel in an Authorization header (HTTP Basic), not in the URL, which proxies and logs write down.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import orjson
from yarl import URL

from sixpx import __version__
from sixpx.errors import Conflict, Invalid, Mistake, NotFound, OverQuota, SixpxError, Unauthorized

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=90)
"""Seconds; a reply to a long poll of 60 s must fit in."""
SOCKET_SECONDS = 10.0
CLOSE = aiohttp.ClientWSTimeout(ws_close=2.0)
CHUNK = 1 << 16
AWAY = (502, 503, 504)
"""What the service says that cannot reach its store, or a proxy that cannot reach the service."""
PAUSE_SECONDS = 60
"""Until there is room again, where who says that there is none does not say it."""
KINDS: Mapping[int, type[SixpxError]] = {401: Unauthorized, 404: NotFound, 409: Conflict}


class Unreachable(SixpxError):
    """No service answers for now; it may later."""

    code = "unreachable"
    retryable = True


@dataclass(frozen=True, slots=True)
class Identity:
    """A user and what proves it."""

    user: str
    key: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Identity:
        """`ID:KEY:SECRET`. Raises Invalid, which does not repeat the text."""
        parts = text.split(":", 2)
        if len(parts) != 3 or not all(parts):
            raise Invalid("expected credentials as ID:KEY:SECRET (see `sixpx user add`)")
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply of the service `at` an address: its JSON (None where it has no body), and its headers."""

    at: str
    value: Any
    headers: Mapping[str, str]

    def fields(self, *names: str) -> Mapping[str, Any]:
        """The object with at least these fields. Raises SixpxError where it is none, or lacks one."""
        if not isinstance(self.value, dict) or not self.value.keys() >= set(names):
            raise _other_service(self.at)
        return self.value

    def items(self) -> Sequence[Any]:
        """The list. Raises SixpxError where it is none."""
        if not isinstance(self.value, list):
            raise _other_service(self.at)
        return self.value


class Wire:
    """One user at one service; an async context manager. Every method raises SixpxError with a sentence for people,
    Invalid where the service found mistakes in the body."""

    def __init__(self, at: str, identity: Identity) -> None:
        self.at = _address(at)
        self.identity = identity
        self.home = f"/v1/users/{quote(identity.user, safe='')}"
        self._auth = {"Authorization": aiohttp.encode_basic_auth(identity.key, identity.secret)}
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Wire:
        if self._opened is not None:
            raise RuntimeError("the client is open already")
        stay = aiohttp.TraceConfig()
        stay.on_request_redirect.append(_refuse_redirect)
        self._opened = aiohttp.ClientSession(
            timeout=TIMEOUT,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"sixpx/{__version__}"},
            trust_env=False,  # a proxy between the two ends of a loopback would be a surprise
            trace_configs=[stay],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._opened = self._session, None
        await session.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            raise RuntimeError("the client is not open: use it as `async with AsyncClient(...) as px:`")
        return self._opened

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request as the user; `path` begins at the service's root."""
        sent = {**self._auth, **(headers or {})}
        raw = None
        if body is not None:
            raw, sent["Content-Type"] = orjson.dumps(body), "application/json"
        where = f"{path}?{urlencode(query)}" if query else path
        async with self._reply(method, where, sent, raw) as reply:
            content = await reply.read()
            return Answer(self.at, _decoded(content, self.at) if content else None, reply.headers.copy())

    async def socket(self) -> aiohttp.ClientWebSocketResponse:
        """A web socket to the service, not yet authorised. Raises SixpxError."""
        try:
            async with asyncio.timeout(SOCKET_SECONDS):
                return await self._session.ws_connect(f"{self.at}/v1/socket", timeout=CLOSE)
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            raise SixpxError(f"no web socket to {self.at}") from fault

    async def download(self, path: str, to: Path) -> None:
        """Saves what the service serves at this path; no credentials go along."""
        part = to.with_name(f".{to.name}.part")
        async with self._reply("GET", path, {}) as reply:
            try:
                with part.open("wb") as file:
                    async for chunk in reply.content.iter_chunked(CHUNK):
                        await asyncio.to_thread(file.write, chunk)
                part.replace(to)
            except OSError as fault:
                raise SixpxError(f"{to} cannot be written: {fault.strerror}") from fault
            finally:
                with suppress(OSError):  # where there is no such folder there is nothing to be removed
                    part.unlink()

    @asynccontextmanager
    async def _reply(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            url = URL(self.at + path, encoded=True)
            # redirects are not followed: the credentials are for this service alone
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as reply:
                if not 200 <= reply.status < 300:
                    raise _problem(reply, await reply.read(), self.at)
                yield reply
        except aiohttp.ClientSSLError as fault:
            raise SixpxError(f"{self.at} offers no TLS connection that can be trusted") from fault
        except aiohttp.ClientConnectorError as fault:
            raise Unreachable(f"no service answers at {self.at} ({_reason(fault)}); is it running?") from fault
        except TimeoutError as fault:
            raise Unreachable(f"the service at {self.at} does not answer in time") from fault
        except aiohttp.ClientError as fault:
            words = f"the service at {self.at} ended the connection before its answer was whole"
            raise Unreachable(words) from fault


def _address(text: str) -> str:
    """Without a slash at the end. Raises Invalid."""
    try:
        parts = urlsplit(text)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or re.search(r"[@?#\s]", text):
        came = "something with userinfo or a query" if re.search("[@?]", text) else repr(text)
        raise Invalid(f"expected the address of a service, such as http://127.0.0.1:8666, got {came}")
    return text.rstrip("/")


def _reason(fault: aiohttp.ClientConnectorError) -> str:
    error = fault.os_error
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    # asyncio's own text repeats the address; several attempts at once carry no number
    return os.strerror(error.errno).lower() if error.errno else "no connection"


def _decoded(raw: bytes, at: str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        raise SixpxError(f"{at} answers, but not with JSON; is it a sixpx service?") from fault


def _other_service(at: str) -> SixpxError:
    return SixpxError(f"{at} answers with JSON, but not as sixpx does; is it a sixpx service?")


async def _refuse_redirect(session: object, context: object, params: object) -> None:
    """aiohttp follows those of web sockets, and has no switch for it; the proof is for this service alone."""
    raise aiohttp.ClientError("a redirect is not followed")


def _problem(reply: aiohttp.ClientResponse, raw: bytes, at: str) -> SixpxError:
    """An error reply (RFC 9457) as our own error."""
    said = f"{at} answered {reply.status} {reply.reason or ''}".rstrip() + _elsewhere(reply)
    try:
        problem = orjson.loads(raw)
        detail = str(problem["detail"])
        mistakes = tuple(Mistake(one["pointer"], one["detail"]) for one in problem.get("errors", ()))
    except (ValueError, TypeError, KeyError, AttributeError):
        detail, mistakes = "", ()  # something between answered in place of the service
    if mistakes:
        return Invalid(detail, mistakes)
    words = f"{said}: {detail}" if detail else said
    if reply.status == 429:
        wait = reply.headers.get("Retry-After", "")
        return OverQuota(words, int(wait) if wait.isdecimal() else PAUSE_SECONDS)
    kind = Unreachable if reply.status in AWAY else KINDS.get(reply.status, SixpxError)
    return kind(words)


def _elsewhere(reply: aiohttp.ClientResponse) -> str:
    """Where a redirect leads to: mostly to TLS, or to another name of the service."""
    if not 300 <= reply.status < 400:
        return ""
    try:
        return f" and sends us to {URL(reply.headers.get('Location', '')).origin()}; give the address that it has there"
    except ValueError:
        return ""
