"""Owns one upload in a process of its own, as large as the service's: how much memory it took, and how long its event
loop stood still. Never a test; it reads an Upload from stdin, pickled, and writes Figures to stdout in JSON.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import ssl
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import uvloop

import sixpx.app  # the service's own memory counts  # noqa: F401
from sixpx.credentials import Destination
from sixpx.guard import Guard
from sixpx.host_keys import HostKeys
from sixpx.targets.base import Parcel, Target

TICK_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Upload:
    """`scratch` is a folder of the process's own, or that of default hosting; `authority` the certificate that it
    trusts, `identity` where Rackspace's is."""

    parcel: Parcel
    to: Destination
    scratch: Path
    authority: Path | None = None
    identity: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Megabytes before and at the most; the longest time in seconds that the event loop stood still, and the CPU
    time that its thread took in one go."""

    before: float
    peak: float
    still: float
    busy: float
    seconds: float


def member(upload: Upload) -> Target:
    """The one of the upload's scheme; imported here, as the service imports what is used alone."""
    guard = Guard(("127.0.0.0/8",))
    match upload.to.scheme:
        case "s3":
            from sixpx.targets.s3 import S3

            return S3(guard)
        case "cf":
            from sixpx.targets.cf import CloudFiles

            return CloudFiles(guard, *(upload.identity or ()))
        case "sftp":
            from sixpx.targets.sftp import Sftp

            return Sftp(guard, HostKeys(remembered=upload.scratch / "host_keys"))
        case "ftp" | "ftps":
            from sixpx.targets.ftp import Ftp

            return Ftp(guard, ssl.create_default_context(cafile=upload.authority))
    from sixpx.targets.disk import Disk

    return Disk(upload.scratch, "http://img.test")


async def measured(upload: Upload) -> Figures:
    target = await asyncio.to_thread(member, upload)
    small = upload.scratch / "small"
    await asyncio.to_thread(small.write_bytes, b"first")
    await target.put(replace(upload.parcel, source=small, name="first", size=5), upload.to)  # connects, loads
    before, began = _megabytes(), time.perf_counter()
    gaps = asyncio.create_task(_gaps())
    await target.put(upload.parcel, upload.to)
    seconds = time.perf_counter() - began
    gaps.cancel()
    still, busy = await gaps
    await target.close()
    return Figures(before, _megabytes(), still, busy, seconds)


async def _gaps() -> tuple[float, float]:
    """The longest ones until it is cancelled."""
    still = busy = 0.0
    try:
        while True:
            clock, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK_SECONDS)
            still = max(still, time.perf_counter() - clock - TICK_SECONDS)
            busy = max(busy, time.thread_time() - cpu)
    except asyncio.CancelledError:
        return still, busy


def _megabytes() -> float:
    """The most that was resident. Not by getrusage: Linux counts there what the process was forked from, pytest."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(measured(pickle.load(sys.stdin.buffer))))))
