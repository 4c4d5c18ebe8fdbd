"""The bytes of a copyright notice, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sixpx.worker.exif import copyright_of, only_copyright

notices = st.binary(min_size=1, max_size=80).filter(lambda raw: raw == raw.rstrip(b"\0 ") and bool(raw.strip(b"\0 ")))


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
