"""Owns how one store's content is carried to another: page by page, resumed where it was, verified at the end. Never a
driver, a command line.

A few pages are under way at once, and how far they are done without a gap is noted in the target. A process that is
killed writes those after it again, over themselves: nothing is twice, nothing is lost. Once all of it is verified
nothing is written any more: a further run only compares, so that one killed just before its last word may be run again,
and what a service has written since stays.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from sixpx.errors import Conflict, SixpxError
from sixpx.store import archive
from sixpx.store.base import Archive, Kind, Row

T = TypeVar("T")

PAGE = 500
"""Rows that are carried at once, fewer where they are large (`archive.PAGE_BYTES`)."""
AHEAD = 3
"""Pages under way at once: one store is asked while the other answers, and while this process works on what came."""
NAMED = 5
"""Keys that a complaint names."""

Show = Callable[[str, int, int], None]
"""Is told how far it is: what is done, with how many rows of how many."""


class Unequal(SixpxError):
    """The target does not hold what the source does."""

    code = "unequal"


async def migrate(source: Archive, target: Archive, origin: str, show: Show) -> Mapping[Kind, int]:
    """Carries everything over, or the rest of it, and returns how many rows of each kind were read from both stores and
    found equal. `origin` names the source, so that a target is not filled from two. Raises Conflict where the target
    holds other data or was written to since it was verified, Unequal, StoreDown."""
    if not any([await source.count(kind) for kind in Kind]):
        raise Conflict("the source holds nothing at all")
    mark = await target.mark()
    if mark is None:
        await _must_be_empty(target)
        mark = _mark(origin, next(iter(Kind)), "")
    elif mark["from"] != origin:
        raise Conflict(f"the target is being filled from {mark['from']}; go on with that one, or empty the target")
    if mark["done"]:
        return await _compared(source, target, origin, show)
    await target.note(mark)
    kinds = list(Kind)
    begun = kinds.index(Kind(mark["kind"]))
    for place, kind in enumerate(kinds[begun:]):
        await _carry(source, target, origin, kind, "" if place else mark["key"], show)
    verified = await _verified(source, target, origin, show)
    await target.note({**_mark(origin, kinds[-1], ""), "done": True})
    return verified


def _mark(origin: str, kind: Kind, key: str) -> Mapping[str, Any]:
    """All kinds before this one are carried over, and of this one the keys up to `key`."""
    return {"from": origin, "kind": str(kind), "key": key, "done": False}


async def _must_be_empty(target: Archive) -> None:
    held = {kind: await target.count(kind) for kind in Kind}
    if any(held.values()):
        there = ", ".join(f"{count:,} {kind}" for kind, count in held.items() if count)
        raise Conflict(f"the target holds other data already ({there}); everything is carried into an empty store")


async def _carry(source: Archive, target: Archive, origin: str, kind: Kind, key: str, show: Show) -> None:
    total = await source.count(kind)
    done = await target.count(kind) if key else 0
    async with aclosing(_each(source, kind, key, lambda page: target.put(kind, page))) as pages:
        async for page, _ in pages:
            await target.note(_mark(origin, kind, page[-1].key))
            done += len(page)
            show(f"carrying {kind}", min(done, total), total)


async def _each(
    source: Archive, kind: Kind, key: str, work: Callable[[Sequence[Row]], Awaitable[T]]
) -> AsyncGenerator[tuple[Sequence[Row], T], None]:
    """All rows after the key by pages, in order, each when the work on it is done. What is under way when one fails is
    seen to its end: nothing is written any more when this is left."""
    under_way: deque[tuple[Sequence[Row], asyncio.Future[T]]] = deque()
    page = await source.after(kind, key, PAGE)
    try:
        while page or under_way:
            if page:
                under_way.append((page, asyncio.ensure_future(work(page))))
                page = await source.after(kind, page[-1].key, PAGE)
            if not page or len(under_way) == AHEAD:
                yield under_way[0][0], await under_way[0][1]
                under_way.popleft()
    finally:
        await asyncio.gather(*(working for _, working in under_way), return_exceptions=True)


# --- verification ---------------------------------------------------------------------------------


async def _verified(source: Archive, target: Archive, origin: str, show: Show) -> Mapping[Kind, int]:
    """Where they are not equal, another run carries everything anew."""
    try:
        return await _verify(source, target, show)
    except Unequal as fault:
        await target.note(_mark(origin, next(iter(Kind)), ""))
        again = "run the same command again, with no service on either; where it says so once more, empty the target"
        raise Unequal(f"{fault.detail}; {again} first") from fault


async def _compared(source: Archive, target: Archive, origin: str, show: Show) -> Mapping[Kind, int]:
    """What was verified before and is no longer equal was written to since: nobody but the operator knows which of the
    two he wants to keep."""
    try:
        return await _verify(source, target, show)
    except Unequal as fault:
        since = f"the target was filled from {origin} and verified, and one of them was written to since"
        raise Conflict(f"{since}: {fault.detail}; nothing was changed. To carry all anew, empty the target") from fault


async def _verify(source: Archive, target: Archive, show: Show) -> Mapping[Kind, int]:
    """As many of each kind, and each of them equal: so the target holds no other."""
    return {kind: await _verify_kind(source, target, kind, show) for kind in Kind}


async def _verify_kind(source: Archive, target: Archive, kind: Kind, show: Show) -> int:
    total, held = await source.count(kind), await target.count(kind)
    done, wrong = 0, 0
    named: list[str] = []

    async def compared(page: Sequence[Row]) -> list[str]:
        there = await target.among(kind, [row.key for row in page])
        return await asyncio.to_thread(_differing, page, there)

    async with aclosing(_each(source, kind, "", compared)) as pages:
        async for page, differ in pages:
            named += differ[: NAMED - len(named)]
            wrong += len(differ)
            done += len(page)
            show(f"verifying {kind}", done, total)
    if wrong:
        raise Unequal(
            f"{wrong:,} of {done:,} {kind} are not in the target as they are in the source ({_listed(named)})"
        )
    if held != done:
        raise Unequal(f"the target holds {held:,} {kind}, the source {done:,}")
    return done


def _differing(page: Sequence[Row], there: Sequence[Row]) -> list[str]:
    digests = {row.key: archive.digest(row) for row in there}
    return [row.key for row in page if digests.get(row.key) != archive.digest(row)]


def _listed(keys: list[str]) -> str:
    return ", ".join(keys) + (", …" if len(keys) == NAMED else "")
