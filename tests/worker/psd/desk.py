"""Owns rendering PSD files that are given as bytes, and files that psd-tools writes. Never an expectation."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.worker.conftest import Studio

SAMPLES = Path(__file__).parent


def array(image: Image.Image, mode: str = "RGB") -> np.ndarray:
    return np.asarray(image.convert(mode)).astype(int)


class Desk:
    """Renders files that are given as bytes."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def path(self, file: bytes) -> Path:
        path = self.studio.path()
        path.write_bytes(file)
        return path

    def picture(self, file: bytes, *arguments: Any, **options: Any) -> Image.Image:
        return self.studio.picture(self.path(file), *arguments, **options)

    def flaw(self, file: bytes, **options: Any) -> tuple[str, str]:
        flaw = self.studio.flaw(self.path(file), **options)
        return flaw.code, flaw.detail


def layered(colours: list[tuple[int, int, int, int]], size: tuple[int, int] = (30, 20)) -> bytes:
    """A file of psd-tools' with these layers, each a box that is moved by 5 pixels, saved without a merged picture."""
    from psd_tools import PSDImage
    from psd_tools.constants import Resource

    file, document = io.BytesIO(), PSDImage.new("RGB", size)
    for place, colour in enumerate(colours):
        document.create_pixel_layer(Image.new("RGBA", (10, 10), colour), left=5 * place, top=5)
    document.image_resources.get_data(Resource.VERSION_INFO).has_composite = False
    document._record.write(file)
    return file.getvalue()


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x8298] = orientation, "Jane Doe"
    return tags.tobytes().removeprefix(b"Exif\0\0")
