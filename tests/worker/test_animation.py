"""Animations keep their frames, delays and loop through every method; stills take the first frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sixpx.core.render import Limits

from .conftest import Studio

STEPS: list[Any] = [
    (),
    [("resize", {"width": 20})],
    [("resize", {"width": 60, "height": 60, "fit": "contain", "background": "#fff"})],
    [("resize", {"width": 10, "height": 10, "fit": "cover", "gravity": "attention"})],
    [("crop", {"x": 5, "width": 20, "height": 10})],
    [("rotate", {"degrees": 90})],
    [("rotate", {"degrees": 30})],
    [("layer", {"ref": "logo", "x": 3})],
    [("resize", {"width": 30}), ("rotate", {"degrees": -90}), ("crop", {"height": 20}), ("layer", {"ref": "logo"})],
]


def frames(path: Path) -> tuple[list[Any], list[int], int]:
    """Pixels, delays in ms and how often it plays, as Pillow reads them: a GIF counts the repeats, a WebP the plays."""
    with Image.open(path) as image:
        pictures, delays = [], []
        for number in range(image.n_frames):
            image.seek(number)
            pictures.append(np.asarray(image.convert("RGB")).astype(int))
            delays.append(image.info["duration"])
        return pictures, delays, image.info["loop"] + (image.format == "GIF")


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: "+".join(name for name, _ in steps) or "none")
@pytest.mark.parametrize("format", ["GIF", "WEBP"])
@pytest.mark.parametrize("type", ["image/gif", "image/webp"])
def test_frames_delays_and_loop_are_kept(studio: Studio, format: str, type: str, steps: Any) -> None:
    logo = studio.save(Image.new("RGB", (4, 4), (255, 255, 255)))
    source = studio.film(format)
    made, path = studio.make(source, steps, type, others={"logo": logo})
    before, after = frames(source), frames(path)
    assert len(after[0]) == 4
    assert all(picture.shape[:2] == (made.height, made.width) for picture in after[0])
    assert after[1:] == before[1:]
    for old, new in zip(before[0], after[0], strict=True):
        colour = old[-1, -1]
        assert (abs(new - colour).sum(axis=2) < 60).mean() > 0.1


def test_an_attentive_crop_does_not_jitter(studio: Studio) -> None:
    pictures = []
    for place in (300, 0, 150):
        picture = Image.new("RGB", (360, 60), (90, 90, 90))
        picture.paste(studio.noise(60, 60), (place, 0))
        pictures.append(picture)
    source = studio.save(pictures[0], "WEBP", save_all=True, append_images=pictures[1:], duration=50, lossless=True)
    step = ("crop", {"width": 60, "height": 60, "gravity": "entropy"})
    _, path = studio.make(source, [step], "image/webp")
    busy = [picture.std() > 20 for picture in frames(path)[0]]
    assert busy[0]
    assert len(busy) > 1
    assert not any(busy[1:])


def test_a_still_shows_the_first_frame(studio: Studio) -> None:
    source = studio.film("GIF")
    still = studio.picture(source, [("resize", {"width": 20, "height": 45})], "image/png")
    assert getattr(still, "n_frames", 1) == 1
    assert still.size == (20, 45)
    assert still.convert("RGB").getpixel((19, 44)) == (230, 20, 20)


def test_stills_and_films_from_one_render(studio: Studio) -> None:
    larger = {"width": 80, "height": 60, "fit": "contain", "enlarge": False}
    report = studio.report(
        studio.film(), ([("resize", larger)], "image/png"), ((), "image/gif"), ([("resize", larger)], "image/gif")
    )
    assert not report.flaws
    assert [(made.width, made.height) for made in report.made.values()] == [(80, 60), (40, 30), (80, 60)]


def test_a_default_type_is_the_inputs_own(studio: Studio) -> None:
    assert studio.make(studio.film("GIF"), (), None)[0].type == "image/gif"
    assert studio.make(studio.film("WEBP"), (), None)[0].type == "image/webp"
    assert studio.make(studio.photo, [("resize", {"width": 9})], None)[0].type == "image/jpeg"


def test_the_limit_over_all_frames_holds_for_results(studio: Studio) -> None:
    limits = Limits(all_frames_pixels=5000)
    step = ("resize", {"width": 80})
    flaw = studio.flaw(studio.film(), [step], "image/gif", limits=limits)
    assert flaw.code == "over_limit"
    assert "step 1 (resize): the result has 19,200 pixels over all frames" in flaw.detail
    assert not studio.report(studio.film(), ([step], "image/png"), limits=limits).flaws
