"""Owns the way of a Render: open the header, plan all sheets, load once, apply, encode. Never knows a method by name.

A sheet that fails leaves its neighbours alone. A finished one is written down in the journal at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pyvips

from sixpx.core.geometry import Size
from sixpx.core.render import Flaw, Made, Render, Report, journal_line
from sixpx.worker import codecs
from sixpx.worker.chain import Chain, Step, planned, replanned
from sixpx.worker.faults import Failed, noted, stage
from sixpx.worker.formats.base import Source
from sixpx.worker.frames import Frames, join
from sixpx.worker.loaders import broken, check_drawn, probe
from sixpx.worker.neighbours import Layers, Neighbours
from sixpx.worker.order import ordered
from sixpx.worker.pictures import Drawings, Pictures, pictures_of
from sixpx.worker.tools import Findings, StepTools

Lend = Callable[[], StepTools]
"""Tools for one more step."""

Walked = tuple[Step, StepTools]
"""A step with its tools: they remember what it found on the first frame."""


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
    flaws: dict[str, Flaw] = {}
    chains = []
    for sheet in render.sheets:
        with noted(flaws, sheet.key):
            chains.append(_ready(planned(sheet, source, sizes, render.limits), source))
    made = _rendered(render, source, chains, Layers(sources), flaws) if chains else {}
    others = {name: other.seen for name, other in sources.known.items()}
    return Report(render.id, source.seen, made, flaws, others=others)


def _rendered(
    render: Render, source: Source, chains: Sequence[Chain], layers: Layers, flaws: dict[str, Flaw]
) -> dict[str, Made]:
    made: dict[str, Made] = {}
    with noted(flaws, *(chain.sheet.key for chain in chains)):
        with stage("load"):
            pictures = pictures_of(source, [chain.scale for chain in chains], any(chain.animated for chain in chains))
        for chain in chains:
            with noted(flaws, chain.sheet.key):
                made[chain.sheet.key] = _finished(chain, source, pictures, layers)
                if render.journal is not None:
                    _write_down(render.journal, chain.sheet.key, made[chain.sheet.key])
    return made


def _ready(chain: Chain, source: Source) -> Chain:
    """The chain, if its first picture can be made. Raises Failed."""
    with stage("plan"):
        if chain.scale is None:
            check_drawn(source)
    return chain


def _finished(chain: Chain, source: Source, pictures: Pictures | Drawings, others: Layers) -> Made:
    """Makes one sheet and writes its file. Raises Failed."""
    findings, numbers = Findings(), count(1)
    try:
        with stage("apply"):
            frames = pictures.at(chain.scale, chain.animated)
        frames = _applied(chain, frames, others, lambda: StepTools(source, findings, next(numbers)))
        with stage("encode"):
            image = join(frames)
            weight = codecs.save(image, chain.sheet.path, chain.type, chain.sheet.saving, source)
    except Failed as failed:
        raise _blamed(failed, source, pictures) from failed
    analysis, face, looked = findings.analysis or None, findings.face, findings.looked_for_face
    return Made(frames[0].width, frames[0].height, weight, chain.type, analysis, face, looked)


def _applied(chain: Chain, frames: Frames, others: Layers, lend: Lend) -> Frames:
    """The frames after all steps. What only pixels can tell, the first one decides for all. Of an animation, each is
    finished before the next begins: libvips would run them all at once, and hold gigabytes for hundreds of them."""
    first, walked = _led(chain, frames[0], others, lend)
    if len(frames) == 1 or not walked:
        return (first, *frames[1:])
    with stage("apply"):
        first = first.copy_memory()
    return (first, *(_followed(walked, frame, others) for frame in frames[1:]))


def _led(chain: Chain, frame: Any, others: Layers, lend: Lend) -> tuple[Any, Sequence[Walked]]:
    """The first frame after all steps; those that only the pixels could size are planned on the way."""
    walked: list[Walked] = []
    while True:
        for step in ordered(chain.steps):
            walked.append((step, lend()))
            frame = _stepped(*walked[-1], frame, others)
        if not chain.open:
            return frame, walked
        chain = replanned(chain, Size(frame.width, frame.height), bool(frame.hasalpha()))


def _followed(walked: Sequence[Walked], frame: Any, others: Layers) -> Any:
    """A later frame after the same steps, in memory."""
    for step, tools in walked:
        frame = _stepped(step, tools, frame, others)
    with stage("apply"):
        return frame.copy_memory()


def _stepped(step: Step, tools: StepTools, frame: Any, others: Layers) -> Any:
    with stage("apply", step.where):
        return step.method.apply(frame, step.plan, others, tools)


def _blamed(failed: Failed, source: Source, pictures: Pictures | Drawings) -> Failed:
    """libvips reads a stream while it writes the result, so that a broken file shows late: then it is the file's."""
    late = isinstance(failed.__cause__, pyvips.Error) and failed.flaw.code == "render_failed"
    if late and not pictures.decoded and broken(source):
        return Failed(Flaw("bad_image", "load", f"the {source.kind.name} file is broken or cut short"))
    return failed


def _write_down(journal: str, key: str, made: Made) -> None:
    with open(journal, "a", encoding="utf-8") as file:
        file.write(journal_line(key, made))
