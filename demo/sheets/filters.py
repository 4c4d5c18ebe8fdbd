"""Owns the pages of filters: ours, CamanJS' golden beside it, and their difference. Never the goldens' making."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from PIL import Image, ImageChops

from sheets.page import Cell, Page, beside
from sheets.studio import ROOT, Entry, Shot, Studio

GOLDENS = ROOT / "tests" / "golden" / "caman"
SCALE = 2
AMPLIFIED = 16
"""How much brighter a difference is shown than it is: 16 levels of it are white."""
LEGEND = f"sixpx, CamanJS, difference x{AMPLIFIED} (the outermost pixels after sharpen are a fault of CamanJS)"
LONGEST = 58


def pages(studio: Studio) -> list[Page]:
    """One for each photograph of the goldens."""
    manifest = json.loads((GOLDENS / "goldens.json").read_text())
    by_photo = groupby(sorted(manifest, key=lambda entry: str(entry["photo"])), key=lambda entry: str(entry["photo"]))
    return [_page(studio, photo, list(goldens)) for photo, goldens in by_photo]


def _page(studio: Studio, photo: str, goldens: list[Mapping[str, Any]]) -> Page:
    name = photo.removeprefix("photos/").removesuffix(".png")
    studio.sources[name] = GOLDENS / photo
    entries = [Entry(_label(one), [("filter", dict(one["filters"]))], source=name) for one in goldens]
    cells = [_cell(shot, golden) for shot, golden in zip(studio.shots(entries), goldens, strict=True)]
    return Page(f"filters-{name}", cells, 4, (72 * SCALE * 3 + 16, 54 * SCALE), LEGEND)


def _label(golden: Mapping[str, Any]) -> str:
    parts = (f"{name} {json.dumps(value).replace(' ', '')}" for name, value in golden["filters"])
    label = "  ".join(parts).replace('"', "")
    return label if len(label) <= LONGEST else f"{label[:LONGEST]}..."


def _cell(shot: Shot, golden: Mapping[str, Any]) -> Cell:
    ours = shot.picture.convert("RGB")
    with Image.open(GOLDENS / golden["golden"]) as image:
        theirs = image.convert("RGB")
    if shot.refused:
        return shot.cell()
    difference = ImageChops.difference(ours, theirs)
    inner = difference.crop(_inside(difference, golden.get("border", 0)))
    shown = difference.point(lambda level: min(255, level * AMPLIFIED))
    row = beside([one.resize((one.width * SCALE, one.height * SCALE), 0) for one in (ours, theirs, shown)])
    return Cell(f"{shot.entry.label}\n{_told(inner)}", row)


def _inside(image: Image.Image, edge: int) -> tuple[int, int, int, int]:
    return edge, edge, image.width - edge, image.height - edge


def _told(difference: Image.Image) -> str:
    counts = difference.histogram()
    levels = [sum(counts[level::256]) for level in range(256)]
    mean = sum(level * count for level, count in enumerate(levels)) / sum(levels)
    return f"difference: {max(level for level, count in enumerate(levels) if count)} at most, {mean:.3f} on average"
