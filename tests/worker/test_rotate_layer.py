"""Owns the laws of rotate and layer on pixels: turns that undo each other, layers that are inserts. Never films."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sixpx.methods.layer import BLENDS

from .conftest import Studio


def array(image: Image.Image) -> Any:
    return np.asarray(image).astype(int)


def soft(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Slow waves of colour, which survive being resampled."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    bands = [127 + 100 * np.sin(x / a + y / b) for a, b in ((17, 40), (31, 19), (50, 23))]
    if mode == "RGBA":
        bands.append(190 + 60 * np.cos((x + y) / 30))
    return Image.fromarray(np.stack(bands, -1).round().astype(np.uint8), mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_four_quarters_are_no_turn_at_all(studio: Studio, mode: str) -> None:
    source = studio.noise(31, 18, mode)
    made = studio.picture(studio.save(source), [("rotate", {"degrees": 90})] * 4)
    assert (array(made) == array(source)).all()


@settings(max_examples=25)
@given(degrees=st.floats(-720, 720, allow_nan=False), mode=st.sampled_from(["RGB", "RGBA"]))
def test_a_turn_back_undoes_a_turn(studio: Studio, degrees: float, mode: str) -> None:
    source = soft(120, 90, mode)
    there_and_back = [("rotate", {"degrees": degrees}), ("rotate", {"degrees": -degrees})]
    centre = ("crop", {"width": 80, "height": 50, "gravity": "center"})
    made = array(studio.picture(studio.save(source), [*there_and_back, centre]).convert(mode))
    wanted = array(source)[20:70, 20:100]
    # the canvas grows to whole pixels, so that the middle may lie half a pixel aside
    assert abs(made - wanted).mean() < 3.5
    assert abs(made - wanted).max() < 16


@pytest.mark.parametrize("degrees", [1e300, -1e300, 90 * 2**60, 1e-300, -1e-300, 359.9999999999, 89.99999999])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_huge_and_tiny_angles_are_turns_like_others(studio: Studio, degrees: float, mode: str) -> None:
    source = Image.new(mode, (40, 25), (10, 200, 90) + (255,) * (mode == "RGBA"))
    made = studio.picture(studio.save(source), [("rotate", {"degrees": degrees})]).convert("RGBA")
    middle = made.getpixel((made.width // 2, made.height // 2))
    assert middle == (10, 200, 90, 255)
    assert 25 <= min(made.size) <= max(made.size) <= 48


@pytest.mark.parametrize("degrees", [0.001, 0.1, 0.5, 89.9, 179.99])
def test_a_small_turn_leaves_no_seam(studio: Studio, degrees: float) -> None:
    source = studio.save(Image.new("RGB", (300, 200), (200, 60, 20)))
    made = array(studio.picture(source, [("rotate", {"degrees": degrees, "background": "#c83c14"})]))
    assert abs(made - [200, 60, 20]).max() <= 1
    inner = array(studio.picture(source, [("rotate", {"degrees": degrees})]))[5:-5, 5:-5]
    assert (inner[..., :3][inner[..., 3] == 255] == [200, 60, 20]).all()
    assert (inner[..., 3] == 255).all()


def test_all_four_corners_are_kept(studio: Studio) -> None:
    source = Image.new("RGB", (90, 60), (0, 0, 0))
    corners = [(0, 0), (80, 0), (80, 50), (0, 50)]
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
    for place, colour in zip(corners, colours, strict=True):
        source.paste(colour, (*place, place[0] + 10, place[1] + 10))
    for degrees in (33, 123, 213, 303):
        made = array(studio.picture(studio.save(source), [("rotate", {"degrees": degrees})]))
        for colour in colours:
            near = (abs(made[..., :3] - colour).max(axis=2) < 60) & (made[..., 3] > 128)
            assert near.sum() == pytest.approx(100, abs=25)


@settings(max_examples=30)
@given(
    x=st.integers(-40, 60), y=st.integers(-40, 60), side=st.tuples(st.integers(2, 50), st.integers(2, 50)),
    mode=st.sampled_from(["RGB", "RGBA"]), blank=st.booleans(),
)  # fmt: skip
def test_an_opaque_layer_is_an_insert(
    studio: Studio, x: int, y: int, side: tuple[int, int], mode: str, blank: bool
) -> None:
    base, logo = studio.noise(48, 36, mode), studio.noise(*side, "RGB")
    step = {"ref": "logo", "x": x, "y": y, "opacity": 0 if blank else 1}
    made = studio.picture(studio.save(base), [("layer", step)], others={"logo": studio.save(logo)})
    wanted = base.copy()
    if not blank:
        wanted.paste(logo, (x, y))
    assert made.mode == mode
    assert (array(made)[array(wanted)[..., -1] > 0] == array(wanted)[array(wanted)[..., -1] > 0]).all()


@pytest.mark.parametrize("gravity", ["northwest", "southeast", "center", "east"])
def test_a_layer_of_its_own_size_stands_at_its_gravity(studio: Studio, gravity: str) -> None:
    base = studio.save(Image.new("RGB", (60, 40), (0, 0, 0)))
    logo = studio.save(Image.new("RGB", (200, 100), (255, 255, 255)))
    step = {"ref": "logo", "width": 20, "gravity": gravity}
    made = array(studio.picture(base, [("layer", step)], others={"logo": logo}))[..., 0]
    left, top = {"northwest": (0, 0), "southeast": (40, 30), "center": (20, 15), "east": (40, 15)}[gravity]
    wanted = np.zeros((40, 60))
    wanted[top : top + 10, left : left + 20] = 255
    assert (made == wanted).all()


@pytest.mark.parametrize("blend", sorted(BLENDS))
def test_a_blend_at_no_opacity_and_a_clear_layer_change_nothing(studio: Studio, blend: str) -> None:
    base = studio.noise(30, 20)
    clear = studio.save(Image.new("RGBA", (30, 20), (255, 255, 255, 0)))
    full = studio.save(studio.noise(30, 20, "RGBA"))
    for logo, opacity in ((clear, 1), (full, 0)):
        step = {"ref": "logo", "blend": blend, "opacity": opacity}
        made = studio.picture(studio.save(base), [("layer", step)], others={"logo": logo})
        assert abs(array(made) - array(base)).max() <= 1


@pytest.mark.parametrize("background", ["transparent", "#102030", "10203080"])
def test_an_alpha_band_that_is_opaque_changes_nothing(studio: Studio, background: str) -> None:
    picture = soft(60, 40)
    step = ("rotate", {"degrees": 25, "background": background})
    plain = studio.picture(studio.save(picture), [step])
    opaque = picture.copy()
    opaque.putalpha(255)
    banded = studio.picture(studio.save(opaque), [step])
    assert banded.mode == "RGBA"
    assert (array(banded) == array(plain.convert("RGBA"))).all()


def test_a_film_with_opaque_and_clear_frames_is_turned(studio: Studio) -> None:
    frames = [Image.new("RGBA", (40, 30), (200, 30, 30, 255)) for _ in range(3)]
    frames[1].paste((0, 0, 0, 0), (10, 10, 20, 20))
    more = {"save_all": True, "append_images": frames[1:], "duration": 50, "lossless": True}
    source = studio.save(frames[0], "WEBP", **more)
    for background in ("transparent", "#fff"):
        made, path = studio.make(source, [("rotate", {"degrees": 25, "background": background})], "image/webp")
        with Image.open(path) as film:
            assert film.n_frames == 3
            assert film.size == (made.width, made.height)
            film.seek(1)
            assert film.convert("RGBA").getpixel((film.width // 2 - 4, film.height // 2))[3] == 0
