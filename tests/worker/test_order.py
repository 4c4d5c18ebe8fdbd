"""Owns the order in which steps are applied: fewest pixels, and never another result. Never what a filter does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sixpx.core.geometry import Size
from sixpx.methods import METHODS
from sixpx.methods.base import Canvas
from sixpx.worker.chain import Step
from sixpx.worker.order import ordered

from .conftest import Steps, Studio


def planned(steps: Steps, size: Size) -> list[Step]:
    canvas, made = Canvas(size), []
    for number, (name, raw) in enumerate(steps, 1):
        method = METHODS[name]
        plan = method.plan(method.parse(raw), canvas)
        made.append(Step(f"step {number} ({name}): ", method, plan))
        canvas = plan.canvas or canvas
    return made


SEPIA = ("filter", {"sepia": 60, "hue": 20})
BRIGHT = ("filter", {"brightness": 20})
SHARP = ("filter", {"sharpen": 60})
CROP = ("crop", {"x": 3, "y": 4, "width": 20, "height": 11})
TURN = ("rotate", {"degrees": 90})


@pytest.mark.parametrize(
    ("steps", "numbers"),
    [
        ([SEPIA, CROP], ["2", "1"]),
        ([SEPIA, CROP, TURN, BRIGHT], ["2", "3", "1+4"]),
        ([SEPIA, BRIGHT, SHARP], ["1+2+3"]),
        ([SEPIA, SHARP, CROP], ["1+2", "3"]),
        ([SHARP, SEPIA, CROP], ["1", "3", "2"]),
        ([SHARP, CROP], ["1", "2"]),
        ([("filter", {"noise": 5}), CROP], ["1", "2"]),
        ([SEPIA, ("rotate", {"degrees": 30}), CROP], ["1", "2", "3"]),
        ([SEPIA, ("crop", {"width": 9, "height": 9, "gravity": "attention"})], ["1", "2"]),
        ([SEPIA, ("crop", {"width": 9, "height": 9, "gravity": "east"})], ["2", "1"]),
        ([SEPIA, ("resize", {"width": 9}), CROP], ["1", "2", "3"]),
        ([SEPIA, ("analyze", {"type": "color"}), CROP], ["1", "2", "3"]),
        ([SEPIA, ("crop", {"face": True})], ["1", "2"]),
        ([CROP, TURN], ["1", "2"]),
    ],
)
def test_filters_run_on_the_smallest_picture_that_gives_the_same(steps: Steps, numbers: list[str]) -> None:
    parts = [step.where.split(" and ") for step in ordered(planned(steps, Size(60, 40)))]
    found = ["+".join(part.split()[1] for part in row) for row in parts]
    assert found == numbers


def test_a_step_of_several_says_so() -> None:
    (step,) = ordered(planned([SEPIA, BRIGHT], Size(60, 40)))
    assert step.where == "step 1 (filter) and step 2 (filter): "


percent = st.floats(-100, 100)
pointwise = {"sepia": percent, "contrast": percent, "vibrance": percent, "gamma": st.floats(0, 3)}
mixed = {"hue": percent, "color": percent, "sharpen": percent, "blur": st.integers(0, 5)}
links = st.one_of(
    st.tuples(st.just("filter"), st.fixed_dictionaries({}, optional=pointwise)),
    st.tuples(st.just("filter"), st.fixed_dictionaries({}, optional=mixed)),
    st.tuples(st.just("crop"), st.fixed_dictionaries({"x": st.integers(0, 9), "y": st.integers(0, 9)})),
    st.just(("crop", {"width": 15, "height": 12, "gravity": "attention"})),
    st.sampled_from([90, 180, -90, 20]).map(lambda degrees: ("rotate", {"degrees": degrees})),
    st.just(("resize", {"width": 31})),
)


@given(steps=st.lists(links, min_size=2, max_size=5), alpha=st.booleans())
@settings(max_examples=20)
def test_a_chain_gives_the_pixels_of_its_steps_one_by_one(studio: Studio, steps: list[Any], alpha: bool) -> None:
    source = studio.save(studio.noise(70, 55, "RGBA" if alpha else "RGB"))
    size, single = Size(70, 55), source
    for step in steps:
        plan = planned([step], size)[0].plan
        assert plan.canvas is not None
        size = plan.canvas.size
        single = studio.make(single, [step])[1]
    together = studio.make(source, steps)[1]
    with Image.open(single) as wanted, Image.open(together) as made:
        assert (made.mode, made.size) == (wanted.mode, wanted.size)
        assert (np.asarray(made) == np.asarray(wanted)).all()
