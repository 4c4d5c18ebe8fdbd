"""Owns JPEG: whether a file is cut short, which libvips reads over then, and what is special about one that it cannot
read. Never decodes by itself.

ITU-T T.81, annex B: a file is a row of segments, FF and a code each. In entropy-coded data FF is followed by 00 or a
restart marker, so that the first other marker after a scan tells whether the picture goes on, ends or was cut.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sixpx.core.geometry import Size
from sixpx.errors import BadImage
from sixpx.worker.cascade import jpeg_shrink
from sixpx.worker.formats.base import Header, Image, Source
from sixpx.worker.formats.native import Native

CUT = "the JPEG file is cut short; the part that is missing is grey or blurred"
NOT_BEGUN = "the JPEG file is cut short before its picture begins"

MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
SCAN, END = 0xDA, 0xD9
FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
HIERARCHICAL = frozenset((*range(0xC5, 0xC8), *range(0xCD, 0xD0)))
"""Frame headers, and those of pictures in several sizes, which no everyday decoder reads."""
PROGRESSIVE = frozenset((0xC2, 0xCA))
MOST = 10_000
"""Segments that are looked at. A real file has a few hundred at most; one that has more is refused."""
MOST_SCANS = 200
"""Real pictures have a dozen. Each takes the decoder over all of the pixels, however few bytes it has."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the markers say: the code and the sample depth (bits) of the frame, whether a scan holds any data, whether
    the file ends before the picture does, whether there are more segments or scans than we look at."""

    frame: int | None = None
    depth: int = 8
    begun: bool = False
    cut: bool = True
    endless: bool = False


def looked_at(path: str) -> Look:
    """The markers of the first picture in a file that begins with FF D8. A whole file of one scan costs its headers
    alone: where its last bytes are the end marker, its data is not searched."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _walked(data)


def _walked(data: mmap.mmap) -> Look:
    frame, depth, planes, scans, alone, begun, place = None, 8, 0, 0, False, False, 2
    whole = data[-2:] == bytes((0xFF, END))
    for _ in range(MOST):
        found = MARKER.search(data, place)
        if found is None:
            return Look(frame, depth, begun, cut=not (begun and whole))
        code, place = data[found.start() + 1], found.end()
        if code == END:
            return Look(frame, depth, begun, cut=False)
        if code in FRAMES and frame is None:
            frame, depth, planes = code, *((data[place + 2], data[place + 7]) if place + 7 < len(data) else (8, 0))
        if code == SCAN:
            scans += 1
            alone = frame not in PROGRESSIVE and place + 2 < len(data) and data[place + 2] == planes
        if code not in (0x01, 0xD8):
            place += int.from_bytes(data[place : place + 2], "big")
        begun = begun or (code == SCAN and place < len(data))
        if scans > MOST_SCANS:
            break
        if begun and whole and alone:
            return Look(frame, depth, begun, cut=False)
    return Look(frame, depth, begun, cut=False, endless=True)


@dataclass(frozen=True, slots=True)
class Jpeg(Native):
    """A file that is cut short is read with a warning, since half of a photograph is better than none; every other
    damage is refused."""

    def header(self, path: str) -> Header:
        look = looked_at(path)
        if look.endless:
            raise BadImage(f"expected at most {MOST:,} segments and {MOST_SCANS} scans in the JPEG file, got more")
        if not look.begun:
            raise BadImage(NOT_BEGUN if look.cut else "the JPEG file holds no picture")
        if special := _special(look):
            raise BadImage(f"the JPEG file is {special}, which sixpx does not read")
        return self._header(self._open(path, "none" if look.cut else "truncated"), CUT if look.cut else None)

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        options = self.shrink(source.stored, wanted) if wanted else {}
        fail_on = "none" if source.header.warning else "truncated"
        return self._open(source.path, fail_on, access="sequential", **options)


def _special(look: Look) -> str | None:
    """What libvips opens, or not even that, and cannot decode."""
    if look.frame in HIERARCHICAL:
        return "hierarchical"
    return f"of {look.depth} bits a sample" if look.depth != 8 else None


def _shrink(stored: Size, wanted: Sequence[Size]) -> Mapping[str, Any]:
    factor = jpeg_shrink(stored, wanted)
    return {"shrink": factor} if factor > 1 else {}


JPEG = Jpeg("image/jpeg", "JPEG", "jpegload", (b"\xff\xd8\xff",), shrink=_shrink)
