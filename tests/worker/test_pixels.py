"""What the methods do to pixels, against numpy and Pillow on files without loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from sixpx.methods.layer import BLENDS

from .conftest import Studio


def array(image: Image.Image) -> Any:
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("quarters", [1, 2, 3, -1, 4, 6])
def test_quarter_turns_are_clockwise_and_exact(studio: Studio, mode: str, quarters: int) -> None:
    source = studio.noise(37, 23, mode)
    turned = studio.picture(studio.save(source), [("rotate", {"degrees": 90 * quarters})])
    assert (array(turned) == np.rot90(array(source), -quarters)).all()


def test_a_crop_is_exact(studio: Studio) -> None:
    source = studio.noise(64, 48)
    cut = studio.picture(studio.save(source), [("crop", {"x": 10, "y": 20, "width": 30, "height": 99})])
    assert (array(cut) == array(source)[20:48, 10:40]).all()


@pytest.mark.parametrize("interest", ["attention", "entropy"])
def test_interest_finds_the_one_thing_there_is(studio: Studio, interest: str) -> None:
    source = Image.new("RGB", (400, 100), (90, 90, 90))
    source.paste(studio.noise(60, 60), (300, 20))
    for step in (
        ("crop", {"width": 100, "height": 100, "gravity": interest}),
        ("resize", {"width": 100, "height": 100, "fit": "cover", "gravity": interest}),
    ):
        cut = array(studio.picture(studio.save(source), [step]))
        assert (abs(cut - 90).sum(axis=2) > 0).mean() > 0.2


def test_a_resize_of_one_colour_is_that_colour(studio: Studio) -> None:
    source = studio.save(Image.new("RGBA", (90, 60), (200, 100, 50, 128)))
    made = array(studio.picture(source, [("resize", {"width": 31, "height": 47})]))
    assert (abs(made - [200, 100, 50, 128]) <= 1).all()


def test_contain_places_the_picture_on_its_background(studio: Studio) -> None:
    source = studio.save(Image.new("RGB", (40, 20), (10, 200, 30)))
    step = {"width": 40, "height": 40, "fit": "contain", "gravity": "north"}
    clear = array(studio.picture(source, [("resize", step)]))
    assert (clear[:20] == [10, 200, 30, 255]).all()
    assert (clear[20:, :, 3] == 0).all()
    red = array(studio.picture(source, [("resize", {**step, "background": "#f00"})]))
    assert (red[20:] == [255, 0, 0]).all()
    white = array(studio.picture(source, [("resize", step)], "image/jpeg", quality=100))
    assert (white[30:] >= 252).all()


@pytest.mark.parametrize("degrees", [10, 45, -33.3, 179])
def test_a_turned_picture_has_smooth_edges_and_no_fringe(studio: Studio, degrees: float) -> None:
    source = studio.save(Image.new("RGB", (80, 50), (250, 240, 230)))
    turned = array(studio.picture(source, [("rotate", {"degrees": degrees})]))
    alpha = turned[..., 3]
    assert alpha[0, 0] == 0 or alpha[0, -1] == 0
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255
    assert ((alpha > 0) & (alpha < 255)).any()
    assert abs(alpha.sum() / 255 - 80 * 50) < 80 * 50 * 0.01
    seen = abs(turned[..., :3] - [250, 240, 230]) * alpha[..., None] / 255
    assert seen.max() <= 1


def test_the_hidden_colour_of_transparent_pixels_never_shows(studio: Studio) -> None:
    source = Image.new("RGBA", (60, 60), (255, 0, 0, 0))
    source.paste((0, 0, 255, 255), (20, 20, 40, 40))
    for step in (("rotate", {"degrees": 30}), ("resize", {"width": 33})):
        made = array(studio.picture(studio.save(source), [step]))
        assert (made[made[..., 3] > 8][:, 0] <= 8).all()


def test_a_turn_is_centred(studio: Studio) -> None:
    source = Image.new("L", (41, 41), 0)
    source.paste(255, (16, 16, 25, 25))
    turned = array(studio.picture(studio.save(source), [("rotate", {"degrees": 45, "background": "#000"})]))[..., 0]
    rows, columns = np.indices(turned.shape)
    middle = (turned.shape[0] - 1) / 2
    assert abs((rows * turned).sum() / turned.sum() - middle) < 0.05
    assert abs((columns * turned).sum() / turned.sum() - middle) < 0.05


def test_the_background_of_a_turn(studio: Studio) -> None:
    source = studio.save(Image.new("RGB", (80, 50), (0, 0, 255)))
    corner = [
        array(studio.picture(source, [("rotate", {"degrees": 20, **options})], type))[0, 0].tolist()
        for options, type in (
            ({}, "image/png"),
            ({"background": "#0f0"}, "image/png"),
            ({"color": "00ff0080"}, "image/png"),
        )
    ]
    assert corner == [[0, 0, 0, 0], [0, 255, 0], [0, 255, 0, 128]]
    jpeg = array(studio.picture(source, [("rotate", {"degrees": 20})], "image/jpeg"))
    assert (jpeg[0, 0] >= 245).all()


def test_a_layer_lies_where_it_was_put_and_nowhere_else(studio: Studio) -> None:
    base, logo = studio.noise(60, 40), studio.noise(20, 10)
    others = {"logo": studio.save(logo)}
    source = studio.save(base)
    for x, y in ((5, 7), (-8, -3), (50, 35), (0, 0)):
        made = array(studio.picture(source, [("layer", {"ref": "logo", "x": x, "y": y})], others=others))
        wanted = base.copy()
        wanted.paste(logo, (x, y))
        assert (made == array(wanted)).all()
    aside = studio.picture(source, [("layer", {"ref": "logo", "x": 60})], others=others)
    assert (array(aside) == array(base)).all()


@pytest.mark.parametrize("opacity", [0, 0.25, 0.6, 1])
def test_opacity_mixes(studio: Studio, opacity: float) -> None:
    base, logo = studio.noise(30, 30), studio.noise(30, 30, "RGBA")
    made = studio.picture(
        studio.save(base), [("layer", {"ref": "logo", "opacity": opacity})], others={"logo": studio.save(logo)}
    )
    share = array(logo)[..., 3:] / 255 * opacity
    wanted = array(base) * (1 - share) + array(logo)[..., :3] * share
    assert made.mode == "RGB"
    assert (abs(array(made) - wanted) <= 1.6).all()


def test_a_layer_on_a_transparent_base_keeps_its_alpha(studio: Studio) -> None:
    base = studio.save(Image.new("RGBA", (20, 20), (255, 0, 0, 0)))
    others = {"logo": studio.save(Image.new("RGB", (10, 10), (0, 0, 255)))}
    made = array(studio.picture(base, [("layer", {"ref": "logo", "opacity": 0.5})], others=others))
    assert made[5, 5].tolist() in ([0, 0, 255, 128], [0, 0, 255, 127])
    assert made[15, 15, 3] == 0


def test_blends(studio: Studio) -> None:
    base, logo = studio.noise(30, 30), studio.noise(30, 30).rotate(90)
    a, b = array(base) / 255, array(logo) / 255
    wanted = {
        "multiply": a * b,
        "screen": a + b - a * b,
        "darken": np.minimum(a, b),
        "lighten": np.maximum(a, b),
        "difference": abs(a - b),
        "add": np.minimum(a + b, 1),
        "normal": b,
    }
    source, others = studio.save(base), {"logo": studio.save(logo)}
    for blend in BLENDS:
        made = studio.picture(source, [("layer", {"ref": "logo", "blend": blend})], others=others)
        assert made.mode == "RGB"
        if blend in wanted:
            assert (abs(array(made) - wanted[blend] * 255) <= 1.1).all(), blend


def test_a_layer_on_a_stream_deep_in_a_large_picture(studio: Studio) -> None:
    source = studio.save(studio.noise(900, 1400))
    made = studio.picture(
        source,
        [("layer", {"ref": "logo", "x": 500, "y": 1200}), ("layer", {"ref": "logo", "x": 20, "y": 700})],
        others={"logo": studio.save(Image.new("RGB", (300, 150), (1, 2, 3)))},
    )
    assert (array(made)[1200:1350, 500:800] == [1, 2, 3]).all()
    assert (array(made)[700:850, 20:320] == [1, 2, 3]).all()
