"""Owns layer: lay another input on the picture. Never enlarges the picture, never changes it outside of the layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sixpx.core import geometry
from sixpx.core.geometry import Box, Size
from sixpx.errors import BadStep
from sixpx.methods.base import Canvas, Image, Others, Tools, choice, number, position, shown, side

name = "layer"

_MODES = (
    *("over", "multiply", "screen", "overlay", "darken", "lighten", "colour-dodge", "colour-burn"),
    *("hard-light", "soft-light", "difference", "exclusion", "add"),
)
_ALIASES = {"normal": "over", "color-dodge": "colour-dodge", "color-burn": "colour-burn"}
BLENDS = _ALIASES | {mode: mode for mode in _MODES}
"""How colours meet, as a request names it, and libvips' name (VipsBlendMode). Only those that keep an opaque picture
opaque."""


@dataclass(frozen=True, slots=True)
class Options:
    """The input to lay on top, its top left corner or a gravity in its place, its size, its opacity 0..1."""

    ref: str
    x: int = 0
    y: int = 0
    width: int | None = None
    height: int | None = None
    opacity: float = 1.0
    gravity: str | None = None
    blend: str = "over"


@dataclass(frozen=True, slots=True)
class Plan:
    """Scale the input `ref` to the size of `box` and lay it there; `box` may reach over the edges of the canvas."""

    canvas: Canvas
    ref: str
    box: Box
    opacity: float = 1.0
    blend: str = "over"
    scale: None = None


def parse(raw: Mapping[str, Any]) -> Options:
    """Raises BadStep."""
    ref = raw.get("ref")
    if not isinstance(ref, str) or not ref:
        raise BadStep(f"expected the name of an input as ref, got {shown(ref)}")
    opacity = number(raw, "opacity")
    if opacity is not None and not 0 <= opacity <= 1:
        raise BadStep(f"expected an opacity from 0 to 1, got {opacity:g}")
    return Options(
        ref,
        position(raw, "x") or 0,
        position(raw, "y") or 0,
        side(raw, "width"),
        side(raw, "height"),
        1.0 if opacity is None else opacity,
        choice(raw, "gravity", geometry.GRAVITIES),
        BLENDS[choice(raw, "blend", BLENDS) or "normal"],
    )


def plan(options: Options, canvas: Canvas) -> Plan:
    """Raises BadStep where there is no such input, or what the look into it raises."""
    size = canvas.others.get(options.ref)
    if size is None:
        raise BadStep(f"expected the name of another input as ref, got {shown(options.ref)}")
    size = geometry.proportional(size, options.width, options.height)
    box = Box(options.x, options.y, size.width, size.height)
    if options.gravity is not None:
        box = geometry.placed(size, canvas.size, options.gravity)
    return Plan(canvas, options.ref, box, options.opacity, options.blend)


def apply(image: Image, plan: Plan, others: Others, tools: Tools) -> Image:
    seen = plan.box.within(Size(image.width, image.height))
    if seen is None or plan.opacity == 0:
        return image
    layer = _cut(others.at(plan.ref, plan.box.size), plan.box, seen, plan.opacity)
    # blend only where the layer lies: libvips would compute the whole picture in floating point. Both branches read
    # the same rows at the same time, so that a stream serves them
    patch = image.crop(seen.x, seen.y, seen.width, seen.height).composite2(layer, plan.blend)
    if not image.hasalpha():
        patch = patch.extract_band(0, n=3)
    return image.insert(patch.cast("uchar"), seen.x, seen.y)


def _cut(layer: Image, box: Box, seen: Box, opacity: float) -> Image:
    """The part of the layer that is seen, with an alpha band that holds the opacity."""
    part = seen.moved(-box.x, -box.y)
    layer = layer.crop(part.x, part.y, part.width, part.height)
    layer = layer if layer.hasalpha() else layer.addalpha()
    return layer if opacity == 1 else (layer * [1, 1, 1, opacity]).rint().cast("uchar").copy(interpretation="srgb")
