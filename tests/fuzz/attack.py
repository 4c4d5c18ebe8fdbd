"""Owns Attack, a file made by hand to take time, memory or what is not its own, and the EXIF of one. Never runs one."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Steps = tuple[tuple[str, Mapping[str, Any]], ...]

STILL: tuple[tuple[Steps, str], ...] = (
    ((("resize", {"width": 40}),), "image/png"),
    ((("rotate", {"degrees": 90}), ("analyze", {"exif": True}), ("resize", {"width": 30})), "image/jpeg"),
)
"""As small as it is read, and as a whole."""
FILM: tuple[tuple[Steps, str], ...] = (((("resize", {"width": 40}),), "image/gif"), *STILL)


@dataclass(frozen=True, slots=True)
class Attack:
    """`codes` are those that it may end with, `made` among them where it may become a picture; `words` stand in the
    sentence of each flaw; `chains` are what is asked of it, with the types of the results."""

    make: Callable[[], bytes]
    codes: tuple[str, ...] = ("bad_image",)
    words: str = ""
    chains: tuple[tuple[Steps, str], ...] = STILL


def looping_exif(order: str = "<") -> bytes:
    """Directories that point at themselves and at each other, with counts that no file has."""
    entry = order + "HHI4s"
    here = struct.pack(order + "I", 8)
    entries = [(0x0112, 3, 1, struct.pack(order + "H2x", 1)), (0x010E, 2, 0xFFFFFFFF, here), (0x8298, 2, 2**31, here),
               (0x8769, 4, 1, here), (0x8825, 4, 1, here), (0xA005, 4, 1, here), (0x9286, 7, 2**31, here)]  # fmt: skip
    rows = b"".join(struct.pack(entry, *one) for one in entries)
    head = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return b"Exif\0\0" + head + struct.pack(order + "H", len(entries)) + rows + here


def many_tags() -> bytes:
    """A directory that says that it has 65,535 entries, each of which is the whole block."""
    row = struct.pack("<HHII", 0x010E, 7, 60_000, 8)
    return b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + row * 5000
