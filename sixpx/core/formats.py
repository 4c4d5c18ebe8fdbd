"""Owns Formats, what an installation reads and writes, as it crosses from a lane. Never a decoder.

All of it is shown at `GET /v1/formats`, field for field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Readable:
    """One format of inputs: MIME type, name in sentences, whether this installation reads it, and one sentence about
    what it lacks where it does not; whether its animations keep their frames, and whether it is a drawing, which is
    sharp at every size."""

    type: str
    name: str
    available: bool
    missing: str | None
    animated: bool
    drawn: bool


@dataclass(frozen=True, slots=True)
class Writable:
    """One type of outputs: MIME type, ending of its files, whether this installation writes it, and one sentence about
    what it lacks where it does not; whether it holds animations and transparency, its longest side (pixels) where it
    has one of its own, and the quality that it gets unasked (`default`, 1 to 100), None where it has no such choice."""

    type: str
    extension: str
    available: bool
    missing: str | None
    animated: bool
    alpha: bool
    longest_side: int | None
    quality: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Formats:
    """What an installation reads and writes; `aliases` are further names of types."""

    input: tuple[Readable, ...]
    output: tuple[Writable, ...]
    aliases: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "input": [asdict(one) for one in self.input],
            "output": [asdict(one) for one in self.output],
            "aliases": dict(self.aliases),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Formats:
        readable = tuple(Readable(**one) for one in raw["input"])
        return cls(readable, tuple(Writable(**one) for one in raw["output"]), dict(raw["aliases"]))
