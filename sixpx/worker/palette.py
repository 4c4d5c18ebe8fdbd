"""Owns the colours of a picture: its palette and its dominant colour. Never draws, never changes a pixel.

Colours that cover an area evenly (a flag's, a logo's) come out exactly; the others are the centres of k-means clusters
in CIE L*a*b*, where distances are as the eye sees them (CIE 1976, delta E). Everything is seeded: the same picture
gives the same colours in every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyvips

from sixpx.worker.formats.base import Image

SAMPLE = 10_000
"""pixels that are looked at, in the picture's proportions"""
LINES = 3
"""lines of a large picture from which each row of the sample is taken: from a single one, an edge that happens to lie
along it would count as a colour"""
ALIKE = 10.0
"""delta E of two colours that are told as one"""
EVEN = 0.02
"""part of the picture that a single value must hold to be an even colour"""
SLIVER = 0.005
"""part of the picture below which a colour is not told"""
MIXED = 0.15
"""part of the picture that may be the soft edges between even colours; more of it is a picture of its own"""
EDGE = 32.0
"""distance (of 255) from the line between two even colours within which a pixel is a mixture of them; at the edges of
a JPEG with coarse chroma it reaches so far"""
LARGE = 4_000_000
"""pixels up to which a picture is copied whole"""
FEWEST_CLUSTERS = 8
SEED = 1

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Swatch:
    """A colour (red, green, blue) and how many of the pixels are of it."""

    rgb: tuple[int, int, int]
    pixels: int
    even: bool = False


def palette(image: Image, count: int) -> list[dict[str, Any]]:
    """Up to `count` colours as {hex, rgb, share}, the largest first. The shares, to four digits, are parts of what
    these colours cover, and sum to 1. Empty for a picture without an opaque pixel. The image must be in memory."""
    chosen = _swatches(sample(image), max(FEWEST_CLUSTERS, count + 2))[0][:count]
    return [_told(one, share) for one, share in zip(chosen, shares([one.pixels for one in chosen]), strict=True)]


def dominant(image: Image) -> list[dict[str, Any]]:
    """The first colour of the palette alone, with its share of the picture."""
    swatches, pixels = _swatches(sample(image), FEWEST_CLUSTERS)
    return [_told(one, round(one.pixels / pixels, 4)) for one in swatches[:1]]


def _told(one: Swatch, share: float) -> dict[str, Any]:
    return {"hex": "#{:02x}{:02x}{:02x}".format(*one.rgb), "rgb": list(one.rgb), "share": share}


def shares(amounts: Sequence[int], parts: int = 10_000) -> list[float]:
    """The amounts as parts of their sum, rounded so that they sum to 1 (largest remainders, Hamilton's method)."""
    total = sum(amounts)
    whole = [amount * parts // total for amount in amounts]
    left = sorted(range(len(amounts)), key=lambda place: (-(amounts[place] * parts % total), place))
    for place in left[: parts - sum(whole)]:
        whole[place] += 1
    return [part / parts for part in whole]


# --- pixels ---------------------------------------------------------------------------------------


def sample(image: Image) -> Bytes:
    """About SAMPLE pixels as they are, rows first, of the picture turned onto its longer side: one from every cell of a
    grid, at a place that chance (seeded) has chosen, so that no pattern of the picture can hide between them. A small
    picture comes whole."""
    image = image.rot90() if image.height > image.width else image
    scale = min(1.0, (SAMPLE / (image.width * image.height)) ** 0.5)
    rows, columns = (max(1, round(side * scale)) for side in (image.height, image.width))
    y, x = np.indices((rows, columns))
    chance = np.random.default_rng(SEED)
    lines = _lines(image, min(image.height, LINES * rows), chance)
    return np.asarray(lines[_places(y, len(lines), rows, chance), _places(x, image.width, columns, chance)])


def _lines(image: Image, number: int, chance: np.random.Generator) -> Bytes:
    """So many lines of the picture, or all of them: to copy all of a large one takes longer than to pick some."""
    if number == image.height or image.width * image.height <= LARGE:
        return np.asarray(image.numpy())
    tops = _places(np.arange(number), image.height, number, chance)
    return np.asarray(pyvips.Image.arrayjoin([image.crop(0, top, image.width, 1) for top in tops], across=1).numpy())


def _places(cells: npt.NDArray[np.intp], side: int, number: int, chance: np.random.Generator) -> npt.NDArray[np.intp]:
    """A pixel of each cell, where a side is divided into that number of them."""
    return np.minimum((cells + chance.random(cells.shape)) * (side / number), side - 1).astype(np.intp)


def lab(rgb: Bytes) -> Floats:
    """L* 0..100, a*, b* (D65) of sRGB colours, one a row."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32)[None] / 255, cv2.COLOR_RGB2Lab)[0], np.float32)


# --- colours --------------------------------------------------------------------------------------


def _swatches(grid: Bytes, clusters: int) -> tuple[list[Swatch], int]:
    """All colours worth telling, the largest first, and the number of pixels that are opaque (alpha 128 and more)."""
    opaque = grid[:, :, 3] >= 128 if grid.shape[2] == 4 else np.ones(grid.shape[:2], bool)
    pixels = grid[opaque][:, :3]
    if not len(pixels):
        return [], 0
    even, rest = _evens(pixels, _areas(grid, opaque))
    mixtures = _mixtures(rest, even)
    if mixtures.sum() <= MIXED * len(pixels):
        rest = rest[~mixtures]
    found = _merged([*even, *_clustered(rest, clusters)])
    found.sort(key=lambda one: (-one.pixels, one.rgb))
    return [one for one in found if one.pixels >= SLIVER * len(pixels)] or found[:1], len(pixels)


def _areas(grid: Bytes, opaque: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """The values (coded) that cover an area: two by two equal pixels. The soft edge of a shape does not."""
    codes = np.where(opaque, _coded(grid), -1)
    first = codes[:-1, :-1]
    same = (first == codes[1:, :-1]) & (first == codes[:-1, 1:]) & (first == codes[1:, 1:]) & (first >= 0)
    return np.unique(first[same])


def _coded(pixels: Bytes) -> npt.NDArray[np.int32]:
    """Each pixel as one number: sorting numbers takes a tenth of the time of sorting rows."""
    wide = pixels.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _counted(pixels: Bytes) -> tuple[Bytes, npt.NDArray[np.intp]]:
    """The values that occur, and how often."""
    codes, counts = np.unique(_coded(pixels), return_counts=True)
    return np.stack((codes >> 16, codes >> 8 & 255, codes & 255), axis=1).astype(np.uint8), counts


def _evens(pixels: Bytes, areas: npt.NDArray[np.int32]) -> tuple[list[Swatch], Bytes]:
    """Single values that hold a good part of the picture, each with the pixels about it (a JPEG's noise, say) unless
    another one is nearer; and the pixels that are left."""
    values, counts = _counted(pixels)
    values = values[(counts >= EVEN * len(pixels)) & np.isin(_coded(values), areas)]
    if not len(values):
        return [], pixels
    distances = np.linalg.norm(lab(pixels)[:, None] - lab(values)[None], axis=2)
    nearest = np.where(distances.min(axis=1) < ALIKE, distances.argmin(axis=1), -1)
    swatches = [_swatch(pixels[nearest == place], value) for place, value in enumerate(values)]
    return swatches, pixels[nearest < 0]


def _swatch(members: Bytes, value: Bytes) -> Swatch:
    """Told as the value itself where most members have it, else as their mean."""
    even = bool((members == value).all(axis=1).mean() >= 0.5)
    return Swatch(_rgb(value if even else members.mean(axis=0)), len(members), even)


def _rgb(values: Iterable[Any]) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, round(float(value)))) for value in values)
    return red, green, blue


def _mixtures(pixels: Bytes, swatches: Sequence[Swatch]) -> npt.NDArray[np.bool_]:
    """Which pixels lie between two even colours, as the soft edge of a shape does: near the straight line from one to
    the other."""
    mixed = np.zeros(len(pixels), bool)
    points = pixels.astype(np.float32)
    for one, other in combinations([np.array(each.rgb, np.float32) for each in swatches if each.even], 2):
        line = other - one
        along = np.clip((points - one) @ line / (line @ line), 0, 1)
        mixed |= np.linalg.norm(points - one - along[:, None] * line, axis=1) < EDGE
    return mixed


def _clustered(pixels: Bytes, clusters: int) -> list[Swatch]:
    """The pixels in k-means clusters (k-means++ of Arthur and Vassilvitskii, 2007)."""
    wanted = min(clusters, len(_counted(pixels)[0]))
    if wanted < 2:  # OpenCV would take a single pixel for three of one number each
        return [_cluster(pixels)] if wanted else []
    colours = lab(pixels)
    cv2.setRNGSeed(SEED)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.1)
    flags = cv2.KMEANS_PP_CENTERS
    _, labels, _ = cv2.kmeans(colours, wanted, None, criteria, 1, flags)  # type: ignore[call-overload]  # None is right
    members = (pixels[labels[:, 0] == place] for place in range(wanted))
    return [_cluster(one) for one in members if len(one)]


def _cluster(members: Bytes) -> Swatch:
    values, counts = _counted(members)
    return _swatch(members, values[counts.argmax()])


def _merged(swatches: list[Swatch]) -> list[Swatch]:
    """The two that are most alike become one, until all differ by ALIKE."""
    while len(swatches) > 1:
        colours = lab(np.array([one.rgb for one in swatches], np.uint8))
        distances = np.linalg.norm(colours[:, None] - colours[None], axis=2)
        distances[np.tril_indices(len(swatches))] = np.inf
        one, other = divmod(int(distances.argmin()), len(swatches))
        if distances[one, other] >= ALIKE:
            break
        swatches = [each for place, each in enumerate(swatches) if place not in (one, other)] + [
            _joined(swatches[one], swatches[other])
        ]
    return swatches


def _joined(one: Swatch, other: Swatch) -> Swatch:
    """An even colour stays what it is; else both count by their pixels."""
    larger, smaller = sorted((one, other), key=lambda each: (each.even, each.pixels, each.rgb), reverse=True)
    pixels = larger.pixels + smaller.pixels
    if larger.even and larger.pixels >= smaller.pixels:
        return Swatch(larger.rgb, pixels, True)
    mean = ((a * larger.pixels + b * smaller.pixels) / pixels for a, b in zip(larger.rgb, smaller.rgb, strict=True))
    return Swatch(_rgb(mean), pixels)
