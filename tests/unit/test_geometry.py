"""The laws of sizes, boxes, colours and turns."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core import geometry
from sixpx.core.geometry import TRANSPARENT, Box, Colour, Size, bounds, fit, placed, portion, proportional, turn

sides = st.integers(1, 5000)
sizes = st.builds(Size, sides, sides)
angles = st.floats(-1e6, 1e6, allow_nan=False)


@given(sizes, sides)
def test_one_side_given_the_other_is_the_nearest_in_proportion(size: Size, width: int) -> None:
    height = proportional(size, width=width).height
    assert height >= 1
    assert height == 1 or abs(height - size.height * width / size.width) <= 0.5
    assert proportional(size.swapped(), height=width) == Size(height, width)


def test_halves_round_upward() -> None:
    assert portion(5, 1, 2) == 3
    assert portion(1, 1, 1000) == 1
    assert [geometry.rounded(value) for value in (0.5, 1.5, -0.5, 2.4)] == [1, 2, 0, 2]


@given(sizes, sizes)
def test_inside_fits_and_outside_covers_and_both_touch_the_box(size: Size, box: Size) -> None:
    inner, outer = fit(size, box, "inside").canvas, fit(size, box, "outside").canvas
    assert inner.width <= box.width
    assert inner.height <= box.height
    assert outer.width >= box.width
    assert outer.height >= box.height
    for touching in (inner, outer):
        assert touching.width == box.width or touching.height == box.height


@given(sizes, sizes, st.sampled_from(geometry.FITS), st.booleans())
def test_a_canvas_is_what_its_fit_promises(size: Size, box: Size, how: str, enlarge: bool) -> None:
    fitted = fit(size, box, how, enlarge)
    if how in ("fill", "cover", "contain") and enlarge:
        assert fitted.canvas == box
    if not enlarge:
        assert fitted.scale.width <= size.width
        assert fitted.scale.height <= size.height
    if how == "cover":
        assert fitted.canvas.width <= fitted.scale.width
        assert fitted.canvas.height <= fitted.scale.height
    if how == "contain":
        assert fitted.canvas == box
        assert fitted.scale.width <= box.width
        assert fitted.scale.height <= box.height


@given(sizes, sizes, st.sampled_from(sorted(geometry.GRAVITIES)))
def test_placed_lies_within_where_it_can(inner: Size, outer: Size, gravity: str) -> None:
    box = placed(inner, outer, gravity)
    assert box.size == inner
    if inner.width <= outer.width and inner.height <= outer.height:
        assert box.within(outer) == box
    if "west" in gravity:
        assert box.x == 0
    if "south" in gravity:
        assert box.y + inner.height == outer.height


def test_center_puts_the_odd_pixel_to_the_right_and_below() -> None:
    assert placed(Size(2, 2), Size(5, 5), "center") == Box(1, 1, 2, 2)


@given(st.builds(Box, st.integers(-99, 99), st.integers(-99, 99), sides, sides), sizes)
def test_within_is_the_common_part(box: Box, size: Size) -> None:
    part = box.within(size)
    columns = range(max(0, box.x), min(box.x + box.width, size.width))
    rows = range(max(0, box.y), min(box.y + box.height, size.height))
    assert part == (Box(columns.start, rows.start, len(columns), len(rows)) if columns and rows else None)


@given(sizes, st.integers(-8, 8))
def test_quarter_turns_are_exact(size: Size, quarters: int) -> None:
    assert bounds(size, quarters * 90) == (size.swapped() if quarters % 2 else size)


@given(sizes, angles)
def test_the_bounds_hold_every_corner(size: Size, degrees: float) -> None:
    canvas, angle = bounds(size, degrees), math.radians(turn(degrees))
    for x, y in ((size.width, size.height), (size.width, -size.height)):
        assert abs(x * math.cos(angle) - y * math.sin(angle)) <= canvas.width + 1e-5
        assert abs(x * math.sin(angle) + y * math.cos(angle)) <= canvas.height + 1e-5
    assert canvas.width <= math.hypot(size.width, size.height) + 1


@given(angles | st.sampled_from([-1e-20, 1e300, 360.0, -360.0, 359.9999999999999999]))
def test_a_turn_is_less_than_a_whole_one(degrees: float) -> None:
    assert 0 <= turn(degrees) < 360


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#fff", Colour(255, 255, 255)),
        ("F00", Colour(255, 0, 0)),
        ("#12345678", Colour(0x12, 0x34, 0x56, 0x78)),
        ("1234", Colour(0x11, 0x22, 0x33, 0x44)),
        ("0a0B0c", Colour(10, 11, 12)),
        ("Transparent", TRANSPARENT),
    ],
)
def test_a_colour_is_read_with_3_4_6_or_8_digits(text: str, colour: Colour) -> None:
    assert Colour.parse(text) == colour


@pytest.mark.parametrize("text", ["", "#", "ff", "#12345", "1234567", "#ggg", "red", "##fff", "fff\n0"])
def test_other_words_are_no_colour(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Colour.parse(text)
