"""Owns how a user is shown to the operator, in text and in JSON. Never a secret that was not asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sixpx import credentials
from sixpx.core.user import Plan, SocketAuth, User
from sixpx.credentials import Vault
from sixpx.errors import BadSettings
from sixpx.store.document import iso

WIDTH = 18
SOCKETS = {SocketAuth.KEY: "with the key", SocketAuth.USER_ID: "with the user's id alone"}
LIMITS = {"per_minute": "a minute", "per_month": "a month", "concurrent": "at once"}


def json_of(user: User, vault: Vault | None) -> dict[str, Any]:
    """Everything but secrets; `vault` is needed where there are masks."""
    return {
        "id": user.id,
        "name": user.name,
        "key": user.api_key,
        "created": iso(user.created),
        "domains": list(user.domains),
        "api_version": user.api_version,
        "socket_auth": str(user.socket_auth),
        "plan": asdict(user.plan),
        "connections": masks_of(user, vault),
        "on_their_way_out": [{"key": one.key, "until": iso(one.until)} for one in user.accesses[1:] if one.until],
        "callback_secret_count": len(user.callback_secrets),
    }


def text_of(user: User, vault: Vault | None) -> str:
    return "\n".join((user.name, *_rows(user), *lines(masks_of(user, vault))))


def masks_of(user: User, vault: Vault | None) -> dict[str, str]:
    """What each mask stands for, redacted."""
    return {mask: _redacted(sealed, vault) for mask, sealed in sorted(user.connections.items())} if vault else {}


def lines(masks: Mapping[str, str]) -> list[str]:
    return [f"  {mask}  {connection}" for mask, connection in masks.items()]


def row(name: str, value: str) -> str:
    return f"  {name:{WIDTH}}{value}"


def secrets_of(user: User, vault: Vault) -> Sequence[str]:
    """What callbacks are signed with, the newest first. Raises BadSettings."""
    return [vault.open(one) for one in user.callback_secrets]


def _rows(user: User) -> Iterator[str]:
    yield row("id", user.id)
    yield row("key", user.api_key)
    yield row("created", iso(user.created))
    yield row("plan", _plan(user.plan))
    yield row("domains", ", ".join(user.domains) or "none: the key is good with its secret only")
    yield row("web sockets", SOCKETS[user.socket_auth])
    yield row("API version", user.api_version or "that of the configuration")
    yield row("callback secrets", f"{len(user.callback_secrets)} (`show --callback-secret` shows them)")
    for one in user.accesses[1:]:
        if one.until:
            yield row("old secret", f"of key {one.key}, until {iso(one.until)}")


def _plan(plan: Plan) -> str:
    limits = {LIMITS[name]: most for name, most in asdict(plan).items() if most is not None}
    return ", ".join(f"{most} {unit}" for unit, most in limits.items()) or "no limits"


def _redacted(sealed: str, vault: Vault) -> str:
    try:
        return credentials.redact(vault.open(sealed))
    except BadSettings:
        return "(sealed with another key than the configured one: connect it anew)"
