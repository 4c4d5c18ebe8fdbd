"""Owns what filter reads from its options, and what it makes of them. Never a picture, never a formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sixpx.core import filters
from sixpx.core.filters import Effect, Stage, Tables
from sixpx.core.geometry import Colour, Size
from sixpx.errors import BadStep
from sixpx.methods import METHODS
from sixpx.methods.base import Canvas

CANVAS = Canvas(Size(400, 300), alpha=True)
BLUE = Colour(0, 0, 255)
CURVE = ((0, 0), (100, 120), (180, 240), (255, 255))
CORNERS = [list(point) for point in CURVE]


def stages(raw: Mapping[str, Any]) -> tuple[Stage, ...]:
    plan = METHODS["filter"].plan(METHODS["filter"].parse(raw), CANVAS)
    assert plan.canvas == CANVAS
    assert plan.scale is None
    return tuple(plan.stages)


@pytest.mark.parametrize(
    ("raw", "stage"),
    [
        ({"sepia": 70}, Effect("sepia", 70)),
        ({"sepia": True}, Effect("sepia", 100)),
        ({"sepia": 1e6}, Effect("sepia", 100)),
        ({"noise": 101}, Effect("noise", 100)),
        ({"saturation": -250}, Effect("saturation", -100)),
        ({"vibrance": 250}, Effect("vibrance", 100)),
        ({"hue": 20.5}, Effect("hue", 20.5)),
        ({"sharpen": 2000}, Effect("sharpen", 1000)),
        ({"sharpness": 175}, Effect("sharpen", 175)),
        ({"stackBlur": 30}, Effect("stackBlur", 30)),
        ({"stackBlur": 4.9}, Effect("stackBlur", 4)),
        ({"stackBlur": 180}, Effect("stackBlur", 100)),
        ({"blur": True}, Effect("stackBlur", 10)),
        ({"blur": 3}, Effect("stackBlur", 3)),
        ({"color": 0}, Effect("greyscale", 100)),
        ({"color": 70}, Effect("greyscale", 30)),
        ({"color": -5}, Effect("greyscale", 100)),
        ({"invert": True}, filters.invert()),
        ({"invert": -3}, filters.invert()),
        ({"brightness": 150}, filters.brightness(100)),
        ({"contrast": -101}, filters.contrast(-100)),
        ({"exposure": 110}, filters.exposure(100)),
        ({"gamma": -2}, filters.gamma(0)),
        ({"gamma": 300}, filters.gamma(100)),
        ({"gama": 45}, filters.gamma(45)),
        ({"colorize": "#0000FF"}, filters.colorize(BLUE, 50)),
        ({"colorize": "00f"}, filters.colorize(BLUE, 50)),
        ({"colorize": {"hex": "#00F"}}, filters.colorize(BLUE, 50)),
        ({"colorize": {"hex": "#0000FF", "strength": 160}}, filters.colorize(BLUE, 100)),
        ({"channels": {"red": -100, "blue": 120}}, filters.channels(-100, 0, 100)),
        ({"curves": {"points": CORNERS}}, filters.curves("rgb", CURVE)),
        ({"curves": {"channels": "v", "points": CORNERS}}, filters.curves("rgb", CURVE)),
        (
            {"curves": {"channels": ["r", "b"], "points": [[-9, 0], [128, 300], [255, 255]]}},
            filters.curves("br", ((0, 0), (128, 255), (255, 255))),
        ),
    ],
)
def test_each_filter_is_read_and_clamped_to_its_range(raw: dict[str, Any], stage: Stage) -> None:
    assert stages(raw) == (stage,)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"sepia": False, "invert": False, "blur": False},
        {"sepia": 0, "invert": 0, "noise": -4, "saturation": 0, "vibrance": 0, "hue": 0, "sharpen": -1},
        {"stackBlur": 0.9, "blur": 0, "color": 100},
        {"brightness": 0, "contrast": 0, "exposure": 0, "gamma": 1, "channels": {"red": 0}},
        {"colorize": {"hex": "#123456", "strength": 0}},
        {"invert": True, "brightness": 0, "sepia": False, "contrast": 0.0},
        {"sepia": None, "gamma": "", "colorize": "", "invert": ""},
    ],
)
def test_what_changes_nothing_is_left_out(raw: dict[str, Any]) -> None:
    expected = () if "brightness" not in raw or "gamma" in raw else (filters.invert(),)
    assert stages(raw) == expected


def test_filters_keep_the_order_of_their_keys_and_neighbouring_tables_are_one() -> None:
    raw = {"sharpen": 40, "contrast": 20, "gamma": 0.8, "sepia": 10, "brightness": 30, "blur": 2, "sharpness": 9}
    first, levels, second, bright, blur, last = stages(raw)
    assert (first, second, blur, last) == (
        Effect("sharpen", 40),
        Effect("sepia", 10),
        Effect("stackBlur", 2),
        Effect("sharpen", 9),
    )
    assert levels == filters.contrast(20).then(filters.gamma(0.8))
    assert bright == filters.brightness(30)
    assert isinstance(levels, Tables)
    assert stages(dict(reversed(raw.items()))) != stages(raw)


def test_plans_of_neighbouring_steps_become_one() -> None:
    def planned(raw: Mapping[str, Any], canvas: Canvas = CANVAS) -> Any:
        return METHODS["filter"].plan(METHODS["filter"].parse(raw), canvas)

    both = planned({"sepia": 20, "contrast": 30}).then(planned({"gamma": 2, "noise": 5}))
    assert both == planned({"sepia": 20, "contrast": 30, "gamma": 2, "noise": 5})
    assert planned({"invert": True}).then(planned({"invert": True})).stages == ()
    assert planned({}).then(METHODS["rotate"].plan(METHODS["rotate"].parse({"degrees": 90}), CANVAS)) is None


@pytest.mark.parametrize(
    ("raw", "pointwise"),
    [
        ({"sepia": 70, "hue": 20, "saturation": 5, "vibrance": 5, "color": 50, "contrast": 1, "invert": True}, True),
        ({}, True),
        ({"sepia": 70, "noise": 5}, False),
        ({"sharpen": 100}, False),
        ({"blur": True}, False),
    ],
)
def test_a_plan_knows_whether_it_takes_each_pixel_by_itself(raw: dict[str, Any], pointwise: bool) -> None:
    assert METHODS["filter"].plan(METHODS["filter"].parse(raw), CANVAS).pointwise is pointwise


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"rust": 5}, "got one called 'rust'"),
        ({"hue": True}, "expected a number as hue, got True"),
        ({"sepia": "much"}, "expected a number as sepia, got 'much'"),
        ({"stackBlur": True}, "expected a number as stackBlur, got True"),
        ({"invert": "no"}, "expected a number as invert, got 'no'"),
        ({"brightness": float("inf")}, "expected a number as brightness, got inf"),
        ({"colorize": "blue"}, "expected a colour of 3 or 6 hex digits"),
        ({"colorize": 5}, "got 5"),
        ({"colorize": "transparent"}, "expected a colour of 3 or 6 hex digits as colorize, got 'transparent'"),
        ({"colorize": {"strength": 5}}, "expected a colour of 3 or 6 hex digits as colorize, got {"),
        ({"colorize": {"hex": "#fff", "strength": "5"}}, "expected a number as strength, got '5'"),
        ({"channels": 5}, "expected an object of red, green and blue as channels, got 5"),
        ({"channels": {"red": []}}, "expected a number as red, got []"),
        ({"curves": [[0, 0], [1, 1]]}, "expected an object of channels and points as curves"),
        ({"curves": {"channels": "x", "points": CORNERS}}, "as channels of curves, got 'x'"),
        ({"curves": {"channels": [["r"]], "points": CORNERS}}, "as channels of curves"),
        ({"curves": {"points": CORNERS[:2]}}, "expected 3 or 4 points for curves"),
        ({"curves": {"points": [[0, 0], [1], [9, 9]]}}, "expected a point of two numbers, got [1]"),
        ({"curves": {"points": [[0, 0], [1, None], [9, 9]]}}, "expected a point of two numbers, got [1, None]"),
        ({"curves": {"points": [[0, 0], [1, "2"], [9, 9]]}}, "expected a number as level of a point, got '2'"),
    ],
)
def test_what_makes_no_sense_is_said(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(BadStep) as caught:
        METHODS["filter"].parse(raw)
    assert words in caught.value.detail
