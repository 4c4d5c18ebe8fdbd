"""Owns the bare libvips code of each workload, as good as it can be written. Never the service's code.

The encoders' settings are the service's (`sixpx.worker.codecs`): the same bytes are asked of both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyvips

Image = Any
Numbers = Sequence[int]

MARGIN = 1.5


def _jpeg(image: Image, path: str) -> None:
    image.jpegsave(path, Q=80, keep="none")


def _png(image: Image, path: str) -> None:
    image.pngsave(path, compression=3, filter="up", keep="none")


def _sized(source: str, width: int, height: int) -> Image:
    """Decoded at the smallest scale that leaves Lanczos half as much again on both sides: the service's own rule, so
    that both make the same picture."""
    image = pyvips.Image.jpegload(source, access="sequential", fail_on="truncated")
    least = min(image.width / width, image.height / height) / MARGIN
    if shrink := next((one for one in (8, 4, 2) if one <= least), None):
        image = pyvips.Image.jpegload(source, access="sequential", fail_on="truncated", shrink=shrink)
    return image.thumbnail_image(width, height=height, size="force")


def _resize_jpeg(source: str, target: str, numbers: Numbers) -> None:
    _jpeg(_sized(source, *numbers), target)


def _resize_png(source: str, target: str, numbers: Numbers) -> None:
    _png(_sized(source, *numbers), target)


def _thumbnail_jpeg(source: str, target: str, numbers: Numbers) -> None:
    _jpeg(_thumbnail(source, *numbers), target)


def _thumbnail_png(source: str, target: str, numbers: Numbers) -> None:
    _png(_thumbnail(source, *numbers), target)


def _thumbnail(source: str, width: int, height: int) -> Image:
    """libvips' own choice of scale: what most would write. It leaves twice the size, so it decodes more at times."""
    return pyvips.Image.thumbnail(source, width, height=height, size="force", fail_on="truncated")


def _chain(source: str, target: str, numbers: Numbers) -> None:
    """Decodes no row below the crop; turns the picture when it is small."""
    left, top, width, height, to_width, to_height = numbers
    image = pyvips.Image.jpegload(source, access="sequential", fail_on="truncated")
    small = image.crop(left, top, width, height).thumbnail_image(to_height, height=to_width, size="force")
    _jpeg(small.copy_memory().rot90(), target)


def _each(source: str, target: str, numbers: Numbers) -> None:
    """A shrinking decode for each size."""
    for width, height in _pairs(numbers):
        _jpeg(_sized(source, width, height), f"{target}.{width}")


def _cascade(source: str, target: str, numbers: Numbers) -> None:
    """One decode; each size from the one before it."""
    image = None
    for width, height in _pairs(numbers):
        if image is None:
            image = _sized(source, width, height).copy_memory()
        else:
            image = image.thumbnail_image(width, height=height, size="force").copy_memory()
        _jpeg(image, f"{target}.{width}")


def _pairs(numbers: Numbers) -> Sequence[tuple[int, int]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


FORMS: Mapping[str, Callable[[str, str, Numbers], None]] = {
    "resize-jpeg": _resize_jpeg,
    "resize-png": _resize_png,
    "thumbnail-jpeg": _thumbnail_jpeg,
    "thumbnail-png": _thumbnail_png,
    "chain": _chain,
    "each": _each,
    "cascade": _cascade,
}
