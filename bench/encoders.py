"""Owns what each encoder's settings cost: bytes, CPU time and loss on pictures of each kind. Never the service.

`python -m bench.encoders PHOTO FOLDER ROUNDS` is the process that measures. The pictures: a photograph with grain, a
drawing of flat colours and letters, the photograph cut out by a soft mask, and two films of 44 frames of 320x240: a
pan over the photograph under a caption that stands still, and a thing that moves before a view that does not, but
for a little grain.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.child import told_by
from bench.photos import PHOTOS
from sixpx.core.render import Saving

PHOTO = PHOTOS["photo-1mp"]
SIZE = (1000, 750)
FILM_SIZE, FRAMES = (320, 240), 44
STILLS = ("photo", "drawing", "cutout")
FILMS = ("pan", "talk")

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """One type with some of its options in the place of ours."""

    type: str
    picture: str
    options: Options = field(default_factory=dict)


def _grid(type: str, pictures: Sequence[str], **options: Sequence[Any]) -> Iterator[Trial]:
    """Every combination of the options on each of the pictures, and what we chose first."""
    for picture in pictures:
        yield Trial(type, picture)
        for values in itertools.product(*options.values()):
            yield Trial(type, picture, dict(zip(options, values, strict=True)))


TRIALS: tuple[Trial, ...] = (
    *_grid("image/png", STILLS, compression=(1, 2, 3, 6, 9), filter=("none", "sub", "up", "avg", "paeth", "all")),
    *_grid("image/jpeg", STILLS[:2], interlace=(True,)),
    *_grid("image/jpeg", STILLS[:2], optimize_coding=(True,)),
    *_grid("image/jpeg", STILLS[:2], subsample_mode=("off",)),
    *_grid("image/gif", STILLS, effort=(1, 4, 5, 7), dither=(0.0, 0.5, 1.0)),
    *_grid("image/gif", FILMS, effort=(1, 4, 7)),
    *_grid("image/gif", FILMS, dither=(0.0, 1.0)),
    *_grid("image/gif", FILMS, interframe_maxerror=(0.0, 4.0)),
    *_grid("image/gif", FILMS, interpalette_maxerror=(40.0,)),
    *_grid("image/webp", (*STILLS, *FILMS), effort=(0, 1, 2, 3, 4, 6)),
    *_grid("image/webp", ("photo", "drawing"), lossless=(True,), effort=(0, 2)),
    *_grid("image/webp", ("cutout",), alpha_q=(80,)),
    *_grid("image/webp", ("photo", "drawing"), smart_subsample=(True,)),
    *_grid("image/webp", FILMS, min_size=(True,)),
    *_grid("image/webp", FILMS, kmin=(3,), kmax=(12, 44)),
    *_grid("image/avif", STILLS, effort=(0, 1, 2, 3, 4)),
    *_grid("image/avif", ("photo", "drawing"), subsample_mode=("off",)),
    *_grid("image/tiff", STILLS, compression=("none", "lzw", "deflate"), predictor=("none", "horizontal")),
    *_grid("image/tiff", ("photo",), tile=(True,)),
)


def encoders_of(photos: Path, folder: Path, rounds: int) -> Mapping[str, Any]:
    """`trials`: of each its type, picture, options, bytes, CPU ms (the least of some rounds), `psnr` in dB (None where
    nothing is lost) and, of films, `flicker`: the mean error of the change from frame to frame, in grey levels."""
    return told_by("bench.encoders", str(photos / PHOTO.file(0)), str(folder), str(rounds))


def main(photo: str, folder: str, rounds: int) -> Mapping[str, Any]:
    from sixpx.worker import set_up

    set_up(scratch=folder)
    pictures = _pictures(photo)
    path = os.path.join(folder, "encoded")
    trials = [_measured(trial, pictures[trial.picture], path, rounds) for trial in TRIALS]
    return {"trials": trials}


def _measured(trial: Trial, image: Any, path: str, rounds: int) -> Mapping[str, Any]:
    import pyvips

    from sixpx.worker.encoders import ENCODERS

    encoder = ENCODERS[trial.type]
    options = {**encoder.options(Saving(trial.type)), **trial.options}
    spent = []
    for _ in range(min(3, rounds)):
        began = time.process_time()
        pyvips.Operation.call(encoder.saver, image, path, keep="none", **options)
        spent.append(time.process_time() - began)
        if spent[0] > 1:  # slow ones are told from quick ones by one round
            break
    about = {"type": trial.type, "picture": trial.picture, "options": trial.options, "bytes": os.stat(path).st_size}
    return {**about, "cpu_ms": min(spent) * 1000, **_loss(image, path, trial)}


def _loss(image: Any, path: str, trial: Trial) -> Mapping[str, Any]:
    """Against the picture in memory. Transparent pixels count as far as they are seen, on grey."""
    import numpy as np
    import pyvips

    made = pyvips.Image.new_from_file(path, n=-1) if trial.picture in FILMS else pyvips.Image.new_from_file(path)
    before, after = (np.asarray(_seen(one).numpy(), np.float32) for one in (image, made))
    error = float(((after - before) ** 2).mean())
    loss = {"psnr": 10 * math.log10(255**2 / error) if error else None}
    if trial.picture not in FILMS:
        return loss
    frames = [one.reshape(FRAMES, -1) for one in (before, after)]
    changes = [np.diff(one, axis=0) for one in frames]
    return {**loss, "flicker": float(abs(changes[1] - changes[0]).mean())}


def _seen(image: Any) -> Any:
    return image.flatten(background=[128, 128, 128]) if image.hasalpha() else image


def _pictures(photo: str) -> Mapping[str, Any]:
    import pyvips

    width, height = SIZE
    picture = pyvips.Image.new_from_file(photo).thumbnail_image(width, height=height, size="force").copy_memory()
    stills = {"photo": picture, "drawing": _drawing(), "cutout": _cutout(picture)}
    return {**stills, "pan": _pan(picture), "talk": _talk(picture)}


def _cutout(picture: Any) -> Any:
    """A round hole with a soft edge."""
    import pyvips

    place = pyvips.Image.xyz(picture.width, picture.height) - [picture.width / 2, picture.height / 2]
    distance = (place[0] ** 2 + place[1] ** 2) ** 0.5
    mask = ((300 - distance) * 6 + 128).rint().cast("uchar")
    return picture.bandjoin(mask).copy(interpretation="srgb").copy_memory()


def _drawing() -> Any:
    """Bars, discs and lines of letters in flat colours, smooth at their edges."""
    import pyvips
    from PIL import Image, ImageDraw, ImageFont

    width, height = SIZE
    sheet = Image.new("RGB", (2 * width, 2 * height), (250, 250, 247))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(44)
    for place in range(9):
        colour = (40 + 20 * place, 90 + 7 * (place * 5 % 9), 200 - 18 * place)
        pen.rectangle((100 + 200 * place, 900 - 70 * (place * 4 % 9), 240 + 200 * place, 900), colour)
        pen.ellipse((120 + 200 * place, 60, 220 + 200 * place, 160), colour)
    for line in range(8):
        pen.text((100, 960 + 62 * line), "The quick brown fox jumps over the lazy dog 0123456789", (30, 30, 40), font)
    return pyvips.Image.new_from_array(sheet.resize(SIZE)).copy(interpretation="srgb").copy_memory()


def _pan(picture: Any) -> Any:
    width, height = FILM_SIZE
    small = picture.thumbnail_image(SIZE[0] // 2, height=SIZE[1] // 2, size="force")
    caption = (
        _drawing().thumbnail_image(width, height=height, size="force").crop(0, height * 2 // 3, width, height // 4)
    )
    views = (small.crop(20 + 3 * number, 20 + number, width, height) for number in range(FRAMES))
    return _film([view.insert(caption, 0, height * 3 // 4) for view in views])


def _talk(picture: Any) -> Any:
    import pyvips

    width, height = FILM_SIZE
    view = picture.thumbnail_image(width, height=height, size="force")
    thing = _drawing().thumbnail_image(90).crop(10, 5, 70, 50)
    grain = (pyvips.Image.gaussnoise(width, height, sigma=1.5, mean=0, seed=number) for number in range(FRAMES))
    frames = (view.insert(thing, 20 + 4 * number, 150 - 2 * number) for number in range(FRAMES))
    return _film([(frame + noise).cast("uchar") for frame, noise in zip(frames, grain, strict=True)])


def _film(frames: Sequence[Any]) -> Any:
    import pyvips

    strip = pyvips.Image.arrayjoin(list(frames), across=1).copy(interpretation="srgb")
    strip.set_type(pyvips.GValue.gint_type, "page-height", FILM_SIZE[1])
    strip.set_type(pyvips.GValue.array_int_type, "delay", [60] * FRAMES)
    return strip.copy_memory()


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """The table that the README of this folder is written from; what we chose has no options beside it."""
    yield "type        picture  options                                              KB    CPU ms    dB   flicker"
    for one in figures["trials"]:
        options = " ".join(f"{name}={value}" for name, value in one["options"].items()) or "(ours)"
        loss = "exact" if one["psnr"] is None else f"{one['psnr']:5.1f}"
        flicker = f"{one['flicker']:6.2f}" if "flicker" in one else ""
        row = f"{one['type'].removeprefix('image/'):11} {one['picture']:8} {options:48}"
        yield f"{row} {one['bytes'] / 1000:8.1f} {one['cpu_ms']:8.1f} {loss:>6} {flicker}".rstrip()


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
