"""Owns a writer of TIFF files that no library here writes: any depth, sample format, photometric, planes, tiles, byte
order, BigTIFF. Never compresses with more than Deflate."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BYTE, ASCII, SHORT, LONG, RATIONAL, LONG8 = 1, 2, 3, 4, 5, 16
Field = tuple[int, Sequence[int] | bytes]
"""A type and its numbers, or its bytes as they are."""

FORMS = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", LONG8: "Q"}
WIDTHS = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, LONG8: 8}


def packed(rows: Any, bits: int) -> bytes:
    """Whole numbers of less than 8 bits, or 12, packed into bytes; each row begins with a new one."""
    flat = rows.reshape(rows.shape[0], -1).astype(np.uint16)
    places = np.arange(bits - 1, -1, -1)
    spread = ((flat[..., None] >> places) & 1).astype(np.uint8).reshape(rows.shape[0], -1)
    return np.packbits(spread, axis=1).tobytes()


def tiff(
    pixels: Any,
    photometric: int,
    *,
    bits: int | None = None,
    order: str = "<",
    big: bool = False,
    planar: bool = False,
    tile: int | None = None,
    rows: int | None = None,
    deflate: bool = False,
    extra: Sequence[int] = (),
    orientation: int | None = None,
    fields: Mapping[int, Field] | None = None,
    below: Mapping[int, Mapping[int, Field]] | None = None,
) -> bytes:
    """`pixels` are height x width x samples of any type of number; `bits` packs them; `rows` is that of a strip;
    `below` are directories that an entry of that tag points at."""
    pixels = np.atleast_3d(pixels)
    height, width, samples = pixels.shape
    pixels = pixels.astype(pixels.dtype.newbyteorder(order))
    planes = [pixels[..., place : place + 1] for place in range(samples)] if planar else [pixels]
    chunks = [chunk for plane in planes for chunk in _chunks(plane, tile, rows or height)]
    data = [packed(chunk, bits) if bits else chunk.tobytes() for chunk in chunks]
    data = [zlib.compress(one) for one in data] if deflate else data
    depth, kind = bits or pixels.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    entries: dict[int, Field] = {
        256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [depth] * samples),
        259: (SHORT, [8 if deflate else 1]), 262: (SHORT, [photometric]), 277: (SHORT, [samples]),
        284: (SHORT, [2 if planar else 1]), 339: (SHORT, [kind] * samples),
    }  # fmt: skip
    if extra:
        entries[338] = (SHORT, extra)
    if orientation:
        entries[274] = (SHORT, [orientation])
    if tile:
        entries |= {322: (LONG, [tile]), 323: (LONG, [tile])}
    else:
        entries[278] = (LONG, [rows or height])
    return _file(data, {**entries, **(fields or {})}, below or {}, order, big, (324, 325) if tile else (273, 279))


def _chunks(plane: Any, tile: int | None, rows: int) -> list[Any]:
    height, width, _ = plane.shape
    if tile is None:
        return [plane[top : top + rows] for top in range(0, height, rows)]
    full = np.zeros((-(-height // tile) * tile, -(-width // tile) * tile, plane.shape[2]), plane.dtype)
    full[:height, :width] = plane
    return [
        full[top : top + tile, left : left + tile]
        for top in range(0, full.shape[0], tile)
        for left in range(0, full.shape[1], tile)
    ]


def _file(
    data: Sequence[bytes],
    entries: dict[int, Field],
    below: Mapping[int, Mapping[int, Field]],
    order: str,
    big: bool,
    tags: tuple[int, int],
) -> bytes:
    """Header, pixels, inner directories, the directory: as most writers have it, which know its values last."""
    content, places = bytearray(16 if big else 8), []
    for one in data:
        places.append(len(content))
        content += one + b"\0" * (len(one) % 2)
    entries |= {tags[0]: (LONG, places), tags[1]: (LONG, [len(one) for one in data])}
    for tag, inner in below.items():
        entries[tag] = (LONG, [_directory(content, inner, order, big)])
    first = _directory(content, entries, order, big)
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "HHHQ", 43, 8, 0, first) if big else struct.pack(order + "HI", 42, first)
    content[: len(mark + head)] = mark + head
    return bytes(content)


def _directory(content: bytearray, entries: Mapping[int, Field], order: str, big: bool) -> int:
    """Appends the values and the directory; where it lies."""
    room, word, count = (8, "Q", "Q") if big else (4, "I", "H")
    rows = b""
    for tag, (kind, values) in sorted(entries.items()):
        raw = values if isinstance(values, bytes) else struct.pack(f"{order}{len(values)}{FORMS[kind]}", *values)
        number = len(raw) // WIDTHS[kind]
        if len(raw) > room:
            place = len(content)
            content += raw + b"\0" * (len(raw) % 2)
            raw = struct.pack(order + word, place)
        rows += struct.pack(order + "HH" + word, tag, kind, number) + raw.ljust(room, b"\0")
    place = len(content)
    content += struct.pack(order + count, len(entries)) + rows + bytes(room)
    return place
