"""Owns signatures of Standard Webhooks 1.0: made for callbacks, verified by who receives them. Never keeps a secret.

The signed text is `id.timestamp.body`; the signature is `v1,` and its HMAC-SHA256 in base64, one for each secret with
spaces between, so that a receiver may take over a new secret whenever he likes. A secret is `whsec_` and base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

from sixpx.errors import SixpxError

PREFIX = "whsec_"
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_SECONDS = 300
"""How far the clocks of sender and receiver, and the way between them, may be apart."""


class Unverified(SixpxError):
    """A callback that does not prove where it comes from."""

    code = "unverified"


def headers(secrets: Iterable[str], id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of the standard, signed with each secret. Raises ValueError for what is no secret."""
    timestamp = str(int(now.timestamp()))
    return {ID: id, TIMESTAMP: timestamp, SIGNATURE: sign(secrets, id, timestamp, body)}


def sign(secrets: Iterable[str], id: str, timestamp: str, body: bytes) -> str:
    """A signature for each secret, in their order. Raises ValueError for what is no secret."""
    return " ".join(f"v1,{base64.b64encode(_mac(one, id, timestamp, body)).decode()}" for one in secrets)


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Returns where one of the secrets signed this body, not long ago. Raises Unverified in all other cases, and
    ValueError for what is no secret. The names of headers are in any case; `body` is as it came."""
    known = {name.lower(): value for name, value in headers.items()}
    id, timestamp, signature = (known.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (id and timestamp and signature):
        raise Unverified(f"expected the headers {ID}, {TIMESTAMP} and {SIGNATURE}, came a callback without one of them")
    _require_recent(timestamp, now)
    made = [_mac(secret, id, timestamp, body) for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in made for other in _macs(signature)):
        raise Unverified("none of the secrets signed this callback, or it was changed on its way")


def _require_recent(timestamp: str, now: datetime) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise Unverified(f"expected seconds since 1970 in {TIMESTAMP}, came something else")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise Unverified(f"the callback was signed more than {TOLERANCE_SECONDS} s ago, or ahead of this clock")


def _macs(signature: str) -> Iterable[bytes]:
    """Those of the version that we know, among what a header holds."""
    for one in signature.split():
        version, _, encoded = one.partition(",")
        if version == "v1":
            try:
                yield base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                continue


def _mac(secret: str, id: str, timestamp: str, body: bytes) -> bytes:
    made = hmac.new(_key(secret), f"{id}.{timestamp}.".encode(), hashlib.sha256)
    made.update(body)
    return made.digest()


def _key(secret: str) -> bytes:
    """The bytes of a secret, which no error repeats."""
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("expected a callback secret, whsec_ and base64, came something else")
    return key
