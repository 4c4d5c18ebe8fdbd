"""Owns the end of hosted pictures: those of old jobs are removed, their jobs stay. Never a picture stored elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sixpx.errors import PutFailed
from sixpx.targets.disk import Disk

log = logging.getLogger(__name__)

EVERY_SECONDS = 3600.0


async def expire_for_ever(
    disk: Disk, age: timedelta, clock: Callable[[], datetime], every: float = EVERY_SECONDS
) -> None:
    """Looks at once and every so many seconds; ends by being cancelled."""
    while True:
        try:
            if gone := await disk.expire((clock() - age).timestamp()):
                log.info("the pictures of %d old jobs are removed", gone, extra={"stage": "expire"})
        except PutFailed as fault:
            log.warning("old pictures stay: %s", fault.detail, extra={"stage": "expire"})
        await asyncio.sleep(every)
