"""Owns the other inputs of a Render, looked into when a step first asks. Never the input that is rendered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

from sixpx.worker.faults import stage

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
            with stage("load", f'the input "{name}": '):
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
