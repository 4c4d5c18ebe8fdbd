"""Owns what EXIF tags mean: their values as JSON, their dates, the position. Never the bytes of a directory."""

from __future__ import annotations

import json
import struct
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from sixpx.core.render import Saving, Sheet
from sixpx.worker.exif import EXIF, GPS, INTEROP, written
from sixpx.worker.exif_tags import LARGEST, LONGEST_TEXT, latlon_of, tags_of

from .conftest import Studio

ASCII, SHORT, RATIONAL, UNDEFINED, SRATIONAL = 2, 3, 5, 7, 10


def rationals(*pairs: tuple[int, int], order: str = "<", letter: str = "I") -> bytes:
    return b"".join(struct.pack(order + 2 * letter, *pair) for pair in pairs)


def of(tag: int, kind: int, raw: bytes, table: int = EXIF, order: str = "<") -> Any:
    """The value of a tag that stands alone; None where it is left out."""
    values = list(tags_of(written(order, {}, {table: {tag: (kind, raw)}})).values())
    assert len(values) <= 1
    return values[0] if values else None


def photo(order: str = "<") -> Image.Exif:
    """A photograph's EXIF as another library writes it."""
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F], exif[0x0112], exif[0x011A] = "Maker", 6, 72.0
    exif[0x0132] = "2014:08:16 20:41:06"
    exif[0x9C9B] = "Räuber".encode("utf-16-le") + b"\0\0"
    camera = exif.get_ifd(EXIF)
    camera.update({0x829A: 1 / 125, 0x829D: 5.6, 0x8827: 400, 0x9000: b"0232", 0x9101: b"\x01\x02\x03\0"})
    camera.update({0x9003: "2014:08:16 20:41:05", 0x9011: "+02:00", 0x9291: "343", 0x9204: IFDRational(-2, 3)})
    camera.update({0x9286: b"ASCII\0\0\0a masked bandit", 0x927C: b"\0secret of a maker" * 40, 0xA001: 1})
    camera[0xA432] = (24.0, 105.0, 4.0, 5.6)
    exif.get_ifd(GPS).update({1: "N", 2: (40.0, 26.0, 46.5), 3: "W", 4: (79.0, 58.0, 56.25), 5: b"\0", 6: 220.5})
    exif.get_ifd(GPS).update({0: b"\x02\x03\0\0", 7: (18.0, 41.0, 5.0), 29: "2014:08:16"})
    return exif


TOLD = {
    "Make": "Maker",
    "Orientation": 6,
    "XResolution": 72,
    "DateTime": "2014-08-16T20:41:06",
    "XPTitle": "Räuber",
    "ExposureTime": 0.008,
    "FNumber": 5.6,
    "ISOSpeedRatings": 400,
    "ExifVersion": "0232",
    "ComponentsConfiguration": [1, 2, 3, 0],
    "DateTimeOriginal": "2014-08-16T20:41:05.343+02:00",
    "OffsetTimeOriginal": "+02:00",
    "SubsecTimeOriginal": "343",
    "ExposureBiasValue": -2 / 3,
    "UserComment": "a masked bandit",
    "ColorSpace": 1,
    "LensSpecification": [24, 105, 4, 5.6],
    "GPSVersionID": [2, 3, 0, 0],
    "GPSLatitudeRef": "N",
    "GPSLatitude": [40, 26, 46.5],
    "GPSLongitudeRef": "W",
    "GPSLongitude": [79, 58, 56.25],
    "GPSAltitudeRef": 0,
    "GPSAltitude": 220.5,
    "GPSTimeStamp": [18, 41, 5],
    "GPSDateStamp": "2014-08-16",
    "latlon": [40.4462500, -79.9822917],
}


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photographs_tags_are_told_by_name(order: str) -> None:
    assert tags_of(photo(order).tobytes()) == TOLD
    assert latlon_of(photo(order).tobytes()) == (40.44625, -79.9822917)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_every_format_brings_its_exif(studio: Studio, format: str) -> None:
    exif = photo()
    image = studio.noise(24, 16)
    path = studio.save(image, format, exif=exif if format == "TIFF" else exif.tobytes())
    report = studio.report(path, ((("analyze", {"exif": True}),), "image/png"))
    assert not report.flaws
    found = report.made["0"].analysis
    assert found is not None
    assert found["exif"]["Make"] == "Maker"
    if format != "TIFF":  # Pillow writes no position into TIFF
        # AVIF keeps the orientation in boxes of its own, and Pillow moves it there
        assert {**found["exif"], "Orientation": 6} == TOLD
        assert report.seen is not None
        assert report.seen.latlon == (40.44625, -79.9822917)


def test_a_picture_without_exif_has_no_tags() -> None:
    assert tags_of(None) == tags_of(b"") == tags_of(b"Exif\0\0") == {}
    assert latlon_of(None) is None


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "kind", "raw", "value"),
    [
        (0x829A, RATIONAL, rationals((1, 3)), 1 / 3),
        (0x829A, RATIONAL, rationals((300, 100)), 3),
        (0x829A, RATIONAL, rationals((1, 0)), None),
        (0x9204, SRATIONAL, rationals((-1, 3), letter="i"), -1 / 3),
        (0x9204, SRATIONAL, rationals((1, -2), letter="i"), -0.5),
        (0xA432, RATIONAL, rationals((24, 1), (0, 0)), [24, None]),
        (0xA432, RATIONAL, rationals((0, 0), (0, 0)), None),
        (0x9201, 11, struct.pack("<f", 0.5), 0.5),
        (0x9201, 11, struct.pack("<f", float("nan")), None),
        (0x9201, 12, struct.pack("<d", float("inf")), None),
        (0x8828, SHORT, struct.pack("<64H", *range(64)), list(range(64))),
        (0x8828, SHORT, struct.pack("<65H", *range(65)), None),
        (0x927C, UNDEFINED, b"maker", None),
        (0xA301, UNDEFINED, b"\x01", 1),
        (0xA40B, UNDEFINED, b"\x01" * 17, None),
        (0x9000, UNDEFINED, b"0300", "0300"),
        (0xEEEE, SHORT, b"\x01\0", None),
    ],
)
def test_numbers_are_numbers_and_blobs_are_left_out(tag: int, kind: int, raw: bytes, value: Any) -> None:
    assert of(tag, kind, raw) == value


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Jane\0", "Jane"),
        (b"Jane\0rubbish behind", "Jane"),
        ("Müller 写真".encode() + b"\0", "Müller 写真"),
        (b"M\xfcller\0", "Müller"),
        (b"Chez Caf\xe9", "Chez Café"),
        (b"  two\twords \x1b[31m\x07 ", "two\twords [31m"),
        (b"   \0", None),
        (b"x" * 9000, "x" * LONGEST_TEXT),
        ("写".encode() * 9000, "写" * LONGEST_TEXT),
        (b"x" + "写".encode() * 9000, "x" + "写" * (LONGEST_TEXT - 1)),
    ],
)
def test_texts_are_utf_8_or_latin_1(raw: bytes, text: str | None) -> None:
    assert of(0xA430, ASCII, raw) == text
    assert of(0xA430, 129, raw) == text


def test_a_copyright_tells_the_photographer_and_the_editor() -> None:
    assert tags_of(written("<", {0x8298: (ASCII, b"Jane\0Joe\0")})) == {"Copyright": "Jane; Joe"}
    assert tags_of(written("<", {0x8298: (ASCII, b" \0Joe\0")})) == {"Copyright": "Joe"}


@pytest.mark.parametrize(
    ("raw", "order", "text"),
    [
        (b"ASCII\0\0\0hello", "<", "hello"),
        (b"UNICODE\0" + "grüß 写".encode("utf-16-le"), "<", "grüß 写"),
        (b"UNICODE\0" + "grüß 写".encode("utf-16-be"), ">", "grüß 写"),
        (b"UNICODE\0" + "hello".encode("utf-16-be"), "<", "hello"),
        (b"UNICODE\0" + "写真".encode("utf-16-be"), ">", "写真"),
        (b"UNICODE\0" + "写真".encode("utf-16"), ">", "写真"),
        (b"JIS\0\0\0\0\0" + "写真".encode("iso2022_jp"), "<", "写真"),
        (b"\0\0\0\0\0\0\0\0Caf\xe9", "<", "Café"),
        (b"ASCII\0\0\0" + b" " * 30, "<", None),
        (b"garbage!hello", "<", None),
        (b"ASC", "<", None),
    ],
)
def test_a_comment_is_read_by_its_prefix(raw: bytes, order: str, text: str | None) -> None:
    assert of(0x9286, UNDEFINED, raw, order=order) == text
    assert of(0x001B, UNDEFINED, raw, GPS, order) == text


@given(
    st.binary(max_size=60), st.sampled_from([0x9286, 0x9C9B, 0xA430, 0x9003, 0x9000]), st.sampled_from([1, 2, 7, 129])
)
def test_whatever_a_text_holds_it_is_json(raw: bytes, tag: int, kind: int) -> None:
    orjson.dumps(of(tag, kind, raw or b"\0"))


def test_all_tags_together_are_bounded() -> None:
    names = [*range(0x010D, 0x0112), 0x013B, 0x013C, *range(0xA430, 0xA437), 0x8824, 0xA420, 0xA43A, 0xA43B]
    tags = tags_of(written("<", {tag: (ASCII, "é".encode() * 4000) for tag in names}))
    assert 0 < len(json.dumps(tags)) <= LARGEST
    assert len(tags) < len(names)


def test_the_interoperability_directory_has_its_own_names() -> None:
    assert of(1, ASCII, b"R98\0", INTEROP) == "R98"
    assert of(2, UNDEFINED, b"0100", INTEROP) == "0100"


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "fraction", "zone", "told"),
    [
        ("2014:08:16 20:41:06", None, None, "2014-08-16T20:41:06"),
        ("2014:08:16 20:41:06", "5", None, "2014-08-16T20:41:06.5"),
        ("2014:08:16 20:41:06", "05 ", "-07:00", "2014-08-16T20:41:06.05-07:00"),
        ("2014:08:16 20:41:06", "x", "+2", "2014-08-16T20:41:06"),
        ("2014:08:16 20:41:06", None, "+25:00", "2014-08-16T20:41:06"),
        ("2014-08-16T20:41:06.25Z", "9", "+02:00", "2014-08-16T20:41:06.25Z"),
        ("2014:02:30 20:41:06", None, None, "2014:02:30 20:41:06"),
        ("last summer, 3 pm", None, None, "last summer, 3 pm"),
        ("0000:00:00 00:00:00", None, None, None),
        ("    :  :     :  :  ", None, None, None),
    ],
)
@pytest.mark.parametrize(
    ("table", "tag", "offset"), [(0, 0x0132, 0x9010), (EXIF, 0x9003, 0x9011), (EXIF, 0x9004, 0x9012)]
)
def test_dates_are_iso_8601_with_a_zone_only_where_one_is_known(
    date: str, fraction: str | None, zone: str | None, told: str | None, table: int, tag: int, offset: int
) -> None:
    parts = {tag: date, offset: zone, offset + 0x280: fraction}
    entries = {key: (ASCII, value.encode() + b"\0") for key, value in parts.items() if value}
    main = {tag: entries.pop(tag)} if not table else {}
    name = {0x0132: "DateTime", 0x9003: "DateTimeOriginal", 0x9004: "DateTimeDigitized"}[tag]
    assert tags_of(written(">", main, {EXIF: entries} if entries else None)).get(name) == told


# --- positions ------------------------------------------------------------------------------------


def position(north: str, latitude: Any, east: str, longitude: Any, order: str = "<") -> bytes:
    return written(order, {}, {GPS: {
        1: (ASCII, north.encode() + b"\0"), 2: (RATIONAL, rationals(*latitude, order=order)),
        3: (ASCII, east.encode() + b"\0"), 4: (RATIONAL, rationals(*longitude, order=order)),
    }})  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (("N", [(40, 1), (1, 1), (336, 100)], "W", [(105, 1), (16, 1), (4692, 100)]), (40.0176, -105.2797)),
        (("S", [(33, 1), (5145, 100), (0, 1)], "E", [(151, 1), (125, 10), (0, 1)]), (-33.8575, 151.2083333)),
        (("N", [(515, 10)], "E", [(0, 1)]), (51.5, 0.0)),
        (("s", [(0, 1), (0, 1), (0, 1)], "w", [(0, 1), (0, 1), (0, 1)]), (0.0, 0.0)),
        (("South", [(90, 1), (0, 1)], "West", [(180, 1), (0, 1)]), (-90.0, -180.0)),
        (("N", [(90, 1), (0, 1), (1, 1)], "E", [(1, 1)]), None),
        (("N", [(1, 1)], "E", [(180, 1), (1, 1)]), None),
        (("N", [(1, 0), (0, 1), (0, 1)], "E", [(1, 1)]), None),
        (("N", [(1, 1), (0, 0), (0, 0)], "E", [(1, 1)]), None),
        (("N", [(1, 1), (61, 1)], "E", [(1, 1)]), None),
        (("E", [(1, 1)], "N", [(1, 1)]), None),
        (("", [(1, 1)], "", [(1, 1)]), None),
        (("N", [(1, 1)] * 4, "E", [(1, 1)]), None),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_position_is_decimal_degrees_or_nothing(parts: Any, told: Any, order: str) -> None:
    block = position(*parts, order=order)
    assert latlon_of(block) == told
    assert tags_of(block).get("latlon") == (None if told is None else list(told))


@pytest.mark.parametrize("lacking", [1, 2, 3, 4])
def test_half_a_position_is_none(lacking: int) -> None:
    whole = {1: (ASCII, b"N\0"), 2: (RATIONAL, rationals((1, 1))), 3: (ASCII, b"E\0"), 4: (RATIONAL, rationals((2, 1)))}
    assert latlon_of(written("<", {}, {GPS: whole})) == (1.0, 2.0)
    del whole[lacking]
    assert latlon_of(written("<", {}, {GPS: whole})) is None


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_position_comes_back_to_a_hand(latitude: float, longitude: float) -> None:
    def angle(value: float) -> list[tuple[int, int]]:
        millionths = round(abs(value) * 3600 * 1_000_000)
        degrees, rest = divmod(millionths, 3600 * 1_000_000)
        minutes, seconds = divmod(rest, 60 * 1_000_000)
        return [(degrees, 1), (minutes, 1), (seconds, 1_000_000)]

    found = latlon_of(position("NS"[latitude < 0], angle(latitude), "EW"[longitude < 0], angle(longitude)))
    assert found == pytest.approx((latitude, longitude), abs=2e-7)


def test_the_position_of_a_layer_is_seen_too(studio: Studio) -> None:
    logo = studio.save(studio.noise(8, 8), "JPEG", exif=photo().tobytes())
    sheet = Sheet("one", str(studio.path()), (("layer", {"ref": "logo"}),), Saving("image/png"))
    report = studio.render(studio.save(studio.noise(20, 20)), sheet, others={"logo": logo})
    assert report.seen is not None
    assert report.seen.latlon is None
    assert report.others["logo"].latlon == (40.44625, -79.9822917)
