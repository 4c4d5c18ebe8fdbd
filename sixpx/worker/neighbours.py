"""Owns the other inputs of a Render, looked into when a step first asks. Never the input that is rendered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TypeVar

from sixpx.core.geometry import Size
from sixpx.worker.faults import stage
from sixpx.worker.formats.base import Image, Source
from sixpx.worker.loaders import scaled, srgb, stream, upright

Value = TypeVar("Value")


class Neighbours(Mapping[str, Value]):
    """The other inputs by name, each looked into once; a broken one fails only the sheets that refer to it."""

    def __init__(self, names: Collection[str], look: Callable[[str], Value]) -> None:
        self._names = names
        self._look = look
        self._known: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._known:
            with _looking(name):
                self._known[name] = self._look(name)
        return self._known[name]

    @property
    def known(self) -> Mapping[str, Value]:
        """Those that were looked into."""
        return self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Layers:
    """The pictures of these inputs (`methods.base.Others`), in memory: a drawing at each size, the last few of them,
    any other one as it is, and scaled from there."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._whole = Neighbours(sources, lambda name: srgb(upright(stream(sources[name]))).copy_memory())
        self._drawn: dict[tuple[str, Size], Image] = {}

    def at(self, name: str, size: Size) -> Image:
        return self._drawing(name, size) if self._sources[name].kind.drawn else scaled(self._whole[name], size)

    def _drawing(self, name: str, size: Size) -> Image:
        source = self._sources[name]
        if (name, size) not in self._drawn:
            with _looking(name):
                image = scaled(stream(source, (size,)), size).copy_memory()
            # all of them together are no more than one picture may be
            if size.pixels + sum(kept.pixels for _, kept in self._drawn) > source.limits.input_pixels:
                self._drawn.clear()
            self._drawn[name, size] = image
        return self._drawn[name, size]


def _looking(name: str) -> AbstractContextManager[None]:
    return stage("load", f'the input "{name}": ')
