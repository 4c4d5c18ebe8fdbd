"""Owns the tests of SVG: how large, how sharp, and that nothing outside of the file is read. Never another drawing."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sixpx.core.render import Limits, Saving, Sheet
from sixpx.worker.formats import HEAD, svg
from sixpx.worker.formats.svg import MOST

from .conftest import Studio

SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
HALF = '<rect width="50%" height="100%" fill="#204080"/>'
"""The left half; transparent on the right."""
RED = '<rect width="100%" height="100%" fill="#f00"/>'


def drawing(studio: Studio, inside: str = RED, at: str = 'width="40" height="20"', before: str = "") -> Path:
    return file(studio, f"{before}<svg {SPACES} {at}>{inside}</svg>".encode())


def file(studio: Studio, content: bytes) -> Path:
    path = studio.path()
    path.write_bytes(content)
    return path


def array(image: Image.Image) -> Any:
    return np.asarray(image).astype(int)


def resized(**options: Any) -> Any:
    return [("resize", options)]


# --- how large ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "size"),
    [
        ('width="40" height="20"', (40, 20)),
        ('width="40px" height="20.4px"', (40, 20)),
        ('viewBox="0 0 30 21"', (30, 21)),
        ('viewBox="5 5 30 21" width="100%" height="100%"', (30, 21)),
        ('viewBox="0 0 30 20" width="90"', (90, 60)),
        ('width="210mm" height="297mm"', (794, 1123)),
        ('width="1in" height="72pt"', (96, 96)),
        ('width="1" height="1"', (1, 1)),
        ('width="nan" height="1e300" viewBox="0 0 30 20"', (30, 20)),
    ],
)
def test_it_is_as_large_as_it_says_or_as_its_view_box(studio: Studio, at: str, size: tuple[int, int]) -> None:
    report = studio.report(drawing(studio, at=at), ((), None))
    assert report.seen is not None
    assert (report.seen.width, report.seen.height, report.seen.type) == (*size, "image/svg+xml")
    made = report.made["0"]
    assert (made.width, made.height, made.type) == (*size, "image/png")


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ('width="0" height="20"', "expected a width and a height above 0, or a viewBox"),
        ('viewBox="0 0 0 0"', "expected a width and a height above 0, or a viewBox"),
        ('width="1e9" height="1e9"', "expected a size of at most 10,000,000 a side"),
        ('width="4" height="1e9"', "expected a size of at most 10,000,000 a side"),
        ('width="3e7" height="1"', "expected a size of at most 10,000,000 a side"),
    ],
)
@pytest.mark.parametrize("steps", [(), resized(width=10)])
def test_a_size_that_is_none_is_a_bad_image(studio: Studio, at: str, words: str, steps: Any) -> None:
    flaw = studio.flaw(drawing(studio, at=at), steps)
    assert (flaw.code, flaw.stage) == ("bad_image", "load")
    assert words in flaw.detail


def test_an_immense_one_is_drawn_only_where_it_is_made_smaller(studio: Studio) -> None:
    source = drawing(studio, HALF, 'width="500000" height="500000"')
    crop = [("crop", {"width": 10, "height": 10})]
    report = studio.report(source, ((), "image/png"), (crop, "image/png"), (resized(width=100), "image/png"))
    assert {key: flaw.code for key, flaw in report.flaws.items()} == {"0": "over_limit", "1": "over_limit"}
    assert "250,000,000,000 pixels; the limit input_pixels is 75,000,000" in report.flaws["1"].detail
    assert (report.made["2"].width, report.made["2"].height) == (100, 100)


def test_an_immense_one_is_no_layer_either(studio: Studio) -> None:
    big = drawing(studio, at='width="500000" height="500000"')
    flaw = studio.flaw(studio.photo, [("layer", {"ref": "big"})], others={"big": big})
    assert flaw.code == "over_limit"
    assert '"big"' in flaw.detail


# --- how sharp ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(400, 200), (160, 80), (20, 10), (333, 167)])
def test_it_is_drawn_at_the_size_that_is_wanted(studio: Studio, width: int, height: int) -> None:
    made = array(studio.picture(drawing(studio, HALF, 'width="100" height="50"'), resized(width=width)))
    assert made.shape == (height, width, 4)
    # where the proportions are not quite those of the drawing, its own rule centers it: half a row stays free
    alpha = made[1:-1, :, 3]
    assert (alpha[:, : width // 2] == 255).all()
    assert (alpha[:, width // 2 + 1 :] == 0).all()
    assert abs(made[:, : width // 2, :3] - (0x20, 0x40, 0x80)).max() <= 1


def test_a_circle_is_as_large_as_geometry_says(studio: Studio) -> None:
    source = drawing(studio, '<circle cx="20" cy="10" r="8"/>')
    alpha = array(studio.picture(source, resized(width=800)))[:, :, 3] / 255
    y, x = np.mgrid[0:400, 0:800] + 0.5
    distance = np.hypot(x - 400, y - 200)
    assert (alpha[distance < 159] == 1).all()
    assert (alpha[distance > 161] == 0).all()
    assert alpha.sum() == pytest.approx(np.pi * 160**2, rel=1e-3)


def test_a_stretched_one_is_sharp_too(studio: Studio) -> None:
    source = drawing(studio, HALF, 'width="100" height="50" viewBox="0 0 100 50"')
    made = array(studio.picture(source, resized(width=300, height=600)))
    assert made.shape == (600, 300, 4)
    assert (made[:, :148, 3] > 250).all()
    assert (made[:, 152:, 3] < 5).all()


def test_a_stretched_one_stays_within_the_limits(studio: Studio) -> None:
    source = drawing(studio, HALF, 'width="1000" height="1000" viewBox="0 0 1000 1000"')
    sheets: Any = (resized(width=8000, height=10), "image/png")
    report = studio.report(source, sheets, limits=Limits(input_pixels=1_000_000))
    assert (report.made["0"].width, report.made["0"].height) == (8000, 10)


def test_each_sheet_is_drawn_afresh(studio: Studio) -> None:
    source = drawing(studio, HALF)
    report = studio.report(source, *((resized(width=width), "image/png") for width in (400, 40, 1000, 401)))
    sizes = [(made.width, made.height) for made in report.made.values()]
    assert sizes == [(400, 200), (40, 20), (1000, 500), (401, 201)]


def test_a_crop_in_the_first_place_cuts_the_natural_size(studio: Studio) -> None:
    crop = ("crop", {"x": 10, "y": 5, "width": 20, "height": 10})
    made = array(studio.picture(drawing(studio, HALF), [crop, ("resize", {"width": 40})]))
    assert made.shape == (20, 40, 4)
    assert (made[:, :18, 3] == 255).all()
    assert (made[:, 22:, 3] == 0).all()


def test_half_transparent_colours_are_not_darkened(studio: Studio) -> None:
    source = drawing(studio, '<rect width="40" height="20" fill="#ff8000" fill-opacity="0.5"/>')
    red, green, blue, alpha = array(studio.picture(source))[10, 20]
    assert (red, blue, alpha) == (255, 0, 128)
    assert abs(green - 128) <= 1


def test_a_jpeg_of_it_stands_on_white(studio: Studio) -> None:
    made = array(studio.picture(drawing(studio, HALF), type="image/jpeg"))
    assert abs(made[10, 5] - (0x20, 0x40, 0x80)).max() < 6
    assert (made[10, 35] > 250).all()


def test_it_can_be_a_layer(studio: Studio) -> None:
    step = ("layer", {"ref": "logo", "x": 100, "y": 50})
    made = array(studio.picture(studio.photo, [step], others={"logo": drawing(studio)}))
    assert (made[50:70, 100:140] == (255, 0, 0)).all()
    with Image.open(studio.photo) as photo:
        assert abs(made - array(photo))[:, 141:].max() < 30


@pytest.mark.parametrize("at", ['width="40" height="20"', 'width="500000" height="250000" viewBox="0 0 40 20"'])
def test_a_layer_of_it_is_drawn_at_its_size_there(studio: Studio, at: str) -> None:
    step = ("layer", {"ref": "logo", "width": 800})
    base = studio.save(Image.new("RGB", (1000, 500)))
    made = array(studio.picture(base, [step], others={"logo": drawing(studio, HALF, at)}))
    assert (made[:400, :399] == (0x20, 0x40, 0x80)).all()
    assert (made[:400, 401:] == 0).all()


def test_layers_of_it_at_many_sizes_stay_what_they_are(studio: Studio) -> None:
    """More of them than are kept at a time: each is drawn anew when it is needed again."""
    limits = Limits(input_pixels=400_000)
    steps = [("layer", {"ref": "logo", "width": width, "x": width}) for width in (640, 320, 600, 640, 40)]
    made = studio.path()
    others = {"logo": drawing(studio)}
    report = studio.render(
        studio.save(Image.new("RGB", (700, 400))),
        Sheet("one", str(made), tuple(steps), Saving("image/png")),
        limits=limits,
        others=others,
    )
    assert not report.flaws
    with Image.open(made) as image:
        drawn = array(image)
    assert (drawn[:20, 40:80] == (255, 0, 0)).all()
    assert (drawn[:, :40] == 0).all()


def test_text_is_drawn_with_the_fonts_of_the_system(studio: Studio) -> None:
    if not any(Path("/usr/share/fonts").rglob("*.[to]tf")):
        pytest.skip("no fonts are installed")
    text = '<text x="2" y="18" font-size="20" font-family="sans-serif">Wm</text>'
    alpha = array(studio.picture(drawing(studio, text), resized(width=400)))[:, :, 3]
    assert 0.1 < (alpha > 127).mean() < 0.6
    assert alpha.max() == 255


# --- told by content ------------------------------------------------------------------------------

PLAIN = f'<svg {SPACES} width="40" height="20">{RED}</svg>'
DOCTYPE = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" '
PREFIXED = '<s:svg xmlns:s="http://www.w3.org/2000/svg" width="40" height="20"><s:rect width="40" height="20"/></s:svg>'


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf \n" + PLAIN.encode(),
        f'<?xml version="1.0"?>\n<!-- made > by <svg> hand -->\n{PLAIN}'.encode(),
        f'<?xml version="1.0"?>{DOCTYPE}[<!ENTITY ns "http://example.com/"> ]>{PLAIN}'.encode(),
        f"<?xml version='1.0' standalone='no'?><?xml-stylesheet href='a.css'?>{DOCTYPE}>{PLAIN}".encode(),
        PREFIXED.encode(),
        ("\ufeff" + PLAIN).encode("utf-16-le"),
        ("\ufeff" + PLAIN).encode("utf-16-be"),
        ('<?xml version="1.0" encoding="UTF-16"?>' + PLAIN).encode("utf-16-le"),
        f"<!-- {'long ' * HEAD} -->{PLAIN}".encode(),
        gzip.compress(PLAIN.encode()),
        gzip.compress(f'<?xml version="1.0"?><!-- {"long " * HEAD} -->{PLAIN}'.encode(), 0),
    ],
)
def test_it_is_told_by_its_root_element(studio: Studio, content: bytes) -> None:
    seen = studio.report(file(studio, content), ((), None)).seen
    assert seen is not None
    assert (seen.width, seen.height, seen.type) == (40, 20, "image/svg+xml")


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><body><svg></svg></body></html>",
        b'<?xml version="1.0"?><feed><svg/></feed>',
        b"<svgfoo/>",
        b"svg",
        b"<!-- <svg> --> nothing",
        gzip.compress(b"<html/>", mtime=0),
        b"\x1f\x8bjunk",
        b"<??>" * 1000 + b"x",
        b"<!---->" * 500 + b"x",
    ],
)
def test_other_markup_is_no_svg(studio: Studio, content: bytes) -> None:
    assert not svg.claims(content)
    assert studio.flaw(file(studio, content)).code == "bad_image"


# --- strangers ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def beside(studio: Studio) -> Path:
    """A picture in the folder in which the drawings lie, and a text."""
    studio.save(Image.new("RGB", (40, 20), (255, 0, 0))).rename(studio.folder / "beside.png")
    (studio.folder / "beside.txt").write_text("WWWWW")
    (studio.folder / "beside.css").write_text("rect { fill: red }")
    return studio.folder


LINKS = ("beside.png", "./beside.png", "{}/beside.png", "file://{}/beside.png", "file:beside.png")
INCLUDE = '<text y="20" font-size="20"><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{}" {}/></text>'


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("base", ["", 'xml:base="file://{}/"'])
def test_no_picture_beside_it_is_read(studio: Studio, beside: Path, link: str, base: str) -> None:
    link, base = link.format(beside), base.format(beside)
    for inside in (
        f'<image href="{link}" width="40" height="20"/>',
        f'<image xlink:href="{link}" width="40" height="20"/>',
        f'<use href="{link}#a" width="40" height="20"/>',
        f'<filter id="f"><feImage href="{link}"/></filter><g filter="url(#f)"><rect width="40" height="20"/></g>',
    ):
        made = array(studio.picture(drawing(studio, inside, f'width="40" height="20" {base}')))
        assert (made[:, :, 0] == 0).all()


@pytest.mark.parametrize("link", ["beside.txt", "{}/beside.txt", "file://{}/beside.txt", "/etc/passwd"])
@pytest.mark.parametrize("how", ['parse="text"', ""])
def test_no_text_beside_it_is_included(studio: Studio, beside: Path, link: str, how: str) -> None:
    source = drawing(studio, INCLUDE.format(link.format(beside), how))
    assert (array(studio.picture(source))[:, :, 3] == 0).all()


def test_no_style_sheet_beside_it_is_read(studio: Studio, beside: Path) -> None:
    link = f"file://{beside}/beside.css"
    inside = f'<style>@import url("{link}"); @import "beside.css";</style><rect width="40" height="20"/>'
    made = array(studio.picture(drawing(studio, inside, before=f'<?xml-stylesheet href="{link}" type="text/css"?>')))
    assert (made[:, :, :3] == 0).all()


@pytest.mark.parametrize("what", ["{}/beside.txt", "file://{}/beside.txt", "file:///etc/passwd"])
def test_no_external_entity_is_read(studio: Studio, beside: Path, what: str) -> None:
    before = f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "{what.format(beside)}">]>'
    flaw = studio.flaw(drawing(studio, '<text y="20">&x;</text>', before=before))
    assert (flaw.code, flaw.detail) == ("bad_image", "the SVG file is broken")


def test_nothing_is_fetched(studio: Studio) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        link = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        inside = f'<image href="{link}.png" width="40" height="20"/><style>@import url("{link}.css");</style>'
        dtd = f'<!DOCTYPE svg SYSTEM "{link}.dtd">'
        assert (array(studio.picture(drawing(studio, inside, before=dtd)))[:, :, 3] == 0).all()
        with pytest.raises(TimeoutError):
            server.accept()


def test_data_uris_are_part_of_the_file(studio: Studio) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
    inside = f'<image href="data:image/png;base64,{pixel}" width="40" height="20" preserveAspectRatio="none"/>'
    assert array(studio.picture(drawing(studio, inside)))[10, 20].tolist() == [255, 0, 0, 255]


def test_scripts_do_not_run(studio: Studio) -> None:
    code = "document.documentElement.remove(); while (true) {}"
    inside = f'{RED}<script>{code}</script><set attributeName="fill" to="blue"/>'
    made = array(studio.picture(drawing(studio, inside, f'width="40" height="20" onload="{code}"')))
    assert (made == (255, 0, 0, 255)).all()


def laughs() -> str:
    """A billion words from ten entities."""
    steps = (f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 10))
    return f'<!DOCTYPE svg [<!ENTITY l0 "lol">{"".join(steps)}]>'


@pytest.mark.parametrize(
    "content",
    [
        f'<?xml version="1.0"?>{laughs()}<svg {SPACES} width="9" height="9"><text>&l9;</text></svg>',
        f'<svg {SPACES} width="9" height="9">{"<g>" * 100_000}</svg>',
        f'<svg {SPACES} width="9" height="9"><path d="{"M0 0" * 3_000_000}"/></svg>',
        f'<svg {SPACES} width="9" height="9"><path',
        f'<svg {SPACES} width="9" height="9"></g></svg>',
        f'<svg {SPACES} width="9" height="9"><text>\x00\x01</text></svg>',
    ],
    ids=["laughs", "deep", "long attribute", "cut short", "crossed", "nulls"],
)
def test_broken_and_hostile_markup_is_a_bad_image(studio: Studio, content: str) -> None:
    flaw = studio.flaw(file(studio, content.encode()))
    assert (flaw.code, flaw.stage, flaw.detail) == ("bad_image", "load", "the SVG file is broken")


def test_a_reference_to_itself_ends(studio: Studio) -> None:
    inside = '<g id="a"><use href="#a"/></g><pattern id="p"><rect width="9" height="9" fill="url(#p)"/></pattern>'
    studio.make(drawing(studio, inside + '<rect width="9" height="9" fill="url(#p)"/>'))


@pytest.mark.long
def test_a_bomb_of_elements_ends(studio: Studio) -> None:
    groups = (f'<g id="u{number}">{f"""<use href="#u{number - 1}"/>""" * 10}</g>' for number in range(1, 10))
    inside = f'<defs><g id="u0"><rect width="1" height="1"/></g>{"".join(groups)}</defs><use href="#u9"/>'
    flaw = studio.flaw(drawing(studio, inside))
    assert flaw.code == "bad_image"
    assert "referenced elements" in flaw.detail


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_of_too_many_bytes_is_refused(studio: Studio, squeeze: Any) -> None:
    content = squeeze(PLAIN.encode() + b" " * MOST)
    flaw = studio.flaw(file(studio, content))
    assert (flaw.code, flaw.stage) == ("over_limit", "load")
    assert f"at most {MOST:,} bytes" in flaw.detail


def test_a_gzip_stream_cut_short_is_a_bad_image(studio: Studio) -> None:
    squeezed = gzip.compress((PLAIN[:-6] + "<g/>" * 5000 + "</svg>").encode())
    assert studio.flaw(file(studio, squeezed[: len(squeezed) * 2 // 3])).code == "bad_image"
