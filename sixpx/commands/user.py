"""Owns `sixpx user`: add and list the users of the configured store, and their masks. Never changes a job.

A mask is a word that stands for a connection string in a user's jobs (edition 3, Masked Connection Strings). The string
is read from standard input unless it is given, so that it stands neither in the shell's history nor in the list of
processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from getpass import getpass

from sixpx import credentials
from sixpx.app import new_user, vault_key
from sixpx.commands import config
from sixpx.core.user import User
from sixpx.credentials import Vault
from sixpx.errors import BadSettings, Invalid, SixpxError
from sixpx.settings import Settings
from sixpx.store.base import Store
from sixpx.store.document import iso
from sixpx.stores import open_store

ASK = "-"
"""In place of a connection string: read it from standard input."""


def add_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True)
    add = actions.add_parser("add", help="add a user and show its secret, once")
    add.add_argument("name", help="what you call the user; for your eyes only")
    actions.add_parser("list", help="list all users and their masks")
    connect = actions.add_parser("connect", help="let a mask stand for a connection string in a user's jobs")
    disconnect = actions.add_parser("disconnect", help="take a mask back; jobs that were posted with it go on")
    for action in (connect, disconnect):
        action.add_argument("user", metavar="USER", help="the user's id, or its name where no other has it")
        action.add_argument("mask", metavar="MASK", help='the word, to be used as "url" of an output')
    help = "s3://KEY:SECRET@bucket/path or its like; left out or -: read from standard input, out of others' sight"
    connect.add_argument("connection", metavar="CONNECTION", nargs="?", default=ASK, help=help)
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="answer in JSON")
        config.add_option(action)


def run(options: argparse.Namespace) -> int:
    settings = config.settings_of(options)
    actions = {"add": _add, "list": _list, "connect": _connect, "disconnect": _disconnect}
    print(asyncio.run(actions[options.action](settings, options)))
    return 0


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    store = await open_store(settings)
    try:
        yield store
    finally:
        await store.close()


# --- users ----------------------------------------------------------------------------------------


async def _add(settings: Settings, options: argparse.Namespace) -> str:
    made = new_user(options.name)
    async with _store(settings) as store:
        await store.add_user(made.user)
    shown = {"id": made.user.id, "name": made.user.name, "key": made.user.api_key, "secret": made.secret}
    if options.json:
        return json.dumps(shown)
    return "\n".join(f"{name:8}{value}" for name, value in shown.items())


async def _list(settings: Settings, options: argparse.Namespace) -> str:
    async with _store(settings) as store:
        users = await store.users()
    vault = _vault(settings) if any(one.connections for one in users) else None
    masks = {one.id: _shown(one.connections, vault) if vault else {} for one in users}
    shown = [{"id": one.id, "name": one.name, "key": one.api_key, "created": iso(one.created)} for one in users]
    if options.json:
        return json.dumps([{**one, "connections": masks[one["id"]]} for one in shown])
    lines = ["\n".join(("  ".join(one.values()), *_lines(masks[one["id"]]))) for one in shown]
    return "\n".join(lines) or "there are no users"


# --- masks ----------------------------------------------------------------------------------------


async def _connect(settings: Settings, options: argparse.Namespace) -> str:
    """Everything is checked before anything is kept. Raises Invalid, whose sentence never holds the secret."""
    if not credentials.is_mask(options.mask):
        raise Invalid("expected as mask a word of up to 100 characters, without white space : / @ ? #, other than 6px")
    vault = _vault(settings)
    async with _store(settings) as store:
        user = _named(await store.users(), options.user)
        connection = (_asked(options.mask) if options.connection == ASK else options.connection).strip()
        credentials.parse(connection)
        sealed = vault.seal(connection)
        await store.change_user(user.id, lambda one: _with_mask(one, options.mask, sealed))
    shown = {options.mask: credentials.redact(connection)}
    return json.dumps(shown) if options.json else "\n".join(_lines(shown)).strip()


async def _disconnect(settings: Settings, options: argparse.Namespace) -> str:
    async with _store(settings) as store:
        user = _named(await store.users(), options.user)
        if options.mask not in user.connections:
            raise SixpxError(f"the user has no such mask; there are: {', '.join(sorted(user.connections)) or 'none'}")
        await store.change_user(user.id, lambda one: _with_mask(one, options.mask, None))
    return json.dumps({options.mask: None}) if options.json else f"{options.mask} stands for nothing any more"


def _with_mask(user: User, mask: str, sealed: str | None) -> User:
    """The user whose mask stands for a sealed connection string, or for nothing any more."""
    others = {name: one for name, one in user.connections.items() if name != mask}
    return replace(user, connections=others if sealed is None else {**others, mask: sealed})


def _named(users: Sequence[User], asked: str) -> User:
    """The user of this id, else the only one of this name. Raises SixpxError."""
    found = [one for one in users if one.id == asked] or [one for one in users if one.name == asked]
    if len(found) > 1:
        raise SixpxError(f"{len(found)} users are called {asked!r}; name one by its id (see `sixpx user list`)")
    if not found:
        raise SixpxError("there is no user of this id or name (see `sixpx user list`)")
    return found[0]


def _asked(mask: str) -> str:
    """The connection string from standard input; typed at a terminal, it is not shown there."""
    return getpass(f"connection string for {mask}: ") if sys.stdin.isatty() else sys.stdin.readline()


def _vault(settings: Settings) -> Vault:
    """That of the service: its key is made where this is the first that needs one."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Vault(vault_key(settings))


def _shown(connections: Mapping[str, str], vault: Vault) -> dict[str, str]:
    return {mask: _redacted(sealed, vault) for mask, sealed in sorted(connections.items())}


def _redacted(sealed: str, vault: Vault) -> str:
    try:
        return credentials.redact(vault.open(sealed))
    except BadSettings:
        return "(sealed with another key than the configured one: connect it anew)"


def _lines(shown: Mapping[str, str]) -> list[str]:
    return [f"  {mask}  {connection}" for mask, connection in shown.items()]
