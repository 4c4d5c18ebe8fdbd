"""Owns AVIF and HEIC: how they are told apart, what lacks, what is refused. Never their pixels (test_corpus.py)."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from sixpx.core.render import Limits
from sixpx.worker.formats import FORMATS, heif, recognise

from .conftest import Studio
from .samples import film, numbered_p3, photo, pillow
from .samples import heif as heic


def written(studio: Studio, content: bytes) -> Path:
    path = studio.path()
    path.write_bytes(content)
    return path


def head(*brands: bytes) -> bytes:
    return (8 + 4 * len(brands) + 4).to_bytes(4, "big") + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        ((b"avif", b"mif1"), "AVIF"),
        ((b"avis", b"msf1"), "AVIF"),
        ((b"mif1", b"miaf", b"avif"), "AVIF"),
        ((b"mif1", b"heic"), "HEIC"),
        ((b"heic", b"mif1"), "HEIC"),
        ((b"heix",), "HEIC"),
        ((b"msf1", b"hevc"), "HEIC"),
        ((b"mif1",), "HEIC"),
    ],
)
def test_they_are_told_apart_by_their_brands(brands: tuple[bytes, ...], name: str) -> None:
    assert recognise(head(*brands) + bytes(100)).name == name


@pytest.mark.parametrize("brands", [(b"isom", b"mp42"), (b"qt  ",), (b"crx ", b"isom"), (b"M4A ",)])
def test_films_and_sounds_are_no_images(studio: Studio, brands: tuple[bytes, ...]) -> None:
    flaw = studio.flaw(written(studio, head(*brands) + b"avif" + bytes(100)))
    assert (flaw.code, flaw.stage) == ("bad_image", "load")


def test_the_missing_package_is_named(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(studio, heic(quality=50))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(sys, "path", [])
    flaw = studio.flaw(path)
    assert (flaw.code, flaw.stage) == ("not_supported", "load")
    assert "pip install 'sixpx[heic]'" in flaw.detail
    assert studio.picture(written(studio, pillow("AVIF", speed=10))).size == photo().size


@pytest.mark.parametrize("format", ["AVIF", "HEIC"])
def test_the_size_is_checked_before_the_pixels(studio: Studio, format: str) -> None:
    content = pillow("AVIF", speed=10) if format == "AVIF" else heic(quality=50)
    path = written(studio, content[: len(content) - 200])
    flaw = studio.flaw(path, limits=Limits(input_pixels=6143))
    assert flaw.code == "over_limit"
    assert "6,144 pixels" in flaw.detail
    place = content.index(b"ispe") + 8
    huge = content[:place] + (60_000).to_bytes(4, "big") * 2 + content[place + 8 :]
    assert studio.flaw(written(studio, huge)).code in ("over_limit", "bad_image")


@pytest.mark.parametrize("format", ["AVIF", "HEIC"])
@pytest.mark.parametrize("steps", [(), [("resize", {"width": 20})]])
def test_a_file_cut_short_is_a_bad_image(studio: Studio, format: str, steps: object) -> None:
    content = pillow("AVIF", speed=10) if format == "AVIF" else heic(quality=50)
    for end in (40, 100, len(content) // 2, len(content) - 50):
        flaw = studio.flaw(written(studio, content[:end]), steps)  # type: ignore[arg-type]  # parametrized
        assert (flaw.code, flaw.stage) == ("bad_image", "load")
        assert "/" not in flaw.detail


@pytest.mark.parametrize("format", ["AVIF", "HEIC"])
def test_copyright_goes_with_the_picture(studio: Studio, format: str) -> None:
    exif = Image.Exif()
    exif[0x8298] = "Jane"
    content = pillow("AVIF", speed=10, exif=exif) if format == "AVIF" else heic(quality=50, exif=exif.tobytes())
    for keep in (False, True):
        _, path = studio.make(written(studio, content), (), "image/jpeg", keep_metadata=keep)
        with Image.open(path) as made:
            assert made.getexif()[0x8298] == "Jane"


def test_a_sequence_is_its_first_picture(studio: Studio) -> None:
    seen = studio.report(written(studio, film("AVIF", speed=10)), ((), "image/gif")).seen
    assert seen is not None
    assert seen.frames == 1


def test_colours_by_number_become_srgb(studio: Studio) -> None:
    plain = pillow("AVIF", quality=90, speed=10)
    wide = studio.picture(written(studio, numbered_p3(plain)))
    tagged = studio.picture(written(studio, pillow("AVIF", quality=90, speed=10, icc_profile=heif._p3())))
    assert wide.tobytes() == tagged.tobytes() != studio.picture(written(studio, plain)).tobytes()


def test_what_a_film_is_in_has_no_other_name() -> None:
    assert [format.name for format in FORMATS].index("AVIF") < [format.name for format in FORMATS].index("HEIC")
    assert heif.brands(io.BytesIO(b"").read()) == frozenset()
