"""Owns the pixels of one source for all of its sheets: one decode, and a cascade of sizes. Never applies a step.

`cascade` decided which picture comes from which; here they are made when first asked for, and let go with their last
use: all sizes of a job together may be larger than a lane.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from sixpx.core.geometry import Size
from sixpx.worker.cascade import Stage, plan_cascade
from sixpx.worker.faults import stage
from sixpx.worker.formats.base import Source
from sixpx.worker.frames import Frames, in_memory, split
from sixpx.worker.loaders import scaled, srgb, stream, strip, upright

Key = TypeVar("Key")


def pictures_of(source: Source, wanted: Sequence[Size | None], animated: bool) -> Pictures | Drawings:
    """`wanted` holds, for each sheet, the size that it begins with, or None for the whole picture."""
    return Drawings(source, wanted) if source.kind.drawn else Pictures(source, wanted, animated)


class Drawings:
    """A drawing has no pixels of its own: each size is drawn afresh, sharper than one made from another."""

    decoded = True

    def __init__(self, source: Source, wanted: Sequence[Size | None]) -> None:
        self._source = source
        self._left = Counter(wanted)
        self._made: dict[Size | None, Frames] = {}

    def at(self, size: Size | None, animated: bool) -> Frames:
        """The drawing at this size, or at its natural one, in memory; upright sRGB."""
        if size not in self._made:
            with stage("load"):
                image = stream(self._source, () if size is None else (size,))
                self._made[size] = in_memory([scaled(image, size or self._source.size)])
        return _taken(self._made, self._left, size)


class Pictures:
    """Loading decodes at once where several pictures are made from it; a single one reads the file as a stream."""

    def __init__(self, source: Source, wanted: Sequence[Size | None], animated: bool) -> None:
        self._stages = plan_cascade(source.size, (size for size in wanted if size is not None))
        self._places = {stage.size: place for place, stage in enumerate(self._stages)}
        self._left = _uses(self._stages, wanted)
        self._made: dict[int, Frames] = {}
        self.decoded = animated or self._left[None] > 1
        self._root = self._load(source, wanted, animated)

    def _load(self, source: Source, wanted: Sequence[Size | None], animated: bool) -> Frames:
        if animated:
            return split(strip(source))
        sizes = [size for size in wanted if size is not None]
        image = stream(source, sizes if len(sizes) == len(wanted) else ())
        return (upright(image.copy_memory()).copy_memory(),) if self.decoded else (image,)

    def at(self, size: Size | None, animated: bool) -> Frames:
        """All frames, or the first one alone, at this size or as they are; upright sRGB."""
        frames = self._root if animated else self._root[:1]
        if size is None:
            return tuple(srgb(upright(frame)) for frame in frames)
        if len(frames) < len(self._root):
            return (scaled(frames[0], size),)
        return self._stage(self._places[size])

    def _stage(self, place: int) -> Frames:
        if place not in self._made:
            stage = self._stages[place]
            larger = self._root if stage.parent is None else self._stage(stage.parent)
            frames = tuple(scaled(frame, stage.size) for frame in larger)
            self._made[place] = in_memory(frames) if self._left[place] > 1 else frames
        return _taken(self._made, self._left, place)


def _taken(made: dict[Key, Frames], left: Counter[Any], key: Key) -> Frames:
    """One use of these frames; with the last one they are no longer kept."""
    left[key] -= 1
    return made[key] if left[key] > 0 else made.pop(key)


def _uses(stages: Sequence[Stage], wanted: Sequence[Size | None]) -> Counter[int | None]:
    """How often each picture is read, by its place; None is the decoded one. What is read once can stay a stream."""
    places = {stage.size: place for place, stage in enumerate(stages)}
    uses: Counter[int | None] = Counter(stage.parent for stage in stages)
    uses.update(None if size is None else places[size] for size in wanted)
    return uses
