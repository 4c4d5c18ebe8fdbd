"""Owns what we read of a PostScript file ourselves: which part of it is PostScript, and its bounding box.

Never runs any of it. Comments by Adobe's Document Structuring Conventions 3.0 (Technical Note 5001), the binary header
by its Encapsulated PostScript 3.0 (Technical Note 5002, section 5).
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from sixpx.errors import BadImage

BINARY = b"\xc5\xd0\xd3\xc6"
"""The mark of a DOS EPS file: a header, the PostScript, and a preview in another format."""

LOOK = 65_536
"""Bytes at the beginning, and at the end, in which comments are looked for."""

# possessive, so that a line of digits without end is read once
NUMBER = rb"[ \t]*+([-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d{1,3})?)(?=\s|\Z)"
AT_END = rb"[ \t]*+\(atend\)"
KINDS = tuple(
    re.compile(rb"(?:\A|(?<=[\r\n]))%%" + kind + rb"BoundingBox:(?:" + AT_END + rb"|" + NUMBER * 4 + rb")")
    for kind in (b"HiRes", b"")
)
"""The comments that tell the box, the more exact one first."""


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """What a drawing covers: its lower left corner and its size, in points (1/72 inch)."""

    left: float
    bottom: float
    width: float
    height: float


def section(file: BinaryIO) -> tuple[int, int]:
    """Where the PostScript of a file begins, and how many bytes it has. Raises BadImage."""
    whole = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if not head.startswith(BINARY):
        return 0, whole
    start, length = struct.unpack_from("<II", head.ljust(12, b"\0"), 4)
    if not length or start + length > whole:
        raise BadImage("the EPS file is broken: its header tells of PostScript that is not there")
    return start, length


def bounding_box(file: BinaryIO) -> BoundingBox | None:
    """The box by `%%HiResBoundingBox`, else by `%%BoundingBox`: the first that the file tells, or, where that says
    `(atend)`, the last. None where there is neither. Raises BadImage."""
    start, length = section(file)
    file.seek(start)
    head = file.read(min(length, LOOK))
    file.seek(start + max(0, length - LOOK))
    tail = file.read(min(length, LOOK))
    for kind in KINDS:
        box = _told(kind, head, tail)
        if box is not None and (box.width > 0 < box.height or kind is KINDS[-1]):
            return box
    return None


def _told(kind: re.Pattern[bytes], head: bytes, tail: bytes) -> BoundingBox | None:
    found = kind.search(head)
    if found is None or found[1] is not None:
        return None if found is None else _box(found)
    last = [box for box in kind.finditer(tail) if box[1] is not None][-1:]
    return _box(last[0]) if last else None


def _box(found: re.Match[bytes]) -> BoundingBox:
    left, bottom, right, top = (float(number) for number in found.groups())
    return BoundingBox(left, bottom, right - left, top - bottom)
