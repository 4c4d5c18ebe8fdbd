"""Owns the bytes of EXIF: what is written is read, by another library too; hostile blocks do no harm. Never names."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sixpx.worker.exif import (
    EXIF,
    FORMS,
    GPS,
    INTEROP,
    SIZES,
    TEXTS,
    Block,
    copyright_of,
    only_copyright,
    opened,
    orientation_of,
    written,
)
from sixpx.worker.exif_tags import LARGEST, latlon_of, tags_of

notices = st.binary(min_size=1, max_size=80).filter(lambda raw: raw == raw.rstrip(b"\0 ") and bool(raw.strip(b"\0 ")))
orders = st.sampled_from(["<", ">"])
kinds = st.sampled_from(sorted(set(FORMS) - {129}))  # Pillow does not know EXIF 3.0's text


def block(exif: bytes) -> Block:
    found = opened(exif)
    assert found is not None
    return found


# --- the copyright --------------------------------------------------------------------------------


@given(notices)
def test_what_is_written_is_read(notice: bytes) -> None:
    assert copyright_of(only_copyright(notice)) == notice


@given(st.sampled_from([b"", b"Exif\0\0", b"II*\0", b"MM\0*"]), st.binary(max_size=20))
def test_bytes_that_make_no_sense_are_no_copyright(head: bytes, tail: bytes) -> None:
    assert copyright_of(head + tail) is None


@given(notices, st.integers(0, 120))
def test_exif_cut_short_does_no_harm(notice: bytes, length: int) -> None:
    copyright_of(only_copyright(notice)[:length])


@pytest.mark.parametrize("text", ["J", "Jane (2014)", "Photographer\0Editor"])
def test_another_librarys_exif_is_read(text: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x8298] = "Maker", text
    assert copyright_of(exif.tobytes()) == text.encode()
    del exif[0x8298]
    assert copyright_of(exif.tobytes()) is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("turn", "wanted"), [*((turn, turn) for turn in range(1, 9)), (0, 1), (9, 1), (65_535, 1)])
def test_an_orientation_is_one_of_eight(order: str, turn: int, wanted: int) -> None:
    short = 3
    assert orientation_of(written(order, {0x0112: (short, struct.pack(order + "H", turn))})) == wanted


def test_what_says_no_orientation_is_upright() -> None:
    ascii, short = 2, 3
    for exif in (None, b"", b"II*\0", only_copyright(b"J"), written("<", {0x0112: (ascii, b"6\0")})):
        assert orientation_of(exif) == 1
    assert orientation_of(written("<", {0x0112: (short, struct.pack("<2H", 6, 6))})) == 1


# --- entries --------------------------------------------------------------------------------------


@st.composite
def tables(draw: st.DrawFn, order: str) -> dict[int, tuple[int, bytes]]:
    """Entries of every type under tags that are nobody's."""
    made = {}
    for tag in draw(st.sets(st.integers(0xC800, 0xC900), min_size=1, max_size=6)):
        kind, count = draw(kinds), draw(st.integers(1, 5))
        raw = draw(st.binary(min_size=SIZES[kind] * count, max_size=SIZES[kind] * count))
        made[tag] = (kind, raw)
    return made


def expected(order: str, kind: int, raw: bytes) -> list[Any] | None:
    """The numbers by their definition (TIFF 6.0, section 2)."""
    if kind in TEXTS:
        return None
    parts = list(struct.iter_unpack(order + FORMS[kind], raw))
    if kind in (5, 10):
        return [None if below == 0 else above / below for above, below in parts]
    return [value if math.isfinite(value) else None for (value,) in parts]


@given(st.data(), orders)
def test_entries_of_every_type_are_read_in_both_byte_orders_and_in_all_directories(
    data: st.DataObject, order: str
) -> None:
    main, below = data.draw(tables(order)), {tag: data.draw(tables(order)) for tag in (EXIF, GPS, INTEROP)}
    read = block(written(order, main, below))
    first = read.main()
    exif = read.below(first, EXIF)
    found = {0: first, EXIF: exif, GPS: read.below(first, GPS), INTEROP: read.below(exif, INTEROP)}
    for place, table in {0: main, **below}.items():
        entries = found[place]
        assert set(table) == set(entries) - {EXIF, GPS, INTEROP}
        for tag, (kind, raw) in table.items():
            assert (entries[tag].kind, read.raw(entries[tag], 999)) == (kind, raw)
            assert read.numbers(entries[tag], 999) == expected(order, kind, raw)
            assert read.numbers(entries[tag], entries[tag].count - 1) is None


@given(st.data(), orders)
def test_another_library_reads_what_is_written(data: st.DataObject, order: str) -> None:
    table = {tag: value for tag, value in data.draw(tables(order)).items() if value[0] in (1, 3, 4, 8, 9)}
    exif = Image.Exif()
    exif.load(written(order, {0x010F: (2, b"Maker\0"), **table}, {GPS: {29: (2, b"2014:08:16\0")}}))
    assert exif[0x010F] == "Maker"
    assert exif.get_ifd(GPS)[29] == "2014:08:16"
    for tag, (kind, raw) in table.items():
        values = expected(order, kind, raw)
        theirs = exif[tag]
        theirs = list(theirs) if isinstance(theirs, bytes | tuple) else [theirs]
        assert theirs == values


# --- hostile blocks -------------------------------------------------------------------------------

ENTRY = struct.Struct("<HHII")


def directory(*entries: tuple[int, int, int, int], next: int = 8) -> bytes:
    return struct.pack("<H", len(entries)) + b"".join(ENTRY.pack(*one) for one in entries) + struct.pack("<I", next)


HOSTILE = {
    "a directory that points at itself": b"II*\0\x08\0\0\0"
    + directory((EXIF, 4, 1, 8), (GPS, 4, 1, 8), (INTEROP, 4, 1, 8)),
    "a first directory beyond the end": b"II*\0\xff\xff\xff\xff",
    "a first directory in the header": b"II*\0\0\0\0\0",
    "values beyond the end": b"II*\0\x08\0\0\0" + directory((0x010F, 2, 99, 0xFFFFFFFF), (0x829A, 5, 1, 0xFFFFFFF0)),
    "more values than bytes": b"II*\0\x08\0\0\0" + directory((0x010F, 2, 0xFFFFFFFF, 8), (0x0102, 3, 0xFFFFFFFF, 8)),
    "unknown types": b"II*\0\x08\0\0\0" + directory((0x010F, 0, 9, 8), (0x0110, 0xFFFF, 9, 8)),
    "no values": b"II*\0\x08\0\0\0" + directory((0x010F, 2, 0, 8), (0x8825, 4, 0, 8)),
    "pointers of another type": b"II*\0\x08\0\0\0" + directory((GPS, 5, 1, 8), (EXIF, 2, 4, 8)),
    "more entries than bytes": b"II*\0\x08\0\0\0\xff\xff" + ENTRY.pack(0x010F, 2, 4, 0x00414141),
    "tens of thousands of entries, each a megabyte": b"II*\0\x08\0\0\0\xff\xff"
    + b"".join(ENTRY.pack(tag, 2, 1 << 20, 8) for tag in range(0xFFFF))
    + b"x" * (1 << 20),
    "texts of all names": b"II*\0\x08\0\0\0"
    + directory(*((tag, 2, 60_000, 8000) for tag in range(0x0100, 0x0300)))
    + b"\xe9" * 70_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_block_gives_little_and_raises_nothing(name: str) -> None:
    tags = tags_of(HOSTILE[name])
    assert latlon_of(HOSTILE[name]) is None
    assert len(str(tags)) < 2 * LARGEST


def test_more_entries_than_bytes_gives_those_that_are_there() -> None:
    assert tags_of(HOSTILE["more entries than bytes"]) == {"Make": "AAA"}


@given(st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"Exif\0\0II*\0\x08\0\0\0"]), st.binary(max_size=300))
def test_no_bytes_raise(head: bytes, tail: bytes) -> None:
    tags_of(head + tail)
    latlon_of(head + tail)
    copyright_of(head + tail)


@given(st.data())
def test_flipped_bytes_raise_nothing(data: st.DataObject) -> None:
    order = data.draw(orders)
    raw = bytearray(
        written(order, data.draw(tables(order)), {tag: data.draw(tables(order)) for tag in (EXIF, GPS, INTEROP)})
    )
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=8)):
        raw[place] = data.draw(st.integers(0, 255))
    tags_of(bytes(raw))
    latlon_of(bytes(raw))
