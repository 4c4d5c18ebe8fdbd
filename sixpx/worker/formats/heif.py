"""Owns AVIF and HEIC, both HEIF files. Never a second picture of one, nor a film's second frame.

libvips reads what stands in either, turned upright by the file's own boxes; it decodes AVIF, and this build of it no
HEVC, so that the pixels of a HEIC file come from pillow-heif where that is installed.
ISO/IEC 14496-12, section 4.3 (ftyp); ISO/IEC 23008-12, annex B and 10 (brands, colr); ISO/IEC 23091-2 (primaries).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyvips

from sixpx.core.geometry import Size
from sixpx.errors import BadImage, NotSupported
from sixpx.worker.formats.base import EXIF, PROFILE, Header, Image, Source
from sixpx.worker.formats.native import Native

AVIF_BRANDS = frozenset((b"avif", b"avis"))
HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))

COLOURS = b"colrnclx"
HEAD = 65_536
"""Bytes in which the boxes of a still picture lie."""
P3 = 12
"""Display P3, of the colours that a file names by number; photographs of today have these or sRGB's."""

EXTRA = "reading it needs one more package: pip install 'sixpx[heic]'"


@dataclass(frozen=True, slots=True)
class Avif(Native):
    def claims(self, head: bytes) -> bool:
        return bool(brands(head) & AVIF_BRANDS)

    def header(self, path: str) -> Header:
        return replace(self._header(self._open(path)), orientation=1)  # the file's boxes turned it, EXIF only tells

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        return _coloured(self._open(source.path, access="sequential"), source.path)

    def strip(self, source: Source) -> Image:
        return self.stream(source, ())


@dataclass(frozen=True, slots=True)
class Heic(Avif):
    def claims(self, head: bytes) -> bool:
        found = brands(head)
        return bool(found & HEIC_BRANDS) and not found & AVIF_BRANDS

    def missing(self) -> str | None:
        return None if find_spec("pillow_heif") else EXTRA

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        image = _by_pillow_heif(source.path)
        if (image.width, image.height) != (source.stored.width, source.stored.height):
            raise BadImage("the HEIC file has another size than it says")
        if source.header.exif:
            image.set_type(pyvips.GValue.blob_type, EXIF, source.header.exif)
        return _coloured(image, source.path)


def brands(head: bytes) -> frozenset[bytes]:
    """What a file says that it is, the major brand and the compatible ones; none where it does not begin so."""
    if head[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset((head[8:12], *(head[place : place + 4] for place in range(16, end - 3, 4))))


def _coloured(image: Image, path: str) -> Image:
    """The image with the profile of the colours that its file names by number, where it has none and they are wider
    than sRGB's."""
    image = image.copy()
    if image.get_typeof("orientation"):
        image.remove("orientation")
    if not image.get_typeof(PROFILE) and _primaries(path) == P3:
        image.set_type(pyvips.GValue.blob_type, PROFILE, _p3())
    return image


def _primaries(path: str) -> int:
    """The colour primaries (H.273) of the first picture; 2, unspecified, where the file does not say."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    place = head.find(COLOURS)
    return int.from_bytes(head[place + 8 : place + 10], "big") if place >= 0 else 2


@lru_cache(maxsize=1)
def _p3() -> bytes:
    return bytes(pyvips.Operation.call("profile_load", "p3"))


def _by_pillow_heif(path: str) -> Image:
    """The first picture, upright, with 8 bit a sample. Raises BadImage, NotSupported."""
    try:
        import pillow_heif  # optional, and 60 ms that only such a file is worth
    except ImportError as error:
        raise NotSupported(f"this installation reads no HEIC files: {EXTRA}") from error
    pillow_heif.options.DECODE_THREADS = 1  # the lanes are the parallelism
    try:
        picture = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
        pixels, mode, profile = np.asarray(picture), picture.mode, picture.info.get("icc_profile")
    except MemoryError:
        raise
    except Exception as error:  # it has no exceptions of its own
        raise BadImage("the HEIC file is broken or cut short") from error
    return _tagged(pixels, mode, profile)


def _tagged(pixels: Any, mode: str, profile: bytes | None) -> Image:
    image = pyvips.Image.new_from_array(pixels, interpretation="b-w" if mode in ("L", "LA", "La") else "srgb")
    if mode in ("RGBa", "La"):
        image = image.unpremultiply().cast("uchar")
    if profile:
        image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return image


AVIF = Avif("image/avif", "AVIF", "heifload", ())
HEIC = Heic("image/heic", "HEIC", "heifload", ())
