"""Owns taking an animation apart into frames and putting it together again. Never changes a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyvips

Image = Any
Frames = tuple[Image, ...]
"""The pictures of an animation in order; a still picture is one frame."""


def split(strip: Image) -> Frames:
    """The frames of a libvips strip (one below the other, `page-height` each), each a picture of its own."""
    height = strip.get("page-height") if strip.get_typeof("page-height") else strip.height
    return tuple(_alone(strip.crop(0, top, strip.width, height)) for top in range(0, strip.height, height))


def _alone(frame: Image) -> Image:
    """Without the page height, by which a larger canvas would be taken for several frames."""
    frame = frame.copy()
    if frame.get_typeof("page-height"):
        frame.remove("page-height")
    return frame


def join(frames: Frames) -> Image:
    """The frames as one strip. Delays (ms) and loop count travel with the first frame's metadata."""
    if len(frames) == 1:
        return frames[0]
    strip = pyvips.Image.arrayjoin(list(frames), across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    return strip


def in_memory(frames: Sequence[Image]) -> Frames:
    return tuple(frame.copy_memory() for frame in frames)
