"""Owns filter: colours and sharpness, one filter after another in the order of the keys. Never computes a pixel.

SPEC section 2; ranges (section 9, "Filters") clamp what is outside of them. The meaning is CamanJS 4's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sixpx.core import filters
from sixpx.core.curves import Point
from sixpx.core.filters import Effect, Stage, Tables
from sixpx.core.geometry import Colour
from sixpx.errors import BadStep
from sixpx.methods import base
from sixpx.methods.base import Canvas, Image, Others, Tools, number, shown

name = "filter"

Raw = Mapping[str, Any]
Read = Callable[[Raw, str], Stage | None]
"""Reads the filter of this name from the options; None where it changes nothing. Raises BadStep."""

STRENGTH = 50
"""Percent, of a colorize that is nothing but a colour."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be done, in order."""

    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Put the picture through these stages."""

    canvas: Canvas
    stages: tuple[Stage, ...]
    scale: None = None

    @property
    def idle(self) -> bool:
        return not self.stages

    @property
    def pointwise(self) -> bool:
        return all(stage.pointwise for stage in self.stages)

    def then(self, after: base.Plan) -> Plan | None:
        if not isinstance(after, Plan):
            return None
        return replace(after, stages=filters.fused(self.stages + after.stages))


def parse(raw: Raw) -> Options:
    """Raises BadStep."""
    read = [_reader(name)(raw, name) for name in raw]
    return Options(tuple(stage for stage in read if stage is not None))


def plan(options: Options, canvas: Canvas) -> Plan:
    return Plan(canvas, filters.fused(options.stages))


def apply(image: Image, plan: Plan, others: Others, tools: Tools) -> Image:
    return tools.filtered(image, plan.stages) if plan.stages else image


def _reader(name: str) -> Read:
    if name not in _READERS:
        raise BadStep(f"expected filters ({', '.join(_READERS)}), got one called {shown(name)}")
    return _READERS[name]


def _within(raw: Raw, name: str, low: float, high: float) -> float | None:
    """The option, clamped; None where it is absent or empty."""
    value = number(raw, name)
    return None if value is None else min(high, max(low, value))


def _levels(low: float, high: float, tables: Callable[[float], Tables]) -> Read:
    def read(raw: Raw, name: str) -> Tables | None:
        value = _within(raw, name, low, high)
        return None if value is None else tables(value)

    return read


def _effect(effect: str, low: float, high: float, *, true: float | None = None) -> Read:
    """`true` is the strength that the word true stands for, where it may be said."""

    def read(raw: Raw, name: str) -> Effect | None:
        if true is not None and isinstance(raw[name], bool):
            return Effect(effect, true) if raw[name] else None
        value = _within(raw, name, low, high)
        return Effect(effect, value) if value else None

    return read


def _blur(raw: Raw, name: str) -> Effect | None:
    """The radius is whole pixels, fractions cut off; true is 10 by the name of blur alone."""
    blur = _effect("stackBlur", 0, 100, true=10 if name == "blur" else None)(raw, name)
    return Effect("stackBlur", int(blur.strength)) if isinstance(blur, Effect) and blur.strength >= 1 else None


def _invert(raw: Raw, name: str) -> Tables | None:
    wanted = raw[name] if isinstance(raw[name], bool) else number(raw, name)
    return filters.invert() if wanted else None


def _color(raw: Raw, name: str) -> Effect | None:
    """Percent of colour kept; what is not kept is made grey."""
    kept = _within(raw, name, 0, 100)
    return None if kept is None or kept == 100 else Effect("greyscale", 100 - kept)


def _colorize(raw: Raw, name: str) -> Tables | None:
    value = raw[name]
    options = value if isinstance(value, Mapping) else {"hex": value}
    colour = _opaque(options.get("hex"))
    if colour is None and value in (None, ""):
        return None
    if colour is None:
        raise BadStep(f"expected a colour of 3 or 6 hex digits as {name}, got {shown(options.get('hex', value))}")
    strength = _within(options, "strength", 0, 100)
    return filters.colorize(colour, STRENGTH if strength is None else strength)


def _opaque(text: Any) -> Colour | None:
    """The colour of 3 or 6 hex digits; None where the text is none."""
    try:
        colour = Colour.parse(text)
    except (ValueError, AttributeError):
        return None
    return colour if colour.a == 255 else None


def _channels(raw: Raw, name: str) -> Tables:
    value = _object(raw, name, "red, green and blue")
    red, green, blue = (_within(value, channel, -100, 100) or 0 for channel in ("red", "green", "blue"))
    return filters.channels(red, green, blue)


def _curves(raw: Raw, name: str) -> Tables:
    value = _object(raw, name, "channels and points")
    named, points = value.get("channels") or "rgb", value.get("points")
    if not isinstance(named, str | list | tuple) or not all(one in ("r", "g", "b", "v") for one in named):
        raise BadStep(f"expected some of r, g, b or v as channels of {name}, got {shown(named)}")
    if not isinstance(points, list | tuple) or len(points) not in (3, 4):
        raise BadStep(f"expected 3 or 4 points for {name}, got {shown(points)}")
    return filters.curves(named, tuple(_point(point) for point in points))


def _point(raw: Any) -> Point:
    """A level before and a level after."""
    if not isinstance(raw, list | tuple) or len(raw) != 2:
        raise BadStep(f"expected a point of two numbers, got {shown(raw)}")
    before, after = (_within({"level of a point": value}, "level of a point", 0, 255) for value in raw)
    if before is None or after is None:
        raise BadStep(f"expected a point of two numbers, got {shown(raw)}")
    return before, after


def _object(raw: Raw, name: str, what: str) -> Raw:
    if not isinstance(raw[name], Mapping):
        raise BadStep(f"expected an object of {what} as {name}, got {shown(raw[name])}")
    value: Raw = raw[name]
    return value


_READERS: Mapping[str, Read] = {
    "sepia": _effect("sepia", 0, 100, true=100),
    "invert": _invert,
    "brightness": _levels(-100, 100, filters.brightness),
    "contrast": _levels(-100, 100, filters.contrast),
    "exposure": _levels(-100, 100, filters.exposure),
    "noise": _effect("noise", 0, 100),
    "saturation": _effect("saturation", -100, 100),
    "vibrance": _effect("vibrance", -100, 100),
    "hue": _effect("hue", 0, 100),
    "gamma": _levels(0, 100, filters.gamma),
    "colorize": _colorize,
    "channels": _channels,
    "sharpen": _effect("sharpen", 0, 1000),
    "stackBlur": _blur,
    "curves": _curves,
    "sharpness": _effect("sharpen", 0, 1000),
    "blur": _blur,
    "gama": _levels(0, 100, filters.gamma),
    "color": _color,
}
