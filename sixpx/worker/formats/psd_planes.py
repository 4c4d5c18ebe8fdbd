"""Owns unpacking the channels of a PSD's merged picture into libvips images of one band. Never a colour, never a layer.

Channel by channel, and only those that are asked for: psd-tools unpacks all at once and holds several copies (0.4 GB
for 10 megapixels), with a float of four bytes for each value where there is transparency.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pyvips

from sixpx.errors import BadImage
from sixpx.worker.formats.base import Image
from sixpx.worker.formats.psd_header import Document, Packing

CUT_SHORT = "the picture of the PSD file is broken or cut short"
CHUNK = 1 << 20
"""Compressed bytes that are looked at a time."""


def planes(path: str, document: Document, channels: Sequence[int]) -> list[Image]:
    """These channels (ascending) of the merged picture: `uchar` for 1 and 8 bits, `ushort` for 16, `float` for 32.
    Raises BadImage."""
    unpack = {Packing.RAW: _raw, Packing.RLE: _run_lengths}.get(document.packing, _deflated)
    with open(path, "rb") as file:
        return [_image(document, raw) for raw in unpack(file, document, channels)]


def _raw(file: BinaryIO, document: Document, channels: Sequence[int]) -> Iterator[bytes]:
    length = document.row * document.size.height
    for channel in channels:
        yield _exactly(file, document.pixels + channel * length, length)


def _exactly(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    raw = file.read(length)
    if len(raw) < length:
        raise BadImage(CUT_SHORT)
    return raw


def _run_lengths(file: BinaryIO, document: Document, channels: Sequence[int]) -> Iterator[bytes]:
    """PackBits, row by row, behind a table of the rows' lengths."""
    from psd_tools.compression import decode_rle  # 0.3 s, for this format alone

    height, width = document.size.height, 2 * document.version
    table = _exactly(file, document.pixels, document.channels * height * width)
    sums = np.frombuffer(table, f">u{width}").reshape(document.channels, height).sum(axis=1, dtype=np.int64)
    starts = document.pixels + len(table) + np.concatenate(([0], np.cumsum(sums)))
    for channel in channels:
        counts = table[channel * height * width : (channel + 1) * height * width]
        packed = counts + _exactly(file, int(starts[channel]), int(sums[channel]))
        try:
            yield decode_rle(packed, document.row * 8, height, 1, document.version)
        except (ValueError, IndexError, OSError) as error:
            raise BadImage(CUT_SHORT) from error


def _deflated(file: BinaryIO, document: Document, channels: Sequence[int]) -> Iterator[bytes]:
    """One zlib stream over all channels, read as far as the last that is asked for and no further."""
    from psd_tools.compression import decode_prediction  # 0.3 s, for this format alone

    length = document.row * document.size.height
    whole = _inflated(file, document.pixels, (max(channels) + 1) * length)
    for channel in channels:
        raw = whole[channel * length : (channel + 1) * length]
        if document.packing == Packing.ZIP_PREDICTED and document.depth > 1:
            raw = decode_prediction(raw, document.size.width, document.size.height, document.depth)
        yield raw


def _inflated(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    stream, whole = zlib.decompressobj(), bytearray()
    try:
        while len(whole) < length and (packed := stream.unconsumed_tail or file.read(CHUNK)):
            whole += stream.decompress(packed, length - len(whole))
    except zlib.error as error:
        raise BadImage(CUT_SHORT) from error
    if len(whole) < length:
        raise BadImage(CUT_SHORT)
    return bytes(whole)


def _image(document: Document, raw: bytes) -> Image:
    width, height = document.size.width, document.size.height
    if document.depth == 1:
        bits = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(height, -1), axis=1, count=width)
        # a set bit is ink
        return pyvips.Image.new_from_memory((255 * (1 - bits)).tobytes(), width, height, 1, "uchar")
    if document.depth == 8:
        return pyvips.Image.new_from_memory(raw, width, height, 1, "uchar")
    if document.depth == 16:
        return pyvips.Image.new_from_memory(np.frombuffer(raw, ">u2").astype("=u2"), width, height, 1, "ushort")
    values = np.nan_to_num(np.frombuffer(raw, ">f4").astype(np.float32), copy=False, nan=0.0)
    return pyvips.Image.new_from_memory(values.clip(0, 1, out=values), width, height, 1, "float")
