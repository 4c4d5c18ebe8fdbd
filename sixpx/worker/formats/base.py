"""Owns the contract of a format that we read, and Source, an opened file of one. Never knows a format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sixpx.core.geometry import Size
from sixpx.core.render import Limits, Seen

Image = Any

EXIF, XMP, PROFILE = "exif-data", "xmp-data", "icc-profile-data"
"""libvips' names of what an image carries beside its pixels."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before its pixels are read: the size of a frame as stored (pixels; of a drawing, its
    natural size), EXIF orientation 1..8, frames, whether there is an alpha band, the raw EXIF block (`Exif\\0\\0` or
    TIFF header first), and one sentence about damage that we read over."""

    size: Size
    orientation: int = 1
    frames: int = 1
    alpha: bool = False
    exif: bytes | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A file whose header was read; `seen` is what we tell of it (upright), `limits` what it may use."""

    path: str
    kind: Format
    header: Header
    seen: Seen
    limits: Limits
    copyright: bytes | None = None

    @property
    def size(self) -> Size:
        """Pixels of one frame, upright."""
        return Size(self.seen.width, self.seen.height)

    @property
    def stored(self) -> Size:
        """Pixels of one frame as they lie in the file."""
        return self.header.size

    @property
    def turned(self) -> bool:
        """Whether upright is a quarter turn away from stored."""
        return self.header.orientation >= 5


class Format(Protocol):
    """One format, told by content alone. A member is a module or a value; it raises pyvips.Error or OutputFault for a
    broken file, NotSupported where this installation lacks what it needs."""

    @property
    def type(self) -> str:
        """The MIME type that jobs show."""
        ...

    @property
    def name(self) -> str:
        """The name in sentences: `JPEG`."""
        ...

    @property
    def animated(self) -> bool:
        """Whether a file may hold several frames that are all kept."""
        ...

    @property
    def drawn(self) -> bool:
        """Whether it is a drawing, made of pixels only when its size is known: it is drawn at each size that is
        wanted, larger ones too, and its natural size is held to no limit unless it is drawn at that."""
        ...

    def claims(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes (HEAD of them, or the whole file) is of this format."""
        ...

    def missing(self) -> str | None:
        """What this installation lacks to read it, and how to get it: one sentence. None where nothing is missing."""
        ...

    def header(self, path: str) -> Header:
        """Reads as little as it can."""
        ...

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        """The (first) frame as it is stored, to be read once from the top. `wanted` are the sizes, as stored, that
        will be made of it: it may come smaller as long as each of them keeps the margin (`cascade.MARGIN`); a drawing
        comes at least as large as each of them where the limits allow that. No sizes: the whole picture."""
        ...

    def strip(self, source: Source) -> Image:
        """All frames, one below the other, `page-height` each."""
        ...
