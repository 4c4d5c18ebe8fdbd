"""Owns the arithmetic of filters that look around a pixel: sharpen and stackBlur. Never knows libvips.

The formulas are CamanJS 4's, but for the edges of sharpen, where CamanJS reads what lies beside the picture in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sixpx.core.filters import Stage, Tables

Pixels = NDArray[Any]
"""Bytes, height x width x bands; a run of pixels is one row of red, green, blue."""

Area = Callable[[Pixels], Pixels]
"""A new picture of a picture of 3 or 4 bands, all of them filtered."""

STRIP = 64
"""Columns that are blurred at a time."""

SUMS = 24_576
"""Values that are sharpened at a time, in double precision; two rows at least."""

LINE = 64
"""Bytes in a line of the cache."""


def area(stage: Stage) -> Area | None:
    """The kernel of a stage for whole pictures; None where it takes pixels one by one."""
    if isinstance(stage, Tables) or stage.name not in AREAS:
        return None
    return partial(AREAS[stage.name], stage.strength)


def times(weight: float) -> NDArray[np.float64]:
    """A look-up table: every level multiplied by this number, as a multiplication in double precision does it."""
    return np.arange(256.0)[np.newaxis] * weight


def doubles(*shape: int) -> NDArray[np.float64]:
    """Room that begins where a line of the cache does: what is stored across two lines takes twice as long."""
    room = np.empty(8 * math.prod(shape) + LINE - 1, np.uint8)
    begins = -room.ctypes.data % LINE
    return room[begins : begins + 8 * math.prod(shape)].view(np.float64).reshape(shape)


def _sharpened(strength: float, pixels: Pixels) -> Pixels:
    """Beyond its edges the picture goes on as it ends."""
    a = strength / 100
    if (a * 64).is_integer():
        # single precision is exact here; OpenCV rounds, CamanJS cuts off: what is just below a half is taken away
        weights = np.array([[0, -a, 0], [-a, 1 + 4 * a, -a], [0, -a, 0]], np.float32)
        return cv2.filter2D(pixels, -1, weights, delta=-0.498, borderType=cv2.BORDER_REPLICATE)
    made = np.empty_like(pixels)
    height, width, bands = pixels.shape
    wide = -(-(width + 2) // 8) * 8  # so that whole lines of the cache are a row
    rows = max(2, SUMS // (wide * bands))
    summed = _sums(a, rows, wide * bands, bands)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        beside = pixels[max(0, top - 1) : bottom + 1]
        above, below = int(top == 0), int(bottom == height)
        framed = cv2.copyMakeBorder(beside, above, below, 1, wide - width - 1, cv2.BORDER_REPLICATE)
        sums = summed(framed).reshape(bottom - top, -1)[:, bands : (width + 1) * bands]
        cv2.convertScaleAbs(sums, dst=made[top:bottom].reshape(sums.shape))
    return made


def _sums(a: float, rows: int, row: int, bands: int) -> Callable[[Pixels], NDArray[np.int16]]:
    """What sharpen makes of rows between two others, `row` values each, before it is clamped at 255. Fractions are cut
    off, so that the last bit decides where the truth is whole: the order is CamanJS', column by column, and so is the
    division by the sum of the weights, which is not quite 1 for every sixth strength."""
    outside, inside, whole = times(-a), times(4 * a + 1), -a - a + (4 * a + 1) - a - a
    around, itself, total = doubles((rows + 2) * row), doubles(rows * row), doubles(rows * row)
    wholes, nothing = np.zeros((2, rows * row), np.int16)

    def summed(framed: Pixels) -> NDArray[np.int16]:
        cv2.LUT(framed, outside, dst=around[: framed.size].reshape(framed.shape))
        middle = framed[1:-1]
        cv2.LUT(middle, inside, dst=itself[: middle.size].reshape(middle.shape))
        sums = total[: middle.size]
        left, above, below, right = (around[start:][: sums.size] for start in (row - bands, 0, 2 * row, row + bands))
        np.add(left, above, out=sums)
        for part in (itself[: sums.size], below, right):
            sums += part
        if whole != 1:
            sums /= whole
        cut = wholes[: sums.size]
        np.copyto(cut, sums, casting="unsafe")
        return np.maximum(cut, nothing[: sums.size], out=cut)

    return summed


def _blurred(strength: float, pixels: Pixels) -> Pixels:
    """Mario Klingemann's stack blur with its radius in whole pixels: along the rows, then along the columns."""
    radius = int(strength)
    across: Pixels = cv2.transpose(pixels)
    _blur_columns(across, radius)
    made: Pixels = cv2.transpose(across)
    _blur_columns(made, radius)
    return made


def _blur_columns(pixels: Pixels, radius: int) -> None:
    """In place. The published blur has no division: it multiplies by a number of 9 bits and shifts, which comes out
    at most 0.4 % higher than the weighted average, and cuts the fraction off. OpenCV gives the average, of floats and
    along columns of more than twice the radius: its bytes are up to 10 levels away, its rows wrong at their right
    end, its shorter columns wrong altogether (measured with 4.14)."""
    area = (radius + 1) ** 2
    shift = math.floor(math.log2(512 * area))
    higher = -(-(1 << shift) // area) * area / (1 << shift)
    for left in range(0, pixels.shape[1], STRIP):
        strip = pixels[:, left : left + STRIP]
        framed = cv2.copyMakeBorder(strip, radius, radius, 0, 0, cv2.BORDER_REPLICATE).astype(np.float32)
        average = cv2.stackBlur(framed, (1, 2 * radius + 1))[radius : radius + pixels.shape[0]]
        strip[...] = cv2.convertScaleAbs(average, alpha=higher, beta=-0.4999)


AREAS: Mapping[str, Callable[[float, Pixels], Pixels]] = {"sharpen": _sharpened, "stackBlur": _blurred}
