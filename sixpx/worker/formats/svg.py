"""Owns SVG drawings, by libvips and librsvg. Never opens one by its path: then links to files beside it would be read.

From bytes there is nothing that a link could be relative to, and librsvg follows none but `data:`. Scripts are not
run. What an element bomb costs is bounded by librsvg (500,000 elements) and by the lane's time.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Sequence
from typing import Any

import pyvips

from sixpx.core.geometry import Size
from sixpx.errors import BadImage, OverLimit
from sixpx.worker.formats.base import Header, Image, Source
from sixpx.worker.formats.drawn import LONGEST, natural, target

type = "image/svg+xml"
name = "SVG"
animated = False
drawn = True

MOST = 16 * 1024 * 1024
"""Bytes of a drawing, inflated. libxml2 takes no longer piece of text than 10 MB anyway."""

DPI = 96
"""Pixels an inch (CSS Values and Units 4, section 6.2)."""
DPI_OF_LIBVIPS = 72
"""The dpi at which libvips takes a pixel of the drawing for a pixel of the picture."""

GZIP = b"\x1f\x8b"
WITH_GZIP_HEADER = 31
"""zlib's window bits for a gzip stream."""

ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
"""How a file begins that is not simply ASCII (XML 1.0, appendix F)."""

# atomic and possessive: what was read is never read in another way, which could take exponential time
PROLOG = re.compile(
    r"(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE\s+(?:[\w.-]+:)?svg\b[^\[>]*(?:\[.*?\]\s*)?>)*+", re.DOTALL | re.ASCII
)
ROOT = re.compile(r"<(?:[\w.-]+:)?svg(?=[\s/>])", re.ASCII)
UNFINISHED = re.compile(r"<\?xml\s|<!--|<!DOCTYPE\s+(?:[\w.-]+:)?svg\b", re.ASCII)


def claims(head: bytes) -> bool:
    """By the root element. Where the head ends before it, any XML is taken for SVG: nothing else of ours is XML."""
    text = _text(_inflated(head, len(head)) if head.startswith(GZIP) else head)
    prolog = PROLOG.match(text)
    rest = text[prolog.end() :] if prolog else text
    return bool(ROOT.match(rest) or UNFINISHED.match(rest))


def missing() -> str | None:
    return None


def header(path: str) -> Header:
    return Header(_natural(_read(path)), alpha=True)


def stream(source: Source, wanted: Sequence[Size]) -> Image:
    size, own, data = target(source, wanted), source.stored, _read(source.path)
    across, down = size.width / own.width, size.height / own.height
    for scale in (across, down):
        image = _image(data, scale)
        if (image.width, image.height) == (size.width, size.height):
            return image
    # stretched: one axis comes too large, as far as that is allowed
    return _image(data, min(max(across, down), (source.limits.input_pixels / own.pixels) ** 0.5))


def strip(source: Source) -> Image:
    return stream(source, ())


def _text(head: bytes) -> str:
    for mark, encoding in ENCODINGS:
        if head.startswith(mark):
            return head.decode(encoding, "ignore").removeprefix("\ufeff")
    return head.decode("latin-1")


def _inflated(data: bytes, most: int) -> bytes:
    """As much of a gzip stream as is there, at most so many bytes; nothing where it is broken."""
    try:
        return zlib.decompressobj(WITH_GZIP_HEADER).decompress(data, most)
    except zlib.error:
        return b""


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        data = file.read(MOST + 1)
    if data.startswith(GZIP):
        data = _inflated(data, MOST + 1)
    if len(data) > MOST:
        raise OverLimit(f"expected at most {MOST:,} bytes in the SVG file, inflated, got more")
    return data


def _natural(data: bytes) -> Size:
    """The size by width and height, else by the viewBox, else by what is drawn. Raises BadImage, pyvips.Error."""
    try:
        image = _image(data, 1)
    except pyvips.Error as error:
        if "dimensions" in str(error):
            raise BadImage("expected a width and a height above 0, or a viewBox, in the SVG file") from error
        raise
    size = natural(image.width, image.height, name)
    if 1 in (size.width, size.height) and _overflows(data, size):
        raise BadImage(f"expected a size of at most {LONGEST:,} a side in the SVG file, got more")
    return size


def _overflows(data: bytes, size: Size) -> bool:
    """Whether a side of 1 is none: more pixels than libvips can count come out as 1, at every scale."""
    try:
        larger = _image(data, 8)
    except pyvips.Error:
        return True
    return (size.width, larger.width) == (1, 1) or (size.height, larger.height) == (1, 1)


def _image(data: bytes, scale: float) -> Any:
    """The drawing, to be rasterised as it is read. Raises pyvips.Error."""
    return pyvips.Image.svgload_buffer(data, dpi=DPI, scale=scale * DPI_OF_LIBVIPS / DPI)
