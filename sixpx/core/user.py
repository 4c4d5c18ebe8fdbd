"""Owns the user: what proves him, what he may do, what he has named. Never a secret in the clear, never a counter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SocketAuth(StrEnum):
    """What a web socket has to show: the key (default), or, as the published clients do, the user's id alone."""

    KEY = "key"
    USER_ID = "user_id"


@dataclass(frozen=True, slots=True)
class Access:
    """One key with its secret, of which only the SHA-256 is kept; valid until `until`, or until it is taken back."""

    key: str
    digest: str
    until: datetime | None = None

    def valid(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Plan:
    """What a user may ask for: jobs posted in a minute and in a calendar month (UTC), jobs worked on at once. None: as
    many as there are."""

    per_minute: int | None = None
    per_month: int | None = None
    concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    """Who may post (SPEC section 6). `accesses`: the first one is his own, others are on their way out. `connections`
    maps a mask to a sealed connection string (edition 3, Masked Connection Strings). `domains`: the origins from which
    a browser may use the key alone. `api_version`: None is the configuration's. `callback_secrets`: sealed, the newest
    first; callbacks are signed with each of them."""

    id: str
    name: str
    accesses: tuple[Access, ...]
    created: datetime
    connections: Mapping[str, str] = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    api_version: str | None = None
    socket_auth: SocketAuth = SocketAuth.KEY
    plan: Plan = Plan()
    callback_secrets: tuple[str, ...] = ()

    @property
    def api_key(self) -> str:
        """The key to be shown for him."""
        return self.accesses[0].key if self.accesses else ""
