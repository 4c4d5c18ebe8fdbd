"""Owns the arithmetic of hue: a turn of the circle of colours, to the byte as CamanJS 4 makes it. Never another filter.

A turn leaves the largest and the smallest channel of a pixel as large as they are, in other places; the middle one
moves by a share of their distance. CamanJS computes in double precision and cuts fractions off, so that what is whole
comes out whole or one less. Whether the middle one is whole depends on that distance alone: where it is not, bytes
are enough; where it is, CamanJS' order of operations decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sixpx.worker.kernels import Pixels, doubles

Plane = NDArray[Any]
"""One number for each pixel of a run: 1 x pixels."""

Table = NDArray[Any]
"""One number for each byte: 1 x 256."""

NEAR = 1e-6
"""What is no farther from a whole number may be one: the arithmetic is precise to 1e-12."""

LEVELS = np.arange(256)[np.newaxis]
PARTS = LEVELS / 255


def _by_sector(values: Sequence[int], kind: type[np.generic]) -> Table:
    """Sectors are the sixths of the circle, from red over yellow; beyond the last one they begin again. In even ones
    the middle channel rises from the smallest to the largest, in odd ones it falls."""
    return np.resize(np.array(values, kind), (1, 256))


SECTOR_OF_ORDER = np.array([[3, 4, 2, 0, 0, 5, 1, 0] + [0] * 248], np.uint8)
"""By 1 for red >= green + 2 for green >= blue + 4 for red >= blue; two of these cannot be."""

LARGEST = _by_sector((1, 2, 2, 4, 4, 1), np.uint8)
"""The largest channel: 1 for red, 2 for green, 4 for blue."""

SMALLEST = _by_sector((4, 4, 1, 1, 2, 2), np.uint8)


def turn(percent: float, longest: int) -> Callable[[Pixels], None]:
    """Changes a run of at most `longest` pixels in place: hues go on by that many percent, 0 to 100, of the circle."""
    exactly, roughly, smallest = _exactly(percent, longest), _roughly(percent), _smallest(longest)
    moved = LEVELS * (percent * 6 / 100)
    whole = (abs(moved - np.rint(moved)) < NEAR) & (LEVELS > 0)  # a grey has no angle
    space = np.empty((7, 1, longest), np.uint8)

    def change(run: Pixels) -> None:
        *bands, most, middle, least, sector = space[:, :, : run.shape[1]]
        cv2.split(run, bands)
        _sort(bands, most, middle, least, sector)
        apart = cv2.subtract(most, least)
        picked = np.flatnonzero(cv2.LUT(apart, whole.view(np.uint8)).view(np.bool_))
        known = [plane[0, picked][np.newaxis] for plane in (most, middle, least, sector)]
        roughly(most, middle, least, sector, apart)
        if picked.size:
            middle[0, picked], sector[0, picked] = exactly(*known)
        low = smallest(most, least)
        _place(bands, most, cv2.max(middle, low, dst=middle), low, sector)
        cv2.merge(bands, run)

    return change


def _sort(bands: Sequence[Plane], most: Plane, middle: Plane, least: Plane, sector: Plane) -> None:
    red, green, blue = bands
    cv2.max(cv2.max(red, green, dst=most), blue, dst=most)
    cv2.min(cv2.min(red, green, dst=least), blue, dst=least)
    np.bitwise_xor(red, green, out=middle)
    for other in (blue, most, least):
        middle ^= other
    sector[...] = 0
    for bit, (one, other) in enumerate(((red, green), (green, blue), (red, blue))):
        order: Plane = cv2.compare(one, other, cv2.CMP_GE)
        sector |= order & np.uint8(1 << bit)
    cv2.LUT(sector, SECTOR_OF_ORDER, dst=sector)


def _roughly(percent: float) -> Callable[[Plane, Plane, Plane, Plane, Plane], None]:
    """Changes the middle channel and its sector where the middle one does not become whole. Sums go round at 256 on
    purpose."""
    sectors, part = divmod(percent * 6 / 100, 1)
    moved = np.floor(LEVELS * part).astype(np.uint8)
    room = (LEVELS - moved).astype(np.uint8)

    def change(most: Plane, middle: Plane, least: Plane, sector: Plane, apart: Plane) -> None:
        fallen = cv2.subtract(most, middle)
        gone = cv2.subtract(middle, least)
        cv2.copyTo(fallen, sector & 1, gone)
        over = cv2.compare(gone, cv2.LUT(apart, room), cv2.CMP_GE)
        np.add(gone, cv2.LUT(apart, moved), out=gone)
        gone -= apart & over
        sector += np.uint8(sectors)
        sector -= over  # 255 is -1
        np.add(least, gone, out=middle)
        gone += 1  # and a part of one more, which is cut off; black stays black
        cv2.subtract(most, gone, dst=fallen)
        cv2.copyTo(fallen, sector & 1, middle)

    return change


def _exactly(percent: float, longest: int) -> Callable[[Plane, Plane, Plane, Plane], tuple[Plane, Plane]]:
    """The middle channel and its sector for pixels that are not grey, in CamanJS' order of operations."""
    sign, rising = _by_sector((1, -1), np.float64), _by_sector((1, 0), np.float64)
    corner = _by_sector((0, 2, 2, 4, 4, 6), np.float64)
    once_round = 100.0 * LEVELS
    space = doubles(4, 1, longest)

    def made(most: Plane, middle: Plane, least: Plane, sector: Plane) -> tuple[Plane, Plane]:
        value, apart, angle, other = space[:, :, : most.shape[1]]
        cv2.LUT(most, PARTS, dst=value)
        cv2.LUT(least, PARTS, dst=other)
        np.subtract(value, other, out=apart)
        cv2.LUT(middle, PARTS, dst=angle)
        angle -= other
        angle /= apart
        angle *= cv2.LUT(sector, sign, dst=other)
        angle += cv2.LUT(sector, corner, dst=other)
        angle /= 6
        angle *= 100
        angle += percent
        angle -= cv2.LUT((angle >= 100).view(np.uint8), once_round, dst=other)
        angle /= 100
        angle *= 6
        np.floor(angle, out=other)
        at = other.astype(np.uint8)
        angle -= other
        np.subtract(cv2.LUT(at, rising, dst=other), angle, out=angle)
        np.abs(angle, out=angle)  # the share of the saturation by which the middle channel is below the largest
        apart /= value
        angle *= apart
        np.subtract(1, angle, out=angle)
        angle *= value
        angle *= 255
        return angle.astype(np.uint8), at

    return made


def _smallest(longest: int) -> Callable[[Plane, Plane], Plane]:
    """The smallest channel afterwards, of the largest and the smallest one before: the same or one less. The largest
    one is always the same."""
    value = np.maximum(PARTS, 1e-9).T
    table = np.floor(value * (1 - (value - PARTS) / value) * 255)
    table = np.where(LEVELS.T > LEVELS, table, LEVELS).astype(np.uint8).ravel()
    space = np.empty((1, longest), np.uint16)

    def made(most: Plane, least: Plane) -> Plane:
        place = space[:, : most.shape[1]]
        np.left_shift(most, 8, out=place, dtype=np.uint16)
        place |= least
        return table.take(place, mode="clip")

    return made


def _place(bands: Sequence[Plane], most: Plane, middle: Plane, least: Plane, sector: Plane) -> None:
    largest: Plane = cv2.LUT(sector, LARGEST)
    smallest: Plane = cv2.LUT(sector, SMALLEST)
    for bit, band in enumerate(bands):
        np.copyto(band, middle)
        cv2.copyTo(most, largest & (1 << bit), band)
        cv2.copyTo(least, smallest & (1 << bit), band)
