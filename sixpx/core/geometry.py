"""Owns sizes, boxes, colours and the arithmetic of fitting, placing and turning them. Never touches a pixel.

All lengths are whole pixels; x grows to the right and y downward from the top left corner.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

FITS = ("fill", "cover", "contain", "inside", "outside")
"""How a picture meets a box of another shape; `fit` says what each one does."""

GRAVITIES = {
    "northwest": (0, 0),
    "north": (1, 0),
    "northeast": (2, 0),
    "west": (0, 1),
    "center": (1, 1),
    "east": (2, 1),
    "southwest": (0, 2),
    "south": (1, 2),
    "southeast": (2, 2),
}
"""Where a thing lies in a larger one, as halves of the free space left of it and above it."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def swapped(self) -> Size:
        """The size after a quarter turn."""
        return Size(self.height, self.width)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its top left corner, which may lie outside of the picture, and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    def moved(self, x: int, y: int) -> Box:
        return Box(self.x + x, self.y + y, self.width, self.height)

    def within(self, size: Size) -> Box | None:
        """The part of the box that lies on a picture of this size; None where there is none."""
        left, top = max(self.x, 0), max(self.y, 0)
        right, bottom = min(self.x + self.width, size.width), min(self.y + self.height, size.height)
        return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


@dataclass(frozen=True, slots=True)
class Colour:
    """Red, green, blue and alpha, each 0..255 (alpha 255 is opaque)."""

    r: int
    g: int
    b: int
    a: int = 255

    @classmethod
    def parse(cls, text: str) -> Colour:
        """A colour from 3, 4, 6 or 8 hexadecimal digits, with or without `#`, or from `transparent`
        (CSS Color 4, section 5.2). Raises ValueError."""
        if text.strip().lower() == "transparent":
            return TRANSPARENT
        digits = text.strip().removeprefix("#")
        if not re.fullmatch(r"(?:[0-9a-fA-F]{3,4}){1,2}", digits) or len(digits) == 7:
            raise ValueError(text)
        if len(digits) <= 4:
            digits = "".join(digit * 2 for digit in digits)
        return cls(*bytes.fromhex(digits))


TRANSPARENT = Colour(0, 0, 0, 0)
WHITE = Colour(255, 255, 255)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What `fit` decided: the size that the whole picture is scaled to, and the canvas that it is then cut to
    or placed on."""

    scale: Size
    canvas: Size


def rounded(value: float) -> int:
    """The nearest whole number, halves upward."""
    return math.floor(value + 0.5)


def portion(side: int, numerator: int, denominator: int) -> int:
    """`side * numerator / denominator`, rounded half up without floating point, at least 1."""
    return max(1, (2 * side * numerator + denominator) // (2 * denominator))


def proportional(size: Size, width: int | None = None, height: int | None = None) -> Size:
    """The size with the sides that are given; the one that is not follows in proportion."""
    if width is not None and height is not None:
        return Size(width, height)
    if width is not None:
        return Size(width, portion(size.height, width, size.width))
    if height is not None:
        return Size(portion(size.width, height, size.height), height)
    return size


def fit(size: Size, box: Size, how: str = "fill", enlarge: bool = True) -> Fitted:
    """How a picture of `size` becomes one for `box`:

    - fill: exactly the box, stretched. Not enlarging: no side longer than it was.
    - inside, outside: in proportion, as large as fits the box, or as small as covers it.
    - cover: as outside, cut to the box. Not enlarging: cut to as much of the box as the picture reaches.
    - contain: as inside, placed on a canvas of the box. Not enlarging: the canvas is the box all the same.
    """
    if how == "fill":
        both = box if enlarge else Size(min(box.width, size.width), min(box.height, size.height))
        return Fitted(both, both)
    scale = _scale(size, box, larger=how in ("cover", "outside"), enlarge=enlarge)
    if how == "cover":
        return Fitted(scale, Size(min(box.width, scale.width), min(box.height, scale.height)))
    return Fitted(scale, box if how == "contain" else scale)


def _scale(size: Size, box: Size, *, larger: bool, enlarge: bool) -> Size:
    """The picture in proportion, touching the box at its smaller or larger side."""
    wide = size.width * box.height >= box.width * size.height
    scale = proportional(size, height=box.height) if wide == larger else proportional(size, width=box.width)
    grows = scale.width > size.width or scale.height > size.height
    return size if grows and not enlarge else scale


def shrunk(size: Size, wanted: Size) -> Size:
    """`wanted`, or `size` itself where `wanted` is larger on a side: for resizes that must not enlarge."""
    return size if wanted.width > size.width or wanted.height > size.height else wanted


def placed(inner: Size, outer: Size, gravity: str) -> Box:
    """Where `inner` lies in `outer`; an odd pixel goes to the right and below. An inner thing that is larger than
    the outer one sticks out on the far sides (x or y negative)."""
    across, down = GRAVITIES[gravity]
    x = (outer.width - inner.width) * across // 2
    y = (outer.height - inner.height) * down // 2
    return Box(x, y, inner.width, inner.height)


def turn(degrees: float) -> float:
    """The same turn in 0 <= degrees < 360."""
    within = math.fmod(degrees, 360.0)
    within = within + 360.0 if within < 0 else within
    return 0.0 if within >= 360.0 else within


def bounds(size: Size, degrees: float) -> Size:
    """The smallest canvas that holds a picture of `size` turned about its centre. Multiples of 90 are exact;
    else |w cos| + |h sin| by |w sin| + |h cos|, rounded up (a millionth of a pixel is forgiven)."""
    degrees = turn(degrees)
    if degrees % 90 == 0:
        return size.swapped() if degrees % 180 else size
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    width, height = size.width * cos + size.height * sin, size.width * sin + size.height * cos
    return Size(math.ceil(width - 1e-6), math.ceil(height - 1e-6))
