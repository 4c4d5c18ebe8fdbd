"""Owns FORMATS, all that we read, and telling them apart by content. Never scans folders: a new format is one line."""

from __future__ import annotations

from sixpx.errors import BadImage, NotSupported
from sixpx.worker.formats.base import Format
from sixpx.worker.formats.native import GIF, JPEG, PNG, WEBP

FORMATS: tuple[Format, ...] = (JPEG, PNG, GIF, WEBP)

HEAD = 4096
"""Bytes that are read to recognise a file."""

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


def recognise(head: bytes) -> Format:
    """The format of a file by its first bytes. Raises NotSupported for images that this installation cannot read,
    BadImage for the rest."""
    for format in FORMATS:
        if format.claims(head):
            if lack := format.missing():
                raise NotSupported(f"the input is a {format.name} file; {lack}")
            return format
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
