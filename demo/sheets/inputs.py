"""Owns the page of inputs: every format as we read it, beside another decoder. Never makes the files."""

from __future__ import annotations

from PIL import Image, ImageChops

from sheets.drawings import drawings
from sheets.page import Cell, Page, beside, on_board
from sheets.samples import SIZE, Sample, samples
from sheets.studio import Entry, Shot, Studio


def pages(studio: Studio) -> list[Page]:
    folder = studio.path("")
    made = [*samples(folder, studio.sources["photo"], studio.sources["star"]), *drawings(folder)]
    studio.sources |= {sample.label: sample.path for sample in made}
    shots = studio.shots([Entry(sample.label, sample.steps, source=sample.label) for sample in made])
    cells = [_cell(shot, sample) for shot, sample in zip(shots, made, strict=True)]
    return [Page("inputs", cells, 4, (SIZE[0] * 2 + 8, SIZE[1]), "sixpx, another decoder")]


def _cell(shot: Shot, sample: Sample) -> Cell:
    ours, theirs = shot.picture, sample.read(sample.path)
    told = shot.warning or f"{sample.decoder}: {_told(ours, theirs)}"
    return Cell(f"{sample.label}  ·  {shot.size}\n{told}", beside([ours, theirs]))


def _told(ours: Image.Image, theirs: Image.Image) -> str:
    """How far they are apart as they are seen: below transparent pixels any colour is as good as another."""
    if ours.size != theirs.size:
        return f"its size is {theirs.width}x{theirs.height}"
    levels = ImageChops.difference(on_board(ours), on_board(theirs)).histogram()
    counts = [sum(levels[level::256]) for level in range(256)]
    mean = sum(level * count for level, count in enumerate(counts)) / sum(counts)
    return f"difference {max(level for level, count in enumerate(counts) if count)} at most, {mean:.2f} on average"
