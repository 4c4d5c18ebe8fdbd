"""Owns work in threads that must not outlive whoever waits for it. Never what the work is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


_files = ThreadPoolExecutor(8, thread_name_prefix="files")
LOOK_SECONDS = 0.005


async def to_its_end(act: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Runs `act` in a thread. Cancelled, it is there when the thread ends: a file that a thread still writes could
    appear after it was removed."""
    work = _files.submit(act, *arguments)
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        while not work.done():  # noqa: ASYNC110 - the event of a thread's end is gone with the cancellation
            await asyncio.sleep(LOOK_SECONDS)
        raise
