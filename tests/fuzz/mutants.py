"""Owns Mutant: a broken file and what is to be made of it, named by a seed and an index. Never runs one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from sixpx.core.media import ENDINGS
from sixpx.core.render import Limits, Render, Saving, Sheet
from tests.fuzz.mutations import damaged
from tests.fuzz.seeds import SEEDS, seed

Steps = tuple[tuple[str, Mapping[str, Any]], ...]

SHARES = {"JPEG": 14, "PNG": 14, "GIF": 12, "WebP": 10, "TIFF": 18, "AVIF": 8, "HEIC": 6, "PSD": 8, "SVG": 10,
          "PDF": 10, "EPS": 1}  # fmt: skip
"""How many of about a hundred are of each format. Each EPS takes a process of Ghostscript's."""

PHOTO = Path(__file__).parents[2] / "demo" / "raccoon.jpg"

CHAINS: Sequence[tuple[int, Steps]] = (
    (30, (("resize", {"width": 20}),)),
    (6, (("resize", {"width": 15, "height": 40}),)),
    (6, (("resize", {"width": 30, "height": 30, "fit": "cover", "gravity": "attention"}),)),
    (10, (("filter", {"sepia": 70, "brightness": 20}), ("resize", {"height": 12}))),
    (6, (("filter", {"stackBlur": 5, "noise": 10, "saturation": -30}),)),
    (6, (("filter", {"sharpen": 40, "hue": 20}), ("rotate", {"degrees": 180}))),
    (10, (("rotate", {"degrees": 90}),)),
    (8, (("rotate", {"degrees": 33, "background": "transparent"}), ("resize", {"width": 25}))),
    (8, (("crop", {"x": 2, "y": 1, "width": 9, "height": 8}),)),
    (4, (("crop", {"width": 8, "height": 6, "gravity": "entropy"}),)),
    (6, (("layer", {"ref": "photo", "width": 10, "opacity": 0.5}),)),
    (6, ()),
    (3, (("crop", {"face": True, "padding": 5}),)),
    (3, (("analyze", {"type": "color"}), ("analyze", {"exif": True, "nudity": True}))),
)
"""How often, and what."""

LIMITS = Limits(input_pixels=12_500_000, all_frames_pixels=44_000_000, render_ms=10_000)
"""A sixth of what a service has: of its time, and of the pixels that it takes it for."""
SLOWER = Limits(LIMITS.input_pixels, LIMITS.input_frames, LIMITS.all_frames_pixels, LIMITS.output_side, 30_000)
"""For PostScript, whose own limit is 20 seconds."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`name` says what it was and what was done to it; `layered`: it is laid onto a good photograph instead of being
    the picture itself."""

    seed: int
    index: int
    format: str
    name: str
    content: bytes
    sheets: tuple[tuple[Steps, Saving], ...]
    layered: bool = False

    def render(self, folder: Path) -> Render:
        """The Render; writes the file into the folder, where everything else comes to lie too."""
        path = folder / "input"
        path.write_bytes(self.content)
        sheets = tuple(Sheet(str(n), str(folder / str(n)), *both) for n, both in enumerate(self.sheets))
        source, others = (PHOTO, {"photo": str(path)}) if self.layered else (path, {"photo": str(PHOTO)})
        limits = SLOWER if self.format == "EPS" else LIMITS
        return Render(f"{self.seed}/{self.index}", str(source), str(folder / "journal"), sheets, others, limits)


def mutant(number: int, index: int) -> Mutant:
    """The mutant of this name, the same each time."""
    chance = Random(f"{number}/{index}")
    (format,) = chance.choices(list(SHARES), list(SHARES.values()))
    name = chance.choice(list(SEEDS[format]))
    donor = format if chance.random() < 0.7 else chance.choice(list(SEEDS))
    other = seed(donor, chance.choice(list(SEEDS[donor])))
    content, done = damaged(chance, seed(format, name), format, other)
    layered = chance.random() < 0.04
    asked = tuple(_sheet(chance, layered) for _ in range(chance.choice((1, 1, 2, 3))))
    return Mutant(number, index, format, f"{format} {name}: {', '.join(done)}", content, asked, layered)


def _sheet(chance: Random, layered: bool) -> tuple[Steps, Saving]:
    (steps,) = chance.choices([steps for _, steps in CHAINS], [share for share, _ in CHAINS])
    if layered:
        steps = (("resize", {"width": 60}), ("layer", {"ref": "photo", "x": 3}))
    type = chance.choice((None, None, "image/png", "image/jpeg", "image/gif", "image/webp", *ENDINGS))
    keep = chance.random() < 0.2
    return steps, Saving(type, progressive=chance.random() < 0.1, keep_metadata=keep)
