"""Owns what a request asks for beside its body: pages, patience, Idempotency-Key. Never a body, never a search."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sixpx.api.v1.operands import Unfit
from sixpx.errors import Invalid

WAIT_MOST = 60.0
RESERVED = frozenset({"key", "secret", "page", "per_page", "per.page", "sort_by", "sort.by", "wait"})
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def reserved(query: Mapping[str, str], name: str) -> str | None:
    """The parameter of this name; 6px' Ruby client writes a dot for every underscore of a name."""
    return query.get(name) or query.get(name.replace("_", "."))


def whole(text: str | None, default: int) -> int:
    """A number that counts from 1. Raises Unfit."""
    text = text or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise Unfit("a whole number from 1", text)
    return int(text)


def wait_seconds(query: Mapping[str, str]) -> float:
    """How long a GET may wait for the end of the job; 0 where it does not ask."""
    text = query.get("wait") or "0"
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise Invalid(f"wait: expected a number of seconds up to {WAIT_MOST:g}, got {text[:40]!r}")
    return min(seconds, WAIT_MOST)


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key, if any; the draft's quotes around it are dropped."""
    key = headers.get("Idempotency-Key")
    if key is None:
        return None
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise Invalid("Idempotency-Key: expected 1 to 255 printable characters without spaces")
    return key.strip('"') or key
