"""Owns what EXIF says in a TIFF that was written: a TIFF is EXIF's own form, but libvips leaves it out. Never a pixel.

A new first directory goes behind the file's end, with the entries of the old one and those of EXIF, and the head is
made to point at it; the pixels stay where they are (TIFF 6.0, section 2).
"""

from __future__ import annotations

import struct
from array import array
from mmap import ACCESS_READ, mmap

from sixpx.worker.exif import EXIF, GPS, INTEROP, LONG, Block, Entries, Values, directories, opened

DESCRIPTIVE = frozenset({0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298, *range(0x9C9B, 0x9CA0)})
"""The entries of EXIF's first directory that speak of the picture, not of how a file is built: description, maker,
model, software, date, artist, host, copyright, and Windows' own texts."""

POINTERS = frozenset({EXIF, GPS, INTEROP})
SIDES = frozenset({0xA002, 0xA003})
"""PixelXDimension and PixelYDimension: those of the picture that came in."""

WIDTHS = {3: "H", 8: "H", LONG: "I", 5: "I", 9: "I", 10: "I", 11: "I", 13: "I", 12: "Q"}
"""By type, as many bytes as follow the byte order together (an array's words for them); a rational is two of 4."""


def describe(path: str, exif: bytes) -> None:
    """Adds what the EXIF block (`Exif\\0\\0` or the byte order first) tells to the TIFF file; nothing where the block
    makes no sense."""
    block = opened(exif)
    if block is None:
        return
    with open(path, "r+b") as file:
        with mmap(file.fileno(), 0, access=ACCESS_READ) as bytes_of_file:
            order = "<" if bytes_of_file[:2] == b"II" else ">"
            start = len(bytes_of_file) + len(bytes_of_file) % 2
            tiff = Block(bytes_of_file, order)
            added = directories(order, *_merged(tiff, block), start)
        file.seek(start)
        file.write(added)
        file.seek(4)
        file.write(struct.pack(order + "I", start))


def _merged(tiff: Block, block: Block) -> tuple[Values, dict[int, Values]]:
    """The first directory, and those below it. What the file says of its own pixels stands."""
    main = block.main()
    spoken = {tag: entry for tag, entry in main.items() if tag in DESCRIPTIVE}
    first = {**_values(block, spoken, tiff.order), **_values(tiff, tiff.main(), tiff.order)}
    exif = block.below(main, EXIF)
    tables = {EXIF: exif, GPS: block.below(main, GPS), INTEROP: block.below(exif, INTEROP)}
    below = {tag: _values(block, entries, tiff.order) for tag, entries in tables.items()}
    return first, {tag: values for tag, values in below.items() if values}


def _values(block: Block, entries: Entries, order: str) -> Values:
    """Type and bytes of each entry in this byte order; those whose bytes are missing are left out, and those that
    would make more of the block than it is: a liar's entries may all claim the same bytes."""
    found, room = {}, len(block.tiff)
    for tag, entry in entries.items():
        if entry.size <= room and tag not in POINTERS | SIDES:
            raw = block.raw(entry, entry.size)
            if len(raw) == entry.size:
                found[tag] = (entry.kind, raw if order == block.order else _swapped(raw, entry.kind))
                room -= entry.size
    return found


def _swapped(raw: bytes, kind: int) -> bytes:
    values = array(WIDTHS.get(kind, "B"), raw)
    values.byteswap()
    return values.tobytes()
