"""Owns the pages of the methods of geometry, layers, and the formats of results. Never renders."""

from __future__ import annotations

from typing import Any

from sheets.page import Page
from sheets.studio import Entry, Step, Studio
from sixpx.core.render import Saving
from sixpx.methods.layer import BLENDS

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
    cuts: list[Step] = [
        ("crop", {side: length, "gravity": "center"}) for side, length in (("width", 190), ("height", 142))
    ]
    turn: list[Step] = [("rotate", {"degrees": 30}), *cuts]
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
        Entry("12 x 30°", [small, *turn * 12]),
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


PAGES = {"resize": resizes, "crop": crops, "rotate": rotations, "layer": layers}


def pages(studio: Studio) -> list[Page]:
    return [Page(title, [shot.cell() for shot in studio.shots(entries())]) for title, entries in PAGES.items()]
