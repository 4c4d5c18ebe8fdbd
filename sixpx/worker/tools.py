"""Owns what the worker lends to methods (`methods.base.Tools`). Never decides what a method does with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyvips

from sixpx.core.filters import Stage
from sixpx.core.geometry import Box, Size
from sixpx.worker import faces, filters, nudity, palette
from sixpx.worker.exif_tags import tags_of
from sixpx.worker.formats.base import Image, Source


@dataclass(slots=True)
class Findings:
    """What the steps of one sheet found out about its pictures, beside the file that they make. `face` is its box (x,
    y, width, height) in pixels of the picture in which the last step that looked for one did so."""

    analysis: dict[str, Any] = field(default_factory=dict)
    face: Mapping[str, int] | None = None
    looked_for_face: bool = False


class StepTools:
    """For one step of one sheet, by its number: what was found on the first frame holds for the others, else they
    would jitter."""

    def __init__(self, source: Source, findings: Findings, number: int) -> None:
        self._source = source
        self._findings = findings
        self._focus: Box | None = None
        self._face: Box | None = None
        self._looked_for_face = False
        self._noted = False
        self._number = number
        self._filtered = 0
        self._interpolators: dict[str, Any] = {}

    def interpolator(self, name: str) -> Any:
        if name not in self._interpolators:
            self._interpolators[name] = pyvips.Interpolate.new(name)
        return self._interpolators[name]

    def focus(self, image: Image, size: Size, interest: str) -> Box:
        if self._focus is None:
            cut = image.smartcrop(size.width, size.height, interesting=interest)
            self._focus = Box(-cut.xoffset, -cut.yoffset, size.width, size.height)
        return self._focus

    def face(self, image: Image) -> Box | None:
        if not self._looked_for_face:
            self._face = box = faces.dominant(image, faces.detector(faces.model))
            self._looked_for_face = self._findings.looked_for_face = True
            self._findings.face = None if box is None else asdict(box)
        return self._face

    def filtered(self, image: Image, stages: Sequence[Stage]) -> Image:
        self._filtered += 1
        return filters.filtered(image, stages, (self._number, self._filtered))

    @property
    def noted(self) -> bool:
        return self._noted

    def note(self, analysis: str, finding: Any) -> None:
        self._findings.analysis[analysis] = finding
        self._noted = True

    def exif(self) -> Mapping[str, Any]:
        return tags_of(self._source.header.exif)

    def palette(self, image: Image, count: int) -> list[dict[str, Any]]:
        return palette.palette(image, count)

    def dominant(self, image: Image) -> list[dict[str, Any]]:
        return palette.dominant(image)

    def nudity(self, image: Image) -> dict[str, Any]:
        return nudity.nudity(image)
