"""Owns the PostScript programs of the tests, as files, and the picture that they paint. Never a test."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sixpx.worker.formats import ghostscript
from tests.worker.conftest import Studio

NO_GS = ghostscript.missing() is not None and not os.environ.get("CI")
needs_gs = pytest.mark.skipif(NO_GS, reason="Ghostscript is not installed: apt-get install ghostscript")
"""Skipped on a laptop, failed in CI."""

FIRST = "%!PS-Adobe-3.0 EPSF-3.0\n"
BOX = "%%BoundingBox: 10 20 110 70\n"
SHAPES = "1 0 0 setrgbcolor 10 20 50 50 rectfill 0 0 1 setrgbcolor 85 45 20 0 360 arc fill\n"
"""A red left half, a blue disc of radius 20 in the middle of the right one, nothing else."""


def eps(body: str = SHAPES + "showpage\n", box: str = BOX, first: str = FIRST) -> bytes:
    return f"{first}{box}%%EndComments\n{body}".encode("latin-1")


def dos(script: bytes, preview: bytes = b"II*\0 preview showpage", before: int = 30) -> bytes:
    """The file with a binary header, and a preview behind it."""
    places = (before, len(script), 0, 0, before + len(script), len(preview))
    header = b"\xc5\xd0\xd3\xc6" + struct.pack("<6IH", *places, 0xFFFF)
    return header.ljust(before, b"\0") + script + preview


def file(studio: Studio, content: bytes) -> Path:
    path = studio.path()
    path.write_bytes(content)
    return path


def array(image: Image.Image) -> Any:
    return np.asarray(image).astype(int)


def resized(**options: Any) -> Any:
    return [("resize", options)]


def is_shapes(made: Any) -> bool:
    """Whether the picture shows SHAPES, and nothing else, at whatever size."""
    height, width = made.shape[:2]
    y, x = np.mgrid[0:height, 0:width] + 0.5
    distance = np.hypot(x * 100 / width - 75, y * 50 / height - 25)
    slack = 150 / min(width, height * 2)
    left = (made[:, : width // 2] == (255, 0, 0, 255)).all()
    disc = (made[distance < 20 - slack] == (0, 0, 255, 255)).all()
    empty = (made[(distance > 20 + slack) & (x > width // 2 + 1)][:, 3] == 0).all()
    return bool(left and disc and empty)
