"""What each method decides for a canvas, and what it says of options that make no sense. No libvips here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from sixpx.core.geometry import TRANSPARENT, WHITE, Box, Colour, Size
from sixpx.errors import BadStep
from sixpx.methods import METHODS
from sixpx.methods.base import Canvas

CANVAS = Canvas(Size(400, 300), others={"logo": Size(100, 40)})


def planned(name: str, raw: Mapping[str, Any], canvas: Canvas = CANVAS) -> Any:
    return METHODS[name].plan(METHODS[name].parse(raw), canvas)


@pytest.mark.parametrize(
    ("raw", "scale", "canvas"),
    [
        ({"width": 200}, (200, 150), (200, 150)),
        ({"height": 100}, (133, 100), (133, 100)),
        ({"width": 200, "height": 200}, (200, 200), (200, 200)),
        ({"width": 200.4, "height": ""}, (200, 150), (200, 150)),
        ({"width": 200.5}, (201, 151), (201, 151)),
        ({"width": 0.2}, (1, 1), (1, 1)),
        ({"width": 800, "enlarge": False}, (400, 300), (400, 300)),
        ({"width": 800, "height": 200, "enlarge": False}, (400, 200), (400, 200)),
        ({"width": 100, "height": 100, "fit": "cover"}, (133, 100), (100, 100)),
        ({"width": 100, "height": 100, "fit": "contain"}, (100, 75), (100, 100)),
        ({"width": 100, "height": 100, "fit": "inside"}, (100, 75), (100, 75)),
        ({"width": 100, "height": 100, "fit": "outside"}, (133, 100), (133, 100)),
        ({"width": 800, "height": 200, "fit": "cover", "enlarge": False}, (400, 300), (400, 200)),
        ({"width": 800, "height": 800, "fit": "contain", "enlarge": False}, (400, 300), (800, 800)),
        ({"width": 800, "height": 800, "fit": "outside", "enlarge": False}, (400, 300), (400, 300)),
    ],
)
def test_resize(raw: dict[str, Any], scale: tuple[int, int], canvas: tuple[int, int]) -> None:
    plan = planned("resize", raw)
    assert plan.scale == Size(*scale)
    assert plan.canvas.size == Size(*canvas)


def test_contain_brings_alpha_only_where_the_file_can_hold_it() -> None:
    raw = {"width": 100, "height": 100, "fit": "contain"}
    assert planned("resize", raw).background == TRANSPARENT
    assert planned("resize", raw).canvas.alpha
    opaque = planned("resize", raw, Canvas(Size(400, 300), keeps_alpha=False))
    assert opaque.background == WHITE
    assert not opaque.canvas.alpha
    assert not planned("resize", {**raw, "background": "#123"}).canvas.alpha


@pytest.mark.parametrize(
    ("raw", "box"),
    [
        ({}, (0, 0, 400, 300)),
        ({"x": 150, "y": 100, "width": 200, "height": 200}, (150, 100, 200, 200)),
        ({"x": 300, "width": 200}, (300, 0, 100, 300)),
        ({"x": -50, "y": -20, "width": 100, "height": 100}, (0, 0, 50, 80)),
        ({"x": -10, "y": 0}, (0, 0, 400, 300)),
        ({"x": 399.4, "y": 298.5}, (399, 299, 1, 1)),
        ({"width": 100, "height": 100, "gravity": "southeast"}, (300, 200, 100, 100)),
        ({"width": 1000, "height": 100, "gravity": "center"}, (0, 100, 400, 100)),
        ({"width": 100, "gravity": "attention"}, (150, 0, 100, 300)),
    ],
)
def test_crop(raw: dict[str, Any], box: tuple[int, int, int, int]) -> None:
    plan = planned("crop", raw)
    assert plan.box == Box(*box)
    assert plan.canvas.size == plan.box.size
    assert plan.scale is None


@pytest.mark.parametrize("raw", [{"x": 400}, {"y": 300, "height": 5}, {"x": -10, "width": 10}, {"x": 5000}])
def test_a_crop_wholly_outside_fails(raw: dict[str, Any]) -> None:
    with pytest.raises(BadStep, match="outside of it"):
        planned("crop", raw)


@pytest.mark.parametrize(
    ("degrees", "size"),
    [(0, (400, 300)), (90, (300, 400)), (-90, (300, 400)), (540, (400, 300)), (45, (495, 495)), (-360.0, (400, 300))],
)
def test_rotate(degrees: float, size: tuple[int, int]) -> None:
    assert planned("rotate", {"degrees": degrees}).canvas.size == Size(*size)


def test_rotate_reads_color_as_background() -> None:
    assert planned("rotate", {"degrees": 5, "color": "#f00"}).background == Colour(255, 0, 0)
    assert planned("rotate", {"degrees": 5, "color": "#f00", "background": "#00f"}).background == Colour(0, 0, 255)
    assert planned("rotate", {"degrees": 5}).canvas.alpha
    assert not planned("rotate", {"degrees": 90}).canvas.alpha
    assert planned("rotate", {"degrees": 5}, Canvas(Size(9, 9), keeps_alpha=False)).background == WHITE


@pytest.mark.parametrize(
    ("raw", "box"),
    [
        ({}, (0, 0, 100, 40)),
        ({"x": -30, "y": 500}, (-30, 500, 100, 40)),
        ({"width": 50}, (0, 0, 50, 20)),
        ({"height": 80}, (0, 0, 200, 80)),
        ({"width": 10, "height": 10, "gravity": "southeast"}, (390, 290, 10, 10)),
        ({"width": 800, "gravity": "center"}, (-200, -10, 800, 320)),
    ],
)
def test_layer(raw: dict[str, Any], box: tuple[int, int, int, int]) -> None:
    plan = planned("layer", {"ref": "logo", **raw})
    assert plan.box == Box(*box)
    assert plan.canvas == CANVAS


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("resize", {}, "expected a width or a height, got neither"),
        ("resize", {"width": "", "height": None}, "expected a width or a height"),
        ("resize", {"width": 0}, "expected a width above 0, got 0"),
        ("resize", {"width": float("nan")}, "expected a number as width, got nan"),
        ("resize", {"width": True}, "expected a number as width, got True"),
        ("resize", {"width": 1e30}, "expected a number of pixels as width"),
        ("resize", {"width": 5, "height": 5, "fit": "crop"}, "expected one of fill, cover"),
        ("resize", {"width": 5, "enlarge": 1}, "expected true or false as enlarge"),
        ("resize", {"width": 5, "background": "blue"}, "expected a hex colour or transparent as background"),
        ("rotate", {}, "expected a number of degrees"),
        ("rotate", {"degrees": "12"}, "expected a number as degrees, got '12'"),
        ("rotate", {"degrees": 1, "background": 7}, "expected a hex colour"),
        ("crop", {"gravity": "up"}, "expected one of northwest"),
        ("layer", {}, "expected the name of an input as ref"),
        ("layer", {"ref": "nobody"}, "expected the name of another input as ref, got 'nobody'"),
        ("layer", {"ref": "logo", "opacity": 2}, "expected an opacity from 0 to 1, got 2"),
        ("layer", {"ref": "logo", "blend": "dissolve"}, "as blend, got 'dissolve'"),
        ("layer", {"ref": "logo", "gravity": "attention"}, "as gravity, got 'attention'"),
    ],
)
def test_options_that_make_no_sense_are_named(name: str, raw: dict[str, Any], words: str) -> None:
    with pytest.raises(BadStep, match=words):
        planned(name, raw)


def test_core_and_methods_are_imported_without_libvips() -> None:
    code = "import sys, sixpx.methods, sixpx.core.geometry, sixpx.core.render; sys.exit('pyvips' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
