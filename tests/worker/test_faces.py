"""Owns the promises of the crop to a face: which face, what is cut out, what where there is none. Never the arithmetic
of the box, which `tests/unit/test_portrait.py` holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from sixpx.core.geometry import Box
from sixpx.core.render import Limits, Made, Render, Saving, Sheet
from sixpx.pool import Lanes, Pool
from sixpx.worker import faces
from tests.worker.album import FACES, NOBODY, PEOPLE, PHOTOS, Sitting, likeness, photo
from tests.worker.conftest import Studio
from tests.worker.red_model import SIDE, other_model, red_model

ALIKE = 0.55
"""A detector frames a face from brow to chin, eyes do from hairline to chin: no better than 0.8 is to be had."""


def cropped(**options: Any) -> tuple[str, dict[str, Any]]:
    return ("crop", {"face": True, **options})


def saved(studio: Studio, sitting: Sitting) -> Path:
    options = {"exif": sitting.exif, "quality": 90} if sitting.exif else {}
    return studio.save(sitting.picture, sitting.format, **options)


def box_of(made: Made) -> Box:
    assert made.looked_for_face
    assert made.face is not None
    assert list(made.face) == ["x", "y", "width", "height"]
    return Box(**made.face)


@pytest.fixture(scope="module")
def collins(studio: Studio) -> Path:
    """Lossless, so that pixels can be compared."""
    return studio.save(photo("collins"))


@pytest.fixture(scope="module")
def raccoon(studio: Studio) -> Path:
    return studio.photo


# --- which face -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PEOPLE)
def test_the_dominant_face_is_found_where_eyes_see_it(studio: Studio, name: str) -> None:
    sitting = PEOPLE[name]
    made, path = studio.make(saved(studio, sitting), [cropped()])
    face = box_of(made)
    assert sitting.face is not None
    assert likeness(face, sitting.face) > ALIKE
    with Image.open(path) as image:
        assert image.size == (made.width, made.height) == (face.width, face.height)


@pytest.mark.parametrize("name", NOBODY)
def test_where_nobody_is_the_result_says_so_and_the_picture_is_unchanged(studio: Studio, name: str) -> None:
    made, path = studio.make(saved(studio, NOBODY[name]), [cropped(padding=50)])
    assert (made.looked_for_face, made.face) == (True, None)
    with Image.open(path) as image:
        assert image.size == NOBODY[name].picture.size


def test_nobody_looked_for_a_face_where_none_was_asked_for(studio: Studio, collins: Path) -> None:
    made, _ = studio.make(collins, [("crop", {"width": 50, "face": False})])
    assert (made.looked_for_face, made.face) == (False, None)


def test_a_face_on_a_large_photograph_is_found_in_its_own_pixels(studio: Studio) -> None:
    source = studio.save(photo("collins").resize((2200, 2200)), "JPEG")
    made, _ = studio.make(source, [cropped(width=100)], "image/jpeg")
    box = box_of(made)
    assert likeness(box, Box(*(5 * value for value in (152, 68, 84, 82)))) > ALIKE
    assert (made.width, made.height) == (100, round(100 * box.height / box.width))


# --- what is cut out ------------------------------------------------------------------------------


def test_padding_is_added_on_each_side(studio: Studio, collins: Path) -> None:
    """Edition 2: {face, padding: 50}."""
    made, path = studio.make(collins, [cropped(padding=50)])
    face = box_of(made)
    around = (face.x - 50, face.y - 50, face.x + face.width + 50, face.y + face.height + 50)
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), np.asarray(photo("collins").crop(around)))


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"height": 100}, (None, 100)),
        ({"height": 100, "width": 100, "padding": 20}, (100, 100)),
        ({"width": 64, "padding": 10}, (64, None)),
        ({"width": 300, "height": 100}, (300, 100)),
        ({"width": 40, "height": 240, "padding": 5}, (40, 240)),
        ({"padding": 100_000}, (440, 440)),
    ],
)
def test_the_result_has_the_size_that_was_asked_for(
    studio: Studio, collins: Path, options: dict[str, Any], size: tuple[int | None, int | None]
) -> None:
    made, path = studio.make(collins, [cropped(**options)])
    face = box_of(made)
    assert size[0] in (None, made.width)
    assert size[1] in (None, made.height)
    if None in size:  # the aspect of the padded box
        padded = [side + 2 * options.get("padding", 0) for side in (face.width, face.height)]
        assert abs(made.width * padded[1] - made.height * padded[0]) <= max(padded)
    with Image.open(path) as image:
        assert image.size == (made.width, made.height)


def test_the_face_fills_a_portrait_as_the_box_says(studio: Studio, collins: Path) -> None:
    """Square in, square out: the result is the padded box of the original, scaled."""
    made, path = studio.make(collins, [cropped(width=100, height=100, padding=20)])
    face = box_of(made)
    side = max(face.width, face.height) + 40
    x, y = (2 * face.x + face.width - side) // 2, (2 * face.y + face.height - side) // 2
    expected = photo("collins").crop((x, y, x + side, y + side)).resize((100, 100), Image.Resampling.LANCZOS)
    with Image.open(path) as image:
        assert np.abs(np.asarray(image, int) - np.asarray(expected, int)).mean() < 3


# --- where there is no face -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"height": 96}, (128, 96)),
        ({"width": 512, "padding": 30}, (512, 384)),
        ({"width": 100, "height": 100}, (100, 100)),
        ({"width": 1500, "height": 200, "padding": 10}, (1500, 200)),
    ],
)
def test_without_a_face_the_result_has_the_size_all_the_same(
    studio: Studio, raccoon: Path, options: dict[str, Any], size: tuple[int, int]
) -> None:
    made, _ = studio.make(raccoon, [cropped(**options)])
    assert (made.width, made.height, made.face, made.looked_for_face) == (*size, None, True)


def test_without_a_face_attention_decides_what_is_kept(studio: Studio) -> None:
    picture = Image.new("RGB", (600, 150), (60, 60, 60))
    picture.paste(studio.noise(80, 80), (480, 30))
    made, path = studio.make(studio.save(picture), [cropped(width=50, height=50)])
    assert made.face is None
    with Image.open(path) as image:
        assert np.asarray(image, float).std() > 20


def test_without_a_face_one_side_is_a_plain_resize(studio: Studio, raccoon: Path) -> None:
    face = studio.picture(raccoon, [cropped(height=96)])
    resized = studio.picture(raccoon, [("resize", {"height": 96})])
    assert np.abs(np.asarray(face, int) - np.asarray(resized, int)).mean() < 2


# --- beside other steps ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "size"),
    [
        ([("rotate", {"degrees": 90})], (80, 120)),
        ([("resize", {"width": 60})], (60, 40)),
        ([("crop", {"x": 20, "width": 70, "gravity": "west"})], (70, 80)),
        ([("layer", {"ref": "logo", "gravity": "southeast"})], (120, 80)),
        ([("rotate", {"degrees": 45}), ("resize", {"height": 30}), ("layer", {"ref": "logo"})], (30, 30)),
        ([("resize", {"width": 240}), cropped(height=50)], (None, 50)),
    ],
)
def test_steps_follow_a_face(studio: Studio, collins: Path, after: Any, size: Any) -> None:
    logo = studio.save(Image.new("RGB", (10, 10), (255, 0, 0)))
    made, _ = studio.make(collins, [cropped(width=120, height=80, padding=30), *after], others={"logo": logo})
    assert size[0] in (None, made.width)
    assert made.height == size[1]
    assert made.looked_for_face


def test_a_step_that_does_not_fit_a_face_says_which_one_it_is(studio: Studio, collins: Path) -> None:
    flaw = studio.flaw(collins, [cropped(width=40), ("resize", {"width": 30}), ("crop", {"x": 35})])
    assert (flaw.code, flaw.stage) == ("bad_step", "plan")
    assert flaw.detail.startswith("step 3 (crop): expected a rectangle on the picture of 30x")


def test_a_face_is_given_in_pixels_of_the_picture_that_enters_the_step(studio: Studio, collins: Path) -> None:
    made, _ = studio.make(collins, [("resize", {"width": 220}), ("rotate", {"degrees": 8}), cropped()])
    x, y, width, height = FACES["collins"].x, FACES["collins"].y, FACES["collins"].width, FACES["collins"].height
    across = round(220 * (np.cos(np.radians(8)) + np.sin(np.radians(8))))  # the canvas has grown
    centre = np.array([x + width / 2, y + height / 2]) / 2 - 110
    turn = np.radians(8)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ centre + across / 2
    found = box_of(made)
    assert np.hypot(*(turned - [found.x + found.width / 2, found.y + found.height / 2])) < 8


def test_a_face_lying_on_its_side_is_none_until_it_is_turned(studio: Studio) -> None:
    lying = studio.save(photo("collins").rotate(90))
    assert studio.make(lying, [cropped()])[0].face is None
    assert studio.make(lying, [("rotate", {"degrees": 90}), cropped()])[0].face is not None


def test_one_render_makes_faces_of_several_sizes_beside_other_sheets(studio: Studio, raccoon: Path) -> None:
    report = studio.report(
        PHOTOS / "hopper.jpg",
        ([cropped(width=50)], None),
        ([("resize", {"width": 90})], None),
        ([cropped(padding=9)], None),
    )
    assert not report.flaws
    assert [report.made[key].looked_for_face for key in "012"] == [True, False, True]
    assert report.made["0"].face == report.made["2"].face is not None


# --- animations -----------------------------------------------------------------------------------


def test_the_first_frame_decides_for_all_of_an_animation(studio: Studio) -> None:
    """The others show nothing but noise: looked at for themselves they would not be cut."""
    noise = np.asarray(studio.noise(220, 220))
    rest = [Image.fromarray(np.roll(noise, places, 0)) for places in (0, 70, 140)]
    first = photo("collins").resize((220, 220))
    source = studio.save(first, "GIF", save_all=True, append_images=rest, duration=[50, 60, 70, 80], loop=3)
    made, path = studio.make(source, [cropped(width=60, height=60, padding=5)], "image/gif")
    assert likeness(box_of(made), Box(76, 34, 42, 41)) > ALIKE
    assert (made.width, made.height) == (60, 60)
    with Image.open(path) as film:
        assert film.info["loop"] == 3
        shown = [(frame.size, frame.info["duration"]) for frame in ImageSequence.Iterator(film)]
    assert shown == [((60, 60), 50), ((60, 60), 60), ((60, 60), 70), ((60, 60), 80)]


def test_an_animation_without_a_face_is_cut_alike_on_all_frames(studio: Studio) -> None:
    made, path = studio.make(studio.film("GIF", (120, 60)), [cropped(width=30, height=30)], "image/gif")
    assert (made.width, made.height, made.face, made.looked_for_face) == (30, 30, None, True)
    with Image.open(path) as film:
        assert film.n_frames == 4


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["collins", "raccoon"])
@pytest.mark.parametrize(
    ("steps", "limits", "type", "words"),
    [
        ([cropped(width=16_385)], Limits(), "image/png", "pixels; the limit output_side is 16,384"),
        ([cropped(width=2000, height=2001)], Limits(input_pixels=4_000_000), "image/png", "the limit input_pixels"),
        ([cropped(height=100_000), ("resize", {"width": 9})], Limits(), "image/png", "step 1 (crop): the result has"),
        ([cropped(width=1_000_000_000)], Limits(), "image/png", "step 1 (crop): the result has a side of"),
        ([cropped(width=16_384, height=9)], Limits(), "image/webp", "the limit of image/webp is 16,383"),
    ],
)
def test_a_face_is_not_enlarged_beyond_the_limits(
    studio: Studio, request: pytest.FixtureRequest, source: str, steps: Any, limits: Limits, type: str, words: str
) -> None:
    flaw = studio.flaw(request.getfixturevalue(source), steps, type, limits=limits)
    assert flaw.code == "over_limit"
    assert words in flaw.detail


def test_frames_count_in_the_limit_of_an_animation(studio: Studio) -> None:
    steps = [cropped(width=500, height=500)]
    flaw = studio.flaw(studio.film(), steps, "image/gif", limits=Limits(all_frames_pixels=900_000))
    assert (flaw.code, "1,000,000 pixels over all frames" in flaw.detail) == ("over_limit", True)


# --- a model in place of the cascade --------------------------------------------------------------


@pytest.fixture
def red(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Faces are red squares of 32 pixels."""
    path = studio.path()
    path.write_bytes(red_model())
    monkeypatch.setattr(faces, "model", str(path))
    return path


def squares(*places: tuple[int, int], size: tuple[int, int] = (384, 288)) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    for place in places:
        picture.paste((255, 0, 0), (*place, place[0] + 32, place[1] + 32))
    return picture


def test_a_configured_model_finds_the_faces(studio: Studio, red: Path, collins: Path) -> None:
    face = box_of(studio.make(studio.save(squares((64, 96))), [cropped()])[0])
    about = round(64 - SIDE / 5), round(96 - SIDE / 5)
    assert abs(face.x - about[0]) < 2
    assert abs(face.y - about[1]) < 2
    assert abs(face.width - SIDE) < 2
    assert abs(face.height - SIDE) < 2
    blue = Image.merge("RGB", squares((64, 96)).split()[::-1])
    assert studio.make(studio.save(blue), [cropped()])[0].face is None
    assert studio.make(collins, [cropped()])[0].face is None  # the cascade has no say


def test_a_face_that_a_model_sees_over_the_edge_ends_at_the_edge(studio: Studio, red: Path) -> None:
    face = box_of(studio.make(studio.save(squares((0, 96))), [cropped()])[0])
    assert face.x == 0
    assert face.width < SIDE


def test_of_equal_faces_the_one_nearest_to_the_centre_matters_most(studio: Studio, red: Path) -> None:
    for places in ([(0, 0), (160, 128), (320, 224)], [(320, 224), (192, 128), (0, 0)]):
        face = box_of(studio.make(studio.save(squares(*places)), [cropped()])[0])
        assert 130 < face.x < 200, places


@pytest.mark.parametrize("content", [b"", b"no model at all", red_model()[:20_000], other_model()])
def test_a_model_that_is_none_fails_what_asks_for_faces_and_nothing_else(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, raccoon: Path, content: bytes
) -> None:
    path = studio.path()
    path.write_bytes(content)
    monkeypatch.setattr(faces, "model", str(path))
    report = studio.report(raccoon, ([cropped()], None), ([("resize", {"width": 20})], None))
    assert list(report.made) == ["1"]
    flaw = report.flaws["0"]
    assert (flaw.code, flaw.stage) == ("not_supported", "apply")
    assert flaw.detail.startswith("step 1 (crop): faces cannot be found: expected a YuNet model as faces.model")


async def test_the_model_of_the_settings_reaches_the_lanes(studio: Studio, red: Path, tmp_path: Path) -> None:
    source, out = studio.save(squares((64, 96))), tmp_path / "out"
    pool = Pool(Lanes(count=1, nice=0, face_model=str(red)), tmp_path)
    await pool.start()
    try:
        sheet = Sheet("0", str(out), (cropped(),), Saving("image/png"))
        report = await pool.render(Render("r", str(source), None, (sheet,)))
    finally:
        await pool.close()
    assert abs(box_of(report.made["0"]).width - SIDE) < 2
