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


def area(stage: Stage) -> Area | None:
    """The kernel of a stage for whole pictures; None where it takes pixels one by one."""
    if isinstance(stage, Tables) or stage.name not in AREAS:
        return None
    return partial(AREAS[stage.name], stage.strength)


def _sharpened(strength: float, pixels: Pixels) -> Pixels:
    """Beyond its edges the picture goes on as it ends. CamanJS cuts fractions off: what is just below a half is taken
    away, then OpenCV rounds; sums reach 10,000 in single precision, where thousandths are all there is."""
    a = strength / 100
    weights = np.array([[0, -a, 0], [-a, 1 + 4 * a, -a], [0, -a, 0]], np.float32)
    return cv2.filter2D(pixels, -1, weights, delta=-0.498, borderType=cv2.BORDER_REPLICATE)


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
