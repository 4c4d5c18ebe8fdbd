"""Owns rotate: turn the picture clockwise about its centre. Never loses a corner: the canvas grows (SPEC section 2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sixpx.core import geometry
from sixpx.core.geometry import Colour
from sixpx.errors import BadStep
from sixpx.methods.base import Canvas, Image, Others, Tools, backdrop, colour, number

name = "rotate"

BORDER = 2
"""Pixels around the picture before it is turned, as far as bicubic interpolation reaches."""


@dataclass(frozen=True, slots=True)
class Options:
    """Degrees clockwise, 0 <= degrees < 360; the colour of what the turned picture does not cover."""

    degrees: float
    background: Colour | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Turn by `degrees` on a canvas that holds the corners, `background` in the rest of it."""

    canvas: Canvas
    degrees: float
    background: Colour = geometry.TRANSPARENT
    scale: None = None

    @property
    def picks_pixels(self) -> bool:
        return self.degrees % 90 == 0


def parse(raw: Mapping[str, Any]) -> Options:
    """Raises BadStep."""
    degrees = number(raw, "degrees")
    if degrees is None:
        raise BadStep("expected a number of degrees, got none")
    return Options(geometry.turn(degrees), colour(raw, "background") or colour(raw, "color"))


def plan(options: Options, canvas: Canvas) -> Plan:
    degrees = geometry.turn(options.degrees)
    background = backdrop(options.background, canvas)
    corners = degrees % 90 != 0 and background.a < 255
    after = replace(canvas, size=geometry.bounds(canvas.size, degrees), alpha=canvas.alpha or corners)
    return Plan(after, degrees, background)


def apply(image: Image, plan: Plan, others: Others, tools: Tools) -> Image:
    if plan.degrees == 0:
        return image
    image = image.copy_memory()
    if plan.degrees % 90 == 0:
        return image.rot(f"d{plan.degrees:.0f}")
    cover = _turned(image.new_from_image(255), plan, tools.interpolator("bilinear"), "black")
    bicubic = tools.interpolator("bicubic")
    if image.hasalpha() and image.extract_band(3).min() < 255:
        # colours are weighed by their alpha, else the hidden colour of transparent pixels would show at the edges
        turned = _turned(image.premultiply(), plan, bicubic, "copy")
        turned = cover.ifthenelse(turned, _weighed(plan.background), blend=True)
        turned = turned.copy(interpretation="srgb").unpremultiply().rint().cast("uchar")
    else:
        turned = _behind(_turned(image.extract_band(0, n=3), plan, bicubic, "copy"), cover, plan.background)
        # frames of an animation must be alike
        turned = turned.addalpha() if image.hasalpha() and not turned.hasalpha() else turned
    # a resize reads rows several times, and would turn the picture each time: three times as slow
    return turned.copy_memory()


def _weighed(background: Colour) -> list[float]:
    share = background.a / 255
    return [background.r * share, background.g * share, background.b * share, background.a]


def _behind(turned: Image, cover: Image, background: Colour) -> Image:
    """An opaque picture that covers as much of each pixel as `cover` says, the background behind it."""
    if background.a == 255:
        return cover.ifthenelse(turned, [background.r, background.g, background.b], blend=True)
    if background.a == 0:
        return turned.bandjoin(cover)
    solid = turned.addalpha().new_from_image([background.r, background.g, background.b, background.a])
    return solid.composite2(turned.bandjoin(cover), "over").cast("uchar")


def _turned(image: Image, plan: Plan, interpolator: Any, extend: str) -> Image:
    """The picture about its centre on a canvas of the planned size. Its colours go on beyond its edges (`copy`), so
    that sharp interpolation does not ring there; how far it reaches is said by its cover, which ends in `black`.
    libvips places pixels by their centres, hence the half pixel."""
    angle, size = math.radians(plan.degrees), plan.canvas.size
    cos, sin = math.cos(angle), math.sin(angle)
    framed = image.embed(BORDER, BORDER, image.width + 2 * BORDER, image.height + 2 * BORDER, extend=extend)
    return framed.affine(
        [cos, -sin, sin, cos],
        idx=-(framed.width - 1) / 2,
        idy=-(framed.height - 1) / 2,
        odx=(size.width - 1) / 2,
        ody=(size.height - 1) / 2,
        oarea=[0, 0, size.width, size.height],
        interpolate=interpolator,
        premultiplied=True,
    )
