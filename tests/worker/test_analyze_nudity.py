"""Owns the guess at nudity on pictures made in code and on photographs of clothed people. Never a claim beyond it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from sixpx.worker.nudity import nudity, regions, score, skin

from .album import PHOTOS
from .conftest import PHOTO

TONES = [(255, 219, 190), (234, 192, 160), (224, 172, 135), (198, 134, 96), (141, 85, 60), (110, 66, 46)]
"""From light to dark; the rules know no darker ones."""
SKY, GRASS = (120, 170, 230), (90, 140, 60)
parts = st.floats(0, 1)


def vips(image: Image.Image) -> Any:
    return pyvips.Image.new_from_array(np.asarray(image), interpretation="srgb")


def outdoors(tone: tuple[int, int, int] | None = None, size: float = 0.0) -> Image.Image:
    """Grass below the sky, and an ellipse of this tone over so much of either side."""
    image = Image.new("RGB", (300, 200), SKY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 120, 300, 200), GRASS)
    if tone is not None:
        across, down = 150 * size, 100 * size
        draw.ellipse((150 - across, 100 - down, 150 + across, 100 + down), tone)
    return image


@pytest.mark.parametrize("tone", TONES)
def test_a_large_even_area_of_skin_is_taken_for_a_body(tone: tuple[int, int, int]) -> None:
    assert nudity(vips(outdoors(tone, 0.9))) == {"nude": True, "score": 1.0}
    found = nudity(vips(outdoors(tone, 0.3)))
    assert found == {"nude": False, "score": found["score"]}


def test_the_more_skin_the_higher_the_score() -> None:
    scores = [nudity(vips(outdoors(TONES[1], size / 20)))["score"] for size in range(20)]
    assert scores == sorted(scores)
    assert (scores[0], scores[-1]) == (0.0, 1.0)
    assert len(set(scores)) > 5


@pytest.mark.parametrize(
    "image", [outdoors(), Image.new("RGB", (9, 9), "white"), Image.new("L", (50, 50), 128).convert("RGB")]
)
def test_a_picture_without_skin_scores_nothing(image: Image.Image) -> None:
    assert nudity(vips(image)) == {"nude": False, "score": 0.0}


@pytest.mark.parametrize("path", [PHOTO, *sorted(PHOTOS.glob("*.jpg"))], ids=lambda path: path.stem)
def test_a_raccoon_two_portraits_a_rocket_and_a_cup_are_not_taken_for_bodies(path: Path) -> None:
    found = nudity(pyvips.Image.new_from_file(str(path)).copy_memory())
    assert not found["nude"]
    assert found["score"] < 0.2


def test_what_is_transparent_is_no_skin() -> None:
    image = outdoors(TONES[1], 0.9).convert("RGBA")
    image.putalpha(100)
    assert nudity(vips(image))["score"] == 0.0
    image.putalpha(255)
    assert nudity(vips(image))["score"] == 1.0


def test_a_rough_surface_of_the_same_colour_is_no_skin() -> None:
    smooth = np.full((100, 100, 4), (*TONES[2], 255), np.uint8)
    assert skin(smooth).mean() == 1.0
    rough = smooth.astype(np.int16)
    rough[:, :, :3] += np.random.default_rng(1).integers(-25, 26, (100, 100, 1)).astype(np.int16)
    assert skin(rough.clip(0, 255).astype(np.uint8)).mean() < 0.05


def test_regions_leave_threads_and_specks_out() -> None:
    mask = np.zeros((100, 200), np.uint8)
    mask[10:60, 10:60] = 1
    mask[70:90, 100:120] = 1
    assert regions(mask) == pytest.approx((0.145, 0.125))
    mask[5, :] = 1
    mask[95:99, 5:9] = 1
    assert regions(mask) == pytest.approx((0.145, 0.125))
    assert regions(np.zeros((5, 5), np.uint8)) == (0.0, 0.0)


@given(parts, parts, parts, parts)
def test_the_score_grows_with_skin_and_with_its_largest_region(
    one: float, other: float, more: float, still: float
) -> None:
    low, high = score(min(one, more), min(other, still)), score(max(one, more), max(other, still))
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (2000, 3)])
def test_any_shape_of_picture_has_a_score(size: tuple[int, int]) -> None:
    assert nudity(vips(Image.new("RGB", size, TONES[0])))["score"] >= 0
