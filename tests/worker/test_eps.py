"""Owns the tests of EPS: boxes, headers, pixels at known places, programs that try what they must not. Never PDF."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sixpx.core.geometry import Size
from sixpx.worker.formats import FORMATS, ghostscript
from sixpx.worker.formats.eps import EPS
from sixpx.worker.formats.eps import OLD_AI as OWN
from sixpx.worker.formats.postscript import BoundingBox, bounding_box

from .conftest import Studio
from .drawings import BOX, FIRST, SHAPES, array, dos, eps, file, is_shapes, needs_gs, resized

# --- the bounding box -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comments", "box"),
    [
        (b"%%BoundingBox: 10 20 110 70", (10, 20, 100, 50)),
        (b"%%BoundingBox:10 20 110 70\r", (10, 20, 100, 50)),
        (b"%%Title: (a)\r%%BoundingBox: -10 -20 110 70\r%%Pages: 1", (-10, -20, 120, 90)),
        (b"%%BoundingBox: 0 0 10 10\n%%HiResBoundingBox: 0.5 0.25 9.75 9.5e0", (0.5, 0.25, 9.25, 9.25)),
        (b"%%HiResBoundingBox: .5 0. +9 8\n%%BoundingBox: 0 0 10 10", (0.5, 0, 8.5, 8)),
        (b"%%HiResBoundingBox: 0 0 0 0\n%%BoundingBox: 0 0 10 10", (0, 0, 10, 10)),
        (b"%%HiResBoundingBox: none\n%%BoundingBox: 0 0 10 10", (0, 0, 10, 10)),
        (b"%%BoundingBox: (atend)\n%%Trailer\n%%BoundingBox: 1 1 3 3\n%%BoundingBox: 1 2 3 4", (1, 2, 2, 2)),
        (b"%%BoundingBox: 0 0 10 10\n%%BeginDocument: a\n%%BoundingBox: 0 0 5 5\n%%EndDocument", (0, 0, 10, 10)),
        (b"%%BoundingBox: (atend)\n" + b" " * 200_000 + b"\n%%BoundingBox: 1 2 3 4\n%%EOF", (1, 2, 2, 2)),
    ],
)
def test_the_box_is_what_the_comments_say(studio: Studio, comments: bytes, box: tuple[float, ...]) -> None:
    with file(studio, b"%!PS-Adobe-3.0 EPSF-3.0\n" + comments + b"\nshowpage").open("rb") as script:
        assert bounding_box(script) == BoundingBox(*box)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ("", "expected a %%BoundingBox in the EPS file, found none"),
        ("%%BoundingBox: (atend)\n", "expected a %%BoundingBox in the EPS file, found none"),
        ("%%BoundingBox: a b c d\n", "found none"),
        ("% %%BoundingBox: 0 0 1 1\n", "found none"),
        ("%%BoundingBox: 0 0 " + "1" * 100_000 + "\n", "found none"),
        ("%%BoundingBox: 0 0 0 0\n", "expected a size of at most 10,000,000 a side in the EPS file, got 0 by 0"),
        ("%%BoundingBox: 10 10 5 20\n", "got -5 by 10"),
        ("%%BoundingBox: 0 0 1e300 1e300\n", "got 1e+300 by 1e+300"),
        ("%%BoundingBox: 0 0 " + "9" * 400 + " 1\n", "got inf by 1"),
        ("%%BoundingBox: -1e999 0 1e999 1\n", "got inf by 1"),
    ],
)
def test_a_box_that_is_none_is_a_bad_image(studio: Studio, box: str, words: str) -> None:
    flaw = studio.flaw(file(studio, eps(box=box)))
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert words in flaw.detail


# --- pixels ---------------------------------------------------------------------------------------


@needs_gs
@pytest.mark.parametrize(
    "content",
    [
        eps(),
        eps(SHAPES),
        eps(box="%%BoundingBox: (atend)\n", body=SHAPES + "showpage\n%%Trailer\n" + BOX + "%%EOF\n"),
        eps(box="%%BoundingBox: 0 0 500 500\n%%HiResBoundingBox: 10.0 20.0 110.0 70.0\n"),
        eps().replace(b"\n", b"\r"),
        eps().replace(b"\n", b"\r\n"),
        b"\x04" + eps() + b"\x04",
        dos(eps()),
        dos(eps(SHAPES), before=512),
        dos(b"\x04" + eps()),
        eps("initgraphics initmatrix\n" + SHAPES),
        eps("<< /PageSize [40 40] >> setpagedevice\n" + SHAPES + "showpage"),
        eps(SHAPES + "showpage 0 1 0 setrgbcolor 0 0 999 999 rectfill showpage"),
        eps("(words of the program) print flush\n" + SHAPES),
        eps("(%stdout) (w) file dup (no picture) writestring flushfile\n" + SHAPES),
        eps(SHAPES, first="%!PS-Adobe-2.0\n"),
    ],
    ids=[
        *("plain", "no showpage", "atend", "hires", "old mac", "dos lines", "eot", "binary", "binary, no showpage"),
        *("binary, eot", "initgraphics", "pagesize", "two pages", "prints", "stdout", "no EPSF"),
    ],
)
def test_shapes_lie_where_the_program_puts_them(studio: Studio, content: bytes) -> None:
    source = file(studio, content)
    assert EPS.header(str(source)).size == Size(100, 50)
    assert is_shapes(array(studio.picture(source, resized(width=300))))


@needs_gs
def test_it_is_as_large_as_its_box_in_points_and_becomes_a_png(studio: Studio) -> None:
    report = studio.report(file(studio, eps(box="%%HiResBoundingBox: 10.2 20.3 110.1 70.2\n")), ((), None))
    assert report.seen is not None
    assert (report.seen.width, report.seen.height, report.seen.type) == (100, 50, "application/postscript")
    assert (report.made["0"].width, report.made["0"].height, report.made["0"].type) == (100, 50, "image/png")


@needs_gs
@pytest.mark.parametrize(("width", "height"), [(400, 200), (20, 10), (333, 167), (300, 600), (1, 1)])
def test_it_is_drawn_at_exactly_the_size_that_is_wanted(studio: Studio, width: int, height: int) -> None:
    made = array(studio.picture(file(studio, eps()), resized(width=width, height=height)))
    assert made.shape == (height, width, 4)
    assert width < 20 or is_shapes(made)


@needs_gs
def test_a_large_one_is_drawn_small(studio: Studio) -> None:
    body = "1 0 0 setrgbcolor 0 0 15000 30000 rectfill"
    source = file(studio, eps(body, "%%BoundingBox: 0 0 30000 30000\n"))
    crop: Any = [("crop", {"width": 10, "height": 10})]
    report = studio.report(source, (crop, None), (resized(width=64), None), (resized(width=4, height=64), None))
    assert "900,000,000 pixels; the limit input_pixels" in report.flaws["0"].detail
    assert [(made.width, made.height) for made in report.made.values()] == [(64, 64), (4, 64)]
    made = array(studio.picture(source, resized(width=64)))
    assert abs(made[:, :30] - (255, 0, 0, 255)).max() <= 2
    assert (made[:, 34:, 3] <= 2).all()


def test_one_that_is_immense_even_when_it_is_drawn_small_is_refused(studio: Studio) -> None:
    source = file(studio, eps(box="%%BoundingBox: 0 0 9999999 9999999\n"))
    flaw = studio.flaw(source, resized(width=64))
    assert flaw.code == ("over_limit" if ghostscript.missing() is None else "not_supported")


@needs_gs
def test_an_immense_one_is_no_layer(studio: Studio) -> None:
    big = file(studio, eps(box="%%BoundingBox: 0 0 30000 30000\n"))
    flaw = studio.flaw(studio.photo, [("layer", {"ref": "big"})], others={"big": big})
    assert flaw.code == "over_limit"


@needs_gs
def test_a_jpeg_of_it_stands_on_white(studio: Studio) -> None:
    made = array(studio.picture(file(studio, eps()), resized(width=400), "image/jpeg"))
    assert abs(made[100, 50] - (255, 0, 0)).max() < 6
    assert (made[10, 390] > 250).all()


@needs_gs
def test_it_looks_as_pdfium_draws_it(studio: Studio) -> None:
    """Ghostscript makes a PDF of the same program, and another program draws that."""
    body = "0.2 0.6 0.3 setrgbcolor 50 45 moveto 90 65 90 25 50 45 curveto fill 3 setlinewidth 0.8 0 0.4 setrgbcolor "
    body += "20 25 moveto 30 80 50 0 70 65 curveto stroke /Times-Roman findfont 20 scalefont setfont 0 setgray "
    source = file(studio, eps(body + "30 30 moveto (Hamburg) show showpage\n"))
    other = studio.path()
    command = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-dEPSCrop", "-sDEVICE=pdfwrite", f"-sOutputFile={other}"]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    ours, theirs = (array(studio.picture(path, resized(width=400), "image/jpeg")) for path in (source, other))
    assert ours.std() > 20
    assert abs(ours - theirs).mean() < 3


def test_the_program_is_named_where_it_is_not_installed(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    flaw = studio.flaw(file(studio, eps()))
    assert (flaw.code, flaw.stage) == ("not_supported", "load")
    assert "this installation reads no EPS files: reading it needs gs, which is not installed here" in flaw.detail
    assert "apt-get install ghostscript" in flaw.detail


# --- Illustrator's own ----------------------------------------------------------------------------

OLD_AI = "%!PS-Adobe-3.0 \n%%Creator: Adobe Illustrator(R) 8.0\n"


def test_illustrators_own_postscript_is_told_from_its_eps() -> None:
    own, exported = eps(first=OLD_AI), eps(first=FIRST + "%%Creator: Adobe Illustrator(R) 8.0\n")
    for kind, content in ((OWN, own), (OWN, own.replace(b"\n", b"\r")), (EPS, exported), (EPS, dos(own))):
        assert [one for one in FORMATS if one.claims(content)] == [kind]


@needs_gs
def test_illustrators_own_postscript_that_needs_illustrator_says_what_to_do(studio: Studio) -> None:
    body = "Adobe_level2_AI5 /initialize get exec\n0 0 m 10 10 L S\n"
    flaw = studio.flaw(file(studio, eps(body, first=OLD_AI)))
    assert flaw.code == "bad_image"
    assert flaw.detail.startswith("the AI (PostScript) file cannot be drawn; Ghostscript stopped: undefined in Adobe_")
    assert flaw.detail.endswith("save it with PDF compatibility")
    assert is_shapes(array(studio.picture(file(studio, eps(first=OLD_AI)), resized(width=200))))


# --- broken files ---------------------------------------------------------------------------------


@needs_gs
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("foo bar", "Ghostscript stopped: undefined in foo"),
        ("1 0 div", "Ghostscript stopped: undefinedresult in div"),
        ("0 0 9 9 rectfill ) showpage", "Ghostscript stopped: syntaxerror"),
        ("quit", "the EPS file ends without a page"),
        ("<< /OutputDevice /nulldevice >> setpagedevice showpage", "the EPS file"),
    ],
)
def test_a_program_that_fails_is_a_bad_image(studio: Studio, body: str, words: str) -> None:
    flaw = studio.flaw(file(studio, eps(body)))
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert words in flaw.detail


@pytest.mark.parametrize(
    "content",
    [
        b"\xc5\xd0\xd3\xc6",
        dos(eps())[:20],
        dos(eps())[:60],
        b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF) + bytes(22),
        b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 30, 0) + bytes(22),
    ],
)
def test_a_binary_header_that_lies_is_a_bad_image(studio: Studio, content: bytes) -> None:
    flaw = studio.flaw(file(studio, content))
    assert (flaw.code, flaw.stage) in (("bad_image", "load"), ("not_supported", "load"))
    assert ghostscript.missing() or "is broken" in flaw.detail
