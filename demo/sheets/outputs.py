"""Owns the pages of results: every type, qualities, palettes, alpha, what they weigh. Never judges them."""

from __future__ import annotations

from PIL import Image

from sheets.page import Page
from sheets.studio import Entry, Shot, Step, Studio
from sixpx.core.media import ENDINGS
from sixpx.core.render import Saving

SMALL: Step = ("resize", {"width": 280})
QUALITIES = (5, 30, 80, 100)
LOSSY = ("image/jpeg", "image/webp", "image/avif")


def formats() -> list[Entry]:
    """Each type of a photograph, of a picture with alpha, of a ramp; each quality."""
    entries = [
        Entry(f"{type}, {source}", [SMALL] if source == "photo" else [], Saving(type), source)
        for source in ("photo", "star", "ramp")
        for type in ENDINGS
    ]
    entries += [
        Entry(f"{type}, quality {quality}", [SMALL], Saving(type, quality)) for type in LOSSY for quality in QUALITIES
    ]
    return [
        *entries,
        Entry("jpeg, progressive", [SMALL], Saving("image/jpeg", progressive=True)),
        Entry("png, progressive", [SMALL], Saving("image/png", progressive=True)),
        Entry("tiff, quality 30", [SMALL], Saving("image/tiff", 30)),
        Entry("gif, star, smaller", [("resize", {"width": 100})], Saving("image/gif"), "star"),
        Entry("gif, greyscale", [SMALL, ("filter", {"color": 0})], Saving("image/gif")),
        Entry("gif, quality 10", [SMALL], Saving("image/gif", 10)),
    ]


def pages(studio: Studio) -> list[Page]:
    ramp = Image.merge("RGB", [Image.linear_gradient("L").rotate(turn) for turn in (0, 90, 180)])
    ramp.save(studio.path("ramp.png"))
    studio.sources["ramp"] = studio.path("ramp.png")
    return [Page("outputs", [shot.cell(_told(shot)) for shot in studio.shots(formats())], 6)]


def _told(shot: Shot) -> str:
    """Bytes, and how many bands of which kind an independent reader sees."""
    with Image.open(shot.path) as image:
        colours = f", {len(image.getcolors(256) or [])} colours" if image.mode == "P" else ""
        return f"\n{shot.made.bytes:,} bytes  ·  {image.format} {image.mode}{colours}"
