"""Owns the hosted pictures of removed jobs that are still there, and when they are looked for. Never a job."""

from __future__ import annotations

import asyncio
import logging

from sixpx.errors import SixpxError
from sixpx.store.base import Store
from sixpx.targets.base import Hosting

log = logging.getLogger(__name__)

EVERY_SECONDS = 600.0
REMOVING = {"stage": "remove"}


async def sweep_for_ever(store: Store, hosting: Hosting, every: float = EVERY_SECONDS) -> None:
    """Removes what a killed process, a full disk, or `sixpx user remove` left behind, at once and every so many
    seconds; ends by being cancelled. The service answers meanwhile: where the pictures are in a store that is not
    reached, each folder takes its time."""
    while True:
        try:
            await _sweep(store, hosting)
        except SixpxError as fault:
            log.warning("what removed jobs left behind is not looked for: %s", fault.detail, extra=REMOVING)
        await asyncio.sleep(every)


async def _sweep(store: Store, hosting: Hosting) -> None:
    for folder in await store.leftovers():
        try:
            await hosting.remove(folder)
            await store.cleared(folder)
        except SixpxError as fault:
            log.warning("the pictures of a removed job stay: %s", fault.detail, extra=REMOVING)
