"""Owns `sixpx user`: add and list users of the configured store. Never changes a job."""

from __future__ import annotations

import argparse
import asyncio
import json

from sixpx.app import new_user
from sixpx.commands import config
from sixpx.settings import Settings
from sixpx.store.document import iso
from sixpx.store.sqlite import SqliteStore


def add_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", required=True)
    add = actions.add_parser("add", help="add a user and show its secret, once")
    add.add_argument("name", help="what you call the user; for your eyes only")
    actions.add_parser("list", help="list all users")
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="answer in JSON")
        config.add_option(action)


def run(options: argparse.Namespace) -> int:
    settings = config.settings_of(options)
    work = _add(settings, options) if options.action == "add" else _list(settings, options)
    print(asyncio.run(work))
    return 0


async def _add(settings: Settings, options: argparse.Namespace) -> str:
    made = new_user(options.name)
    store = SqliteStore.open(settings.database)
    try:
        await store.add_user(made.user)
    finally:
        await store.close()
    shown = {"id": made.user.id, "name": made.user.name, "key": made.user.api_key, "secret": made.secret}
    if options.json:
        return json.dumps(shown)
    return "\n".join(f"{name:8}{value}" for name, value in shown.items())


async def _list(settings: Settings, options: argparse.Namespace) -> str:
    store = SqliteStore.open(settings.database)
    try:
        users = await store.users()
    finally:
        await store.close()
    shown = [{"id": one.id, "name": one.name, "key": one.api_key, "created": iso(one.created)} for one in users]
    if options.json:
        return json.dumps(shown)
    return "\n".join("  ".join(one.values()) for one in shown) or "there are no users"
