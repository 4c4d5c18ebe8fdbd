"""Owns Render and Report, all that crosses into a child process and back. Never pixels, never exceptions.

A Render is one input with all the outputs that refer to it. Files are named by path; every value here
survives `to_json` / `from_json` unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

LANE_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "VIPS_CONCURRENCY": "1",
        "VIPS_BLOCK_UNTRUSTED": "1",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "131072",
        "OPENBLAS_NUM_THREADS": "1",
    }
)
"""What must stand in the environment when a lane's process begins: one thread for each picture, since the lanes are
the parallelism; no loaders that libvips itself calls untrusted; an allocator that gives memory back (memory at rest
a third of the default's). glibc reads its part at exec, so a fork alone is too late."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one Render may use. Pixels, bytes, milliseconds (SPEC sections 3 and 9)."""

    input_pixels: int = 75_000_000
    """pixels of one frame"""
    input_frames: int = 300
    all_frames_pixels: int = 268_000_000
    """pixels over all frames of an animation"""
    output_side: int = 16_384
    render_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Saving:
    """How an output is encoded. `type` None means: the input's own type where it can be an output, else PNG."""

    type: str | None = None
    quality: int | None = None
    progressive: bool = False
    keep_metadata: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One picture to make: `key` names it in the Report, `steps` are (method, raw options) in order, `path` is the
    file to write (its name carries no extension)."""

    key: str
    path: str
    steps: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    saving: Saving = Saving()


@dataclass(frozen=True, slots=True)
class Render:
    """The work that one lane does at a time. `others` are the paths of the inputs that layers refer to, by input name.
    Every finished sheet is appended to the file `journal`, if any, as one JSON line (see `journal_line`), so that a
    crash loses only what was not finished."""

    id: str
    source: str
    journal: str | None
    sheets: tuple[Sheet, ...]
    others: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()

    def to_json(self) -> dict[str, Any]:
        sheets = [{**_plain(sheet), "saving": _plain(sheet.saving)} for sheet in self.sheets]
        return {**_plain(self), "sheets": sheets, "limits": _plain(self.limits)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Render:
        sheets = tuple(
            Sheet(s["key"], s["path"], tuple((m, o) for m, o in s["steps"]), Saving(**s["saving"]))
            for s in raw["sheets"]
        )
        limits = Limits(**raw["limits"])
        return cls(raw["id"], raw["source"], raw["journal"], sheets, dict(raw["others"]), limits)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the child found in the source file: pixels after EXIF orientation, MIME type, number of frames,
    position as (latitude, longitude) in degrees where the file has one, and one sentence about damage that was read
    over."""

    width: int
    height: int
    type: str
    bytes: int
    frames: int = 1
    latlon: tuple[float, float] | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """One finished sheet: pixels, bytes, MIME type; `analysis` and `face` where steps asked for them."""

    width: int
    height: int
    bytes: int
    type: str
    analysis: Mapping[str, Any] | None = None
    face: Mapping[str, Any] | None = None
    looked_for_face: bool = False


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a sheet was not made: a code of `errors`, the stage (`load plan apply encode render`), one sentence."""

    code: str
    stage: str
    detail: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a Render: what was seen (None where the file could not be opened), and each sheet's outcome by key.
    `busy_ms` is the time that the lane worked on it; `others`: what was seen in the inputs that layers refer to."""

    id: str
    seen: Seen | None
    made: Mapping[str, Made] = field(default_factory=dict)
    flaws: Mapping[str, Flaw] = field(default_factory=dict)
    busy_ms: float = 0.0
    others: Mapping[str, Seen] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            **_plain(self),
            "seen": None if self.seen is None else _plain(self.seen),
            "made": {key: _plain(made) for key, made in self.made.items()},
            "flaws": {key: _plain(flaw) for key, flaw in self.flaws.items()},
            "others": {name: _plain(seen) for name, seen in self.others.items()},
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Report:
        return cls(
            raw["id"],
            seen_from_json(raw["seen"]) if raw["seen"] else None,
            {key: Made(**made) for key, made in raw["made"].items()},
            {key: Flaw(**flaw) for key, flaw in raw["flaws"].items()},
            raw["busy_ms"],
            {name: seen_from_json(seen) for name, seen in raw["others"].items()},
        )


def seen_from_json(raw: Mapping[str, Any]) -> Seen:
    """The `Seen` that was written; JSON turned its pair into a list."""
    latlon = raw["latlon"]
    return Seen(**{**raw, "latlon": tuple(latlon) if latlon else None})


def journal_line(key: str, made: Made) -> str:
    """One finished sheet as a lane writes it down, with its line feed."""
    return json.dumps({"key": key, "made": _plain(made)}, separators=(",", ":")) + "\n"


def made_from_journal(lines: Iterable[str]) -> dict[str, Made]:
    """The finished sheets by key. A last line that was torn by a crash counts as not finished."""
    made = {}
    for line in lines:
        try:
            entry = json.loads(line)
            made[str(entry["key"])] = Made(**entry["made"])
        except (ValueError, TypeError, KeyError):
            continue
    return made


def _plain(value: Any) -> dict[str, Any]:
    """The fields of one value; `asdict` would copy all that lies below them too, ten times as slowly."""
    return {name: getattr(value, name) for name in value.__slots__}
