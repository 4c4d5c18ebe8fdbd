"""Owns the photographs with faces, the boxes that eyes drew around them, and what is made of both. Never a detector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from sixpx.core.geometry import Box

PHOTOS = Path(__file__).parent / "photos"
RACCOON = Path(__file__).parents[2] / "demo" / "raccoon.jpg"

FACES = {"collins": Box(152, 68, 84, 82), "hopper": Box(128, 105, 164, 147)}


@dataclass(frozen=True)
class Sitting:
    """A picture, and where on it the face is that matters most (pixels, as it is shown); None where there is none."""

    picture: Image.Image
    face: Box | None
    format: str = "PNG"
    exif: Image.Exif | None = None


def photo(name: str) -> Image.Image:
    with Image.open(RACCOON if name == "raccoon" else PHOTOS / f"{name}.jpg") as image:
        return image.convert("RGB")


def as_taken(name: str) -> Sitting:
    return Sitting(photo(name), FACES.get(name))


def mirrored(name: str) -> Sitting:
    image, face = photo(name), FACES[name]
    return Sitting(ImageOps.mirror(image), Box(image.width - face.x - face.width, face.y, face.width, face.height))


def grey(name: str) -> Sitting:
    """16 bits a pixel."""
    values = np.asarray(photo(name).convert("L"), np.uint16) * 257
    return Sitting(Image.fromarray(values), FACES[name])


def cut_out(name: str) -> Sitting:
    """Transparent, with noise hidden below, but for an ellipse about the head."""
    image, face = photo(name), FACES[name]
    noise = np.random.default_rng(3).integers(0, 256, (image.height, image.width, 3), np.uint8)
    mask = Image.new("L", image.size, 0)
    about = (face.x - 50, face.y - 70, face.x + face.width + 50, face.y + face.height + 60)
    ImageDraw.Draw(mask).ellipse(about, fill=255)
    picture = Image.composite(image, Image.fromarray(noise), mask)
    picture.putalpha(mask)
    return Sitting(picture, face)


def lying(name: str) -> Sitting:
    """Stored lying on its side, and shown upright by its EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return Sitting(photo(name).transpose(Image.Transpose.ROTATE_90), FACES[name], "JPEG", exif)


def on(background: str, *portraits: tuple[str, float, int, int], size: tuple[int, int] | None = None) -> Sitting:
    """Portraits by name, scale, left and upper edge, on another photograph; the first one matters most."""
    picture = photo(background)
    picture = picture.resize(size) if size else picture
    boxes = []
    for name, scale, x, y in portraits:
        image, face = photo(name), FACES[name]
        picture.paste(image.resize((round(image.width * scale), round(image.height * scale))), (x, y))
        corners = (face.x * scale + x, face.y * scale + y, face.width * scale, face.height * scale)
        boxes.append(Box(*map(round, corners)))
    return Sitting(picture, boxes[0])


def plain(width: int, height: int, mode: str = "RGB") -> Sitting:
    return Sitting(Image.new(mode, (width, height), 90 if mode == "L" else None), None)


def checkered() -> Sitting:
    rows, columns = np.indices((300, 500))
    return Sitting(Image.fromarray(((rows // 10 + columns // 10) % 2 * 255).astype(np.uint8)), None)


def noisy() -> Sitting:
    return Sitting(Image.fromarray(np.random.default_rng(7).integers(0, 256, (300, 400, 3), np.uint8)), None)


def likeness(one: Box, other: Box) -> float:
    """The area that two boxes share by the area that they cover (intersection over union), 0..1."""
    right, bottom = min(one.x + one.width, other.x + other.width), min(one.y + one.height, other.y + other.height)
    shared = max(0, right - max(one.x, other.x)) * max(0, bottom - max(one.y, other.y))
    return shared / (one.size.pixels + other.size.pixels - shared)


PEOPLE: Mapping[str, Sitting] = {
    "collins": as_taken("collins"),
    "hopper": as_taken("hopper"),
    "mirrored": mirrored("collins"),
    "grey": grey("hopper"),
    "cut out": cut_out("collins"),
    "lying": lying("collins"),
    "small": on("raccoon", ("hopper", 0.5, 780, 500)),
    "at an edge": on("coffee", ("collins", 1.0, -150, -60)),
    "two": on("rocket", ("hopper", 0.9, 20, 40), ("collins", 0.7, 450, 60), size=(800, 500)),
}
NOBODY: Mapping[str, Sitting] = {
    "raccoon": as_taken("raccoon"),
    "rocket": as_taken("rocket"),
    "coffee": as_taken("coffee"),
    "checkered": checkered(),
    "noisy": noisy(),
    "plain": plain(300, 200),
    "one pixel": plain(1, 1, "RGBA"),
    "a line": plain(3000, 1, "L"),
}
