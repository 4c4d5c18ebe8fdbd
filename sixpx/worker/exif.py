"""Owns the bytes of EXIF: finds the copyright, and writes EXIF that says nothing else. Never decides what is kept.

EXIF 2.32, section 4.5 (TIFF 6.0): a byte order, then a directory of 12-byte entries (tag, type, count, value or
offset). Read here because libexif, through which libvips gives text, loses every letter beyond ASCII.
"""

from __future__ import annotations

import struct

PREFIX = b"Exif\0\0"
COPYRIGHT = 0x8298
ASCII = 2
LONGEST = 4096
"""Bytes of a copyright notice that we carry; more is no notice."""


def copyright_of(exif: bytes) -> bytes | None:
    """The raw value of the Copyright entry (photographer, or photographer NUL editor); None where there is none or
    the bytes make no sense."""
    tiff = exif.removeprefix(PREFIX)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for place in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(order + "HHI", tiff, place)
            if (tag, kind) == (COPYRIGHT, ASCII):
                start = place + 8 if count <= 4 else struct.unpack_from(order + "I", tiff, place + 8)[0]
                return _notice(tiff[start : start + min(count, LONGEST)])
    except struct.error:
        pass
    return None


def _notice(value: bytes) -> bytes | None:
    value = value.rstrip(b"\0 ")
    return value if value.strip(b"\0 ") else None


def only_copyright(notice: bytes) -> bytes:
    """EXIF whose single entry is this notice."""
    value = (notice + b"\0").ljust(5, b"\0")
    entry = struct.pack("<HHII", COPYRIGHT, ASCII, len(value), 26)
    return PREFIX + b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0) + value
