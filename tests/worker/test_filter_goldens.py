"""Owns what equal means for filters: what CamanJS 4 itself made of photographs. Never a formula.

The goldens and what made them lie in tests/golden/caman. SPEC sections 2 and 9 allow more than is allowed here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from .conftest import Studio

FOLDER = Path(__file__).parents[1] / "golden" / "caman"
GOLDENS: list[dict[str, Any]] = json.loads((FOLDER / "goldens.json").read_text("utf-8"))
PER_CHANNEL = {"invert", "brightness", "contrast", "exposure", "gamma", "colorize", "channels", "curves"}
FILTERS = PER_CHANNEL | {"sepia", "noise", "saturation", "vibrance", "hue", "sharpen", "stackBlur", "color"}
ALONE = [golden for golden in GOLDENS if len(golden["filters"]) == 1]
TOGETHER = [golden for golden in GOLDENS if len(golden["filters"]) > 1]

Levels = NDArray[np.int16]


def name_of(golden: Mapping[str, Any]) -> str:
    return Path(golden["golden"]).stem


def levels(path: Path) -> Levels:
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return np.asarray(image, np.int16)


def ours(studio: Studio, golden: Mapping[str, Any]) -> Levels:
    options = dict(golden["filters"])
    assert len(options) == len(golden["filters"])
    made = studio.picture(FOLDER / golden["photo"], [("filter", options)])
    return np.asarray(made, np.int16)


def inner(picture: Levels, golden: Mapping[str, Any]) -> Levels:
    """Without the edge that is CamanJS' own fault."""
    border = golden.get("border", 0)
    return picture[border : picture.shape[0] - border, border : picture.shape[1] - border]


def apart(studio: Studio, golden: Mapping[str, Any]) -> Levels:
    theirs = levels(FOLDER / golden["golden"])
    return np.abs(inner(ours(studio, golden), golden) - inner(theirs, golden))


def filters_of(golden: Mapping[str, Any]) -> set[str]:
    return {name for name, _ in golden["filters"]}


NEARLY = {"stackBlur"}
"""What may be one level away; the others are equal."""


def test_every_filter_has_goldens_of_three_photographs_and_three_strengths() -> None:
    for name in FILTERS - {"color"}:
        seen = {(golden["photo"], json.dumps(golden["filters"])) for golden in ALONE if filters_of(golden) == {name}}
        assert len({photo for photo, _ in seen}) >= 3, name
        assert len({strength for _, strength in seen}) >= 3, name
    assert len({json.dumps(golden["filters"]) for golden in TOGETHER}) >= 6
    assert set.union(*map(filters_of, GOLDENS)) == FILTERS
    assert all((golden.get("border", 0) > 0) == ("sharpen" in filters_of(golden)) for golden in GOLDENS)


@pytest.mark.parametrize("golden", [one for one in ALONE if filters_of(one) != {"noise"}], ids=name_of)
def test_a_filter_equals_caman(studio: Studio, golden: Mapping[str, Any]) -> None:
    (name,) = filters_of(golden)
    difference = apart(studio, golden)
    assert difference.max() <= (1 if name in NEARLY else 0), (difference.max(), difference.mean())
    assert difference.mean() <= 0.001


@pytest.mark.parametrize("golden", TOGETHER, ids=name_of)
def test_filters_in_a_row_equal_caman(studio: Studio, golden: Mapping[str, Any]) -> None:
    names, difference = filters_of(golden), apart(studio, golden)
    if not names & NEARLY:
        assert difference.max() == 0
        return
    assert difference.mean() <= 0.5
    assert (difference <= 12).mean() >= 0.999


@pytest.mark.parametrize("golden", [one for one in ALONE if filters_of(one) == {"noise"}], ids=name_of)
def test_noise_has_the_statistics_of_caman(studio: Studio, golden: Mapping[str, Any]) -> None:
    """Of the whole number that a pixel gets, seen where it clamps no channel: its range, mean and deviation; it is
    the same in all channels."""
    most = 2.55 * golden["filters"][0][1]
    before = levels(FOLDER / golden["photo"])
    for after in (ours(studio, golden), levels(FOLDER / golden["golden"])):
        free = ((after > 0) & (after < 255)).all(-1)
        added = (after - before)[free]
        assert len(added) > 300
        assert (added == added[:, :1]).all()
        assert abs(added).max() <= np.floor(most + 0.5)
    middle = ((before > 90) & (before < 165)).all(-1)
    reach = min(most, 90)
    drawn = [(after - before)[middle][:, 0] for after in (ours(studio, golden), levels(FOLDER / golden["golden"]))]
    seen, wanted = (numbers[abs(numbers) < reach] for numbers in drawn)
    margin = 5 * reach / np.sqrt(3 * len(seen))
    assert abs(seen.mean() - wanted.mean()) < 2 * margin
    assert abs(seen.std() - wanted.std()) < margin
