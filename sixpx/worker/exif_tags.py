"""Owns what EXIF tags mean: names, numbers, texts, dates, a position. Never an offset, never a pixel.

EXIF 2.32, sections 4.6.4 to 4.6.7. Blobs that only a maker's program can read are left out, and so is how the file is
built; nothing here raises, and what it gives is small, finite and JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from sixpx.worker.exif import ASCII, COPYRIGHT, EXIF, GPS, INTEROP, TEXTS, UNDEFINED, Block, Entries, Entry, opened

MOST_VALUES = 64
"""A tag of more numbers is a table (a transfer function, strip offsets), nothing to be read."""
LONGEST_TEXT = 4096
"""characters; what is longer is cut"""
LONGEST_BYTES = 4 * LONGEST_TEXT
LARGEST = 60_000
"""Bytes of JSON that all tags of a picture may take; those that come after are left out."""

UNREADABLE = frozenset(
    {
        *(EXIF, GPS, INTEROP, 0x014A),  # pointers
        *(0x0111, 0x0117, 0x0144, 0x0145, 0x0201, 0x0202, 0x015B),  # where the pixels lie
        *(0x02BC, 0x83BB, 0x8649, 0x8773),  # XMP, IPTC, Photoshop's resources, an ICC profile
        *(0x927C, 0xC4A5, 0xEA1C, 0xEA1D),  # MakerNote, print matching, padding
    }
)
VERSIONS = frozenset((0x9000, 0xA000))
PREFIXED = frozenset((0x9286, 0x001B, 0x001C))
"""UserComment, GPSProcessingMethod, GPSAreaInformation: eight bytes say how the text is written."""
WINDOWS = range(0x9C9B, 0x9CA0)
"""XPTitle, XPComment, XPAuthor, XPKeywords, XPSubject: bytes of UTF-16, little endian."""
EXIF3 = {
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xA439: "CameraFirmware",
    0xA43A: "RAWDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
}
"""Names of EXIF 3.0 that Pillow's table does not have."""

DATES = {
    "DateTime": ("SubsecTime", "OffsetTime"),
    "DateTimeOriginal": ("SubsecTimeOriginal", "OffsetTimeOriginal"),
    "DateTimeDigitized": ("SubsecTimeDigitized", "OffsetTimeDigitized"),
}
"""Dates with the tags that hold their fractions of a second and their zones."""
ZONE = r"Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9]"
MOMENT = re.compile(
    r"([0-9]{4})[:-]([0-9]{2})[:-]([0-9]{2})[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?(" + ZONE + ")?"
)
"""A date as EXIF writes it, or as programs do that know ISO 8601 better."""


def tags_of(exif: bytes | None) -> dict[str, Any]:
    """Every readable tag by its name, and `latlon` where there is a position. Rationals are numbers, several values a
    list (null where one is no number). Dates are ISO 8601, with the fraction and the zone where the camera wrote them
    down; without a zone they are the camera's own time, whichever that was."""
    block = opened(exif) if exif else None
    if block is None:
        return {}
    found = _within(LARGEST, _named(block))
    position = latlon_of(exif)
    return {**_dated(found), **({} if position is None else {"latlon": list(position)})}


def latlon_of(exif: bytes | None) -> tuple[float, float] | None:
    """Latitude and longitude (degrees, north and east positive, to a centimetre); None where either is missing, is
    not on the globe, or does not say on which half of it."""
    block = opened(exif) if exif else None
    if block is None or not (gps := block.below(block.main(), GPS)):
        return None
    latitude, longitude = _degrees(block, gps, 1, "NS", 90), _degrees(block, gps, 3, "EW", 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


# --- positions ------------------------------------------------------------------------------------


def _degrees(block: Block, gps: Entries, tag: int, halves: str, most: int) -> float | None:
    """The angle after its half: degrees, minutes and seconds, or fewer numbers of which the last has a fraction."""
    half, angle = gps.get(tag), gps.get(tag + 1)
    if half is None or angle is None or half.kind != ASCII or not 1 <= angle.count <= 3:
        return None
    side = block.raw(half, 1).decode("latin-1").upper()
    parts = block.numbers(angle, 3)
    if parts is None or not side or side not in halves:
        return None
    numbers = [part for part in parts if isinstance(part, int | float)]
    if len(numbers) < len(parts) or min(numbers) < 0 or any(part > 60 for part in numbers[1:]):
        return None
    value = sum(part / 60**place for place, part in enumerate(numbers))
    return None if value > most else round(value if side == halves[0] else 0.0 - value, 7)


# --- names ----------------------------------------------------------------------------------------


def _named(block: Block) -> Iterator[tuple[str, Any]]:
    main = block.main()
    exif = block.below(main, EXIF)
    tables = (("", main), ("", exif), ("gps", block.below(main, GPS)), ("interop", block.below(exif, INTEROP)))
    for table, entries in tables:
        names = _names(table)
        for tag, entry in entries.items():
            if tag in names and tag not in UNREADABLE:
                yield names[tag], _value(block, tag, entry, table)


@cache
def _names(table: str) -> Mapping[int, str]:
    # imported here: a lane that is never asked for EXIF need not load Pillow
    from PIL import ExifTags

    if table == "gps":
        return ExifTags.GPSTAGS
    return {tag.value: tag.name for tag in ExifTags.Interop} if table == "interop" else {**ExifTags.TAGS, **EXIF3}


def _within(largest: int, tags: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    """The tags that have a value, as long as there is room."""
    found: dict[str, Any] = {}
    for name, value in tags:
        if value is None or value == "" or name in found:
            continue
        largest -= len(json.dumps({name: value}))
        if largest < 0:
            break
        found[name] = value
    return found


# --- values ---------------------------------------------------------------------------------------


def _value(block: Block, tag: int, entry: Entry, table: str) -> Any:
    """A number, a list of numbers or a text; None for what is none of them."""
    if tag in PREFIXED and (tag > 0xFF or table == "gps"):
        return _prefixed(block.raw(entry, LONGEST_BYTES), block.order)
    if tag in WINDOWS:
        return _clean(block.raw(entry, 2 * LONGEST_TEXT).decode("utf-16-le", "replace").partition("\0")[0])
    if entry.kind in TEXTS:
        return _text(block.raw(entry, LONGEST_BYTES), both=tag == COPYRIGHT)
    if entry.kind == UNDEFINED and (tag in VERSIONS or (tag, table) == (2, "interop")):
        return _text(block.raw(entry, 4))
    numbers = block.numbers(entry, 16 if entry.kind == UNDEFINED else MOST_VALUES)
    if numbers is None or all(number is None for number in numbers):
        return None
    return numbers[0] if len(numbers) == 1 else numbers


def _text(raw: bytes, both: bool = False) -> str:
    """UTF-8, or else Latin-1, up to the first NUL; with `both` the texts on either side of it (Copyright: the
    photographer's and the editor's)."""
    parts = (_clean(_decoded(part)) for part in (raw.split(b"\0")[:2] if both else [raw.partition(b"\0")[0]]))
    return "; ".join(part for part in parts if part)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(raw) >= LONGEST_BYTES - 8 and error.start > len(raw) - 4:  # we cut its last letter apart ourselves
            return raw[: error.start].decode("utf-8")
        return raw.decode("latin-1")


def _clean(text: str) -> str:
    """Without the signs that control terminals."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text).strip()[:LONGEST_TEXT]


def _prefixed(raw: bytes, order: str) -> str:
    """EXIF 2.32, section 4.6.5, UserComment: ASCII, JIS, Unicode, or nobody knows."""
    code, body = raw[:8].rstrip(b"\0 "), raw[8:]
    if code == b"UNICODE":
        return _clean(_utf16(body, order).partition("\0")[0])
    if code == b"JIS":
        return _clean(body.decode("iso2022_jp", "replace"))
    return _text(body.lstrip(b"\0")) if code in (b"ASCII", b"") else ""


def _utf16(raw: bytes, order: str) -> str:
    """By its mark; else by where the zeros of Western letters lie, since many programs do not keep to the byte order
    of the block; else by that."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    high, low = raw[::2].count(0), raw[1::2].count(0)
    big = order == ">" if high == low else high > low
    return raw.decode("utf-16-be" if big else "utf-16-le", "replace")


# --- dates ----------------------------------------------------------------------------------------


def _dated(tags: dict[str, Any]) -> dict[str, Any]:
    """The tags with their dates in ISO 8601. A date that says nothing (zeros, blanks) is left out; one that we cannot
    read stays as it stands."""
    made = dict(tags)
    for name, (fraction, zone) in DATES.items():
        if name in made:
            made[name] = _date(made[name], made.get(fraction), made.get(zone))
    if "GPSDateStamp" in made:
        made["GPSDateStamp"] = _day(made["GPSDateStamp"])
    return {name: value for name, value in made.items() if value is not None}


def _date(text: Any, fraction: Any, zone: Any) -> Any:
    if not isinstance(text, str) or not re.search("[1-9]", text):
        return None
    found = MOMENT.fullmatch(text.strip())
    try:
        moment = datetime.fromisoformat("{}-{}-{}T{}:{}:{}".format(*found.groups()[:6])).isoformat() if found else None
    except ValueError:
        moment = None
    if found is None or moment is None:
        return text
    return moment + (found[7] or _fraction(fraction)) + (found[8] or _zone(zone))


def _fraction(digits: Any) -> str:
    digits = digits.strip() if isinstance(digits, str) else ""
    return f".{digits}" if re.fullmatch("[0-9]{1,9}", digits) else ""


def _zone(text: Any) -> str:
    text = text.strip() if isinstance(text, str) else ""
    return text if re.fullmatch(ZONE, text) else ""


def _day(text: Any) -> Any:
    if not isinstance(text, str) or not re.search("[1-9]", text):
        return None
    try:
        return date.fromisoformat(text.strip().replace(":", "-")).isoformat()
    except ValueError:
        return text
