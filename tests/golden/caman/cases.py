"""Owns which filters, strengths and combinations have goldens, and how CamanJS is asked for them. Never runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Filter = tuple[str, Any]
"""A filter as the API takes it: its name, its value."""

PHOTOS = ("raccoon", "astronaut", "coffee")

S_CURVE = [[0, 0], [100, 40], [150, 230], [255, 255]]
BENT = [[0, 0], [128, 200], [255, 255]]
NARROW = [[20, 40], [90, 10], [160, 250], [230, 200]]
"""Starts above level 0 and ends below 255: the levels outside are flat."""

STRENGTHS: dict[str, Sequence[Any]] = {
    "sepia": (30, 70, 100),
    "invert": (True, 1, 100),
    "brightness": (-100, -37.5, 30, 100),
    "contrast": (-100, -35, 30, 100),
    "exposure": (-100, -25, 40, 100),
    "noise": (5, 25, 100),
    "saturation": (-100, -45, 30, 100),
    "vibrance": (-100, -45, 60, 100),
    "hue": (20, 55.5, 100),
    "gamma": (0, 0.45, 2.2, 100),
    "colorize": ({"hex": "#4090FF", "strength": 25}, "#0000FF", {"hex": "#F80", "strength": 100}),
    "channels": (
        {"red": -100, "blue": 20},
        {"red": 30, "green": -25, "blue": 10.5},
        {"red": -60, "green": 100},
    ),
    "sharpen": (40, 100, 1000),
    "stackBlur": (3, 20, 100),
    "curves": (
        {"channels": "rgb", "points": S_CURVE},
        {"channels": ["r", "b"], "points": BENT},
        {"channels": "v", "points": NARROW},
    ),
    "color": (0,),
}
"""`color` has a counterpart in CamanJS at 0 alone: greyscale."""

COMBINATIONS: dict[str, Sequence[Filter]] = {
    "levels": (("brightness", 20), ("contrast", 30), ("gamma", 0.8), ("channels", {"red": 15, "blue": -20})),
    "negative": (
        ("invert", True),
        ("exposure", -30),
        ("curves", {"channels": "rgb", "points": S_CURVE}),
        ("colorize", {"hex": "#20C060", "strength": 30}),
    ),
    "faded": (("gamma", 1.6), ("contrast", -40), ("invert", True), ("brightness", -25.5)),
    "old": (("sepia", 70), ("hue", 20), ("contrast", 15)),
    "vivid": (("saturation", 25), ("vibrance", 50), ("brightness", 10), ("sharpen", 40)),
    "soft": (("stackBlur", 4), ("sepia", 50), ("contrast", 20), ("saturation", -30)),
}
"""Several filters, one after another; the first three are per-channel throughout."""


def asked() -> Iterator[tuple[str, Sequence[Filter]]]:
    """Each case: the stem of its golden's name, its filters."""
    for name, values in STRENGTHS.items():
        for place, value in enumerate(values):
            yield f"{name}-{place}", [(name, value)]
    yield from COMBINATIONS.items()


def call(name: str, value: Any) -> list[Any]:
    """The method of CamanJS with its arguments; those that it changes or cannot read are spelled out."""
    if name == "color":
        return ["greyscale"]
    if name == "invert":
        return ["invert"]
    if name == "colorize":
        colour = value if isinstance(value, dict) else {"hex": value, "strength": 50}
        return ["colorize", _six_digits(colour["hex"]), colour["strength"]]
    if name == "curves":
        return ["curves", value["channels"], *value["points"]]
    return [name, value]


def _six_digits(colour: str) -> str:
    digits = colour.lstrip("#")
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def border(filters: Sequence[Filter]) -> int:
    """Pixels along each edge that are CamanJS' own fault: `sharpen` leaves the first and the last row empty, and
    takes the left neighbour of a row's first pixel from the row above."""
    return int(any(name == "sharpen" for name, _ in filters))
