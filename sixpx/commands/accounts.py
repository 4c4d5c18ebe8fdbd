"""Owns what `sixpx user` does with accounts: add, list, show, edit, rotate the secret, remove. Never changes a job.

A secret is shown once, when it is made: only its hash is kept. The callbacks' secret is shared with whoever receives
them, so it is kept sealed and can be shown again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sixpx import clock, credentials, sweep
from sixpx.commands import card, register, stdin
from sixpx.core import people
from sixpx.core.query import COUNT_MOST, Page, Query
from sixpx.core.user import User
from sixpx.credentials import Vault
from sixpx.errors import Conflict, SixpxError
from sixpx.new_user import new_user
from sixpx.settings import Settings
from sixpx.store.base import Store
from sixpx.store.document import iso

FIELDS = ("name", "api_version", "socket_auth")
PLAN = ("per_minute", "per_month", "concurrent")
NO_JOBS = "0 jobs"
ONCE = "The secret is shown this once; only a hash of it is kept."


async def add(settings: Settings, options: argparse.Namespace) -> str:
    vault = register.vault_of(settings)
    made = new_user(options.name, vault.seal)
    user = people.with_domains(_edited(made.user, options), options.domain, ())
    async with register.store_of(settings, new=True) as store:
        await store.add_user(user)
    if options.json:
        return json.dumps({**card.json_of(user, None), "secret": made.secret, "callback_secret": made.callback_secret})
    shown = {"secret": made.secret, "callback secret": made.callback_secret}
    return "\n".join((card.text_of(user, None), *(card.row(*one) for one in shown.items()), ONCE))


async def list_(settings: Settings, options: argparse.Namespace) -> str:
    async with register.store_of(settings) as store:
        users = await store.users()
    vault = _vault_for(settings, users)
    if options.json:
        return json.dumps([card.json_of(one, vault) for one in users])
    found = ["\n".join((_line(one), *card.lines(card.masks_of(one, vault)))) for one in users]
    return "\n".join(found) or "there are no users"


async def show(settings: Settings, options: argparse.Namespace) -> str:
    async with register.store_of(settings) as store:
        user = await register.user_of(store, options.user)
        if options.callback_secret and not user.callback_secrets:  # made by a version that had none
            fresh = register.vault_of(settings).seal(credentials.new_callback_secret())
            user = await register.changed(
                store, user, lambda one: one if one.callback_secrets else people.with_callback_secret(one, fresh)
            )
    if options.callback_secret:
        return _with_secrets(user, register.vault_of(settings), options.json)
    return _shown(user, _vault_for(settings, [user]), options.json)


async def edit(settings: Settings, options: argparse.Namespace) -> str:
    fresh = credentials.new_callback_secret() if options.callback_secret else ""
    sealed = register.vault_of(settings).seal(fresh) if fresh else ""
    if not (_asked(options, (*FIELDS, *PLAN)) or options.domain or options.no_domain or sealed or options.drop):
        raise SixpxError("nothing to change was named; see `sixpx user edit --help`")

    def change(user: User) -> User:
        user = people.with_domains(_edited(user, options), options.domain, options.no_domain)
        user = people.with_callback_secret(user, sealed) if sealed else user
        return people.with_newest_callback_secret_alone(user) if options.drop else user

    async with register.store_of(settings) as store:
        user = await register.changed(store, await register.user_of(store, options.user), change)
    if sealed:
        return _with_secrets(user, register.vault_of(settings), options.json)
    return _shown(user, _vault_for(settings, [user]), options.json)


async def rotate(settings: Settings, options: argparse.Namespace) -> str:
    secret, now = credentials.new_secret(), clock.now()
    key = credentials.new_api_key() if options.new_key else None
    keep = timedelta(hours=options.keep)
    async with register.store_of(settings) as store:
        user = await register.changed(
            store,
            await register.user_of(store, options.user),
            lambda one: people.rotated(one, credentials.digest(secret), key, now, keep),
        )
    until = iso(now + keep) if keep else None
    made = {"id": user.id, "key": user.api_key, "secret": secret}
    if options.json:
        return json.dumps({**made, "old_until": until})
    old = f"The old one is valid until {until}." if until else "The old one ends now, for a running service in 2 s."
    return "\n".join((*(card.row(*one) for one in made.items()), f"{ONCE} {old}"))


async def remove(settings: Settings, options: argparse.Namespace) -> str:
    async with register.store_of(settings) as store:
        user = await register.user_of(store, options.user)
        jobs = await _jobs_of(store, user)
        if not options.yes:
            _confirm(f"Remove {user.name} ({user.id}) with {jobs} and all pictures of them that are hosted here?")
        try:
            removed = await store.remove_user(user.id)
        except Conflict as fault:
            raise SixpxError(f"{fault.detail}; cancel them or let them end, then remove the user") from fault
    if not removed:
        raise SixpxError("the user was removed meanwhile")
    if options.json:
        return json.dumps({"id": user.id, "name": user.name, "removed": True})
    when = f"a running service does so within {sweep.EVERY_SECONDS / 60:g} minutes, else the next start"
    pictures = "" if jobs == NO_JOBS else f" The hosted pictures are still to be removed: {when}."
    return f"{user.name} is removed, with {jobs}.{pictures}"


# --- what the actions share -----------------------------------------------------------------------


def _asked(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Those options that were given."""
    return {name: getattr(options, name) for name in names if hasattr(options, name)}


def _edited(user: User, options: argparse.Namespace) -> User:
    return people.edited(user, _asked(options, FIELDS), _asked(options, PLAN))


def _vault_for(settings: Settings, users: Iterable[User]) -> Vault | None:
    return register.vault_of(settings) if any(one.connections for one in users) else None


def _line(user: User) -> str:
    return "  ".join((user.id, user.name, user.api_key, iso(user.created)))


def _shown(user: User, vault: Vault | None, as_json: bool, more: Mapping[str, Any] | None = None) -> str:
    return json.dumps({**card.json_of(user, vault), **(more or {})}) if as_json else card.text_of(user, vault)


def _with_secrets(user: User, vault: Vault, as_json: bool) -> str:
    secrets = card.secrets_of(user, vault)
    shown = _shown(user, vault, as_json, {"callback_secrets": secrets})
    return shown if as_json else "\n".join((shown, *(card.row("callback secret", one) for one in secrets)))


async def _jobs_of(store: Store, user: User) -> str:
    total = (await store.jobs(user.id, Query(page=Page(size=1)))).total
    return f"{total} {'or more ' if total >= COUNT_MOST else ''}job{'' if total == 1 else 's'}"


def _confirm(question: str) -> None:
    """Raises SixpxError unless a person says yes."""
    if not stdin.is_terminal():
        raise SixpxError("nobody is there to be asked; say --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if stdin.line().strip().lower() not in ("y", "yes"):
        raise SixpxError("nothing was removed")
