"""Owns ENCODERS: the types that we write, by libvips' saver, its settings and its bounds. Never metadata, never a file.

The settings are measured; `python -m bench --workload encoders` prints the table, bench/README.md explains it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyvips

from sixpx.core.render import Saving
from sixpx.worker.formats.base import EXIF
from sixpx.worker.tiff_tags import describe

QUALITY = 80
AVIF_QUALITY = 63

FLAGS, ANIMATION, ALPHA = 20, 0x02, 0x10
"""The place of VP8X' flags in a WebP file, and two of them (WebP Container Specification, Extended File Format)."""

Image = Any
Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Encoder:
    """`options` gives the saver's options for what an output asks for; `side` is the longest side in pixels that the
    encoder writes, None where that is beyond every limit of ours; `alpha` False: transparency becomes white; `quality`
    is the one that a type gets unasked (SPEC section 2, Outputs), None where it has no such choice."""

    saver: str
    options: Callable[[Saving], Options]
    side: int | None = None
    alpha: bool = True
    animated: bool = False
    quality: int | None = None

    def write(self, image: Image, path: str, saving: Saving, keep: str) -> None:
        """Writes the file, with the metadata that libvips' word `keep` names. Raises pyvips.Error."""
        pyvips.Operation.call(self.saver, image, path, keep=keep, **self.options(saving))


class WebP(Encoder):
    """libwebp tells of an animation's alpha only where a frame's own rectangle has some, not where none reaches."""

    def write(self, image: Image, path: str, saving: Saving, keep: str) -> None:
        super().write(image, path, saving, keep)
        if not image.hasalpha():
            return
        with open(path, "r+b") as file:
            head = file.read(FLAGS + 1)
            if head[12:16] == b"VP8X" and head[FLAGS] & ANIMATION:
                file.seek(FLAGS)
                file.write(bytes([head[FLAGS] | ALPHA]))


class Tiff(Encoder):
    """libvips leaves EXIF out of the TIFFs that it writes."""

    def write(self, image: Image, path: str, saving: Saving, keep: str) -> None:
        super().write(image, path, saving, keep)
        if "exif" in keep and image.get_typeof(EXIF):
            describe(path, image.get(EXIF))


def _png(saving: Saving) -> Options:
    """Level 3 with `up`: at the time of `sub`, over a dozen pictures a twentieth smaller. `avg` is 8 % smaller still
    for photographs, and 13 % larger for drawings; `paeth` takes a third more time for 2 %."""
    return {"compression": 3, "filter": "up", "interlace": saving.progressive}


def _jpeg(saving: Saving) -> Options:
    """Optimised coding takes more than twice the time for 1 % of a photograph; `progressive` brings it along."""
    return {"Q": saving.quality or QUALITY, "interlace": saving.progressive, "background": [255, 255, 255]}


def _gif(saving: Saving) -> Options:
    """Effort 4 is the first that keeps pictures of up to 255 colours as they are; 5 takes half more time, 7 four
    times. Half the dithering flickers less than all of it and leaves no bands. Up to 8 levels of difference from
    frame to frame are not written: half the size. The palette of the input is not reused, since filters and layers
    bring other colours. `quality` means nothing here."""
    still = {"effort": 4, "dither": 0.5, "interlace": saving.progressive}
    return {**still, "interframe_maxerror": 8, "keep_duplicate_frames": True}


def _webp(saving: Saving) -> Options:
    """Effort 2: 0 is a fifth larger, 4 takes twice the time for 4 %. Lossy at 100 too: what must be lossless is a
    PNG. Frames that repeat become one with the sum of their delays (libwebp's way)."""
    return {"Q": saving.quality or QUALITY, "effort": 2}


def _avif(saving: Saving) -> Options:
    """Effort 0: 1 takes four times the time for 6 % of a photograph, 4 fifty times for 14 %. Colours at half the
    resolution below a quality of 90 (libvips' `auto`, as for JPEG). Never progressive."""
    return {"Q": saving.quality or AVIF_QUALITY, "compression": "av1", "encoder": "aom", "effort": 0, "bitdepth": 8}


def _tiff(saving: Saving) -> Options:
    """Lossless whatever the quality: who asks for a TIFF wants every pixel, and JPEG inside of one is poorly read.
    Deflate with the predictor: LZW is 6 % larger on photographs, tiles too."""
    return {"compression": "deflate", "predictor": "horizontal"}


ENCODERS: Mapping[str, Encoder] = {
    "image/png": Encoder("pngsave", _png),
    "image/jpeg": Encoder("jpegsave", _jpeg, side=65_500, alpha=False, quality=QUALITY),
    "image/gif": Encoder("gifsave", _gif, side=65_535, animated=True),
    "image/webp": WebP("webpsave", _webp, side=16_383, animated=True, quality=QUALITY),
    "image/avif": Encoder("heifsave", _avif, side=16_384, quality=AVIF_QUALITY),
    "image/tiff": Tiff("tiffsave", _tiff),
}
"""JPEG itself knows sides of 65,535 pixels; libjpeg-turbo stops before (JPEG_MAX_DIMENSION)."""
