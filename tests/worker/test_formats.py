"""Owns the proof that the catalogue tells the truth: what it lists is read and written. Never one format's details."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sixpx.core.formats import Formats
from sixpx.core.media import ENDINGS
from sixpx.worker import catalogue
from sixpx.worker.catalogue import SAMPLES
from sixpx.worker.encoders import ENCODERS
from sixpx.worker.formats import FORMATS
from tests.worker.conftest import Studio


@pytest.fixture(scope="module")
def found() -> Formats:
    return catalogue()


def test_every_format_of_the_registries_is_listed_once(found: Formats) -> None:
    assert [one.type for one in found.input] == [format.type for format in FORMATS]
    assert len({one.name for one in found.input}) == len(found.input)
    assert [one.type for one in found.output] == list(ENCODERS)


def test_what_is_missing_is_said_exactly_where_something_is(found: Formats) -> None:
    for one in (*found.input, *found.output):
        assert (one.missing is None) == one.available


def test_it_crosses_from_a_lane_unchanged(found: Formats) -> None:
    assert Formats.from_json(found.to_json()) == found


def test_the_formats_that_every_installation_reads_and_writes_are_there(found: Formats) -> None:
    everywhere = {"image/jpeg", "image/png", "image/gif", "image/webp", "image/vnd.adobe.photoshop"}
    assert everywhere <= {one.type for one in found.input if one.available}
    assert {one.type for one in found.output if one.available} >= everywhere - {"image/vnd.adobe.photoshop"}


def test_every_input_that_is_listed_as_available_is_read(found: Formats, studio: Studio) -> None:
    for one in (one for one in found.input if one.available):
        report = studio.report(sample(one.type, studio), ((), "image/png"))
        assert not report.flaws, (one.type, report.flaws)
        assert report.seen is not None
        assert report.seen.type == one.type


def sample(type: str, studio: Studio) -> Path:
    """A file of this type: one that we write, or the catalogue's own; of HEIC another library's."""
    if type in ENCODERS:
        return studio.make(studio.save(studio.noise(16, 16)), type=type)[1]
    path = studio.path()
    if type == "image/heic":
        from pillow_heif import from_pillow

        from_pillow(studio.noise(64, 64)).save(path)
    else:
        path.write_bytes(SAMPLES[type])
    return path


def test_every_output_that_is_listed_as_available_is_written_as_it_says(found: Formats, studio: Studio) -> None:
    source = studio.save(studio.noise(64, 64, "RGBA"))
    film = studio.film()
    for one in (one for one in found.output if one.available):
        made, path = studio.make(source, type=one.type)
        assert (made.type, ENDINGS[one.type]) == (one.type, one.extension)
        with Image.open(path) as image:
            assert image.has_transparency_data is one.alpha, one.type
        coarse, fine = (studio.make(source, type=one.type, quality=quality)[0].bytes for quality in (10, 90))
        assert (coarse < fine) is (one.quality is not None), one.type
        with Image.open(studio.make(film, type=one.type)[1]) as image:
            assert (getattr(image, "n_frames", 1) > 1) is one.animated, one.type


def test_a_program_that_is_not_installed_is_missing_and_its_sentence_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {one.name: one for one in catalogue().input}
    assert not found["EPS"].available
    assert "ghostscript" in (found["EPS"].missing or "")
    assert found["JPEG"].available


def test_a_codec_that_fails_is_not_listed_as_available(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = next(format for format in FORMATS if format.type == "image/webp")
    monkeypatch.setattr(type(broken), "_open", _no_codec)
    found = {one.type: one for one in catalogue().input}
    assert not found["image/webp"].available
    assert found["image/webp"].missing == "its decoder is missing or broken in this installation"
    assert found["image/vnd.adobe.photoshop"].available


def _no_codec(*_: object, **__: object) -> None:
    raise RuntimeError("no such codec")
