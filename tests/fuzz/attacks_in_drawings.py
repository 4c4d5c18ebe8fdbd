"""Owns the attacks in SVG, PDF and EPS: little text that is much work, or that asks for files. Never runs one."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from functools import partial

from tests.fuzz.attack import Attack, Steps
from tests.fuzz.attacks_in_files import png
from tests.fuzz.drawn import EPS_HEAD, SPACES, page, pdf, stream
from tests.fuzz.streams import deflated_zeros

SMALL: tuple[tuple[Steps, str], ...] = (((("resize", {"width": 40}),), "image/png"),)
AS_IT_IS: tuple[tuple[Steps, str], ...] = (((), "image/png"), *SMALL)
DRAWN = ("made", "bad_image", "over_limit")
LATE = (*DRAWN, "time_limit")
"""Of work in one call of a library, which ends only with its lane."""
HUNGRY = (*LATE, "lane_crashed")
"""The same of pdfium, which ends its process where it gets no more memory."""

# --- SVG ------------------------------------------------------------------------------------------


def svg(inside: str, at: str = 'width="400" height="300"', before: str = "") -> bytes:
    return f"{before}<svg {SPACES} {at}>{inside}</svg>".encode()


def embedded(content: bytes, type: str) -> str:
    return f'<image width="40" height="30" href="data:{type};base64,{base64.b64encode(content).decode()}"/>'


def doll(depth: int) -> bytes:
    """A drawing in a drawing."""
    content = svg('<rect width="9" height="9"/>')
    for _ in range(depth):
        content = svg(embedded(content, "image/svg+xml"))
    return content


def reused(steps: int, each: int) -> bytes:
    groups = (f'<g id="u{n}">{f"""<use href="#u{n - 1}"/>""" * each}</g>' for n in range(1, steps))
    return svg(f'<defs><g id="u0"><rect width="1" height="1"/></g>{"".join(groups)}</defs><use href="#u{steps - 1}"/>')


def patterns(depth: int) -> bytes:
    """Each is painted with several of the next."""
    made = "".join(
        f'<pattern id="p{n}" width=".3" height=".3"><rect width="99" height="99" fill="url(#p{n + 1})"/>'
        f'<rect width="50" height="50" fill="url(#p{n + 1})"/></pattern>'
        for n in range(depth)
    )
    return svg(f'<defs>{made}</defs><rect width="400" height="300" fill="url(#p0)"/>')


def filtered(primitives: str, at: str = 'width="400" height="300"') -> bytes:
    return svg(f'<filter id="f">{primitives}</filter><rect width="100%" height="100%" filter="url(#f)"/>', at)


def quadratic() -> bytes:
    """One long entity many times: no tower of entities, and the same in the end."""
    before = f'<!DOCTYPE svg [<!ENTITY a "{"a" * 100_000}">]>'
    return svg(f"<text>{'&a;' * 10_000}</text>", before=before)


HUGE = 'width="1e7" height="1e7" viewBox="0 0 1e9 1e9"'

SVGS: Mapping[str, Attack] = {
    "SVG of an entity a thousandfold": Attack(quadratic, DRAWN, chains=SMALL),
    "SVG of parameter entities": Attack(
        lambda: svg("&b;", before="<!DOCTYPE svg [<!ENTITY % a \"<!ENTITY b '%a;'>\">%a;]>"), DRAWN, chains=SMALL
    ),
    "SVG with an immense view box": Attack(lambda: svg('<rect width="9" height="9"/>', HUGE), ("over_limit", "made")),
    "SVG of a view box of nothing": Attack(lambda: svg("<g/>", 'viewBox="0 0 1e-300 1e-300"'), DRAWN),
    "SVG in SVG": Attack(partial(doll, 12), DRAWN, chains=SMALL),
    "SVG with a PNG of 30,000 by 30,000": Attack(
        lambda: svg(embedded(png(30_000, 30_000), "image/png")), DRAWN, chains=SMALL
    ),
    "SVG with a PNG of 8,000 by 8,000 twenty times": Attack(
        lambda: svg(embedded(png(8000, 8000), "image/png") * 20), DRAWN, chains=SMALL
    ),
    "SVG with a blur without end": Attack(
        lambda: filtered('<feGaussianBlur stdDeviation="1e6"/>' * 3), DRAWN, chains=AS_IT_IS
    ),
    "SVG with a morphology without end": Attack(
        lambda: filtered('<feMorphology radius="100000" operator="dilate"/>'), DRAWN, chains=AS_IT_IS
    ),
    "SVG with a convolution of 1000 by 1000": Attack(
        lambda: filtered(f'<feConvolveMatrix order="1000" kernelMatrix="{"1 " * 1_000_000}"/>'), DRAWN, chains=SMALL
    ),
    "SVG with turbulence of a thousand octaves": Attack(
        lambda: filtered('<feTurbulence baseFrequency="9" numOctaves="1000000"/>'), DRAWN, chains=SMALL
    ),
    "SVG with a million dashes": Attack(
        lambda: svg('<path d="M0 0 H400" stroke="red" stroke-dasharray="0.0001"/>'), DRAWN, chains=SMALL
    ),
    "SVG with a billion dashes": Attack(
        lambda: svg('<path d="M0 0 H1e9 V1e9" stroke="red" stroke-dasharray="0.01"/>'), DRAWN, chains=SMALL
    ),
    "SVG with a letter as large as the moon": Attack(
        lambda: svg('<text x="9" y="9" font-size="1e9">a</text>'), DRAWN, chains=SMALL
    ),
    "SVG with 100,000 words": Attack(lambda: svg(f"<text>{'word ' * 100_000}</text>"), LATE, chains=SMALL),
    "SVG of 200,000 styles": Attack(
        lambda: svg(f"<style>{'g g g > rect.a:nth-child(2n) {fill: red} ' * 20_000}</style>{'<rect/>' * 500}"),
        DRAWN,
        chains=SMALL,
    ),
    "SVG of 10,000 lines in one path": Attack(
        lambda: svg(f'<path stroke="red" d="M0 0 {"L9 300 L300 9 L1 2 " * 30_000}"/>'), LATE, chains=SMALL
    ),
    "SVG squeezed a thousandfold": Attack(
        lambda: gzip.compress(svg("<g>" + " " * 100_000_000 + "</g>")), ("over_limit",), "16,777,216 bytes", SMALL
    ),
    "SVG of uses of uses": Attack(partial(reused, 12, 10), DRAWN, chains=SMALL),
    "SVG of patterns in patterns": Attack(partial(patterns, 8), DRAWN, chains=SMALL),
    "SVG of a thousand filters": Attack(
        lambda: filtered('<feGaussianBlur stdDeviation="30"/>' * 1000), DRAWN, chains=SMALL
    ),
}

# --- PDF ------------------------------------------------------------------------------------------


def calling_itself() -> bytes:
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 40 30] /Resources <</XObject <</A 5 0 R>>>>"
    return pdf(page(b"/A Do", b"/XObject <</A 5 0 R>>", stream(form, b"0 0 9 9 re f /A Do /A Do")))


def calling_each_other(depth: int, each: int) -> bytes:
    """Forms that draw the next one several times."""
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 40 30] /Resources <</XObject <</A %d 0 R>>>>"
    forms = [stream(form % min(6 + number, 4 + depth), b"/A Do " * each) for number in range(depth)]
    return pdf(page(b"/A Do", b"/XObject <</A 5 0 R>>", *forms[:-1], stream(form % 4, b"0 0 9 9 re f")))


def image_of(
    width: int, height: int, data: bytes, words: bytes = b"/ColorSpace /DeviceRGB /BitsPerComponent 8"
) -> bytes:
    head = b"/Type /XObject /Subtype /Image /Width %d /Height %d /Filter /FlateDecode " % (width, height)
    return pdf(page(b"40 0 0 30 0 0 cm /A Do", b"/XObject <</A 5 0 R>>", stream(head + words, data)))


def of_pages(count: int) -> bytes:
    kids = b" ".join(b"%d 0 R" % (3 + number) for number in range(count))
    pages = [b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 9 9]>>"] * count
    tree = b"<</Type /Pages /Count %d /Kids [%b]>>" % (count, kids)
    return pdf([b"<</Type /Catalog /Pages 2 0 R>>", tree, *pages])


def circling() -> bytes:
    return pdf([b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Count 9 /Kids [2 0 R 2 0 R]>>"])


def filtered_often(count: int) -> bytes:
    filters = b"/Filter [%b]" % (b"/FlateDecode " * count)
    return pdf(page(b"/A Do", b"/XObject <</A 5 0 R>>", stream(b"/Subtype /Form /BBox [0 0 9 9] " + filters, b"x")))


def drawing_much() -> bytes:
    """A page's content that inflates to 100 MB of nothing."""
    objects, data = page(b""), deflated_zeros(100_000_000)
    objects[3] = b"<</Filter /FlateDecode /Length %d>>\nstream\n%b\nendstream" % (len(data), data)
    return pdf(objects)


def tiled(step: bytes) -> bytes:
    tile = b"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 4 4] /Resources <<>> /XStep %b /YStep %b"
    words = b"/ColorSpace <</C [/Pattern]>> /Pattern <</T 5 0 R>>"
    return pdf(page(b"/C cs /T scn 0 0 40 30 re f", words, stream(tile % (step, step), b"0 1 0 rg 0 0 2 2 re f")))


def shading() -> bytes:
    """A gradient of a function of functions of itself."""
    function = b"<</FunctionType 3 /Domain [0 1] /Functions [5 0 R 5 0 R] /Bounds [0.5] /Encode [0 1 0 1]>>"
    shade = b"/Shading <</S <</ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 40 30] /Function 5 0 R>>>>"
    return pdf(page(b"/S sh", shade, function))


def masked_by_itself() -> bytes:
    state = b"/ExtGState <</P <</SMask <</S /Luminosity /G 5 0 R>>>>>>"
    form = b"/Subtype /Form /BBox [0 0 40 30] /Group <</S /Transparency>> /Resources <<%b>>" % state
    return pdf(page(b"/P gs 0 0 9 9 re f", state, stream(form, b"/P gs 0 0 9 9 re f")))


PDFS: Mapping[str, Attack] = {
    "PDF that draws itself": Attack(calling_itself, HUNGRY, chains=SMALL),
    "PDF of pages that are themselves": Attack(circling, DRAWN),
    "PDF of 10,000 pages": Attack(partial(of_pages, 10_000), DRAWN),
    "PDF with a picture of 30,000 by 30,000": Attack(
        lambda: image_of(30_000, 30_000, deflated_zeros(2_700_000_000)), DRAWN
    ),
    "PDF with a picture of 2^31 by 2^31": Attack(lambda: image_of(2**31 - 1, 2**31 - 1, deflated_zeros(99)), DRAWN),
    "PDF with a picture of 30,000 by 30,000, 1 bit": Attack(
        lambda: image_of(30_000, 30_000, deflated_zeros(112_500_000), b"/ImageMask true"), DRAWN
    ),
    "PDF filtered a thousand times": Attack(partial(filtered_often, 1000), DRAWN),
    "PDF that inflates to 100 MB": Attack(drawing_much, DRAWN),
    "PDF whose shade is made of itself": Attack(shading, DRAWN),
    "PDF that is masked by itself": Attack(masked_by_itself, DRAWN),
    "PDF of brackets": Attack(lambda: pdf(page(b"[" * 1_000_000)), DRAWN),
    "PDF of dictionaries": Attack(lambda: pdf([b"<</A " * 100_000, *page(b"")]), DRAWN),
    "PDF that is saved a hundred thousand times": Attack(
        lambda: pdf(page(b""), trailer=b"/Prev 9") + b"startxref\n9\n%%EOF\n" * 100_000, DRAWN
    ),
    "PDF of a million states": Attack(lambda: pdf(page(b"q " * 1_000_000)), DRAWN),
    "PDF of tiles of a tenth": Attack(partial(tiled, b"0.1"), DRAWN),
    "PDF of tiles of nothing": Attack(partial(tiled, b"0.0000001"), LATE, chains=SMALL),
    "PDF of forms in forms": Attack(partial(calling_each_other, 12, 10), HUNGRY, chains=SMALL),
}

# --- EPS ------------------------------------------------------------------------------------------

EPSES: Mapping[str, Attack] = {
    "EPS of a box without end": Attack(
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1000000 1000000\nshowpage\n", ("over_limit", "made")
    ),
    "EPS of a string that grows": Attack(
        lambda: (EPS_HEAD + "/s 60000 string def [ 1 1 100000 { pop 60000 string } for ] showpage\n").encode(),
        ("over_limit", "bad_image"),
        chains=SMALL,
    ),
    "EPS that calls itself": Attack(
        lambda: (EPS_HEAD + "/f {f f} def f showpage\n").encode(), ("bad_image", "over_limit"), chains=SMALL
    ),
    "EPS that starts a program": Attack(
        lambda: (EPS_HEAD + "(%pipe%id) (r) file pop showpage\n").encode(), ("bad_image",), chains=SMALL
    ),
    "EPS that asks for a large page": Attack(
        lambda: (EPS_HEAD + "<</PageSize [90000 90000]>> setpagedevice 9 9 moveto showpage\n").encode(), DRAWN
    ),
    "EPS that never ends": Attack(
        lambda: (EPS_HEAD + "{} loop\n").encode(), ("over_limit",), "more than 20 seconds", SMALL
    ),
}
