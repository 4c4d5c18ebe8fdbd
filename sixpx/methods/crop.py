"""Owns crop: cut a rectangle out of the picture. Never looks for faces.

SPEC section 2: what lies outside of the picture is cut off the rectangle; one that is wholly outside fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sixpx.core import geometry
from sixpx.core.geometry import Box, Size
from sixpx.errors import BadStep, NotSupported
from sixpx.methods.base import Canvas, Image, Tools, choice, flag, position, side

name = "crop"

INTERESTS = ("attention", "entropy")
GRAVITIES = (*geometry.GRAVITIES, *INTERESTS)


@dataclass(frozen=True, slots=True)
class Options:
    """The top left corner, or a gravity in its place, and the size; None for the rest of the picture."""

    x: int = 0
    y: int = 0
    width: int | None = None
    height: int | None = None
    gravity: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Cut out `box`, or where `interest` is named the box of the canvas' size that it finds."""

    canvas: Canvas
    box: Box
    interest: str | None = None
    scale: None = None


def parse(raw: Mapping[str, Any]) -> Options:
    """Raises BadStep; NotSupported for a face."""
    if flag(raw, "face", False):
        raise NotSupported("cropping to a face is not part of this version")
    return Options(
        position(raw, "x") or 0,
        position(raw, "y") or 0,
        side(raw, "width"),
        side(raw, "height"),
        choice(raw, "gravity", GRAVITIES),
    )


def plan(options: Options, canvas: Canvas) -> Plan:
    """Raises BadStep where the rectangle and the picture have no pixel in common."""
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


def apply(image: Image, plan: Plan, others: Mapping[str, Image], tools: Tools) -> Image:
    box = plan.box
    if box.size == Size(image.width, image.height):
        return image
    if plan.interest is not None:
        image = image.copy_memory()
        box = tools.focus(image, box.size, plan.interest)
    return image.crop(box.x, box.y, box.width, box.height)
