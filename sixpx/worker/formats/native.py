"""Owns the formats that libvips decodes itself. Never a drawing, never another library.

Every loader is named: libvips' own choice would take an Ultra HDR JPEG for something else. Every one of them refuses
a truncated file, else its missing rows would come out grey; JPEG, where that is told, has a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyvips

from sixpx.core.geometry import Size
from sixpx.errors import BadImage
from sixpx.worker.cascade import webp_scale
from sixpx.worker.formats.base import EXIF, Header, Image, Source

LARGEST_SCREEN = 65_535
"""Pixels of a side, which GIF says in 16 bits."""

Shrink = Callable[[Size, Sequence[Size]], Mapping[str, Any]]
"""Loader options that make the stored picture smaller while it is decoded, as far as the wanted sizes allow."""


def _not(stored: Size, wanted: Sequence[Size]) -> Mapping[str, Any]:
    return {}


def _webp(stored: Size, wanted: Sequence[Size]) -> Mapping[str, Any]:
    scale = webp_scale(stored, wanted)
    return {"scale": scale} if scale < 1 else {}


@dataclass(frozen=True, slots=True)
class Native:
    """A format by libvips' loader; `marks` are the bytes that its files begin with, `animated` says whether there may
    be several frames."""

    type: str
    name: str
    loader: str
    marks: tuple[bytes, ...]
    animated: bool = False
    shrink: Shrink = _not
    drawn: bool = False

    def claims(self, head: bytes) -> bool:
        return head.startswith(self.marks)

    def missing(self) -> str | None:
        return None

    def header(self, path: str) -> Header:
        return self._header(self._open(path))

    def _header(self, image: Image, warning: str | None = None) -> Header:
        frames = image.get("n-pages") if self.animated and image.get_typeof("n-pages") else 1
        orientation = int(image.get("orientation")) if image.get_typeof("orientation") else 1
        exif = image.get(EXIF) if image.get_typeof(EXIF) else None
        return Header(Size(image.width, image.height), orientation, frames, bool(image.hasalpha()), exif, warning)

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        options = self.shrink(source.stored, wanted) if wanted else {}
        return self._open(source.path, access="sequential", **options)

    def strip(self, source: Source) -> Image:
        return self._open(source.path, access="sequential", n=-1)

    def _open(self, path: str, fail_on: str = "truncated", **options: Any) -> Image:
        return pyvips.Operation.call(self.loader, path, fail_on=fail_on, **options)


@dataclass(frozen=True, slots=True)
class Gif(Native):
    """Frames may reach beyond the largest screen, to where libvips can follow no more and speaks of memory."""

    def header(self, path: str) -> Header:
        header = self._header(self._open(path))
        if (side := max(header.size.width, header.size.height)) > LARGEST_SCREEN:
            raise BadImage(f"expected sides of at most {LARGEST_SCREEN:,} pixels in the GIF file, got {side:,}")
        return header


@dataclass(frozen=True, slots=True)
class WebP(Native):
    """RIFF files carry their mark after their length."""

    def claims(self, head: bytes) -> bool:
        return head.startswith(self.marks) and head[8:12] == b"WEBP"


PNG = Native("image/png", "PNG", "pngload", (b"\x89PNG\r\n\x1a\n",))
GIF = Gif("image/gif", "GIF", "gifload", (b"GIF87a", b"GIF89a"), animated=True)
WEBP = WebP("image/webp", "WebP", "webpload", (b"RIFF",), animated=True, shrink=_webp)
