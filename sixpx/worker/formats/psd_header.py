"""Owns what a PSD or PSB file says of itself: sizes, resources, where its merged picture lies. Never a pixel.

Adobe Photoshop File Formats Specification (November 2019). Read here and not by psd-tools, which takes in the whole
file with all of its layers; what is needed of it are some hundred bytes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import BinaryIO

from sixpx.core.geometry import Size
from sixpx.errors import BadImage

SIDES = {1: 30_000, 2: 300_000}
"""The longest side (pixels) by version: 1 is PSD, 2 is PSB."""
CHANNELS = 56
LARGEST = 16_000_000
"""Bytes of a resource that is read."""
ENTRIES = 2000
"""How many resources, or blocks after the layers, are looked at: real files have some dozens."""
LAYERS = (b"Layr", b"Lr16", b"Lr32")
TRANSPARENT = (b"Mtrn", b"Mt16", b"Mt32")
WIDE = (b"LMsk", b"Alph", b"FMsk", b"lnk2", b"lnk3", b"lnkE", b"FEid", b"FXid", b"PxSD", b"cinf", *LAYERS, *TRANSPARENT)
"""Blocks whose length takes 8 bytes in a PSB."""
SPOT = 2
"""How a channel that is an ink is shown."""
LITERAL = 128
"""Bytes that PackBits makes of two, at most."""
DEFLATE = 1040
"""Bytes that deflate makes of one, at most."""


class Resource(IntEnum):
    """Image resources that are read; the others are passed over."""

    NAMES = 1006
    PROFILE = 1039
    KEY = 1047
    IDENTIFIERS = 1053
    VERSION_INFO = 1057
    EXIF = 1058
    XMP = 1060
    SHOWN = 1077


WANTED = frozenset(Resource)


class Mode(IntEnum):
    """Colour modes."""

    BITMAP = 0
    GREY = 1
    INDEXED = 2
    RGB = 3
    CMYK = 4
    MULTICHANNEL = 7
    DUOTONE = 8
    LAB = 9


class Packing(IntEnum):
    """How the merged picture is compressed; prediction is the difference of neighbours in a row."""

    RAW = 0
    RLE = 1
    ZIP = 2
    ZIP_PREDICTED = 3


DEPTHS: Mapping[Mode, tuple[int, ...]] = {
    Mode.BITMAP: (1,),
    Mode.INDEXED: (8,),
    Mode.GREY: (8, 16, 32),
    Mode.RGB: (8, 16, 32),
}
"""Bits a channel; the other modes have 8 or 16."""
COLOURS: Mapping[Mode, int] = {Mode.RGB: 3, Mode.CMYK: 4, Mode.LAB: 3}
"""Channels that make the colour; the other modes have one, and multichannel as many inks as there are, up to four."""


@dataclass(frozen=True, slots=True)
class Document:
    """`alpha` is the channel that holds the merged picture's transparency, `resources` are those of Resource by id,
    `layers` is how many there are, `pixels` where the merged picture begins (bytes from the start, behind the word for
    its packing), `weight` the length of the file in bytes."""

    version: int
    channels: int
    size: Size
    depth: int
    mode: Mode
    palette: bytes = b""
    resources: Mapping[int, bytes] = field(default_factory=dict)
    layers: int = 0
    alpha: int | None = None
    packing: Packing = Packing.RAW
    pixels: int = 0
    weight: int = 0

    @property
    def colours(self) -> int:
        """How many channels, from the first, make the colour."""
        if self.mode == Mode.MULTICHANNEL:
            return min(self.channels, 4) if self.inks else 1
        return COLOURS.get(self.mode, 1)

    @property
    def inks(self) -> bool:
        """Whether the channels of a multichannel picture are inks, and not masks; without a word on that they are."""
        shown = self.resources.get(Resource.SHOWN, b"")[4:]
        return all(shown[start + 12] == SPOT for start in range(0, min(len(shown), 13 * self.channels) - 12, 13))

    @property
    def row(self) -> int:
        """Bytes of one row of one channel."""
        return (self.size.width * self.depth + 7) // 8

    @property
    def key(self) -> int | None:
        """The place in the palette that is transparent."""
        value = self.resources.get(Resource.KEY, b"")
        return int.from_bytes(value, "big") if self.mode == Mode.INDEXED and len(value) == 2 else None

    @property
    def kept(self) -> bool:
        """Whether the file says that it was saved with a merged picture; without a word on that it was."""
        info = self.resources.get(Resource.VERSION_INFO, b"")
        return len(info) < 5 or bool(info[4])

    @property
    def whole(self) -> bool:
        """Whether the file is long enough to hold its merged picture, as far as that can be told from outside."""
        rows = self.size.height * self.channels
        least = {
            Packing.RAW: rows * self.row,
            Packing.RLE: rows * (2 * self.version + 2 * -(-self.row // LITERAL)),
        }.get(self.packing, rows * self.row // DEFLATE)
        return self.weight - self.pixels >= least


def read_document(path: str) -> Document:
    """What the file says. Raises BadImage."""
    with open(path, "rb") as file:
        document = replace(_header(file), weight=os.fstat(file.fileno()).st_size)
        end = _section(file, 4, document)
        palette = file.read(min(end - file.tell(), 768))
        file.seek(end)
        end = _section(file, 4, document)
        document = replace(document, palette=palette, resources=dict(_resources(file, end)))
        file.seek(end)
        end = _section(file, 4 * document.version, document)
        layers, transparent = _layers(file, end, document.version)
        file.seek(end)
        return replace(
            document,
            layers=abs(layers),
            alpha=_alpha(document, layers, transparent),
            packing=_packing(file),
            pixels=end + 2,
        )


def _header(file: BinaryIO) -> Document:
    raw = file.read(26)
    if len(raw) < 26:
        raise BadImage("the PSD file ends within its header")
    mark, version, channels, height, width, depth, mode = struct.unpack(">4sH6xHIIHH", raw)
    longest = SIDES.get(version)
    if mark != b"8BPS" or longest is None:
        raise BadImage(f"a PSD file is of version 1 or 2; this one says {version}")
    if not (1 <= width <= longest and 1 <= height <= longest):
        raise BadImage(f"the sides of a PSD file are 1 to {longest:,} pixels; this one says {width:,} x {height:,}")
    if mode not in tuple(Mode):
        raise BadImage(f"a PSD file names one of eight colour modes; this one says {mode}")
    depths = DEPTHS.get(Mode(mode), (8, 16))
    if depth not in depths:
        allowed = " or ".join(map(str, depths))
        raise BadImage(f"a PSD file of this colour mode has {allowed} bits a channel; this one says {depth}")
    least = COLOURS.get(Mode(mode), 1)
    if not least <= channels <= CHANNELS:
        raise BadImage(f"a PSD file of this colour mode has {least} to {CHANNELS} channels; this one says {channels}")
    return Document(version, channels, Size(width, height), depth, Mode(mode))


def _section(file: BinaryIO, width: int, document: Document) -> int:
    """Where the section that begins here with its length, of so many bytes, ends."""
    length = _number(file, width)
    if file.tell() + length > document.weight:
        raise BadImage("the PSD file is cut short, or one of its sections claims to be longer than the file")
    return file.tell() + length


def _number(file: BinaryIO, width: int) -> int:
    raw = file.read(width)
    if len(raw) < width:
        raise BadImage("the PSD file is cut short before its picture")
    return int.from_bytes(raw, "big")


def _packing(file: BinaryIO) -> Packing:
    packing = _number(file, 2)
    if packing not in tuple(Packing):
        raise BadImage(f"a PSD file compresses its picture by one of four methods; this one says {packing}")
    return Packing(packing)


def _resources(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """The WANTED image resources; reading ends where they make no sense, for the picture may be well without them."""
    for _ in range(ENTRIES):
        head = file.read(7)
        if len(head) < 7 or head[:4] not in (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"):
            return
        # a name is its length, that many bytes, and one more where that makes an odd number
        file.seek(head[6] | 1, os.SEEK_CUR)
        number, length = int.from_bytes(head[4:6], "big"), int.from_bytes(file.read(4), "big")
        start = file.tell()
        if start + length > end:
            return
        if number in WANTED and length <= LARGEST:
            yield number, file.read(length)
        file.seek(start + length + length % 2)


def _layers(file: BinaryIO, end: int, version: int) -> tuple[int, bool]:
    """How many layers there are, negative where the merged picture is transparent, and whether a block says that it
    is. Documents of 16 and 32 bits keep their layers in a block."""
    if end - file.tell() < 4 * version:
        return 0, False
    length = _number(file, 4 * version)
    start = file.tell()
    count = _count(file) if length >= 2 else 0
    file.seek(min(start + length, end))
    transparent = False
    for key, size in _blocks(file, end, version):
        transparent = transparent or key in TRANSPARENT
        if key in LAYERS and size >= 2 and not count:
            count = _count(file)
    return count, transparent


def _count(file: BinaryIO) -> int:
    return int.from_bytes(file.read(2), "big", signed=True)


def _blocks(file: BinaryIO, end: int, version: int) -> Iterator[tuple[bytes, int]]:
    """Key and bytes of each block behind the layers; the file stands at the block's content then."""
    if end - file.tell() < 4:
        return
    mask = file.read(4)
    # the mask that belongs to all layers comes first; some writers leave it out
    file.seek(-4 if mask in (b"8BIM", b"8B64") else int.from_bytes(mask, "big"), os.SEEK_CUR)
    for _ in range(ENTRIES):
        if end - file.tell() < 12:
            return
        mark, key = file.read(4), file.read(4)
        if mark not in (b"8BIM", b"8B64"):
            return
        length = int.from_bytes(file.read(8 if version == 2 and key in WIDE else 4), "big")
        start = file.tell()
        if start + length > end:
            return
        yield key, length
        file.seek(start + length + -length % 4)


def _alpha(document: Document, layers: int, transparent: bool) -> int | None:
    """The channel that is the merged picture's transparency. Where the file does not say it by its layers, it may by
    the identifiers of its further channels (0), or else by their names; without any of these a single further channel
    is taken for it, as other programs write it."""
    further = document.channels - document.colours
    if further < 1 or document.mode in (Mode.BITMAP, Mode.MULTICHANNEL):
        return None
    if layers < 0 or transparent:
        return document.colours
    identifiers = document.resources.get(Resource.IDENTIFIERS, b"")
    if len(identifiers) >= 4:
        known = [identifiers[place : place + 4] for place in range(0, 4 * further, 4)]
        return document.colours + known.index(bytes(4)) if bytes(4) in known else None
    names = document.resources.get(Resource.NAMES, b"")
    if names:
        return document.colours if names[1 : 1 + names[0]] == b"Transparency" else None
    return document.colours if further == 1 and not layers else None
