"""Owns the sample files of drawings: SVG, EPS and AI, with shapes that others can draw too. Never a photograph.

EPS and AI are left out where Ghostscript is not installed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from sheets.samples import SIZE, Sample, pillow
from sheets.studio import Step

LARGER = 2
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 180">
<rect x="20" y="20" width="120" height="100" fill="#1446a0"/>
<circle cx="150" cy="100" r="60" fill="#ffc800" fill-opacity="0.7"/>
<path d="M 40 160 L 120 60 L 200 160 Z" fill="#c81e1e"/>
</svg>"""
EPS = """%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 240 180
%%EndComments
0.08 0.27 0.63 setrgbcolor 20 60 120 100 rectfill
1 0.78 0 setrgbcolor 150 80 60 0 360 arc fill
0.78 0.12 0.12 setrgbcolor newpath 40 20 moveto 120 120 lineto 200 20 lineto closepath fill
showpage
%%EOF
"""


def drawings(folder: Path) -> Iterator[Sample]:
    """Each at its own size and, made larger by a resize, drawn anew: its edges stay sharp."""
    (folder / "sample.svg").write_text(SVG)
    yield from _twice("SVG", folder / "sample.svg", "drawn by Pillow", _drawn)
    if shutil.which("gs") is None:
        return
    (folder / "sample.eps").write_text(EPS)
    _ghostscript("-sDEVICE=pdfwrite", "-dEPSCrop", f"-sOutputFile={folder / 'sample.ai'}", str(folder / "sample.eps"))
    yield from _twice("EPS", folder / "sample.eps", "Ghostscript", _by_ghostscript)
    yield from _twice("AI (its PDF part)", folder / "sample.ai", "Ghostscript", _by_ghostscript)


def _twice(label: str, path: Path, decoder: str, read: Callable[[Path, int], Image.Image]) -> Iterator[Sample]:
    yield Sample(label, path, decoder, lambda path: read(path, 1))
    wider: Step = ("resize", {"width": SIZE[0] * LARGER})
    yield Sample(f"{label}, x{LARGER}", path, decoder, lambda path: read(path, LARGER), (wider,))


def _drawn(path: Path, scale: int) -> Image.Image:
    """The same shapes, eight times as large and then reduced."""
    whole = Image.new("RGBA", (SIZE[0] * 8, SIZE[1] * 8))
    shapes = [Image.new("RGBA", whole.size) for _ in range(3)]
    inks = [ImageDraw.Draw(shape) for shape in shapes]
    inks[0].rectangle((160, 160, 1119, 959), fill="#1446a0")
    inks[1].ellipse((720, 320, 1679, 1279), fill=(255, 200, 0, 178))
    inks[2].polygon(((320, 1280), (960, 480), (1600, 1280)), fill="#c81e1e")
    for shape in shapes:
        whole.alpha_composite(shape)
    return whole.convert("RGBa").resize((SIZE[0] * scale, SIZE[1] * scale), Image.Resampling.BOX).convert("RGBA")


def _ghostscript(*arguments: str) -> None:
    subprocess.run(["gs", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-q", *arguments], check=True, capture_output=True)


def _by_ghostscript(path: Path, scale: int) -> Image.Image:
    made = path.with_suffix(f"{path.suffix}-{scale}.png")
    smooth = ("-dTextAlphaBits=4", "-dGraphicsAlphaBits=4")
    _ghostscript("-sDEVICE=pngalpha", f"-r{72 * scale}", *smooth, "-dEPSCrop", f"-sOutputFile={made}", str(path))
    return pillow(made)
