"""Owns the first directory of a TIFF file, and the EXIF that a TIFF file is itself. Never reads a pixel.

TIFF 6.0, section 2, and BigTIFF: a directory is a row of entries (tag, type, count, and the value or where it lies).
libvips gives no EXIF of a TIFF file: its directories are copied here into a small block of their own, without what
says where pixels lie and without what is too long to be told.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from sixpx.errors import BadImage
from sixpx.worker.exif import EXIF, GPS, INTEROP, written

WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
"""Bytes of one value, by its type."""
LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""The types of whole numbers that are not negative."""
BIG = (16, 17, 18)
"""Types that classic TIFF, so EXIF, does not know."""

LONGEST = 16_384
"""Bytes of a value that is read; strips' places and embedded files are longer, and nothing that we tell is."""
ENTRIES = 1_000
PLACES, MOST_PLACES = frozenset((273, 279, 324, 325)), 4_000_000
"""Where strips and tiles lie and how long they are, and the bytes of such a list: 75 megapixels in tiles of 16 x 16
pixels need half of them."""
FARTHEST = 1 << 40
"""No file is as long; a file system may refuse to go there."""
TOGETHER = 200_000
"""Bytes of a directory's values together; what comes after them is passed over."""

PIXELS = frozenset(
    {266, 273, 279, 288, 289, 301, 320, 322, 323, 324, 325, 330, 347, 513, 514, 519, 520, 521}
    | {700, 33723, 34377, 34675, 37500, 37724, EXIF, GPS, INTEROP}
)
"""Tags that are no EXIF: where pixels lie and how they are packed, further directories, other metadata (XMP, IPTC,
Photoshop, ICC), and a maker's notes, whose inner offsets do not survive a copy."""


@dataclass(frozen=True, slots=True)
class Entry:
    kind: int
    count: int
    value: bytes
    order: str

    def numbers(self) -> tuple[int, ...]:
        """Whole numbers; none where the type is another."""
        letter = LETTERS.get(self.kind)
        return struct.unpack(f"{self.order}{self.count}{letter}", self.value) if letter else ()


@dataclass(frozen=True, slots=True)
class Directory:
    """`order` is `<` or `>`; `entries` by tag."""

    order: str
    entries: Mapping[int, Entry]

    def number(self, tag: int, default: int = 0) -> int:
        """The first number of an entry."""
        return next(iter(self.numbers(tag)), default)

    def numbers(self, tag: int) -> tuple[int, ...]:
        entry = self.entries.get(tag)
        return entry.numbers() if entry else ()


@dataclass(frozen=True, slots=True)
class Tiff:
    """An open TIFF file: byte order, whether it is a BigTIFF, where its first directory lies."""

    file: BinaryIO
    order: str
    big: bool
    first: int

    def directory(self, place: int) -> Directory:
        """The directory that lies there. Raises BadImage where there is none."""
        count_form, entry_form, room = ("Q", "HHQ", 8) if self.big else ("H", "HHI", 4)
        (count,) = self._unpacked(count_form, place)
        size, left = struct.calcsize("=" + entry_form) + room, TOGETHER
        row = self._bytes(place + struct.calcsize(count_form), min(count, ENTRIES) * size)
        entries: dict[int, Entry] = {}
        for start in range(0, len(row) - size + 1, size):
            tag, kind, number = struct.unpack_from(self.order + entry_form, row, start)
            length = WIDTHS.get(kind, 0) * number
            if tag in entries or not 0 < length <= (MOST_PLACES if tag in PLACES else min(LONGEST, left)):
                continue
            value = row[start + size - room : start + size]
            if length > room:
                value = self._bytes(struct.unpack(self.order + ("Q" if self.big else "I"), value)[0], length)
                left -= 0 if tag in PLACES else length
            if len(value) >= length:
                entries[tag] = Entry(kind, number, value[:length], self.order)
        return Directory(self.order, entries)

    def pages(self, most: int) -> int:
        """How many directories follow each other, counted up to `most`; a circle ends the row, and so does nonsense."""
        count_form, entry, link = ("Q", 20, "Q") if self.big else ("H", 12, "I")
        place, seen = self.first, set[int]()
        with suppress(BadImage):
            while place and place not in seen and len(seen) < most:
                seen.add(place)
                (count,) = self._unpacked(count_form, place)
                (place,) = self._unpacked(link, place + struct.calcsize(count_form) + count * entry)
        return len(seen)

    def _unpacked(self, form: str, place: int) -> tuple[int, ...]:
        form = self.order + form
        data = self._bytes(place, struct.calcsize(form))
        if len(data) < struct.calcsize(form):
            raise BadImage("the TIFF file ends before its first directory")
        return struct.unpack(form, data)

    def _bytes(self, place: int, length: int) -> bytes:
        if place > FARTHEST:
            return b""
        self.file.seek(place)
        return self.file.read(length)


def opened(file: BinaryIO) -> Tiff:
    """Reads the first bytes of a file that is a TIFF. Raises BadImage."""
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    if len(head) < (16 if big else 8):
        raise BadImage("the TIFF file ends before its first directory")
    (first,) = struct.unpack_from(order + "Q", head, 8) if big else struct.unpack_from(order + "I", head, 4)
    return Tiff(file, order, big, first)


def exif_of(tiff: Tiff, directory: Directory) -> bytes:
    """The directory with its EXIF and GPS directories as a block of classic TIFF, the form of EXIF everywhere."""
    below = {}
    for pointer in (EXIF, GPS):
        if place := directory.number(pointer):
            with suppress(BadImage):
                below[pointer] = _told(tiff.directory(place))
    return written(tiff.order, _told(directory), below)


def _told(directory: Directory) -> dict[int, tuple[int, bytes]]:
    return {tag: (one.kind, one.value) for tag, one in directory.entries.items()
            if tag not in PIXELS and one.kind not in BIG}  # fmt: skip
