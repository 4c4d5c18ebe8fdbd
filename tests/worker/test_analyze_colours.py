"""Owns the colours of known pictures: flags come out exactly, everything the same each time. Never a step or a job."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from sixpx.worker.palette import SAMPLE, dominant, palette, sample, shares

from .conftest import PHOTO

Draw = ImageDraw.ImageDraw
Painter = Callable[[Draw, int, int], None]


def france(draw: Draw, width: int, height: int) -> None:
    draw.rectangle((0, 0, width // 3, height), "#0055a4")
    draw.rectangle((2 * width // 3, 0, width, height), "#ef4135")


def germany(draw: Draw, width: int, height: int) -> None:
    draw.rectangle((0, 0, width, height // 3), "#000000")
    draw.rectangle((0, height // 3, width, 2 * height // 3), "#dd0000")
    draw.rectangle((0, 2 * height // 3, width, height), "#ffce00")


def japan(draw: Draw, width: int, height: int) -> None:
    radius = 3 * height // 10
    box = (width // 2 - radius, height // 2 - radius, width // 2 + radius, height // 2 + radius)
    draw.ellipse(box, "#bc002d")


FLAGS: dict[str, tuple[Painter, dict[str, float]]] = {
    "France": (france, {"#0055a4": 1 / 3, "#ffffff": 1 / 3, "#ef4135": 1 / 3}),
    "Germany": (germany, {"#000000": 1 / 3, "#dd0000": 1 / 3, "#ffce00": 1 / 3}),
    "Japan": (japan, {"#ffffff": 1 - 0.09 * np.pi * 2 / 3, "#bc002d": 0.09 * np.pi * 2 / 3}),
}


def flag(painter: Painter, width: int, height: int, smooth: int = 4) -> Image.Image:
    """Drawn so many times larger and scaled down, so that its edges are soft."""
    image = Image.new("RGB", (width * smooth, height * smooth), "white")
    painter(ImageDraw.Draw(image), *image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def vips(image: Image.Image | np.ndarray[Any, Any]) -> Any:
    return pyvips.Image.new_from_array(np.asarray(image), interpretation="srgb")


def found(image: Any, count: int = 6) -> dict[str, float]:
    return {one["hex"]: one["share"] for one in palette(image, count)}


# --- flags ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("size", [(48, 32), (99, 66), (300, 200), (900, 600)])
def test_a_flag_has_its_colours_and_no_others(name: str, size: tuple[int, int]) -> None:
    painter, colours = FLAGS[name]
    told = found(vips(flag(painter, *size)))
    assert set(told) == set(colours)
    for one, share in colours.items():
        assert told[one] == pytest.approx(share, abs=0.02 if size[0] > 48 else 0.03)


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("size", [(600, 400), (900, 600)])
def test_a_flag_in_a_jpeg_has_nearly_its_colours(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    painter, colours = FLAGS[name]
    flag(painter, *size).save(tmp_path / "flag", "JPEG", quality=80)
    told = palette(pyvips.Image.new_from_file(str(tmp_path / "flag")).copy_memory(), 6)
    exact = [np.array([int(one[place : place + 2], 16) for place in (1, 3, 5)]) for one in colours]
    assert len(told) == len(exact)
    assert all(min(np.abs(one - np.array(each["rgb"])).max() for one in exact) <= 2 for each in told)


@pytest.mark.parametrize("size", [(2700, 1800), (1800, 2700)])
def test_a_flag_of_many_megapixels_is_as_exact(size: tuple[int, int]) -> None:
    told = found(vips(flag(germany, *size, smooth=1)))
    assert told == pytest.approx(FLAGS["Germany"][1], abs=0.01)


def test_a_stripe_of_a_few_percent_is_told() -> None:
    pixels = np.full((100, 100, 3), 255, np.uint8)
    pixels[:3] = (200, 0, 0)
    assert found(vips(pixels)) == {"#ffffff": 0.97, "#c80000": 0.03}


def test_a_pattern_does_not_hide_between_the_samples() -> None:
    pixels = np.zeros((1024, 1024, 3), np.uint8)
    pixels[:, ::2] = 255
    assert found(vips(pixels)) == pytest.approx({"#ffffff": 0.5, "#000000": 0.5}, abs=0.02)


def test_more_colours_than_asked_for_are_left_out_and_the_shares_still_sum_to_1() -> None:
    stripes = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)]
    pixels = np.repeat(np.array([stripes[row] for row in (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)], np.uint8), 10, axis=0)
    image = vips(np.repeat(pixels[:, None], 50, axis=1))
    assert found(image, 2) == {"#fa0000": 0.5714, "#00fa00": 0.4286}
    assert found(image, 4) == {"#fa0000": 0.4, "#00fa00": 0.3, "#0000fa": 0.2, "#fafa00": 0.1}
    assert dominant(image) == [{"hex": "#fa0000", "rgb": [250, 0, 0], "share": 0.4}]


# --- pixels ---------------------------------------------------------------------------------------


def test_a_transparent_picture_has_no_colours() -> None:
    pixels = np.zeros((20, 30, 4), np.uint8)
    pixels[:, :, 0] = 255
    pixels[:, :, 3] = 127
    assert palette(vips(pixels), 6) == dominant(vips(pixels)) == []


def test_what_is_half_transparent_or_less_counts_in_full_and_as_it_is() -> None:
    pixels = np.zeros((20, 30, 4), np.uint8)
    pixels[:5] = (255, 0, 0, 128)
    pixels[5:10] = (7, 77, 177, 255)
    assert found(vips(pixels)) == {"#ff0000": 0.5, "#074db1": 0.5}


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (16001, 1), (2, 30000), (170, 95), (95, 170)])
def test_any_shape_of_picture_has_colours(size: tuple[int, int]) -> None:
    width, height = size
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    assert 0 < np.prod(sample(vips(noise)).shape[:2]) <= SAMPLE + max(size)
    told = palette(vips(noise), 6)
    assert 1 <= len(told) <= 6
    assert sum(round(one["share"] * 10_000) for one in told) == 10_000
    assert found(vips(np.full((height, width, 3), 9, np.uint8))) == {"#090909": 1.0}


def test_a_small_picture_is_looked_at_whole() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (90, 110, 4), np.uint8)
    assert np.array_equal(sample(vips(pixels)), pixels)


@pytest.mark.parametrize("size", [(900, 700), (2500, 1700), (1500, 2800)])
def test_a_larger_one_is_looked_at_pixel_by_pixel_from_edge_to_edge(size: tuple[int, int]) -> None:
    """Red and green tell the place of a pixel, blue that it is mixed with no neighbour."""
    y, x = np.indices(size[::-1])
    pixels = np.dstack((x * 256 // size[0], y * 256 // size[1], (x + y) % 2 * 255)).astype(np.uint8)
    grid = sample(vips(pixels)).reshape(-1, 3)
    assert 9_000 < len(grid) < 11_000
    assert set(np.unique(grid[:, 2])) == {0, 255}
    assert np.histogram(grid[:, 0], 4)[0] == pytest.approx(len(grid) / 4, rel=0.05)
    assert np.histogram(grid[:, 1], 4)[0] == pytest.approx(len(grid) / 4, rel=0.05)


# --- photographs ----------------------------------------------------------------------------------


def photo() -> Any:
    return pyvips.Image.new_from_file(str(PHOTO)).copy_memory()


def test_a_photograph_has_the_colours_that_the_eye_finds() -> None:
    """Grey fur in several lights, the dark of its mask, the green of the leaves."""
    told = palette(photo(), 6)
    greens = [one for one in told if one["rgb"][1] > max(one["rgb"][0], one["rgb"][2]) + 20]
    greys = [one for one in told if max(one["rgb"]) - min(one["rgb"]) < 25]
    assert len(greens) in (1, 2)
    assert len(greys) >= 3
    assert min(sum(one["rgb"]) for one in greys) < 90
    assert dominant(photo())[0]["hex"] == told[0]["hex"]
    assert dominant(photo())[0]["share"] <= told[0]["share"]


@pytest.mark.parametrize("count", [1, 2, 6, 12, 64])
def test_a_palette_is_ordered_and_its_shares_sum_to_1(count: int) -> None:
    told = palette(photo(), count)
    parts = [one["share"] for one in told]
    assert 1 <= len(told) <= count
    assert parts == sorted(parts, reverse=True)
    assert sum(round(part * 10_000) for part in parts) == 10_000
    assert len({one["hex"] for one in told}) == len(told)
    assert all(one["hex"] == "#" + bytes(one["rgb"]).hex() for one in told)


def test_every_process_tells_the_same_colours() -> None:
    code = (
        "import sys, pyvips; from sixpx.worker.palette import palette;"
        "print(palette(pyvips.Image.new_from_file(sys.argv[1]).copy_memory(), 6))"
    )
    other = subprocess.run([sys.executable, "-c", code, str(PHOTO)], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(palette(photo(), 6)) == str(palette(photo(), 6))


# --- shares ---------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 1_000_000), min_size=1, max_size=64))
def test_shares_are_near_the_truth_and_sum_to_1(amounts: list[int]) -> None:
    made = shares(amounts)
    assert sum(round(share * 10_000) for share in made) == 10_000
    assert all(abs(share - amount / sum(amounts)) < 1e-4 for share, amount in zip(made, amounts, strict=True))


def test_thirds_are_told_in_order() -> None:
    assert shares([1, 1, 1]) == [0.3334, 0.3333, 0.3333]
    assert shares([]) == []
