"""Owns analyze: read the picture as it is at this step, for the job's record. Never changes a pixel.

SPEC section 2. What is asked comes as `type`, or as the name of an analysis with true (the options' names in the
editions' tables), or as both. A later step's finding takes the place of an earlier one of the same kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sixpx.errors import BadStep
from sixpx.methods.base import Canvas, Image, Others, Tools, choice, flag, number, shown

name = "analyze"

ANALYSES = ("exif", "color", "nudity")
CONTEXTS = {"palette": False, "pallete": False, "dominant": True}
"""Whether it is the dominant colour alone. Edition 3's table spells `pallete`, its example `palette`."""
COUNT = 6
MOST_COLOURS = 64


@dataclass(frozen=True, slots=True)
class Options:
    """What is looked for; `count` colours of a palette, or the dominant one."""

    analyses: frozenset[str]
    count: int = COUNT
    dominant: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Nothing happens to the canvas."""

    canvas: Canvas
    options: Options
    scale: None = None

    @property
    def idle(self) -> bool:
        """EXIF is the file's, not the picture's."""
        return self.options.analyses == {"exif"}


def parse(raw: Mapping[str, Any]) -> Options:
    """Raises BadStep, also where nothing is asked for."""
    analyses = {analysis for analysis in ANALYSES if flag(raw, analysis, False)}
    if (type := choice(raw, "type", ANALYSES)) is not None:
        analyses.add(type)
    if not analyses:
        raise BadStep("expected a type, or one of exif, color, nudity to be true, got none of them")
    return Options(frozenset(analyses), _count(raw), CONTEXTS[choice(raw, "context", CONTEXTS) or "palette"])


def _count(raw: Mapping[str, Any]) -> int:
    value = number(raw, "count")
    if value is None:
        return COUNT
    if not value.is_integer() or not 1 <= value <= MOST_COLOURS:
        raise BadStep(f"expected a whole number from 1 to {MOST_COLOURS} as count, got {shown(raw['count'])}")
    return int(value)


def plan(options: Options, canvas: Canvas) -> Plan:
    return Plan(canvas, options)


def apply(image: Image, plan: Plan, others: Others, tools: Tools) -> Image:
    """The picture as it came, in memory where it had to be looked at; of an animation the first frame alone is."""
    asked = plan.options
    if tools.noted:
        return image
    if "exif" in asked.analyses:
        tools.note("exif", tools.exif())
    if not asked.analyses & {"color", "nudity"}:
        return image
    image = image.copy_memory()
    if "color" in asked.analyses:
        tools.note("color", tools.dominant(image) if asked.dominant else tools.palette(image, asked.count))
    if "nudity" in asked.analyses:
        tools.note("nudity", tools.nudity(image))
    return image
