"""Owns uploads beside a bare client loop: the same files to the same server, in turns, and their ratio. Never a put."""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bench.upload_places import PLACES, Place
from bench.upload_side import SIDES, Side, Took, uploading

NAMES = tuple(f"uploads-{name}" for name in PLACES)
LEAST = 0.8
"""Files per second of ours over the loop's."""

FILES = 1000
FILES_OF: Mapping[str, int] = {"6px": 5000}
"""The disk is so fast that a round of two hundred would last no longer than a hiccup of the machine."""
QUICK_FILES = 120
ROUNDS, QUICK_ROUNDS = 10, 3
"""Short ones, so that what else the machine does falls on both sides."""
AT_ONCE = 8
BYTES = 80 * 1024
FILES_OF_A_JOB = 4

Figures = Mapping[str, Any]
HEAD = "uploads       files/s: ours   loop  ratio (rounds)     CPU ms/file   loop   peak MB  loop   one by one   loop"


def uploads_of(name: str, folder: Path, quick: bool) -> Figures:
    """Figures of one place, or why there are none (`missing`)."""
    place = name.removeprefix("uploads-")
    files = QUICK_FILES if quick else FILES_OF.get(place, FILES)
    try:
        return _compared(PLACES[place], folder / place, files, QUICK_ROUNDS if quick else ROUNDS)
    except (pytest.skip.Exception, pytest.fail.Exception) as absent:
        return {"missing": str(absent)}


def _compared(place: Place, folder: Path, files: int, rounds: int) -> Figures:
    folder.mkdir()
    took: dict[str, list[Took]] = {side: [] for side in SIDES}
    alone: dict[str, list[Took]] = {side: [] for side in SIDES}
    with ExitStack() as stack:
        # not below `folder`: a server may be another user, who has to come in
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sixpx-bench-")))
        scratch.chmod(0o755)
        (scratch / "place").mkdir()
        address = stack.enter_context(place(scratch / "place"))
        sides = {
            side: stack.enter_context(uploading(side, address.url, folder / side, address.environment))
            for side in SIDES
        }
        for turn in range(rounds + 1):
            for side in sorted(SIDES, reverse=bool(turn % 2)):  # who begins takes turns too
                at_once = _put(sides[side], folder / side, f"turn-{turn}", files // rounds, AT_ONCE)
                one_by_one = _put(sides[side], folder / side, f"alone-{turn}", files // rounds // 5, 1)
                if turn:  # the first one opens connections
                    took[side].append(at_once)
                    alone[side].append(one_by_one)
    return _figures(took, alone)


def _put(side: Side, folder: Path, name: str, count: int, at_once: int) -> Took:
    return side.put(_written(folder / name, count), at_once)


def _written(folder: Path, count: int) -> Sequence[Path]:
    """New files, as renders leave them: a folder for each job, in the page cache, not yet on the disk."""
    chance = random.Random(folder.name)
    paths = []
    for number in range(count):
        job = folder / f"{folder.name}-{number // FILES_OF_A_JOB}"
        job.mkdir(parents=True, exist_ok=True)
        paths.append(job / f"{folder.parent.name}-{folder.name}-{number}.jpg")
        paths[-1].write_bytes(chance.randbytes(BYTES))
    return paths


def _figures(took: Mapping[str, Sequence[Took]], alone: Mapping[str, Sequence[Took]]) -> Figures:
    ratios = [ours.per_second / bare.per_second for ours, bare in zip(took["ours"], took["bare"], strict=True)]
    sides = {
        side: {
            "files_per_second": median(one.per_second for one in took[side]),
            "cpu_ms": median(one.cpu_ms for one in took[side]),
            "peak_mb": max(one.peak_kb for one in took[side]) / 1000,
            "one_by_one_per_second": median(one.per_second for one in alone[side]),
        }
        for side in SIDES
    }
    return {**sides, "ratio": median(ratios), "ratios": ratios, "files": sum(one.files for one in took["ours"])}


def lines(uploads: Mapping[str, Figures]) -> Iterator[str]:
    if any("missing" not in figures for figures in uploads.values()):
        yield HEAD
    for name, figures in uploads.items():
        place = name.removeprefix("uploads-")
        if "missing" in figures:
            yield f"{place:15} not measured: {figures['missing']}"
            continue
        ours, bare = figures["ours"], figures["bare"]
        speed = f"{ours['files_per_second']:11.0f} {bare['files_per_second']:6.0f} {figures['ratio']:6.2f}"
        spread = f"({min(figures['ratios']):.2f} to {max(figures['ratios']):.2f})"
        costs = f"{ours['cpu_ms']:9.2f} {bare['cpu_ms']:6.2f} {ours['peak_mb']:9.0f} {bare['peak_mb']:5.0f}"
        alone = f"{ours['one_by_one_per_second']:12.0f} {bare['one_by_one_per_second']:6.0f}"
        yield f"{place:15} {speed} {spread:14} {costs} {alone}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        chosen = sys.argv[1:] or NAMES
        print("\n".join(lines({name: uploads_of(name, Path(scratch), "QUICK" in os.environ) for name in chosen})))
