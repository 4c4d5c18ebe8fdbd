"""Owns what filters cost after a resize of a large photograph: the same Render with them and without, in turns.

`python -m bench.filters PHOTO FOLDER ROUNDS` is the process that measures. Never the service: a lane's work alone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.child import told_by
from bench.photos import PHOTOS
from sixpx.core.render import Render, Saving, Sheet

PHOTO = PHOTOS["photo-24mp"]
MOST = 1.15
"""How much of the resize's CPU time the resize with filters may take (decode and encode are in both)."""

Step = tuple[str, Mapping[str, Any]]
RESIZE: Step = ("resize", {"width": 800})
FILTER: Step = ("filter", {"sepia": 70, "sharpen": 40})


def filters_of(photos: Path, folder: Path, rounds: int) -> Mapping[str, Any]:
    """CPU ms of each, medians over `rounds`; `cpu_ratio` is the ratio of these."""
    return told_by("bench.filters", str(photos / PHOTO.file(0)), str(folder), str(rounds))


def main(photo: str, folder: str, rounds: int) -> Mapping[str, Any]:
    from sixpx.worker import set_up

    set_up(scratch=folder)
    forms: Mapping[str, Sequence[Step]] = {"resize": [RESIZE], "filtered": [RESIZE, FILTER]}
    spent: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(rounds + 1):
        # who begins takes turns too; the first turn warms up and is not counted
        for name in sorted(forms, reverse=bool(turn % 2)):
            ms = _cost(photo, f"{folder}/{name}", forms[name])
            spent[name] += [ms] if turn else []
    costs = {f"{name}_ms": median(taken) for name, taken in spent.items()}
    return {**costs, "cpu_ratio": costs["filtered_ms"] / costs["resize_ms"], "rounds": rounds}


def _cost(photo: str, path: str, steps: Sequence[Step]) -> float:
    """CPU ms of this process for one Render."""
    from sixpx.worker import render

    began = time.process_time()
    report = render(Render("bench", photo, None, (Sheet("made", path, tuple(steps), Saving("image/jpeg")),)))
    spent = (time.process_time() - began) * 1000
    if "made" not in report.made:
        raise RuntimeError(f"the picture was not made: {report.flaws}")
    return spent


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
