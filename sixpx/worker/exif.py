"""Owns the bytes of EXIF: its directories read and written, its orientation and copyright. Never what a tag means.

EXIF 2.32, section 4.6 (TIFF 6.0): a byte order, then directories of 12-byte entries (tag, type, count, value or
offset). Read here because libexif, through which libvips gives text, loses every letter beyond ASCII. Each of the four
directories is read once and none is followed to a next one, so that no block can send us in circles.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap

PREFIX = b"Exif\0\0"
ORIENTATION, COPYRIGHT = 0x0112, 0x8298
EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005
"""The tags that point at a directory."""

ASCII, LONG, UNDEFINED, DIRECTORY, UTF8 = 2, 4, 7, 13, 129
TEXTS = (ASCII, UTF8)
RATIONALS = (5, 10)
FORMS = {1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I",
         129: "c"}  # fmt: skip
"""struct's words for one value of each type; 13 is TIFF's, 129 is text of EXIF 3.0."""
SIZES = {kind: struct.calcsize("<" + form) for kind, form in FORMS.items()}

LONGEST = 4096
"""Bytes of a copyright notice that we carry; more is no notice."""
MOST_ENTRIES = 1000
"""Entries of a directory that we look at; real ones have some dozens."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag: the type of its values, how many there are, and where their bytes begin."""

    kind: int
    count: int
    start: int

    @property
    def size(self) -> int:
        """In bytes, as far as the entry is to be believed."""
        return SIZES[self.kind] * self.count


Entries = Mapping[int, Entry]


@dataclass(frozen=True, slots=True)
class Block:
    """EXIF from its byte order on (`<` or `>`, as struct has it). Nothing here raises, whatever the bytes are."""

    tiff: bytes | mmap
    order: str

    def main(self) -> Entries:
        """The first directory: the picture, the camera's maker."""
        head = self.read(4, 4)
        return self.directory(self._unpacked("I", head)[0]) if len(head) == 4 else {}

    def below(self, entries: Entries, pointer: int) -> Entries:
        """The directory that one of these entries points at; empty where there is none."""
        entry = entries.get(pointer)
        if entry is None or entry.kind not in (LONG, DIRECTORY):
            return {}
        place = self.read(entry.start, 4)
        return self.directory(self._unpacked("I", place)[0]) if len(place) == 4 else {}

    def directory(self, start: int) -> Entries:
        """Its entries by tag, as many as there are bytes for; of two with the same tag the first."""
        head = self.read(start, 2)
        count = min(self._unpacked("H", head)[0], MOST_ENTRIES) if len(head) == 2 else 0
        raw = self.read(start + 2, 12 * count)
        found: dict[int, Entry] = {}
        for place in range(0, len(raw) - 11, 12):
            tag, kind, values, offset = struct.unpack_from(self.order + "HHII", raw, place)
            if kind in SIZES and values and tag not in found:
                near = SIZES[kind] * values <= 4
                found[tag] = Entry(kind, values, start + 2 + place + 8 if near else offset)
        return found

    def read(self, start: int, length: int) -> bytes:
        """Bytes from a place on, fewer where the block ends."""
        return self.tiff[start : start + length]

    def raw(self, entry: Entry, most: int) -> bytes:
        """The first bytes of its value, fewer where the block ends before."""
        return self.read(entry.start, min(entry.size, most))

    def numbers(self, entry: Entry, most: int) -> list[int | float | None] | None:
        """Its values, None for one that is no number (a denominator of 0). None for a text, where there are more than
        `most`, and where they do not lie in the block."""
        if entry.kind in TEXTS or entry.count > most:
            return None
        raw = self.read(entry.start, entry.size)
        if len(raw) < entry.size:
            return None
        flat = self._unpacked(FORMS[entry.kind] * entry.count, raw)
        if entry.kind in RATIONALS:
            return [_quotient(above, below) for above, below in zip(flat[::2], flat[1::2], strict=True)]
        return [value if math.isfinite(value) else None for value in flat]

    def _unpacked(self, form: str, raw: bytes) -> tuple[int, ...]:
        return struct.unpack(self.order + form, raw)


def _quotient(above: int, below: int) -> int | float | None:
    if below == 0:
        return None
    return above // below if above % below == 0 else above / below


def opened(exif: bytes) -> Block | None:
    """The block (`Exif\\0\\0` or the byte order first); None where the bytes make no sense."""
    tiff = exif.removeprefix(PREFIX)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    return None if order is None else Block(tiff, order)


def copyright_of(exif: bytes) -> bytes | None:
    """The raw value of the Copyright entry (photographer, or photographer NUL editor); None where there is none or
    the bytes make no sense."""
    block = opened(exif)
    entry = block.main().get(COPYRIGHT) if block else None
    return _notice(block.raw(entry, LONGEST)) if block and entry and entry.kind == ASCII else None


def _notice(value: bytes) -> bytes | None:
    value = value.rstrip(b"\0 ")
    return value if value.strip(b"\0 ") else None


def orientation_of(exif: bytes | None) -> int:
    """1..8; 1, upright, where the block does not say, or nothing that makes sense."""
    block = opened(exif) if exif else None
    entry = block.main().get(ORIENTATION) if block else None
    turns = block.numbers(entry, 1) if block and entry else None
    return next((turn for turn in range(1, 9) if turns == [turn]), 1)


def only_copyright(notice: bytes) -> bytes:
    """EXIF whose single entry is this notice."""
    return written("<", {COPYRIGHT: (ASCII, notice + b"\0")})


Values = Mapping[int, tuple[int, bytes]]
"""Type and bytes of each tag's value, in the byte order of the block to be written."""


def written(order: str, main: Values, below: Mapping[int, Values] | None = None) -> bytes:
    """A block of these entries; `below` as in `directories`."""
    head = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return PREFIX + head + directories(order, main, below or {}, 8)


def directories(order: str, main: Values, below: Mapping[int, Values], start: int) -> bytes:
    """The same without the head, for a place `start` bytes after the byte order; `below` are the directories that
    EXIF, GPS (under the first) and INTEROP (under EXIF's) point at."""
    below = dict(below)
    if INTEROP in below:
        below[EXIF] = {**below.get(EXIF, {}), INTEROP: _pointer(order, 0)}
    tables = {0: {**main, **{tag: _pointer(order, 0) for tag in below if tag != INTEROP}}, **below}
    places, end = {}, start
    for tag, table in tables.items():
        places[tag] = end
        end += _length(table)
    return b"".join(_table(order, table, places[tag], places) for tag, table in tables.items())


def _pointer(order: str, place: int) -> tuple[int, bytes]:
    return LONG, struct.pack(order + "I", place)


def _far(value: bytes) -> int:
    """Bytes that a value takes behind its directory: offsets are even (TIFF 6.0, section 2)."""
    return 0 if len(value) <= 4 else len(value) + len(value) % 2


def _length(table: Values) -> int:
    return 2 + 12 * len(table) + 4 + sum(_far(value) for _, value in table.values())


def _table(order: str, table: Values, start: int, places: Mapping[int, int]) -> bytes:
    """One directory at its place, its values behind it."""
    entries, values = [], b""
    behind = start + 2 + 12 * len(table) + 4
    for tag, (kind, value) in sorted(table.items()):
        if tag and tag in places:  # 0 is the main directory's key here, and GPSVersionID in GPS's table
            value = struct.pack(order + "I", places[tag])
        near = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", behind + len(values))
        entries.append(struct.pack(order + "HHI", tag, kind, len(value) // SIZES[kind]) + near)
        values += value.ljust(_far(value), b"\0") if len(value) > 4 else b""
    return struct.pack(order + "H", len(table)) + b"".join(entries) + b"\0\0\0\0" + values
