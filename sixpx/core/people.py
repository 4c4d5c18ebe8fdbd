"""Owns what the operator may change of a user: each change takes a user and gives one. Never a store, never a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sixpx.core import origin
from sixpx.core.user import Access, User
from sixpx.errors import Conflict


def edited(user: User, fields: Mapping[str, Any], plan: Mapping[str, int | None]) -> User:
    """The user with other values in some fields, and in some of his plan."""
    return replace(user, plan=replace(user.plan, **plan), **fields)


def with_domains(user: User, add: Sequence[str], drop: Sequence[str]) -> User:
    """The user with other origins on his list (`core.origin`), in the order in which they came. Raises Invalid, and
    Conflict where one that is to go is not there."""
    gone = {origin.entry(one) for one in drop}
    if missing := sorted(gone - set(user.domains)):
        raise Conflict(f"the user has no domain {missing[0]}; there are: {', '.join(user.domains) or 'none'}")
    kept = (one for one in user.domains if one not in gone)
    return replace(user, domains=tuple(dict.fromkeys((*kept, *map(origin.entry, add)))))


def with_mask(user: User, mask: str, sealed: str | None) -> User:
    """The user whose mask stands for a sealed connection string, or for nothing any more."""
    others = {name: one for name, one in user.connections.items() if name != mask}
    return replace(user, connections=others if sealed is None else {**others, mask: sealed})


def rotated(user: User, digest: str, key: str | None, now: datetime, keep: timedelta) -> User:
    """The user with a new secret, and a new key where one is given. What he had before is valid for as long as it is to
    be kept, no longer than it was to be anyway, and forgotten where that is over."""
    limit = now + keep
    old = (replace(one, until=min(one.until or limit, limit)) for one in user.accesses)
    return replace(user, accesses=(Access(key or user.api_key, digest), *(one for one in old if one.valid(now))))


def with_callback_secret(user: User, sealed: str) -> User:
    """The user with one more secret that callbacks are signed with, the newest."""
    return replace(user, callback_secrets=(sealed, *user.callback_secrets))


def with_newest_callback_secret_alone(user: User) -> User:
    return replace(user, callback_secrets=user.callback_secrets[:1])
