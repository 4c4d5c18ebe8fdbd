"""Owns one POST to a stranger's server: guarded, timed, and its answer in a few words. Never a job, never tries again.

No redirect is followed and no proxy of the environment is used. Userinfo of the URL goes into an Authorization header
and nowhere else: not into a sentence, and not back out of an answer that repeats it.
"""

from __future__ import annotations

import asyncio
import base64
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from sixpx import __version__
from sixpx.errors import Refused
from sixpx.guard import Guard

READ_BYTES = 4096
"""How much of an answer is read, at most."""
READ_SECONDS = 2.0
"""And for how long after its status came."""
SHOWN_MOST = 200
"""Characters of an answer that are kept."""
_NO_URL = (ValueError, IndexError)  # what yarl raises


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent where. The URL may hold a password."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the status, the beginning of the answer or, where none came, why; and its Retry-After."""

    status: int | None
    detail: str
    retry_after: str | None = None


class Receivers:
    """Sends letters; `seconds` for each, from the lookup of the name to the status, `parallel` at once. Belongs to the
    loop that runs.

    A lookup that hangs is not ended by the time-out of its letter and keeps its thread. So there are threads for twice
    the letters: with the few that all share, one user's dead name servers would fail everyone's callbacks and inputs.
    """

    def __init__(self, guard: Guard, seconds: float, parallel: int) -> None:
        self._seconds = seconds
        self._session = aiohttp.ClientSession(
            connector=guard.connector(lookups=2 * parallel),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"sixpx/{__version__}", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),  # `post` keeps the time
            read_bufsize=READ_BYTES,
            auto_decompress=False,
            trust_env=False,
        )

    async def post(self, letter: Letter) -> Answer:
        """The answer, or why there is none; what goes wrong on the way is an answer too."""
        try:
            url = URL(letter.url)
            host, secrets = url.host or "", _secrets(url)
        except _NO_URL:
            return Answer(None, "the URL cannot be called: it has no host name and no address")
        headers = {**letter.headers, **_authorization(url)}
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._session.post(
                    url.with_user(None), data=io.BytesIO(letter.body), headers=headers, allow_redirects=False
                )
        except TimeoutError:
            return Answer(None, f"{host} did not answer in {self._seconds:g} s")
        except Refused as refused:
            return Answer(None, refused.detail)
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            return Answer(None, _in_our_words(fault, host))
        try:
            return await self._read(response, secrets)
        finally:
            response.close()  # not kept alive: most answers are not read to their end

    async def close(self) -> None:
        await self._session.close()

    async def _read(self, response: aiohttp.ClientResponse, secrets: Iterable[str]) -> Answer:
        status, retry_after = response.status, response.headers.get("Retry-After")
        if 300 <= status < 400:
            return Answer(status, "the answer is a redirect, and none is followed", retry_after)
        beginning = await _beginning(response, min(READ_SECONDS, self._seconds))
        return Answer(status, shown(beginning, secrets), retry_after)


def host_of(url: str) -> str:
    """The host of a URL, empty where it has none: what may be logged, and what a call is counted by."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def shown(answer: bytes, secrets: Iterable[str] = ()) -> str:
    """The beginning of an answer on one line, without control characters and without what must not be seen."""
    text = answer.decode("utf-8", "replace")
    for secret in secrets:
        text = text.replace(secret, "***")
    # every character of Unicode's C categories: controls, what turns the writing direction, what has no meaning
    plain = "".join(" " if unicodedata.category(one).startswith("C") else one for one in text)
    return " ".join(plain.split())[:SHOWN_MOST]


async def _beginning(response: aiohttp.ClientResponse, seconds: float) -> bytes:
    """The first bytes of the body, or as many as come in time."""
    got = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while len(got) < READ_BYTES and (chunk := await response.content.read(READ_BYTES - len(got))):
                got += chunk
    except (TimeoutError, aiohttp.ClientError, OSError):
        """The status has come, and that is what counts."""
    return bytes(got)


def _authorization(url: URL) -> dict[str, str]:
    """HTTP Basic (RFC 7617) of the URL's userinfo."""
    return {"Authorization": f"Basic {_token(url)}"} if url.user is not None or url.password is not None else {}


def _token(url: URL) -> str:
    return base64.b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()


def _secrets(url: URL) -> tuple[str, ...]:
    """What an answer may repeat of the userinfo, as it was sent and as it may be written; the longest first, so that
    no piece of one is left over."""
    secret, raw = url.password or url.user, url.raw_password or url.raw_user
    if not secret or not raw:
        return ()
    return tuple(sorted({_token(url), secret, raw, quote(secret), quote(secret, safe="")}, key=len, reverse=True))


def _in_our_words(fault: Exception, host: str) -> str:
    """aiohttp's own words show whole URLs."""
    if isinstance(fault, aiohttp.InvalidURL):
        return f"{host} is no host name and no IP address"
    if isinstance(fault, aiohttp.ClientConnectorDNSError):
        return f"the name {host} cannot be resolved"
    if isinstance(fault, aiohttp.ClientSSLError):
        return f"{host} offers no TLS connection that can be trusted"
    if isinstance(fault, aiohttp.ClientConnectorError):
        return f"{host} could not be reached"
    if isinstance(fault, aiohttp.ClientConnectionError | OSError):
        return f"{host} ended the connection without an answer"
    return f"{host} sent an answer that is no HTTP"
