"""Owns crop: cut a rectangle, or the dominant face, out of the picture. Never knows how a face is found.

SPEC section 2: what lies outside of the picture is cut off the rectangle; one that is wholly outside fails. What is cut
out for a face, and what where there is none, stands in `core.portrait`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sixpx.core import geometry, portrait
from sixpx.core.geometry import Box, Size
from sixpx.core.portrait import Wish
from sixpx.errors import BadStep, OverLimit
from sixpx.methods.base import Canvas, Image, Others, Tools, choice, flag, position, side

name = "crop"

INTERESTS = ("attention", "entropy")
GRAVITIES = (*geometry.GRAVITIES, *INTERESTS)

LONGEST = 10_000_000
"""Pixels of a side: libvips cannot make a larger one (VIPS_MAX_COORD), not even to be refused by the pipeline."""


@dataclass(frozen=True, slots=True)
class Options:
    """The top left corner, or a gravity in its place, and the size; None for the rest of the picture. With a face, its
    padding and the size of the result; the place is not looked at, since the face has its own."""

    x: int = 0
    y: int = 0
    width: int | None = None
    height: int | None = None
    gravity: str | None = None
    face: bool = False
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Cut out `box`, or where `interest` is named the box of the canvas' size that it finds."""

    canvas: Canvas
    box: Box
    interest: str | None = None
    scale: None = None

    @property
    def picks_pixels(self) -> bool:
        return self.interest is None


@dataclass(frozen=True, slots=True)
class FacePlan:
    """Cut out the face, as wished; how large the picture is then only its pixels tell."""

    wish: Wish
    canvas: None = None
    scale: None = None


def parse(raw: Mapping[str, Any]) -> Options:
    """Raises BadStep."""
    padding = position(raw, "padding") or 0
    if padding < 0:
        raise BadStep(f"expected a padding of at least 0, got {padding}")
    return Options(
        position(raw, "x") or 0,
        position(raw, "y") or 0,
        side(raw, "width"),
        side(raw, "height"),
        choice(raw, "gravity", GRAVITIES),
        flag(raw, "face", False),
        padding,
    )


def plan(options: Options, canvas: Canvas) -> Plan | FacePlan:
    """Raises BadStep where the rectangle and the picture have no pixel in common."""
    if options.face:
        return FacePlan(Wish(options.padding, options.width, options.height))
    size = canvas.size
    if options.gravity is None:
        box = _rectangle(options, size).within(size)
        if box is None:
            raise BadStep(
                f"expected a rectangle on the picture of {size.width}x{size.height} pixels, "
                f"got one at x {options.x}, y {options.y} that lies outside of it"
            )
        return Plan(replace(canvas, size=box.size), box)
    cut = Size(min(options.width or size.width, size.width), min(options.height or size.height, size.height))
    interest = options.gravity if options.gravity in INTERESTS and cut != size else None
    box = geometry.placed(cut, size, "center" if options.gravity in INTERESTS else options.gravity)
    return Plan(replace(canvas, size=cut), box, interest)


def _rectangle(options: Options, size: Size) -> Box:
    """What was asked for; a side that was not given reaches the far edge (and is empty beyond it)."""
    width = size.width - options.x if options.width is None else options.width
    height = size.height - options.y if options.height is None else options.height
    return Box(options.x, options.y, width, height)


def apply(image: Image, plan: Plan | FacePlan, others: Others, tools: Tools) -> Image:
    """Raises OverLimit, and what finding a face raises."""
    if isinstance(plan, FacePlan):
        return _portrayed(image.copy_memory(), plan.wish, tools)
    box = plan.box
    if box.size == Size(image.width, image.height):
        return image
    if plan.interest is not None:
        image = image.copy_memory()
        box = tools.focus(image, box.size, plan.interest)
    return image.crop(box.x, box.y, box.width, box.height)


def _portrayed(image: Image, wish: Wish, tools: Tools) -> Image:
    picture, face = Size(image.width, image.height), tools.face(image)
    shot = portrait.without(picture, wish) if face is None else portrait.of(face, picture, wish)
    box, size = shot.box, shot.size
    if max(size.width, size.height) > LONGEST:
        raise OverLimit(f"the result has a side of {max(size.width, size.height):,} pixels; none has over {LONGEST:,}")
    if face is None and box.size != picture:
        box = tools.focus(image, box.size, "attention")
    if box.size != picture:
        image = image.crop(box.x, box.y, box.width, box.height)
    return image if box.size == size else image.thumbnail_image(size.width, height=size.height, size="force")
