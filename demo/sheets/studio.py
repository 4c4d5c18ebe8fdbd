"""Owns the making of the pictures: entries rendered as a lane renders, each source once. Never how they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import Any

from PIL import Image, ImageDraw

from sheets.page import Cell, font
from sixpx.core.render import Made, Render, Report, Saving, Sheet
from sixpx.worker import render

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT / "tests" / "worker" / "photos"
PNG = Saving("image/png")
NOTICE = (240, 120)

Step = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Entry:
    """One picture to make."""

    label: str
    steps: Sequence[Step] = ()
    saving: Saving = field(default_factory=lambda: PNG)
    source: str = "photo"


@dataclass(frozen=True)
class Shot:
    """One picture that was made: its file, and what the worker told of it. Where it was not, a picture says why."""

    entry: Entry
    path: Path
    made: Made
    refused: str | None = None
    warning: str | None = None

    @property
    def picture(self) -> Image.Image:
        with Image.open(self.path) as image:
            return image.convert("RGBA")

    @property
    def size(self) -> str:
        return f"{self.made.width}x{self.made.height}"

    def cell(self, more: str = "") -> Cell:
        return Cell(f"{self.entry.label}  ·  {self.size}{more}", self.picture)


class Studio:
    """`sources` are the inputs by name; every layer may refer to each of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.refused: list[str] = []
        self.sources: dict[str, Path] = {"photo": ROOT / "demo" / "raccoon.jpg", "star": star(folder / "star")}

    def path(self, name: str) -> Path:
        """A place for a file of one's own."""
        return self._folder / name

    def shots(self, entries: Sequence[Entry]) -> list[Shot]:
        """The entries' pictures."""
        found: dict[int, Shot] = {}
        for source in dict.fromkeys(entry.source for entry in entries):
            own = {place: entry for place, entry in enumerate(entries) if entry.source == source}
            found |= self._shot(source, own)
        return [found[place] for place in range(len(entries))]

    def _shot(self, source: str, entries: Mapping[int, Entry]) -> Mapping[int, Shot]:
        self._count += 1
        sheets = {
            place: Sheet(str(place), str(self._folder / f"{self._count}-{place}"), tuple(entry.steps), entry.saving)
            for place, entry in entries.items()
        }
        others = {name: str(path) for name, path in self.sources.items()}
        report = render(Render("demo", str(self.sources[source]), None, tuple(sheets.values()), others))
        return {place: self._shown(entries[place], sheet, report) for place, sheet in sheets.items()}

    def _shown(self, entry: Entry, sheet: Sheet, report: Report) -> Shot:
        path = Path(sheet.path)
        if sheet.key in report.made:
            return Shot(entry, path, report.made[sheet.key], None, report.seen.warning if report.seen else None)
        why = report.flaws[sheet.key].detail
        self.refused.append(f"{entry.label}: {why}")
        return Shot(entry, notice(path, why), Made(*NOTICE, 0, ""), why)


def notice(path: Path, why: str) -> Path:
    """A picture of why there is none."""
    picture = Image.new("RGB", NOTICE, (255, 235, 235))
    ImageDraw.Draw(picture).multiline_text((6, 6), "\n".join(wrap(why, 34)), (160, 0, 0), font(13))
    picture.save(path, "PNG")
    return path


def star(path: Path) -> Path:
    """A soft-edged sign with a half-transparent part and hidden red under what is transparent."""
    big = Image.new("RGBA", (640, 640), (255, 0, 0, 0))
    draw = ImageDraw.Draw(big)
    draw.ellipse((40, 40, 600, 600), fill=(20, 60, 160, 255))
    draw.ellipse((140, 140, 500, 500), fill=(255, 255, 255, 128))
    draw.polygon(
        [(320, 90), (400, 300), (560, 320), (400, 380), (320, 560), (240, 380), (80, 320), (240, 300)],
        fill=(255, 200, 0, 255),
    )
    big.convert("RGBa").resize((160, 160), Image.Resampling.LANCZOS).convert("RGBA").save(path, "PNG")
    return path
