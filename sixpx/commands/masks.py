"""Owns `sixpx user connect` and `disconnect`: what the masks of a user stand for. Never shows a secret.

A mask is a word that stands for a connection string in a user's jobs (edition 3, Masked Connection Strings). The string
is read from standard input unless it is given, so that it stands neither in the shell's history nor in the list of
processes.
"""

from __future__ import annotations

import argparse
import json

from sixpx import credentials
from sixpx.commands import card, register, stdin
from sixpx.core import people
from sixpx.errors import Invalid, SixpxError
from sixpx.settings import Settings

ASK = "-"
"""In place of a connection string: read it from standard input."""


def add_options(connect: argparse.ArgumentParser, disconnect: argparse.ArgumentParser) -> None:
    for action in (connect, disconnect):
        action.add_argument("mask", metavar="MASK", help='the word, to be used as "url" of an output')
    help = "s3://KEY:SECRET@bucket/path or its like; left out or -: read from standard input, out of others' sight"
    connect.add_argument("connection", metavar="CONNECTION", nargs="?", default=ASK, help=help)


async def connect(settings: Settings, options: argparse.Namespace) -> str:
    """Everything is checked before anything is kept. Raises Invalid, whose sentence never holds the secret."""
    if not credentials.is_mask(options.mask):
        raise Invalid("expected as mask a word of up to 100 characters, without white space : / @ ? #, other than 6px")
    vault = register.vault_of(settings)
    async with register.store_of(settings) as store:
        user = await register.user_of(store, options.user)
        connection = _asked(options.mask) if options.connection == ASK else options.connection.strip()
        credentials.parse(connection)
        sealed = vault.seal(connection)
        await register.changed(store, user, lambda one: people.with_mask(one, options.mask, sealed))
    shown = {options.mask: credentials.redact(connection)}
    return json.dumps(shown) if options.json else "\n".join(card.lines(shown)).strip()


async def disconnect(settings: Settings, options: argparse.Namespace) -> str:
    async with register.store_of(settings) as store:
        user = await register.user_of(store, options.user)
        if options.mask not in user.connections:
            raise SixpxError(f"the user has no such mask; there are: {', '.join(sorted(user.connections)) or 'none'}")
        await register.changed(store, user, lambda one: people.with_mask(one, options.mask, None))
    return json.dumps({options.mask: None}) if options.json else f"{options.mask} stands for nothing any more"


def _asked(mask: str) -> str:
    """The connection string from standard input."""
    return stdin.secret(f"connection string for {mask}: ").strip()
