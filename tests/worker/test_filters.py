"""Owns what filters do to pixels: that they are CamanJS 4's formulas, and what they must leave alone. Never a golden:
those have a file of their own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sixpx.core import filters
from sixpx.core.filters import Effect, Stage
from sixpx.core.render import LANE_ENVIRONMENT
from sixpx.methods.filter import parse
from sixpx.worker import colour, kernels
from sixpx.worker.colour import RUN
from sixpx.worker.filters import over

from .conftest import PHOTO, Steps, Studio
from .formulas import EFFECTS, NEARLY, Array, formed


def pictures() -> dict[str, Array]:
    chance = np.random.default_rng(5)
    with Image.open(PHOTO) as photo:
        small = np.asarray(photo.convert("RGB").resize((200, 150)))
    return {
        "noise": chance.integers(0, 256, (90, 211, 3), np.uint8),
        "extremes": chance.choice(np.array([0, 1, 127, 128, 254, 255], np.uint8), (64, 64, 3)),
        "photo": small,
        "colours": colours(1 << 14),
        "white": np.full((30, 40, 3), 255, np.uint8),
        "grey": np.repeat(chance.integers(0, 256, (40, 30, 1), np.uint8), 3, 2),
        "row": chance.integers(0, 256, (1, 300, 3), np.uint8),
        "column": chance.integers(0, 256, (300, 1, 3), np.uint8),
        **{f"{wide} x 1": chance.integers(0, 256, (1, wide, 3), np.uint8) for wide in range(1, 6)},
        **{f"1 x {high}": chance.integers(0, 256, (high, 1, 3), np.uint8) for high in range(2, 6)},
    }


def colours(count: int) -> Array:
    """So many different colours of the 2^24, in a mixed order that is the same each time."""
    numbers = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B1) % np.uint64(1 << 24)
    return np.stack([numbers >> np.uint64(shift) & np.uint64(255) for shift in (16, 8, 0)], -1).astype(np.uint8)[None]


PICTURES = pictures()
EACH = [(name, strength) for name, (_, strengths) in EFFECTS.items() for strength in strengths]


@pytest.mark.parametrize(("name", "strength"), EACH)
def test_an_effect_is_its_formula(name: str, strength: float) -> None:
    for kind, picture in PICTURES.items():
        made = over(picture.copy(), (Effect(name, strength),), (0,))
        apart = abs(made.astype(int) - formed(picture, (Effect(name, strength),)))
        assert apart.max() <= (1 if name in NEARLY else 0), kind
        assert apart.mean() <= 0.01 or picture.size < 5000, (kind, apart.mean())


@pytest.mark.long
@pytest.mark.parametrize(("name", "strength"), [(name, one) for name, one in EACH if name in colour.POINTS])
def test_an_effect_is_its_formula_for_every_colour(name: str, strength: float) -> None:
    every = colours(1 << 24).reshape(16, 1 << 10, 1 << 10, 3)
    for part in every:
        assert (over(part.copy(), (Effect(name, strength),), (0,)) == formed(part, (Effect(name, strength),))).all()


@pytest.mark.parametrize(
    "options",
    [
        {"saturation": 100, "hue": 100, "sharpen": 1000},
        {"hue": 100, "gamma": 1.448, "sharpen": 60},
        {"hue": 100, "saturation": 0, "gamma": 30},
        {"sharpen": 40, "gamma": 30, "vibrance": 100, "sharpness": 1000},
        {"sepia": 70, "color": 30, "contrast": 100, "hue": 20, "exposure": -80},
    ],
)
def test_strong_filters_find_no_difference_to_enlarge(options: dict[str, Any]) -> None:
    picture, stages = PICTURES["photo"], filters.fused(parse(options).stages)
    assert (over(picture.copy(), stages, (0,)) == formed(picture, stages)).all()


pointed = st.sampled_from([name for name in EFFECTS if name not in NEARLY])
strengths = st.floats(0.01, 100, allow_subnormal=False)


@given(
    stages=st.lists(st.builds(Effect, pointed, strengths) | st.builds(filters.gamma, strengths), max_size=4),
    seed=st.integers(0, 99),
)
@settings(max_examples=60)
def test_filters_in_a_row_are_their_formulas_in_a_row(stages: list[Stage], seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (25, 40, 3), np.uint8)
    assert (over(picture.copy(), stages, (seed,)) == formed(picture, stages)).all()


def test_every_effect_has_a_formula_here() -> None:
    assert set(EFFECTS) == {*colour.POINTS, *kernels.AREAS}


def test_tables_give_each_channel_its_own() -> None:
    table = filters.channels(30, -20, 10).then(filters.gamma(0.7))
    picture = PICTURES["noise"]
    made = over(picture.copy(), (table,), (0,))
    for band, levels in enumerate((table.red, table.green, table.blue)):
        assert made[..., band].tobytes() == picture[..., band].tobytes().translate(levels)


def test_a_picture_longer_than_a_run_is_filtered_to_its_end() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (3, RUN + 77, 3), np.uint8)
    stages = (Effect("sepia", 70), filters.contrast(20), Effect("hue", 30), Effect("noise", 10))
    whole = over(picture.copy(), stages[:3], (0,))
    for row in range(3):
        assert (over(picture[row : row + 1].copy(), stages[:3], (0,)) == whole[row]).all()
    assert (over(picture.copy(), stages, (0,)) != whole).any(2).mean() > 0.9


every = st.sampled_from(
    [
        filters.contrast(40),
        filters.channels(10, -20, 30),
        *(Effect(name, strengths[-2]) for name, (_, strengths) in EFFECTS.items()),
        Effect("noise", 40),
    ]
)


@given(stages=st.lists(every, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_alpha_stays_and_colours_become_what_they_become_without_it(stages: list[Stage], seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (33, 50, 4), np.uint8)
    made = over(picture.copy(), stages, (seed,))
    assert (made[..., 3] == picture[..., 3]).all()
    assert (made[..., :3] == over(picture[..., :3].copy(), stages, (seed,))).all()


def test_noise_is_the_same_number_on_all_channels_and_as_caman_draws_it() -> None:
    grey = np.full((400, 500, 3), 128, np.uint8)
    made = over(grey.copy(), (Effect("noise", 20),), (1, 2)).astype(int)
    assert (made == made[..., :1]).all()
    added = made[..., 0] - 128
    values, counts = np.unique(added, return_counts=True)
    assert list(values) == list(range(-51, 52))
    assert abs(added.mean()) < 0.3
    assert abs(added.std() - 102 / math.sqrt(12)) < 0.2
    inner = counts[1:-1]
    assert abs(inner - 200_000 / 102).max() < 6 * math.sqrt(200_000 / 102)
    assert abs(counts[[0, -1]] - 200_000 / 204).max() < 6 * math.sqrt(200_000 / 204)  # half as likely: rounded


def test_noise_is_the_same_for_the_same_seed_alone() -> None:
    def noise(*seed: int) -> bytes:
        return over(np.full((20, 30, 3), 128, np.uint8), (Effect("noise", 20),), seed).tobytes()

    assert noise(1, 1) == noise(1, 1)
    assert len({noise(1, 1), noise(1, 2), noise(2, 1), noise(2, 2)}) == 4


# --- renders --------------------------------------------------------------------------------------

MUCH: Steps = [("filter", {"sepia": 60, "contrast": 20, "noise": 10, "blur": 2, "hue": 10, "sharpen": 50})]


def array(image: Image.Image) -> Array:
    return np.asarray(image, int)


def test_a_render_filters_in_the_order_of_the_keys(studio: Studio) -> None:
    source = studio.save(studio.noise(60, 40))
    options: dict[str, Any] = {"sepia": 70, "contrast": 30, "sharpen": 20}
    made = studio.picture(source, [("filter", options)])
    with Image.open(source) as image:
        stages = (Effect("sepia", 70), filters.contrast(30), Effect("sharpen", 20))
        assert (array(made) == over(np.array(image), stages, (1, 1))).all()
    assert (array(made) != array(studio.picture(source, [("filter", dict(reversed(options.items())))]))).any()


def test_the_examples_of_the_schema_render(studio: Studio) -> None:
    source = studio.save(studio.noise(50, 40, "RGBA"))
    law = json.loads((Path(__file__).parents[2] / "schemas" / "methods" / "filter.json").read_text("utf-8"))
    for options in law["examples"]:
        made = studio.picture(source, [("filter", options)])
        assert (made.mode, made.size) == ("RGBA", (50, 40))
        with Image.open(source) as before:
            same = array(made) == array(before)
        assert same[..., 3].all()
        assert same[..., :3].all() == (not options)


def test_a_rerun_gives_the_same_bytes(studio: Studio) -> None:
    first, second = (studio.make(PHOTO, [("resize", {"width": 90}), *MUCH])[1].read_bytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", ["grey", "grey+alpha", "palette", "16 bit", "16 bit grey", "CMYK"])
def test_what_is_not_8_bit_srgb_is_brought_to_it_first(studio: Studio, kind: str) -> None:
    format, picture = {
        "grey": ("PNG", studio.noise(40, 30, "L")),
        "grey+alpha": ("PNG", studio.noise(40, 30, "LA")),
        "palette": ("GIF", studio.noise(40, 30).quantize(64)),
        "16 bit grey": ("PNG", Image.fromarray(np.random.default_rng(2).integers(0, 65536, (30, 40), np.uint16))),
        "CMYK": ("JPEG", studio.noise(40, 30, "CMYK")),
        "16 bit": ("PNG", None),
    }[kind]
    source = _deep_png(studio) if picture is None else studio.save(picture, format)
    plain = studio.picture(source)
    made = studio.picture(source, [("filter", {"sepia": 100, "channels": {"red": 30}})])
    wanted = over(np.array(plain.convert("RGBA")), (Effect("sepia", 100), filters.channels(30, 0, 0)), (1, 1))
    assert (array(made.convert("RGBA")) == wanted).all()
    assert len({tuple(pixel[:3]) for pixel in wanted.reshape(-1, 4)}) > 10


def _deep_png(studio: Studio) -> Path:
    """Pillow writes no RGB of 16 bit."""
    import pyvips

    values = np.random.default_rng(3).integers(0, 65536, (30, 40, 3), np.uint16)
    path = studio.path().with_suffix(".png")
    pyvips.Image.new_from_array(values).copy(interpretation="rgb16").pngsave(str(path))
    return path


def test_metadata_and_copyright_outlive_filters(studio: Studio) -> None:
    exif = Image.Exif()
    exif[0x8298], exif[0x010F] = "Ada", "Camera"
    source = studio.save(studio.noise(40, 30), "JPEG", exif=exif, dpi=(240, 240))
    kept = studio.picture(source, MUCH, "image/jpeg", keep_metadata=True)
    assert (kept.getexif()[0x8298], kept.getexif()[0x010F]) == ("Ada", "Camera")
    stripped = studio.picture(source, MUCH, "image/jpeg")
    assert stripped.getexif()[0x8298] == "Ada"
    assert 0x010F not in stripped.getexif()


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_each_frame_is_filtered_with_noise_of_its_own_and_the_animation_stays(studio: Studio, format: str) -> None:
    source = studio.film(format)
    type = f"image/{format.lower()}"
    with Image.open(studio.make(source, [("filter", {"invert": True})], type)[1]) as made, Image.open(source) as before:
        assert made.n_frames == before.n_frames == 4
        assert made.info["loop"] == before.info["loop"] == 3
        for number in range(4):
            made.seek(number)
            before.seek(number)
            assert abs(array(made.convert("RGB"))[20, 30] - (255 - array(before.convert("RGB"))[20, 30])).max() < 12
            assert made.info["duration"] == before.info["duration"] == 50 + 10 * number
    two = [Image.new("RGB", (40, 30), (level, level, level)) for level in (100, 150)]
    still = studio.save(two[0], format, save_all=True, duration=50, append_images=two[1:])
    with Image.open(studio.make(still, [("filter", {"noise": 20})], "image/webp")[1]) as made:
        assert made.n_frames == 2
        frames = [array(made.convert("L"))]
        made.seek(1)
        frames.append(array(made.convert("L")))
    assert [round(frame.mean() / 10) for frame in frames] == [10, 15]
    assert abs(np.corrcoef(*(frame.ravel() for frame in frames))[0, 1]) < 0.2


LANE = """
import sys
from sixpx.worker import render, set_up
pages = int(open("/proc/self/statm").read().split()[0])
set_up(memory=pages * 4096 + (int(sys.argv[3]) << 20))
from sixpx.core.render import Limits, Render, Saving, Sheet
steps = (("filter", {"sepia": 60, "noise": 10, "blur": 30, "hue": 10, "sharpen": 50}),)
report = render(Render("r", sys.argv[1], None, (Sheet("one", sys.argv[2], steps, Saving("image/jpeg")),), {}, Limits()))
print(*(flaw.code for flaw in report.flaws.values()))
"""


def lane(studio: Studio, source: Path, megabytes: int) -> str:
    """The codes of what went wrong in a lane that has this much memory to work with."""
    environment = {**os.environ, **LANE_ENVIRONMENT}
    command = [sys.executable, "-c", LANE, str(source), str(studio.path()), str(megabytes)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("megabytes", [100, 170])
def test_filters_without_the_memory_that_they_need_say_so(studio: Studio, megabytes: int) -> None:
    source = studio.save(Image.new("RGBA", (4_000, 4_000), (90, 120, 150, 200)), compress_level=1)
    assert lane(studio, source, megabytes) == "out_of_memory"


@pytest.mark.long
def test_a_picture_at_the_limit_of_pixels_is_filtered_in_half_the_memory_of_a_lane(studio: Studio) -> None:
    source = studio.save(Image.new("RGBA", (10_000, 7_500), (90, 120, 150, 200)))
    assert lane(studio, source, 1600) == ""
