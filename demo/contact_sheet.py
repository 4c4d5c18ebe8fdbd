"""Owns the contact sheets: every method and main option on one photograph, labelled, to be looked at. Never a test.

python demo/contact_sheet.py [folder]        (default: ./contact-sheet)
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[1]))

from sixpx.core.render import Render, Saving, Sheet
from sixpx.methods.layer import BLENDS
from sixpx.worker import render

PHOTO = Path(__file__).parent / "raccoon.jpg"
CELL = (300, 226)
COLUMNS = 5
LABEL = 34
PAPER, TEXT, FRAME = (250, 250, 250), (30, 30, 30), (190, 190, 190)

Step = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Entry:
    """One picture of a contact sheet; `after` steps only make it small enough to be shown."""

    label: str
    steps: Sequence[Step]
    saving: Saving = field(default_factory=lambda: Saving("image/png"))
    source: str = "photo"


SMALL: Step = ("resize", {"width": 280})


def resizes() -> list[Entry]:
    box = {"width": 200, "height": 200}
    entries = [
        Entry("width 200", [("resize", {"width": 200})]),
        Entry("height 200", [("resize", {"height": 200})]),
        Entry("200x200 (fill)", [("resize", box)]),
        *(Entry(f"200x200 {fit}", [("resize", {**box, "fit": fit})]) for fit in ("inside", "outside")),
        Entry("contain, background #f00", [("resize", {**box, "fit": "contain", "background": "#f00"})]),
        Entry("contain, jpeg (white)", [("resize", {**box, "fit": "contain"})], Saving("image/jpeg")),
        Entry("contain 50 %", [("resize", {**box, "fit": "contain", "background": "0066ff80"})]),
        Entry("contain, north", [("resize", {**box, "fit": "contain", "gravity": "north"})]),
        Entry("enlarge false, fill", [("crop", {"width": 120, "height": 90}), ("resize", {**box, "enlarge": False})]),
    ]
    wide, tall = {"width": 280, "height": 90, "fit": "cover"}, {"width": 90, "height": 210, "fit": "cover"}
    for gravity in ("north", "center", "south", "attention", "entropy"):
        entries.append(Entry(f"280x90 cover, {gravity}", [("resize", {**wide, "gravity": gravity})]))
    for gravity in ("west", "center", "east", "attention", "entropy"):
        entries.append(Entry(f"90x210 cover, {gravity}", [("resize", {**tall, "gravity": gravity})]))
    entries.append(Entry("transparent, smaller", [("resize", {"width": 150})], source="star"))
    entries.append(Entry("transparent, larger", [("resize", {"width": 220})], source="star"))
    return entries


def crops() -> list[Entry]:
    box = {"width": 260, "height": 200}
    entries = [Entry("x 380, y 150, 260x200", [("crop", {"x": 380, "y": 150, **box})])]
    compass = ("northwest", "north", "northeast", "west", "center", "east", "southwest", "south", "southeast")
    entries += [
        Entry(f"gravity {gravity}", [SMALL, ("crop", {"width": 160, "height": 120, "gravity": gravity})])
        for gravity in (*compass, "attention", "entropy")
    ]
    entries += [
        Entry("x -60: clamped", [SMALL, ("crop", {"x": -60, "width": 200})]),
        Entry("x 200, width 900: clamped", [SMALL, ("crop", {"x": 200, "width": 900})]),
        Entry("crop, rotate, resize", [("crop", {"x": 300, **box}), ("rotate", {"degrees": 90}), ("resize", box)]),
    ]
    return entries


def rotations() -> list[Entry]:
    small: Step = ("resize", {"width": 190})
    entries = [
        Entry(f"{degrees}°", [small, ("rotate", {"degrees": degrees})])
        for degrees in (90, 180, -90, 3, 15, 45, -30.5, 200)
    ]
    entries += [
        Entry(f"20°, {colour}", [small, ("rotate", {"degrees": 20, "background": colour})])
        for colour in ("#f00", "00ff0080", "#000")
    ]
    entries += [
        Entry("20°, jpeg (white)", [small, ("rotate", {"degrees": 20})], Saving("image/jpeg")),
        Entry("20°, gif", [small, ("rotate", {"degrees": 20})], Saving("image/gif")),
        Entry("20°, webp", [small, ("rotate", {"degrees": 20})], Saving("image/webp")),
        Entry("star, 20°", [("rotate", {"degrees": 20})], source="star"),
        Entry("star, 20°, #fc0", [("rotate", {"degrees": 20, "background": "#fc0"})], source="star"),
        Entry(
            "12 x 30°",
            [
                small,
                *[
                    ("rotate", {"degrees": 30}),
                    ("crop", {"width": 190, "gravity": "center"}),
                    ("crop", {"height": 142, "gravity": "center"}),
                ]
                * 12,
            ],
        ),
    ]
    return entries


def layers() -> list[Entry]:
    def laid(label: str, saving: Saving | None = None, **options: Any) -> Entry:
        return Entry(label, [SMALL, ("layer", {"ref": "star", **options})], saving or Saving("image/png"))

    entries = [
        laid("x 0, y 0"),
        laid("x 120, y 40", x=120, y=40),
        laid("x -60, y -50", x=-60, y=-50),
        laid("x 220, y 150", x=220, y=150),
        laid("opacity 0.6", x=60, opacity=0.6),
        laid("opacity 0.2", x=60, opacity=0.2),
        laid("width 60, southeast", width=60, gravity="southeast"),
        laid("200x60, center", width=200, height=60, gravity="center"),
        laid("larger than the picture", width=600, gravity="center", opacity=0.5),
        laid("jpeg", Saving("image/jpeg"), x=60),
        Entry("photo on star", [("layer", {"ref": "photo", "width": 100, "gravity": "center"})], source="star"),
        Entry("multiply on star", [("layer", {"ref": "photo", "height": 160, "blend": "multiply"})], source="star"),
    ]
    modes = [blend for blend in BLENDS if not blend.startswith("color") and blend != "over"]
    return entries + [laid(blend, x=60, blend=blend) for blend in modes]


def formats() -> list[Entry]:
    types = ("image/png", "image/jpeg", "image/gif", "image/webp")
    entries = [Entry(type, [SMALL], Saving(type)) for type in types]
    entries += [Entry(f"{type}, star", [], Saving(type), "star") for type in types]
    entries += [
        Entry(f"{type}, quality {quality}", [SMALL], Saving(type, quality))
        for type in types[1::2]
        for quality in (5, 30, 95)
    ]
    return [*entries, Entry("jpeg, progressive", [SMALL], Saving("image/jpeg", progressive=True))]


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


def shoot(entries: Sequence[Entry], sources: Mapping[str, Path], folder: Path) -> list[Image.Image]:
    """The pictures that the entries describe, each source rendered once for all of its entries."""
    pictures: dict[int, Image.Image] = {}
    for name, path in sources.items():
        sheets = tuple(
            Sheet(str(place), str(folder / f"{name}{place}"), tuple(entry.steps), entry.saving)
            for place, entry in enumerate(entries)
            if entry.source == name
        )
        others = {other: str(path) for other, path in sources.items()}
        report = render(Render("demo", str(path), str(folder / "journal"), sheets, others))
        for sheet in sheets:
            if sheet.key in report.flaws:
                raise SystemExit(f"{entries[int(sheet.key)].label}: {report.flaws[sheet.key].detail}")
            with Image.open(sheet.path) as image:
                pictures[int(sheet.key)] = image.convert("RGBA")
    return [pictures[place] for place in range(len(entries))]


def checkerboard(size: tuple[int, int], square: int = 8) -> Image.Image:
    board = Image.new("RGBA", size, (255, 255, 255, 255))
    draw = ImageDraw.Draw(board)
    for y in range(0, size[1], square):
        for x in range((y // square % 2) * square, size[0], 2 * square):
            draw.rectangle((x, y, x + square - 1, y + square - 1), fill=(214, 214, 214, 255))
    return board


def composed(title: str, entries: Sequence[Entry], pictures: Sequence[Image.Image]) -> Image.Image:
    rows = -(-len(entries) // COLUMNS)
    width, height = CELL[0] + 16, CELL[1] + LABEL + 16
    page = Image.new("RGB", (COLUMNS * width + 16, rows * height + 64), PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((20, 14), title, TEXT, ImageFont.load_default(30))
    for place, (entry, picture) in enumerate(zip(entries, pictures, strict=True)):
        left, top = 16 + place % COLUMNS * width, 64 + place // COLUMNS * height
        shown = picture.copy()
        shown.thumbnail(CELL)
        board = Image.alpha_composite(checkerboard(shown.size), shown).convert("RGB")
        draw.rectangle((left - 1, top - 1, left + shown.width, top + shown.height), outline=FRAME)
        page.paste(board, (left, top))
        label = f"{entry.label}  ·  {picture.width}x{picture.height}"
        draw.text((left, top + CELL[1] + 6), label, TEXT, ImageFont.load_default(14))
    return page


PAGES = {"resize": resizes, "crop": crops, "rotate": rotations, "layer": layers, "formats": formats}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        sources = {"photo": PHOTO, "star": star(Path(scratch) / "star")}
        for title, entries in PAGES.items():
            pictures = shoot(made := entries(), sources, Path(scratch))
            composed(title, made, pictures).save(folder / f"{title}.png")
            print(folder / f"{title}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "contact-sheet"))
