"""Owns FORMATS, all that we read, and telling them apart by content. Never scans folders: a new format is one line."""

from __future__ import annotations

from sixpx.errors import BadImage, NotSupported
from sixpx.worker.formats import svg
from sixpx.worker.formats.base import Format
from sixpx.worker.formats.eps import EPS, OLD_AI
from sixpx.worker.formats.heif import AVIF, HEIC
from sixpx.worker.formats.jpeg import JPEG
from sixpx.worker.formats.native import GIF, PNG, WEBP
from sixpx.worker.formats.pdf import AI, PDF
from sixpx.worker.formats.psd import PSD
from sixpx.worker.formats.tiff import TIFF

FORMATS: tuple[Format, ...] = (JPEG, PNG, GIF, WEBP, TIFF, AVIF, HEIC, PSD, svg, EPS, OLD_AI, AI, PDF)

HEAD = 4096
"""Bytes that are read to recognise a file."""

FOREIGN = (
    (b"\0\0\0\x0cJXL \r\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
)
"""How files begin that are images, and that this version does not read."""


def recognise(head: bytes) -> Format:
    """The format of a file by its first bytes. Raises NotSupported for images that this installation cannot read,
    BadImage for the rest."""
    for format in FORMATS:
        if format.claims(head):
            if lack := format.missing():
                raise NotSupported(f"this installation reads no {format.name} files: {lack}")
            return format
    foreign = _foreign(head)
    if foreign is not None:
        known = ", ".join(format.name for format in FORMATS)
        raise NotSupported(f"the input is {foreign}, which this version does not read; it reads {known}")
    raise BadImage("the input is no image that sixpx reads")


def _foreign(head: bytes) -> str | None:
    return next((name for magic, name in FOREIGN if head.startswith(magic)), None)
