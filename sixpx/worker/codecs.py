"""Owns how a picture becomes a file: saver options for each type, and which metadata goes with it. Never geometry.

Settings are measured: PNG level 3 with the `sub` filter is faster and smaller than libvips' own choice; JPEG without
optimised coding takes a third of the time for one percent of size; a GIF effort beyond 1 takes multiples of the time
for a few percent, a WebP effort beyond 2 twice the time for four percent (0 is a fifth larger).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pyvips

from sixpx.core.media import ENDINGS, canonical
from sixpx.core.render import Saving
from sixpx.errors import NotSupported
from sixpx.worker.exif import only_copyright
from sixpx.worker.formats.base import Source
from sixpx.worker.formats.native import EXIF

Image = Any

QUALITY = 80
KEPT = "exif|xmp|iptc"
THUMBNAIL = "jpeg-thumbnail-data"
"""EXIF's own small picture; it would show what was cropped away."""


def _png(image: Image, path: str, saving: Saving, keep: str) -> None:
    image.pngsave(path, compression=3, filter="sub", interlace=saving.progressive, keep=keep)


def _jpeg(image: Image, path: str, saving: Saving, keep: str) -> None:
    quality = saving.quality or QUALITY
    image.jpegsave(path, Q=quality, interlace=saving.progressive, background=[255, 255, 255], keep=keep)


def _gif(image: Image, path: str, saving: Saving, keep: str) -> None:
    image.gifsave(path, effort=1, interlace=saving.progressive, keep=keep)


def _webp(image: Image, path: str, saving: Saving, keep: str) -> None:
    image.webpsave(path, Q=saving.quality or QUALITY, effort=2, keep=keep)


SAVERS: Mapping[str, Callable[[Image, str, Saving, str], None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
OPAQUE = ("image/jpeg",)
"""Types without alpha: transparency becomes white."""

SIDES: Mapping[str, int] = {"image/jpeg": 65_500, "image/gif": 65_535, "image/webp": 16_383}
"""The longest side (pixels) that a type's encoder writes. JPEG itself knows 65,535; libjpeg-turbo stops before
(JPEG_MAX_DIMENSION)."""

ANIMATED = ("image/gif", "image/webp")


def output_type(saving: Saving, source: Source) -> str:
    """The MIME type to write: the one asked for, else the input's own, else PNG. Raises NotSupported."""
    if saving.type is None:
        return source.kind.type if source.kind.type in SAVERS else "image/png"
    wanted = canonical(saving.type)
    if wanted not in SAVERS:
        known = "not part of this version" if wanted in ENDINGS else "not known"
        raise NotSupported(f'the output type "{wanted}" is {known}')
    return wanted


def save(image: Image, path: str, type: str, saving: Saving, source: Source) -> int:
    """Writes the file and returns its bytes; takes away what was written where the saver fails. It lies in the scratch
    folder, where nobody looks at it before the journal or the Report says that it is whole."""
    image, keep = _with_metadata(image, saving, source)
    try:
        SAVERS[type](image, path, saving, keep)
        return os.stat(path).st_size
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(path)
        raise


def _with_metadata(image: Image, saving: Saving, source: Source) -> tuple[Image, str]:
    """The image with the metadata to write, and libvips' word for what to keep: nothing but the copyright, or EXIF,
    XMP and IPTC. Never the ICC profile and never the orientation: the pixels are upright sRGB by now."""
    if saving.keep_metadata:
        return _without(image, THUMBNAIL), KEPT
    if source.copyright is None:
        return image, "none"
    image = _without(image, "exif-", THUMBNAIL)
    image.set_type(pyvips.GValue.blob_type, EXIF, only_copyright(source.copyright))
    return image, "exif"


def _without(image: Image, *beginnings: str) -> Image:
    """A copy without the metadata whose names begin so."""
    image = image.copy()
    for name in image.get_fields():
        if name.startswith(beginnings):
            image.remove(name)
    return image
