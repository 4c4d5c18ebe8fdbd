"""Owns the arithmetic of filters that take pixels one by one. Never knows libvips, or what lies around a pixel.

The formulas are CamanJS 4's, in double precision and in its order of operations, so that bytes are the same. A kernel
changes a run of pixels in place; it is short enough for the cache, and what is needed beside it is allocated once.
What a level is multiplied by is looked up: that is the same number, and sooner had than by converting the levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sixpx.core.filters import Stage, Tables
from sixpx.worker import hue
from sixpx.worker.kernels import Pixels, doubles, times

Plane = NDArray[Any]
"""One band of a run: 1 x pixels."""

RUN = 24_576
"""Pixels of the longest run: its planes in double precision (192 KB each) stay in the cache of a core, and there are
not many calls to a picture."""

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
    first = [times(weight) for weight in (1 - 0.607 * a, 0.769 * a, 0.189 * a)]
    second = [times(weight) for weight in (1 - 0.314 * a, 0.168 * a)]
    third = times(1 - 0.869 * a)
    bytes_of, planes_of = _bytes(3), _doubles(4)

    def change(run: Pixels) -> None:
        bands, (red, green, blue, part) = bytes_of(run), planes_of(run)
        cv2.split(run, bands)
        cv2.LUT(bands[0], first[0], dst=red)
        red += cv2.LUT(bands[1], first[1], dst=part)
        red += cv2.LUT(bands[2], first[2], dst=part)
        cv2.threshold(red, 255, 255, cv2.THRESH_TRUNC, dst=red)
        np.multiply(red, 0.349 * a, out=green)
        green += cv2.LUT(bands[1], second[0], dst=part)
        green += cv2.LUT(bands[2], second[1], dst=part)
        cv2.threshold(green, 255, 255, cv2.THRESH_TRUNC, dst=green)
        np.multiply(red, 0.272 * a, out=blue)
        blue += np.multiply(green, 0.534 * a, out=part)
        np.copyto(bands[0], np.rint(red, out=red), casting="unsafe")
        np.copyto(bands[1], np.rint(green, out=green), casting="unsafe")
        _add(blue, cv2.LUT(bands[2], third, dst=part), bands[2])
        cv2.merge(bands, run)

    return change


def _saturation(strength: float) -> Point:
    """Each channel moves away from the largest one, or towards it."""
    moves = times(strength * -0.01)
    bytes_of, planes_of = _bytes(5), _doubles(2)

    def change(run: Pixels) -> None:
        (*bands, most, below), (before, move) = bytes_of(run), planes_of(run)
        _split(run, bands, most)
        for band in bands:
            cv2.LUT(cv2.subtract(most, band, dst=below), moves, dst=move)
            np.copyto(before, band)
            _add(before, move, band)
        cv2.merge(bands, run)

    return change


def _vibrance(strength: float) -> Point:
    """As saturation, the more the farther the largest channel is from the average."""
    bytes_of, planes_of = _bytes(5), _doubles(3)

    def change(run: Pixels) -> None:
        (*bands, most, below), (amount, before, move) = bytes_of(run), planes_of(run)
        _split(run, bands, most)
        np.add(bands[0], bands[1], out=amount, dtype=np.float64)
        amount += bands[2]
        amount /= 3
        np.subtract(most, amount, out=amount)
        amount *= 2
        amount /= 255
        amount *= -strength
        amount /= 100
        for band in bands:
            np.copyto(move, cv2.subtract(most, band, dst=below))
            move *= amount
            np.copyto(before, band)
            _add(before, move, band)
        cv2.merge(bands, run)

    return change


def _greyed(strength: float) -> Point:
    """Each channel moves towards the luminance, all the way at 100."""
    share = strength / 100
    weights = [times(weight) for weight in (0.299, 0.587, 0.114)]
    kept = times(1 - share)
    bytes_of, planes_of = _bytes(3), _doubles(2)

    def change(run: Pixels) -> None:
        bands, (grey, part) = bytes_of(run), planes_of(run)
        cv2.split(run, bands)
        cv2.LUT(bands[0], weights[0], dst=grey)
        grey += cv2.LUT(bands[1], weights[1], dst=part)
        grey += cv2.LUT(bands[2], weights[2], dst=part)
        grey *= share
        for band in bands:
            _add(grey, cv2.LUT(band, kept, dst=part), band)
        cv2.merge(bands, run)

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


def _bytes(planes: int) -> Callable[[Pixels], list[Plane]]:
    """Gives room for so many planes of a run, the same each time."""
    room = np.empty((planes, 1, RUN), np.uint8)
    return lambda run: list(room[:, :, : run.shape[1]])


def _doubles(planes: int) -> Callable[[Pixels], list[Plane]]:
    room = doubles(planes, 1, RUN)
    return lambda run: list(room[:, :, : run.shape[1]])


def _split(run: Pixels, bands: list[Plane], most: Plane) -> None:
    """Fills these planes: each channel on its own, and the largest one."""
    cv2.split(run, bands)
    cv2.max(cv2.max(bands[0], bands[1], dst=most), bands[2], dst=most)


def _add(one: Plane, other: Plane, sum: Plane) -> None:
    """Adds in double precision and stores bytes as CamanJS does: clamped, halves rounded to even. OpenCV does so for
    two planes of doubles only: beside bytes it would round them before it adds."""
    cv2.add(one, other, dst=sum, dtype=cv2.CV_8U)


POINTS: Mapping[str, Callable[[float], Point]] = {
    "sepia": _sepia,
    "saturation": _saturation,
    "vibrance": _vibrance,
    "hue": partial(hue.turn, longest=RUN),
    "greyscale": _greyed,
}
