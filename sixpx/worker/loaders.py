"""Owns how a file becomes pixels that methods take: sRGB, 8 bit, 3 or 4 bands, upright. Never a method or a format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

import pyvips

from sixpx.core.geometry import Size
from sixpx.core.render import Limits, Seen
from sixpx.errors import BadImage, OverLimit
from sixpx.worker.exif import copyright_of
from sixpx.worker.exif_tags import latlon_of
from sixpx.worker.formats import HEAD, recognise
from sixpx.worker.formats.base import PROFILE, Format, Header, Image, Source
from sixpx.worker.profiles import is_srgb

INTENT = "perceptual"
"""How colours that sRGB has not are brought into it: the tables that a press's profile holds for photographs. Relative
intent, libvips' own choice, would leave the black of a print grey."""


LONGEST = 1_000_000
"""Pixels of a side; libvips makes nothing smaller than by a millionth."""


def probe(path: str, limits: Limits) -> Source:
    """Reads the header. Raises NotSupported, BadImage, OverLimit."""
    with open(path, "rb") as file:
        kind = recognise(file.read(HEAD))
        weight = os.fstat(file.fileno()).st_size
    try:
        header = kind.header(path)
    except pyvips.Error as error:
        raise BadImage(f"the {kind.name} file is broken") from error
    seen = _seen(kind, header, weight)
    _check(seen, limits, kind.drawn)
    notice = copyright_of(header.exif) if header.exif else None
    return Source(path, kind, header, seen, limits, notice)


def _seen(kind: Format, header: Header, weight: int) -> Seen:
    size = header.size.swapped() if header.orientation >= 5 else header.size
    return Seen(size.width, size.height, kind.type, weight, header.frames, latlon_of(header.exif), header.warning)


def _check(seen: Seen, limits: Limits, drawn: bool) -> None:
    pixels = seen.width * seen.height
    for what, value, name, limit in (
        ("pixels", 0 if drawn else pixels, "input_pixels", limits.input_pixels),
        ("frames", seen.frames, "input_frames", limits.input_frames),
        ("pixels over all frames", 0 if drawn else pixels * seen.frames, "all_frames_pixels", limits.all_frames_pixels),
    ):
        if value > limit:
            raise OverLimit(f"the input has {value:,} {what}; the limit {name} is {limit:,}")
    if not drawn and (side := max(seen.width, seen.height)) > LONGEST:
        raise OverLimit(f"the input has a side of {side:,} pixels; sixpx reads sides of at most {LONGEST:,}")


def check_drawn(source: Source) -> None:
    """Raises OverLimit for a drawing that is too large to be drawn at its natural size."""
    if source.kind.drawn:
        _check(source.seen, source.limits, drawn=False)


def stream(source: Source, wanted: Sequence[Size] = ()) -> Image:
    """The (first) frame as it is stored, to be read once from the top; at another size as far as the wanted
    sizes (upright) allow, where the format can do that."""
    sizes = [size.swapped() for size in wanted] if source.turned else wanted
    return _unprofiled(source.kind.stream(source, sizes))


def strip(source: Source) -> Image:
    """All frames in memory, one below the other."""
    return _unprofiled(source.kind.strip(source)).copy_memory()


def _unprofiled(image: Image) -> Image:
    """The image without a profile that would change nothing."""
    return without_profile(image) if image.get_typeof(PROFILE) and is_srgb(image.get(PROFILE)) else image


def srgb(image: Image) -> Image:
    """The image in sRGB with 8 bit and 3 or 4 bands. A profile that makes no sense is passed over."""
    if image.get_typeof(PROFILE):
        with suppress(pyvips.Error):
            image = image.icc_transform("srgb", intent=INTENT)
        image = without_profile(image)
    if image.interpretation == "cmyk":
        image = image.icc_transform("srgb", input_profile="cmyk", intent=INTENT)
    if image.interpretation != "srgb":
        image = image.colourspace("srgb")
    return image if image.format == "uchar" else image.cast("uchar")


def without_profile(image: Image) -> Image:
    image = image.copy()
    image.remove(PROFILE)
    return image


def upright(image: Image) -> Image:
    """The image with its EXIF orientation applied, and the tag gone."""
    if not image.get_typeof("orientation"):
        return image
    return (image.copy_memory() if image.get("orientation") > 1 else image).autorot()


def scaled(image: Image, size: Size) -> Image:
    """The image, whatever its colours and orientation, upright and in sRGB at exactly this size. Colours are
    converted after the scaling, when there are fewer pixels."""
    if (image.width, image.height) == (size.width, size.height) and not image.get_typeof("orientation"):
        return srgb(image)
    if not image.get_typeof(PROFILE):
        image = srgb(image) if image.interpretation == "cmyk" else image
        return srgb(image.thumbnail_image(size.width, height=size.height, size="force"))
    try:
        into = {"output_profile": "srgb", "intent": INTENT}
        image = image.thumbnail_image(size.width, height=size.height, size="force", **into)
        return srgb(without_profile(image))
    except pyvips.Error:
        return scaled(without_profile(image), size)


def broken(source: Source) -> bool:
    """Whether the file cannot be decoded to its end: asked after a failure, to tell whose fault it was."""
    try:
        stream(source).avg()
    except pyvips.Error:
        return True
    return False
