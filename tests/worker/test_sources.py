"""What comes in: every kind of file becomes upright sRGB with 8 bit, or is refused in words that a user understands."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from sixpx.core.render import Limits
from sixpx.worker.profiles import is_srgb

from .conftest import Studio

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def array(image: Image.Image) -> Any:
    return np.asarray(image.convert("RGB")).astype(int)


def oriented(studio: Studio, picture: Image.Image, orientation: int, format: str) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return studio.save(picture, format, exif=exif, **({"quality": 95} if format == "JPEG" else {}))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_on_every_route(studio: Studio, orientation: int) -> None:
    with Image.open(studio.photo) as photo:
        picture = photo.resize((400, 240))
    wanted = picture.transpose(TURNS[orientation]) if orientation > 1 else picture
    source = oriented(studio, picture, orientation, "JPEG")
    half = (wanted.width // 4, wanted.height // 4)
    whole: Any = ((), "image/png")
    small: Any = ([("resize", {"width": half[0]})], "image/png")
    part: Any = ([("crop", {"x": 10, "y": 20, "width": 50, "height": 60})], "image/png")
    for sheets in ((whole,), (small,), (part,), (whole, small, part)):
        report = studio.report(source, *sheets)
        assert (report.seen.width, report.seen.height) == wanted.size
        assert not report.flaws
    assert abs(array(studio.picture(source)) - array(wanted)).mean() < 4
    scaled = studio.picture(source, small[0])
    assert scaled.size == half
    assert abs(array(scaled) - array(wanted.resize(half, Image.Resampling.LANCZOS))).mean() < 4
    cut = studio.picture(source, part[0])
    assert abs(array(cut) - array(wanted.crop((10, 20, 60, 80)))).mean() < 4


def test_orientation_of_png_is_applied_too(studio: Studio) -> None:
    picture = studio.noise(20, 10)
    assert (array(studio.picture(oriented(studio, picture, 6, "PNG"))) == array(picture.rotate(-90, expand=True))).all()


@pytest.mark.parametrize("steps", [(), [("resize", {"width": 256})], [("crop", {"width": 300})]])
def test_a_profile_is_converted_and_gone(studio: Studio, steps: Any) -> None:
    path = str(studio.path())
    original = pyvips.Image.new_from_file(str(studio.photo))
    original.icc_transform("p3", input_profile="srgb").jpegsave(path, Q=95, profile="p3", keep="icc")
    with Image.open(path) as wide:
        assert wide.info["icc_profile"]
        assert abs(array(wide) - array(Image.open(studio.photo))).mean() > 1
    made = studio.picture(path, steps)
    assert "icc_profile" not in made.info
    plain = studio.picture(studio.photo, steps)
    assert abs(array(made) - array(plain)).mean() < 1.5


def test_only_srgb_is_taken_for_srgb(studio: Studio) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    shipped = {}
    for name in ("srgb", "p3"):
        path = str(studio.path())
        pyvips.Image.new_from_file(str(studio.photo)).jpegsave(path, profile=name, keep="icc")
        shipped[name] = pyvips.Image.new_from_file(path).get("icc-profile-data")
    assert is_srgb(srgb)
    assert is_srgb(shipped["srgb"])
    assert not is_srgb(shipped["p3"])
    assert not is_srgb(b"")
    for length in range(0, len(srgb), 7):
        is_srgb(srgb[:length])
    made = studio.picture(studio.save(picture := studio.noise(30, 20), icc_profile=srgb))
    assert (array(made) == array(picture)).all()


def test_a_profile_that_makes_no_sense_is_passed_over(studio: Studio) -> None:
    source = studio.save(studio.noise(30, 20), icc_profile=b"\0\0\0\x80junk" + bytes(120))
    for steps in ((), [("resize", {"width": 10})]):
        assert studio.picture(source, steps).mode == "RGB"


def test_cmyk_becomes_rgb(studio: Studio) -> None:
    source = studio.save(Image.new("CMYK", (60, 40), (0, 255, 255, 0)), "JPEG", quality=95)
    for steps in ((), [("resize", {"width": 20})], [("crop", {"width": 20}), ("rotate", {"degrees": 45})]):
        red = array(studio.picture(source, steps))
        middle = red[red.shape[0] // 2, red.shape[1] // 2]
        assert middle[0] > 180
        assert middle[1:].max() < 90


def sixteen(studio: Studio) -> tuple[Path, Any]:
    values = np.random.default_rng(3).integers(0, 65536, (20, 30, 3), np.uint16)
    path = studio.path()
    pyvips.Image.new_from_array(values, interpretation="rgb16").pngsave(str(path))
    return path, values.astype(int) >> 8


def test_sixteen_bit_becomes_eight(studio: Studio) -> None:
    source, wanted = sixteen(studio)
    assert (abs(array(studio.picture(source)) - wanted) <= 1).all()
    assert studio.picture(source, [("resize", {"width": 10})]).size == (10, 7)


@pytest.mark.parametrize(("mode", "made"), [("L", "RGB"), ("LA", "RGBA"), ("P", "RGB"), ("1", "RGB"), ("RGBA", "RGBA")])
def test_other_pixels_become_rgb_and_keep_alpha(studio: Studio, mode: str, made: str) -> None:
    picture = studio.noise(30, 20, "RGBA" if mode == "RGBA" else "RGB").convert(mode)
    for steps in ((), [("resize", {"width": 15})], [("rotate", {"degrees": 180})]):
        assert studio.picture(studio.save(picture), steps).mode == made
    assert (array(studio.picture(studio.save(picture))) == array(picture)).all()


def test_a_transparent_colour_of_a_palette_is_alpha(studio: Studio) -> None:
    picture = Image.new("P", (10, 10), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    made = studio.picture(studio.save(picture, transparency=1))
    assert made.mode == "RGBA"
    assert made.getpixel((5, 5))[3] == 0


def test_what_was_seen(studio: Studio) -> None:
    seen = studio.report(studio.photo, ((), None)).seen
    assert seen is not None
    assert (seen.width, seen.height, seen.type, seen.frames) == (1024, 768, "image/jpeg", 1)
    assert seen.bytes == studio.photo.stat().st_size
    film = studio.report(studio.film(), ((), None)).seen
    assert film is not None
    assert (film.width, film.height, film.type, film.frames) == (40, 30, "image/gif", 4)


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("steps", [(), [("resize", {"width": 50})], [("rotate", {"degrees": 30})]])
def test_a_file_cut_short_is_a_bad_image(studio: Studio, format: str, steps: Any) -> None:
    whole = studio.save(studio.noise(200, 150), format).read_bytes()
    cut = studio.path()
    cut.write_bytes(whole[: len(whole) // 2])
    flaw = studio.flaw(cut, steps)
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert "/" not in flaw.detail
    twice = studio.report(cut, (steps, "image/png"), (steps, "image/jpeg"))
    assert {flaw.code for flaw in twice.flaws.values()} == {"bad_image"}
    assert not twice.made


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0junk", b"GIF89a", b"BM" + bytes(60), bytes(5000)])
def test_garbage_is_a_bad_image(studio: Studio, content: bytes) -> None:
    path = studio.path()
    path.write_bytes(content)
    flaw = studio.flaw(path)
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert str(studio.folder) not in flaw.detail


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL"),
        (b"\xff\x0a" + bytes(20), "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), "JPEG 2000"),
        (b"\xff\x4f\xff\x51" + bytes(20), "JPEG 2000"),
    ],
)
def test_images_that_are_not_read_are_named(studio: Studio, head: bytes, name: str) -> None:
    path = studio.path()
    path.write_bytes(head)
    flaw = studio.flaw(path)
    assert (flaw.code, flaw.stage) == ("not_supported", "load")
    assert f"the input is {name}, which this version does not read" in flaw.detail


def test_a_bomb_is_refused_by_its_header(studio: Studio) -> None:
    path = studio.path()
    header = struct.pack(">I4sIIBBBBB", 13, b"IHDR", 65536, 65536, 8, 2, 0, 0, 0)
    small = studio.save(Image.new("RGB", (1, 1))).read_bytes()
    path.write_bytes(small[:8] + header + small[29:])
    flaw = studio.flaw(path)
    assert flaw.code in ("over_limit", "bad_image")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(input_pixels=1199), "has 1,200 pixels; the limit input_pixels is 1,199"),
        (Limits(input_frames=3), "has 4 frames; the limit input_frames is 3"),
        (Limits(all_frames_pixels=4799), "has 4,800 pixels over all frames; the limit all_frames_pixels is 4,799"),
    ],
)
def test_limits_of_the_input(studio: Studio, limits: Limits, words: str) -> None:
    flaw = studio.flaw(studio.film(), limits=limits)
    assert (flaw.code, flaw.stage) == ("over_limit", "load")
    assert words in flaw.detail
