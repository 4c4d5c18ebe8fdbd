"""Owns uploads to Rackspace Cloud Files and every other OpenStack Swift. Never a container's settings: it does not make
one, nor put one on the CDN, which would open it to everyone.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from yarl import URL

from sixpx import __version__
from sixpx.credentials import Destination
from sixpx.errors import Again, PutFailed, Refused
from sixpx.guard import Guard
from sixpx.identity import CDN, STORAGE, Access, Identity, Login, in_our_words, may_pass, plain_url, whole
from sixpx.targets.base import Parcel

log = logging.getLogger(__name__)

US = "https://identity.api.rackspacecloud.com/v2.0"
UK = "https://lon.identity.api.rackspacecloud.com/v2.0"

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
KEEPALIVE_SECONDS = 15.0
PIECE = 256 * 1024
"""Bytes read and sent at a time."""
LARGEST = 5 * 1024**3
"""Bytes of one object; Swift puts larger ones together from segments, which we do not."""
LONGEST_CONTAINER, LONGEST_OBJECT = 256, 1024
"""Bytes of names (Swift's `max_container_name_length` and `max_object_name_length`)."""
CDN_SECONDS = 300.0
"""So long it is remembered where on the CDN a container is, or that it is not there."""
ASKING_SECONDS = 30.0
CLEAR_SECONDS = 60.0
CDN_ASKING_SECONDS = 10.0
CDN_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Content:
    """A file's first piece, which is all of most, and the MD5 of the whole in hexadecimal."""

    first: bytes
    digest: str

    @classmethod
    def of(cls, path: Path) -> Content:
        with path.open("rb") as file:
            first = file.read(PIECE)
            begun = hashlib.md5(first, usedforsecurity=False)
            return cls(first, hashlib.file_digest(file, lambda: begun).hexdigest())


@dataclass(frozen=True, slots=True)
class Body:
    """A file on its way; each piece that the connection took moves the end of `patience`. It begins anew each time
    that it is gone through: aiohttp sends it again where a kept connection turns out to be closed."""

    parcel: Parcel
    first: bytes
    patience: asyncio.Timeout

    async def __aiter__(self) -> AsyncIterator[bytes]:
        piece, sent = self.first, 0
        while piece:
            yield piece
            sent += len(piece)
            self.patience.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
            piece = await asyncio.to_thread(_piece, self.parcel.source, sent) if sent < self.parcel.size else b""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CloudFiles:
    """`guard` sees every connection. `us` and `uk` are the identity services of connection strings without auth_url;
    London's accounts are asked for at both, at `us` first, which has known them all since 2013. `now` is the time in
    Unix seconds."""

    def __init__(self, guard: Guard, us: str = US, uk: str = UK, now: Callable[[], float] = time.time) -> None:
        self._guard = guard
        self._us, self._uk = us, uk
        self._now = now
        self._identity = Identity(self._session, now)
        self._open: aiohttp.ClientSession | None = None
        self._cdn: dict[str, tuple[float, asyncio.Task[str | None]]] = {}

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """The MD5 goes with the request, so that Swift refuses what was damaged on its way; an object is seen when it
        is whole. A token that is no longer good is renewed once. Raises PutFailed, Refused."""
        key = "/".join(filter(None, (to.path, parcel.name)))
        _require_names(to.host, key)
        if parcel.size > LARGEST:
            raise PutFailed(f"the file has {parcel.size:,} bytes; the most that one object takes is {LARGEST:,}")
        content = await asyncio.to_thread(Content.of, parcel.source)
        access = await self._admitted(to, lambda access: self._sent(parcel, to, key, content, access))
        return f"{await self._base(access, to)}/{quote(key, safe='/~')}"

    async def clear(self, to: Destination) -> None:
        """Removes every object below the path. Raises PutFailed, Refused."""
        try:
            async with asyncio.timeout(CLEAR_SECONDS):
                await self._admitted(to, lambda access: self._cleared(to, access))
        except TimeoutError as late:
            raise PutFailed(f'the container "{to.host}" was not cleared in {CLEAR_SECONDS:.0f} s', True) from late

    async def close(self) -> None:
        await self._identity.close()
        asking = [one for _, one in self._cdn.values()]
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        self._cdn.clear()
        if self._open is not None:
            opened, self._open = self._open, None
            await opened.close()

    async def _admitted(self, to: Destination, act: Callable[[Access], Awaitable[int]]) -> Access:
        """The access under which `act`, which gives an HTTP status, was not answered 401."""
        login = self._login(to)
        try:
            access = await self._identity.access(login)
            if await act(access) == 401:
                access = await self._identity.access(login, refused=access)
                if await act(access) == 401:
                    self._identity.forget(login)
                    raise PutFailed(f"{_where(access, to)} does not accept the token that its identity service gave")
        except (PutFailed, Refused) as fault:
            # The catalogue may be why, where a region was added since or a bit of it was damaged on its way; or the
            # token: a server that refuses it before it has read the file may reset the connection, its answer lost.
            if not (isinstance(fault, PutFailed) and fault.again is Again.BUSY):
                self._identity.forget(login)
            raise
        return access

    def _login(self, to: Destination) -> Login:
        address = to.option("auth_url")
        region = _region(to)
        ours = (self._us, self._uk) if (region or "").lower() == "lon" else (self._us,)
        return Login((address,) if address else ours, to.username, to.secret, region)

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:  # made at first use: a session belongs to the loop that runs
            self._open = aiohttp.ClientSession(
                connector=self._guard.connector(keepalive_s=KEEPALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"sixpx/{__version__}", "Accept-Encoding": "identity"},
                # no pool to wait for, so `connect` is the name lookup, TCP and TLS
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS),
                auto_decompress=False,
                trust_env=False,
            )
        return self._open

    # --- objects ----------------------------------------------------------------------------------

    async def _sent(self, parcel: Parcel, to: Destination, key: str, content: Content, access: Access) -> int:
        """201 where the object is stored, 401 where the token is not good. Raises PutFailed for every other status."""
        where, url = _where(access, to), URL(f"{_container(access, to)}/{quote(key, safe='/~')}", encoded=True)
        headers = {
            "X-Auth-Token": access.token,
            "Content-Type": parcel.type,
            "Content-Length": str(parcel.size),
            "ETag": content.digest,
        }
        with in_our_words(where):
            async with asyncio.timeout(SILENCE_SECONDS) as patience:
                body = Body(parcel, content.first, patience)
                asked = self._session().put(url, data=body, headers=headers, allow_redirects=False)
                async with asked as reply:
                    pass
        if reply.status == 201 and reply.headers.get("Etag", "").strip('"').lower() != content.digest:
            await self._removed(url, access)
            raise PutFailed(f"{where} kept other bytes than were sent", again=Again.BROKEN)
        if reply.status not in (201, 401):
            log.info("%s answered %d, %s", where, reply.status, reply.headers.get("X-Trans-Id", ""))
            raise _told(reply.status, reply.headers, to.host, where)
        if reply.status == 201 and url.scheme == "http":
            await self._require_there(url, content, access)
        return reply.status

    async def _require_there(self, url: URL, content: Content, access: Access) -> None:
        """Raises PutFailed unless the object is there under its name. The MD5 does not cover the name, and only TLS
        does where no signature goes along."""
        found = await self._asked("HEAD", url, access)
        if found.status != 200 or found.headers.get("Etag", "").strip('"').lower() != content.digest:
            raise PutFailed(f"{url.authority} does not have the file that it took", again=Again.BROKEN)

    async def _removed(self, url: URL, access: Access) -> None:
        # the fault that brought us here is the one to tell
        with suppress(PutFailed, Refused):
            await self._asked("DELETE", url, access, CONNECT_SECONDS)

    async def _cleared(self, to: Destination, access: Access) -> int:
        """204 where nothing is left, 401 where the token is not good. Raises PutFailed for every other status."""
        container, where = URL(_container(access, to), encoded=True), _where(access, to)
        page = {"format": "json", "limit": "1000", "prefix": f"{to.path}/", "marker": ""}
        while True:
            listed = await self._asked("GET", container.with_query(page), access)
            if listed.status == 401:
                return 401
            if listed.status not in (200, 204):
                raise _told(listed.status, listed.headers, to.host, where)
            names = _names(listed.body, where)
            if not names:
                return 204
            for name in names:
                one = URL(f"{container}/{quote(name, safe='/~')}", encoded=True)
                removed = await self._asked("DELETE", one, access)
                if removed.status == 401:
                    return 401
                if removed.status not in (204, 404):
                    raise _told(removed.status, removed.headers, to.host, where)
            page["marker"] = names[-1]

    async def _asked(self, method: str, url: URL, access: Access, seconds: float = ASKING_SECONDS) -> Reply:
        """The answer to a request without a body, of several copies the newest one's. Raises PutFailed, Refused where
        there is none."""
        with in_our_words(url.authority):
            async with asyncio.timeout(seconds), self._session().request(
                method, url, headers={"X-Auth-Token": access.token, "X-Newest": "true"}, allow_redirects=False
            ) as reply:  # fmt: skip
                return Reply(reply.status, reply.headers, await whole(reply, url.authority))

    # --- the address ------------------------------------------------------------------------------

    async def _base(self, access: Access, to: Destination) -> str:
        """What every object of the container is below: its CDN address where it has one, else its own."""
        service = access.url(CDN, access.region(_region(to)))
        own = _container(access, to)
        if service is None:
            return own
        moment, asked = self._cdn.pop(own, (0.0, None))
        if asked is None or self._now() >= moment + CDN_SECONDS:
            moment = self._now()
            asked = asyncio.create_task(self._on_cdn(f"{service}/{quote(to.host, safe='')}", own, access))
        self._cdn[own] = moment, asked
        while len(self._cdn) > CDN_KEPT:
            del self._cdn[next(iter(self._cdn))]
        return await asyncio.shield(asked) or own

    async def _on_cdn(self, url: str, own: str, access: Access) -> str | None:
        """The container's address on the CDN. The file is stored: where the CDN does not answer the container's own
        address must do, and the next file asks again."""
        try:
            reply = await self._asked("HEAD", URL(url, encoded=True), access, CDN_ASKING_SECONDS)
            if reply.status not in (200, 204, 404):
                raise PutFailed(f"{urlsplit(url).netloc} answered {reply.status}")
        except (PutFailed, Refused) as fault:
            log.warning("the CDN address of a container: %s", fault.detail, extra={"stage": "put"})
            self._cdn.pop(own, None)
            return None
        if reply.status == 404 or reply.headers.get("X-Cdn-Enabled", "").lower() != "true":
            return None
        return plain_url(reply.headers.get("X-Cdn-Ssl-Uri", "")) or plain_url(reply.headers.get("X-Cdn-Uri", ""))


def _region(to: Destination) -> str | None:
    return to.option("region") or to.region


def _container(access: Access, to: Destination) -> str:
    """The container's storage URL. Raises PutFailed where the catalogue has none in the region."""
    return f"{access.url(STORAGE, access.region(_region(to)))}/{quote(to.host, safe='')}"


def _where(access: Access, to: Destination) -> str:
    return urlsplit(_container(access, to)).netloc


def _names(body: bytes, where: str) -> list[str]:
    """The names in a page of a container's list."""
    try:
        return [str(one["name"]) for one in orjson.loads(body or b"[]")]
    except (ValueError, KeyError, TypeError):
        raise PutFailed(f"{where} gave a list of files that cannot be read", again=Again.BROKEN) from None


def _require_names(container: str, key: str) -> None:
    if (size := len(container.encode())) > LONGEST_CONTAINER:
        raise PutFailed(f"the container's name has {size} bytes; the most is {LONGEST_CONTAINER}")
    if (size := len(key.encode())) > LONGEST_OBJECT:
        raise PutFailed(f"the object's name has {size:,} bytes, its folders included; the most is {LONGEST_OBJECT:,}")
    if {".", ".."} & set(key.split("/")):  # proxies on the way would make another path of it, in another container
        raise PutFailed('the path holds a folder "." or "..", which URLs cannot name')


def _piece(path: Path, start: int) -> bytes:
    # opened anew for each piece: 10 µs, and no open file is left behind by a cancellation
    with path.open("rb") as file:
        file.seek(start)
        return file.read(PIECE)


# --- faults ---------------------------------------------------------------------------------------

SENTENCES: Mapping[int, str] = {
    403: 'this user may not write to the container "{container}" at {where}',
    404: 'there is no container "{container}" at {where}',
    412: "{where} does not take this object's name",
    413: 'the file is too large for the container "{container}" at {where}, or the container is full',
}
"""What the statuses of Swift mean here."""


def _told(status: int, headers: Mapping[str, str], container: str, where: str) -> PutFailed:
    if status == 422:
        return PutFailed(f"the file was damaged on its way to {where}", again=Again.BROKEN)
    if 300 <= status < 400:
        return PutFailed(f"{where} redirects uploads ({status}), which is not followed")
    if passing := may_pass(status, headers, where):
        return passing
    sentence = SENTENCES.get(status, "{where} refused the file ({status})")
    return PutFailed(sentence.format(container=container, where=where, status=status))
