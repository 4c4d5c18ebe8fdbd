"""Owns the attacks in TIFF, AVIF and HEIC: directories and boxes that lie or lead in circles. Never runs one."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import partial

import numpy as np

from tests.fuzz.attack import Attack
from tests.fuzz.attacks_in_files import jpeg_of
from tests.fuzz.seeds import pixels, seed
from tests.fuzz.streams import deflated_zeros, squeezed_zeros
from tests.worker.tiffs import LONG, SHORT, tiff

BIG = ("over_limit", "bad_image")

# --- TIFF -----------------------------------------------------------------------------------------


def saying(**more: int) -> bytes:
    """A good one whose directory says something else: `t256=1` for tag 256."""
    return tiff(pixels(), 2, rows=5, fields={int(tag[1:]): (LONG, [value]) for tag, value in more.items()})


def tiled_saying(tile: int, *, apart: bool) -> bytes:
    fields = {322: (LONG, [tile]), 323: (LONG, [tile])}
    return tiff(pixels(), 2, tile=16, planar=apart, fields=fields)


def counting(tag: int, count: int) -> bytes:
    """A good one that says that an entry has so many values."""
    content = bytearray(tiff(pixels(), 2, rows=5))
    place = content.rindex(struct.pack("<H", tag) + struct.pack("<H", LONG))
    content[place + 4 : place + 8] = struct.pack("<I", count)
    return bytes(content)


def circling() -> bytes:
    """The directory is followed by itself."""
    content = tiff(pixels(), 2)
    return content[:-4] + content[4:8]


def of_pages(count: int) -> bytes:
    """Pages of one pixel, all of them the same one."""
    entries = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 1)]
    row = b"".join(struct.pack("<HHII", tag, LONG, 1, value) for tag, value in entries)
    length = 2 + len(row) + 4
    first = 16
    starts = [first + number * length for number in range(count)]
    pages = b"".join(struct.pack("<H", len(entries)) + row + struct.pack("<I", after) for after in [*starts[1:], 0])
    return b"II*\0" + struct.pack("<I", first) + bytes(8) + pages


def packed_zeros(kind: int, data: bytes) -> bytes:
    """A small grey one whose only strip is this."""
    content = bytearray(tiff(np.zeros((30, 40), np.uint8), 1, fields={259: (SHORT, [kind])}))
    place, length = len(content), len(data)
    for tag, value in ((273, place), (279, length)):
        at = content.rindex(struct.pack("<HHI", tag, LONG, 1))
        content[at + 8 : at + 12] = struct.pack("<I", value)
    return bytes(content) + data


def flat(side: int, samples: int, bits: int, photometric: int) -> bytes:
    """One strip of zeros, as large as that takes."""
    fields = {256: (LONG, [side]), 257: (LONG, [side]), 278: (LONG, [side]), 259: (SHORT, [8])}
    small = tiff(
        np.zeros((1, 1, samples), {8: np.uint8, 16: np.uint16, 32: np.float32}[bits]), photometric, fields=fields
    )
    content, data = bytearray(small), deflated_zeros(side * side * samples * bits // 8)
    for tag, value in ((273, len(small)), (279, len(data))):
        at = content.rindex(struct.pack("<HHI", tag, LONG, 1))
        content[at + 8 : at + 12] = struct.pack("<I", value)
    return bytes(content) + data


def jpeg_inside(width: int, height: int) -> bytes:
    """JPEG in TIFF whose inner picture says that it is this large."""
    inner = jpeg_of(width, height)
    content = bytearray(tiff(np.zeros((16, 24, 3), np.uint8), 6, fields={259: (SHORT, [7]), 530: (SHORT, [2, 2])}))
    for tag, value in ((273, len(content)), (279, len(inner))):
        at = content.rindex(struct.pack("<HHI", tag, LONG, 1))
        content[at + 8 : at + 12] = struct.pack("<I", value)
    return bytes(content) + inner


def old_jpeg_inside(width: int, height: int) -> bytes:
    inner = jpeg_of(width, height)
    fields = {259: (SHORT, [6]), 513: (LONG, [8]), 514: (LONG, [len(inner)]), 530: (SHORT, [2, 2])}
    content = bytearray(tiff(np.zeros((16, 24, 3), np.uint8), 6, rows=16, fields=fields))
    content[8 : 8 + len(inner)] = inner
    return bytes(content)


TIFFS: Mapping[str, Attack] = {
    "TIFF that follows itself": Attack(circling, ("made", "bad_image")),
    "TIFF of 100,000 pages": Attack(partial(of_pages, 100_000), ("made", "bad_image")),
    "TIFF of 2^32 rows": Attack(partial(saying, t257=2**32 - 1), BIG),
    "TIFF of 2^32 by 2^32": Attack(partial(saying, t256=2**32 - 1, t257=2**32 - 1), BIG),
    "TIFF with 2^32 strips": Attack(partial(counting, 273, 2**32 - 1), ("bad_image", "made")),
    "TIFF with 2^28 strips": Attack(partial(counting, 273, 2**28), ("bad_image", "made")),
    "TIFF with 2^31 strips' lengths": Attack(partial(counting, 279, 2**31), ("bad_image", "made")),
    "TIFF with 2^32 rows a strip": Attack(partial(saying, t278=2**32 - 1), ("bad_image", "made")),
    "TIFF of 65,535 bits a sample": Attack(partial(saying, t258=65_535)),
    "TIFF of 65,535 samples": Attack(partial(saying, t277=65_535)),
    "TIFF in tiles of 65,520": Attack(partial(tiled_saying, 65_520, apart=False)),
    "TIFF in tiles of 2^31": Attack(partial(tiled_saying, 2**31, apart=False)),
    "TIFF in tiles of 65,520, planes apart": Attack(partial(tiled_saying, 65_520, apart=True)),
    "TIFF in tiles of 16,384, planes apart": Attack(partial(tiled_saying, 16_384, apart=True)),
    "TIFF in tiles of 2^31, planes apart": Attack(partial(tiled_saying, 2**31, apart=True)),
    "TIFF whose strip never ends": Attack(lambda: packed_zeros(8, deflated_zeros(10**9)), ("made", "bad_image")),
    "TIFF whose LZMA never ends": Attack(lambda: packed_zeros(34925, squeezed_zeros(10**8)), ("made", "bad_image")),
    "TIFF with JPEG of 65,000 by 65,000": Attack(partial(jpeg_inside, 65_000, 65_000)),
    "TIFF with JPEG of 8,600 by 8,600": Attack(partial(jpeg_inside, 8600, 8600)),
    "TIFF with old JPEG of 65,000 by 65,000": Attack(partial(old_jpeg_inside, 65_000, 65_000), ("bad_image",)),
    "TIFF in one strip, as large as may be": Attack(partial(flat, 8600, 3, 8, 2), ("made",)),
    "TIFF in one strip of floats": Attack(partial(flat, 8600, 3, 32, 2), ("made", "out_of_memory", "bad_image")),
    "TIFF in one strip of Lab": Attack(partial(flat, 4000, 3, 8, 8), ("made",)),
    "TIFF in one strip of 16 bits CMYK": Attack(partial(flat, 8600, 4, 16, 5), ("made", "out_of_memory", "bad_image")),
}

# --- AVIF and HEIC --------------------------------------------------------------------------------


def box(kind: bytes, *data: bytes) -> bytes:
    content = b"".join(data)
    return struct.pack(">I", 8 + len(content)) + kind + content


def full(kind: bytes, *data: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *data)


def of_size(format: str, width: int, height: int) -> bytes:
    """A good one whose boxes say that it has this size."""
    content = bytearray(seed(format, "plain"))
    place = content.index(b"ispe") + 8
    content[place : place + 8] = struct.pack(">II", width, height)
    return bytes(content)


def part(content: bytes, kind: bytes) -> bytes:
    """The first box of this kind, head and all."""
    place = content.index(kind) - 4
    return content[place : place + int.from_bytes(content[place : place + 4], "big")]


def tiles(columns: int, rows: int, *, itself: bool = False) -> bytes:
    """An AVIF that is put together of tiles, all of them the same one; or of itself."""
    good = seed("AVIF", "plain")
    data = part(good, b"mdat")[8:]
    size = struct.unpack(">II", part(good, b"ispe")[12:20])
    total = (min(65_535, columns * size[0]), min(65_535, rows * size[1]))
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *total)
    count = columns * rows
    names = [
        full(b"infe", struct.pack(">HH4s", number, 0, kind), b"\0", version=2)
        for number, kind in ((1, b"grid"), (2, b"av01"))
    ]
    one, whole = full(b"ispe", struct.pack(">II", *size)), full(b"ispe", struct.pack(">II", *total))
    properties = box(b"ipco", one, part(good, b"av1C"), part(good, b"pixi"), whole)
    told = full(b"ipma", struct.pack(">IHBBBHBBBB", 2, 1, 2, 4, 3, 2, 3, 1, 0x82, 3))
    parts = struct.pack(f">HH{count}H", 1, count, *[1 if itself else 2] * count)
    links = full(b"iref", box(b"dimg", parts))

    def made(start: int) -> bytes:
        places = struct.pack(">BBH", 0x44, 0, 2) + struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(grid))
        places += struct.pack(">HHHHII", 2, 0, 0, 1, start, len(data))
        meta = full(
            b"meta", full(b"hdlr", bytes(4) + b"pict" + bytes(13)), full(b"pitm", b"\0\1"),
            full(b"iloc", places, version=1), full(b"iinf", b"\0\2", *names), links,
            box(b"iprp", properties, told), box(b"idat", grid),
        )  # fmt: skip
        return part(good, b"ftyp") + meta + box(b"mdat", data)

    return made(len(made(0)) - len(data))


def extents(count: int) -> bytes:
    """A good AVIF whose picture is so many times its whole file."""
    good = seed("AVIF", "plain")
    was = part(good, b"iloc")
    table = struct.pack(">BBH", 0x44, 0, 1) + struct.pack(">HHH", 1, 0, count) + struct.pack(">II", 0, 60_000) * count
    made = good.replace(was, full(b"iloc", table))
    meta = part(good, b"meta")
    longer = len(meta) + len(made) - len(good)
    return made.replace(meta[:8], struct.pack(">I4s", longer, b"meta"), 1) + bytes(60_000)


def nested(depth: int) -> bytes:
    """Boxes in boxes."""
    content = b""
    for _ in range(depth):
        content = box(b"iprp", content)
    return part(seed("AVIF", "plain"), b"ftyp") + full(b"meta", content)


def elsewhere(path: str) -> bytes:
    """A HEIF file whose picture is said to lie in another file."""
    good = seed("AVIF", "plain")
    table = struct.pack(">BBH", 0x44, 0, 1) + struct.pack(">HHH", 1, 1, 1) + struct.pack(">II", 0, 400)
    link = box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", path.encode() + b"\0")))
    meta = part(good, b"meta")
    changed = box(b"meta", meta[8:].replace(part(good, b"iloc"), full(b"iloc", table)), link)
    return good.replace(meta, changed)


HEIFS: Mapping[str, Attack] = {
    "AVIF that says 65,535 by 65,535": Attack(partial(of_size, "AVIF", 65_535, 65_535), BIG),
    "AVIF that says 8,600 by 8,600": Attack(partial(of_size, "AVIF", 8600, 8600), ("bad_image", "made")),
    "AVIF that says 1 by 1": Attack(partial(of_size, "AVIF", 1, 1), ("bad_image", "made")),
    "AVIF that says 2^32 by 2^32": Attack(partial(of_size, "AVIF", 2**32 - 1, 2**32 - 1), BIG),
    "AVIF of four tiles": Attack(partial(tiles, 2, 2), ("made",)),
    "AVIF of 65,025 tiles": Attack(partial(tiles, 255, 255), ("made", *BIG)),
    "AVIF of tiles that are itself": Attack(partial(tiles, 2, 2, itself=True)),
    "AVIF of 256 tiles that are itself": Attack(partial(tiles, 16, 16, itself=True)),
    "AVIF of 60,000 pieces": Attack(partial(extents, 60_000)),
    "AVIF of 30 pieces": Attack(partial(extents, 30)),
    "AVIF of boxes in boxes": Attack(partial(nested, 100_000)),
    "HEIC that says 65,535 by 65,535": Attack(partial(of_size, "HEIC", 65_535, 65_535), BIG),
    "HEIC that says 8,600 by 8,600": Attack(partial(of_size, "HEIC", 8600, 8600), ("bad_image", "made")),
    "HEIC that says 1 by 1": Attack(partial(of_size, "HEIC", 1, 1), ("bad_image", "made")),
}
