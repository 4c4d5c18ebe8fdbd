"""Owns the page of face crops: the box that was found, padding, sizes, what is made without a face. Never detects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from sheets.page import Cell, Page
from sheets.studio import PHOTOS, Entry, Shot, Step, Studio

COLLINS = PHOTOS / "collins.jpg"


def entries(source: str) -> list[Entry]:
    """The options in the forms that the editions show, and ours."""
    made: list[tuple[str, dict[str, Any]]] = [
        ("face", {}),
        ("padding 20", {"padding": 20}),
        ("padding 60", {"padding": 60}),
        ("padding 1000", {"padding": 1000}),
        ("height 100", {"height": 100}),
        ("width 200, padding 20", {"width": 200, "padding": 20}),
        ("100x100, padding 20", {"width": 100, "height": 100, "padding": 20}),
        ("280x100", {"width": 280, "height": 100}),
        ("100x220, padding 30", {"width": 100, "height": 220, "padding": 30}),
        ("280x210, padding 40", {"width": 280, "height": 210, "padding": 40}),
    ]
    return [
        Entry(f"{source}: {label}", [("crop", {"face": True, **options})], source=source) for label, options in made
    ]


def pages(studio: Studio) -> list[Page]:
    studio.sources |= {name: PHOTOS / f"{name}.jpg" for name in ("collins", "hopper", "coffee", "rocket")}
    studio.sources["two"] = _two(studio.path("two.png"))
    whole = [_boxed(studio, source) for source in ("collins", "hopper", "two", "coffee", "rocket")]
    turned: list[Step] = [("rotate", {"degrees": 10}), ("crop", {"face": True, "padding": 20})]
    more = [
        Entry("collins: rotate 10, then face, padding 20", turned, source="collins"),
        Entry("hopper: 150x150, padding 30", [("crop", {"face": True, "width": 150, "height": 150, "padding": 30})],
              source="hopper"),
        Entry("two: face, padding 10", [("crop", {"face": True, "padding": 10})], source="two"),
        Entry("two: 200x200", [("crop", {"face": True, "width": 200, "height": 200})], source="two"),
        Entry("resize 150, then face", [("resize", {"width": 150}), ("crop", {"face": True})], source="collins"),
    ]  # fmt: skip
    shots = studio.shots([*entries("collins"), *more, *entries("photo")])
    return [Page("faces", [*whole, *(Cell(_label(shot), shot.picture) for shot in shots)])]


def _label(shot: Shot) -> str:
    face = "no face" if shot.made.face is None else "face {x}, {y}, {width}x{height}".format(**shot.made.face)
    return f"{shot.entry.label}\n{shot.size}  ·  {face}"


def _boxed(studio: Studio, source: str) -> Cell:
    """The input, with the box that was found drawn in."""
    shot = studio.shots([Entry(f"{source}: the input", [("crop", {"face": True})], source=source)])[0]
    with Image.open(studio.sources[source]) as image:
        whole = image.convert("RGB")
    if face := shot.made.face:
        draw = ImageDraw.Draw(whole)
        right, lower = face["x"] + face["width"] - 1, face["y"] + face["height"] - 1
        draw.rectangle((face["x"], face["y"], right, lower), outline=(255, 0, 200), width=max(2, whole.width // 200))
    return Cell(_label(shot), whole)


def _two(path: Path) -> Path:
    """The same face twice, once smaller: the larger one is the dominant one."""
    with Image.open(COLLINS) as image:
        large = image.convert("RGB")
    picture = Image.new("RGB", (880, 440), (120, 120, 120))
    picture.paste(large.resize((220, 220), Image.Resampling.LANCZOS), (100, 160))
    picture.paste(large, (440, 0))
    picture.save(path)
    return path
