"""Owns how pages look: cells in rows, labels, the chequered ground below transparency. Never makes a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

PAPER, TEXT, FRAME = (250, 250, 250), (30, 30, 30), (190, 190, 190)
EDGE, HEAD, LABEL, GAP = 16, 64, 34, 8
LINE = 18


@dataclass(frozen=True)
class Cell:
    """One picture with its label, which may have several lines."""

    label: str
    picture: Image.Image


@dataclass(frozen=True)
class Page:
    """What one file shows; `cell` is the most that a picture takes (pixels): larger ones are shown smaller."""

    name: str
    cells: Sequence[Cell]
    columns: int = 5
    cell: tuple[int, int] = (300, 226)
    legend: str = ""


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def checkerboard(size: tuple[int, int], square: int = 8) -> Image.Image:
    board = Image.new("RGBA", size, (255, 255, 255, 255))
    draw = ImageDraw.Draw(board)
    for y in range(0, size[1], square):
        for x in range((y // square % 2) * square, size[0], 2 * square):
            draw.rectangle((x, y, x + square - 1, y + square - 1), fill=(214, 214, 214, 255))
    return board


def on_board(picture: Image.Image) -> Image.Image:
    return Image.alpha_composite(checkerboard(picture.size), picture.convert("RGBA")).convert("RGB")


def beside(pictures: Sequence[Image.Image], gap: int = GAP) -> Image.Image:
    """The pictures in one row, at their own sizes."""
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) - 1)
    row = Image.new("RGBA", (width, max(picture.height for picture in pictures)), (*PAPER, 255))
    left = 0
    for picture in pictures:
        row.paste(on_board(picture), (left, 0))
        left += picture.width + gap
    return row


def fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture, smaller where it would not fit."""
    shown = picture.convert("RGBA")
    shown.thumbnail(size)
    return shown


def drawn(page: Page) -> Image.Image:
    lines = max(cell.label.count("\n") for cell in page.cells) + 1
    width, height = page.cell[0] + EDGE, page.cell[1] + LABEL + EDGE + (lines - 1) * LINE
    rows = -(-len(page.cells) // page.columns)
    sheet = Image.new("RGB", (page.columns * width + EDGE, rows * height + HEAD), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((20, 14), page.name, TEXT, font(30))
    draw.text((28 + draw.textlength(page.name, font(30)), 28), page.legend, TEXT, font(14))
    for place, cell in enumerate(page.cells):
        left, top = EDGE + place % page.columns * width, HEAD + place // page.columns * height
        shown = fitted(cell.picture, page.cell)
        draw.rectangle((left - 1, top - 1, left + shown.width, top + shown.height), outline=FRAME)
        sheet.paste(on_board(shown), (left, top))
        draw.multiline_text((left, top + page.cell[1] + 6), cell.label, TEXT, font(14), spacing=4)
    return sheet
