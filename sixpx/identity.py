"""Owns the tokens of OpenStack and Rackspace identity services, and the addresses that come with them. Never objects.

Three dialects, told by how the address ends: `/v1` or `/v1.0` (Swift's TempAuth), `/v3` (Keystone), else Identity v2.0
(Rackspace, older Keystones).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from yarl import URL

from sixpx.errors import Again, PutFailed, Refused

STORAGE, CDN = "object-store", "rax:object-cdn"
"""Services by their types in a catalogue; their names and hosts are the provider's own business."""
HOME = "DFW"
"""The region of a connection string that names none, where the catalogue has it (SPEC section 9)."""

ASKING_SECONDS = 20.0
EARLY_SECONDS = 300.0
"""A token is renewed so long before its end."""
LEAST_SECONDS = 30.0
"""And is used so long in any case: clocks differ, and a token that has ended shows itself by a 401."""
UNTOLD_SECONDS = 3600.0
"""For a token whose end nobody told."""
KEPT = 500
LONGEST_ANSWER = 2 * 1024**2
LONGEST_TOKEN = 16 * 1024


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks, and the identity services that are asked, in this order: a further one where one does not accept the
    key, or knows nothing of the region. `username` is `user`, `project:user` or `domain/project:user`."""

    addresses: tuple[str, ...]
    username: str
    secret: str = field(repr=False)
    region: str | None = None

    @property
    def digest(self) -> str:
        """What tokens are kept by: all regions share them, and nobody reads the secret in it."""
        return hashlib.sha256(repr((self.addresses, self.username, self.secret)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a catalogue; an empty region serves every one."""

    service: str
    region: str
    url: str


@dataclass(frozen=True, slots=True)
class Access:
    """A token, when to ask for the next one (Unix seconds), and where it opens doors."""

    token: str = field(repr=False)
    renew_at: float
    endpoints: tuple[Endpoint, ...]
    default_region: str = ""

    def region(self, wanted: str | None) -> str:
        """The region as the catalogue writes it: the one that was asked for; else DFW, the account's own, or the only
        one. Raises PutFailed, which names those that there are."""
        known = {one.region.upper(): one.region for one in self.endpoints if one.service == STORAGE}
        if "" in known:
            return ""
        unnamed = (HOME, self.default_region, *(known if len(known) == 1 else ()))
        for guess in unnamed if wanted is None else (wanted,):
            if guess.upper() in known:
                return known[guess.upper()]
        if not known:
            raise NoRegion("the account has no object storage; for OpenStack the user name is project:user")
        named = f"no region {wanted.upper()}" if wanted else "several regions, and the connection string names none"
        raise NoRegion(f"the account has {named}; there are: {', '.join(sorted(known.values()))[:300]}")

    def url(self, service: str, region: str) -> str | None:
        """The address of a service in a region that `region` gave, without a slash at its end."""
        found = (one.url for one in self.endpoints if one.service == service and one.region in ("", region))
        return next(found, None)


class KeyRefused(PutFailed):
    """An identity service does not accept a user name and key."""


class NoRegion(PutFailed):
    """An account has no object storage where it is asked for."""


class Identity:
    """Tokens, kept by who asked. However many wait for one, it is asked for once. `session` gives the HTTP session,
    `now` the time in Unix seconds."""

    def __init__(self, session: Callable[[], aiohttp.ClientSession], now: Callable[[], float] = time.time) -> None:
        self._session = session
        self._now = now
        self._kept: dict[str, Access] = {}
        self._asking: dict[str, asyncio.Task[Access]] = {}

    async def access(self, login: Login, refused: Access | None = None) -> Access:
        """A token that is good, but not `refused`, which a service has answered 401 to. Raises PutFailed, Refused."""
        name = login.digest
        kept = self._kept.get(name)
        if kept is not None and kept is not refused and self._now() < kept.renew_at:
            return kept
        if name not in self._asking:
            asking = self._asking[name] = asyncio.create_task(self._asked(login))
            asking.add_done_callback(lambda done: self._keep(name, done))
        return await asyncio.shield(self._asking[name])

    def forget(self, login: Login) -> None:
        """Lets the next one ask anew."""
        self._kept.pop(login.digest, None)

    async def close(self) -> None:
        for asking in self._asking.values():
            asking.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        self._kept.clear()

    def _keep(self, name: str, done: asyncio.Task[Access]) -> None:
        del self._asking[name]
        if done.cancelled() or done.exception() is not None:
            return
        self._kept.pop(name, None)  # the youngest stand last
        self._kept[name] = done.result()
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]

    async def _asked(self, login: Login) -> Access:
        fault: PutFailed | None = None
        for address in login.addresses:
            try:
                access = await self._answer(address, login)
                if len(login.addresses) > 1:
                    access.region(login.region)
                return access
            except PutFailed as other:
                if other.again is not None:
                    raise
                # the first service's word, but that of one that knows the key over one that does not
                if fault is None or (isinstance(fault, KeyRefused) and isinstance(other, NoRegion)):
                    fault = other
        assert fault is not None
        raise fault

    async def _answer(self, address: str, login: Login) -> Access:
        where = urlsplit(address).netloc
        request = _request(address, login)
        with in_our_words(where):
            async with asyncio.timeout(ASKING_SECONDS), self._session().request(
                request.method,
                URL(request.url),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
            ) as reply:  # fmt: skip
                body = await whole(reply, where)
        if reply.status not in (200, 201, 203, 204):
            raise _told(reply.status, reply.headers, where)
        try:
            return request.read(reply.headers, body, self._now())
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
            raise PutFailed(f"{where} gave an answer that holds no token", again=Again.BROKEN) from None


async def whole(reply: aiohttp.ClientResponse, where: str) -> bytes:
    """The body of an answer. Raises PutFailed where it does not end."""
    body = bytearray()
    async for piece in reply.content.iter_any():
        body += piece
        if len(body) > LONGEST_ANSWER:
            raise PutFailed(f"{where} gave an answer of more than {LONGEST_ANSWER:,} bytes")
    return bytes(body)


def _told(status: int, headers: Mapping[str, str], where: str) -> PutFailed:
    if status in (401, 403):
        return KeyRefused(f"{where} does not accept the user name and key ({status})")
    if status in (300, 404, 405):
        return PutFailed(f"{where} offers no identity service at this address ({status}); check auth_url")
    return may_pass(status, headers, where) or PutFailed(f"{where} refused to give a token ({status})")


# --- dialects -------------------------------------------------------------------------------------

Read = Callable[[Mapping[str, str], bytes, float], Access]
"""Reads an answer: headers, body, the time now."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question in the words of a dialect, and how its answer is read."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    read: Read


def _request(address: str, login: Login) -> Request:
    parts = urlsplit(address)
    path = parts.path.rstrip("/")
    base = f"{parts.scheme}://{parts.netloc}{path}"
    if path.endswith(("/v1", "/v1.0")):
        named = {"X-Auth-User": login.username, "X-Auth-Key": login.secret}
        return Request("GET", base, named, None, _read_v1)
    if path.endswith("/v3"):
        return _post(f"{base}/auth/tokens", _question_v3(login), _read_v3)
    return _post(f"{base if path.endswith('/v2.0') else base + '/v2.0'}/tokens", _question_v2(login), _read_v2)


def _post(url: str, question: Mapping[str, Any], read: Read) -> Request:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return Request("POST", url, headers, orjson.dumps(question), read)


def _question_v2(login: Login) -> Mapping[str, Any]:
    """Rackspace's API key; a password where the user name is `tenant:user`, which no user of Rackspace's is."""
    tenant, colon, user = login.username.partition(":")
    if not colon:
        return {"auth": {"RAX-KSKEY:apiKeyCredentials": {"username": login.username, "apiKey": login.secret}}}
    return {"auth": {"tenantName": tenant, "passwordCredentials": {"username": user, "password": login.secret}}}


def _question_v3(login: Login) -> Mapping[str, Any]:
    names, colon, user = login.username.rpartition(":")
    domain, _, project = names.rpartition("/")
    within = {"domain": {"name": domain or "Default"}}
    who = {"user": {"name": user, "password": login.secret, **within}}
    scope = {"scope": {"project": {"name": project, **within}}} if colon else {}  # else the user's own project
    return {"auth": {"identity": {"methods": ["password"], "password": who}, **scope}}


def _read_v1(headers: Mapping[str, str], body: bytes, now: float) -> Access:
    ends = now + float(headers.get("X-Auth-Token-Expires") or UNTOLD_SECONDS)
    access = _access(headers["X-Auth-Token"], ends, now, [Endpoint(STORAGE, "", headers["X-Storage-Url"])])
    if not access.endpoints:
        raise ValueError("no address")
    return access


def _read_v2(headers: Mapping[str, str], body: bytes, now: float) -> Access:
    said = orjson.loads(body)["access"]
    found = [
        Endpoint(service["type"], one.get("region") or "", one["publicURL"])
        for service in said.get("serviceCatalog") or ()
        if service["type"] in (STORAGE, CDN)
        for one in service["endpoints"]
        if one.get("publicURL")
    ]
    home = (said.get("user") or {}).get("RAX-AUTH:defaultRegion") or ""
    return _access(said["token"]["id"], _ends(said["token"].get("expires"), now), now, found, home)


def _read_v3(headers: Mapping[str, str], body: bytes, now: float) -> Access:
    said = orjson.loads(body)["token"]
    found = [
        Endpoint(service["type"], one.get("region_id") or one.get("region") or "", one["url"])
        for service in said.get("catalog") or ()
        if service["type"] in (STORAGE, CDN)
        for one in service["endpoints"]
        if one["interface"] == "public"
    ]
    return _access(headers["X-Subject-Token"], _ends(said.get("expires_at"), now), now, found)


def _ends(text: str | None, now: float) -> float:
    """Unix seconds of an ISO 8601 time; one without an offset is UTC."""
    if text is None:
        return now + UNTOLD_SECONDS
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _access(token: str, ends: float, now: float, found: list[Endpoint], home: str = "") -> Access:
    """Checked, since all of it goes into headers, addresses and sentences. Raises ValueError, TypeError."""
    if not re.fullmatch(r"[!-~]+", token) or len(token) > LONGEST_TOKEN:
        raise ValueError("no token")
    if not ends < float("inf"):
        raise ValueError("no time")
    good = [Endpoint(one.service, one.region, url) for one in found if (url := plain_url(one.url)) and _named(one)]
    return Access(token, max(ends - EARLY_SECONDS, now + LEAST_SECONDS), tuple(good), str(home))


def _named(one: Endpoint) -> bool:
    return re.fullmatch(r"[\w.-]{0,64}", one.region) is not None


def plain_url(text: str) -> str | None:
    """An http or https URL without credentials, query and a slash at its end; None for any other text. What a
    catalogue or a header says goes into a `location` that everyone reads."""
    try:
        url = urlsplit(text)
        bad = url.scheme not in ("http", "https") or not url.hostname or url.port == 0
    except ValueError:
        return None
    bad = bad or "@" in url.netloc or bool(url.query or url.fragment) or not re.fullmatch(r"[!-~]+", text)
    return None if bad else text.rstrip("/")


# --- faults ---------------------------------------------------------------------------------------

BUSY = {429, 498, 503, 507}
BROKEN = {408, 422, 499}
NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def may_pass(status: int, headers: Mapping[str, str], where: str) -> PutFailed | None:
    """The fault of an HTTP status that a further try may help against, None for another. Rackspace's services say 413
    with Retry-After where others say 429."""
    after = headers.get("Retry-After", "")
    wait = float(after) if re.fullmatch("[0-9]{1,6}", after) else None
    if status in BUSY or (status == 413 and after):
        return PutFailed(f"{where} has too much to do ({status})", again=Again.BUSY, wait=wait)
    if status in BROKEN or status >= 500:
        return PutFailed(f"{where} failed ({status})", again=Again.BROKEN, wait=wait)
    return None


@contextmanager
def in_our_words(where: str) -> Iterator[None]:
    """Turns what aiohttp and yarl raise, whose texts hold whole URLs, into PutFailed; says what the guard refused."""
    try:
        yield
    except Refused as fault:
        raise Refused(f"{where} is not connected to: {fault.detail}") from None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as fault:
        raise _translated(fault, where) from fault


def _translated(fault: Exception, where: str) -> PutFailed:
    if isinstance(fault, aiohttp.ClientSSLError):
        return PutFailed(f"{where} offers no TLS connection that can be trusted")
    if isinstance(fault, aiohttp.ClientConnectorDNSError) and fault.os_error.errno in NO_SUCH_NAME:
        return PutFailed(f"the name {where} cannot be resolved")
    if isinstance(fault, aiohttp.ClientConnectorError):
        return PutFailed(f"{where} cannot be reached", again=Again.BROKEN)
    if isinstance(fault, TimeoutError):
        return PutFailed(f"{where} went silent, or did not answer in time", again=Again.BROKEN)
    if isinstance(fault, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | OSError):
        return PutFailed(f"the connection to {where} was cut", again=Again.BROKEN)
    if isinstance(fault, aiohttp.ClientResponseError):
        return PutFailed(f"{where} sent an answer that is no HTTP", again=Again.BROKEN)
    return PutFailed(f"{where} is no address that can be connected to")
