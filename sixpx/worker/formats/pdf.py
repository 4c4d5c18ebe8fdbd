"""Owns PDF drawings, and those of Adobe Illustrator, which are PDF files that hold more. Never a second page.

Drawn by pdfium: the first page, its crop box, upright as the page says, on nothing. Forms and scripts are never set up.
An AI file that was saved without its PDF part holds a page that says so, and that is what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyvips

from sixpx.core.geometry import Size
from sixpx.errors import BadImage
from sixpx.worker.formats.base import Header, Image, Source
from sixpx.worker.formats.drawn import natural, target

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

MARK = b"%PDF-"
LATEST_MARK = 1024
"""Readers find the mark of a PDF file anywhere in its first bytes (Adobe's notes to ISO 32000-1, 7.5.2)."""

ILLUSTRATOR = re.compile(rb"(?:<[\w:]*CreatorTool>|CreatorTool=[\"']|/Creator\s*\()\s*Adobe Illustrator")
"""How Illustrator signs at the beginning of what it saves. Whether it can go on with the file cannot be told there."""


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF file that Illustrator wrote, or one that somebody else did."""

    type: str
    name: str
    by_illustrator: bool
    animated: bool = False
    drawn: bool = True

    def claims(self, head: bytes) -> bool:
        return MARK in head[:LATEST_MARK] and bool(ILLUSTRATOR.search(head)) == self.by_illustrator

    def missing(self) -> str | None:
        return None

    def header(self, path: str) -> Header:
        with self._page(path) as page:
            width, height = page.get_size()
        return Header(natural(width, height, self.name), alpha=True)

    def stream(self, source: Source, wanted: Sequence[Size]) -> Image:
        size = target(source, wanted)
        with self._page(source.path) as page:
            return _picture(page, size)

    def strip(self, source: Source) -> Image:
        return self.stream(source, ())

    @contextmanager
    def _page(self, path: str) -> Iterator[PdfPage]:
        """The first page. Raises BadImage."""
        # imported here: a twentieth of a second that other pictures need not wait for
        from pypdfium2 import PdfDocument, PdfiumError
        from pypdfium2.raw import FPDF_ERR_PASSWORD

        try:
            document = PdfDocument(path)
        except PdfiumError as error:
            if error.err_code == FPDF_ERR_PASSWORD:
                raise BadImage(f"the {self.name} file needs a password; expected one that opens without") from error
            raise BadImage(f"the {self.name} file is broken") from error
        with document:
            if not len(document):
                raise BadImage(f"the {self.name} file has no pages")
            try:
                page = document[0]
            except PdfiumError as error:
                raise BadImage(f"the first page of the {self.name} file is broken") from error
            yield page


def _picture(page: PdfPage, size: Size) -> Image:
    """The page at exactly this size."""
    from pypdfium2 import PdfBitmap, raw

    bitmap = PdfBitmap.new_native(size.width, size.height, raw.FPDFBitmap_BGRA)
    bitmap.fill_rect((0, 0, 0, 0), 0, 0, size.width, size.height)
    raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, size.width, size.height, 0, raw.FPDF_ANNOT)
    pixels = pyvips.Image.new_from_memory(bytes(bitmap.buffer), size.width, size.height, 4, "uchar")
    # asked for RGBA, pdfium leaves alpha as it is where half transparent things lie on each other
    blue, green, red, alpha = pixels.bandsplit()
    return red.bandjoin([green, blue, alpha]).copy(interpretation="srgb")


AI = Document("application/illustrator", "AI", by_illustrator=True)
PDF = Document("application/pdf", "PDF", by_illustrator=False)
