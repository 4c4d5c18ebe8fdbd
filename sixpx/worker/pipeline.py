"""Owns the way of a Render: open the header, plan all sheets, load once, apply, encode. Never knows a method by name.

A sheet that fails leaves its neighbours alone. A finished one is written down in the journal at once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyvips

from sixpx.core.geometry import Size
from sixpx.core.render import Flaw, Limits, Made, Render, Report, Sheet, journal_line
from sixpx.errors import NotSupported, OverLimit
from sixpx.methods import METHODS
from sixpx.methods.base import Canvas, Method, Plan
from sixpx.worker import codecs
from sixpx.worker.faults import Failed, noted, stage
from sixpx.worker.frames import Frames, join
from sixpx.worker.loaders import Source, broken, probe, srgb, stream, upright
from sixpx.worker.neighbours import Neighbours
from sixpx.worker.pictures import Pictures
from sixpx.worker.tools import StepTools


@dataclass(frozen=True, slots=True)
class Step:
    """One planned step; `where` is how a sentence about it begins."""

    where: str
    method: Method
    plan: Plan


@dataclass(frozen=True, slots=True)
class Chain:
    """One planned sheet: what is done, and what comes out of it."""

    sheet: Sheet
    type: str
    animated: bool
    steps: tuple[Step, ...]
    canvas: Canvas

    @property
    def scale(self) -> Size | None:
        """The size that the sheet begins with; None where it needs the whole picture."""
        return self.steps[0].plan.scale if self.steps else None


def render(render: Render) -> Report:
    """Makes every sheet that can be made; the others get a Flaw. Raises nothing."""
    began = time.perf_counter()
    report = Report(render.id, None)
    flaws: dict[str, Flaw] = {}
    with noted(flaws, *(sheet.key for sheet in render.sheets)):
        with stage("load"):
            source = probe(render.source, render.limits)
        report = _made(render, source)
    busy = (time.perf_counter() - began) * 1000
    return replace(report, flaws={**report.flaws, **flaws}, busy_ms=busy)


def _made(render: Render, source: Source) -> Report:
    sources = Neighbours(render.others, lambda name: probe(render.others[name], render.limits))
    sizes = Neighbours(render.others, lambda name: sources[name].size)
    images = Neighbours(render.others, lambda name: srgb(upright(stream(sources[name]))).copy_memory())
    flaws: dict[str, Flaw] = {}
    chains = []
    for sheet in render.sheets:
        with noted(flaws, sheet.key):
            chains.append(_planned(sheet, source, sizes, render.limits))
    made = _rendered(render, source, chains, images, flaws) if chains else {}
    others = {name: other.seen for name, other in sources.known.items()}
    return Report(render.id, source.seen, made, flaws, others=others)


def _rendered(
    render: Render, source: Source, chains: Sequence[Chain], images: Mapping[str, Any], flaws: dict[str, Flaw]
) -> dict[str, Made]:
    made: dict[str, Made] = {}
    with noted(flaws, *(chain.sheet.key for chain in chains)):
        with stage("load"):
            pictures = Pictures(source, [chain.scale for chain in chains], any(chain.animated for chain in chains))
        for chain in chains:
            with noted(flaws, chain.sheet.key):
                made[chain.sheet.key] = _finished(chain, source, pictures, images)
                if render.journal is not None:
                    _write_down(render.journal, chain.sheet.key, made[chain.sheet.key])
    return made


def _planned(sheet: Sheet, source: Source, others: Mapping[str, Size], limits: Limits) -> Chain:
    """Folds the steps over the canvas. Raises Failed."""
    with stage("plan"):
        type = codecs.output_type(sheet.saving, source)
        animated = source.seen.frames > 1 and type in codecs.ANIMATED
        canvas = Canvas(source.size, source.alpha, type not in codecs.OPAQUE, others)
    steps = []
    for number, (name, raw) in enumerate(sheet.steps, 1):
        with stage("plan", where := f"step {number} ({name}): "):
            if name not in METHODS:
                raise NotSupported(f'the method "{name}" is not part of this version')
            method = METHODS[name]
            plan = method.plan(method.parse(raw), canvas)
            _check(plan, source.seen.frames if animated else 1, limits)
        steps.append(Step(where, method, plan))
        canvas = plan.canvas
    with stage("plan"):
        _check_size(canvas.size, source.seen.frames if animated else 1, limits)
        _check_type(type, canvas.size)
    return Chain(sheet, type, animated, tuple(steps), canvas)


def _check(plan: Plan, frames: int, limits: Limits) -> None:
    """Raises OverLimit for a step whose picture, or the scaled one on the way to it, is larger than we make."""
    _check_size(plan.canvas.size, frames, limits)
    if plan.scale is not None and plan.scale != plan.canvas.size:
        _check_size(plan.scale, frames, limits, "on the way the whole picture has")


def _check_size(size: Size, frames: int, limits: Limits, what: str = "the result has") -> None:
    """Results are held to the limits of inputs, and to a longest side. Raises OverLimit."""
    for kind, value, name, limit in (
        ("a side of {:,} pixels", max(size.width, size.height), "output_side", limits.output_side),
        ("{:,} pixels", size.pixels, "input_pixels", limits.input_pixels),
        ("{:,} pixels over all frames", size.pixels * frames, "all_frames_pixels", limits.all_frames_pixels),
    ):
        if value > limit:
            raise OverLimit(f"{what} {kind.format(value)}; the limit {name} is {limit:,}")


def _check_type(type: str, size: Size) -> None:
    """Raises OverLimit where the file's type cannot hold a picture of this size; said before any pixel is read."""
    longest, limit = max(size.width, size.height), codecs.SIDES.get(type)
    if limit is not None and longest > limit:
        raise OverLimit(f"the result has a side of {longest:,} pixels; the limit of {type} is {limit:,}")


def _finished(chain: Chain, source: Source, pictures: Pictures, others: Mapping[str, Any]) -> Made:
    """Makes one sheet and writes its file. Raises Failed."""
    try:
        with stage("apply"):
            frames = pictures.at(chain.scale, chain.animated)
        frames = _applied(chain.steps, frames, others)
        with stage("encode"):
            image = join(frames)
            weight = codecs.save(image, chain.sheet.path, chain.type, chain.sheet.saving, source)
    except Failed as failed:
        raise _blamed(failed, source, pictures) from failed
    return Made(frames[0].width, frames[0].height, weight, chain.type)


def _applied(steps: Sequence[Step], frames: Frames, others: Mapping[str, Any]) -> Frames:
    for step in steps:
        tools = StepTools()
        with stage("apply", step.where):
            frames = tuple(step.method.apply(frame, step.plan, others, tools) for frame in frames)
    return frames


def _blamed(failed: Failed, source: Source, pictures: Pictures) -> Failed:
    """libvips reads a stream while it writes the result, so that a broken file shows late: then it is the file's."""
    late = isinstance(failed.__cause__, pyvips.Error) and failed.flaw.code == "render_failed"
    if late and not pictures.decoded and broken(source):
        return Failed(Flaw("bad_image", "load", f"the {source.kind.name} file is broken or cut short"))
    return failed


def _write_down(journal: str, key: str, made: Made) -> None:
    with open(journal, "a", encoding="utf-8") as file:
        file.write(journal_line(key, made))
