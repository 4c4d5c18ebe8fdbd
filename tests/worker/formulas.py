"""Owns CamanJS 4's formulas of the filters that are more than a table, in double precision and in its order of
operations. Never how sixpx computes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sixpx.core.filters import Effect, Stage

Array = NDArray[Any]
Planes = NDArray[np.float64]
"""Red, green, blue."""


def stored(planes: Planes) -> Array:
    return np.rint(np.clip(planes, 0, 255)).astype(np.uint8)


def sepia(p: Planes, v: float) -> Array:
    a = v / 100
    red = np.minimum(255, p[0] * (1 - 0.607 * a) + p[1] * (0.769 * a) + p[2] * (0.189 * a))
    green = np.minimum(255, red * (0.349 * a) + p[1] * (1 - 0.314 * a) + p[2] * (0.168 * a))
    blue = np.minimum(255, red * (0.272 * a) + green * (0.534 * a) + p[2] * (1 - 0.869 * a))
    return stored(np.stack([red, green, blue]))


def saturation(p: Planes, v: float) -> Array:
    return stored(p + (p.max(0) - p) * (v * -0.01))


def vibrance(p: Planes, v: float) -> Array:
    most = p.max(0)
    return stored(p + (most - p) * ((abs(most - p.sum(0) / 3) * 2 / 255) * -v / 100))


def greyscale(p: Planes, v: float) -> Array:
    grey = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]
    return stored(p * (1 - v / 100) + grey * (v / 100))


def hue(p: Planes, v: float) -> Array:
    red, green, blue = p / 255
    most, least = (p / 255).max(0), (p / 255).min(0)
    span = np.where(most == least, 1, most - least)
    share = np.divide(most - least, most, out=np.zeros_like(most), where=most > 0)
    angles = [(green - blue) / span + np.where(green < blue, 6, 0), (blue - red) / span + 2, (red - green) / span + 4]
    angle = np.where(most == least, 0, np.select([most == red, most == green], angles[:2], angles[2]) / 6)
    angle = (angle * 100 + v) % 100 / 100
    sector = np.floor(angle * 6)
    rest = angle * 6 - sector
    low, falling, rising = most * (1 - share), most * (1 - rest * share), most * (1 - (1 - rest) * share)
    order = [
        [most, falling, low, low, rising, most],
        [rising, most, most, falling, low, low],
        [low, low, rising, most, most, falling],
    ]
    made = np.stack([np.choose(sector.astype(int) % 6, row) for row in order])
    return np.floor(made * 255).astype(np.uint8)


def sharpen(p: Planes, v: float) -> Array:
    """CamanJS sums the kernel column by column, and divides by the sum of its weights."""
    a, q = v / 100, np.pad(p, ((0, 0), (1, 1), (1, 1)), "edge")
    left, above, below, right = q[:, 1:-1, :-2], q[:, :-2, 1:-1], q[:, 2:, 1:-1], q[:, 1:-1, 2:]
    total = left * -a + above * -a + p * (4 * a + 1) + below * -a + right * -a
    made: Array = np.clip(total / (-a + -a + (4 * a + 1) + -a + -a), 0, 255).astype(np.uint8)
    return made


def stack_blur(p: Planes, radius: float) -> Array:
    """The published tables of factors and shifts follow from the radius by this rule."""
    r = int(radius)
    shift = math.floor(math.log2(512 * (r + 1) ** 2))
    factor = math.ceil(2**shift / (r + 1) ** 2)
    pixels = p.astype(np.int64)
    for axis in (2, 1):
        sides = [(r, r) if one == axis else (0, 0) for one in range(3)]
        framed, length = np.pad(pixels, sides, "edge"), pixels.shape[axis]
        total = sum(
            (r + 1 - abs(r - step)) * np.take(framed, range(step, step + length), axis) for step in range(2 * r + 1)
        )
        pixels = total * factor >> shift
    return pixels.astype(np.uint8)


Formula = Callable[[Planes, float], Array]
EFFECTS: Mapping[str, tuple[Formula, Sequence[float]]] = {
    "sepia": (sepia, (1, 33.3, 70, 100)),
    "saturation": (saturation, (-100, -33.3, 30, 100)),
    "vibrance": (vibrance, (-100, -33.3, 60, 100)),
    "hue": (hue, (0.001, 1, 20, 25, 37.123, 50, 55.5, 99, 100)),
    "greyscale": (greyscale, (10, 50, 100)),
    "sharpen": (sharpen, (1, 4, 12.5, 33.3, 40, 60, 99.5, 100, 175, 1000)),
    "stackBlur": (stack_blur, (1, 2, 3, 8, 20, 57, 100)),
}
"""Formula and strengths. The exact results of hue, saturation and sharpen are often halves or whole numbers, which
CamanJS misses to either side by the last bit of double precision."""

NEARLY = {"stackBlur"}
"""What is as its formula to one level, and on average to a hundredth; the others are to the byte."""


def formed(picture: Array, stages: Sequence[Stage]) -> Array:
    """The picture after the formulas of these stages, one after another."""
    for stage in stages:
        if isinstance(stage, Effect):
            planes = np.moveaxis(picture, -1, 0).astype(float)
            picture = np.moveaxis(EFFECTS[stage.name][0](planes, stage.strength), 0, -1)
        else:
            tables = [np.frombuffer(levels, np.uint8) for levels in (stage.red, stage.green, stage.blue)]
            picture = np.stack([table[picture[..., band]] for band, table in enumerate(tables)], -1)
    return picture
