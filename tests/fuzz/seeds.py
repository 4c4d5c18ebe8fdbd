"""Owns SEEDS: small valid files of every kind of input, each made by code. Never a broken one."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pillow_heif
import pyvips
from PIL import Image

from tests.fuzz.drawn import DRAWN, DRAWN_SLOWLY, OLD_DRAWINGS, PAGES, dos_eps
from tests.worker.psd import CMYK as PSD_CMYK
from tests.worker.psd import INDEXED, LAB, RGB, RLE, ZIP, ZIP_PREDICTED, count, psd
from tests.worker.psd.desk import exif as psd_exif
from tests.worker.psd.desk import layered
from tests.worker.tiffs import LONG, SHORT, tiff

WIDTH, HEIGHT = 24, 16


@cache
def pixels(bands: int = 3) -> Any:
    """A picture that is smooth here and rough there, height x width x bands."""
    across, down = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    planes = [127 + 120 * np.sin(3 * across * (band + 1) + 2 * down) for band in range(bands)]
    rough = np.random.default_rng(6).integers(-8, 8, (HEIGHT, WIDTH, bands)) * (across > 0.7)[..., None]
    return (np.dstack(planes) + rough).clip(0, 255).astype(np.uint8)


def wide(bands: int = 3) -> Any:
    return pixels(bands).astype(np.uint16) * 257


@cache
def picture(mode: str = "RGB") -> Image.Image:
    if mode in ("P", "1"):
        return Image.fromarray(pixels()).quantize(16) if mode == "P" else Image.fromarray(pixels()).convert("1")
    bands = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    return Image.fromarray(pixels(bands).squeeze(), mode)


def pillow(format: str, mode: str = "RGB", **options: Any) -> bytes:
    target = io.BytesIO()
    picture(mode).save(target, format, **options)
    return target.getvalue()


def film(format: str, **options: Any) -> bytes:
    more = [picture("RGBA").rotate(turn) for turn in (20, 90, 200)]
    return pillow(format, "RGBA", save_all=True, append_images=more, duration=[50, 70, 90, 20], **options)


def vips(array: Any, ending: str, interpretation: str = "srgb", **options: Any) -> bytes:
    image = pyvips.Image.new_from_array(np.ascontiguousarray(array), interpretation=interpretation)
    return bytes(image.write_to_buffer(ending, **options))


def heic(mode: str = "RGB", **options: Any) -> bytes:
    target, file = io.BytesIO(), pillow_heif.HeifFile()
    file.add_from_pillow(picture(mode).resize((64, 64)))
    file.save(target, quality=60, **options)
    return target.getvalue()


def avif(mode: str = "RGB", **options: Any) -> bytes:
    return pillow("AVIF", mode, quality=60, speed=9, max_threads=1, **options)


def timeless(content: bytes) -> bytes:
    """A film in boxes (ISO/IEC 14496-12) without the times at which it was made."""
    made = bytearray(content)
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        for found in re.finditer(box, content):
            made[found.end() + 4 : found.end() + 20] = bytes(16)
    return bytes(made)


@cache
def exif() -> bytes:
    """EXIF with a rational, a text, a position, a direction."""
    tags = Image.Exif()
    tags[0x0112], tags[0x8298], tags[0x010F] = 6, "Jane Doe", "Camera"
    tags.get_ifd(0x8769).update({0x829A: (1, 125), 0x9003: "2020:01:02 03:04:05"})
    tags.get_ifd(0x8825).update({1: "N", 2: (47, 22, 8.5), 3: "E", 4: (8, 32, 30)})
    return tags.tobytes()


@cache
def profile(name: str = "p3") -> bytes:
    return bytes(pyvips.Operation.call("profile_load", name))


def palette_tiff() -> bytes:
    colours = np.arange(48, dtype=np.uint16) * 1365
    return tiff(pixels(1) >> 4, 3, bits=4, fields={320: (SHORT, colours.tolist())})


def old_jpeg_tiff() -> bytes:
    """TIFF 6.0's first JPEG: the whole file lies where a tag says."""
    content = pillow("JPEG", quality=80)
    fields = {259: (SHORT, [6]), 513: (LONG, [8]), 514: (LONG, [len(content)]), 530: (SHORT, [2, 2])}
    made = bytearray(tiff(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 6, rows=HEIGHT, fields=fields))
    made[8 : 8 + len(content)] = content
    return bytes(made)


JPEG: Mapping[str, Callable[[], bytes]] = {
    "baseline": lambda: pillow("JPEG", quality=80),
    "4:4:4 with restarts": lambda: pillow("JPEG", quality=80, subsampling=0, restart_marker_blocks=1),
    "progressive": lambda: pillow("JPEG", quality=80, progressive=True),
    "grey": lambda: pillow("JPEG", "L", quality=80),
    "cmyk": lambda: pillow("JPEG", "CMYK", quality=80),
    "progressive cmyk": lambda: pillow("JPEG", "CMYK", quality=80, progressive=True),
    "exif and profile": lambda: pillow("JPEG", quality=80, exif=exif(), icc_profile=profile()),
    "two pictures": lambda: pillow("MPO", save_all=True, append_images=[picture().rotate(180)]),
}
PNG: Mapping[str, Callable[[], bytes]] = {
    "rgb": lambda: pillow("PNG"),
    "rgba": lambda: pillow("PNG", "RGBA"),
    "16 bit": lambda: vips(wide(), ".png", "rgb16"),
    "palette": lambda: pillow("PNG", "P", transparency=bytes(range(0, 160, 10))),
    "1 bit": lambda: pillow("PNG", "1"),
    "interlaced": lambda: vips(pixels(4), ".png", interlace=True),
    "interlaced 16 bit": lambda: vips(wide(1), ".png", "grey16", interlace=True),
    "exif and profile": lambda: pillow("PNG", exif=exif(), icc_profile=profile()),
    "animated": lambda: film("PNG"),
}
GIF: Mapping[str, Callable[[], bytes]] = {
    "plain": lambda: pillow("GIF", "P", interlace=False),
    "interlaced": lambda: pillow("GIF", "P", interlace=True),
    "animated": lambda: film("GIF", loop=3),
    "animated, disposal 2": lambda: film("GIF", disposal=[1, 2, 1, 2], loop=0),
    "animated, disposal 3": lambda: film("GIF", disposal=[1, 3, 3, 1], loop=0),
}
WEBP: Mapping[str, Callable[[], bytes]] = {
    "lossy": lambda: pillow("WEBP", quality=70),
    "lossless": lambda: pillow("WEBP", lossless=True),
    "lossy with alpha": lambda: pillow("WEBP", "RGBA", quality=70),
    "exif and profile": lambda: pillow("WEBP", quality=70, exif=exif(), icc_profile=profile()),
    "animated": lambda: film("WEBP", quality=50),
    "animated, lossless": lambda: film("WEBP", lossless=True),
}
TIFF: Mapping[str, Callable[[], bytes]] = {
    "strips": lambda: tiff(pixels(), 2, rows=5, deflate=True),
    "tiles": lambda: tiff(pixels(), 2, tile=16),
    "jpeg": lambda: pillow("TIFF", compression="jpeg", quality=80),
    "jpeg in tiles": lambda: vips(pixels(), ".tif", compression="jpeg", tile=True, tile_width=16, tile_height=16),
    "old-style jpeg": old_jpeg_tiff,
    "lzw": lambda: pillow("TIFF", "RGBA", compression="tiff_lzw"),
    "packbits": lambda: pillow("TIFF", compression="packbits"),
    "lzma": lambda: pillow("TIFF", compression="lzma"),
    "group 3": lambda: pillow("TIFF", "1", compression="group3"),
    "group 4": lambda: pillow("TIFF", "1", compression="group4"),
    "planes in tiles": lambda: tiff(pixels(), 2, planar=True, tile=16, orientation=6),
    "16 bit, big endian": lambda: tiff(wide(4), 2, order=">", extra=[2]),
    "float": lambda: tiff(pixels().astype(np.float32) / 200, 2),
    "lab": lambda: tiff(pixels(), 8),
    "cmyk": lambda: pillow("TIFF", "CMYK", compression="tiff_adobe_deflate"),
    "palette of 4 bits": palette_tiff,
    "BigTIFF": lambda: tiff(pixels(), 2, big=True, rows=4),
    "two pages": lambda: pillow("TIFF", save_all=True, append_images=[picture().rotate(180)], exif=exif()),
}
AVIF: Mapping[str, Callable[[], bytes]] = {
    "plain": avif,
    "alpha": lambda: avif("RGBA"),
    "exif": lambda: avif(exif=exif()),
    "a sequence": lambda: timeless(film("AVIF", quality=60, speed=9, max_threads=1)),
}
HEIC: Mapping[str, Callable[[], bytes]] = {
    "plain": heic,
    "alpha": lambda: heic("RGBA"),
    "exif": lambda: heic(exif=exif()),
}
PSD: Mapping[str, Callable[[], bytes]] = {
    "rle": lambda: psd(pixels(4), RGB, RLE, layers=count(-1), resources={1039: profile(), 1058: psd_exif(6)}),
    "cmyk, zip predicted": lambda: psd(pixels(4), PSD_CMYK, ZIP_PREDICTED),
    "lab, zip, PSB": lambda: psd(wide(), LAB, ZIP, 2),
    "indexed": lambda: psd(pixels(1), INDEXED, palette=bytes(range(256)) * 3, resources={1047: b"\0\7"}),
    "layers alone": lambda: layered([(255, 0, 0, 255), (0, 0, 255, 128)]),
}
SVG: Mapping[str, Callable[[], bytes]] = {
    **{name: content.encode for name, content in DRAWN.items()},
    "squeezed": lambda: gzip.compress(DRAWN["shapes"].encode(), mtime=0),
}
PDF: Mapping[str, Callable[[], bytes]] = PAGES
EPS: Mapping[str, Callable[[], bytes]] = {
    **{name: content.encode for name, content in DRAWN_SLOWLY.items()},
    **{name: content.encode for name, content in OLD_DRAWINGS.items()},
    "with a preview": dos_eps,
}

SEEDS: Mapping[str, Mapping[str, Callable[[], bytes]]] = {
    "JPEG": JPEG, "PNG": PNG, "GIF": GIF, "WebP": WEBP, "TIFF": TIFF, "AVIF": AVIF, "HEIC": HEIC, "PSD": PSD,
    "SVG": SVG, "PDF": PDF, "EPS": EPS,
}  # fmt: skip
"""By format, then by what is special about it."""


@cache
def seed(format: str, name: str) -> bytes:
    return SEEDS[format][name]()
