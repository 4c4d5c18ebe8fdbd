"""Owns what a portrait is: the box cut out for a face, and its final size, held by properties. Never reads a pixel."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sixpx.core import portrait
from sixpx.core.geometry import Box, Size
from sixpx.core.portrait import Portrait, Wish

PICTURE = Size(1000, 600)
FACE = Box(400, 200, 100, 120)

SIDES = st.integers(1, 3000)
PICTURES = st.builds(Size, SIDES, SIDES)


@st.composite
def faces(draw: st.DrawFn) -> tuple[Box, Size]:
    """A picture and a face on it."""
    picture = draw(PICTURES)
    left, top = draw(st.integers(0, picture.width - 1)), draw(st.integers(0, picture.height - 1))
    face = Box(left, top, draw(st.integers(1, picture.width - left)), draw(st.integers(1, picture.height - top)))
    return face, picture


WISHES = st.builds(Wish, st.integers(0, 100_000), st.none() | SIDES, st.none() | SIDES)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(), Portrait(FACE, FACE.size)),
        (Wish(50), Portrait(Box(350, 150, 200, 220), Size(200, 220))),
        (Wish(height=60), Portrait(FACE, Size(50, 60))),
        (Wish(40, width=90), Portrait(Box(360, 160, 180, 200), Size(90, 100))),
        (Wish(0, 100, 100), Portrait(Box(390, 200, 120, 120), Size(100, 100))),
        (Wish(20, 70, 160), Portrait(Box(380, 100, 140, 320), Size(70, 160))),
        (Wish(20, 400, 100), Portrait(Box(130, 180, 640, 160), Size(400, 100))),
    ],
)
def test_a_face_with_room_around_it(wish: Wish, expected: Portrait) -> None:
    assert portrait.of(FACE, PICTURE, wish) == expected


@pytest.mark.parametrize(
    ("face", "wish", "box"),
    [
        # shifted: the box is whole, and the face no longer in its middle
        (Box(10, 10, 100, 100), Wish(50), Box(0, 0, 200, 200)),
        (Box(890, 490, 100, 100), Wish(50), Box(800, 400, 200, 200)),
        # shrunk at its aspect, about the face as far as the picture reaches
        (Box(450, 250, 100, 100), Wish(400), Box(200, 0, 600, 600)),
        (Box(0, 250, 100, 100), Wish(400), Box(0, 0, 600, 600)),
        (Box(450, 250, 100, 100), Wish(0, 2000, 100), Box(0, 275, 1000, 50)),
    ],
)
def test_a_face_at_an_edge_or_too_large_for_its_padding(face: Box, wish: Wish, box: Box) -> None:
    assert portrait.of(face, PICTURE, wish).box == box


def test_one_side_keeps_the_aspect_of_the_padded_box_though_the_picture_ends() -> None:
    assert portrait.of(FACE, Size(500, 320), Wish(500, height=560)).size == Size(550, 560)


@given(faces(), WISHES)
@example((Box(0, 0, 1, 1), Size(1, 1)), Wish(100_000, 3000, 1))
@example((Box(0, 0, 3000, 1), Size(3000, 1)), Wish(0, 1, 3000))
def test_the_box_lies_on_the_picture_and_is_no_larger_than_it(place: tuple[Box, Size], wish: Wish) -> None:
    face, picture = place
    for made in (portrait.of(face, picture, wish), portrait.without(picture, wish)):
        assert made.box.within(picture) == made.box
        assert made.size.width >= 1
        assert made.size.height >= 1


@given(faces(), WISHES)
def test_given_sides_are_sides_of_the_result(place: tuple[Box, Size], wish: Wish) -> None:
    face, picture = place
    for made in (portrait.of(face, picture, wish), portrait.without(picture, wish)):
        assert wish.width in (None, made.size.width)
        assert wish.height in (None, made.size.height)
        if wish.width is None and wish.height is None:
            assert made.size == made.box.size


@given(faces(), WISHES)
def test_the_box_has_the_aspect_of_the_result_within_a_pixel(place: tuple[Box, Size], wish: Wish) -> None:
    """So that nothing is stretched: the box's exact width for its height, or height for its width, is at hand. Rounding
    of the grown box and of the shrunk one adds up to one pixel at most; a side is never below one."""
    face, picture = place
    if wish.width is not None and wish.height is not None:
        aspect = Fraction(wish.width, wish.height)
    else:
        aspect = Fraction(face.width + 2 * wish.padding, face.height + 2 * wish.padding)
    box = portrait.of(face, picture, wish).box
    off = min(abs(box.width - box.height * aspect), abs(box.height - box.width / aspect))
    assert off <= 1 or 1 in (box.width, box.height)


@given(faces(), WISHES)
def test_the_face_is_whole_wherever_the_box_is_as_long_as_it(place: tuple[Box, Size], wish: Wish) -> None:
    face, picture = place
    box = portrait.of(face, picture, wish).box
    for start, length, from_, over in (
        (face.x, face.width, box.x, box.width),
        (face.y, face.height, box.y, box.height),
    ):
        if over >= length:
            assert from_ <= start
            assert start + length <= from_ + over
        else:  # the picture is too small for the aspect: then the middle of the face
            assert start <= from_
            assert from_ + over <= start + length


@given(faces(), WISHES)
def test_where_the_picture_has_room_the_whole_padding_is_there(place: tuple[Box, Size], wish: Wish) -> None:
    face, picture = place
    box = portrait.of(face, picture, wish).box
    touches = box.width == picture.width or box.height == picture.height
    assert touches or (box.width >= face.width + 2 * wish.padding and box.height >= face.height + 2 * wish.padding)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(), Portrait(Box(0, 0, 1000, 600), PICTURE)),
        (Wish(50), Portrait(Box(0, 0, 1000, 600), PICTURE)),
        (Wish(50, height=300), Portrait(Box(0, 0, 1000, 600), Size(500, 300))),
        (Wish(0, width=2000), Portrait(Box(0, 0, 1000, 600), Size(2000, 1200))),
        (Wish(50, 100, 100), Portrait(Box(200, 0, 600, 600), Size(100, 100))),
        (Wish(0, 1000, 100), Portrait(Box(0, 250, 1000, 100), Size(1000, 100))),
        (Wish(0, 1200, 2400), Portrait(Box(350, 0, 300, 600), Size(1200, 2400))),
    ],
)
def test_without_a_face_as_much_of_the_picture_as_the_wish_allows(wish: Wish, expected: Portrait) -> None:
    assert portrait.without(PICTURE, wish) == expected


@given(PICTURES, SIDES, SIDES)
def test_without_a_face_the_part_that_is_cut_reaches_from_edge_to_edge(picture: Size, width: int, height: int) -> None:
    box = portrait.without(picture, Wish(0, width, height)).box
    assert box.width == picture.width or box.height == picture.height
