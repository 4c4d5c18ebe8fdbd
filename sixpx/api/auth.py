"""Owns who is asking: key and secret of a user, in all forms that SPEC section 6 knows. Never what he may do.

One answer for an unknown user, a wrong key and a wrong secret, after the same work.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from sixpx import credentials
from sixpx.core.user import Access, User
from sixpx.errors import Unauthorized
from sixpx.store.base import Store

ID = re.compile(r"[0-9a-f]{24}")
NOBODY = credentials.digest("nobody")
NOBODY_ID = "0" * 24
REFUSED = "unknown user, or wrong key or secret"

PROVEN_SECONDS = 2.0
"""How long a proof holds without a look into the store: a rotated secret is dead after this."""
PROVEN_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of itself; empty where it shows nothing."""

    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


def shown(request: web.Request) -> Shown:
    """From `?key=&secret=`, else from Authorization: Basic or Bearer, which carry `key:secret`."""
    query = request.query
    if "key" in query or "secret" in query:
        return Shown(query.get("key", ""), query.get("secret", ""))
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    pair = value.strip()
    if scheme.lower() == "basic":
        pair = _decoded(pair)
    elif scheme.lower() != "bearer":
        return Shown()
    key, _, secret = pair.partition(":")
    return Shown(key, secret)


class Auth:
    """Knows users by the store, and for a moment those who have just proven themselves: most requests come in flocks.

    Only a proof that held is remembered. Whoever proves nothing costs a look into the store each time, so that the
    time of a refusal tells nothing about who exists.
    """

    def __init__(self, store: Store, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._clock = clock
        self._proven: dict[tuple[str, str, str], tuple[float, User]] = {}

    async def user_of(self, request: web.Request) -> User:
        """The user in the path, where the request proves to be his. Raises Unauthorized."""
        asked = shown(request)
        proof = (request.match_info["user_id"], asked.key, credentials.digest(asked.secret))
        until, user = self._proven.get(proof, (0.0, None))
        if user is None or until <= self._clock():
            user = await self._prove(*proof)
            self._remember(proof, user)
        return user

    async def _prove(self, user_id: str, key: str, digest: str) -> User:
        user = await self._store.user(user_id if ID.fullmatch(user_id) else NOBODY_ID)
        now = self._now()
        accesses = [one for one in user.accesses if one.valid(now)] if user else []
        # each is compared, and one more where there is none: the time tells nothing
        right = [
            hmac.compare_digest(_bytes(one.key), _bytes(key)) & hmac.compare_digest(one.digest, digest)
            for one in accesses or (Access("", NOBODY),)
        ]
        if user is None or not accesses or not any(right):
            raise Unauthorized(REFUSED)
        return user

    def _remember(self, proof: tuple[str, str, str], user: User) -> None:
        if len(self._proven) >= PROVEN_MOST:
            self._proven.clear()
        self._proven[proof] = (self._clock() + PROVEN_SECONDS, user)


def _bytes(key: str) -> bytes:
    """In constant time only ASCII or bytes are compared, and aiohttp reads a header's stray bytes as surrogates."""
    return key.encode("utf-8", "surrogatepass")


def _decoded(pair: str) -> str:
    try:
        return base64.b64decode(pair, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
