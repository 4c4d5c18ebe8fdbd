"""Owns the page of analyses: palettes with their shares, dominant colours, nudity scores, EXIF. Never analyses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from sheets.page import PAPER, TEXT, Cell, Page, fitted, font
from sheets.studio import PHOTOS, ROOT, Entry, Shot, Studio

CELL = (420, 226)
SWATCHES = 200
"""The width (pixels) of the column of colours."""
LINES = 15


def pages(studio: Studio) -> list[Page]:
    studio.sources |= _sources(studio)
    names = ("photo", "collins", "hopper", "coffee", "rocket", "star", "flag", "plain", "stripes", "skin")
    entries = [Entry(f"{name}: palette", [("analyze", {"type": "color"})], source=name) for name in names]
    entries += [
        Entry("photo: palette of 3", [("analyze", {"type": "color", "count": 3})]),
        Entry("photo: palette of 12", [("analyze", {"type": "color", "count": 12})]),
        *(Entry(f"{name}: dominant", [("analyze", {"color": True, "context": "dominant"})], source=name)
          for name in ("photo", "collins", "flag", "plain")),
        Entry("photo, greyscale: palette", [("filter", {"color": 0}), ("analyze", {"type": "color"})]),
    ]  # fmt: skip
    nudity = [Entry(f"{name}: nudity", [("analyze", {"type": "nudity"})], source=name) for name in names]
    exif = [Entry(f"{name}: exif", [("analyze", {"type": "exif"})], source=name) for name in ("tagged", "photo")]
    cells = [_coloured(studio, shot) for shot in studio.shots(entries)]
    cells += [_written(studio, shot) for shot in studio.shots([*nudity, *exif])]
    return [Page("analyses", cells, 4, CELL)]


def _sources(studio: Studio) -> Mapping[str, Path]:
    made = {"flag": _flag(), "plain": Image.new("RGB", (300, 200), (30, 120, 200)), "stripes": _stripes()}
    made["skin"] = Image.effect_noise((300, 200), 3).convert("RGB").point(_skin)
    for name, picture in made.items():
        picture.save(studio.path(f"{name}.png"))
    paths = {name: studio.path(f"{name}.png") for name in made}
    photos = {name: PHOTOS / f"{name}.jpg" for name in ("collins", "hopper", "coffee", "rocket")}
    return {**paths, **photos, "tagged": _tagged(studio.path("tagged.jpg"))}


def _flag() -> Image.Image:
    """Blue, white and red, a third each."""
    flag = Image.new("RGB", (300, 200), (255, 255, 255))
    flag.paste((0, 35, 149), (0, 0, 100, 200))
    flag.paste((237, 41, 57), (200, 0, 300, 200))
    return flag


def _stripes() -> Image.Image:
    """Half black, a quarter green, an eighth yellow, an eighth violet."""
    stripes = Image.new("RGB", (320, 200))
    for colour, left, right in (((0, 160, 80), 160, 240), ((250, 220, 0), 240, 280), ((130, 0, 160), 280, 320)):
        stripes.paste(colour, (left, 0, right, 200))
    return stripes


_skin = [min(255, max(0, round(level - 128 + base))) for base in (214, 160, 132) for level in range(256)]
"""Grey noise about the middle as noise about a tone of skin."""


def _tagged(path: Path) -> Path:
    """A JPEG with a camera, a date, an exposure, and a position (Lisbon)."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x8298] = "Demo", "Camera 1", "public domain"
    exif.get_ifd(0x8769).update({0x9003: "2014:08:12 10:20:30", 0x829A: 1 / 250, 0x829D: 2.8, 0x8827: 200})
    exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 43.0, 20.0), 3: "W", 4: (9.0, 8.0, 21.5), 5: b"\0", 6: 42.5})
    with Image.open(ROOT / "demo" / "raccoon.jpg") as image:
        image.resize((320, 240)).save(path, exif=exif)
    return path


def _small(studio: Studio, shot: Shot) -> Image.Image:
    with Image.open(studio.sources[shot.entry.source]) as image:
        return fitted(image, (CELL[0] - SWATCHES - 8, CELL[1]))


def _coloured(studio: Studio, shot: Shot) -> Cell:
    found = (shot.made.analysis or {}).get("color") or []
    colours = found if isinstance(found, list) else [found]
    cell = Image.new("RGBA", CELL, (*PAPER, 255))
    cell.alpha_composite(_small(studio, shot))
    cell.paste(_swatches(colours), (CELL[0] - SWATCHES, 0))
    total = sum(colour["share"] for colour in colours)
    return Cell(f"{shot.entry.label}  ·  {len(colours)} colours, shares {total:.4f}", cell)


def _swatches(colours: Sequence[Mapping[str, Any]]) -> Image.Image:
    """One band for each colour, as high as its share."""
    column = Image.new("RGB", (SWATCHES, CELL[1]), PAPER)
    draw = ImageDraw.Draw(column)
    step = CELL[1] / max(len(colours), 6)
    top = 0.0
    for place, colour in enumerate(colours):
        lower = top + colour["share"] * CELL[1]
        draw.rectangle((0, round(top), 70, round(lower) - 1), fill=tuple(colour["rgb"]))
        draw.text((78, round(place * step)), f"{colour['hex']}  {colour['share']:.1%}", TEXT, font(13))
        top = lower
    return column


def _written(studio: Studio, shot: Shot) -> Cell:
    """The analysis as it stands in the job."""
    cell = Image.new("RGBA", CELL, (*PAPER, 255))
    cell.alpha_composite(_small(studio, shot))
    found = next(iter((shot.made.analysis or {"": None}).values()))
    lines = [f"{name}: {json.dumps(value)}"[:34] for name, value in (found or {"no tags": None}).items()]
    text = "\n".join(lines[:LINES] + (["..."] if len(lines) > LINES else []))
    ImageDraw.Draw(cell).multiline_text((CELL[0] - SWATCHES, 0), text, TEXT, font(11), spacing=2)
    return Cell(shot.entry.label, cell)
