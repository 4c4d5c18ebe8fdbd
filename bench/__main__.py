"""Owns the run: options, the parts in order, the exit status (1 where a mark fails). Never measures, never judges."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import report
from bench.compare import compare
from bench.encoders import encoders_of
from bench.faces import faces_of
from bench.filters import filters_of
from bench.idle import idle_of
from bench.images import serving
from bench.loop import looping
from bench.measure import machine
from bench.photos import make_all
from bench.search import search_of
from bench.service import running
from bench.sockets import sockets_of
from bench.uploads import NAMES as UPLOADS
from bench.uploads import uploads_of
from bench.workloads import WORKLOADS

OUT = Path("bench-out")
LANES = 2
QUICK_JOBS = 32
ROUNDS = 5
LEAST = 8
"""Jobs of a round; fewer say nothing."""

ENGINE: Mapping[str, Callable[[Path, Path, int], Mapping[str, Any]]] = {
    "filters": filters_of,
    "faces": faces_of,
    "encoders": encoders_of,
    "sockets": sockets_of,
    "search": search_of,
}
"""Parts of the engine, measured in a process of their own, without the service."""
ENGINE_ROUNDS = 15
GROUPS: Mapping[str, Sequence[str]] = {"uploads": UPLOADS}
"""Names for several."""
NAMES = (*WORKLOADS, "idle", *ENGINE, *UPLOADS)
CHOICES = (*NAMES, *GROUPS)
UNASKED = tuple(name for name in NAMES if name not in ("encoders", "search"))
"""What a run measures; the table of encoders is for choosing settings, and takes minutes, as 200,000 jobs do."""

IDLE_JOBS: Mapping[str, int] = {"photo-12mp-jpeg": 150, "photo-1mp-jpeg": 600}


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="the service against a bare libvips loop")
    parser.add_argument("--jobs", type=int, help="jobs of each workload (default: enough for some 15 seconds)")
    parser.add_argument("--workload", action="append", choices=CHOICES, help="only this one; may be given again")
    parser.add_argument("--quick", action="store_true", help="one round of few jobs: figures are rough")
    return parser.parse_args()


def main() -> int:
    asked = _asked()
    # an end by signal is an end by exception, so that every process we started is ended too
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    before = machine()
    OUT.mkdir(exist_ok=True)
    make_all(OUT / "photos")
    wanted = [one for name in asked.workload or UNASKED for one in GROUPS.get(name, (name,))]
    with serving(OUT / "photos") as images:
        compared = _compared([name for name in wanted if name in WORKLOADS], asked, images)
        idle = _idle(asked, images) if "idle" in wanted else {}
    engine = _engine([name for name in wanted if name in ENGINE], asked)
    uploads = _uploads([name for name in wanted if name in UPLOADS], asked)
    marks = report.marks_of(compared, idle, engine, uploads)
    measured = {"workloads": compared, "idle": idle, "engine": engine, "uploads": uploads}
    figures = {"machine": before, "lanes": LANES, **measured}
    written = {**figures, "marks": [mark.figures() for mark in marks]}
    (OUT / "report.json").write_text(json.dumps(written, indent=2) + "\n")
    print("\n".join(report.lines(figures, marks)))
    return 0 if all(mark.passed for mark in marks) else 1


def _compared(names: Sequence[str], asked: argparse.Namespace, images: str) -> Mapping[str, Any]:
    if not names:
        return {}
    compared = {}
    with _scratch() as folder, running(folder, LANES) as service, looping(LANES, folder) as loop:
        for name in _told(names):
            workload = WORKLOADS[name]
            rounds = 1 if asked.quick else ROUNDS
            jobs = _count(workload.jobs, asked)
            compared[name] = compare(workload, rounds, max(LEAST, jobs // rounds), service, loop, images).figures()
    return compared


def _idle(asked: argparse.Namespace, images: str) -> Mapping[str, Any]:
    idle = {}
    with _scratch() as folder, running(folder, LANES, log_level="debug") as service:
        for name in _told(IDLE_JOBS):
            jobs = _count(IDLE_JOBS[name], asked)
            idle[name] = idle_of(WORKLOADS[name], jobs, service, images, LANES).figures()
    return idle


def _engine(names: Sequence[str], asked: argparse.Namespace) -> Mapping[str, Any]:
    engine = {}
    with _scratch() as folder:
        for name in _told(names):
            engine[name] = ENGINE[name](OUT / "photos", folder, 5 if asked.quick else ENGINE_ROUNDS)
    return engine


def _uploads(names: Sequence[str], asked: argparse.Namespace) -> Mapping[str, Any]:
    uploads = {}
    with _scratch() as folder:
        for name in _told(names):
            uploads[name] = uploads_of(name, folder, asked.quick)
    return uploads


def _count(jobs: int, asked: argparse.Namespace) -> int:
    return int(asked.jobs or (QUICK_JOBS if asked.quick else jobs))


def _told(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        yield name


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder that is gone at the end, beside the photographs, so that all lies on one file system."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=OUT) as folder:
        yield Path(folder).resolve()


if __name__ == "__main__":
    sys.exit(main())
