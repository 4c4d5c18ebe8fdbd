"""Owns how large a drawing is, and how large it is drawn. Never a file's syntax."""

from __future__ import annotations

from collections.abc import Sequence

from sixpx.core.geometry import Size, rounded
from sixpx.errors import BadImage, OverLimit
from sixpx.worker.formats.base import Source

LONGEST = 10_000_000
"""Points or pixels of a side. No drawing that means something is larger; libvips counts in 32 bits."""


def natural(width: float, height: float, name: str) -> Size:
    """The natural size in whole pixels, at least 1 each way, of a drawing that says that it is this large. Raises
    BadImage where that is no size."""
    # the other way round NaN would pass
    if not (0 < width <= LONGEST and 0 < height <= LONGEST):
        raise BadImage(
            f"expected a size of at most {LONGEST:,} a side in the {name} file, got {width:.6g} by {height:.6g}"
        )
    return Size(max(1, rounded(width)), max(1, rounded(height)))


def target(source: Source, wanted: Sequence[Size]) -> Size:
    """The size to draw: large enough for each of the wanted ones, or the natural one. Raises OverLimit."""
    size = Size(max(size.width for size in wanted), max(size.height for size in wanted)) if wanted else source.stored
    limit = source.limits.input_pixels
    if size.pixels > limit:
        raise OverLimit(f"the input would be drawn with {size.pixels:,} pixels; the limit input_pixels is {limit:,}")
    return size
