"""Owns the way of a picture through filters: out of libvips, over arrays, and back. Never a formula of a filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pyvips

from sixpx.core.filters import Stage
from sixpx.worker.colour import RUN, Point, point
from sixpx.worker.formats.base import Image
from sixpx.worker.kernels import Pixels, area


def filtered(image: Image, stages: Sequence[Stage], seed: Sequence[int]) -> Image:
    """The image after all stages, with its metadata; it may be a stream. Alpha stays as it is, and so do colours
    below it: they are filtered as they are stored. Raises MemoryError."""
    pixels = np.frombuffer(image.write_to_memory(), np.uint8).reshape(image.height, image.width, image.bands)
    try:
        pixels = over(pixels, stages, seed)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise
    made = pyvips.Image.new_from_memory(pixels.data, image.width, image.height, image.bands, "uchar")
    # the result has the metadata of the image below, of which no pixel is asked for, since it is covered wholly
    return image.insert(made.copy(interpretation=image.interpretation), 0, 0)


def over(pixels: Pixels, stages: Sequence[Stage], seed: Sequence[int]) -> Pixels:
    """Pixels of 3 or 4 bands after all stages; they are changed in place as far as that can be."""
    points: list[Point] = []
    for place, stage in enumerate(stages):
        kernel = area(stage)
        if kernel is None:
            points.append(point(stage, (*seed, place)))
            continue
        _pointwise(pixels, points)
        points = []
        pixels = _beside_alpha(kernel(pixels), pixels)
    _pointwise(pixels, points)
    return pixels


def _pointwise(pixels: Pixels, points: Sequence[Point]) -> None:
    """All of these filters on one run after another, so that a run is fetched once."""
    if not points:
        return
    for run in _runs(pixels):
        colours = run if run.shape[2] == 3 else cv2.cvtColor(run, cv2.COLOR_RGBA2RGB)
        for change in points:
            change(colours)
        if colours is not run:
            cv2.mixChannels([colours], [run], [0, 0, 1, 1, 2, 2])


def _runs(pixels: Pixels) -> Iterator[Pixels]:
    """Pixels one after another, whatever the shape of the picture."""
    line = pixels.reshape(1, -1, pixels.shape[2])
    for start in range(0, line.shape[1], RUN):
        yield line[:, start : start + RUN]


def _beside_alpha(made: Pixels, before: Pixels) -> Pixels:
    """The picture with the alpha that it had before."""
    if made.shape[2] == 4:
        cv2.mixChannels([before], [made], [3, 3])
    return made
