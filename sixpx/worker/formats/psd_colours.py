"""Owns how the channels of a PSD become a picture that libvips knows: colours, transparency, profile. Never a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyvips

from sixpx.errors import BadImage
from sixpx.worker.formats.base import PROFILE, Image
from sixpx.worker.formats.psd_header import Document, Mode, Resource

FULL: Mapping[str, float] = {"uchar": 255, "ushort": 65535, "float": 1}
"""What is full in a channel, by its format."""
MATTE = 2 / 255
"""By how much a value may miss the white that it was laid over, of full: rounding."""
SPACES = {b"GRAY": (Mode.GREY,), b"RGB ": (Mode.RGB, Mode.INDEXED), b"CMYK": (Mode.CMYK,)}
"""The colour modes that a profile of such a colour space belongs to (ICC.1:2022, 7.2.6)."""


def picture(document: Document, channels: Sequence[Image], alpha: Image | None) -> Image:
    """The picture in a space that libvips converts to sRGB, with the profile that belongs to it; the transparency
    comes last."""
    profile = _profile(document)
    image = _SPACES[document.mode](document, channels, profile)
    if alpha is not None:
        image = image.bandjoin(_as(alpha, image.format)).copy(interpretation=image.interpretation)
    if profile is not None:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return image


def unmatted(channels: Sequence[Image], alpha: Image) -> Sequence[Image]:
    """The channels as they were before they were laid over white, as Photoshop saves a transparent picture. Others
    do not: what lies over white is nowhere darker than the white that shines through, and so tells itself. Where
    nothing is left of a colour it becomes 0."""
    full = FULL[alpha.format]
    if alpha.min() >= full or min((channel + alpha).min() for channel in channels) < full * (1 - MATTE):
        return channels
    return [_whole(((channel + alpha) - full) * full / alpha, alpha.format) for channel in channels]


def _profile(document: Document) -> bytes | None:
    profile = document.resources.get(Resource.PROFILE, b"")
    return profile if document.mode in SPACES.get(profile[16:20], ()) else None


def _as(image: Image, kind: str) -> Image:
    """The channel in another format."""
    if image.format == kind:
        return image
    return _whole(image * (FULL[kind] / FULL[image.format]), kind)


def _whole(image: Image, kind: str) -> Image:
    return image.cast("float") if kind == "float" else image.rint().cast(kind)


def _joined(channels: Sequence[Image], space: str) -> Image:
    first, *others = channels
    return (first.bandjoin(list(others)) if others else first).copy(interpretation=space)


def _light(document: Document, channels: Sequence[Image], profile: bytes | None) -> Image:
    """Grey and RGB. With 32 bits the values are light itself, 1 is white; a profile of theirs says so too."""
    if channels[0].format == "float":
        if profile is None:
            bands = list(channels) * (3 // len(channels))
            return _joined(bands, "scrgb").colourspace("srgb")
        channels = [_as(channel, "ushort") for channel in channels]
    wide = channels[0].format == "ushort"
    if len(channels) == 1:
        return _joined(channels, "grey16" if wide else "b-w")
    return _joined(channels, "rgb16" if wide else "srgb")


def _palette(document: Document, channels: Sequence[Image], profile: bytes | None) -> Image:
    """All reds, all greens, all blues of 256 colours; one of them may be transparent."""
    if len(document.palette) < 768:
        raise BadImage(f"the palette of the PSD file has 768 bytes; this one has {len(document.palette)}")
    bands = [document.palette[start : start + 256] for start in (0, 256, 512)]
    if document.key is not None and document.key < 256:
        bands.append(bytes(0 if place == document.key else 255 for place in range(256)))
    table = [pyvips.Image.new_from_memory(band, 256, 1, 1, "uchar") for band in bands]
    return channels[0].maplut(_joined(table, "srgb")).copy(interpretation="srgb")


def _inks(document: Document, channels: Sequence[Image], profile: bytes | None) -> Image:
    """CMYK, stored as what is left of the paper. The inks of a multichannel picture are taken for these, in this
    order: so Photoshop names them when it makes one."""
    if len(channels) == 1:
        return _joined([_as(channels[0], "uchar")], "b-w")
    inks = [_as(channel, "uchar").invert() for channel in channels]
    none = (inks[0] * 0).cast("uchar")
    return _joined([*inks, *[none] * (4 - len(inks))], "cmyk")


def _lab(document: Document, channels: Sequence[Image], profile: bytes | None) -> Image:
    """L is 0..100 over the whole range, a and b are -128..127; its white is that of ICC profiles (D50), while libvips'
    own conversion takes it for D65, by which reds miss some steps."""
    full = FULL[channels[0].format]
    lightness, *signed = (channel * (255 / full) for channel in channels)
    lab = _joined([lightness * (100 / 255), *(channel - 128 for channel in signed)], "lab")
    return lab.icc_export(output_profile="srgb", pcs="lab")


_SPACES: Mapping[Mode, Callable[[Document, Sequence[Image], bytes | None], Image]] = {
    Mode.BITMAP: _light,
    Mode.GREY: _light,
    Mode.DUOTONE: _light,
    Mode.RGB: _light,
    Mode.INDEXED: _palette,
    Mode.CMYK: _inks,
    Mode.MULTICHANNEL: _inks,
    Mode.LAB: _lab,
}
