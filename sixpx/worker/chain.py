"""Owns a sheet as it is planned: its steps folded over a canvas, as far as that can be known. Never touches a pixel.

A step that only the pixels can size (a crop to a face) ends the plan; what follows it is planned when it was applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sixpx.core.geometry import Size
from sixpx.core.render import Limits, Sheet
from sixpx.errors import NotSupported, OverLimit
from sixpx.methods import METHODS
from sixpx.methods.base import Canvas, Idle, Method, Plan
from sixpx.worker import codecs
from sixpx.worker.encoders import ENCODERS
from sixpx.worker.faults import stage
from sixpx.worker.formats.base import Source


@dataclass(frozen=True, slots=True)
class Wish:
    """One step whose options were read; `where` is how a sentence about it begins."""

    where: str
    method: Method
    options: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One planned step."""

    where: str
    method: Method
    plan: Plan


@dataclass(frozen=True, slots=True)
class Chain:
    """One sheet: what is done to a picture of the canvas `begin`, and what file comes out of it. `rest` waits where
    the chain is `open`: only when its steps were applied is it known what size they give."""

    sheet: Sheet
    type: str
    frames: int
    limits: Limits
    begin: Canvas
    steps: tuple[Step, ...] = ()
    rest: tuple[Wish, ...] = ()
    open: bool = False

    @property
    def animated(self) -> bool:
        return self.frames > 1

    @property
    def scale(self) -> Size | None:
        """The size that the sheet begins with; None where it needs the whole picture."""
        busy = (step.plan for step in self.steps if not (isinstance(step.plan, Idle) and step.plan.idle))
        first = next(busy, None)
        return first.scale if first is not None else None


def planned(sheet: Sheet, source: Source, others: Mapping[str, Size], limits: Limits) -> Chain:
    """The chain of a sheet over a picture that was not yet read. Raises Failed."""
    with stage("plan"):
        type = codecs.output_type(sheet.saving, source)
        frames = source.seen.frames if ENCODERS[type].animated else 1
        canvas = Canvas(source.size, source.header.alpha, ENCODERS[type].alpha, others)
    wishes = tuple(_wish(number, name, raw) for number, (name, raw) in enumerate(sheet.steps, 1))
    return _folded(Chain(sheet, type, frames, limits, canvas, rest=wishes))


def replanned(chain: Chain, size: Size, alpha: bool) -> Chain:
    """What is left of a chain whose steps were applied and gave a picture of this size. Raises Failed, also where that
    picture is larger than we make: no pixel of it was computed yet."""
    with stage("plan", chain.steps[-1].where):
        _check_size(size, chain)
    return _folded(replace(chain, begin=replace(chain.begin, size=size, alpha=alpha)))


def _wish(number: int, name: str, raw: Mapping[str, Any]) -> Wish:
    with stage("plan", where := f"step {number} ({name}): "):
        if name not in METHODS:
            raise NotSupported(f'the method "{name}" is not part of this version')
        return Wish(where, METHODS[name], METHODS[name].parse(raw))


def _folded(chain: Chain) -> Chain:
    """The chain with as many of its rest planned as its beginning tells."""
    canvas: Canvas | None = chain.begin
    steps: list[Step] = []
    for wish in chain.rest:
        if canvas is None:
            break
        with stage("plan", wish.where):
            plan = wish.method.plan(wish.options, canvas)
            _check(plan, chain)
        steps.append(Step(wish.where, wish.method, plan))
        canvas = plan.canvas
    if canvas is not None:
        with stage("plan"):
            _check_size(canvas.size, chain)
            _check_type(chain.type, canvas.size)
    return replace(chain, steps=tuple(steps), rest=chain.rest[len(steps) :], open=canvas is None)


def _check(plan: Plan, chain: Chain) -> None:
    """Raises OverLimit for a step whose picture, or the scaled one on the way to it, is larger than we make."""
    if plan.canvas is not None:
        _check_size(plan.canvas.size, chain)
        if plan.scale is not None and plan.scale != plan.canvas.size:
            _check_size(plan.scale, chain, "on the way the whole picture has")


def _check_size(size: Size, chain: Chain, what: str = "the result has") -> None:
    """Results are held to the limits of inputs, and to a longest side. Raises OverLimit."""
    limits = chain.limits
    for kind, value, name, limit in (
        ("a side of {:,} pixels", max(size.width, size.height), "output_side", limits.output_side),
        ("{:,} pixels", size.pixels, "input_pixels", limits.input_pixels),
        ("{:,} pixels over all frames", size.pixels * chain.frames, "all_frames_pixels", limits.all_frames_pixels),
    ):
        if value > limit:
            raise OverLimit(f"{what} {kind.format(value)}; the limit {name} is {limit:,}")


def _check_type(type: str, size: Size) -> None:
    """Raises OverLimit where the file's type cannot hold a picture of this size; said before any pixel is read."""
    longest, limit = max(size.width, size.height), ENCODERS[type].side
    if limit is not None and longest > limit:
        raise OverLimit(f"the result has a side of {longest:,} pixels; the limit of {type} is {limit:,}")
