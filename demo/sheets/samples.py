"""Owns the sample files of formats that hold pixels, made here of one photograph and one sign. Never a drawing.

HEIC is left out where pillow-heif is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyvips
from PIL import Image, ImageCms, ImageOps

from sheets.studio import Step

SIZE = (240, 180)
Read = Callable[[Path], Image.Image]
"""Another decoder than ours."""


@dataclass(frozen=True)
class Sample:
    """A file, and how another decoder reads it; its name is told. `steps` are what we do to the picture."""

    label: str
    path: Path
    decoder: str
    read: Read
    steps: tuple[Step, ...] = ()


def pillow(path: Path) -> Image.Image:
    """Upright, in 8-bit sRGB: 16-bit grey is scaled, since Pillow would cut it off at 255."""
    with Image.open(path) as image:
        if image.mode.startswith("I"):
            return image.convert("I").point(lambda level: level / 257 + 0.5).convert("L").convert("RGBA")
        return ImageOps.exif_transpose(image).convert("RGBA")


def managed(path: Path) -> Image.Image:
    """By the profile in the file."""
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        shown = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert shown is not None
    return shown.convert("RGBA")


def samples(folder: Path, photo: Path, star: Path) -> Iterator[Sample]:
    with Image.open(photo) as image:
        small = image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    with Image.open(star) as image:
        sign = image.convert("RGBA")
    yield from _by_pillow(folder, small, sign)
    yield from _cut(folder, small)
    yield from _by_libvips(folder, small)
    yield from _layered(folder, small, sign)
    yield from _heic(folder, small)


def _by_pillow(folder: Path, small: Image.Image, sign: Image.Image) -> Iterator[Sample]:
    palette = small.quantize(64)
    forms: list[tuple[str, Image.Image, str, Mapping[str, Any]]] = [
        ("JPEG", small, "JPEG", {"quality": 90}),
        ("JPEG, progressive", small, "JPEG", {"quality": 90, "progressive": True}),
        ("JPEG, grey", small.convert("L"), "JPEG", {"quality": 90}),
        ("JPEG, turned by its EXIF (6)", small, "JPEG", {"quality": 90, "exif": _turned(6)}),
        ("JPEG, mirrored by its EXIF (2)", small, "JPEG", {"quality": 90, "exif": _turned(2)}),
        ("PNG", small, "PNG", {}),
        ("PNG, alpha", sign, "PNG", {}),
        ("PNG, palette", palette, "PNG", {}),
        ("PNG, grey + alpha", sign.convert("LA"), "PNG", {}),
        ("PNG, 1 bit", small.convert("1"), "PNG", {}),
        ("GIF", palette, "GIF", {}),
        ("GIF, transparent", sign, "GIF", {}),
        ("TIFF, LZW", small, "TIFF", {"compression": "tiff_lzw"}),
        ("TIFF, 2 pages: the first", small, "TIFF", {"save_all": True, "append_images": [small.rotate(180)]}),
        ("TIFF, 1 bit, G4", small.convert("1"), "TIFF", {"compression": "group4"}),
        ("WebP", small, "WEBP", {"quality": 90}),
        ("WebP, alpha", sign, "WEBP", {"lossless": True}),
        ("AVIF", small, "AVIF", {"quality": 80}),
        ("AVIF, alpha", sign, "AVIF", {"quality": 90}),
        ("JPEG, CMYK, no profile", small.convert("CMYK"), "JPEG", {"quality": 90}),
    ]
    for place, (label, picture, kind, options) in enumerate(forms):
        path = folder / f"sample-{place}"
        picture.save(path, kind, **options)
        yield Sample(label, path, "Pillow", pillow)


def _turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _cut(folder: Path, small: Image.Image) -> Iterator[Sample]:
    """Two thirds of a JPEG: what is there is shown, and the job carries a warning."""
    path = folder / "sample-cut"
    small.save(path, "JPEG", quality=90)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    yield Sample("JPEG, cut short", path, "the original", lambda path: small.convert("RGBA"))


def _by_libvips(folder: Path, small: Image.Image) -> Iterator[Sample]:
    """What Pillow does not write."""
    image = pyvips.Image.new_from_memory(small.tobytes(), *SIZE, 3, "uchar").copy(interpretation="srgb")
    wide = (image.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    grey = wide.colourspace("grey16")
    cmyk = image.icc_export(output_profile="cmyk")
    files: list[tuple[str, Callable[[str], Any], Read, str]] = [
        ("PNG, 16 bit", wide.pngsave, pillow, "Pillow"),
        ("PNG, 16 bit, grey", grey.pngsave, pillow, "Pillow"),
        ("PNG, interlaced", lambda path: image.pngsave(path, interlace=True), pillow, "Pillow"),
        ("TIFF, 16 bit", wide.tiffsave, lambda path: small.convert("RGBA"), "the original"),
        ("TIFF, tiled", lambda path: image.tiffsave(path, tile=True), pillow, "Pillow"),
        ("JPEG, CMYK", lambda path: cmyk.jpegsave(path, Q=95), managed, "LittleCMS"),
        ("TIFF, CMYK", cmyk.tiffsave, managed, "LittleCMS"),
        ("TIFF, JPEG inside", lambda path: image.tiffsave(path, compression="jpeg", Q=90), pillow, "Pillow"),
    ]
    for place, (label, save, read, decoder) in enumerate(files):
        path = folder / f"sample-vips-{place}"
        save(str(path))
        yield Sample(label, path, decoder, read)


def _layered(folder: Path, small: Image.Image, sign: Image.Image) -> Iterator[Sample]:
    from psd_tools import PSDImage  # slow to import, and only these two need it

    for label, picture in (("PSD", small), ("PSD, alpha", sign)):
        PSDImage.frompil(picture).save(folder / f"{label}.psd")
    yield Sample("PSD", folder / "PSD.psd", "psd-tools", _by_psd_tools)
    # psd-tools takes a white matte away that it did not put there when it wrote the file
    yield Sample("PSD, alpha", folder / "PSD, alpha.psd", "the original", lambda path: sign)


def _by_psd_tools(path: Path) -> Image.Image:
    from psd_tools import PSDImage

    picture = PSDImage.open(path).topil()
    assert picture is not None
    return picture.convert("RGBA")


def _heic(folder: Path, small: Image.Image) -> Iterator[Sample]:
    try:
        import pillow_heif
    except ImportError:
        return
    path = folder / "sample.heic"
    pillow_heif.from_pillow(small).save(path, quality=90)
    yield Sample("HEIC", path, "pillow-heif", lambda path: pillow_heif.open_heif(path).to_pillow().convert("RGBA"))
