"""Owns what filters are made of: tables of levels, with the formulas that fill them, and effects. Never a pixel.

The formulas are CamanJS 4's. After each filter it stores a byte for every channel, rounded half to even and clamped;
so does a table, hence two of them in a row are exactly one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sixpx.core.curves import FULL, Point, curve
from sixpx.core.geometry import Colour

SAME = bytes(range(FULL + 1))
"""The table that changes nothing."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What becomes of each level 0..255 of red, green and blue: 256 bytes each."""

    red: bytes = SAME
    green: bytes = SAME
    blue: bytes = SAME

    pointwise = True

    def then(self, after: Tables) -> Tables:
        """The one table that does what this one and then the other one do."""
        return Tables(self.red.translate(after.red), self.green.translate(after.green), self.blue.translate(after.blue))


@dataclass(frozen=True, slots=True)
class Effect:
    """A filter that looks at more than one channel of a pixel, or at its neighbours. `strength` is as in the API,
    within the filter's range and not 0."""

    name: str
    strength: float

    @property
    def pointwise(self) -> bool:
        """Whether a pixel becomes what it becomes wherever it lies and whatever lies around it."""
        return self.name not in LOOKING_AROUND


LOOKING_AROUND = ("noise", "sharpen", "stackBlur")

Stage = Tables | Effect


def fused(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    """The same stages with neighbouring tables as one, and none that changes nothing."""
    made: list[Stage] = []
    for stage in stages:
        last = made[-1] if made else None
        if isinstance(stage, Tables) and isinstance(last, Tables):
            made[-1] = last.then(stage)
        else:
            made.append(stage)
    return tuple(stage for stage in made if stage != Tables())


def brightness(amount: float) -> Tables:
    added = math.floor(FULL * (amount / 100))
    return _all(lambda level: level + added)


def contrast(amount: float) -> Tables:
    factor = ((amount + 100) / 100) ** 2
    return _all(lambda level: ((level / FULL - 0.5) * factor + 0.5) * FULL)


def gamma(exponent: float) -> Tables:
    """An exponent below 1 brightens; 0 makes everything white."""
    return _all(lambda level: (level / FULL) ** exponent * FULL)


def invert() -> Tables:
    return _all(lambda level: FULL - level)


def exposure(amount: float) -> Tables:
    """A curve from corner to corner whose control points move along the edges."""
    share = FULL * (abs(amount) / 100)
    first, second = (0.0, share), (FULL - share, float(FULL))
    if amount < 0:
        first, second = (first[1], first[0]), (second[1], second[0])
    levels = curve(((0, 0), first, second, (FULL, FULL)))
    return Tables(levels, levels, levels)


def curves(channels: Iterable[str], points: tuple[Point, ...]) -> Tables:
    """The curve on the channels `r`, `g`, `b` that are named; all of them where `v` is."""
    named, levels = set(channels), curve(points)
    red, green, blue = (levels if named & {channel, "v"} else SAME for channel in "rgb")
    return Tables(red, green, blue)


def colorize(colour: Colour, strength: float) -> Tables:
    """Every level moves that many percent of its way to the colour's."""
    share = strength / 100
    return Tables(
        _table(lambda level: level - (level - colour.r) * share),
        _table(lambda level: level - (level - colour.g) * share),
        _table(lambda level: level - (level - colour.b) * share),
    )


def channels(red: float, green: float, blue: float) -> Tables:
    """Above 0 a channel moves that many percent of its way to 255, below 0 to 0."""
    return Tables(*(_table(_channel(amount / 100)) for amount in (red, green, blue)))


def _channel(share: float) -> Callable[[int], float]:
    if share > 0:
        return lambda level: level + (FULL - level) * share
    return lambda level: level - level * abs(share)


def _all(formula: Callable[[int], float]) -> Tables:
    levels = _table(formula)
    return Tables(levels, levels, levels)


def _table(formula: Callable[[int], float]) -> bytes:
    """The formula at every level, as CamanJS stores it. Python rounds halves to even, too."""
    return bytes(round(min(FULL, max(0.0, formula(level)))) for level in range(FULL + 1))
