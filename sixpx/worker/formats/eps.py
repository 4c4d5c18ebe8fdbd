"""Owns EPS drawings, and the PostScript that Adobe Illustrator wrote up to its version 8. Never runs them itself."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import pyvips

from sixpx.core.geometry import Size
from sixpx.errors import BadImage
from sixpx.worker.formats import ghostscript
from sixpx.worker.formats.base import Header, Image, Source
from sixpx.worker.formats.drawn import natural, target
from sixpx.worker.formats.postscript import BINARY, BoundingBox, bounding_box, section

END_OF_TRANSMISSION = b"\x04"
"""Printer drivers put that of an earlier transmission in front."""
MARK = b"%!PS"

BY_ILLUSTRATOR = re.compile(rb"[\r\n]%%Creator: ?Adobe Illustrator")
FIRST_LINE = re.compile(rb"[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Program:
    """A drawing in PostScript. Illustrator's own, other than the EPS that it exports, leans on procedures that only
    Illustrator has; `advice` ends the sentence where one cannot be drawn."""

    name: str
    illustrators_own: bool = False
    advice: str = ""
    type: str = "application/postscript"
    animated: bool = False
    drawn: bool = True

    def claims(self, head: bytes) -> bool:
        if head.startswith(BINARY):
            return not self.illustrators_own
        return _is_script(head) and _is_illustrators_own(head) == self.illustrators_own

    def missing(self) -> str | None:
        return ghostscript.missing()

    def header(self, path: str) -> Header:
        box = self._box(path)
        return Header(natural(box.width, box.height, self.name), alpha=True)

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        page = ghostscript.page(self._box(source.path), target(source, wanted))
        # once more: a drawing of which all but a little is asked for is not drawn smaller than Ghostscript can
        target(source, (page.size,))
        with _script(source.path) as script:
            try:
                picture = ghostscript.draw(script, page, self.name)
            except BadImage as fault:
                raise BadImage(fault.detail + self.advice) from fault
        if not picture:
            raise BadImage(f"the {self.name} file ends without a page")
        return pyvips.Image.pngload_buffer(picture, access="sequential", fail_on="truncated")

    def strip(self, source: Source) -> Image:
        return self.stream(source, ())

    def _box(self, path: str) -> BoundingBox:
        with open(path, "rb") as file:
            box = bounding_box(file)
        if box is None:
            raise BadImage(f"expected a %%BoundingBox in the {self.name} file, found none{self.advice}")
        return box


def _is_script(head: bytes) -> bool:
    return head.removeprefix(END_OF_TRANSMISSION).startswith(MARK)


def _is_illustrators_own(head: bytes) -> bool:
    first = FIRST_LINE.match(head)
    return first is not None and b"EPSF" not in first[0] and BY_ILLUSTRATOR.search(head) is not None


@contextmanager
def _script(path: str) -> Iterator[IO[bytes]]:
    """A real file that stands where its PostScript begins, and that ends with it."""
    with open(path, "rb") as file, tempfile.TemporaryFile() as part:
        start, length = section(file)
        file.seek(start)
        if start:
            shutil.copyfileobj(file, part)
            part.truncate(length)
            part.seek(0)
        script = part if start else file
        if script.read(1) != END_OF_TRANSMISSION:
            script.seek(0)
        yield script


EPS = Program("EPS")
OLD_AI = Program(
    "AI (PostScript)",
    illustrators_own=True,
    advice="; files of Illustrator 8 and before are PostScript for Illustrator alone: save it with PDF compatibility",
)
