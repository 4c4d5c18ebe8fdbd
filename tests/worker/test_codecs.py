"""What goes out: types, quality, transparency, and which metadata a result carries."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from sixpx.core.media import ENDINGS
from sixpx.core.render import Limits
from sixpx.worker import codecs, pipeline
from sixpx.worker.encoders import ENCODERS
from sixpx.worker.tiff_tags import describe

from .conftest import Studio

NOTICE = "Acme (2014) \xa9"
DESCRIBED = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff"]
ARTIST, COPYRIGHT, ORIENTATION, MAKE, XMP_TAG = 0x013B, 0x8298, 0x0112, 0x010F, 700
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


@pytest.fixture(scope="module")
def annotated(studio: Studio) -> Path:
    """A photograph with EXIF (orientation 6, GPS, a thumbnail's worth of it), XMP and an ICC profile."""
    exif = Image.Exif()
    exif[ARTIST], exif[ORIENTATION], exif[MAKE] = "Somebody", 6, "Camera"
    exif[COPYRIGHT] = NOTICE.encode("latin-1")
    exif.get_ifd(0x8825)[1] = "N"
    with Image.open(studio.photo) as photo:
        plain = studio.save(photo.resize((120, 80)), "JPEG", exif=exif, xmp=XMP)
    path = studio.path()
    pyvips.Image.new_from_file(str(plain)).jpegsave(str(path), profile="p3", keep="all")
    return path


@pytest.mark.parametrize("type", DESCRIBED)
@pytest.mark.parametrize("steps", [(), [("resize", {"width": 30})], [("rotate", {"degrees": 15})]])
def test_only_the_copyright_is_left(studio: Studio, annotated: Path, type: str, steps: Any) -> None:
    made = studio.picture(annotated, steps, type)
    exif = made.getexif()
    assert exif[COPYRIGHT] == NOTICE
    assert not {ARTIST, MAKE} & set(exif)
    assert exif.get(ORIENTATION, 1) == 1
    assert not exif.get_ifd(0x8825)
    assert not {"icc_profile", "xmp", "photoshop"} & set(made.info)


@pytest.mark.parametrize("type", DESCRIBED)
@pytest.mark.parametrize("steps", [(), [("resize", {"width": 30})], [("crop", {"x": 3})]])
def test_metadata_is_kept_when_asked_for(studio: Studio, annotated: Path, type: str, steps: Any) -> None:
    made = studio.picture(annotated, steps, type, keep_metadata=True)
    exif = made.getexif()
    assert (exif[ARTIST], exif[COPYRIGHT], exif[MAKE]) == ("Somebody", NOTICE, "Camera")
    assert exif.get(ORIENTATION, 1) == 1
    assert exif.get_ifd(0x8825)
    assert {"xmp", "XML:com.adobe.xmp"} & set(made.info) or XMP_TAG in exif
    assert "icc_profile" not in made.info


@pytest.mark.parametrize("type", ["image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff"])
@pytest.mark.parametrize("asks", ['<a tiff:Orientation="%d"/>', "<tiff:Orientation> %d</tiff:Orientation>"])
def test_kept_xmp_asks_for_no_turn(studio: Studio, type: str, asks: str) -> None:
    around = '<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/">%s</x:xmpmeta>'
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    source = studio.save(studio.noise(30, 20), "JPEG", exif=exif, xmp=(around % asks % 6).encode())
    _, path = studio.make(source, type=type, keep_metadata=True)
    xmp = bytes(pyvips.Image.new_from_file(str(path)).get("xmp-data"))
    assert (asks % 1).encode() in xmp
    assert (asks % 6).encode() not in xmp


def test_the_small_picture_inside_exif_is_never_kept(studio: Studio) -> None:
    photo = pyvips.Image.new_from_file(str(studio.photo)).copy()
    small = photo.thumbnail_image(60).jpegsave_buffer(keep="none")
    photo.set_type(pyvips.GValue.blob_type, "jpeg-thumbnail-data", small)
    source = studio.path()
    photo.jpegsave(str(source), keep="exif")
    assert small in source.read_bytes()
    _, path = studio.make(source, [("crop", {"width": 9, "height": 9})], "image/jpeg", keep_metadata=True)
    assert small not in path.read_bytes()
    assert path.stat().st_size < len(small)


def test_a_file_without_copyright_gets_none(studio: Studio) -> None:
    made = studio.picture(studio.photo, (), "image/jpeg")
    assert not dict(made.getexif())
    assert "exif" not in made.info


def test_a_jpeg_is_white_where_the_picture_was_transparent(studio: Studio) -> None:
    source = studio.save(Image.new("RGBA", (40, 30), (0, 0, 0, 0)))
    for steps in ((), [("resize", {"width": 20})], [("rotate", {"degrees": 45})]):
        assert np.asarray(studio.picture(source, steps, "image/jpeg")).min() >= 250


@pytest.mark.parametrize("type", ["image/png", "image/webp", "image/gif", "image/avif", "image/tiff"])
def test_other_types_stay_transparent(studio: Studio, type: str) -> None:
    picture = Image.new("RGBA", (40, 30), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 20, 30))
    made = studio.picture(studio.save(picture), (), type).convert("RGBA")
    assert made.getpixel((35, 15))[3] == 0
    assert made.getpixel((5, 15))[3] == 255


@pytest.mark.parametrize("type", ["image/jpeg", "image/webp", "image/avif"])
def test_quality_costs_bytes(studio: Studio, type: str) -> None:
    unasked = 63 if type == "image/avif" else 80
    weights = [studio.make(studio.photo, (), type, quality=quality)[0].bytes for quality in (20, unasked, 95)]
    assert weights == sorted(weights)
    assert studio.make(studio.photo, (), type)[0].bytes == weights[1]


def test_progressive(studio: Studio) -> None:
    assert "progressive" in studio.picture(studio.photo, (), "image/jpeg", progressive=True).info
    assert "progressive" not in studio.picture(studio.photo, (), "image/jpeg").info
    assert studio.picture(studio.photo, (), "image/png", progressive=True).info["interlace"] == 1


def interlaced(gif: bytes) -> bool:
    """The interlace bit of the first image descriptor (GIF89a section 20), which begins with a comma."""
    at = 13 + 3 * 2 ** ((gif[10] & 7) + 1) * (gif[10] >> 7)
    while gif[at] == 0x21:  # an extension: introducer, label, blocks with their sizes, an empty one
        at += 2
        while gif[at]:
            at += gif[at] + 1
        at += 1
    assert gif[at] == 0x2C
    return bool(gif[at + 9] & 0x40)


@pytest.mark.parametrize("progressive", [True, False])
def test_a_progressive_gif_is_interlaced(studio: Studio, progressive: bool) -> None:
    for source in (studio.photo, studio.film()):
        _, path = studio.make(source, [("resize", {"width": 60})], "image/gif", progressive=progressive)
        assert interlaced(path.read_bytes()) is progressive


@pytest.mark.parametrize(
    ("type", "limit"),
    [("image/webp", "16,383"), ("image/avif", "16,384"), ("image/jpeg", "65,500"), ("image/gif", "65,535")],
)
@pytest.mark.parametrize("steps", [True, False])
def test_a_side_that_a_type_cannot_hold_is_refused_before_any_work(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, type: str, limit: str, steps: bool
) -> None:
    most = int(limit.replace(",", ""))
    limits = Limits(output_side=100_000)
    source = studio.save(Image.new("L", (3 if steps else most + 1, 1)))
    resize = [("resize", {"width": most + 1, "height": 1})] if steps else []
    with monkeypatch.context() as patched:
        patched.setattr(codecs, "save", None)
        patched.setattr(pipeline, "Pictures", None)
        flaw = studio.flaw(source, resize, type, limits=limits)
    assert (flaw.code, flaw.stage) == ("over_limit", "plan")
    assert flaw.detail == f"the result has a side of {most + 1:,} pixels; the limit of {type} is {limit}"
    assert not studio.report(source, (resize, "image/png"), limits=limits).flaws
    fits = [("resize", {"width": most, "height": 1})]
    made = studio.report(source, (fits, type), limits=limits).made["0"]
    assert (made.width, made.height) == (most, 1)


def test_the_alias_of_jpeg(studio: Studio) -> None:
    made, path = studio.make(studio.photo, (), "image/jpg")
    assert made.type == "image/jpeg"
    assert path.read_bytes()[:3] == b"\xff\xd8\xff"
    assert made.bytes == path.stat().st_size


def test_a_type_that_nobody_knows_is_refused(studio: Studio) -> None:
    flaw = studio.flaw(studio.photo, (), "image/x-icon")
    assert (flaw.code, flaw.stage) == ("not_supported", "plan")
    assert flaw.detail == 'the output type "image/x-icon" is not known'


def test_every_type_that_an_output_may_ask_for_is_written() -> None:
    assert set(ENCODERS) == set(ENDINGS)


def test_a_tiff_and_a_png_are_lossless_whatever_the_quality(studio: Studio) -> None:
    for mode in ("RGB", "RGBA"):
        picture = studio.noise(40, 30, mode)
        for type in ("image/tiff", "image/png"):
            made = studio.picture(studio.save(picture), (), type, quality=20, progressive=True)
            assert made.mode == mode
            assert (np.asarray(made) == np.asarray(picture)).all()


def test_a_gif_keeps_few_colours_as_they_are(studio: Studio) -> None:
    colours = np.random.default_rng(5).integers(0, 256, (200, 3), np.uint8)
    places = np.random.default_rng(6).integers(0, 200, (12, 16))
    picture = Image.fromarray(np.kron(colours[places], np.ones((5, 5, 1), np.uint8)))
    made = studio.picture(studio.save(picture), (), "image/gif").convert("RGB")
    assert (np.asarray(made) == np.asarray(picture)).all()


def test_a_slow_fade_of_a_gif_is_not_lost(studio: Studio) -> None:
    """Small differences from frame to frame are not written, but they must not add up."""
    film = [Image.new("RGB", (20, 10), (60 + n, 100 + n // 2, 200 - n)) for n in range(60)]
    more = {"save_all": True, "append_images": film[1:], "duration": 40, "lossless": True}
    _, path = studio.make(studio.save(film[0], "WEBP", **more), (), "image/gif")
    with Image.open(path) as made:
        assert made.n_frames == 60
        for number in range(60):
            made.seek(number)
            assert abs(np.asarray(made.convert("RGB")).astype(int) - np.asarray(film[number])).max() <= 12


@pytest.mark.parametrize("type", ["image/avif", "image/tiff", "image/webp"])
def test_soft_transparency_is_kept(studio: Studio, type: str) -> None:
    ramp = np.full((40, 256, 4), (30, 120, 200, 0), np.uint8)
    ramp[..., 3] = np.arange(256)
    made = np.asarray(studio.picture(studio.save(Image.fromarray(ramp)), (), type).convert("RGBA")).astype(int)
    assert abs(made[..., 3] - np.arange(256)).max() <= (8 if type == "image/avif" else 0)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_tells_what_its_source_told(studio: Studio, order: str) -> None:
    exif = Image.Exif()
    exif.endian = order
    exif[COPYRIGHT], exif[ARTIST], exif[ORIENTATION] = "Acme", "Somebody", 1
    exif.get_ifd(0x8769).update({0x829A: 0.008, 0x9003: "2014:08:01 10:00:00", 0xA002: 9999, 0x8827: 400})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 30.5)})
    source = studio.save(studio.noise(21, 17), "JPEG", exif=exif)
    made = studio.picture(source, (), "image/tiff", keep_metadata=True)
    assert made.size == (21, 17)
    told = made.getexif()
    assert (told[COPYRIGHT], told[ARTIST]) == ("Acme", "Somebody")
    camera, place = told.get_ifd(0x8769), told.get_ifd(0x8825)
    assert (float(camera[0x829A]), camera[0x9003], camera[0x8827]) == (0.008, "2014:08:01 10:00:00", 400)
    assert 0xA002 not in camera
    assert (place[1], [float(value) for value in place[2]]) == ("N", [48.0, 12.0, 30.5])


def test_a_tiff_of_exif_that_makes_no_sense_is_a_tiff_all_the_same(studio: Studio) -> None:
    plain = studio.path()
    pyvips.Image.black(9, 7, bands=3).copy(interpretation="srgb").tiffsave(str(plain))
    rng = np.random.default_rng(3)
    sane = Image.Exif()
    sane[COPYRIGHT], sane[ARTIST] = "Acme", "Somebody"
    for number in range(60):
        broken = bytearray(sane.tobytes())
        for place in rng.integers(0, len(broken), 4):
            broken[place] = rng.integers(0, 256)
        path = studio.path()
        path.write_bytes(plain.read_bytes())
        describe(str(path), bytes(broken[: 20 + number]) if number % 2 else bytes(broken))
        with Image.open(path) as image:
            assert image.size == (9, 7)
            assert not np.asarray(image).any()


def test_exif_whose_entries_all_claim_the_same_bytes_does_not_grow(studio: Studio) -> None:
    path = studio.path()
    pyvips.Image.black(9, 7, bands=3).copy(interpretation="srgb").tiffsave(str(path))
    size, entries = 200_000, 900
    head = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0)
    below = struct.pack("<H", entries) + b"".join(
        struct.pack("<HHII", tag, 7, size - 20_000, 20_000) for tag in range(entries)
    )
    before = path.stat().st_size
    describe(str(path), (head + below).ljust(size, b"x"))
    assert path.stat().st_size < before + 2 * size
    with Image.open(path) as image:
        assert image.size == (9, 7)
