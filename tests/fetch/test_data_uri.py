"""data: URIs become bytes, or a sentence."""

from __future__ import annotations

import base64
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx import fetch
from sixpx.errors import Invalid
from sixpx.fetch import BadDataURI, decode_data_uri

# --- data: URIs -----------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n\x00\xfb\xff"
PACKED = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"data:image/png;base64,{PACKED}", (PNG, "image/png")),
        (f"DATA:Image/PNG;charset=x;BASE64,{PACKED}", (PNG, "image/png")),
        (f" \n data: image/png ; base64 ,{PACKED[:5]} \r\n\t{PACKED[5:]}\n", (PNG, "image/png")),
        (f"data:image/png;base64,{PACKED.rstrip('=')}", (PNG, "image/png")),
        (f"data:image/png;base64,{quote(PACKED, safe='')}", (PNG, "image/png")),
        ("data:image/svg+xml,%3Csvg%20a='1,2'/%3E", (b"<svg a='1,2'/>", "image/svg+xml")),
        ("data:image/svg+xml;utf8,<svg>é</svg>", ("<svg>é</svg>".encode(), "image/svg+xml")),
        ("data:image/gif,%00%ff", (b"\x00\xff", "image/gif")),
        ("data:,a+b", (b"a+b", "text/plain")),
        ("data:;base64,YQ==", (b"a", "text/plain")),
    ],
)
def test_data_uris_are_decoded(text: str, expected: tuple[bytes, str]) -> None:
    assert decode_data_uri(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "data:", "data:image/png;base64", "http://h/HUSH,x", "data:image/png;base64,", "data:,", "data:HUSH,x",
     "data:image/png;base64,HUSH!", "data:image/png;base64,HUSHa", "data:image/png;base64,é", "data:a b/c,HUSH",
     "data:image/png;base64,HU=SH", "data:image/png;base64,HU-_"],
)  # fmt: skip
def test_bad_data_uris_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(BadDataURI) as caught:
        decode_data_uri(text)
    assert isinstance(caught.value, Invalid)
    assert isinstance(caught.value, ValueError)
    assert "HUSH" not in str(caught.value)
    assert len(caught.value.detail) > 20


@given(
    pieces=st.lists(st.sampled_from(["%41", "%4", "%", "a", "%zz", "ä", "%E4%BD%A0", "bc"]), max_size=60),
    size=st.integers(3, 12),
)
def test_escapes_are_decoded_in_pieces_as_in_one(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fetch, "_PIECE", size)
        assert fetch._unescaped(text) == unquote_to_bytes(text)
