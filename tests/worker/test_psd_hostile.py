"""Owns the proof that PSD files that lie or are broken end in a clear flaw, in bounded memory. Never of a colour."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import pyvips

from sixpx.core.render import Limits
from tests.worker.conftest import Studio
from tests.worker.psd import CMYK, GREY, INDEXED, LAB, RAW, RGB, RLE, ZIP, ZIP_PREDICTED, count, psd
from tests.worker.psd.desk import SAMPLES, Desk, array, exif, layered


@pytest.fixture(scope="module")
def desk(studio: Studio) -> Desk:
    return Desk(studio)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(8).integers(0, 256, (48, 64, 3), np.uint8)


def header(**changed: int) -> bytes:
    """A grey picture of one pixel whose header says otherwise."""
    fields = {"version": 1, "channels": 1, "height": 1, "width": 1, "depth": 8, "mode": GREY, **changed}
    return struct.pack(">4sH6xHIIHH", b"8BPS", *fields.values()) + bytes(12) + b"\0\0\x80"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": 3}, "of version 1 or 2; this one says 3"),
        ({"channels": 0}, "1 to 56 channels; this one says 0"),
        ({"channels": 57}, "1 to 56 channels; this one says 57"),
        ({"channels": 2, "mode": RGB}, "3 to 56 channels; this one says 2"),
        ({"width": 0}, "1 to 30,000 pixels; this one says 0 x 1"),
        ({"height": 30_001}, "1 to 30,000 pixels; this one says 1 x 30,001"),
        ({"width": 300_001, "version": 2}, "1 to 300,000 pixels"),
        ({"depth": 7}, "8 or 16 or 32 bits a channel; this one says 7"),
        ({"depth": 32, "mode": CMYK, "channels": 4}, "8 or 16 bits a channel; this one says 32"),
        ({"mode": 5}, "eight colour modes; this one says 5"),
        ({"width": 30_000, "height": 30_000}, "broken or cut short"),
        ({"width": 1000}, "broken or cut short"),
    ],
)
def test_a_header_that_cannot_be_is_a_bad_image(desk: Desk, changed: dict[str, int], words: str) -> None:
    assert desk.picture(header()).getpixel((0, 0)) == (128, 128, 128)
    code, detail = desk.flaw(header(**changed))
    assert code == "bad_image"
    assert words in detail


def test_the_pixel_limit_holds_before_anything_is_unpacked(desk: Desk) -> None:
    rows = 20_000
    file = header(width=20_000, height=rows)[:-3] + b"\0\1" + struct.pack(">H", 314) * rows + bytes(314 * rows)
    code, detail = desk.flaw(file)
    assert code == "over_limit"
    assert "400,000,000 pixels" in detail


def test_a_file_cut_anywhere_is_a_bad_image(desk: Desk, photo: np.ndarray) -> None:
    for packing in (RAW, RLE, ZIP):
        file = psd(photo, RGB, packing, resources={1058: exif(1)}, layers=count(0))
        for length in (5, 26, 29, 33, 60, len(file) // 2, len(file) - 20):
            code, _ = desk.flaw(file[:length])
            assert code == "bad_image", (packing, length)


def test_bombs_are_unpacked_no_further_than_the_picture_goes(desk: Desk) -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    for packing in (ZIP, ZIP_PREDICTED):
        file = header(width=100, height=100)[:-3] + struct.pack(">H", packing) + bomb
        assert desk.picture(file).getpixel((50, 50)) == (0, 0, 0)
    rows = struct.pack(">100H", *[60_000] * 100)
    code, _ = desk.flaw(header(width=100, height=100)[:-3] + b"\0\1" + rows + b"\x81\0" * 10_000)
    assert code == "bad_image"


def test_lengths_beyond_the_file_are_a_bad_image(desk: Desk, photo: np.ndarray) -> None:
    file = psd(photo)
    for place in (26, 30, 34):
        code, detail = desk.flaw(file[:place] + b"\xff\xff\xff\xf0" + file[place + 4 :])
        assert code == "bad_image"
        assert "longer than the file" in detail


def test_lengths_within_the_layers_that_reach_beyond_them_are_passed_over(desk: Desk, photo: np.ndarray) -> None:
    for layers in (b"\xff" * 8 + bytes(8), bytes(12) + b"8BIMLayr" + b"\xff" * 8, bytes(8) + b"\xff" * 8):
        assert np.array_equal(array(desk.picture(psd(photo, version=2, layers=layers))), photo)


def test_psd_tools_says_nothing_on_standard_error(studio: Studio, capfd: pytest.CaptureFixture[str]) -> None:
    file = bytearray((SAMPLES / "pixel-layer.psd").read_bytes())
    file[len(file) * 3 // 4 :: 7] = bytes(len(file[len(file) * 3 // 4 :: 7]))
    path = studio.path()
    path.write_bytes(file)
    studio.report(path, ((), "image/png"))
    assert capfd.readouterr().err == ""


def mutants(number: int) -> list[bytes]:
    rng = np.random.default_rng(20)
    pixels = rng.integers(0, 256, (24, 20, 4), np.uint8)
    profile = pyvips.Image.profile_load("p3")
    seeds = [
        psd(pixels, RGB, RLE, layers=count(-1), resources={1039: profile, 1058: exif(6)}),
        psd(pixels, CMYK, ZIP_PREDICTED),
        psd(pixels[:, :, :3].astype(np.uint16), LAB, ZIP, 2),
        psd(pixels[:, :, :1], INDEXED, palette=bytes(768), resources={1047: b"\0\7"}),
        layered([(255, 0, 0, 255), (0, 0, 255, 128)]),
        (SAMPLES / "pixel-layer.psd").read_bytes(),
        (SAMPLES / "16bit5x5.psb").read_bytes()[:-20],
    ]
    return [_mutated(seeds[turn % len(seeds)], rng) for turn in range(number)]


def _mutated(seed: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, or one piece cut out, or doubled; the magic stays."""
    file = bytearray(seed)
    kind = rng.integers(0, 4)
    if kind < 2:
        for _ in range(int(rng.integers(1, 12))):
            near = 200 if kind else len(file)
            file[int(rng.integers(4, min(near, len(file))))] = int(rng.choice([0, 1, 127, 255, rng.integers(0, 256)]))
        return bytes(file)
    start, end = sorted(rng.integers(4, len(file), 2))
    return bytes(file[:start] + (file[start:end] * 2 if kind == 2 else b"") + file[end:])


def hold(desk: Desk, number: int) -> None:
    limits = Limits(input_pixels=500_000)
    outcomes: dict[str, int] = {}
    for file in mutants(number):
        report = desk.studio.report(desk.path(file), ((), "image/png"), limits=limits)
        code = report.flaws["0"].code if report.flaws else "made"
        assert code in ("made", "bad_image", "over_limit", "not_supported"), report.flaws
        outcomes[code] = outcomes.get(code, 0) + 1
    assert outcomes["made"] > number // 10
    assert outcomes["bad_image"] > number // 10


def test_three_hundred_broken_files_end_as_pictures_or_clear_flaws(desk: Desk) -> None:
    hold(desk, 300)


@pytest.mark.long
def test_five_thousand_broken_files_end_as_pictures_or_clear_flaws(desk: Desk) -> None:
    hold(desk, 5000)
