"""Owns resize: scale the picture to a width, a height or both. Never decides where pixels come from.

SPEC section 2; what each `fit` means stands in `core.geometry.fit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sixpx.core import geometry
from sixpx.core.geometry import Colour, Size
from sixpx.errors import BadStep
from sixpx.methods.base import Canvas, Image, Others, Tools, backdrop, choice, colour, flag, ink, ready_for, side

name = "resize"

INTERESTS = ("attention", "entropy")
GRAVITIES = (*geometry.GRAVITIES, *INTERESTS)


@dataclass(frozen=True, slots=True)
class Options:
    """`width` and `height` in pixels, at least one of them; the rest matters only where both are given."""

    width: int | None = None
    height: int | None = None
    fit: str = "fill"
    enlarge: bool = True
    gravity: str = "center"
    background: Colour | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Scale the whole picture to `scale`; then cut it to the canvas (by gravity), or place it on the background."""

    canvas: Canvas
    scale: Size
    gravity: str = "center"
    background: Colour = geometry.TRANSPARENT


def parse(raw: Mapping[str, Any]) -> Options:
    """Raises BadStep."""
    options = Options(
        side(raw, "width"),
        side(raw, "height"),
        choice(raw, "fit", geometry.FITS) or "fill",
        flag(raw, "enlarge", True),
        choice(raw, "gravity", GRAVITIES) or "center",
        colour(raw, "background"),
    )
    if options.width is None and options.height is None:
        raise BadStep("expected a width or a height, got neither")
    return options


def plan(options: Options, canvas: Canvas) -> Plan:
    size = canvas.size
    wanted = geometry.proportional(size, options.width, options.height)
    if options.width is None or options.height is None:
        scale = wanted if options.enlarge else geometry.shrunk(size, wanted)
        return Plan(replace(canvas, size=scale), scale)
    fitted = geometry.fit(size, wanted, options.fit, options.enlarge)
    background = backdrop(options.background, canvas)
    bare = _framed(fitted) and background.a < 255
    after = replace(canvas, size=fitted.canvas, alpha=canvas.alpha or bare)
    # smartcrop has no say in where a picture stands on a larger canvas
    gravity = "center" if _framed(fitted) and options.gravity in INTERESTS else options.gravity
    return Plan(after, fitted.scale, gravity, background)


def _framed(plan: geometry.Fitted) -> bool:
    """Whether some of the canvas stays free."""
    return plan.canvas.width > plan.scale.width or plan.canvas.height > plan.scale.height


def apply(image: Image, plan: Plan, others: Others, tools: Tools) -> Image:
    size, scale = plan.canvas.size, plan.scale
    if (image.width, image.height) != (scale.width, scale.height):
        image = image.thumbnail_image(scale.width, height=scale.height, size="force")
    if size == scale:
        return image
    if _framed(geometry.Fitted(scale, size)):
        image = ready_for(image, plan.background)
        box = geometry.placed(scale, size, plan.gravity)
        paint = ink(plan.background, image)
        return image.embed(box.x, box.y, size.width, size.height, extend="background", background=paint)
    if plan.gravity in INTERESTS:
        image = image.copy_memory()
        box = tools.focus(image, size, plan.gravity)
    else:
        box = geometry.placed(size, scale, plan.gravity)
    return image.crop(box.x, box.y, size.width, size.height)
