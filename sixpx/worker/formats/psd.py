"""Owns PSD and PSB as inputs: the merged picture that is saved with them, or one made of the layers. Never a method.

The merged picture is what Photoshop showed, whatever the layers are made of; it is read here, and without the layers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import pyvips

from sixpx.core.geometry import Size
from sixpx.errors import BadImage
from sixpx.worker.exif import PREFIX, orientation_of
from sixpx.worker.formats.base import EXIF, XMP, Header, Image, Source
from sixpx.worker.formats.psd_colours import picture, unmatted
from sixpx.worker.formats.psd_header import Document, Resource, read_document
from sixpx.worker.formats.psd_layers import from_layers
from sixpx.worker.formats.psd_planes import CUT_SHORT, planes

# psd-tools tells its log of every block that it does not know; what matters comes as an error
logging.getLogger("psd_tools").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Psd:
    """PSD, and PSB, its form for large pictures."""

    type: str = "image/vnd.adobe.photoshop"
    name: str = "PSD"
    animated: bool = False
    drawn: bool = False

    def claims(self, head: bytes) -> bool:
        return head.startswith(b"8BPS")

    def missing(self) -> str | None:
        return None

    def header(self, path: str) -> Header:
        document = read_document(path)
        lack = None
        if not _merged(document):
            if not document.layers:
                raise BadImage(CUT_SHORT)
            if document.kept:
                lack = "the merged picture of the PSD file is cut short; it was made from the layers again"
        alpha = document.alpha is not None or document.key is not None or not _merged(document)
        exif = document.resources.get(Resource.EXIF)
        return Header(document.size, orientation_of(exif), 1, alpha, exif, lack)

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        document = read_document(source.path)
        if _merged(document):
            image = _merged_picture(source.path, document)
        else:
            image = picture(document, *from_layers(source.path, document))
        return _described(image, document, source.header)

    def strip(self, source: Source) -> Image:
        return self.stream(source, ())


def _merged(document: Document) -> bool:
    """Whether the merged picture is there to be read. One that the file calls empty may be all there is."""
    return document.whole and (document.kept or not document.layers)


def _merged_picture(path: str, document: Document) -> Image:
    wanted = [*range(document.colours), *([] if document.alpha is None else [document.alpha])]
    channels = planes(path, document, wanted)
    alpha = None if document.alpha is None else channels.pop()
    return picture(document, channels if alpha is None else unmatted(channels, alpha), alpha)


def _described(image: Image, document: Document, header: Header) -> Image:
    """The picture with what the file says beside it."""
    image = image.copy()
    if header.orientation > 1:
        image.set_type(pyvips.GValue.gint_type, "orientation", header.orientation)
    for number, name, mark in ((Resource.EXIF, EXIF, PREFIX), (Resource.XMP, XMP, b"")):
        if value := document.resources.get(number):
            image.set_type(pyvips.GValue.blob_type, name, mark + value.removeprefix(mark))
    return image


PSD = Psd()
