"""Owns what a request asks for beside its body: page, order, patience, Idempotency-Key. Never a body."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sixpx.core.query import PAGE_MOST, Page, Query, Sort
from sixpx.errors import Invalid, NotSupported

WAIT_MOST = 60.0
RESERVED = frozenset({"key", "secret", "page", "per_page", "sort_by", "wait"})
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


SORTABLE = ("created", "modified")


def asked(query: Mapping[str, str]) -> Query:
    """Which page of the list, in which order. Raises Invalid, and NotSupported for a search."""
    searched = [name for name in query if name not in RESERVED]
    if searched:
        raise NotSupported(f"searching by {searched[0]!r} is not part of this version; page, per_page and sort_by are")
    page = Page(_whole("page", query, 1), min(_whole("per_page", query, 10), PAGE_MOST))
    return Query(page=page, sort=_sort(query.get("sort_by")))


def _whole(name: str, query: Mapping[str, str], default: int) -> int:
    text = query.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise Invalid(f"{name}: expected a whole number from 1, got {text[:40]!r}")
    return int(text)


def _sort(text: str | None) -> Sort:
    if not text:
        return Sort()
    field, _, direction = text.partition(",")
    if field not in SORTABLE:
        raise Invalid(f"sort_by: expected one of {', '.join(SORTABLE)}, got {field[:40]!r}")
    descending = {"": False, "asc": False, "1": False, "desc": True, "-1": True}.get(direction.strip().lower())
    if descending is None:
        raise Invalid(f"sort_by: expected asc, desc, 1 or -1 after the comma, got {direction[:40]!r}")
    return Sort(field, descending)


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
