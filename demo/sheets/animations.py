"""Owns the page of animations: the frames of one, side by side, after each method. Never their playing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageSequence

from sheets.page import Cell, Page, beside, fitted, font
from sheets.studio import Entry, Step, Studio
from sixpx.core.render import Saving

FRAMES = 6
SIDE = (150, 110)
DELAYS = (100, 200, 100, 300, 100, 500)
"""Milliseconds of each frame."""
LOOPS = 3

GIF, WEBP = Saving("image/gif"), Saving("image/webp")
ROWS: Sequence[tuple[str, Sequence[Step], Saving]] = (
    ("as it is", [], GIF),
    ("as it is, webp", [], WEBP),
    ("resize width 100", [("resize", {"width": 100})], GIF),
    ("crop 80x80, center", [("crop", {"width": 80, "height": 80, "gravity": "center"})], GIF),
    ("crop 80x80, attention", [("crop", {"width": 80, "height": 80, "gravity": "attention"})], GIF),
    ("rotate 90", [("rotate", {"degrees": 90})], GIF),
    ("rotate 20", [("rotate", {"degrees": 20})], GIF),
    ("rotate 20, #fc0", [("rotate", {"degrees": 20, "background": "#fc0"})], GIF),
    ("rotate 20, webp", [("rotate", {"degrees": 20})], WEBP),
    ("layer star, 50x50, southeast", [("layer", {"ref": "star", "width": 50, "gravity": "southeast"})], GIF),
    ("layer star, x -40, opacity 0.5, webp", [("layer", {"ref": "star", "x": -40, "opacity": 0.5})], WEBP),
    ("filter sepia 100", [("filter", {"sepia": 100})], GIF),
    ("filter hue 50, sharpen 40, webp", [("filter", {"hue": 50, "sharpen": 40})], WEBP),
    ("to png: the first frame", [("rotate", {"degrees": 20})], Saving("image/png")),
)


def pages(studio: Studio) -> list[Page]:
    studio.sources["clear"] = _moving(studio.path("clear.gif"), None)
    studio.sources["solid"] = _moving(studio.path("solid.gif"), (40, 90, 60, 255))
    cells = []
    for label, steps, saving in ROWS:
        for source in ("clear", "solid"):
            shot = studio.shots([Entry(f"{source}: {label}", steps, saving, source)])[0]
            cells.append(Cell(f"{shot.entry.label}  ·  {shot.size}  ·  {_told(shot.path)}", _strip(shot.path)))
    return [Page("animations", cells, 2, (SIDE[0] * FRAMES + 8 * (FRAMES - 1), 150))]


def _moving(path: Path, ground: tuple[int, int, int, int] | None) -> Path:
    """A numbered disc that walks, on a plain ground or on none."""
    frames = [_frame(number, ground or (0, 0, 0, 0)) for number in range(FRAMES)]
    options: Mapping[str, Any] = {"duration": list(DELAYS), "loop": LOOPS, "disposal": 2}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    return path


def _frame(number: int, ground: tuple[int, int, int, int]) -> Image.Image:
    frame = Image.new("RGBA", SIDE, ground)
    draw = ImageDraw.Draw(frame)
    left = 8 + number * 19
    draw.rectangle((0, 0, SIDE[0] - 1, SIDE[1] - 1), outline=(90, 90, 200, 255))
    draw.ellipse((left, 30, left + 44, 74), fill=(220, 40 + 30 * number, 30, 255))
    draw.text((left + 15, 38), str(number + 1), (255, 255, 255, 255), font(24))
    return frame


def _strip(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return beside([fitted(frame.convert("RGBA"), (SIDE[0], 150)) for frame in ImageSequence.Iterator(image)])


def _told(path: Path) -> str:
    with Image.open(path) as image:
        # a WebP frame tells its time once it is decoded
        delays = [frame.copy().info.get("duration") for frame in ImageSequence.Iterator(image)]
        loop = image.info.get("loop")
    shown = " ".join("-" if delay is None else f"{delay:g}" for delay in delays)
    return f"{image.format}, {len(delays)} frames, ms {shown}, loop {loop}"
