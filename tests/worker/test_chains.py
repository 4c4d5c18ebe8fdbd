"""The law of plans: what was planned is what another library finds in the file. Random chains of every method."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sixpx.core.geometry import FITS, GRAVITIES, Size
from sixpx.core.render import Saving, Sheet
from sixpx.errors import BadStep
from sixpx.methods import METHODS
from sixpx.methods.base import Canvas
from sixpx.methods.layer import BLENDS

from .conftest import Studio

LOGO = Size(24, 15)
sides = st.integers(1, 90)
offsets = st.integers(-40, 60)
colours = st.sampled_from(["#f00", "transparent", "00ff0080", "#123456"])
gravities = st.sampled_from([*GRAVITIES, "attention", "entropy"])


def options(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


resizes = st.one_of(
    options({"width": sides}, {"enlarge": st.booleans()}),
    options({"height": sides}, {}),
    options(
        {"width": sides, "height": sides, "fit": st.sampled_from(FITS)},
        {"enlarge": st.booleans(), "gravity": gravities, "background": colours},
    ),
)
crops = options({}, {"x": offsets, "y": offsets, "width": sides, "height": sides, "gravity": gravities})
degrees = st.sampled_from([0, 90, -90, 180, 450]) | st.floats(-400, 400, allow_nan=False)
rotations = options({"degrees": degrees}, {"background": colours})
layers = options(
    {"ref": st.just("logo")},
    {
        "x": offsets,
        "y": offsets,
        "width": sides,
        "height": sides,
        "opacity": st.floats(0, 1),
        "gravity": st.sampled_from(list(GRAVITIES)),
        "blend": st.sampled_from(sorted(BLENDS)),
    },
)
steps = st.one_of(
    st.tuples(st.just("resize"), resizes),
    st.tuples(st.just("crop"), crops),
    st.tuples(st.just("rotate"), rotations),
    st.tuples(st.just("layer"), layers),
)
chains = st.lists(steps, max_size=4).map(tuple)
types = st.sampled_from(["image/png", "image/jpeg", "image/gif", "image/webp"])


@pytest.fixture(scope="session")
def sources(studio: Studio) -> list[Any]:
    return [
        studio.save(studio.noise(61, 43), "JPEG"),
        studio.save(studio.noise(40, 70, "RGBA")),
        studio.save(studio.noise(33, 20, "L")),
        studio.save(studio.noise(50, 50, "RGB"), "WEBP"),
        studio.film("GIF", (31, 22), 3),
    ]


@pytest.fixture(scope="session")
def logo(studio: Studio) -> Any:
    return studio.save(studio.noise(LOGO.width, LOGO.height, "RGBA"))


def fold(size: Size, chain: Any, type: str) -> Canvas | None:
    """The canvas after the chain; None where a step does not apply."""
    canvas = Canvas(size, keeps_alpha=type != "image/jpeg", others={"logo": LOGO})
    try:
        for name, raw in chain:
            canvas = METHODS[name].plan(METHODS[name].parse(raw), canvas).canvas
    except BadStep:
        return None
    return canvas


@given(source=st.integers(0, 4), sheets=st.lists(st.tuples(chains, types), min_size=1, max_size=3))
def test_every_file_is_as_large_as_planned(
    studio: Studio, sources: list[Any], logo: Any, source: int, sheets: list[Any]
) -> None:
    with Image.open(sources[source]) as original:
        size, frames = Size(*original.size), getattr(original, "n_frames", 1)
    orders = [Sheet(str(n), str(studio.path()), chain, Saving(type)) for n, (chain, type) in enumerate(sheets)]
    report = studio.render(sources[source], *orders, others={"logo": logo})
    for order in orders:
        canvas = fold(size, order.steps, order.saving.type or "")
        if canvas is None:
            assert report.flaws[order.key].code == "bad_step"
            continue
        assert order.key in report.made, report.flaws
        made = report.made[order.key]
        with Image.open(order.path) as image:
            assert Size(*image.size) == canvas.size == Size(made.width, made.height)
            assert image.get_format_mimetype() == order.saving.type == made.type
            if order.saving.type == "image/webp":
                assert getattr(image, "n_frames", 1) == frames
