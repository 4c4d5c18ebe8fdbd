"""Owns the laws of tables: two in a row are one, every formula at its ends. Never an array, never libvips."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core import filters
from sixpx.core.curves import curve
from sixpx.core.filters import SAME, Effect, Stage, Tables, fused
from sixpx.core.geometry import Colour

percent = st.floats(-100, 100)
level = st.integers(0, 255)
colour = st.builds(Colour, level, level, level)
point = st.tuples(st.floats(0, 255), st.floats(0, 255))
points = st.lists(point, min_size=3, max_size=4).map(tuple)
tables: st.SearchStrategy[Tables] = st.one_of(
    st.builds(filters.brightness, percent),
    st.builds(filters.contrast, percent),
    st.builds(filters.exposure, percent),
    st.builds(filters.gamma, st.floats(0, 100)),
    st.builds(filters.colorize, colour, st.floats(0, 100)),
    st.builds(filters.channels, percent, percent, percent),
    st.builds(filters.curves, st.sampled_from(["v", "rgb", "r", "gb"]), points),
    st.just(filters.invert()),
)
effects = st.builds(Effect, st.sampled_from(["sepia", "hue", "sharpen"]), st.floats(1, 100))


def changed(table: Tables, pixel: tuple[int, int, int]) -> tuple[int, int, int]:
    return table.red[pixel[0]], table.green[pixel[1]], table.blue[pixel[2]]


@given(row=st.lists(tables, min_size=1, max_size=5), pixel=st.tuples(level, level, level))
def test_fused_tables_do_exactly_what_they_do_one_after_the_other(
    row: list[Tables], pixel: tuple[int, int, int]
) -> None:
    wanted = pixel
    for table in row:
        assert [len(levels) for levels in (table.red, table.green, table.blue)] == [256] * 3
        wanted = changed(table, wanted)
    made = fused(row)
    assert len(made) <= 1
    assert wanted == (changed(made[0], pixel) if made and isinstance(made[0], Tables) else pixel)


@given(row=st.lists(tables | effects, max_size=8))
def test_fusing_keeps_effects_in_their_order_and_leaves_no_tables_side_by_side(row: list[Stage]) -> None:
    made = fused(row)
    assert [one for one in made if isinstance(one, Effect)] == [one for one in row if isinstance(one, Effect)]
    assert not any(isinstance(a, Tables) and isinstance(b, Tables) for a, b in pairwise(made))
    assert Tables() not in made
    assert fused(made) == made


@pytest.mark.parametrize(
    ("table", "before", "after"),
    [
        (filters.brightness(-100), (0, 255), (0, 0)),
        (filters.brightness(30), (0, 100, 200), (76, 176, 255)),
        (filters.brightness(-37.5), (96, 100), (0, 4)),  # -95.6, rounded down
        (filters.contrast(50), (60, 100, 150, 200), (0, 66, 178, 255)),  # -24.4, 65.6, 178.1, 290.6
        (filters.contrast(-100), (0, 255), (128, 128)),  # 127.5
        (filters.gamma(0), (0, 9), (255, 255)),
        (filters.gamma(2), (0, 128, 255), (0, 64, 255)),
        (filters.gamma(0.5), (64,), (128,)),
        (filters.invert(), (0, 100, 255), (255, 155, 0)),
        (filters.exposure(100), (128, 255), (253, 255)),
        (filters.colorize(Colour(200, 200, 200), 50), (0, 100, 255), (100, 150, 228)),  # 227.5
        (filters.channels(50, 50, 50), (0, 100, 255), (128, 178, 255)),  # 127.5, 177.5
        (filters.channels(-50, -50, -50), (1, 3, 255), (0, 2, 128)),  # 0.5, 1.5, 127.5
    ],
)
def test_formulas_at_levels_worked_out_by_hand(table: Tables, before: tuple[int, ...], after: tuple[int, ...]) -> None:
    for levels in (table.red, table.green, table.blue):
        assert tuple(levels[one] for one in before) == after


@pytest.mark.parametrize("formula", [filters.brightness, filters.contrast, filters.exposure])
def test_an_amount_of_nothing_changes_nothing(formula: Callable[[float], Tables]) -> None:
    assert formula(0) == Tables()
    assert formula(50) != Tables()


def test_channels_are_filtered_apart() -> None:
    assert filters.channels(-100, 0, 100) == Tables(bytes(256), SAME, b"\xff" * 256)
    bent = curve(((0, 0), (128, 180), (255, 255)))
    assert filters.curves("rb", ((0, 0), (128, 180), (255, 255))) == Tables(bent, SAME, bent)
    assert filters.colorize(Colour(255, 0, 7), 100) == Tables(b"\xff" * 256, bytes(256), b"\7" * 256)


@given(points=points)
def test_a_curve_is_flat_beyond_its_ends(
    points: tuple[tuple[float, float], ...],
) -> None:
    levels = curve(points)
    (first, low), (last, high) = ((int(x + 0.5), int(y + 0.5)) for x, y in (points[0], points[-1]))
    assert len(levels) == 256
    if last < 255:
        assert set(levels[last:]) == {high}
    assert set(levels[: min(first, last)]) <= {low}


@given(points=points)
def test_a_curve_leaves_no_level_out(points: tuple[tuple[float, float], ...]) -> None:
    """A hole would be black in the midst of light levels; the samples lie close enough for every curve."""
    assert curve(tuple((across, 200.0) for across, _ in points)) == bytes([200]) * 256


def test_a_straight_curve_is_within_one_level_of_no_change() -> None:
    levels = curve(((0, 0), (85, 85), (170, 170), (255, 255)))
    assert levels == SAME
    assert curve(((0, 0), (128, 128), (255, 255)))[128] == 128
