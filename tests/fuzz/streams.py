"""Owns streams that are far larger inflated than packed, made without being that large. Never anything but zeros."""

from __future__ import annotations

import lzma
import struct
import zlib

BLOCK = 1 << 20


def deflated_zeros(count: int) -> bytes:
    """A zlib stream (RFC 1950) of so many zeros: a thousandth of it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = last.compress(bytes(count % BLOCK)) + last.flush()
    # Adler-32 of zeros: a stays 1, b counts them
    return b"\x78\x9c" + block * (count // BLOCK) + rest + struct.pack(">HH", count % 65_521, 1)


def squeezed_zeros(count: int) -> bytes:
    """The same in xz, as LZMA in TIFF has it."""
    packer = lzma.LZMACompressor(preset=0)
    parts = [packer.compress(bytes(BLOCK)) for _ in range(count // BLOCK)]
    return b"".join(parts) + packer.flush()
