"""Owns the tests of bugs that hostile files found, and of files that sixpx does not read. Never runs a bomb: those are
for lanes (tests/pool/test_hostile_lanes.py)."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import pyvips

from tests.fuzz.attacks_in_boxes import circling, of_pages
from tests.fuzz.attacks_in_files import gif, jpeg_of_scans, png, segment
from tests.fuzz.drawn import EPS_HEAD
from tests.worker.conftest import Studio
from tests.worker.samples import PNGS, photo
from tests.worker.tiffs import tiff

SMALL = [("resize", {"width": 40})]


def written(studio: Studio, content: bytes) -> Path:
    path = studio.path()
    path.write_bytes(content)
    return path


def saved(studio: Studio, ending: str) -> bytes:
    """By libvips' saver for this ending."""
    path = studio.path().with_suffix(ending)
    pyvips.Image.new_from_array(np.asarray(photo("L")), interpretation="b-w").write_to_file(str(path))
    return path.read_bytes()


BITMAP = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 58, 0, 0, 54, 40, 1, 1, 1, 24, 0, 4, 1, 1, 0, 0) + b"\0\0\xff\0"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("PPM", b"P6 2 2 255\n" + bytes(12)),
        ("PFM", b"PF 1 1 -1\n" + bytes(12)),
        ("CSV", b"1,2,3\n4,5,6\n"),
        ("matrix", b"2 2\n1 2\n3 4\n"),
        ("raw", bytes(range(256)) * 9),
        ("Radiance", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n\1\2\3\4"),
        ("MATLAB", b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"),
        ("NIfTI", struct.pack("<I", 348) + bytes(340) + b"n+1\0"),
        ("Analyze", struct.pack("<I", 348) + bytes(344)),
        ("FITS", b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800)),
        ("OpenEXR", b"\x76\x2f\x31\x01\2\0\0\0" + bytes(99)),
        ("OpenSlide", b"Aperio Image Library" + bytes(99)),
        ("BMP", BITMAP),
        ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99)),
        ("JPEG 2000", b"\xff\x4f\xff\x51" + bytes(99)),
        ("ICO", b"\0\0\1\0\1\0\1\1\0\0\1\0\x18\0" + bytes(99)),
        ("PCX", b"\n\5\1\x08" + bytes(200)),
        ("XPM", b"/* XPM */ static char *a[] = {\"1 1 1 1\", \"a c red\", \"a\"};"),
        ("Magick vector", b"push graphic-context\nimage over 0,0 9,9 '/etc/passwd'\npop graphic-context"),
        ("Magick script", b'<?xml version="1.0"?><image><read filename="/etc/passwd"/></image>'),
        ("HTML", b"<html><img src=file:///etc/passwd></html>"),
        ("a playlist", b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\nconcat:file:///etc/passwd"),
        ("a film", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(99)),
        ("a program", b"\x7fELF\2\1\1" + bytes(99)),
        ("a script", b"#!/bin/sh\nid\n"),
        ("nothing", b""),
        ("a byte", b"\x89"),
    ],
)  # fmt: skip
def test_a_file_that_sixpx_does_not_read_is_refused(studio: Studio, name: str, content: bytes) -> None:
    flaw = studio.flaw(written(studio, content), SMALL)
    assert (flaw.code, flaw.stage) in {("bad_image", "load"), ("not_supported", "load")}
    assert "/" not in flaw.detail


@pytest.mark.parametrize("ending", [".v", ".csv", ".mat"])
def test_what_libvips_itself_writes_beside_pictures_is_refused(studio: Studio, ending: str) -> None:
    flaw = studio.flaw(written(studio, saved(studio, ending)), SMALL)
    assert (flaw.code, flaw.detail) == ("bad_image", "the input is no image that sixpx reads")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a%00b", "x[access=random,n=-1]", "-", "fd:0", "svg:a", "a b\nc"])
def test_the_name_of_the_file_is_nothing_but_a_name(studio: Studio, name: str) -> None:
    """libvips takes options from names that end in brackets, and knows descriptors; loaders called by name do not."""
    content = PNGS["rgb"]()
    folder = studio.folder / "deep" / "deeper"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name.replace("/", "_")
    path.write_bytes(content)
    assert studio.picture(path).size == photo().size


# --- each was found by an attack ------------------------------------------------------------------


@pytest.mark.parametrize("size", [(2_000_000, 1), (1, 2_000_000)])
def test_a_side_of_millions_of_pixels_is_refused_in_words(studio: Studio, size: tuple[int, int]) -> None:
    """libvips makes nothing smaller than by a millionth: it named a parameter of its own."""
    flaw = studio.flaw(written(studio, png(*size)), SMALL)
    assert (flaw.code, flaw.stage) == ("over_limit", "load")
    assert flaw.detail == "the input has a side of 2,000,000 pixels; sixpx reads sides of at most 1,000,000"


def test_a_long_side_can_be_made_small(studio: Studio) -> None:
    made, _ = studio.make(written(studio, png(1_000_000, 1)), [("resize", {"width": 1, "height": 1})])
    assert (made.width, made.height) == (1, 1)


def test_a_gif_whose_frames_reach_beyond_the_largest_screen_is_refused(studio: Studio) -> None:
    """It was said to need too much memory."""
    content = gif(40, 30, 1).replace(b"\x2c\0\0", b"\x2c\xff\xff")
    flaw = studio.flaw(written(studio, content), SMALL)
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert flaw.detail == "expected sides of at most 65,535 pixels in the GIF file, got 65,536"


@pytest.mark.parametrize("tail", [b"", b"more"], ids=["whole", "with a tail"])
@pytest.mark.parametrize("before", [0, 9_900])
def test_a_jpeg_of_thousands_of_scans_is_refused(studio: Studio, before: int, tail: bytes) -> None:
    """Each takes the decoder over all of the pixels, and costs a hundred bytes."""
    content = jpeg_of_scans(4000, 4000, 10_200)
    content = content[:2] + segment(0xFE, b"x") * before + content[2:] + tail
    flaw = studio.flaw(written(studio, content), SMALL)
    assert flaw.code == "bad_image"
    assert flaw.detail == "expected at most 10,000 segments and 200 scans in the JPEG file, got more"


def test_a_jpeg_of_two_hundred_scans_is_read(studio: Studio) -> None:
    assert studio.picture(written(studio, jpeg_of_scans(40, 30, 199))).size == (40, 30)
    assert studio.flaw(written(studio, jpeg_of_scans(40, 30, 200))).code == "bad_image"


def test_a_tiff_of_tens_of_thousands_of_pages_is_refused(studio: Studio) -> None:
    """libvips counts them all, each time that it opens the file."""
    flaw = studio.flaw(written(studio, of_pages(10_001)))
    assert (flaw.code, flaw.detail) == ("bad_image", "expected at most 10,000 pages in the TIFF file, got more")
    assert studio.picture(written(studio, of_pages(10_000))).size == (1, 1)


def test_a_tiff_whose_pages_lead_back_is_read(studio: Studio) -> None:
    assert studio.picture(written(studio, circling())).size == (24, 16)


def test_a_tiff_in_lab_is_no_array_of_floats(studio: Studio) -> None:
    """It was one of doubles, eight times the picture, and a lane's memory did not do for a large one."""
    pixels = np.zeros((1000, 1000, 3), np.uint8)
    path = written(studio, tiff(pixels, 8))
    studio.make(path)  # what is imported at the first use is there then
    tracemalloc.start()
    try:
        studio.make(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 4 * pixels.nbytes


@pytest.mark.parametrize("pattern", ["@/*", "%os%@/*", "@/canary", "/etc/*"])
def test_ghostscript_tells_a_program_no_names_of_files(studio: Studio, tmp_path: Path, pattern: str) -> None:
    (tmp_path / "canary").write_bytes(b"x")
    program = "({}) {{pop 0 0 40 30 rectfill}} 99 string filenameforall ({}) status {{0 0 40 30 rectfill}} if showpage"
    path = pattern.replace("@", str(tmp_path))
    drawn = studio.picture(written(studio, (EPS_HEAD + program.format(path, path)).encode()))
    assert drawn.getextrema()[3] == (0, 0)
