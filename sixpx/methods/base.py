"""Owns the contract of a method, and the reading of its raw options. Never knows a method, never reads a pixel."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from sixpx.core.filters import Stage
from sixpx.core.geometry import TRANSPARENT, WHITE, Box, Colour, Size, rounded
from sixpx.errors import BadStep

Image = Any
"""A libvips image (pyvips.Image), reached only through the object handed in: upright, sRGB, 8 bit, 3 or 4 bands.
It may be a stream that can be read once and from the top: `copy_memory()` it (free where it is in memory already)
before reading it in another order or twice."""

FARTHEST = 1_000_000_000
"""No position or length beyond this many pixels means anything; libvips counts in 32 bits."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is known of a picture before a step and after it, without a pixel: its size (pixels), whether it has an
    alpha band, whether the file to be written can hold one, and the sizes of the other inputs by name."""

    size: Size
    alpha: bool = False
    keeps_alpha: bool = True
    others: Mapping[str, Size] = field(default_factory=dict)


class Plan(Protocol):
    """A step decided for one canvas: plain values, made before any pixel is read."""

    @property
    def canvas(self) -> Canvas | None:
        """The canvas after the step; None where only the pixels tell its size: then the steps after it are planned
        when it was applied."""
        ...

    @property
    def scale(self) -> Size | None:
        """The size to which the step scales the whole picture before it does anything else, or None. The pipeline
        may hand `apply` any scaled copy of the picture, at this size or larger; `apply` brings it to exactly this."""
        ...


@runtime_checkable
class Picking(Protocol):
    """A plan that may do nothing but choose which pixels of the picture stay, and in what order."""

    @property
    def picks_pixels(self) -> bool:
        """Whether every pixel of the result is one of the picture's, from a place known without looking at it."""
        ...


@runtime_checkable
class Fusing(Protocol):
    """A plan that keeps the size of the picture, and that can be one with the same method's plan for the next step.
    Applied, it does not depend on its canvas."""

    @property
    def pointwise(self) -> bool:
        """Whether a pixel becomes what it becomes wherever it lies and whatever lies around it."""
        ...

    def then(self, after: Plan) -> Plan | None:
        """The one plan that does what this one and then the other one do; None where there is none."""
        ...


@runtime_checkable
class Idle(Protocol):
    """A plan that may have nothing to do with the picture."""

    @property
    def idle(self) -> bool:
        """Whether the step neither reads nor changes a pixel: then the next one may say at what size the picture is
        loaded."""
        ...


class Others(Protocol):
    """The other inputs of the job, by name."""

    def at(self, name: str, size: Size) -> Image:
        """The (first) frame at exactly this size (pixels), to be read anywhere and as often as needed; a drawing is
        drawn at it. Raises what looking into the input raises, OverLimit for a drawing of too many pixels."""
        ...


class Tools(Protocol):
    """What the worker lends to methods that need more of libvips than an image gives. One step of one sheet has one
    of its own, so that what is found on the first frame of an animation holds for all of them."""

    def interpolator(self, name: str) -> Any:
        """libvips' interpolator of this name: `bicubic`, say."""
        ...

    def focus(self, image: Image, size: Size, interest: str) -> Box:
        """The part of `size` that draws the eye by `attention` or `entropy` (libvips' smartcrop). The image must be
        in memory and at least that large."""
        ...

    def face(self, image: Image) -> Box | None:
        """The dominant face, or None where there is none; it is noted in the result either way. The image must be in
        memory. Raises NotSupported."""
        ...

    def filtered(self, image: Image, stages: Sequence[Stage]) -> Image:
        """The image after all of these filters; alpha stays as it is. No noise is like that of another frame or step,
        but each is the same whenever the sheet is made again."""
        ...

    @property
    def noted(self) -> bool:
        """Whether the step has noted something already: on the first frame of an animation, which tells for all."""
        ...

    def note(self, analysis: str, finding: Any) -> None:
        """Puts a finding (JSON) into the job's record; one of an earlier step under the same name goes."""
        ...

    def exif(self) -> Mapping[str, Any]:
        """The readable tags of the input, by name, and `latlon`."""
        ...

    def palette(self, image: Image, count: int) -> list[dict[str, Any]]:
        """Up to `count` colours as {hex, rgb, share}, the largest first. The image must be in memory, as it must for
        the two below."""
        ...

    def dominant(self, image: Image) -> list[dict[str, Any]]:
        """The largest colour alone, with its share of the picture; empty for a transparent one."""
        ...

    def nudity(self, image: Image) -> dict[str, Any]:
        """A guess as {nude, score}."""
        ...


class Method(Protocol):
    """One method of the API. `parse` raises BadStep or NotSupported; `plan` too; `apply` does as planned."""

    name: str

    def parse(self, raw: Mapping[str, Any]) -> Any: ...

    def plan(self, options: Any, canvas: Canvas) -> Plan: ...

    def apply(self, image: Image, plan: Any, others: Others, tools: Tools) -> Image: ...


def number(raw: Mapping[str, Any], name: str) -> float | None:
    """The option as a finite number; None where it is absent or empty. Raises BadStep."""
    value = raw.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadStep(f"expected a number as {name}, got {shown(value)}")
    return float(value)


def position(raw: Mapping[str, Any], name: str) -> int | None:
    """The option in whole pixels, rounded half up. Raises BadStep."""
    value = number(raw, name)
    if value is None:
        return None
    if abs(value) > FARTHEST:
        raise BadStep(f"expected a number of pixels as {name}, got {value:g}")
    return rounded(value)


def side(raw: Mapping[str, Any], name: str) -> int | None:
    """The option as a length in whole pixels, at least 1. Raises BadStep."""
    value = position(raw, name)
    if value is None:
        return None
    if raw[name] <= 0:
        raise BadStep(f"expected a {name} above 0, got {shown(raw[name])}")
    return max(1, value)


def choice(raw: Mapping[str, Any], name: str, choices: Collection[str]) -> str | None:
    """The option as one of the words; None where it is absent or empty. Raises BadStep."""
    value = raw.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value not in choices:
        raise BadStep(f"expected one of {', '.join(choices)} as {name}, got {shown(value)}")
    return value


def colour(raw: Mapping[str, Any], name: str) -> Colour | None:
    """The option as a colour; None where it is absent or empty. Raises BadStep."""
    value = raw.get(name)
    if value is None or value == "":
        return None
    try:
        return Colour.parse(value)
    except (ValueError, AttributeError):
        raise BadStep(f"expected a hex colour or transparent as {name}, got {shown(value)}") from None


def flag(raw: Mapping[str, Any], name: str, default: bool) -> bool:
    """The option as true or false; the default where it is absent or empty. Raises BadStep."""
    value = raw.get(name)
    if value is None or value == "":
        return default
    if not isinstance(value, bool):
        raise BadStep(f"expected true or false as {name}, got {shown(value)}")
    return value


def shown(value: object) -> str:
    """A value as an error may show it: short."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def backdrop(wish: Colour | None, canvas: Canvas) -> Colour:
    """The colour behind a picture that no longer fills its canvas: the one wished for, else transparent, or white
    where the file to be written has no alpha."""
    if wish is not None:
        return wish
    return TRANSPARENT if canvas.keeps_alpha else WHITE


def ink(background: Colour, image: Image) -> list[int]:
    """The colour in as many bands as the image has."""
    bands = [background.r, background.g, background.b, background.a]
    return bands[: image.bands]


def ready_for(image: Image, background: Colour) -> Image:
    """The image with an alpha band where the background needs one."""
    return image if image.hasalpha() or background.a == 255 else image.addalpha()
