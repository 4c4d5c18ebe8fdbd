"""Owns TIFF: its first page as 8 or 16 bit sRGB, grey or CMYK. Never a second page, which is no frame of a film.

libvips decodes nearly all of them; Pillow those whose packing or colours this libvips does not know. What a file is
stands in its first directory, which is read before either.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import pyvips

from sixpx.core.geometry import Size
from sixpx.errors import BadImage
from sixpx.worker.formats.base import EXIF, PROFILE, Header, Image, Source
from sixpx.worker.formats.ifd import Directory, exif_of, opened
from sixpx.worker.formats.native import Native

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 259, 262, 274
SAMPLES, ROWS, PLANAR, TILE_WIDTH, TILE_HEIGHT, EXTRA, DNG = 277, 278, 284, 322, 323, 338, 50706
STRIPS, TILES = 273, (324, 325)
"""The tags of where they lie, and how long tiles are (bytes)."""

PALETTE, CMYK = 3, 5
APART = 2
OLD_JPEG = 6
WIDE = {"scrgb": "rgb16", "srgb": "rgb16", "b-w": "grey16", "multiband": "grey16"}
KEPT = {"L": "b-w", "LA": "b-w", "RGB": "srgb", "RGBA": "srgb", "CMYK": "cmyk"}
"""Modes of Pillow that become libvips images as they are."""
COLOURS = {0: 1, 1: 1, CMYK: 4}
"""Samples of a pixel that are colour, where they are not three."""

ORDINARY = frozenset((1, 2, 3, 4, 5, 7, 8, 32771, 32773, 32946, 50001))
"""Compressions that libvips decodes: none, CCITT, LZW, JPEG, Deflate, PackBits, WebP. It opens files of the others
too, and fails late."""

PACKED = {
    OLD_JPEG: "old-style JPEG",
    32809: "ThunderScan",
    34661: "JBIG",
    34676: "SGI Log",
    34677: "SGI Log",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    50000: "Zstandard",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
"""The others, which Pillow may decode, by their name in sentences."""

MOST_PAGES = 10_000
"""libvips counts them one by one whenever it opens the file."""

MOST_SAMPLES = 16
"""Samples of a pixel; memory grows with them, and a picture to look at has four and a few masks."""

WHITES = ((1, 16), (255, 255), (65_535, 65_535))
"""White, and the brightest value that goes with it, of samples whose type does not say: floats and 32-bit numbers. A
float picture whose white is 1 may have highlights beyond it."""


def _directory(path: str) -> tuple[Directory, bytes]:
    """The first directory, and the EXIF of the file. Raises BadImage."""
    with open(path, "rb") as file:
        tiff = opened(file)
        directory = tiff.directory(tiff.first)
        if tiff.pages(MOST_PAGES + 1) > MOST_PAGES:
            raise BadImage(f"expected at most {MOST_PAGES:,} pages in the TIFF file, got more")
        return directory, exif_of(tiff, directory)


@dataclass(frozen=True, slots=True)
class TiffFile(Native):
    def header(self, path: str) -> Header:
        directory, exif = _directory(path)
        size = Size(directory.number(WIDTH), directory.number(HEIGHT))
        if not size.width or not size.height:
            raise BadImage("the TIFF file says no size")
        if directory.number(SAMPLES, 1) > MOST_SAMPLES:
            raise BadImage(f"the TIFF file has more than {MOST_SAMPLES} samples a pixel")
        if DNG in directory.entries:
            raise BadImage("the input is a raw photograph (DNG), which sixpx does not develop")
        turn = directory.number(ORIENTATION, 1)
        turn = turn if 1 <= turn <= 8 else 1
        if self._native(path, directory) is None:  # Pillow turns it itself
            size, turn = size.swapped() if turn >= 5 else size, 1
        return Header(size, turn, 1, _has_alpha(directory), exif)

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        directory, exif = _directory(source.path)
        _check_whole(directory, os.path.getsize(source.path))
        image = self._pixels(source.path, directory)
        if image.format not in ("uchar", "ushort"):
            image = _ranged(image, lambda: self._pixels(source.path, directory))
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, EXIF, exif)
        if source.header.orientation == 1 and image.get_typeof("orientation"):
            image.remove("orientation")  # libvips read it in the EXIF, and Pillow has heeded it
        return image

    def strip(self, source: Source) -> Image:
        return self.stream(source, ())

    def _pixels(self, path: str, directory: Directory) -> Image:
        image = self._native(path, directory)
        return by_pillow(path, directory) if image is None else _bands(image, directory)

    def _native(self, path: str, directory: Directory) -> Image | None:
        """The file, opened by libvips; None where that cannot read it."""
        tiles_apart = TILE_WIDTH in directory.entries and directory.number(PLANAR, 1) == APART
        if tiles_apart or directory.number(COMPRESSION, 1) not in ORDINARY:
            return None
        try:
            return self._open(path, "error", access="sequential")  # at "truncated" a strip that is not there is black
        except pyvips.Error:
            return None


def _check_whole(directory: Directory, weight: int) -> None:
    """Raises BadImage where strips or tiles are missing or lie behind the file's end: libvips makes black of a tile
    that it cannot read. A tile at 0 is one that was left out for being black. Lengths of strips are not believed:
    some writers have them wrong, and libvips reads as much as it needs and fails where that is not there."""
    if directory.number(COMPRESSION, 1) == OLD_JPEG:
        return
    width, height = directory.number(WIDTH), directory.number(HEIGHT)
    if TILE_WIDTH in directory.entries:
        across, down = directory.number(TILE_WIDTH), directory.number(TILE_HEIGHT)
        places, lengths = directory.numbers(TILES[0]), directory.numbers(TILES[1])
    else:
        across, down = width, min(directory.number(ROWS, height), height)
        places, lengths = directory.numbers(STRIPS), ()
    if not across or not down:
        raise BadImage("the TIFF file is broken")
    planes = directory.number(SAMPLES, 1) if directory.number(PLANAR, 1) == APART else 1
    wanted = -(-width // across) * -(-height // down) * planes
    ends = (place + length for place, length in zip_longest(places, lengths, fillvalue=0))
    if len(places) < wanted or max(ends, default=0) > weight:
        raise BadImage("the TIFF file is cut short")


def _has_alpha(directory: Directory) -> bool:
    """Whether the first sample beyond the colours is one: an unspecified one is a mask that an editor saved, and where
    nothing is said, everyone takes it for alpha."""
    colours = COLOURS.get(directory.number(PHOTOMETRIC), 1 if directory.number(PHOTOMETRIC) == PALETTE else 3)
    beyond = directory.number(SAMPLES, 1) - colours
    return beyond > 0 and directory.number(EXTRA, 1) != 0


def _bands(image: Image, directory: Directory) -> Image:
    """Without the bands that are neither colour nor alpha."""
    wanted = COLOURS.get(directory.number(PHOTOMETRIC), 3) + _has_alpha(directory)
    return image.extract_band(0, n=wanted) if image.bands > wanted else image


def _ranged(image: Image, again: Callable[[], Image]) -> Image:
    """The image with 8 or 16 bit a sample, in a space that profiles and methods take; `again` opens it once more
    where it must be read to its end: a stream is read once only."""
    if image.interpretation in ("lab", "labs"):
        return image.colourspace("lab").icc_export(output_profile="srgb", pcs="lab")
    if image.format == "char":
        return image.copy(format="uchar")  # a wrong tag: no picture has negative bytes, and no other decoder heeds it
    if image.format == "short":
        return image.cast("ushort")
    white = _white(again().max(), image.format)
    if white == 1 and image.interpretation == "scrgb" and not image.get_typeof(PROFILE):
        return image.colourspace("srgb")
    image = (image * (65_535 / white)).cast("ushort")
    return image.copy(interpretation=WIDE.get(image.interpretation, image.interpretation))


def _white(brightest: float, format: str) -> float:
    whites = WHITES if format in ("float", "double") else WHITES[1:]
    if not math.isfinite(brightest):
        return 1
    return next((white for white, most in whites if brightest <= most), brightest)


def by_pillow(path: str, directory: Directory) -> Image:
    """The first page, upright, decoded by Pillow. Raises BadImage."""
    from PIL import Image as Pillow  # rarely needed, and a quarter of a lane's start

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own limits and of tags that it does not know
            with Pillow.open(path, formats=("TIFF",)) as picture:
                picture.load()
                image = _of_pillow(picture, directory)
                profile = picture.info.get("icc_profile")
    except MemoryError:
        raise
    except Exception as error:  # a broken file makes it raise anything
        raise BadImage(_reason(directory)) from error
    if profile:
        image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return image


def _of_pillow(picture: Any, directory: Directory) -> Image:
    """The same pixels as a libvips image, in a space that `_ranged` takes."""
    if picture.mode == "LAB":
        # by libvips, row by row: an array of floats would be four times the picture
        stored = pyvips.Image.new_from_array(np.asarray(picture), interpretation="multiband")
        lightness = stored[0] * (100 / 255)
        return lightness.bandjoin(stored[1:3].copy(format="char")).copy(interpretation="lab")
    if picture.mode in ("I", "F"):
        return pyvips.Image.new_from_array(np.asarray(picture), interpretation="b-w")
    if picture.mode.startswith("I;16"):
        most = (1 << directory.number(BITS, 16)) - 1
        wide = np.asarray(picture).astype(np.uint32) * 65_535 // most
        return pyvips.Image.new_from_array(wide.astype(np.uint16), interpretation="grey16")
    if picture.mode not in KEPT:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return pyvips.Image.new_from_array(np.asarray(picture), interpretation=KEPT.get(picture.mode, "srgb"))


def _reason(directory: Directory) -> str:
    packed = PACKED.get(directory.number(COMPRESSION, 1))
    return f"the TIFF file is packed as {packed}, which sixpx does not read" if packed else "the TIFF file is broken"


TIFF = TiffFile("image/tiff", "TIFF", "tiffload", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
