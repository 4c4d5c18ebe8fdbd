"""Owns the words of `sixpx user`: its actions and their options. Never what an action does."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

from sixpx.api.v1.versions import VERSIONS
from sixpx.commands import accounts, config, masks, register
from sixpx.core.user import SocketAuth
from sixpx.settings import Settings

ACTIONS: Mapping[str, tuple[Callable[[Settings, argparse.Namespace], Awaitable[str]], str]] = {
    "add": (accounts.add, "add a user and show its secret, once"),
    "list": (accounts.list_, "list all users and their masks"),
    "show": (accounts.show, "show one user"),
    "edit": (accounts.edit, "change a user: its plan, its domains, what it speaks, what its callbacks are signed with"),
    "rotate-secret": (accounts.rotate, "make a new secret; the old one stays valid for a while"),
    "remove": (accounts.remove, "remove a user with all its jobs and their hosted pictures"),
    "connect": (masks.connect, "let a mask stand for a connection string in a user's jobs"),
    "disconnect": (masks.disconnect, "take a mask back; jobs that were posted with it go on"),
}
NONE = "none"
MOST = 1_000_000_000
KEEP_HOURS = 24.0
KEEP_HOURS_MOST = 24.0 * 366


def add_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    made = {name: actions.add_parser(name, help=help, description=help) for name, (_, help) in ACTIONS.items()}
    for name, action in made.items():
        if name == "add":
            action.add_argument("name", type=_name, help="what you call the user; for your eyes only")
        elif name != "list":
            action.add_argument("user", metavar="USER", help="the user's id, or its name where no other has it")
        action.add_argument("--json", action="store_true", help="answer in JSON")
        config.add_option(action)
    _what_a_user_may(made["add"])
    _what_a_user_may(made["edit"])
    _edits(made["edit"])
    help = "show the secrets that callbacks are signed with, the newest first; whoever receives them needs one"
    made["show"].add_argument("--callback-secret", action="store_true", help=help)
    _rotation(made["rotate-secret"])
    made["remove"].add_argument("--yes", action="store_true", help="do not ask")
    masks.add_options(made["connect"], made["disconnect"])


def _what_a_user_may(action: argparse.ArgumentParser) -> None:
    """Options that are not given leave no trace, so that `none` is told from nothing said."""
    help = "pages from here may use the key alone: example.com (http and https, any port), *.example.com, \
localhost:3000 or https://example.com; may be repeated"
    action.add_argument("--domain", action="append", default=[], metavar="DOMAIN", help=help)
    for option, least, help in (
        ("--per-minute", 0, "jobs that may be posted in a minute"),
        ("--per-month", 0, "jobs that may be posted in a calendar month (UTC)"),
        ("--concurrent", 1, "jobs that are worked on at once"),
    ):
        help += "; none: any number"
        action.add_argument(option, type=_limit(least), default=argparse.SUPPRESS, metavar="N", help=help)
    help = "the shape of replies where a request names none; default: that of the configuration"
    _choice(action, "--api-version", {**{name: name for name in VERSIONS}, "default": None}, help)
    help = "what web sockets have to show; the published clients show user_id alone"
    _choice(action, "--socket-auth", {str(one): one for one in SocketAuth}, help)


def _choice(action: argparse.ArgumentParser, option: str, values: Mapping[str, str | None], help: str) -> None:
    def read(text: str) -> str | None:
        if text not in values:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(values)}; got {text!r}")
        return values[text]

    action.add_argument(option, type=read, default=argparse.SUPPRESS, metavar="|".join(values), help=help)


def _edits(action: argparse.ArgumentParser) -> None:
    action.add_argument("--name", type=_name, default=argparse.SUPPRESS, help="what you call the user")
    help = "take a domain back; may be repeated"
    action.add_argument("--no-domain", action="append", default=[], metavar="DOMAIN", help=help)
    help = "sign callbacks with a new secret, and with those before it until they are dropped"
    action.add_argument("--callback-secret", choices=["new"], help=help)
    help = "sign callbacks with the newest secret alone"
    action.add_argument("--drop-old-callback-secrets", dest="drop", action="store_true", help=help)


def _rotation(action: argparse.ArgumentParser) -> None:
    help = f"how long the old secret stays valid (default {KEEP_HOURS:g}); 0: no longer"
    action.add_argument("--keep", type=_hours, default=KEEP_HOURS, metavar="HOURS", help=help)
    action.add_argument("--new-key", action="store_true", help="make a new key too; the old one goes with its secret")


def run(options: argparse.Namespace) -> int:
    settings = config.settings_of(options)
    action, _ = ACTIONS[options.action]
    print(asyncio.run(_done(action(settings, options))))
    return 0


async def _done(work: Awaitable[str]) -> str:
    return await work


# --- values ---------------------------------------------------------------------------------------


def _limit(least: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        if text == NONE:
            return None
        if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= MOST:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {MOST}, or none; got {text!r}")
        return int(text)

    return read


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 <= hours <= KEEP_HOURS_MOST:
        raise argparse.ArgumentTypeError(f"expected hours from 0 to {KEEP_HOURS_MOST:g}, got {text!r}")
    return hours


def _name(text: str) -> str:
    if not 0 < len(text) <= 200 or not text.isprintable() or text != text.strip():
        raise argparse.ArgumentTypeError("expected a name of 1 to 200 printable characters, no space at its ends")
    if register.ID.fullmatch(text):
        raise argparse.ArgumentTypeError("expected a name that is not written as ids are, 24 hex digits")
    return text
