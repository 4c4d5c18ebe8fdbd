"""Owns the corpus test: every kind of file, rendered and compared with what another decoder makes of it. Never a file's
making (samples.py).

The other decoder is Pillow, with LittleCMS for profiles, CMYK and Lab. Where it cannot read a file, or reads it
wrongly, and for HEIC, whose decoder we share, it is the picture that the file was made of.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, ImageSequence

from sixpx.core.render import Limits, Saving, Sheet
from sixpx.worker.frames import split
from sixpx.worker.loaders import probe, strip

from . import samples
from .conftest import Studio

Tolerance = tuple[float, int]
"""The greatest mean and the greatest single difference of values of 0..255, alpha multiplied in."""

SAME = (0.0, 0)
ROUNDED = (0.6, 1)
"""16 bit to 8, rounded or cut off; a profile's table, rounded twice."""
ENGINES = (0.6, 30)
"""Colours at the edge of the gamut, clipped by two engines."""
DECODERS = (1.3, 30)
"""Two decoders of a lossy format, whose standard leaves the way from chroma to pixels open."""

TOLERANCES: dict[str, Tolerance] = {
    "PNG 16 bit": ROUNDED, "PNG 16 bit grey": ROUNDED, "PNG 16 bit with alpha": ROUNDED,
    "PNG interlaced 16 bit": ROUNDED, "PNG display p3": ROUNDED, "WebP display p3": ROUNDED,
    "JPEG display p3": ROUNDED, "JPEG cmyk": ROUNDED, "JPEG cmyk with a profile": ROUNDED,
    "JPEG progressive cmyk": ROUNDED, "JPEG ycck": (0.6, 15),
    "TIFF cmyk": ROUNDED, "TIFF cmyk with a profile": ROUNDED, "TIFF cmyk, 16 bit": ROUNDED,
    "TIFF cmyk and a spot colour": ROUNDED, "TIFF cmyk in jpeg": ROUNDED, "TIFF display p3": ROUNDED,
    "TIFF float": ROUNDED, "TIFF float with highlights": (0.6, 5), "TIFF float to 255": ROUNDED,
    "TIFF float grey": ROUNDED, "TIFF float grey to 255": ROUNDED, "TIFF 12 bit grey": ROUNDED,
    "TIFF lab": ENGINES, "TIFF lab, 16 bit": (1.0, 30), "TIFF 16 bit display p3": ENGINES,
    "AVIF": DECODERS, "AVIF 4:4:4": ROUNDED, "AVIF grey": ROUNDED,
    "HEIC": (2.0, 50), "HEIC 4:4:4": (1.0, 10), "HEIC 10 bit": (1.0, 10), "HEIC grey": (1.0, 10),
    "HEIC display p3": (1.5, 20), "HEIC display p3 by number": (1.5, 20),
}  # fmt: skip
"""By file, or by format for the rest of its files; what is not named is equal to the bit."""

SMALL = (2.5, 60)
"""A scaled picture: two ways to Lanczos, colours converted after it or before."""

OF_PHOTO = {
    "TIFF white is zero, 16 bit": "L", "TIFF 12 bit grey": "L", "TIFF float grey": "L", "TIFF 32 bit": "RGB",
    "TIFF float": "RGB", "TIFF float with highlights": "RGB", "TIFF float to 255": "RGB",
    "TIFF BigTIFF, big endian": "RGB", "TIFF alpha and two masks": "RGBA", "TIFF cmyk and a spot colour": "CMYK",
    "HEIC alpha": "RGBA", "HEIC grey": "L", "HEIC": "RGB",
}  # fmt: skip
"""Files, or formats, that are held to the picture that they were made of: its mode."""

AS = {"TIFF lab, 16 bit": "TIFF lab"}
"""A file that is held to another one, which the other decoder can read."""

NAMES = [f"{format} {name}" for format, files in samples.ALL.items() for name in files]


@cache
def content(name: str) -> bytes:
    format, _, kind = name.partition(" ")
    return samples.ALL[format][kind]()


def named(table: dict[str, Any], name: str, default: Any) -> Any:
    return table.get(name, table.get(name.split(" ")[0], default))


def expected(name: str) -> Image.Image:
    """The first picture of the file, upright, RGB or RGBA."""
    mode = named(OF_PHOTO, name, None)
    if mode is not None:
        picture = samples.photo(mode)
    else:
        with Image.open(io.BytesIO(content(AS.get(name, name)))) as opened:
            opened.load()
            picture = ImageOps.exif_transpose(opened)
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    source = profile_of(picture, name)
    if source is not None:
        return ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.PERCEPTUAL, "RGB"
        )
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def profile_of(picture: Image.Image, name: str) -> Any:
    """The colours that the picture is in, where they are not sRGB's."""
    if picture.mode == "LAB":
        return ImageCms.createProfile("LAB")
    if "display p3" in name:
        return ImageCms.ImageCmsProfile(io.BytesIO(samples.profile("p3")))
    return ImageCms.ImageCmsProfile(io.BytesIO(samples.profile("cmyk"))) if picture.mode == "CMYK" else None


def loaded(path: str) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        return picture


def multiplied(picture: Image.Image) -> Any:
    return np.asarray(picture.convert("RGBA").convert("RGBa")).astype(int)


def difference(made: Image.Image, wanted: Image.Image) -> tuple[float, int]:
    apart = abs(multiplied(made) - multiplied(wanted))
    return float(apart.mean()), int(apart.max())


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_each_kind_is_read_as_another_decoder_reads_it(studio: Studio, name: str) -> None:
    path = studio.path()
    path.write_bytes(content(name))
    wanted = expected(name)
    half = (wanted.width // 2, wanted.height // 2)
    sheets = [
        Sheet("whole", str(studio.path()), (), Saving("image/png")),
        Sheet("small", str(studio.path()), (("resize", {"width": half[0], "height": half[1]}),), Saving("image/png")),
    ]
    report = studio.render(path, *sheets)
    assert not report.flaws
    assert report.seen is not None
    assert (report.seen.width, report.seen.height) == wanted.size
    assert report.seen.type == f"image/{name.split(' ')[0].lower()}"
    assert report.seen.warning is None
    whole, small = (loaded(sheet.path) for sheet in sheets)
    assert (whole.size, small.size) == (wanted.size, half)
    if wanted.mode == "RGBA":
        assert whole.mode == small.mode == "RGBA"
    assert_near(whole, wanted, named(TOLERANCES, name, SAME))
    assert_near(small, wanted.convert("RGBa").resize(half, Image.Resampling.LANCZOS).convert("RGBA"), SMALL)


@pytest.mark.parametrize("name", [*(f"GIF disposal {way}" for way in range(4)), "WebP animated"])
def test_every_frame_of_a_film_is_what_another_decoder_shows(studio: Studio, name: str) -> None:
    path = studio.path()
    path.write_bytes(content(name))
    frames = split(strip(probe(str(path), Limits())))
    with Image.open(io.BytesIO(content(name))) as film:
        wanted = [frame.convert("RGBA") for frame in ImageSequence.Iterator(film)]
    assert len(frames) == len(wanted) == 3
    if name == "GIF disposal 2":
        wanted[2] = samples.patch()  # Pillow paints a background, where every browser shows none
    for made, frame in zip(frames, wanted, strict=True):
        assert_near(Image.fromarray(made.numpy()), frame, SAME)


def assert_near(made: Image.Image, wanted: Image.Image, tolerance: Tolerance) -> None:
    mean, most = difference(made, wanted)
    assert mean <= tolerance[0]
    assert most <= tolerance[1]
