"""Animations keep their frames, delays and loop through every method; stills take the first frame."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from sixpx.core.render import LANE_ENVIRONMENT, Limits

from .conftest import Studio

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
@pytest.mark.parametrize("plays", [0, 1, 3])
@pytest.mark.parametrize("type", ["image/gif", "image/webp"])
def test_a_film_is_played_as_often_as_before(studio: Studio, format: str, plays: int, type: str) -> None:
    """0 is for ever. A GIF tells how often it is repeated, and says nothing where it is not."""
    pictures = [Image.new("RGB", (20, 10), colour) for colour in ("red", "lime", "blue")]
    told = {"loop": plays} if format == "WEBP" or plays == 0 else {} if plays == 1 else {"loop": plays - 1}
    source = studio.save(pictures[0], format, save_all=True, append_images=pictures[1:], duration=80, **told)
    _, path = studio.make(source, [("rotate", {"degrees": 10})], type)
    with Image.open(path) as image:
        loop = image.info.get("loop")
        assert image.n_frames == 3
    if type == "image/webp":
        assert loop == plays
    else:
        assert loop == (None if plays == 1 else plays and plays - 1)


def test_frames_that_repeat_are_kept_one_by_one_in_a_gif(studio: Studio) -> None:
    pictures = [Image.new("RGB", (20, 10), colour) for colour in ("red", "red", "lime", "lime", "lime")]
    source = studio.path()
    strip = pyvips.Image.arrayjoin([pyvips.Image.new_from_array(one) for one in pictures], across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", 10)
    strip.set_type(pyvips.GValue.array_int_type, "delay", [30, 70, 200, 1000, 40])
    strip.copy(interpretation="srgb").gifsave(str(source), keep_duplicate_frames=True)
    _, path = studio.make(source, [("crop", {"width": 9})], "image/gif")
    with Image.open(path) as image:
        delays = []
        for number in range(image.n_frames):
            image.seek(number)
            delays.append(image.info["duration"])
    assert delays == [30, 70, 200, 1000, 40]


@pytest.mark.parametrize("disposal", [1, 2, 3])
@pytest.mark.parametrize("type", ["image/gif", "image/webp"])
def test_transparent_frames_that_cover_a_part_stay_what_they_show(studio: Studio, disposal: int, type: str) -> None:
    pictures = []
    for number in range(4):
        picture = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
        picture.paste((250, 20 + 60 * number, 30, 255), (5 + 12 * number, 8, 17 + 12 * number, 30))
        pictures.append(picture)
    more = {"save_all": True, "append_images": pictures[1:], "duration": 60, "loop": 0}
    source = studio.save(pictures[0], "GIF", disposal=disposal, **more)
    _, path = studio.make(source, [("crop", {"x": 4, "y": 2}), ("rotate", {"degrees": 180})], type)
    with Image.open(source) as before, Image.open(path) as after:
        assert after.n_frames == before.n_frames == 4
        for number in range(4):
            before.seek(number)
            after.seek(number)
            wanted = np.asarray(before.convert("RGBA"))[2:, 4:][::-1, ::-1].astype(int)
            made = np.asarray(after.convert("RGBA")).astype(int)
            assert (made[..., 3] == wanted[..., 3]).mean() > 0.995
            seen = wanted[..., 3] > 0
            assert abs(made[seen] - wanted[seen]).mean() < (0.6 if type == "image/gif" else 6)


def test_a_gif_of_one_frame_is_a_still(studio: Studio) -> None:
    source = studio.save(Image.new("RGB", (30, 20), (200, 10, 10)), "GIF")
    for type in ("image/gif", "image/webp", "image/png"):
        _, path = studio.make(source, [("rotate", {"degrees": 45})], type)
        with Image.open(path) as made:
            assert getattr(made, "n_frames", 1) == 1
            assert made.size == (36, 36)


@pytest.mark.parametrize("type", ["image/png", "image/jpeg", "image/avif", "image/tiff"])
def test_types_without_frames_take_the_first(studio: Studio, type: str) -> None:
    _, path = studio.make(studio.film("WEBP"), [("rotate", {"degrees": 180})], type)
    with Image.open(path) as still:
        assert getattr(still, "n_frames", 1) == 1
        red, green, blue = still.convert("RGB").getpixel((4, 4))
    assert red > 200
    assert max(green, blue) < 50


def test_a_film_as_a_layer_lends_its_first_frame(studio: Studio) -> None:
    base = studio.save(Image.new("RGB", (60, 40), (0, 0, 0)))
    made = studio.picture(base, [("layer", {"ref": "film", "x": 10, "y": 5})], others={"film": studio.film("GIF")})
    assert made.size == (60, 40)
    assert made.getpixel((48, 33)) == (230, 20, 20)


def test_a_film_of_hundreds_of_frames(studio: Studio) -> None:
    source = studio.film("GIF", (24, 16), 300)
    steps = [("rotate", {"degrees": 90}), ("crop", {"width": 12}), ("layer", {"ref": "logo"})]
    logo = studio.save(Image.new("RGB", (4, 4), (255, 255, 255)))
    _, path = studio.make(source, steps, "image/gif", others={"logo": logo})
    before, after = frames(source), frames(path)
    assert len(after[0]) == 300
    assert after[1:] == before[1:]
    assert len({picture.shape for picture in after[0]}) == 1


def test_a_chain_of_a_film_holds_one_frame_at_a_time(studio: Studio) -> None:
    """Pipelines that all wait for the saver once held fifty bytes for each pixel of the film."""
    source = studio.film("GIF", (200, 150), 60)
    steps = [["rotate", {"degrees": 30}], ["resize", {"width": 20}]]
    code = (
        "import json, resource, sys\n"
        "from sixpx.core.render import Render, Saving, Sheet\n"
        "from sixpx.worker import render, set_up\n"
        "set_up()\n"
        "source, path, steps = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "report = render(Render('r', source, None, (Sheet('a', path, tuple(steps), Saving('image/webp')),)))\n"
        "assert not report.flaws, report.flaws\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", code, str(source), str(studio.path()), json.dumps(steps)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **LANE_ENVIRONMENT}, cwd=ROOT
    )
    film_kb = 200 * 150 * 60 * 4 // 1000
    assert int(done.stdout) < 4 * film_kb
