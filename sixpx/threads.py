"""Owns work in threads that must not outlive whoever waits for it. Never what the work is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def to_its_end(act: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Runs `act` in a thread. Cancelled, it is there when the thread ends: a file that a thread still writes could
    appear after it was removed."""
    work = asyncio.get_running_loop().run_in_executor(None, act, *arguments)
    try:
        await asyncio.wait((work,))
    except asyncio.CancelledError:
        await asyncio.wait((work,))
        raise
    return work.result()
