"""Owns how a picture becomes a file: which type, and which metadata goes with it. Never geometry, never a setting."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any

import pyvips

from sixpx.core.media import canonical
from sixpx.core.render import Saving
from sixpx.errors import NotSupported
from sixpx.worker.encoders import ENCODERS
from sixpx.worker.exif import only_copyright
from sixpx.worker.formats.base import EXIF, XMP, Source

Image = Any

KEPT = "exif|xmp|iptc"
THUMBNAIL = "jpeg-thumbnail-data"
"""EXIF's own small picture; it would show what was cropped away."""
TURN = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|\s*>)\s*)[2-8]")
"""How XMP says again what EXIF's orientation says (XMP Specification Part 2, 3.3), as an attribute or an element."""


def output_type(saving: Saving, source: Source) -> str:
    """The MIME type to write: the one asked for, else the input's own, else PNG. Raises NotSupported."""
    if saving.type is None:
        return source.kind.type if source.kind.type in ENCODERS else "image/png"
    wanted = canonical(saving.type)
    if wanted not in ENCODERS:
        raise NotSupported(f'the output type "{wanted}" is not known')
    return wanted


def save(image: Image, path: str, type: str, saving: Saving, source: Source) -> int:
    """Writes the file and returns its bytes; takes away what was written where the saver fails. It lies in the scratch
    folder, where nobody looks at it before the journal or the Report says that it is whole."""
    image, keep = _with_metadata(image, saving, source)
    try:
        ENCODERS[type].write(image, path, saving, keep)
        return os.stat(path).st_size
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(path)
        raise


def _with_metadata(image: Image, saving: Saving, source: Source) -> tuple[Image, str]:
    """The image with the metadata to write, and libvips' word for what to keep: nothing but the copyright, or EXIF,
    XMP and IPTC. Never the ICC profile and never the orientation: the pixels are upright sRGB by now."""
    if saving.keep_metadata:
        return _upright(_without(image, THUMBNAIL)), KEPT
    if source.copyright is None:
        return image, "none"
    image = _without(image, "exif-", THUMBNAIL)
    image.set_type(pyvips.GValue.blob_type, EXIF, only_copyright(source.copyright))
    return image, "exif"


def _upright(image: Image) -> Image:
    """The image, whose XMP no longer asks for a turn: who believes it would turn the picture once more."""
    if image.get_typeof(XMP):
        image.set_type(pyvips.GValue.blob_type, XMP, TURN.sub(rb"\g<1>1", image.get(XMP)))
    return image


def _without(image: Image, *beginnings: str) -> Image:
    """A copy without the metadata whose names begin so."""
    image = image.copy()
    for name in image.get_fields():
        if name.startswith(beginnings):
            image.remove(name)
    return image
