"""Owns who is asking: key and secret of a user, in all forms that SPEC section 6 knows. Never what he may do.

The key alone is enough from a browser whose page is on the user's list (edition 3, Authentication): a secret would be
none there. One answer for an unknown user, a wrong key, secret or origin, after the same work.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from aiohttp import web

from sixpx import credentials
from sixpx.core.origin import allows
from sixpx.core.user import Access, SocketAuth, User
from sixpx.errors import SixpxError, Unauthorized
from sixpx.store.base import Store

log = logging.getLogger(__name__)

ID = re.compile(r"[0-9a-f]{24}")
OF_USER = "/v1/users/{user_id:[^/]+}"
"""Where the addresses of a user begin. By itself {user_id} would hold no brace, and such a user has to be as unknown as
others are."""
KEY = re.compile(r"[0-9a-f]{32}")
NOBODY = credentials.digest("nobody")
NOBODY_ID = "0" * 24
REFUSED = "unknown user, or wrong key or secret, or a key alone from an origin that is not on the user's list (domains)"
KEY_REQUIRED = (
    'unknown user, or the key is required: send {"auth": {"user_id": …, "key": …, "secret": …}}, or let the operator '
    "allow the origin of this page (domains) or the user's id alone (socket_auth)"
)

USER = web.RequestKey("user", User)
"""Whose request it proved to be, for those who see it later on its way out."""

PROVEN_SECONDS = 2.0
"""How long a proof holds without a look into the store: a rotated secret is dead after this."""
PROVEN_MOST = 10_000
AGAIN_SECONDS = 30.0
"""How often those who listen are looked at again: whose secret is taken back hears no longer than this."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of itself; empty where it shows nothing. `origin`: where the page is from that asks."""

    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    origin: str = ""


def shown(request: web.Request) -> Shown:
    """From `?key=&secret=`, else from Authorization: Basic or Bearer, which carry `key:secret`."""
    key, secret = _pair(request)
    origins = request.headers.getall("Origin", ())
    return Shown(key, secret, origins[0] if len(origins) == 1 else "")


def key_of(request: web.Request) -> str | None:
    """The key as a log may show it, `ab12…`; None where none was shown. What is no key of ours is not shown: somebody
    may have put his secret there."""
    key, _ = _pair(request)
    return f"{key[:4] if KEY.fullmatch(key) else ''}…" if key else None


def _pair(request: web.Request) -> tuple[str, str]:
    query = request.query
    if "key" in query or "secret" in query:
        return query.get("key", ""), query.get("secret", "")
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    pair = value.strip()
    if scheme.lower() == "basic":
        pair = _decoded(pair)
    elif scheme.lower() != "bearer":
        return "", ""
    key, _, secret = pair.partition(":")
    return key, secret


class Auth:
    """Knows users by the store, and for a moment those who have just proven themselves: most requests come in flocks.

    Only a proof that held is remembered. Whoever proves nothing costs two looks into the store each time, one that
    finds a user and one that does not, so that the time of a refusal tells nothing about who exists: to read and unpack
    a user takes a tenth longer than to find that there is none. (To answer at a set time would not hide it: event loops
    wait in whole milliseconds from when they begin to wait.)
    """

    def __init__(self, store: Store, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._clock = clock
        self._proven: dict[tuple[str, str, str, str], tuple[float, User]] = {}
        self._someone = NOBODY_ID

    async def user_of(self, request: web.Request) -> User:
        """The user in the path, where the request proves to be his. Raises Unauthorized."""
        user = await self._user(request.match_info["user_id"], shown(request))
        request[USER] = user
        return user

    async def at_a_socket(self, user_id: str, asked: Shown, origin: str | None) -> User:
        """Who is at a web socket: proven as by a request, or by his id alone, from an origin on his list or where his
        `socket_auth` says so (SPEC section 7). Raises Unauthorized, which says what is needed."""
        asked = replace(asked, origin=origin or "")
        if asked.key:
            return await self._user(user_id, asked)
        user = await self._known(user_id)
        if user is None or not (user.socket_auth is SocketAuth.USER_ID or _from_his_list(user, asked)):
            raise await self._refusal(user, KEY_REQUIRED)
        return user

    async def _user(self, user_id: str, asked: Shown) -> User:
        proof = (user_id, asked.key, credentials.digest(asked.secret), "" if asked.secret else asked.origin)
        until, user = self._proven.get(proof, (0.0, None))
        if user is None or until <= self._clock():
            user = await self._prove(user_id, asked)
            self._remember(proof, user)
        return user

    async def _prove(self, user_id: str, asked: Shown) -> User:
        user, now = await self._known(user_id), self._now()
        accesses = [one for one in user.accesses if one.valid(now)] if user else []
        listed, digest = _from_his_list(user, asked), credentials.digest(asked.secret)
        # each is compared, and one more where there is none: the time tells nothing
        right = [
            hmac.compare_digest(_bytes(one.key), _bytes(asked.key))
            & (hmac.compare_digest(one.digest, digest) | (listed & (not asked.secret)))
            for one in accesses or (Access("", NOBODY),)
        ]
        if user is None or not accesses or not any(right):
            raise await self._refusal(user, REFUSED)
        return user

    async def _known(self, user_id: str) -> User | None:
        user = await self._store.user(user_id if ID.fullmatch(user_id) else NOBODY_ID)
        if user is not None:
            self._someone = user.id
        return user

    async def _refusal(self, user: User | None, words: str) -> Unauthorized:
        """What is to be raised, after a look for what was not found before: a user, or nobody."""
        if user is not None:
            await self._store.user(NOBODY_ID)
        elif await self._store.user(self._someone) is None:  # none was seen yet, or that one was removed
            self._someone = next((one.id for one in await self._store.users()), NOBODY_ID)
        return Unauthorized(words)

    def _remember(self, proof: tuple[str, str, str, str], user: User) -> None:
        if len(self._proven) >= PROVEN_MOST:
            self._proven.clear()
        self._proven[proof] = (self._clock() + PROVEN_SECONDS, user)


async def revoked(prove: Callable[[], Awaitable[User]], seconds: float = AGAIN_SECONDS) -> None:
    """Returns once a proof that held does not hold any more. A store that is away takes nothing back."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await prove()
        except Unauthorized:
            return
        except SixpxError as fault:
            log.debug("a listener could not be looked at again: %s", fault.code)


def _from_his_list(user: User | None, asked: Shown) -> bool:
    return allows(user.domains if user else (), asked.origin)


def _bytes(key: str) -> bytes:
    """In constant time only ASCII or bytes are compared, and aiohttp reads a header's stray bytes as surrogates."""
    return key.encode("utf-8", "surrogatepass")


def _decoded(pair: str) -> str:
    try:
        return base64.b64decode(pair, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
