"""Owns the laws of types and file names. Never an encoder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core.media import ENDINGS, KNOWN_ENDINGS, canonical, filename, stem

NAMES = st.text(min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("image.png", "image"),
        ("image.PNG", "image"),
        ("photo.jpeg", "photo"),
        ("a.b.tiff", "a.b"),
        ("v1.2", "v1.2"),
        ("archive.tar.gz", "archive.tar.gz"),
        ("image.png.jpg", "image.png"),
        (".png", ".png"),
        ("png", "png"),
        ("", ""),
    ],
)
def test_a_known_image_ending_is_dropped_once(name: str, expected: str) -> None:
    assert stem(name) == expected


@given(NAMES, st.sampled_from(sorted(KNOWN_ENDINGS)))
def test_any_name_with_a_known_ending_comes_back_without_it(name: str, ending: str) -> None:
    assert stem(f"{name}.{ending}") == name
    assert stem(f"{name}.{ending.upper()}") == name


@given(NAMES, st.sampled_from(sorted(ENDINGS)))
def test_a_final_name_has_the_ending_of_its_type_and_its_stem_is_the_name(name: str, type: str) -> None:
    assert filename(name, type) == f"{name}.{ENDINGS[type]}"
    assert stem(filename(name, type)) == name


def test_every_ending_belongs_to_one_type_and_is_known() -> None:
    assert len(set(ENDINGS.values())) == len(ENDINGS)
    assert set(ENDINGS.values()) <= KNOWN_ENDINGS


@given(st.sampled_from([*ENDINGS, "image/jpg", "text/plain"]))
def test_a_canonical_type_stays_what_it_is(type: str) -> None:
    assert canonical(canonical(type)) == canonical(type)
    assert canonical(type) == ("image/jpeg" if type == "image/jpg" else type)
