"""Owns the choice of a target by the scheme of a destination, and its further tries; each family is one file under the
contract of `base`. Never knows a job.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

from sixpx.core.retry import wait_before
from sixpx.credentials import Destination, parse
from sixpx.errors import NotSupported, PutFailed
from sixpx.targets.base import Parcel, Target

__all__ = ["HOSTED", "Parcel", "Target", "Targets"]

log = logging.getLogger(__name__)

HOSTED = "6px"
"""The editions' word for our own hosting."""

PATIENCE_SECONDS = 60.0
SLOWEST = 50_000
"""A try may take PATIENCE_SECONDS, and a second more for each so many bytes: no server keeps an upload for ever."""


Maker = Callable[[], Target]
"""Makes a target, in a thread, when it is first used: the libraries of some take a second to load."""


class Targets:
    """The destinations of this installation, by the word that an output's connection string begins with; `unsealed`
    gives a connection string from its sealed form."""

    def __init__(self, makers: Mapping[str, Maker], unsealed: Callable[[str], str]) -> None:
        self._makers = makers
        self._unsealed = unsealed
        self._made: dict[Maker, asyncio.Task[Target]] = {}
        self._ready: dict[str, Target] = {}

    def check(self, destination: str) -> None:
        """Raises NotSupported for a scheme that this version has no target for."""
        if destination not in self._makers:
            known = ", ".join(sorted(self._makers))
            raise NotSupported(f'uploads to "{destination}" are not part of this version (it knows: {known})')

    async def _member(self, destination: str) -> Target:
        """The target for a scheme such as `s3`, or `6px`; two schemes may share one."""
        if destination in self._ready:
            return self._ready[destination]
        self.check(destination)
        maker = self._makers[destination]
        if maker not in self._made:
            self._made[maker] = asyncio.create_task(asyncio.to_thread(maker))
        try:
            self._ready[destination] = await asyncio.shield(self._made[maker])
        except Exception:  # not for ever: a file that was missing may be there the next time
            self._made.pop(maker, None)
            raise
        return self._ready[destination]

    async def put(self, parcel: Parcel, destination: str, sealed: str | None) -> str:
        """The public URL of the parcel, stored; transient faults are tried again. Raises PutFailed, Refused,
        NotSupported."""
        target = await self._member(destination)
        to = parse(self._unsealed(sealed)) if sealed else Destination(destination)
        tries = 0
        while True:
            try:
                return await _in_time(target, parcel, to)
            except PutFailed as fault:
                tries += 1
                wait = wait_before(tries, fault.again, random.random(), fault.wait) if fault.again else None
                if wait is None:
                    raise
                log.info("%s: %s; again in %.1f s", destination, fault.detail, wait, extra={"stage": "put"})
                await asyncio.sleep(wait)

    async def close(self) -> None:
        for made in self._made.values():
            await (await made).close()


async def _in_time(target: Target, parcel: Parcel, to: Destination) -> str:
    seconds = PATIENCE_SECONDS + parcel.size / SLOWEST
    try:
        async with asyncio.timeout(seconds):
            return await target.put(parcel, to)
    except TimeoutError as late:
        raise PutFailed(f"the destination did not take the file within {seconds:.0f} s", retryable=True) from late
