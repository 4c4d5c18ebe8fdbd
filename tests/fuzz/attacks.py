"""Owns ATTACKS, all of them by name, and which of them take seconds. Never makes one."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz.attack import Attack
from tests.fuzz.attacks_in_boxes import HEIFS, TIFFS
from tests.fuzz.attacks_in_drawings import EPSES, PDFS, SVGS
from tests.fuzz.attacks_in_files import FILMS, JPEGS, PNGS

ATTACKS: Mapping[str, Attack] = {**PNGS, **JPEGS, **FILMS, **TIFFS, **HEIFS, **SVGS, **PDFS, **EPSES}

SLOW = frozenset({
    "PNG as large as may be, 16 bit",
    "PNG with a hundred packed texts of 10 MB",
    "JPEG of 8,600 by 8,600 that is not there",
    "JPEG with a thousand EXIF segments",
    "JPEG of 190 scans",
    "GIF of 67 frames with 4 million pixels",
    "WebP of 200 frames with a million pixels",
    "TIFF in one strip, as large as may be",
    "TIFF in one strip of floats",
    "TIFF in one strip of Lab",
    "TIFF in one strip of 16 bits CMYK",
    "TIFF whose LZMA never ends",
    "SVG with a PNG of 8,000 by 8,000 twenty times",
    "SVG with a morphology without end",
    "SVG with 100,000 words",
    "SVG of 200,000 styles",
    "SVG of 10,000 lines in one path",
    "SVG squeezed a thousandfold",
    "SVG of uses of uses",
    "SVG of patterns in patterns",
    "SVG of a thousand filters",
    "PDF that draws itself",
    "PDF with a picture of 30,000 by 30,000",
    "PDF with a picture of 30,000 by 30,000, 1 bit",
    "PDF that inflates to 100 MB",
    "PDF of a million states",
    "PDF of tiles of nothing",
    "PDF of forms in forms",
    "EPS of a string that grows",
    "EPS that calls itself",
    "EPS that never ends",
    "AVIF of boxes in boxes",
    "PNG with 100,000 texts",
    "JPEG with a profile in 255 pieces",
    "GIF of a million frames",
})  # fmt: skip
"""At the edge of what is allowed, stopped by a limit in time, or long to make."""

QUICK = tuple(name for name in ATTACKS if name not in SLOW)
