"""Owns the attacks in PNG, JPEG, GIF and WebP: sizes, counts and packed texts that are no picture's. Never runs one."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from functools import partial

from PIL import Image

from tests.fuzz.attack import FILM, Attack, looping_exif, many_tags
from tests.fuzz.seeds import seed
from tests.fuzz.streams import deflated_zeros

# --- PNG ------------------------------------------------------------------------------------------

MAGIC = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *before: bytes, depth: int = 8, colour: int = 0, data: bytes | None = None) -> bytes:
    """A black one; `before` are chunks before its pixels, `data` those that it has instead of its own."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    size = height * (1 + (width * depth * samples + 7) // 8)
    pixels = deflated_zeros(size) if data is None else data
    return MAGIC + head + b"".join(before) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


INFLATED = 100_000_000
"""Bytes of what is packed a thousandfold."""


def png_with(kind: bytes, head: bytes) -> bytes:
    """A small one with a hundred megabytes of something beside its pixels."""
    return png(40, 30, chunk(kind, head + deflated_zeros(INFLATED)))


PNGS: Mapping[str, Attack] = {
    "PNG of 2^31 by 2^31": Attack(partial(png, 2**31, 2**31, data=b"")),
    "PNG of 2^31 - 1 by 2^31 - 1": Attack(partial(png, 2**31 - 1, 2**31 - 1, data=b""), ("bad_image", "over_limit")),
    "PNG of 0 by 0": Attack(partial(png, 0, 0)),
    "PNG of 30,000 by 30,000, flat": Attack(
        partial(png, 30_000, 30_000), ("over_limit",), "900,000,000 pixels; the limit input_pixels is 75,000,000"
    ),
    "PNG of 30,000 by 30,000, flat, 1 bit": Attack(partial(png, 30_000, 30_000, depth=1), ("over_limit",)),
    "PNG as large as may be, 16 bit": Attack(partial(png, 8600, 8600, depth=16, colour=6), ("made",)),
    "PNG one pixel high": Attack(partial(png, 74_000_000, 1), ("over_limit",), "a side of 74,000,000 pixels"),
    "PNG one pixel wide": Attack(partial(png, 1, 1_000_000), ("made", "over_limit"), "output_side"),
    "PNG whose pixels never end": Attack(partial(png, 40, 30, data=deflated_zeros(INFLATED)), ("made", "bad_image")),
    "PNG with a profile of 100 MB": Attack(partial(png_with, b"iCCP", b"icc\0\0"), ("made", "bad_image")),
    "PNG with a text of 100 MB": Attack(partial(png_with, b"zTXt", b"Comment\0\0"), ("made", "bad_image")),
    "PNG with EXIF of 100 MB in a text": Attack(
        partial(png_with, b"zTXt", b"Raw profile type exif\0\0"), ("made", "bad_image")
    ),
    "PNG with XMP of 100 MB": Attack(partial(png_with, b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"), ("made", "bad_image")),
    "PNG with 100,000 texts": Attack(
        lambda: png(40, 30, *[chunk(b"tEXt", b"K%d\0words" % number) for number in range(100_000)]),
        ("made", "bad_image"),
    ),
    "PNG with a hundred packed texts of 10 MB": Attack(
        lambda: png(40, 30, *[chunk(b"zTXt", b"K%d\0\0" % n + deflated_zeros(10_000_000)) for n in range(100)]),
        ("made", "bad_image"),
    ),
    "PNG with EXIF that loops": Attack(lambda: png(40, 30, chunk(b"eXIf", looping_exif(">")[6:])), ("made",)),
}

# --- JPEG -----------------------------------------------------------------------------------------


def segment(code: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(data) + 2) + data


def jpeg(*segments: bytes) -> bytes:
    """A good one with these segments behind its beginning."""
    good = seed("JPEG", "baseline")
    return good[:2] + b"".join(segments) + good[2:]


def jpeg_of(width: int, height: int) -> bytes:
    """A good one whose header says that it has this size."""
    good = bytearray(seed("JPEG", "baseline"))
    place = good.index(b"\xff\xc0")
    good[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(good)


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive grey one; each scan says in few bytes that nothing changes in the whole picture."""
    frame = segment(0xC2, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0))
    quantised = segment(0xDB, b"\0" + b"\1" * 64)
    # the one code of each table: DC difference 0, and a run of 32,767 blocks without coefficients (14 bits follow)
    tables = segment(0xC4, b"\x00\1" + bytes(15) + b"\0") + segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0")
    blocks = -(-width // 8) * -(-height // 8)
    first = segment(0xDA, struct.pack(">BBBBBB", 1, 1, 0, 0, 0, 0)) + bytes(-(-blocks // 8))
    runs = -(-blocks // 32_767)
    bits = ("0" + "1" * 14) * runs
    packed = int(bits + "0" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8), "big").replace(b"\xff", b"\xff\0")
    more = segment(0xDA, struct.pack(">BBBBBB", 1, 1, 0, 1, 63, 0)) + packed
    return b"\xff\xd8" + quantised + frame + tables + first + more * scans + b"\xff\xd9"


def _pushed(content: bytes, more: bytes) -> bytes:
    return content[:2] + more + content[2:]


def icc_pieces() -> bytes:
    piece = b"ICC_PROFILE\0"
    return jpeg(*[segment(0xE2, piece + bytes((number, 255)) + bytes(65_000)) for number in range(1, 256)])


JPEGS: Mapping[str, Attack] = {
    "JPEG of 65,535 by 65,535": Attack(partial(jpeg_of, 65_535, 65_535), ("bad_image", "over_limit")),
    "JPEG of 65,000 by 65,000": Attack(partial(jpeg_of, 65_000, 65_000), ("over_limit",), "4,225,000,000 pixels"),
    "JPEG of 8,600 by 8,600 that is not there": Attack(partial(jpeg_of, 8600, 8600), ("bad_image", "made")),
    "JPEG of no height": Attack(partial(jpeg_of, 40, 0)),
    "JPEG with 65,000 segments": Attack(
        lambda: jpeg(*[segment(0xED, b"segment")] * 65_000), words="at most 10,000 segments"
    ),
    "JPEG with a thousand EXIF segments": Attack(
        lambda: jpeg(*[segment(0xE1, b"Exif\0\0" + bytes(60_000))] * 1000), ("made", "bad_image")
    ),
    "JPEG with a profile in 255 pieces": Attack(icc_pieces, ("made", "bad_image")),
    "JPEG with EXIF that loops": Attack(lambda: jpeg(segment(0xE1, looping_exif())), ("made",)),
    "JPEG with EXIF of 65,535 tags": Attack(lambda: jpeg(segment(0xE1, many_tags())), ("made",)),
    "JPEG of 9,000 scans": Attack(partial(jpeg_of_scans, 8600, 8600, 9_000), words="200 scans"),
    "JPEG of 20,000 scans": Attack(partial(jpeg_of_scans, 8600, 8600, 20_000), words="200 scans"),
    "JPEG of 20,000 scans behind 9,900 segments": Attack(
        lambda: _pushed(jpeg_of_scans(8600, 8600, 20_000), segment(0xFE, b"x") * 9_900), words="10,000 segments"
    ),
    "JPEG of 190 scans": Attack(partial(jpeg_of_scans, 8600, 8600, 189), ("made",)),
}

# --- GIF and WebP ---------------------------------------------------------------------------------

GIF_FRAME = b"\x21\xf9\4\0\1\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
"""One pixel."""


def gif(width: int, height: int, frames: int) -> bytes:
    """A screen of that size, and frames of one pixel."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + GIF_FRAME * frames + b";"


def full_gif(width: int, height: int, frames: int) -> bytes:
    """Frames as large as the screen, each flat."""
    target = io.BytesIO()
    Image.new("P", (width, height)).save(target, "GIF", interlace=False)
    whole = target.getvalue()
    start = whole.index(b"\x2c" + bytes(4) + struct.pack("<HH", width, height))
    return whole[:start] + (GIF_FRAME[:8] + whole[start:-1]) * frames + b";"


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def three(value: int) -> bytes:
    return value.to_bytes(3, "little")


def webp_film(width: int, height: int, frames: int) -> bytes:
    """Frames of one pixel on a canvas of that size."""
    target = io.BytesIO()
    Image.new("RGB", (1, 1)).save(target, "WEBP", lossless=True)
    pixel = target.getvalue()[12:]
    frame = webp_chunk(b"ANMF", three(0) * 2 + three(0) * 2 + three(50) + b"\0" + pixel)
    head = webp_chunk(b"VP8X", b"\2\0\0\0" + three(width - 1) + three(height - 1))
    return riff(head, webp_chunk(b"ANIM", bytes(6)), *[frame] * frames)


def webp_of(size: int, *, lossless: bool) -> bytes:
    """A good one whose header says that it has this size."""
    good = bytearray(seed("WebP", "lossless" if lossless else "lossy"))
    if lossless:
        place = good.index(b"VP8L") + 9
        good[place : place + 4] = struct.pack("<I", (size - 1) | (size - 1) << 14)
    else:
        place = good.index(b"\x9d\x01\x2a") + 3
        good[place : place + 4] = struct.pack("<HH", size, size)
    return bytes(good)


BIG = ("over_limit", "bad_image")

FILMS: Mapping[str, Attack] = {
    "GIF of 10,000 frames": Attack(
        partial(gif, 4, 4, 10_000), ("over_limit",), "10,000 frames; the limit input_frames is 300", FILM
    ),
    "GIF of a million frames": Attack(partial(gif, 1, 1, 1_000_000), ("over_limit",), "frames", FILM),
    "GIF with a screen of 65,535 by 65,535": Attack(partial(gif, 65_535, 65_535, 2), ("made", *BIG), "", FILM),
    "GIF with a frame of 65,535 by 65,535": Attack(
        lambda: gif(65_535, 65_535, 2).replace(GIF_FRAME[8:17], b"\x2c" + bytes(4) + b"\xff" * 4), BIG, "", FILM
    ),
    "GIF of 300 frames as large as may be": Attack(
        partial(full_gif, 2000, 2000, 300), ("over_limit",), "over all frames", FILM
    ),
    "GIF of 67 frames with 4 million pixels": Attack(partial(full_gif, 2000, 2000, 67), ("made",), "", FILM),
    "WebP of 10,000 frames": Attack(partial(webp_film, 4, 4, 10_000), ("over_limit",), "10,000 frames", FILM),
    "WebP with a canvas of 16,383 by 16,383": Attack(partial(webp_film, 16_383, 16_383, 2), BIG, "", FILM),
    "WebP with a canvas of 2^24 by 2^24": Attack(partial(webp_film, 2**24, 2**24, 2), BIG, "", FILM),
    "WebP of 200 frames with a million pixels": Attack(partial(webp_film, 1000, 1000, 200), ("made",), "", FILM),
    "WebP that says 16,383 by 16,383": Attack(partial(webp_of, 16_383, lossless=False), BIG),
    "WebP that says 8,600 by 8,600": Attack(partial(webp_of, 8600, lossless=False)),
    "WebP that says 16,384 by 16,384, lossless": Attack(partial(webp_of, 16_384, lossless=True), BIG),
    "WebP that says 8,600 by 8,600, lossless": Attack(partial(webp_of, 8600, lossless=True)),
}
