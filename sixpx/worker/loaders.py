"""Owns what a file is, by its content, and how it becomes pixels: sRGB, 8 bit, 3 or 4 bands, upright. Never a method.

Every loader is named: libvips' own choice would take an Ultra HDR JPEG for something else. Every one of them refuses
a truncated file, else its missing rows would come out grey.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyvips

from sixpx.core.geometry import Size
from sixpx.core.render import Limits, Seen
from sixpx.errors import BadImage, NotSupported, OverLimit
from sixpx.worker.cascade import jpeg_shrink, webp_scale
from sixpx.worker.exif import copyright_of
from sixpx.worker.profiles import is_srgb

Image = Any

HEAD = 4096
"""Bytes that are read to recognise a file."""

PROFILE = "icc-profile-data"
EXIF = "exif-data"


@dataclass(frozen=True, slots=True)
class Kind:
    """A format that we read: its MIME type, its name in sentences, libvips' loader, whether it can be animated."""

    type: str
    name: str
    loader: str
    animated: bool = False


JPEG = Kind("image/jpeg", "JPEG", "jpegload")
PNG = Kind("image/png", "PNG", "pngload")
GIF = Kind("image/gif", "GIF", "gifload", animated=True)
WEBP = Kind("image/webp", "WebP", "webpload", animated=True)

FOREIGN = (
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"8BPS", "PSD"),
    (b"%PDF-", "PDF or AI"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
)
"""How files begin that are images, and that this version does not read."""

HEIF_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1")


@dataclass(frozen=True, slots=True)
class Source:
    """A file whose header was read: what was seen of it (upright), and its size as it is stored."""

    path: str
    kind: Kind
    seen: Seen
    stored: Size
    alpha: bool
    copyright: bytes | None = None

    @property
    def size(self) -> Size:
        """Pixels of one frame, upright."""
        return Size(self.seen.width, self.seen.height)

    @property
    def turned(self) -> bool:
        """Whether upright is a quarter turn away from stored."""
        return self.size != self.stored


def recognise(head: bytes) -> Kind:
    """The kind of a file by its first bytes. Raises NotSupported for images that others read, BadImage for the rest."""
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    foreign = _foreign(head)
    if foreign is not None:
        raise NotSupported(f"the input is a {foreign} file; this version reads JPEG, PNG, GIF and WebP")
    raise BadImage("the input is no image that sixpx reads")


def _foreign(head: bytes) -> str | None:
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        return "AVIF" if head[8:12] in (b"avif", b"avis") else "HEIC"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"<?xml", b"<!", b"<svg")) and b"<svg" in text:
        return "SVG"
    return next((name for magic, name in FOREIGN if head.startswith(magic)), None)


def probe(path: str, limits: Limits) -> Source:
    """Reads the header. Raises NotSupported, BadImage, OverLimit."""
    with open(path, "rb") as file:
        kind = recognise(file.read(HEAD))
        weight = os.fstat(file.fileno()).st_size
    try:
        header = _open(kind, path)
    except pyvips.Error as error:
        raise BadImage(f"the {kind.name} file is broken") from error
    stored = Size(header.width, header.height)
    upright = stored.swapped() if _orientation(header) >= 5 else stored
    frames = header.get("n-pages") if kind.animated and header.get_typeof("n-pages") else 1
    seen = Seen(upright.width, upright.height, kind.type, weight, frames)
    _check(seen, limits)
    notice = copyright_of(header.get(EXIF)) if header.get_typeof(EXIF) else None
    return Source(path, kind, seen, stored, bool(header.hasalpha()), notice)


def _check(seen: Seen, limits: Limits) -> None:
    pixels = seen.width * seen.height
    for what, value, name, limit in (
        ("pixels", pixels, "input_pixels", limits.input_pixels),
        ("frames", seen.frames, "input_frames", limits.input_frames),
        ("pixels over all frames", pixels * seen.frames, "all_frames_pixels", limits.all_frames_pixels),
    ):
        if value > limit:
            raise OverLimit(f"the input has {value:,} {what}; the limit {name} is {limit:,}")


def _open(kind: Kind, path: str, **options: Any) -> Image:
    return pyvips.Operation.call(kind.loader, path, fail_on="truncated", **options)


def _orientation(image: Image) -> int:
    """EXIF orientation, 1..8; 5 and more swap the sides."""
    return int(image.get("orientation")) if image.get_typeof("orientation") else 1


def stream(source: Source, wanted: Sequence[Size] = ()) -> Image:
    """The (first) frame as it is stored, to be read once from the top; shrunk while decoding as far as the wanted
    sizes (upright) allow, where the format can do that."""
    sizes = [size.swapped() for size in wanted] if source.turned else wanted
    shrink: dict[str, Any] = {}
    if sizes and source.kind is JPEG and (factor := jpeg_shrink(source.stored, sizes)) > 1:
        shrink = {"shrink": factor}
    if sizes and source.kind is WEBP and (scale := webp_scale(source.stored, sizes)) < 1:
        shrink = {"scale": scale}
    return _unprofiled(_open(source.kind, source.path, access="sequential", **shrink))


def strip(source: Source) -> Image:
    """All frames in memory, one below the other."""
    return _unprofiled(_open(source.kind, source.path, access="sequential", n=-1)).copy_memory()


def _unprofiled(image: Image) -> Image:
    """The image without a profile that would change nothing."""
    return without_profile(image) if image.get_typeof(PROFILE) and is_srgb(image.get(PROFILE)) else image


def srgb(image: Image) -> Image:
    """The image in sRGB with 8 bit and 3 or 4 bands. A profile that makes no sense is passed over."""
    if image.get_typeof(PROFILE):
        with suppress(pyvips.Error):
            image = image.icc_transform("srgb")
        image = without_profile(image)
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
    return (image.copy_memory() if _orientation(image) > 1 else image).autorot()


def scaled(image: Image, size: Size) -> Image:
    """The image, whatever its colours and orientation, upright and in sRGB at exactly this size. Colours are
    converted after the scaling, when there are fewer pixels."""
    if (image.width, image.height) == (size.width, size.height) and not image.get_typeof("orientation"):
        return srgb(image)
    if not image.get_typeof(PROFILE):
        return srgb(image.thumbnail_image(size.width, height=size.height, size="force"))
    try:
        image = image.thumbnail_image(size.width, height=size.height, size="force", output_profile="srgb")
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
