"""Owns the studio of the worker's tests: pictures made in code, and one call that renders a chain of steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sixpx.core.render import Flaw, Limits, Made, Render, Report, Saving, Sheet
from sixpx.worker import render

Steps = Sequence[tuple[str, Mapping[str, Any]]]
PHOTO = Path(__file__).parents[2] / "demo" / "raccoon.jpg"


class Studio:
    """A folder with pictures, and renders of them."""

    photo = PHOTO

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count()

    def path(self) -> Path:
        return self.folder / f"file{next(self._numbers)}"

    def save(self, image: Image.Image, format: str = "PNG", **options: Any) -> Path:
        path = self.path()
        image.save(path, format, **options)
        return path

    def noise(self, width: int, height: int, mode: str = "RGB") -> Image.Image:
        """A picture in which every pixel differs, the same each time."""
        bands = len(Image.new(mode, (1, 1)).getbands())
        values = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, bands), np.uint8)
        return Image.fromarray(values.squeeze(), mode)

    def film(self, format: str = "GIF", size: tuple[int, int] = (40, 30), frames: int = 4) -> Path:
        """An animation: one colour a frame with a black corner, delays 50, 60 .. ms, loop 3."""
        colours = [(230, 20, 20), (20, 230, 20), (20, 20, 230), (230, 230, 20), (20, 230, 230), (230, 20, 230)]
        pictures = []
        for number in range(frames):
            picture = Image.new("RGB", size, colours[number % len(colours)])
            picture.paste((0, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
            pictures.append(picture)
        durations = [50 + 10 * number for number in range(frames)]
        options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
        return self.save(
            pictures[0], format, save_all=True, append_images=pictures[1:], duration=durations, loop=3, **options
        )

    def report(self, source: Path | str, *sheets: tuple[Steps, str | None], limits: Limits | None = None) -> Report:
        """One Render with these sheets, keyed `0`, `1` .."""
        orders = [
            Sheet(str(place), str(self.path()), tuple(steps), Saving(type))
            for place, (steps, type) in enumerate(sheets)
        ]
        return self.render(source, *orders, limits=limits)

    def render(
        self, source: Path | str, *sheets: Sheet, limits: Limits | None = None, others: Mapping[str, Path] | None = None
    ) -> Report:
        names = {name: str(path) for name, path in (others or {}).items()}
        return render(Render("r", str(source), str(self.folder / "journal"), sheets, names, limits or Limits()))

    def make(
        self,
        source: Path | str,
        steps: Steps = (),
        type: str | None = "image/png",
        others: Mapping[str, Path] | None = None,
        **saving: Any,
    ) -> tuple[Made, Path]:
        """One sheet that must succeed."""
        path = self.path()
        sheet = Sheet("one", str(path), tuple(steps), Saving(type, **saving))
        report = self.render(source, sheet, others=others)
        assert not report.flaws, report.flaws
        return report.made["one"], path

    def picture(self, *arguments: Any, **options: Any) -> Image.Image:
        """One sheet that must succeed, read back by another library."""
        with Image.open(self.make(*arguments, **options)[1]) as image:
            image.load()
            return image

    def flaw(self, source: Path | str, steps: Steps = (), type: str | None = "image/png", **options: Any) -> Flaw:
        """One sheet that must fail."""
        sheet = Sheet("one", str(self.path()), tuple(steps), Saving(type))
        report = self.render(source, sheet, **options)
        assert not report.made
        assert not Path(sheet.path).exists()
        return report.flaws["one"]


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("studio"))
