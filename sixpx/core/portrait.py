"""Owns how a face becomes a portrait: the part of the picture to cut out, and its final size. Never looks for a face.

SPEC sections 2 and 9. Without a face the portrait is of the same size where one was asked for, so that whoever orders
square avatars gets square avatars, whatever stands on the photographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sixpx.core.geometry import Box, Size, placed, portion, proportional


@dataclass(frozen=True, slots=True)
class Wish:
    """What a portrait shall be: pixels added on each side of the face, and the sides of the result that are given."""

    padding: int = 0
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Portrait:
    """Cut `box`, which lies on the picture, out of it and scale it to `size`."""

    box: Box
    size: Size


def of(face: Box, picture: Size, wish: Wish) -> Portrait:
    """The face, which lies on the picture, with its padding. Both sides given: grown about the face's centre to their
    aspect, and scaled to exactly that size; one side: in the aspect that it has, scaled to that side; none: as it is.
    Where the picture ends the box is shifted; where it is too small for the box, the box is shrunk at its aspect."""
    padded = Size(face.width + 2 * wish.padding, face.height + 2 * wish.padding)
    grown = padded
    if wish.width is not None and wish.height is not None:
        grown = _covering(padded, Size(wish.width, wish.height))
    cut = largest(grown, picture)
    box = Box(
        _shifted(2 * face.x + face.width, cut.width, picture.width),
        _shifted(2 * face.y + face.height, cut.height, picture.height),
        cut.width,
        cut.height,
    )
    return Portrait(box, _final(padded, cut, wish))


def without(picture: Size, wish: Wish) -> Portrait:
    """What is made where there is no face. Both sides given: as much of the picture as has their aspect (where it is
    cut is for others to decide; in the middle, unless they do), scaled to exactly that size; one side: the whole
    picture, scaled to that side; none: the whole picture as it is."""
    cut = picture
    if wish.width is not None and wish.height is not None:
        cut = largest(_covering(picture, Size(wish.width, wish.height)), picture)
    return Portrait(placed(cut, picture, "center"), _final(picture, cut, wish))


def largest(box: Size, picture: Size) -> Size:
    """The box, or where it is larger than the picture the largest of its aspect that fits; no side below 1."""
    scale = min(Fraction(1), Fraction(picture.width, box.width), Fraction(picture.height, box.height))
    return _times(box, scale)


def _covering(inner: Size, aspect: Size) -> Size:
    """The smallest size of this aspect that holds the inner one."""
    scale = max(Fraction(inner.width, aspect.width), Fraction(inner.height, aspect.height))
    return _times(aspect, scale)


def _times(size: Size, scale: Fraction) -> Size:
    return Size(
        portion(size.width, scale.numerator, scale.denominator),
        portion(size.height, scale.numerator, scale.denominator),
    )


def _final(whole: Size, cut: Size, wish: Wish) -> Size:
    """The size of the result: as given, in proportion to the whole box, or of what was cut."""
    if wish.width is None and wish.height is None:
        return cut
    return proportional(whole, wish.width, wish.height)


def _shifted(doubled_centre: int, length: int, end: int) -> int:
    """Where a stretch of this length begins that lies about the centre as nearly as 0..end allows."""
    return min(max((doubled_centre - length) // 2, 0), end - length)
