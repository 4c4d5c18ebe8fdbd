"""Owns receiving a callback: the job of a body that proves where it comes from. Never a server, never a secret kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from sixpx import signature
from sixpx.client.result import Result
from sixpx.signature import Unverified


def received(body: bytes, headers: Mapping[str, str], *secrets: str, now: datetime | None = None) -> Result:
    """The finished job of a callback, whose body is as it came and whose headers may be in any case. `secrets`: those
    of the user (`whsec_…`), several while one is being replaced. Raises Unverified, also for one older than five
    minutes, and SixpxError for what is no job of version 2014-08."""
    signature.verify(secrets, headers, body, now or datetime.now(UTC))
    try:
        return Result.of(orjson.loads(body))
    except orjson.JSONDecodeError as fault:
        raise Unverified("the callback is signed, but its body is not JSON") from fault
