"""Owns `sixpx migrate`: from where, to where, how far it is, what is to be done then. Never a row, nor a password."""

from __future__ import annotations

import argparse
import asyncio
import gc
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from sixpx.commands import stdin
from sixpx.errors import BadSettings
from sixpx.migration import migrate
from sixpx.progress import Bar
from sixpx.store.base import Archive, Kind

ASK = "-"
"""In place of a URL: read it from standard input."""
FILE = "sqlite:"
SERVERS = ("mongodb://", "mongodb+srv://")
STEPS = 10
"""Lines of one kind in a log."""
MANY_OBJECTS = 100_000
"""Objects that are made before the interpreter looks for rings among them: rows have none, and one look at each page
would take a fifth of the time."""


def add_options(parser: argparse.ArgumentParser) -> None:
    help = "sqlite:PATH, mongodb://… or mongodb+srv://…; -: read from standard input, out of others' sight"
    parser.add_argument("--from", dest="source", metavar="URL", required=True, help=f"the store to carry over: {help}")
    parser.add_argument("--to", dest="target", metavar="URL", required=True, help="the empty store to fill, likewise")


def run(options: argparse.Namespace) -> int:
    source, target = (_asked(one, given) for one, given in (("--from", options.source), ("--to", options.target)))
    if shown(source) == shown(target):
        raise BadSettings(("--from and --to are the same store",))
    if source.startswith(FILE) and not Path(source.removeprefix(FILE)).is_file():
        raise BadSettings((f"--from: there is no file {source.removeprefix(FILE)}",))
    gc.set_threshold(MANY_OBJECTS)
    verified = asyncio.run(_migrate(source, target))
    print(_told(verified, shown(target)))
    return 0


async def _migrate(source: str, target: str) -> Mapping[Kind, int]:
    bar = Bar()
    drawn: set[str] = set()

    def show(what: str, done: int, total: int) -> None:
        """In a log, a line now and then."""
        step = f"{what} {STEPS * done // max(total, 1)}"
        if bar.live or step not in drawn:
            drawn.add(step)
            bar.draw(done, total, f"{what}: {done:,} of {total:,}")

    async with AsyncExitStack() as stack:
        stack.callback(bar.close)
        origin = await _open(source, stack)
        return await migrate(origin, await _open(target, stack), shown(source), show)


async def _open(url: str, stack: AsyncExitStack) -> Archive:
    """Loads no driver of a store that is not asked for. Raises BadSettings."""
    opened: Archive
    if url.startswith(FILE):
        from sixpx.store.sqlite.archive import SqliteArchive

        opened = await asyncio.to_thread(SqliteArchive.open, Path(url.removeprefix(FILE)))
    else:
        from sixpx.store.mongo.archive import MongoArchive

        opened = await MongoArchive.open(url, datetime.now(UTC))
    stack.push_async_callback(opened.close)
    return opened


def _asked(option: str, given: str) -> str:
    url = stdin.line().strip() if given == ASK else given
    if not url.startswith((FILE, *SERVERS)) or url == FILE:
        raise BadSettings((f"{option}: expected sqlite:PATH, mongodb://… or mongodb+srv://…, got another URL",))
    return url


def shown(url: str) -> str:
    """A store's URL as anyone may see it, and as it is known again: a file by its path, a server without userinfo and
    options. Whatever stands before an @ may be a password, however oddly it is written."""
    if url.startswith(FILE):
        return FILE + str(Path(url.removeprefix(FILE)).resolve())
    scheme, _, rest = url.partition("://")
    return f"{scheme}://" + rest.rpartition("@")[2].partition("?")[0].rstrip("/")


def _told(verified: Mapping[Kind, int], target: str) -> str:
    equal = ", ".join(f"{count:,} {kind}" for kind, count in verified.items())
    return f"""verified: {equal}; each was read from both stores, and their digests (SHA-256) are equal

Before a service starts on {target}:
- set store.url to it;
- keep the key: what is encrypted was carried over as it is. It is security.key of the configuration, or the
  file secret.key in the data folder, and every process on the new store needs the same;
- hosted pictures were not moved: they stay in the data folder or the bucket of hosting.url, and the service
  must find them there."""
