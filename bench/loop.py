"""Owns the bare loop: as many processes as the service has lanes, in a lane's environment; fetch, work, write, next.

`python -m bench.loop FOLDER` is one such process: a line of JSON in lists addresses to work off, a line of JSON out
tells its CPU seconds. It ends with its standard input. Never HTTP but for its inputs, which come on one connection.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.measure import peak_kb, reset_peak
from bench.workloads import Form
from sixpx.core.render import LANE_ENVIRONMENT

BUFFER = memoryview(bytearray(256 * 1024))
"""Through which inputs go to disk: half the time of reading them whole, into memory that is new each time."""


@dataclass(frozen=True, slots=True)
class Round:
    """What the loop took for some inputs: seconds, the highest resident set of one process in kB."""

    jobs: int
    cpu: float
    wall: float
    peak_kb: int


class Loop:
    """The running processes. `run` gives each its share and waits for all."""

    def __init__(self, processes: Sequence[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def run(self, form: Form, urls: Sequence[str]) -> Round:
        began = time.perf_counter()
        shares = [urls[place :: len(self._processes)] for place in range(len(self._processes))]
        for process, share in zip(self._processes, shares, strict=True):
            _tell(process, {"kind": form.kind, "numbers": form.numbers, "urls": share})
        answers = [_hear(process) for process in self._processes]
        wall = time.perf_counter() - began
        return Round(len(urls), sum(one["cpu"] for one in answers), wall, max(one["peak_kb"] for one in answers))


@contextmanager
def looping(count: int, folder: Path) -> Iterator[Loop]:
    """`count` processes that write below `folder`."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(folder)) for _ in range(count)]
        yield Loop(processes)


@contextmanager
def _process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.loop", tempfile.mkdtemp(prefix="loop-", dir=folder)]
    environment = {**os.environ, **LANE_ENVIRONMENT}
    pipes = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipes, stdout=pipes, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _tell(process: subprocess.Popen[str], message: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("a process of the loop ended")
    return dict(json.loads(line))


def _fetch(connection: http.client.HTTPConnection, url: str, path: str) -> None:
    parts = urlsplit(url)
    connection.request("GET", f"{parts.path}?{parts.query}")
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"the image server answered {response.status}")
    with open(path, "wb", buffering=0) as file:
        while count := response.readinto(BUFFER):
            file.write(BUFFER[:count])


def _work(folder: str) -> None:
    """The life of one process."""
    import pyvips

    from bench.forms import FORMS

    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    connection: http.client.HTTPConnection | None = None
    results = itertools.count()
    for line in sys.stdin:
        asked = json.loads(line)
        form, numbers = FORMS[asked["kind"]], asked["numbers"]
        reset_peak(os.getpid())
        began = time.process_time()
        for url in asked["urls"]:
            if connection is None:
                parts = urlsplit(url)
                connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
            source = f"{folder}/input"
            _fetch(connection, url, source)
            # results are kept, as the service keeps its own; the input's file is written over, which is cheapest
            form(source, f"{folder}/output-{next(results)}", numbers)
        cpu = time.process_time() - began
        print(json.dumps({"cpu": cpu, "peak_kb": peak_kb(os.getpid())}), flush=True)


if __name__ == "__main__":
    _work(sys.argv[1])
