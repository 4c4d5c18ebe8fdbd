"""Owns the arithmetic of filters that take pixels one by one. Never knows libvips, or what lies around a pixel.

The formulas are CamanJS 4's. A kernel changes a run of pixels in place; it is short enough for the cache, and what is
needed beside it is allocated once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sixpx.core.filters import Stage, Tables
from sixpx.worker.kernels import Pixels

Plane = NDArray[Any]
"""One band of a run in single precision."""

RUN = 16_384
"""Pixels of the longest run: its planes in floating point (64 KB each) stay in the cache of a core."""

Point = Callable[[Pixels], None]
"""Changes one run of pixels in place."""


def point(stage: Stage, seed: Sequence[int]) -> Point:
    """The kernel of a stage. Noise is the same for the same seed."""
    if isinstance(stage, Tables):
        return _looked_up(stage)
    return _noise(stage.strength, seed) if stage.name == "noise" else POINTS[stage.name](stage.strength)


def _looked_up(tables: Tables) -> Point:
    bands = [np.frombuffer(levels, np.uint8) for levels in (tables.red, tables.green, tables.blue)]
    table = bands[0] if tables.red == tables.green == tables.blue else np.stack(bands, -1)[np.newaxis]

    def change(run: Pixels) -> None:
        cv2.LUT(run, table, dst=run)

    return change


def _sepia(strength: float) -> Point:
    """Each new value goes into the next one, before it is rounded."""
    a = strength / 100
    weights = (
        (1 - 0.607 * a, 0.769 * a, 0.189 * a),
        (0.349 * a, 1 - 0.314 * a, 0.168 * a),
        (0.272 * a, 0.534 * a, 1 - 0.869 * a),
    )
    space = np.empty((3, 1, RUN), np.float32)

    def change(run: Pixels) -> None:
        planes = _planes(run, space)
        for plane, (red, green, blue) in zip(planes, weights, strict=True):
            kept = cv2.addWeighted(planes[0], red, planes[1], green, 0)
            cv2.scaleAdd(planes[2], blue, kept, dst=kept)
            cv2.threshold(kept, 255, 255, cv2.THRESH_TRUNC, dst=plane)
        _store(planes, run)

    return change


def _saturation(strength: float) -> Point:
    """Each channel moves away from the largest one, or towards it."""
    share = strength / 100

    def change(run: Pixels) -> None:
        planes = cv2.split(run)
        most = cv2.max(cv2.max(planes[0], planes[1]), planes[2])
        cv2.merge([cv2.addWeighted(plane, 1 + share, most, -share, 0) for plane in planes], run)

    return change


def _vibrance(strength: float) -> Point:
    """As saturation, the more the farther the largest channel is from the average."""
    factor = -strength / 100 * 2 / 255
    space = np.empty((4, 1, RUN), np.float32)

    def change(run: Pixels) -> None:
        red, green, blue = planes = _planes(run, space)
        most = cv2.max(cv2.max(red, green), blue)
        amount = space[3, :, : run.shape[1]]
        np.subtract(most, (red + green + blue) / np.float32(3), out=amount)
        amount *= np.float32(factor)
        for plane in planes:
            plane += (most - plane) * amount
            np.maximum(plane, 0, out=plane)
        _store(planes, run)

    return change


def _hue(strength: float) -> Point:
    """Turns the hue by percent of the circle. CamanJS cuts fractions off here; the thousandth is for what is whole
    but for the precision of the arithmetic."""
    turned = np.float32(strength * 3.6)
    space = np.empty((2, 1, RUN, 3), np.float32)

    def change(run: Pixels) -> None:
        there, back = space[:, :, : run.shape[1]]
        np.copyto(there, run)
        cv2.cvtColor(there, cv2.COLOR_RGB2HSV, dst=back)
        back[..., 0] += turned
        cv2.cvtColor(back, cv2.COLOR_HSV2RGB, dst=there)
        cv2.convertScaleAbs(there, dst=run, alpha=1, beta=-0.499)

    return change


def _greyed(strength: float) -> Point:
    """Each channel moves towards the luminance, all the way at 100."""
    share = strength / 100
    space = np.empty((3, 1, RUN), np.float32)

    def change(run: Pixels) -> None:
        red, green, blue = planes = _planes(run, space)
        grey = cv2.scaleAdd(blue, 0.114, cv2.addWeighted(red, 0.299, green, 0.587, 0))
        _store([cv2.addWeighted(plane, 1 - share, grey, share, 0) for plane in planes], run)

    return change


def _noise(strength: float, seed: Sequence[int]) -> Point:
    """One whole number for all channels of a pixel, even between -2.55 and 2.55 times the strength before it is
    rounded half up; of 16 random bits."""
    most = 2.55 * strength
    parts = (np.arange(1 << 16) + 0.5) / (1 << 16)
    numbers = np.floor(-most + 2 * most * parts + 0.5).astype(np.int16)
    chance = np.random.PCG64(np.random.SeedSequence(seed))

    def change(run: Pixels) -> None:
        pixels = run.shape[1]
        drawn = chance.random_raw((pixels + 3) // 4).view(np.uint16)[:pixels]
        added = numbers[drawn][np.newaxis]
        cv2.merge([cv2.add(plane, added, dtype=cv2.CV_8U) for plane in cv2.split(run)], run)

    return change


def _planes(run: Pixels, space: NDArray[np.float32]) -> list[Plane]:
    """Red, green and blue of a run, each on its own, in that space."""
    planes = [space[band, :, : run.shape[1]] for band in range(3)]
    for plane, levels in zip(planes, cv2.split(run), strict=True):
        np.copyto(plane, levels)
    return planes


def _store(planes: Sequence[Plane], run: Pixels) -> None:
    """Planes of values that are not negative, rounded half to even, at most 255."""
    cv2.merge([cv2.convertScaleAbs(plane) for plane in planes], run)


POINTS: Mapping[str, Callable[[float], Point]] = {
    "sepia": _sepia,
    "saturation": _saturation,
    "vibrance": _vibrance,
    "hue": _hue,
    "greyscale": _greyed,
}
