"""Owns making the picture of a PSD from its layers, by psd-tools, where none was saved with it. Never a merged picture.

Fills and their patterns, masks, groups, clipping, blend modes and most effects are drawn; gradients, curves and
brightness need scipy, strokes of vector shapes need aggdraw. Neither is required by us: 113 MB for files that are rare.
"""

from __future__ import annotations

import warnings

import numpy as np
import pyvips

from sixpx.errors import BadImage, NotSupported, OverLimit
from sixpx.worker.formats.base import Image
from sixpx.worker.formats.psd_header import Document

PIXELS = 20_000_000
"""The largest picture that is made from layers: each pixel takes some 100 bytes while it is."""
READ = 1_500_000_000
"""Bytes that may be taken from the file, those that are read twice included."""
CANVAS = 1_000_000_000
"""Bytes of one array."""


def from_layers(path: str, document: Document) -> tuple[list[Image], Image]:
    """The channels of the colour, in the senses of the file, and the transparency. Raises BadImage, NotSupported,
    OverLimit."""
    if document.size.pixels > PIXELS:
        raise OverLimit(
            f"the PSD file was saved without its merged picture; one of {document.size.pixels:,} pixels is not made "
            f"from layers, the limit is {PIXELS:,}"
        )
    try:
        colour, alpha = _composed(path)
    except MemoryError:
        raise
    except ImportError as lack:
        raise NotSupported(
            "the PSD file was saved without its merged picture, and some of its layers cannot be drawn here; "
            'save it with "maximise compatibility"'
        ) from lack
    except Exception as error:  # psd-tools meets broken bytes with whatever its code runs into
        raise BadImage("the PSD file was saved without its merged picture, and its layers make no sense") from error
    if colour.shape[:2] != (document.size.height, document.size.width) or colour.shape[2] < document.colours:
        raise BadImage("the PSD file was saved without its merged picture, and its layers make none")
    return [_plane(colour[:, :, band], document) for band in range(document.colours)], _plane(alpha[:, :, 0], document)


def _composed(path: str) -> tuple[np.ndarray, np.ndarray]:
    # imported here: 0.5 s, for such files alone
    from psd_tools import ParseLimits, PSDImage
    from psd_tools.composite import composite
    from psd_tools.compression import PSDDecompressionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", PSDDecompressionWarning)  # else a broken layer would come out black
        psd = PSDImage.open(path, max_alloc_bytes=CANVAS, parse_limits=ParseLimits(max_total_bytes=READ))
        colour, _, alpha = composite(psd)
        return colour, alpha


def _plane(values: np.ndarray, document: Document) -> Image:
    """0..1 as the file would hold it."""
    height, width = values.shape
    values = np.nan_to_num(values).clip(0, 1)
    if document.depth == 32:
        return pyvips.Image.new_from_memory(values.astype(np.float32).tobytes(), width, height, 1, "float")
    full, kind, name = (65535, np.uint16, "ushort") if document.depth == 16 else (255, np.uint8, "uchar")
    return pyvips.Image.new_from_memory((values * full + 0.5).astype(kind).tobytes(), width, height, 1, name)
