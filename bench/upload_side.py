"""Owns one side of the uploads: ours (`Targets`) or the bare loop, in a process of its own. Never the comparison.

`python -m bench.upload_side ours|bare FOLDER`: the first line of its standard input is the connection string, each
further one a JSON object with files and how many at once; a line of JSON out tells what they took.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import peak_kb, reset_peak
from sixpx.targets.base import Parcel

SIDES = ("ours", "bare")
TYPE = "image/jpeg"
Put = Callable[[Parcel], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Took:
    """What some uploads took: seconds, the highest resident set in kB."""

    files: int
    wall: float
    cpu: float
    peak_kb: int

    @property
    def per_second(self) -> float:
        return self.files / self.wall

    @property
    def cpu_ms(self) -> float:
        return self.cpu / self.files * 1000


class Side:
    """A running process. `put` returns when all files are where they belong."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def put(self, files: Sequence[Path], at_once: int) -> Took:
        self.tell({"files": [str(one) for one in files], "at_once": at_once})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process that uploads ended; it said why above")
        return Took(len(files), **json.loads(line))

    def tell(self, message: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


@contextmanager
def uploading(side: str, url: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Side]:
    """`folder` is where default hosting keeps its files."""
    command = [sys.executable, "-m", "bench.upload_side", side, str(folder)]
    pipes = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipes, stdout=pipes, text=True, env={**os.environ, **environment})
    try:
        running = Side(process)
        running.tell(url)
        yield running
    finally:
        process.kill()
        process.wait()


# --- the life of one process ----------------------------------------------------------------------


async def _work(side: str, folder: Path) -> None:
    url = json.loads(sys.stdin.readline())
    put = _ours(url, folder) if side == "ours" else await _bare(url, folder)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        parcels = [_parcel(Path(one)) for one in asked["files"]]
        print(json.dumps(await _timed(put, parcels, asked["at_once"])), flush=True)


def _parcel(file: Path) -> Parcel:
    """As a run makes it of what a lane reports."""
    return Parcel(file, f"user/{file.parent.name}", file.name, TYPE, file.stat().st_size)


async def _timed(put: Put, parcels: Sequence[Parcel], at_once: int) -> Mapping[str, Any]:
    left = iter(parcels)

    async def work() -> None:
        for parcel in left:
            await put(parcel)

    reset_peak(os.getpid())
    cpu, wall = time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as workers:
        for _ in range(at_once):
            workers.create_task(work())
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu, "wall": wall, "peak_kb": peak_kb(os.getpid())}


def _ours(url: str, folder: Path) -> Put:
    """As a run does it: the string sealed, all else found out by the target."""
    from sixpx.credentials import Vault, new_key, parse
    from sixpx.destinations import hosting_of, makers_of
    from sixpx.guard import Guard
    from sixpx.settings import Network, Server, Settings
    from sixpx.targets import Targets

    settings = Settings(server=Server(data=str(folder)), network=Network(allow=("127.0.0.0/8",)))
    guard, vault = Guard(settings.network.allow), Vault(new_key())
    targets = Targets(makers_of(settings, guard, hosting_of(settings, guard)), vault.open)
    scheme, sealed = parse(url).scheme, vault.seal(url) if url != "6px" else None

    async def put(parcel: Parcel) -> str:
        return await targets.put(parcel, scheme, sealed)

    return put


async def _bare(url: str, folder: Path) -> Put:
    from bench.upload_loops import LOOPS
    from sixpx.credentials import parse

    to = parse(url)
    return await LOOPS[to.scheme](to, folder)


if __name__ == "__main__":
    import uvloop

    uvloop.run(_work(sys.argv[1], Path(sys.argv[2])))
