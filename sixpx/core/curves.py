"""Owns the Bezier curve over the levels of a channel, as CamanJS samples it. Never knows which filter draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sixpx.core.geometry import rounded

Point = tuple[float, float]
"""A level before and the level after, each 0..255."""

SAMPLES = 1000
FULL = 255


def curve(points: Sequence[Point]) -> bytes:
    """The 256 levels after a cubic Bezier curve through the first and the last of 3 or 4 points, flat beyond them.
    The points between are its control points; a single one stands for both. As in CamanJS 4 the curve is sampled,
    not solved: a later sample overwrites an earlier one on the same level, and a level without any becomes 0."""
    start, end = _whole(points[0]), _whole(points[-1])
    levels = dict(_sampled(start, points[1], points[-2], end))
    levels.setdefault(end[0], levels.get(end[0] - 1, 0))
    levels |= dict.fromkeys(range(start[0]), start[1])
    if end[0] < FULL:
        levels |= dict.fromkeys(range(end[0], FULL + 1), end[1])
    return bytes(min(FULL, max(0, levels.get(level, 0))) for level in range(FULL + 1))


def _whole(point: Point) -> tuple[int, int]:
    """Where a curve begins or ends there is a level of the table."""
    return rounded(point[0]), rounded(point[1])


def _sampled(start: Point, first: Point, second: Point, end: Point) -> list[tuple[int, int]]:
    """Level before and level after at equal steps of the curve's parameter; CamanJS cuts the fraction off one of
    the six coefficients."""
    across = _cubic(start[0], first[0], second[0], end[0], math.trunc(3 * (first[0] - start[0])))
    down = _cubic(start[1], first[1], second[1], end[1], 3 * (first[1] - start[1]))
    steps = [sample / SAMPLES for sample in range(SAMPLES)]
    return [(_at(across, t), _at(down, t)) for t in steps]


def _cubic(start: float, first: float, second: float, end: float, c: float) -> tuple[float, float, float, float]:
    """The coefficients a, b, c, d of a t^3 + b t^2 + c t + d."""
    b = 3 * (second - first) - c
    return end - start - c - b, b, c, start


def _at(cubic: tuple[float, float, float, float], t: float) -> int:
    a, b, c, d = cubic
    return rounded(a * t**3 + b * t**2 + c * t + d)
