"""What goes out: types, quality, transparency, and which metadata a result carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from sixpx.core.render import Limits
from sixpx.worker import codecs, pipeline

from .conftest import Studio

NOTICE = "Acme (2014) \xa9"
ARTIST, COPYRIGHT, ORIENTATION, MAKE = 0x013B, 0x8298, 0x0112, 0x010F
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


@pytest.mark.parametrize("type", ["image/jpeg", "image/png", "image/webp"])
@pytest.mark.parametrize("steps", [(), [("resize", {"width": 30})], [("rotate", {"degrees": 15})]])
def test_only_the_copyright_is_left(studio: Studio, annotated: Path, type: str, steps: Any) -> None:
    made = studio.picture(annotated, steps, type)
    exif = made.getexif()
    assert exif[COPYRIGHT] == NOTICE
    assert not {ARTIST, MAKE} & set(exif)
    assert exif.get(ORIENTATION, 1) == 1
    assert not exif.get_ifd(0x8825)
    assert not {"icc_profile", "xmp", "photoshop"} & set(made.info)


@pytest.mark.parametrize("type", ["image/jpeg", "image/png", "image/webp"])
@pytest.mark.parametrize("steps", [(), [("resize", {"width": 30})], [("crop", {"x": 3})]])
def test_metadata_is_kept_when_asked_for(studio: Studio, annotated: Path, type: str, steps: Any) -> None:
    made = studio.picture(annotated, steps, type, keep_metadata=True)
    exif = made.getexif()
    assert (exif[ARTIST], exif[COPYRIGHT], exif[MAKE]) == ("Somebody", NOTICE, "Camera")
    assert exif.get(ORIENTATION, 1) == 1
    assert exif.get_ifd(0x8825)
    assert "xmp" in made.info or "XML:com.adobe.xmp" in made.info
    assert "icc_profile" not in made.info


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


@pytest.mark.parametrize("type", ["image/png", "image/webp", "image/gif"])
def test_other_types_stay_transparent(studio: Studio, type: str) -> None:
    picture = Image.new("RGBA", (40, 30), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 20, 30))
    made = studio.picture(studio.save(picture), (), type).convert("RGBA")
    assert made.getpixel((35, 15))[3] == 0
    assert made.getpixel((5, 15))[3] == 255


@pytest.mark.parametrize("type", ["image/jpeg", "image/webp"])
def test_quality_costs_bytes(studio: Studio, type: str) -> None:
    weights = [studio.make(studio.photo, (), type, quality=quality)[0].bytes for quality in (20, 80, 95)]
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
    ("type", "limit"), [("image/webp", "16,383"), ("image/jpeg", "65,500"), ("image/gif", "65,535")]
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


@pytest.mark.parametrize("type", ["image/avif", "image/tiff", "image/x-icon"])
def test_types_of_later_versions_are_named(studio: Studio, type: str) -> None:
    flaw = studio.flaw(studio.photo, (), type)
    assert (flaw.code, flaw.stage) == ("not_supported", "plan")
    assert f'the output type "{type}" is not' in flaw.detail
