"""Owns analyze as a step of a chain: what it reads, that it changes nothing, what the report says. Never colours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sixpx.core.render import Report

from .conftest import Studio

COLOR = ("analyze", {"type": "color"})


def halves(left: str = "#ff0000", right: str = "#0000ff") -> Image.Image:
    image = Image.new("RGB", (80, 60), left)
    image.paste(right, (40, 0, 80, 60))
    return image


def analysis(studio: Studio, image: Any, *steps: tuple[str, Mapping[str, Any]], **options: Any) -> Any:
    return studio.make(image, steps, **options)[0].analysis


def hexes(found: Any) -> list[str]:
    return sorted(one["hex"] for one in found["color"])


def test_each_analysis_stands_under_its_name(studio: Studio) -> None:
    path = studio.save(halves())
    every = analysis(studio, path, ("analyze", {"exif": True, "color": True, "nudity": True}))
    assert set(every) == {"exif", "color", "nudity"}
    assert every["exif"] == {}
    assert set(every["nudity"]) == {"nude", "score"}
    assert every["color"] == [
        {"hex": "#0000ff", "rgb": [0, 0, 255], "share": 0.5},
        {"hex": "#ff0000", "rgb": [255, 0, 0], "share": 0.5},
    ]
    for kind in every:
        assert analysis(studio, path, ("analyze", {"type": kind})) == {kind: every[kind]}
    assert studio.make(path)[0].analysis is None


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("options", [{"type": "exif"}, {"type": "color"}, {"nudity": True, "color": True}])
def test_the_picture_passes_through_unchanged(studio: Studio, format: str, options: Any) -> None:
    path = studio.save(studio.noise(70, 50), format)
    crop = ("crop", {"x": 10, "width": 30})
    plain = studio.picture(path, [crop])
    watched = studio.picture(path, [("analyze", options), crop, ("analyze", options)])
    assert np.array_equal(np.asarray(plain), np.asarray(watched))


def test_the_picture_is_read_as_it_is_at_the_step(studio: Studio) -> None:
    path = studio.save(halves())
    assert hexes(analysis(studio, path, COLOR, ("crop", {"width": 40}))) == ["#0000ff", "#ff0000"]
    assert hexes(analysis(studio, path, ("crop", {"width": 40}), COLOR)) == ["#ff0000"]
    assert hexes(analysis(studio, path, ("crop", {"x": 40}), COLOR, ("resize", {"width": 5}))) == ["#0000ff"]


def test_a_later_step_of_the_same_kind_takes_the_place_of_an_earlier_one(studio: Studio) -> None:
    steps = [
        COLOR,
        ("analyze", {"nudity": True}),
        ("crop", {"x": 40}),
        ("analyze", {"color": True, "context": "dominant"}),
    ]
    found = analysis(studio, studio.save(halves()), *steps)
    assert set(found) == {"color", "nudity"}
    assert found["color"] == [{"hex": "#0000ff", "rgb": [0, 0, 255], "share": 1.0}]


def test_count_and_context_are_kept_to(studio: Studio) -> None:
    path = studio.save(studio.noise(90, 60))
    assert len(analysis(studio, path, ("analyze", {"type": "color", "count": 3}))["color"]) == 3
    (one,) = analysis(studio, path, ("analyze", {"type": "color", "context": "dominant"}))["color"]
    assert 0 < one["share"] < 0.5


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_of_an_animation_the_first_frame_is_read_and_all_are_kept(studio: Studio, format: str) -> None:
    film = studio.film(format)
    kept = studio.make(film, [COLOR, ("resize", {"width": 20})], type="image/gif")
    assert hexes(kept[0].analysis) == ["#000000", "#e61414"]
    with Image.open(kept[1]) as image:
        assert image.n_frames == 4


def test_a_transparent_picture_has_an_empty_palette(studio: Studio) -> None:
    path = studio.save(Image.new("RGBA", (30, 30), (255, 0, 0, 0)))
    assert analysis(studio, path, COLOR) == {"color": []}
    assert analysis(studio, path, ("analyze", {"type": "color", "context": "dominant"})) == {"color": []}


def test_a_grey_picture_with_16_bits_is_read_in_8(studio: Studio) -> None:
    path = studio.save(Image.fromarray(np.full((20, 20), 0x8080, np.uint16)))
    assert hexes(analysis(studio, path, COLOR)) == ["#808080"]


def test_each_sheet_has_findings_of_its_own_and_they_cross_the_wall(studio: Studio) -> None:
    asks: Sequence[Any] = (
        ([COLOR], None),
        ([("resize", {"width": 9}), ("analyze", {"nudity": True})], None),
        ([], None),
    )
    report = studio.report(studio.save(halves()), *asks)
    assert [report.made[key].analysis and set(report.made[key].analysis or ()) for key in "012"] == [
        {"color"},
        {"nudity"},
        None,
    ]
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_step_that_asks_for_nothing_fails(studio: Studio) -> None:
    flaw = studio.flaw(studio.save(halves()), [("analyze", {"exif": False})])
    assert (flaw.code, flaw.stage) == ("bad_step", "plan")
    assert flaw.detail.startswith("step 1 (analyze): expected a type")


def test_a_file_that_is_cut_short_is_blamed_and_not_the_step(studio: Studio) -> None:
    path = studio.path()
    whole = studio.save(studio.noise(200, 200)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    flaw = studio.flaw(path, [COLOR])
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
