"""Owns the tests of PDF and Illustrator's files: size, pixels beside Ghostscript's, strangers. Never EPS."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sixpx.core.render import Limits
from sixpx.worker.formats import recognise

from .conftest import Studio

SAMPLE = Path(__file__).parent / "drawings" / "govips.ai"
LEFT_HALF = b"0.125 0.25 0.5 rg 0 0 50 50 re f"
HALF_TRANSPARENT = b"/G gs 1 0 0 rg 0 0 50 50 re f 0 0 1 rg 25 0 50 50 re f"
CURVES = b"0.2 0.6 0.3 rg 50 25 m 90 45 90 5 50 25 c f 3 w 0.8 0 0.4 RG 10 5 m 20 60 40 -20 60 45 c S"
TEXT = b"BT /F 20 Tf 5 20 Td (Hamburg) Tj ET"

needs_gs = pytest.mark.skipif(shutil.which("gs") is None, reason="Ghostscript is not installed")


def pdf(content: bytes, page: bytes = b"", *, catalog: bytes = b"", pages: int = 1, more: bytes = b"") -> bytes:
    """A PDF file of 100 by 50 points, or as `page` says; `pages` refer to that one page."""
    font = b"/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >> >>"
    resources = b"<< /ExtGState << /G << /ca .5 >> >> %s >>" % font
    box = b"" if b"/MediaBox" in page else b"/MediaBox [0 0 100 50]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b"3 0 R" if pages else b"", pages),
        b"<< /Type /Page /Parent 2 0 R %s %s /Resources %s /Contents 4 0 R >>" % (box, page, resources),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    out, places = b"%PDF-1.4\n" + more, []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = b"xref\n0 5\n0000000000 65535 f \n%strailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + start % (table, len(out))


def file(studio: Studio, content: bytes) -> Path:
    path = studio.path()
    path.write_bytes(content)
    return path


def array(image: Image.Image) -> Any:
    return np.asarray(image).astype(int)


def resized(**options: Any) -> Any:
    return [("resize", options)]


def by_ghostscript(studio: Studio, source: Path, dpi: int) -> Any:
    """The first page as another program draws it, edges smoothed."""
    made = studio.path()
    switches = ["-q", "-dBATCH", "-dNOPAUSE", "-dSAFER", "-dLastPage=1", "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4"]
    output = ["-sDEVICE=pngalpha", f"-r{dpi}", "-dUseCropBox", f"-sOutputFile={made}", str(source)]
    subprocess.run(["gs", *switches, *output], check=True, capture_output=True)
    with Image.open(made) as image:
        return array(image)


def on_white(pixels: Any) -> Any:
    alpha = pixels[:, :, 3:] / 255
    return pixels[:, :, :3] * alpha + 255 * (1 - alpha)


# --- size and pixels ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "size"),
    [
        (b"", (100, 50)),
        (b"/Rotate 90", (50, 100)),
        (b"/CropBox [10 10 40.4 30]", (30, 20)),
        (b"/CropBox [10 10 40 30] /Rotate 270", (20, 30)),
        (b"/MediaBox [0 0 0.1 0.1]", (1, 1)),
        (b"/MediaBox [-50 -20 50 30]", (100, 50)),
        (b"/MediaBox [100 50 0 0]", (100, 50)),
    ],
)
def test_it_is_as_large_as_its_page_in_points(studio: Studio, page: bytes, size: tuple[int, int]) -> None:
    report = studio.report(file(studio, pdf(LEFT_HALF, page)), ((), None))
    assert report.seen is not None
    assert (report.seen.width, report.seen.height, report.seen.type) == (*size, "application/pdf")
    made = report.made["0"]
    assert (made.width, made.height, made.type) == (*size, "image/png")


@pytest.mark.parametrize(("width", "height"), [(400, 200), (20, 10), (333, 167), (300, 600)])
def test_it_is_drawn_at_exactly_the_size_that_is_wanted(studio: Studio, width: int, height: int) -> None:
    made = array(studio.picture(file(studio, pdf(LEFT_HALF)), resized(width=width, height=height)))
    assert made.shape == (height, width, 4)
    assert (made[:, : width // 2] == (32, 64, 128, 255)).all()
    assert (made[:, width // 2 + 1 :, 3] == 0).all()


def test_a_turned_page_stands_upright(studio: Studio) -> None:
    made = array(studio.picture(file(studio, pdf(LEFT_HALF, b"/Rotate 90"))))
    assert (made[:50, :, 3] == 255).all()
    assert (made[50:, :, 3] == 0).all()


def test_half_transparent_colours_are_not_darkened(studio: Studio) -> None:
    made = array(studio.picture(file(studio, pdf(HALF_TRANSPARENT))))
    for x, wanted in ((10, (255, 0, 0, 127.5)), (37, (85, 0, 170, 191)), (60, (0, 0, 255, 127.5)), (90, (0, 0, 0, 0))):
        assert abs(made[25, x] - wanted).max() <= 1.5


@needs_gs
@pytest.mark.parametrize(
    ("content", "page"),
    [
        (CURVES, b""),
        (CURVES, b"/Rotate 90 /CropBox [10 0 100 50]"),
        (HALF_TRANSPARENT, b""),
        (TEXT, b""),
        (b"0 1 1 0 k 0 0 50 50 re f 1 0 0 0 k 50 0 50 50 re f", b""),
    ],
    ids=["curves", "turned and cropped", "transparent", "text", "cmyk"],
)
def test_it_looks_as_ghostscript_draws_it(studio: Studio, content: bytes, page: bytes) -> None:
    source = file(studio, pdf(content, page))
    theirs = by_ghostscript(studio, source, 288)
    ours = array(studio.picture(source, resized(width=theirs.shape[1], height=theirs.shape[0])))
    # two programs smooth edges in two ways, and have two profiles for inks
    assert abs(on_white(ours) - on_white(theirs)).mean() < (40 if b" k " in content else 3)
    assert abs(ours[:, :, 3] - theirs[:, :, 3]).mean() < 3


@needs_gs
def test_a_file_of_illustrator_looks_as_ghostscript_draws_it(studio: Studio) -> None:
    theirs = by_ghostscript(studio, SAMPLE, 4)
    report = studio.report(SAMPLE, ((), None))
    assert report.seen is not None
    assert (report.seen.width, report.seen.height, report.seen.type) == (10205, 4024, "application/illustrator")
    ours = array(studio.picture(SAMPLE, resized(width=theirs.shape[1], height=theirs.shape[0])))
    assert 0.1 < (ours[:, :, 3] > 127).mean() < 0.9
    assert abs(on_white(ours) - on_white(theirs)).mean() < 3
    assert abs(ours[:, :, 3] - theirs[:, :, 3]).mean() < 2


@pytest.mark.parametrize(
    ("more", "name"),
    [
        (b"", "PDF"),
        (b"<xmp:CreatorTool>Adobe Illustrator CC 2015 (Macintosh)</xmp:CreatorTool>\n", "AI"),
        (b"<< /Creator (Adobe Illustrator 9.0) >>\n", "AI"),
        (b"<xmp:CreatorTool>Adobe InDesign</xmp:CreatorTool> Adobe Illustrator\n", "PDF"),
    ],
)
def test_illustrator_signs_what_it_writes(studio: Studio, more: bytes, name: str) -> None:
    content = pdf(LEFT_HALF, more=more)
    assert recognise(content).name == name
    assert array(studio.picture(file(studio, content)))[25, 10].tolist() == [32, 64, 128, 255]


def test_the_mark_may_come_late(studio: Studio) -> None:
    made = studio.picture(file(studio, b"\r\n" * 100 + pdf(LEFT_HALF)))
    assert made.size == (100, 50)


def test_a_crop_in_the_first_place_cuts_the_natural_size(studio: Studio) -> None:
    made = array(studio.picture(file(studio, pdf(LEFT_HALF)), [("crop", {"x": 40, "width": 20, "height": 50})]))
    assert made.shape == (50, 20, 4)
    assert (made[:, :10, 3] == 255).all()
    assert (made[:, 10:, 3] == 0).all()


def test_a_jpeg_of_it_stands_on_white(studio: Studio) -> None:
    made = array(studio.picture(file(studio, pdf(LEFT_HALF)), type="image/jpeg"))
    assert abs(made[25, 10] - (32, 64, 128)).max() < 6
    assert (made[25, 90] > 250).all()


@needs_gs
def test_only_the_first_page_is_drawn(studio: Studio) -> None:
    script, made = studio.path(), studio.path()
    pages = ("<< /PageSize [40 20] >> setpagedevice 1 0 0 setrgbcolor 0 0 40 20 rectfill showpage", "showpage")
    script.write_text(f"%!PS\n{' '.join(pages)}\n")
    command = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", f"-sOutputFile={made}", str(script)]
    subprocess.run(command, check=True, capture_output=True)
    assert b"/Count 2" in made.read_bytes()
    report = studio.report(made, ((), "image/gif"))
    assert report.seen is not None
    assert (report.seen.width, report.seen.height, report.seen.frames) == (40, 20, 1)
    assert (array(studio.picture(made)) == (255, 0, 0, 255)).all()


# --- strangers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [b"/MediaBox [0 0 200000 200000]", b"/MediaBox [0 0 14400 14400]"])
def test_an_immense_page_is_drawn_only_where_it_is_made_smaller(studio: Studio, page: bytes) -> None:
    source = file(studio, pdf(LEFT_HALF, page))
    crop: Any = [("crop", {"width": 10, "height": 10})]
    report = studio.report(source, (crop, None), (resized(width=100), None), limits=Limits(output_side=300_000))
    assert report.flaws["0"].code == "over_limit"
    assert (report.made["1"].width, report.made["1"].height) == (100, 100)


def test_a_page_without_end_is_a_bad_image(studio: Studio) -> None:
    flaw = studio.flaw(file(studio, pdf(LEFT_HALF, b"/MediaBox [0 0 99000000 10]")), resized(width=10))
    assert flaw.code == "bad_image"
    assert "expected a size of at most 10,000,000 a side in the PDF file" in flaw.detail


def test_an_immense_one_is_no_layer(studio: Studio) -> None:
    big = file(studio, pdf(LEFT_HALF, b"/MediaBox [0 0 200000 200000]"))
    flaw = studio.flaw(studio.photo, [("layer", {"ref": "big"})], others={"big": big})
    assert flaw.code == "over_limit"


@needs_gs
def test_a_password_is_named(studio: Studio) -> None:
    plain, locked = file(studio, pdf(LEFT_HALF)), studio.path()
    secret = ["-sOwnerPassword=a", "-sUserPassword=b", "-dEncryptionR=3", "-dKeyLength=128"]
    command = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", *secret, f"-sOutputFile={locked}", str(plain)]
    subprocess.run(command, check=True, capture_output=True)
    flaw = studio.flaw(locked)
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert flaw.detail == "the PDF file needs a password; expected one that opens without"


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4",
        b"%PDF-1.4 garbage" * 100,
        pdf(LEFT_HALF)[:120],
        pdf(LEFT_HALF, pages=0),
        pdf(LEFT_HALF).replace(b"/Type /Page ", b"/Type /Pag3 ").replace(b"3 0 obj", b"3 0 obi"),
    ],
)
def test_a_broken_file_is_a_bad_image(studio: Studio, content: bytes) -> None:
    flaw = studio.flaw(file(studio, content))
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert "PDF file" in flaw.detail
    assert "/" not in flaw.detail


def test_what_a_file_would_do_on_opening_is_not_done(studio: Studio) -> None:
    traces = studio.folder / "traces"
    actions = (
        b"/OpenAction << /S /JavaScript /JS (while (true) {}) >>",
        b"/OpenAction << /S /Launch /F (/usr/bin/touch) /Win << /F (%s) >> >>" % os.fsencode(traces),
        b"/OpenAction << /S /URI /URI (http://127.0.0.1:1/) >>",
    )
    for action in actions:
        assert array(studio.picture(file(studio, pdf(LEFT_HALF, catalog=action))))[25, 10, 3] == 255
    assert not traces.exists()


def test_content_in_another_file_is_not_read(studio: Studio) -> None:
    beside = studio.folder / "content"
    beside.write_bytes(LEFT_HALF)
    linked = pdf(b"").replace(b"/Length 0", b"/Length 0 /F (%s)" % os.fsencode(beside))
    assert (array(studio.picture(file(studio, linked)))[:, :, 3] == 0).all()
