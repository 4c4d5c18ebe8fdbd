"""Owns what crop decides where a face is asked for, before any pixel is read. Never finds one."""

from __future__ import annotations

from typing import Any

import pytest

from sixpx.core.geometry import Box, Size
from sixpx.core.portrait import Wish
from sixpx.errors import BadStep
from sixpx.methods import METHODS
from sixpx.methods.base import Canvas

CROP = METHODS["crop"]


def planned(raw: dict[str, Any]) -> Any:
    return CROP.plan(CROP.parse(raw), Canvas(Size(400, 300)))


@pytest.mark.parametrize(
    ("raw", "wish"),
    [
        ({}, Wish()),
        ({"height": 100}, Wish(0, None, 100)),
        ({"height": 100, "width": 100, "padding": 20}, Wish(20, 100, 100)),
        ({"padding": 50}, Wish(50)),
        ({"padding": 2.5, "width": 10.2}, Wish(3, 10)),
        ({"padding": "", "width": None}, Wish()),
    ],
)
def test_a_face_leaves_the_size_to_the_pixels(raw: dict[str, Any], wish: Wish) -> None:
    plan = planned({"face": True, **raw})
    assert plan.wish == wish
    assert (plan.canvas, plan.scale) == (None, None)


def test_a_place_is_not_looked_at_beside_a_face() -> None:
    """Edition 1: omit x and y with face."""
    assert planned({"face": True, "x": 5000, "y": 9, "gravity": "north"}) == planned({"face": True})


def test_without_a_face_padding_means_nothing() -> None:
    assert planned({"face": False, "padding": 50, "width": 5}).box == Box(0, 0, 5, 300)
    assert planned({"padding": 50, "width": 5}).canvas.size == Size(5, 300)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"face": 1}, "expected true or false as face, got 1"),
        ({"face": "yes"}, "expected true or false as face, got 'yes'"),
        ({"face": True, "padding": -1}, "expected a padding of at least 0, got -1"),
        ({"face": True, "padding": "wide"}, "expected a number as padding, got 'wide'"),
        ({"face": True, "padding": True}, "expected a number as padding, got True"),
        ({"face": True, "padding": 1e10}, "expected a number of pixels as padding"),
        ({"face": True, "width": 0}, "expected a width above 0, got 0"),
    ],
)
def test_options_that_make_no_sense(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(BadStep, match=words):
        planned(raw)
