"""Owns who is asking: key and secret of a user, in all forms that SPEC section 6 knows. Never what he may do.

One answer for an unknown user, a wrong key and a wrong secret, after the same work.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass

from aiohttp import web

from sixpx import credentials
from sixpx.core.job import User
from sixpx.errors import Unauthorized
from sixpx.store.base import Store

ID = re.compile(r"[0-9a-f]{24}")
NOBODY = credentials.digest("nobody")
REFUSED = "unknown user, or wrong key or secret"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of itself; empty where it shows nothing."""

    key: str = ""
    secret: str = ""


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


async def user_of(request: web.Request, store: Store) -> User:
    """The user in the path, where the request proves to be his. Raises Unauthorized."""
    user_id = request.match_info["user_id"]
    asked = shown(request)
    user = await store.user(user_id) if ID.fullmatch(user_id) else None
    key_right = hmac.compare_digest((user.api_key if user else "").encode(), asked.key.encode())
    secret_right = credentials.matches(asked.secret, user.secret_digest if user else NOBODY)
    if user is None or not key_right or not secret_right:
        raise Unauthorized(REFUSED)
    return user


def _decoded(pair: str) -> str:
    try:
        return base64.b64decode(pair, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
