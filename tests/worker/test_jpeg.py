"""Owns JPEG with damage: what is cut short is read with a warning, the rest is refused in clear words. Never a whole
file (test_corpus.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sixpx.worker.formats.jpeg import CUT, looked_at

from .conftest import Studio
from .samples import JPEGS, photo, pillow

SCAN = b"\xff\xda"


def written(studio: Studio, content: bytes) -> Path:
    path = studio.path()
    path.write_bytes(content)
    return path


def with_thumbnail() -> bytes:
    """A file whose EXIF holds a whole small JPEG, end marker included."""
    exif = Image.Exif()
    exif[0x010E] = "-"
    block = exif.tobytes() + pillow("JPEG", quality=30)
    return pillow("JPEG", quality=92, exif=block)


@pytest.mark.parametrize("kind", ["4:2:0", "progressive", "grey", "cmyk", "optimised with restarts", "arithmetic"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_cut_short_is_read_with_a_warning(studio: Studio, kind: str, share: float) -> None:
    whole = JPEGS[kind]()
    begin = whole.index(SCAN) + 14
    cut = written(studio, whole[: begin + int((len(whole) - begin) * share)])
    for steps in ((), [("resize", {"width": 20})], [("rotate", {"degrees": 30})]):
        report = studio.report(cut, (steps, "image/png"), ((), "image/jpeg"))
        assert not report.flaws
        assert report.seen is not None
        assert report.seen.warning == CUT


def test_what_is_there_of_a_cut_file_is_right_and_the_rest_is_grey(studio: Studio) -> None:
    whole = pillow("JPEG", quality=92)
    cut = written(studio, whole[: len(whole) // 2])
    made = np.asarray(studio.picture(cut)).astype(int)
    wanted = np.asarray(photo()).astype(int)
    assert made.shape == wanted.shape
    assert abs(made[:16] - wanted[:16]).mean() < 5
    assert abs(made[-16:] - 128).max() <= 2


def test_even_the_last_byte_is_missed(studio: Studio) -> None:
    whole = pillow("JPEG", quality=92)
    assert not looked_at(str(written(studio, whole))).cut
    assert looked_at(str(written(studio, whole[:-1]))).cut
    assert looked_at(str(written(studio, whole[:-2]))).cut


@pytest.mark.parametrize(
    "tail", [b"\0", b"\0" * 5000, b"\r\n", b"\xff\xda", b"\xff\xd8\xff\xe0\0\x10JFIF", b"\xff\xd9", b"trailer\xff\xd9"]
)
def test_what_lies_behind_the_end_does_not_matter(studio: Studio, tail: bytes) -> None:
    for whole in (pillow("JPEG", quality=92), pillow("JPEG", quality=92, progressive=True), with_thumbnail()):
        path = written(studio, whole + tail)
        assert not looked_at(str(path)).cut
        assert studio.picture(path).size == photo().size


def test_a_second_picture_may_be_cut(studio: Studio) -> None:
    both = JPEGS["two pictures in one file"]()
    report = studio.report(written(studio, both[:-2000]), ((), "image/png"))
    assert not report.flaws
    assert report.seen is not None
    assert report.seen.warning is None


def test_the_end_of_a_thumbnail_is_not_the_end(studio: Studio) -> None:
    whole = with_thumbnail()
    assert whole.index(b"\xff\xd9") < whole.rindex(SCAN)
    report = studio.report(written(studio, whole[:-200]), ((), "image/png"))
    assert report.seen is not None
    assert report.seen.warning == CUT


@pytest.mark.parametrize("kind", ["4:2:0", "progressive", "cmyk", "display p3"])
def test_a_file_cut_before_its_pixels_is_a_bad_image(studio: Studio, kind: str) -> None:
    whole = JPEGS[kind]()
    begin = whole.index(SCAN)
    length = 2 + int.from_bytes(whole[begin + 2 : begin + 4], "big")
    for end in (4, 20, begin // 2, begin, begin + 2, begin + 5, begin + length):
        flaw = studio.flaw(written(studio, whole[:end]))
        assert (flaw.code, flaw.stage) == ("bad_image", "load")
        assert flaw.detail == "the JPEG file is cut short before its picture begins"


def test_other_damage_stays_refused(studio: Studio) -> None:
    whole = pillow("JPEG", quality=92)
    frame = whole.index(b"\xff\xc0")
    for broken in (whole[:frame] + whole[frame + 19 :], whole[: frame + 5] + b"\0\0\0\0" + whole[frame + 9 :]):
        flaw = studio.flaw(written(studio, broken))
        assert (flaw.code, flaw.stage) == ("bad_image", "load")
        assert flaw.detail == "the JPEG file is broken"
    flaw = studio.flaw(written(studio, whole[:20] + b"\xff\xd9"))
    assert flaw.detail == "the JPEG file holds no picture"


@pytest.mark.parametrize(
    ("place", "byte", "words"),
    [(1, 0xC5, "hierarchical"), (1, 0xCE, "hierarchical"), (4, 12, "of 12 bits a sample")],
)
def test_what_is_special_is_named(studio: Studio, place: int, byte: int, words: str) -> None:
    content = bytearray(pillow("JPEG", quality=92))
    content[content.index(b"\xff\xc0") + place] = byte
    flaw = studio.flaw(written(studio, bytes(content)))
    assert (flaw.code, flaw.detail) == ("bad_image", f"the JPEG file is {words}, which sixpx does not read")


def test_a_file_of_nothing_but_segments_takes_no_time_to_speak_of(studio: Studio) -> None:
    path = written(studio, b"\xff\xd8\xff\xe0\0\x02" + b"\xff\xfe\0\x02" * 500_000)
    look = looked_at(str(path))
    assert not look.begun
    assert studio.flaw(path).code == "bad_image"
