"""Owns what the worker lends to methods (`methods.base.Tools`). Never decides what a method does with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyvips

from sixpx.core.geometry import Box, Size
from sixpx.worker.formats.base import Image, Source


@dataclass(slots=True)
class Findings:
    """What the steps of one sheet found out about its pictures, beside the file that they make."""

    analysis: dict[str, Any] = field(default_factory=dict)
    face: Mapping[str, int] | None = None
    looked_for_face: bool = False


class StepTools:
    """For one step of one sheet: what was found on the first frame holds for the others, else they would jitter."""

    def __init__(self, source: Source, findings: Findings) -> None:
        self._source = source
        self._findings = findings
        self._focus: Box | None = None
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
