"""Owns the corpus: files of every kind of pixel input, each made by code in one line. Never a tolerance."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pyvips
from PIL import Image

from .conftest import PHOTO
from .tiffs import BYTE, LONG, SHORT, tiff

CORPUS = Path(__file__).with_name("corpus")
WIDTH, HEIGHT = 96, 64


@cache
def photo(mode: str = "RGB") -> Image.Image:
    """The photograph, small; with an alpha that runs from 0 to 255 where the mode has one."""
    with Image.open(PHOTO) as large:
        small = large.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    if mode in ("RGBA", "LA"):
        small = small.convert("RGBA" if mode == "RGBA" else "LA")
        small.putalpha(Image.linear_gradient("L").resize(small.size))
    return small.convert(mode)


def pixels(mode: str = "RGB") -> Any:
    """The same as an array, height x width x samples."""
    return np.atleast_3d(np.asarray(photo(mode)))


def wide(mode: str = "RGB") -> Any:
    """The same with 16 bit a sample."""
    return pixels(mode).astype(np.uint16) * 257


@cache
def profile(name: str) -> bytes:
    """A profile that libvips brings: `p3`, `cmyk`."""
    return bytes(pyvips.Operation.call("profile_load", name))


def pillow(format: str, mode: str = "RGB", **options: Any) -> bytes:
    target = io.BytesIO()
    photo(mode).save(target, format, **options)
    return target.getvalue()


def film(format: str, disposal: Sequence[int] | None = None, **options: Any) -> bytes:
    """Three frames: the photograph, a part of it moved, and a third that is mostly transparent."""
    if disposal is not None:
        options["disposal"] = disposal
    more = [photo("RGBA").rotate(8), patch()]
    return pillow(format, "RGBA", save_all=True, append_images=more, duration=[50, 70, 90], **options)


def patch() -> Image.Image:
    """A red square on nothing."""
    picture = Image.new("RGBA", photo().size, (0, 0, 0, 0))
    picture.paste((255, 40, 0, 255), (20, 10, 50, 40))
    return picture


def heif(mode: str = "RGB", more: Sequence[Image.Image] = (), **options: Any) -> bytes:
    target, file = io.BytesIO(), pillow_heif.HeifFile()
    for picture in (photo(mode), *more):
        file.add_from_pillow(picture)
    file.save(target, **options)
    return target.getvalue()


def heif_ten_bit() -> bytes:
    target = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (WIDTH, HEIGHT), wide().tobytes()).save(target, quality=95, chroma=444)
    return target.getvalue()


def vips(array: Any, ending: str, interpretation: str = "srgb", **options: Any) -> bytes:
    image = pyvips.Image.new_from_array(np.ascontiguousarray(array), interpretation=interpretation)
    return bytes(image.write_to_buffer(ending, **options))


def turned(format: str, orientation: int, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return pillow(format, exif=exif, **options)


def ycck() -> bytes:
    """CMYK that Adobe's marker calls YCCK: its numbers are luma and chroma then."""
    content = bytearray(pillow("JPEG", "CMYK", quality=95))
    content[content.index(b"Adobe") + 11] = 2
    return bytes(content)


def numbered_p3(content: bytes) -> bytes:
    """A HEIF file whose colours are Display P3 by number."""
    place = content.index(b"colrnclx") + 8
    return content[:place] + b"\0\x0c\0\x0d" + content[place + 4 :]


def old_jpeg() -> bytes:
    """TIFF 6.0's first JPEG: the whole file lies where a tag says."""
    content = pillow("JPEG", quality=95, subsampling=0)
    fields = {259: (SHORT, [6]), 513: (LONG, [8]), 514: (LONG, [len(content)]), 530: (SHORT, [1, 1])}
    made = bytearray(tiff(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 6, rows=HEIGHT, fields=fields))
    made[8 : 8 + len(content)] = content
    return bytes(made)


def lab(depth: int) -> bytes:
    """CIELAB as TIFF has it: L of 0..100 in all of its range, a and b as signed numbers."""
    shades = np.linspace(0, 1, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    a, b = 60 * np.sin(9 * shades), 50 * np.cos(7 * shades)
    if depth == 8:
        stored = np.dstack([shades * 255, a, b]).round().astype(np.int16).astype(np.uint8)
    else:
        stored = np.dstack([shades * 65_535, a * 256, b * 256]).round().astype(np.int32).astype(np.uint16)
    return tiff(stored, 8)


def palette() -> bytes:
    colours = photo().quantize(16)
    table = np.array(colours.getpalette()[:48], np.uint16).reshape(16, 3).T.flatten() * 257
    return tiff(np.asarray(colours), 3, bits=4, fields={320: (SHORT, table.tolist())})


def floats(scale: float, mode: str = "RGB") -> Any:
    return (pixels(mode) * (scale / 255)).astype(np.float32)


def linear() -> Any:
    """The photograph in linear light, white at 1 (IEC 61966-2-1)."""
    values = pixels() / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


JPEGS: Mapping[str, Callable[[], bytes]] = {
    "4:4:4": lambda: pillow("JPEG", quality=92, subsampling=0),
    "4:2:0": lambda: pillow("JPEG", quality=92, subsampling=2),
    "4:2:2": lambda: pillow("JPEG", quality=92, subsampling=1),
    "progressive": lambda: pillow("JPEG", quality=92, progressive=True),
    "optimised with restarts": lambda: pillow("JPEG", quality=92, optimize=True, restart_marker_blocks=3),
    "grey": lambda: pillow("JPEG", "L", quality=92),
    "rgb, not luma and chroma": lambda: pillow("JPEG", quality=92, keep_rgb=True),
    "cmyk": lambda: pillow("JPEG", "CMYK", quality=92),
    "cmyk with a profile": lambda: pillow("JPEG", "CMYK", quality=92, icc_profile=profile("cmyk")),
    "progressive cmyk": lambda: pillow("JPEG", "CMYK", quality=92, progressive=True),
    "ycck": ycck,
    "display p3": lambda: pillow("JPEG", quality=92, icc_profile=profile("p3")),
    "arithmetic": lambda: (CORPUS / "arithmetic.jpg").read_bytes(),
    "arithmetic and progressive": lambda: (CORPUS / "arithmetic-progressive.jpg").read_bytes(),
    "two pictures in one file": lambda: pillow("MPO", save_all=True, append_images=[photo().rotate(180)]),
    "something behind the end": lambda: pillow("JPEG", quality=92) + b"\0" * 999 + b"\xff\xda and more",
    **{f"orientation {turn}": lambda turn=turn: turned("JPEG", turn, quality=92) for turn in range(1, 9)},
}

PNGS: Mapping[str, Callable[[], bytes]] = {
    "rgb": lambda: pillow("PNG"),
    "rgba": lambda: pillow("PNG", "RGBA"),
    "grey": lambda: pillow("PNG", "L"),
    "grey and alpha": lambda: pillow("PNG", "LA"),
    "1 bit": lambda: pillow("PNG", "1"),
    "2 bit grey": lambda: vips(pixels("L"), ".png", "b-w", bitdepth=2),
    "4 bit grey": lambda: vips(pixels("L"), ".png", "b-w", bitdepth=4),
    "palette": lambda: pillow("PNG", "P"),
    "palette of 2 bits": lambda: vips(pixels(), ".png", palette=True, bitdepth=2),
    "palette with transparency": lambda: pillow("PNG", "P", transparency=bytes(range(0, 256, 2))),
    "a transparent colour": lambda: pillow("PNG", transparency=photo().getpixel((5, 5))),
    "16 bit": lambda: vips(wide(), ".png", "rgb16"),
    "16 bit grey": lambda: vips(wide("L"), ".png", "grey16"),
    "16 bit with alpha": lambda: vips(wide("RGBA"), ".png", "rgb16"),
    "interlaced": lambda: vips(pixels(), ".png", interlace=True),
    "interlaced with alpha": lambda: vips(pixels("RGBA"), ".png", interlace=True),
    "interlaced 16 bit": lambda: vips(wide(), ".png", "rgb16", interlace=True),
    "display p3": lambda: pillow("PNG", icc_profile=profile("p3")),
    "orientation 6": lambda: turned("PNG", 6),
    "animated": lambda: film("PNG"),
}

GIFS: Mapping[str, Callable[[], bytes]] = {
    "plain": lambda: pillow("GIF", "P"),
    "grey": lambda: pillow("GIF", "L"),
    "interlaced": lambda: pillow("GIF", "P", interlace=True),
    "not interlaced": lambda: pillow("GIF", "P", interlace=False),
    "transparent": lambda: pillow("GIF", "P", transparency=photo("P").getpixel((5, 5))),
    "half transparent": lambda: pillow("GIF", "RGBA"),
    **{f"disposal {way}": lambda way=way: film("GIF", [1, way, 1], loop=0) for way in range(4)},
}

WEBPS: Mapping[str, Callable[[], bytes]] = {
    "lossy": lambda: pillow("WEBP", quality=90),
    "lossless": lambda: pillow("WEBP", lossless=True),
    "lossy with alpha": lambda: pillow("WEBP", "RGBA", quality=90),
    "lossless with alpha": lambda: pillow("WEBP", "RGBA", lossless=True, exact=True),
    "display p3": lambda: pillow("WEBP", lossless=True, icc_profile=profile("p3")),
    "orientation 8": lambda: turned("WEBP", 8, lossless=True),
    "animated": lambda: film("WEBP", lossless=True),
}

TIFFS: Mapping[str, Callable[[], bytes]] = {
    "raw": lambda: pillow("TIFF"),
    "lzw": lambda: pillow("TIFF", compression="tiff_lzw"),
    "deflate": lambda: pillow("TIFF", compression="tiff_adobe_deflate"),
    "old deflate": lambda: pillow("TIFF", compression="tiff_deflate"),
    "packbits": lambda: pillow("TIFF", compression="packbits"),
    "lzma": lambda: pillow("TIFF", compression="lzma"),
    "jpeg": lambda: pillow("TIFF", compression="jpeg", quality=92),
    "jpeg, 4:2:0 in tiles": lambda: vips(pixels(), ".tif", compression="jpeg", Q=92, tile=True, tile_width=32),
    "old-style jpeg": old_jpeg,
    "bilevel": lambda: pillow("TIFF", "1"),
    "group 3": lambda: pillow("TIFF", "1", compression="group3"),
    "group 4": lambda: pillow("TIFF", "1", compression="group4"),
    "white is zero": lambda: tiff(255 - pixels("L"), 0),
    "white is zero, 1 bit": lambda: tiff(pixels("1").astype(np.uint8) ^ 1, 0, bits=1),
    "white is zero, 16 bit": lambda: tiff(65_535 - wide("L"), 0),
    "2 bit grey": lambda: tiff(pixels("L") >> 6, 1, bits=2),
    "4 bit grey": lambda: tiff(pixels("L") >> 4, 1, bits=4),
    "12 bit grey": lambda: tiff(wide("L") >> 4, 1, bits=12),
    "grey": lambda: pillow("TIFF", "L"),
    "grey and alpha": lambda: pillow("TIFF", "LA"),
    "palette": lambda: pillow("TIFF", "P"),
    "palette of 4 bits": palette,
    "alpha": lambda: pillow("TIFF", "RGBA"),
    "alpha, multiplied": lambda: tiff(np.asarray(photo("RGBA").convert("RGBa")), 2, extra=[1]),
    "a mask that is no alpha": lambda: tiff(pixels("RGBA"), 2, extra=[0]),
    "alpha and two masks": lambda: tiff(np.dstack([pixels("RGBA"), pixels("L"), pixels("L")]), 2, extra=[2, 0, 0]),
    "cmyk": lambda: pillow("TIFF", "CMYK"),
    "cmyk with a profile": lambda: pillow("TIFF", "CMYK", icc_profile=profile("cmyk"), compression="tiff_lzw"),
    "cmyk, 16 bit": lambda: tiff(wide("CMYK"), 5),
    "cmyk in jpeg": lambda: pillow("TIFF", "CMYK", compression="jpeg", quality=95),
    "cmyk and a spot colour": lambda: tiff(np.dstack([pixels("CMYK"), pixels("L")]), 5, extra=[0]),
    "16 bit": lambda: tiff(wide(), 2),
    "16 bit grey": lambda: tiff(wide("L"), 1),
    "16 bit with alpha": lambda: tiff(wide("RGBA"), 2, extra=[2]),
    "32 bit": lambda: tiff(wide().astype(np.uint32) * 65_537, 2),
    "float": lambda: tiff(linear(), 2),
    "float with highlights": lambda: tiff(np.maximum(linear(), (pixels() > 250) * np.float32(9)), 2),
    "float to 255": lambda: tiff(floats(255), 2),
    "float grey": lambda: tiff(floats(1, "L"), 1),
    "float grey to 255": lambda: tiff(floats(255, "L"), 1),
    "lab": lambda: lab(8),
    "lab, 16 bit": lambda: lab(16),
    "display p3": lambda: pillow("TIFF", icc_profile=profile("p3")),
    "16 bit display p3": lambda: tiff(wide(), 2, fields={34675: (BYTE, profile("p3"))}),
    "strips": lambda: tiff(pixels(), 2, rows=5, deflate=True),
    "tiles": lambda: tiff(pixels(), 2, tile=32),
    "planes": lambda: tiff(pixels(), 2, planar=True),
    "planes in strips": lambda: tiff(pixels(), 2, planar=True, rows=9),
    "planes in tiles": lambda: tiff(pixels(), 2, planar=True, tile=32),
    "planes in tiles, 16 bit": lambda: tiff(wide(), 2, planar=True, tile=32, deflate=True),
    "planes with alpha": lambda: tiff(pixels("RGBA"), 2, planar=True, extra=[2]),
    "big endian": lambda: tiff(wide(), 2, order=">"),
    "BigTIFF": lambda: tiff(pixels(), 2, big=True),
    "BigTIFF, big endian": lambda: tiff(pixels(), 2, big=True, order=">"),
    "two pages": lambda: pillow("TIFF", save_all=True, append_images=[photo().rotate(180)]),
    "a pyramid": lambda: vips(pixels(), ".tif", pyramid=True, tile=True, tile_width=16, tile_height=16),
    **{f"orientation {turn}": lambda turn=turn: tiff(pixels(), 2, orientation=turn) for turn in range(1, 9)},
    "orientation 6, by Pillow": lambda: tiff(pixels(), 2, orientation=6, planar=True, tile=32),
}

AVIFS: Mapping[str, Callable[[], bytes]] = {
    "4:2:0": lambda: pillow("AVIF", quality=90, speed=9),
    "4:4:4": lambda: pillow("AVIF", quality=90, speed=9, subsampling="4:4:4"),
    "alpha": lambda: pillow("AVIF", "RGBA", quality=90, speed=9),
    "grey": lambda: pillow("AVIF", "L", quality=90, speed=9),
    "10 bit": lambda: vips(wide(), ".avif", "rgb16", Q=90, effort=0, bitdepth=10, subsample_mode="off"),
    "12 bit": lambda: vips(wide(), ".avif", "rgb16", Q=90, effort=0, bitdepth=12, subsample_mode="off"),
    "display p3": lambda: pillow("AVIF", quality=90, speed=9, icc_profile=profile("p3")),
    "display p3 by number": lambda: numbered_p3(pillow("AVIF", quality=90, speed=9)),
    "a sequence": lambda: film("AVIF", quality=90, speed=9),
    **{f"orientation {turn}": lambda turn=turn: turned("AVIF", turn, quality=90, speed=9) for turn in (2, 5, 6, 8)},
}

HEICS: Mapping[str, Callable[[], bytes]] = {
    "4:2:0": lambda: heif(quality=90),
    "4:4:4": lambda: heif(quality=90, chroma=444),
    "alpha": lambda: heif("RGBA", quality=90),
    "grey": lambda: heif("L", quality=90),
    "10 bit": heif_ten_bit,
    "display p3": lambda: heif(quality=90, chroma=444, icc_profile=profile("p3")),
    "display p3 by number": lambda: numbered_p3(heif(quality=90, chroma=444)),
    "two pictures": lambda: heif(more=[photo().rotate(180)], quality=90),
}

ALL: Mapping[str, Mapping[str, Callable[[], bytes]]] = {
    "JPEG": JPEGS, "PNG": PNGS, "GIF": GIFS, "WebP": WEBPS, "TIFF": TIFFS, "AVIF": AVIFS, "HEIC": HEICS
}  # fmt: skip
