"""Owns the drawings among the seeds: SVG, PDF, AI, EPS, with as much of each language as fits. Never a broken one."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence

from PIL import Image

SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def _pixel(format: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (4, 4), (200, 80, 20)).save(target, format)
    return target.getvalue()


def _embedded() -> str:
    return "data:image/png;base64," + base64.b64encode(_pixel("PNG")).decode()


DRAWN: Mapping[str, str] = {
    "shapes": f'<svg {SPACES} width="40" height="30" viewBox="0 0 80 60"><style>.a '
    f"{{ fill: #f80; stroke: navy }}</style>"
    '<rect class="a" x="5" y="5" width="30" height="20" rx="4" transform="rotate(8)"/><circle cx="60" cy="20" r="12"/>'
    '<path d="M5 50 C20 30 40 60 75 40 l-4 8 a5 7 30 1 0 3 4 z" stroke-dasharray="3 1 2" fill-rule="evenodd"/>'
    '<polyline points="1,2 30,40 50,6" stroke-width="3" stroke-linejoin="round" opacity=".5"/></svg>',
    "paint": f'<?xml version="1.0"?><svg {SPACES} width="2cm" height="15mm"><defs><linearGradient id="g" x2="0.7">'
    '<stop offset="0.1" stop-color="red"/><stop offset="90%" stop-color="hsl(120,50%,50%)" stop-opacity=".4"/>'
    '</linearGradient><radialGradient id="r" xlink:href="#g" fx="20%" gradientTransform="scale(2 1)"/><pattern id="p" '
    'width="6" height="5" patternUnits="userSpaceOnUse"><rect width="3" height="3" fill="url(#r)"/></pattern></defs>'
    '<rect width="80" height="60" fill="url(#g)"/><ellipse cx="30" cy="20" rx="20" ry="9" fill="url(#p)"/></svg>',
    "filters": f'<svg {SPACES} width="40" height="30"><filter id="f" x="-10%" width="120%"><feTurbulence '
    'baseFrequency="0.2" numOctaves="3" seed="4"/><feGaussianBlur stdDeviation="2 1"/><feColorMatrix type="hueRotate" '
    'values="40"/><feOffset dx="3" dy="2" result="o"/><feMorphology operator="dilate" radius="2"/><feComposite in2="o" '
    'operator="arithmetic" k1=".5" k2="1" k3=".2" k4="0"/><feConvolveMatrix order="3" '
    'kernelMatrix="1 0 1 0 2 0 1 0 1"/>'
    '<feDiffuseLighting surfaceScale="2"><fePointLight x="5" y="6" z="7"/></feDiffuseLighting><feTile/></filter>'
    '<g filter="url(#f)"><rect x="5" y="5" width="20" height="10" fill="teal"/></g></svg>',
    "reuse": f'<svg {SPACES} viewBox="0 0 40 30"><defs><symbol id="s" viewBox="0 0 9 9"><rect width="5" height="7"/>'
    '</symbol><clipPath id="c"><circle r="12" cx="15" cy="12"/></clipPath><mask id="m"><rect width="30" height="30" '
    'fill="white"/></mask><marker id="k" markerWidth="4" markerHeight="4" orient="auto"><path d="M0 0 4 2 0 4z"/>'
    '</marker></defs><use href="#s" x="3" width="20" height="9"/><g clip-path="url(#c)" mask="url(#m)"><use '
    'xlink:href="#s" transform="translate(10 5) skewX(20)"/></g><path d="M2 2 L30 20" marker-end="url(#k)"/></svg>',
    "texts and pictures": f'<!DOCTYPE svg [<!ENTITY e "entity">]><svg {SPACES} width="40" height="30"><text x="2" '
    'y="12" font-size="8" textLength="30">A &e; <tspan dy="4" rotate="20">b</tspan></text><switch><g '
    f'requiredExtensions="x"/><image width="9" height="9" href="{_embedded()}"/></switch></svg>',
}
"""SVG, by what is in it."""


def pdf(objects: Sequence[bytes], head: bytes = b"%PDF-1.5\n", trailer: bytes = b"") -> bytes:
    """A file of these objects; the first is the catalogue."""
    body, places = head, []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer <</Size %d /Root 1 0 R %b>>\n" % (len(objects) + 1, trailer)
    at = body.rindex(b"trailer")
    xref = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, table)
    return body[:at] + xref + body[at:] + b"startxref\n%d\n%%%%EOF\n" % at


def stream(words: bytes, content: bytes, squeezed: bool = False) -> bytes:
    content = zlib.compress(content) if squeezed else content
    words += b" /Filter /FlateDecode" if squeezed else b""
    return b"<<%b /Length %d>>\nstream\n%b\nendstream" % (words, len(content), content)


def page(content: bytes, resources: bytes = b"", *more: bytes, box: bytes = b"0 0 40 30") -> list[bytes]:
    """Catalogue, pages, one page with this content (object 4), and more objects from 5 on."""
    one = b"<</Type /Page /Parent 2 0 R /MediaBox [%b] /Contents 4 0 R /Resources <<%b>>>>" % (box, resources)
    first = [b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Kids [3 0 R] /Count 1>>", one]
    return [*first, stream(b"", content), *more]


def _shades() -> bytes:
    content = (
        b"q 2 w [3 1] 0 d 1 0 0 RG 5 5 m 10 25 20 2 35 20 c S Q /S sh 0.2 0.5 0.9 rg 3 3 9 9 re f* /P gs 20 4 8 8 re B"
    )
    shading = b"/Shading <</S <</ShadingType 3 /ColorSpace /DeviceRGB /Coords [20 15 2 20 15 14] /Function 5 0 R>>>>"
    function = b"<</FunctionType 2 /Domain [0 1] /C0 [1 0 0] /C1 [0 0 1] /N 1.5>>"
    state = b"/ExtGState <</P <</ca 0.5 /BM /Multiply /SMask <</S /Luminosity /G 6 0 R>>>>>>"
    group = stream(
        b"/Type /XObject /Subtype /Form /BBox [0 0 40 30] /Group <</S /Transparency /CS /DeviceGray>>",
        b"0.5 g 0 0 40 30 re f",
    )
    return pdf(page(content, shading + state, function, group))


FOUR = b"/Type /XObject /Subtype /Image /Width 4 /Height 4 /BitsPerComponent 8"


def _pictures() -> bytes:
    content = b"q 20 0 0 20 2 2 cm /A Do Q q 14 4 -3 12 22 8 cm /B Do Q"
    flat = stream(
        FOUR + b" /ColorSpace [/Indexed /DeviceRGB 3 <ff000000ff000000ffffffff>] /SMask 7 0 R",
        bytes([0, 1, 2, 3] * 4),
        True,
    )
    jpeg = stream(
        FOUR + b" /ColorSpace /DeviceRGB /Filter /DCTDecode",
        _pixel("JPEG"),
    )
    mask = stream(
        FOUR + b" /ColorSpace /DeviceGray /DecodeParms <</Predictor 12 /Columns 4>>",
        b"\2abcd" * 4,
        True,
    )
    return pdf(page(content, b"/XObject <</A 5 0 R /B 6 0 R>>", flat, jpeg, mask))


def _texts() -> bytes:
    content = b"BT /F 9 Tf 1 0 0.2 1 3 4 Tm 2 Tr (Words) Tj [(a) -200 (b)] TJ ET "
    content += b"/C cs /T scn 0 15 40 15 re f BI /W 2 /H 2 /BPC 8 /CS /G ID abcd EI"
    font = b"/Font <</F <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>>>"
    space = b"/ColorSpace <</C [/Pattern]>> /Pattern <</T 5 0 R>>"
    tile = stream(
        b"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 4 4] /XStep 4 /YStep 5 /Resources <<>>",
        b"0 1 0 rg 0 0 2 2 re f",
    )
    return pdf(page(content, font + space, tile))


def _packed() -> bytes:
    """Objects in an object stream, found by a cross-reference stream."""
    inner = [
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 40 30] /Rotate 90>>",
        b"<</Type /Page /Parent 2 0 R /Contents 4 0 R>>",
    ]
    starts = [sum(len(one) + 1 for one in inner[:place]) for place in range(len(inner))]
    index = b" ".join(b"%d %d" % (number, start) for number, start in enumerate(starts, 1)) + b" "
    packed = stream(b"/Type /ObjStm /N 3 /First %d" % len(index), index + b" ".join(inner), True)
    body = b"%PDF-1.5\n"
    drawn = len(body)
    body += b"4 0 obj\n%b\nendobj\n" % stream(b"", b"1 0 0 rg 5 5 20 10 re f", True)
    objects = len(body)
    body += b"5 0 obj\n%b\nendobj\n" % packed
    at = len(body)
    rows = [(0, 0, 255), (2, 5, 0), (2, 5, 1), (2, 5, 2), (1, drawn, 0), (1, objects, 0), (1, at, 0)]
    table = b"".join(struct.pack(">BHB", *row) for row in rows)
    body += b"6 0 obj\n%b\nendobj\n" % stream(b"/Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R", table)
    return body + b"startxref\n%d\n%%%%EOF\n" % at


def _by_illustrator() -> bytes:
    return _shades().replace(b"%PDF-1.5\n", b"%PDF-1.5\n%/Creator (Adobe Illustrator 24)\n", 1)


PAGES: Mapping[str, Callable[[], bytes]] = {
    "shades": _shades,
    "pictures": _pictures,
    "texts": _texts,
    "packed": _packed,
    "AI": _by_illustrator,
}

EPS_HEAD = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\n"
DRAWN_SLOWLY: Mapping[str, str] = {
    "shapes": EPS_HEAD
    + "%%HiResBoundingBox: 0.5 0.5 39.5 29.5\n%%EndComments\n1 0 0 setrgbcolor 5 5 moveto 20 25 30 2 "
    "38 20 curveto 3 setlinewidth stroke gsave 10 10 translate 30 rotate 0 0 9 6 rectfill grestore\nshowpage\n%%EOF\n",
    "pictures": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: (atend)\n/s 12 string def 40 30 scale 2 2 8 [2 0 0 2 0 0] "
    "{currentfile s readhexstring pop} false 3 colorimage\nff00000000ff00ff00ffffff\n/Helvetica findfont .2 scalefont "
    "setfont .1 .1 moveto (ab) show\n%%Trailer\n%%BoundingBox: 0 0 40 30\n",
}
OLD_DRAWINGS: Mapping[str, str] = {
    "AI": "%!PS-Adobe-3.0\n%%Creator: Adobe Illustrator(TM) 5.5\n%%BoundingBox: 0 0 40 30\n0 0 9 9 rectfill showpage\n"
}


def dos_eps() -> bytes:
    script = DRAWN_SLOWLY["shapes"].encode()
    preview = _pixel("TIFF")
    head = struct.pack("<4s6IH", b"\xc5\xd0\xd3\xc6", 30, len(script), 0, 0, 30 + len(script), len(preview), 0xFFFF)
    return head + script + preview
