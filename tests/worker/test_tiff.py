"""Owns TIFF: which page is read, its metadata, what is refused and how. Never its pixels (test_corpus.py)."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sixpx.core.render import Limits
from sixpx.worker.exif import copyright_of
from sixpx.worker.formats.tiff import TIFF

from .conftest import Studio
from .samples import TIFFS, photo, pillow, pixels
from .tiffs import ASCII, BYTE, LONG, RATIONAL, SHORT, Field, tiff

GPS = {
    0: (BYTE, [2, 3, 0, 0]),
    1: (ASCII, b"N\0"),
    2: (RATIONAL, [48, 1, 51, 1, 30, 1]),
    3: (ASCII, b"E\0"),
    4: (RATIONAL, [2, 1, 17, 1, 40, 1]),
}
CAMERA: dict[int, Field] = {0x829A: (RATIONAL, [1, 125]), 0x9003: (ASCII, b"2014:08:16 20:41:06\0")}
TOLD: dict[int, Field] = {0x8298: (ASCII, b"Jane Doe\0"), 0x010F: (ASCII, b"Maker\0")}


def written(studio: Studio, content: bytes) -> Path:
    path = studio.path()
    path.write_bytes(content)
    return path


def patched(content: bytes, tag: int, value: int) -> bytes:
    """The little-endian file with another number in one entry of its directory."""
    (place,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, place)
    for start in range(place + 2, place + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", content, start) == (tag,):
            return content[: start + 2] + struct.pack("<HII", 4, 1, value) + content[start + 12 :]
    raise LookupError(tag)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_its_own_tags_are_exif(studio: Studio, order: str, big: bool) -> None:
    content = tiff(pixels(), 2, order=order, big=big, fields=TOLD, below={0x8769: CAMERA, 0x8825: GPS})
    exif = TIFF.header(str(written(studio, content))).exif
    assert exif is not None
    assert len(exif) < 1000
    assert copyright_of(exif) == b"Jane Doe"
    read = Image.Exif()
    read.load(exif)
    assert read[0x010F] == "Maker"
    assert read.get_ifd(0x8769) == {0x829A: 1 / 125, 0x9003: "2014:08:16 20:41:06"}
    assert read.get_ifd(0x8825)[2] == (48.0, 51.0, 30.0)
    assert not {273, 279} & set(read)


def test_copyright_goes_with_the_picture_and_the_rest_where_it_is_kept(studio: Studio) -> None:
    path = written(studio, tiff(pixels(), 2, fields=TOLD, below={0x8769: CAMERA, 0x8825: GPS}))
    for keep, tags in ((False, {0x8298}), (True, {0x8298, 0x010F, 0x8769, 0x8825})):
        _, made = studio.make(path, [("resize", {"width": 20})], "image/jpeg", keep_metadata=keep)
        with Image.open(made) as picture:
            assert picture.getexif()[0x8298] == "Jane Doe"
            assert tags <= set(picture.getexif())
            assert keep or not {0x010F, 0x8825} & set(picture.getexif())


@pytest.mark.parametrize("kind", ["two pages", "a pyramid"])
def test_pages_are_no_frames(studio: Studio, kind: str) -> None:
    report = studio.report(written(studio, TIFFS[kind]()), ((), "image/gif"), ((), "image/webp"))
    assert report.seen is not None
    assert report.seen.frames == 1
    assert not report.flaws
    assert (report.made["0"].width, report.made["0"].height) == photo().size


@pytest.mark.parametrize("kind", ["raw", "lzw", "jpeg", "old-style jpeg", "group 4", "tiles", "planes in tiles", "lab"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_file_cut_short_is_a_bad_image(studio: Studio, kind: str, share: float) -> None:
    whole = TIFFS[kind]()
    flaw = studio.flaw(written(studio, whole[: int(len(whole) * share)]))
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert "/" not in flaw.detail


@pytest.mark.parametrize("kind", ["raw", "lzw", "deflate", "jpeg", "tiles", "planes in tiles", "lab"])
def test_pixels_that_are_not_there_are_a_bad_image(studio: Studio, kind: str) -> None:
    content = TIFFS[kind]()
    tag = 324 if "tiles" in kind else 273
    flaw = studio.flaw(written(studio, patched(content, tag, 1 << 30)))
    assert (flaw.code, flaw.stage) == ("bad_image", "load")


@pytest.mark.parametrize("kind", ["raw", "planes in tiles", "lab"])
def test_a_size_that_is_a_lie_is_refused_by_the_directory(studio: Studio, kind: str) -> None:
    lie = patched(patched(TIFFS[kind](), 256, 60_000), 257, 50_000)
    flaw = studio.flaw(written(studio, lie))
    assert (flaw.code, flaw.stage) == ("over_limit", "load")
    assert "3,000,000,000 pixels" in flaw.detail
    small = studio.flaw(written(studio, patched(patched(TIFFS[kind](), 256, 6000), 257, 5000)))
    assert small.code == "bad_image"


def test_limits_count_the_first_page(studio: Studio) -> None:
    path = written(studio, TIFFS["two pages"]())
    assert studio.flaw(path, limits=Limits(input_pixels=6143)).code == "over_limit"
    assert not studio.report(path, ((), "image/png"), limits=Limits(input_pixels=6144, input_frames=1)).flaws


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"II*\0", "ends before its first directory"),
        (b"II*\0\xff\xff\xff\x7f" + bytes(40), "ends before its first directory"),
        (b"MM\0+\0\x08\0\0" + b"\xff" * 8 + bytes(40), "ends before its first directory"),
        (b"MM\0+\0\x08\0\0" + b"\x3f" * 8 + bytes(40), "ends before its first directory"),
        (tiff(pixels(), 2, fields={256: (LONG, [0])}), "says no size"),
        (tiff(pixels(), 2, fields={277: (SHORT, [500])}), "more than 16 samples"),
        (tiff(pixels(), 2, fields={50706: (BYTE, [1, 4, 0, 0])}), "raw photograph (DNG)"),
        (tiff(pixels(), 2, fields={259: (SHORT, [34712])}), "packed as JPEG 2000, which sixpx does not read"),
        (tiff(pixels(), 2, fields={259: (SHORT, [50002])}), "packed as JPEG XL, which sixpx does not read"),
        (tiff(pixels(), 2, fields={259: (SHORT, [12345])}), "the TIFF file is broken"),
    ],
)
def test_what_cannot_be_read_is_said(studio: Studio, content: bytes, words: str) -> None:
    flaw = studio.flaw(written(studio, content))
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert words in flaw.detail


def test_entries_without_end_are_passed_over(studio: Studio) -> None:
    """A directory that says it is long, of values that say they are long."""
    notes: dict[int, Field] = {60_000 + place: (ASCII, b"x" * 16_000) for place in range(100)}
    path = written(studio, tiff(pixels(), 2, fields={**notes, **TOLD}))
    exif = TIFF.header(str(path)).exif
    assert exif is not None
    assert len(exif) < 250_000
    assert copyright_of(exif) == b"Jane Doe"
    assert studio.picture(path).tobytes() == photo().tobytes()


def test_a_directory_that_points_at_itself_ends(studio: Studio) -> None:
    content = tiff(pixels(), 2, below={0x8769: {0x8769: (LONG, [8])}, 0x8825: {0x8825: (LONG, [8])}})
    (first,) = struct.unpack_from("<I", content, 4)
    assert studio.picture(written(studio, patched(content, 0x8769, first))).size == photo().size


def test_sixteen_bits_keep_their_range_when_scaled(studio: Studio) -> None:
    grey = np.full((60, 80), 0x8000, np.uint16)
    grey[:, 40:] = 0xFFFF
    made = studio.picture(written(studio, tiff(grey, 1)), [("resize", {"width": 40})])
    assert made.getpixel((5, 5)) == (128, 128, 128)
    assert made.getpixel((35, 5)) == (255, 255, 255)


def test_a_mask_does_not_make_a_picture_transparent(studio: Studio) -> None:
    made = studio.picture(written(studio, TIFFS["a mask that is no alpha"]()), [("rotate", {"degrees": 90})])
    assert made.mode == "RGB"
    assert studio.picture(written(studio, pillow("TIFF", "RGBA"))).mode == "RGBA"
