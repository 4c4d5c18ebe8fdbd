"""Owns the photographs: made once from the demo picture, the same bytes every time. Never serves them.

Enlarging alone would compress far too well; grain after the enlarging brings the weight of camera photographs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyvips

ORIGINAL = Path(__file__).parent.parent / "demo" / "raccoon.jpg"
VARIANTS = 3
"""Distinct files of a kind; jobs take turns."""


@dataclass(frozen=True, slots=True)
class Photo:
    """Pixels, the standard deviation of the grain in grey levels, the JPEG quality."""

    name: str
    width: int
    height: int
    grain: float
    quality: int
    variants: int = VARIANTS

    def file(self, variant: int) -> str:
        return f"{self.name}-{variant}.jpg"


PHOTOS: Mapping[str, Photo] = {
    photo.name: photo
    for photo in (
        Photo("photo-1mp", 1212, 909, 1.6, 82),
        Photo("photo-12mp", 4000, 3000, 7.5, 90),
        Photo("photo-24mp", 6000, 4000, 7.5, 90, variants=1),
    )
}


def make_all(folder: Path) -> Mapping[str, bytes]:
    """Every file by name; those missing in the folder are made."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {}
    for photo in PHOTOS.values():
        for variant in range(photo.variants):
            path = folder / photo.file(variant)
            if not path.exists():
                _make(photo, variant, path)
            content[path.name] = path.read_bytes()
    return content


def _make(photo: Photo, variant: int, path: Path) -> None:
    part = path.with_suffix(".part")
    image = pyvips.Image.thumbnail(str(ORIGINAL), photo.width, height=photo.height, size="force")
    _grainy(image, photo, variant).jpegsave(str(part), Q=photo.quality, subsample_mode="on", keep="none")
    part.rename(path)


def _grainy(image: Any, photo: Photo, variant: int) -> Any:
    """Grain that is a little soft, as a camera's is after its own noise reduction; another seed for each variant."""
    noise = pyvips.Image.gaussnoise(photo.width, photo.height, sigma=photo.grain, mean=0, seed=variant + 1)
    return (image + noise.gaussblur(0.6) * 1.6).cast("uchar").copy(interpretation="srgb")
