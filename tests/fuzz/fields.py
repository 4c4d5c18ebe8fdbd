"""Owns where the numbers of each format stand that say how large, how many and how long. Never changes one.

PNG 1.2; ITU-T T.81; GIF 89a; RIFF and the WebP container; TIFF 6.0 and BigTIFF; ISO/IEC 14496-12; Adobe's PSD; drawings
have theirs in words.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

MOST = 4_000
"""Fields that are looked for in one file."""


@dataclass(frozen=True, slots=True)
class Field:
    """A number in a file: where it begins, how long it is, its byte order; no byte order means a number in words."""

    place: int
    length: int
    order: str = ""


def fields(format: str, content: bytes) -> list[Field]:
    """What can be found before the file makes no more sense."""
    found: list[Field] = []
    try:
        for field in FINDERS[format](content):
            if field.place + field.length <= len(content):
                found.append(field)
            if len(found) == MOST:
                break
    except (struct.error, IndexError, OverflowError):
        pass
    return found


def _row(place: int, order: str, *lengths: int) -> Iterator[Field]:
    for length in lengths:
        yield Field(place, length, order)
        place += length


def _png(content: bytes) -> Iterator[Field]:
    place = 8
    while place + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind, data = content[place + 4 : place + 8], place + 8
        yield Field(place, 4, ">")
        if kind == b"IHDR":
            yield from _row(data, ">", 4, 4, 1, 1, 1, 1, 1)
        elif kind in (b"fcTL", b"acTL"):
            yield from _row(data, ">", 4, 4, 4, 4, 4, 2, 2, 1, 1)
        elif kind not in (b"IDAT", b"fdAT"):
            yield from _row(data, ">", *[1] * min(length, 16))
        place = data + length + 4


def _jpeg(content: bytes) -> Iterator[Field]:
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        code = content[place + 1]
        (length,) = struct.unpack_from(">H", content, place + 2)
        yield Field(place + 1, 1, ">")
        yield Field(place + 2, 2, ">")
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            yield from _row(place + 4, ">", 1, 2, 2, 1, *[1] * (length - 8))
        else:
            yield from _row(place + 4, ">", *[1] * min(length - 2, 40))
        place += 2 + length
        if code == 0xDA:
            following = re.compile(rb"\xff[^\x00\xd0-\xd7]").search(content, place)
            if following is None:
                return
            place = following.start()


def _gif(content: bytes) -> Iterator[Field]:
    yield from _row(6, "<", 2, 2, 1, 1, 1)
    place = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    while content[place] in (0x21, 0x2C):
        if content[place] == 0x21:
            yield from _row(place + 1, "<", 1, 1, 1, 2, 1)
            place += 2
        else:
            yield from _row(place + 1, "<", 2, 2, 2, 2, 1)
            packed = content[place + 9]
            place += 10 + (3 << (packed & 7) + 1 if packed & 0x80 else 0)
            yield Field(place, 1, "<")  # the codes' first length
            place += 1
        while content[place]:
            yield Field(place, 1, "<")
            place += content[place] + 1
        place += 1


def _webp(content: bytes) -> Iterator[Field]:
    yield Field(4, 4, "<")
    yield from _chunks(content, 12, len(content))


def _chunks(content: bytes, place: int, end: int) -> Iterator[Field]:
    heads = {b"VP8X": (1, 3, 3, 3), b"ANIM": (4, 2), b"VP8 ": (1, 2, 3, 2, 2), b"VP8L": (1, 4), b"ALPH": (1, 1)}
    while place + 8 <= end:
        kind, (length,) = content[place : place + 4], struct.unpack_from("<I", content, place + 4)
        yield Field(place + 4, 4, "<")
        yield from _row(place + 8, "<", *heads.get(kind, ()))
        if kind == b"ANMF":
            yield from _row(place + 8, "<", 3, 3, 3, 3, 3, 1)
            yield from _chunks(content, place + 24, min(end, place + 8 + length))
        place += 8 + length + length % 2


def _tiff(content: bytes) -> Iterator[Field]:
    order = "<" if content[:2] == b"II" else ">"
    big = content[2:4] in (b"+\0", b"\0+")
    word, count, place, long = ("Q", "Q", 8, 8) if big else ("I", "H", 4, 4)
    seen: set[int] = set()
    while place + long <= len(content) and len(seen) < 8:
        yield Field(place, long, order)
        (start,) = struct.unpack_from(order + word, content, place)
        if not start or start in seen:
            return
        seen.add(start)
        (entries,) = struct.unpack_from(order + count, content, start)
        head = struct.calcsize("=" + count)
        yield Field(start, head, order)
        for number in range(min(entries, 100)):
            yield from _row(start + head + number * (4 + 2 * long), order, 2, 2, long, long)
        place = start + head + entries * (4 + 2 * long)


HOLDERS = frozenset((b"meta", b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"iinf", b"iref"))


def _boxes(content: bytes) -> Iterator[Field]:
    yield from _box_row(content, 0, len(content))


def _box_row(content: bytes, place: int, end: int) -> Iterator[Field]:
    while place + 8 <= end:
        (length,), kind = struct.unpack_from(">I", content, place), content[place + 4 : place + 8]
        yield Field(place, 4, ">")
        last = min(end, place + length) if length >= 8 else end
        if kind in HOLDERS:
            inner = {b"meta": 12, b"iref": 12, b"iinf": 14}.get(kind, 8)
            yield from _box_row(content, place + inner, last)
        elif kind != b"mdat":
            for byte in range(place + 8, min(last, place + 200)):
                yield Field(byte, 1, ">")
                if (byte - place) % 2 == 0:
                    yield from (Field(byte, 2, ">"), Field(byte, 4, ">"))
        place = last


def _psd(content: bytes) -> Iterator[Field]:
    yield from _row(4, ">", 2, 6, 2, 4, 4, 2, 2)
    place = 26
    for _ in range(3):
        yield Field(place, 4, ">")
        (length,) = struct.unpack_from(">I", content, place)
        for byte in range(place + 4, min(place + 4 + length, place + 300), 2):
            yield from (Field(byte, 2, ">"), Field(byte, 4, ">"))
        place += 4 + length
    yield from _row(place, ">", 2, 2, 2, 2)


NUMBERS = re.compile(rb"(?<![\w#])[-+]?\d+(?:\.\d+)?")


def _words(content: bytes) -> Iterator[Field]:
    for found in NUMBERS.finditer(content):
        yield Field(found.start(), found.end() - found.start())


FINDERS: Mapping[str, Callable[[bytes], Iterator[Field]]] = {
    "PNG": _png, "JPEG": _jpeg, "GIF": _gif, "WebP": _webp, "TIFF": _tiff, "AVIF": _boxes, "HEIC": _boxes, "PSD": _psd,
    "SVG": _words, "PDF": _words, "EPS": _words,
}  # fmt: skip
