"""Owns what analyze makes of its options, in every form that the editions know. Never a pixel."""

from __future__ import annotations

from typing import Any

import pytest

from sixpx.core.geometry import Size
from sixpx.errors import BadStep
from sixpx.methods import METHODS, analyze
from sixpx.methods.analyze import Options
from sixpx.methods.base import Canvas
from tests.golden.editions import bodies

EXIF, COLOR, NUDITY = (frozenset({name}) for name in ("exif", "color", "nudity"))


@pytest.mark.parametrize(
    ("raw", "options"),
    [
        ({"type": "exif"}, Options(EXIF)),
        ({"exif": True}, Options(EXIF)),
        ({"type": "color", "context": "palette"}, Options(COLOR)),
        ({"type": "color", "context": "pallete"}, Options(COLOR)),
        ({"type": "color", "context": ""}, Options(COLOR)),
        ({"type": "color", "context": "dominant"}, Options(COLOR, dominant=True)),
        ({"color": True, "count": 12}, Options(COLOR, count=12)),
        ({"color": True, "count": 3.0}, Options(COLOR, count=3)),
        ({"type": "nudity"}, Options(NUDITY)),
        ({"nudity": True, "exif": False, "type": ""}, Options(NUDITY)),
        ({"type": "exif", "exif": False}, Options(EXIF)),
        ({"exif": True, "color": True, "nudity": True}, Options(EXIF | COLOR | NUDITY)),
        ({"type": "exif", "nudity": True}, Options(EXIF | NUDITY)),
        ({"type": "exif", "context": "dominant", "count": 2}, Options(EXIF, 2, True)),
    ],
)
def test_type_and_flags_say_what_is_looked_for(raw: dict[str, Any], options: Options) -> None:
    assert analyze.parse(raw) == options


def test_every_example_of_the_editions_is_one_of_these() -> None:
    steps = [step for one in bodies() for output in one.body["output"] for step in output.get("methods") or ()]
    asked = [analyze.parse(step["options"]) for step in steps if step["method"] == "analyze"]
    assert set(asked) == {Options(EXIF), Options(COLOR), Options(NUDITY)}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "expected a type, or one of exif, color, nudity to be true, got none of them"),
        ({"exif": False}, "got none of them"),
        ({"context": "dominant"}, "got none of them"),
        ({"type": "faces"}, "expected one of exif, color, nudity as type, got 'faces'"),
        ({"exif": 1}, "expected true or false as exif, got 1"),
        ({"type": "color", "context": "all"}, "expected one of palette"),
        ({"type": "color", "count": 0}, "expected a whole number from 1 to 64 as count, got 0"),
        ({"type": "color", "count": 65}, "expected a whole number from 1 to 64 as count, got 65"),
        ({"type": "color", "count": 2.5}, "expected a whole number from 1 to 64 as count, got 2.5"),
        ({"type": "color", "count": "6"}, "expected a number as count, got '6'"),
        ({"type": "color", "count": True}, "expected a number as count, got True"),
    ],
)
def test_options_that_make_no_sense_are_named(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(BadStep, match=words):
        analyze.parse(raw)


def test_the_canvas_stays_what_it_is() -> None:
    canvas = Canvas(Size(40, 30), alpha=True)
    plan = METHODS["analyze"].plan(analyze.parse({"type": "color"}), canvas)
    assert (plan.canvas, plan.scale) == (canvas, None)
