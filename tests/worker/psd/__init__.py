"""Owns writing PSD files byte by byte, the odd ones too. Never reads one."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np

BITMAP, GREY, INDEXED, RGB, CMYK, MULTICHANNEL, DUOTONE, LAB = 0, 1, 2, 3, 4, 7, 8, 9
RAW, RLE, ZIP, ZIP_PREDICTED = range(4)
DEPTHS = {"uint8": 8, "uint16": 16, "float32": 32, "bool": 1}


def psd(
    pixels: np.ndarray,
    mode: int = RGB,
    packing: int = RAW,
    version: int = 1,
    palette: bytes = b"",
    resources: Mapping[int, bytes] | None = None,
    layers: bytes = b"",
) -> bytes:
    """A file of these pixels, (height, width, channels) as they are to be stored; `layers` is what lies in the section
    of the layers."""
    height, width, channels = pixels.shape
    depth = DEPTHS[pixels.dtype.name]
    head = struct.pack(">4sH6xHIIHH", b"8BPS", version, channels, height, width, depth, mode)
    noted = b"".join(resource(number, value) for number, value in (resources or {}).items())
    long = ">I" if version == 1 else ">Q"
    sections = struct.pack(">I", len(palette)) + palette + struct.pack(">I", len(noted)) + noted
    sections += struct.pack(long, len(layers)) + layers
    return head + sections + struct.pack(">H", packing) + packed(rows_of(pixels), packing, version)


def resource(number: int, value: bytes, name: bytes = b"") -> bytes:
    """One image resource."""
    label = bytes([len(name)]) + name + bytes((len(name) + 1) % 2)
    return b"8BIM" + struct.pack(">H", number) + label + struct.pack(">I", len(value)) + value + bytes(len(value) % 2)


def count(layers: int, version: int = 1) -> bytes:
    """A section of layers that holds nothing but how many there are."""
    return struct.pack(">Ih" if version == 1 else ">Qh", 2, layers) + bytes(4)


def rows_of(pixels: np.ndarray) -> np.ndarray:
    """(channels, height, bytes of a row)."""
    planes = np.moveaxis(pixels, 2, 0)
    if planes.dtype == bool:
        return np.packbits(planes, axis=2)
    stored = planes.astype(planes.dtype.newbyteorder(">"))
    return np.frombuffer(stored.tobytes(), np.uint8).reshape(*planes.shape[:2], -1)


def packed(rows: np.ndarray, packing: int, version: int = 1) -> bytes:
    """Channels as they lie in the file, of 8 bits where they are predicted."""
    if packing == RLE:
        lines = [pack_bits(row.tobytes()) for plane in rows for row in plane]
        table = struct.pack(f">{len(lines)}{'H' if version == 1 else 'I'}", *map(len, lines))
        return table + b"".join(lines)
    if packing == ZIP_PREDICTED:
        rows = np.concatenate((rows[:, :, :1], np.diff(rows, axis=2)), axis=2)
    raw = rows.tobytes()
    return raw if packing == RAW else zlib.compress(raw)


def pack_bits(row: bytes) -> bytes:
    """Runs of one byte, and the rest as it is."""
    out, place = bytearray(), 0
    while place < len(row):
        run = 1
        while run < 128 and row[place : place + run + 1] == row[place : place + 1] * (run + 1):
            run += 1
        out += bytes([257 - run, row[place]]) if run > 1 else bytes([0, row[place]])
        place += run
    return bytes(out)
