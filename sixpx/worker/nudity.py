"""Owns a guess, by skin alone, whether a picture shows a naked body. Never knows what it looks at, never a verdict.

After R. Ap-apid, "An Algorithm for Nudity Detection" (5th Philippine Computing Science Congress, 2005): pixels of skin
colour, their connected regions, and how much of the picture these take. Skin is told by Kovac, Peer and Solina, "Human
skin colour clustering for face detection" (EUROCON 2003), narrowed by the chroma bounds of Chai and Ngan (1999), and
it is smooth, as Forsyth and Fleck ask ("Automatic detection of human nudes", 1999): most wood, fur and cloth is not.

Experimental, as the editions say (about 60 % right). It cannot tell a body from a face that fills the picture, nor from
sand, wood or fur of such a colour that looks smooth; it sees nothing in greyscale pictures, in coloured light, or of a
body that is small in the picture; rules made from photographs fit some skins better than others. Use it to choose what
a human looks at, not instead.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sixpx.worker.formats.base import Image

LONG_SIDE = 256
"""pixels of the copy that is looked at"""
SPECK = 0.005
"""part of the picture below which a region is taken for noise"""
SKIN = (0.10, 0.55)
REGION = (0.05, 0.40)
"""Parts of the picture: where all skin, and its largest region, begin to count, and where they count in full."""
NUDE = 0.5
ROUGH = 6
"""Mean distance of a neighbourhood's greys from their medians (of 255) above which a surface is no skin."""

Bytes = npt.NDArray[np.uint8]


def nudity(image: Image) -> dict[str, Any]:
    """`score` from 0 to 1 (see `score`), to two digits, and `nude`, whether it is 0.5 or more. The image must be in
    memory."""
    found = round(score(*regions(skin(_reduced(image)))), 2)
    return {"nude": found >= NUDE, "score": found}


def score(all_skin: float, largest: float) -> float:
    """From the parts of the picture that are skin, and that are its largest region of skin: the geometric mean of how
    far either has come between its bounds. Grows with both, and is 0 where one of them is below its bound."""
    return math.sqrt(_ramp(all_skin, *SKIN) * _ramp(largest, *REGION))


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def regions(mask: Bytes) -> tuple[float, float]:
    """The parts of the picture that are regions of skin, and that the largest of them is. Threads and specks do not
    count."""
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA] / mask.size
    areas = areas[areas >= SPECK]
    return float(areas.sum()), float(areas.max(initial=0.0))


def skin(pixels: Bytes) -> Bytes:
    """1 where a pixel (red, green, blue, alpha) has the colour of skin, is opaque and its surroundings are smooth."""
    red, green, blue, alpha = (pixels[:, :, band].astype(np.int16) for band in range(4))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    kovac = (red > 95) & (green > 40) & (blue > 20) & (spread > 15) & (red - green > 15) & (red > blue)
    chroma = cv2.cvtColor(np.ascontiguousarray(pixels[:, :, :3]), cv2.COLOR_RGB2YCrCb)
    chai = (cv2.inRange(chroma[:, :, 1], 133, 173) > 0) & (cv2.inRange(chroma[:, :, 2], 77, 127) > 0)
    return (kovac & chai & (alpha >= 128) & _smooth(pixels)).astype(np.uint8)


def _smooth(pixels: Bytes) -> npt.NDArray[np.bool_]:
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[:, :, :3]), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.blur(cv2.absdiff(grey, cv2.medianBlur(grey, 5)), (7, 7)) <= ROUGH)


def _reduced(image: Image) -> Bytes:
    if max(image.width, image.height) > LONG_SIDE:
        image = image.thumbnail_image(LONG_SIDE, height=LONG_SIDE, size="down")
    image = image if image.hasalpha() else image.bandjoin(255)
    return np.ascontiguousarray(image.cast("uchar").numpy())
