"""Owns the catalogue of what this installation reads and writes, found out by trial. Never believes a name alone.

libvips' word is not enough: a loader may open headers whose pixels no codec on board can decode, a saver may lack its
encoder. So a small picture is written in every type and read in every format; what cannot be tried here, because no
sample of it can be made, is believed to its `missing()`.
"""

from __future__ import annotations

import logging
import struct
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pyvips

from sixpx.core.formats import Formats, Readable, Writable
from sixpx.core.media import ALIASES, ENDINGS
from sixpx.core.render import Limits, Saving
from sixpx.worker.encoders import ENCODERS
from sixpx.worker.formats import FORMATS
from sixpx.worker.formats.base import Format
from sixpx.worker.loaders import probe, srgb, stream

log = logging.getLogger(__name__)

SIDE = 16
"""Pixels; no encoder refuses such a small picture."""
PAGE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj trailer<</Root 1 0 R>>"
)
SAMPLES: Mapping[str, bytes] = {
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="5" height="5"/></svg>',
    "application/pdf": PAGE,
    "application/illustrator": PAGE + b" % /Creator(Adobe Illustrator)",
    "application/postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n0 0 5 5 rectfill\nshowpage\n",
    "image/vnd.adobe.photoshop": struct.pack(">4sH6xHIIHH12x2HH", b"8BPS", 1, 1, 1, 1, 8, 1, 1, 2, 0x7F),
}
"""The smallest file of formats that we do not write, by type: what proves that the decoder is there."""
NOT_READ = "its decoder is missing or broken in this installation"
NOT_WRITTEN = "its encoder is missing or broken in this installation"


def catalogue() -> Formats:
    """Every format of the registries. Raises nothing that a broken codec raises; takes a second,
    most of it Ghostscript's."""
    with tempfile.TemporaryDirectory() as folder:
        written = {type: _written(type, Path(folder, str(place))) for place, type in enumerate(ENCODERS)}
        trial = lru_cache(lambda type: _trial(type, written.get(type), Path(folder, "sample")))
        readable = tuple(_readable(format, format.missing() or trial(format.type)) for format in FORMATS)
        return Formats(readable, tuple(_writable(type, path is not None) for type, path in written.items()), ALIASES)


def _written(type: str, path: Path) -> Path | None:
    """A small picture in this type; None where it cannot be written."""
    image = pyvips.Image.black(SIDE, SIDE, bands=3).linear(1, [200, 100, 50], uchar=True).copy(interpretation="srgb")
    try:
        ENCODERS[type].write(image, str(path), Saving(type), "none")
    except Exception:  # whatever a codec says when it is not there
        log.warning("%s cannot be written in this installation", type, exc_info=True)
        return None
    return path


def _writable(type: str, available: bool) -> Writable:
    encoder = ENCODERS[type]
    lack = None if available else NOT_WRITTEN
    quality = None if encoder.quality is None else {"default": encoder.quality}
    return Writable(type, ENDINGS[type], available, lack, encoder.animated, encoder.alpha, encoder.side, quality)


def _readable(format: Format, lack: str | None) -> Readable:
    return Readable(format.type, format.name, lack is None, lack, format.animated, format.drawn)


def _trial(type: str, sample: Path | None, scratch: Path) -> str | None:
    """What is amiss when a sample of this type is read; None where all is well, or there is no sample."""
    if sample is None and type in SAMPLES:
        scratch.write_bytes(SAMPLES[type])
        sample = scratch
    if sample is None:
        return None
    try:
        srgb(stream(probe(str(sample), Limits()))).avg()
    except Exception:  # whatever a codec says when it is not there
        log.warning("%s cannot be read in this installation", type, exc_info=True)
        return NOT_READ
    return None
