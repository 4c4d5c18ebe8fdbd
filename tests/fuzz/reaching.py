"""Owns REACHING: files that ask for another file by its path. Never a file that asks for the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.fuzz.attacks_in_boxes import elsewhere
from tests.fuzz.attacks_in_drawings import svg
from tests.fuzz.drawn import EPS_HEAD, page, pdf, stream

Reach = Callable[[str], bytes]
"""A file that asks for the one at this path."""


def drawn(inside: str, before: str = "", at: str = 'width="40" height="30"') -> Reach:
    """`@` is the path."""
    return lambda path: svg(inside.replace("@", path), at.replace("@", path), before.replace("@", path))


def script(program: str) -> Reach:
    return lambda path: (EPS_HEAD + program.replace("@", path) + "\nshowpage\n").encode()


INCLUDE = '<text><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="@" parse="text"/></text>'


def _page_elsewhere(path: str) -> bytes:
    """The page's content, its picture and a form lie in another file (ISO 32000-1, 7.3.8 and 8.10.4)."""
    name = path.encode()
    form = b"/Subtype /Form /BBox [0 0 9 9] /Ref <</F (%b) /Page 0>>" % name
    picture = b"/Subtype /Image /Width 24 /Height 16 /BitsPerComponent 8 /ColorSpace /DeviceRGB /F (%b)" % name
    font = b"<</Type /Font /Subtype /TrueType /BaseFont /X /FontDescriptor <</FontFile2 7 0 R /FontFile3 8 0 R>>>>"
    objects = page(
        b"/A Do /B Do BT /C 9 Tf (a) Tj ET",
        b"/XObject <</A 5 0 R /B 6 0 R>> /Font <</C 9 0 R>>",
        *(stream(form, b"0 0 9 9 re f"), stream(picture, b"")),
        *(stream(b"/F (%b)" % name, b""), stream(b"/F <</Type /Filespec /F (%b)>>" % name, b""), font),
    )
    objects[3] = b"<</F (%b) /Length 0>>\nstream\n\nendstream" % name
    return pdf(objects)


def _opening(path: str) -> bytes:
    """What it would do when it is opened, and files that belong to it."""
    name = path.encode()
    objects = page(b"0 0 9 9 re f")
    objects[0] = (
        b"<</Type /Catalog /Pages 2 0 R /OpenAction <</S /Launch /F (%b)>>"
        b" /AA <</WC <</S /GoToR /F (%b) /D [0 /Fit]>>>>"
        b" /Names <</EmbeddedFiles <</Names [(a) <</Type /Filespec /F (%b)>>]>>>> /Collection <<>>>>"
        % (name, name, name)
    )
    return pdf(objects)


REACHING: Mapping[str, Reach] = {
    "SVG: image": drawn('<image href="@" width="9" height="9"/>'),
    "SVG: image by URL": drawn('<image xlink:href="file://@" width="9" height="9"/>'),
    "SVG: image with a base": drawn(
        '<image href="canary" width="9" height="9"/>', at='width="9" height="9" xml:base="file://@"'
    ),
    "SVG: use": drawn('<use href="file://@#a"/>'),
    "SVG: paint": drawn(
        '<rect width="9" height="9" fill="url(file://@#a)" mask="url(file://@#b)" filter="url(file://@#c)"/>'
    ),
    "SVG: feImage": drawn(
        '<filter id="f"><feImage href="file://@"/></filter><rect width="9" height="9" filter="url(#f)"/>'
    ),
    "SVG: include": drawn(INCLUDE),
    "SVG: include by URL": drawn(INCLUDE.replace("@", "file://@")),
    "SVG: entity": drawn("<text>&a;</text>", '<!DOCTYPE svg [<!ENTITY a SYSTEM "file://@">]>'),
    "SVG: parameter entity": drawn("<text>&a;</text>", '<!DOCTYPE svg [<!ENTITY % a SYSTEM "file://@"> %a;]>'),
    "SVG: document type": drawn("<text>&a;</text>", '<!DOCTYPE svg SYSTEM "file://@">'),
    "SVG: style sheet": drawn("<g/>", '<?xml-stylesheet href="file://@" type="text/css"?>'),
    "SVG: import": lambda path: svg(f'<style>@import url("file://{path}"); @import "{path}";</style>'),
    "SVG: font": lambda path: svg(
        f'<style>@font-face {{font-family: a; src: url("file://{path}")}}</style><text font-family="a">a</text>'
    ),
    "SVG: script": drawn('<script href="file://@"/><foreignObject><iframe src="file://@"/></foreignObject>'),
    "EPS: file": script("(@) (r) file closefile"),
    "EPS: run": script("(@) run"),
    "EPS: library": script("(@) runlibfile"),
    "EPS: write": script("(@) (w) file (x) writestring"),
    "EPS: delete": script("(@) deletefile"),
    "EPS: rename": script("(@) (@2) renamefile"),
    "EPS: status": script("(@) status {pop pop pop pop} if"),
    "EPS: names": script("(@*) {pop} 99 string filenameforall"),
    "EPS: caught": script("{(@) (r) file} stopped pop {(%os%@) (r) file} stopped pop {(@) .libfile} stopped pop"),
    "EPS: pipe": script("(%pipe%cat @) (r) file closefile"),
    "EPS: device": script("<</OutputDevice /pngalpha /OutputFile (@)>> setpagedevice"),
    "EPS: font": script("<</FontPath (@)>> pop (@) findlibfile {closefile} if (@) findfont pop"),
    "PDF: streams": _page_elsewhere,
    "PDF: actions": _opening,
    "HEIF: data reference": elsewhere,
    "HEIF: data reference by URL": lambda path: elsewhere("file://" + path),
}
