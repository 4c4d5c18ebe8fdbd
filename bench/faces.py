"""Owns what finding a face costs on a large photograph: in memory, decode aside. Never how well faces are found.

`python -m bench.faces PHOTO FOLDER ROUNDS` is the process that measures.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.child import told_by

PORTRAIT = Path(__file__).parent.parent / "tests" / "worker" / "photos" / "collins.jpg"
SIZE = (6000, 4000)
GRAIN = 7.5
"""Standard deviation in grey levels, as that of the other large photographs."""
MOST_MS = 150.0


def faces_of(photos: Path, folder: Path, rounds: int) -> Mapping[str, Any]:
    """CPU and wall ms of one detection, medians over `rounds`, and whether the face was found."""
    return told_by("bench.faces", str(PORTRAIT), str(folder), str(rounds))


def main(photo: str, folder: str, rounds: int) -> Mapping[str, Any]:
    from sixpx.worker import faces, set_up

    set_up(scratch=folder)
    image, find = _enlarged(photo), faces.detector("")
    spent: list[tuple[float, float]] = []
    for turn in range(rounds + 1):
        began = time.process_time(), time.perf_counter()
        face = faces.dominant(image, find)
        taken = (time.process_time() - began[0]) * 1000, (time.perf_counter() - began[1]) * 1000
        spent += [taken] if turn else []  # the first one warms up
    cpu, wall = (median(ms) for ms in zip(*spent, strict=True))
    return {"cpu_ms": cpu, "wall_ms": wall, "found": int(face is not None), "there": 1, "rounds": rounds}


def _enlarged(photo: str) -> Any:
    """The photograph cut to the aspect and enlarged to the size, with grain, in memory."""
    import pyvips

    image = pyvips.Image.thumbnail(photo, SIZE[0], height=SIZE[1], crop="low")
    noise = pyvips.Image.gaussnoise(*SIZE, sigma=GRAIN, mean=0, seed=1)
    return (image + noise).cast("uchar").copy(interpretation="srgb").copy_memory()


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
