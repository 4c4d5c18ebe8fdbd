"""Owns the tests of origins: how a list of them is written, and which origin is on it. Never a request."""

from __future__ import annotations

import pytest

from sixpx.core.origin import allows, entry, is_origin
from sixpx.errors import Invalid


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Example.COM", "example.com"),
        (" example.com ", "example.com"),
        ("https://Example.com/", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:080", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("localhost:3000", "localhost:3000"),
        ("*.example.com", "*.example.com"),
        ("https://*.example.com:8443", "https://*.example.com:8443"),
        ("*.localhost", "*.localhost"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("http://[0:0::1]:80", "http://[::1]"),
        ("192.168.0.1", "192.168.0.1"),
        ("my_shop.example.com", "my_shop.example.com"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_an_entry_is_kept_in_the_form_of_browsers(text: str, kept: str) -> None:
    assert entry(text) == kept
    assert entry(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "null", "https://null", "*.com", "*.*.example.com", "a*.example.com", "*.1.2.3.4", "*.[::1]"),
        *("https://example.com/path", "https://example.com?x", "ada@example.com", "https://ada:pw@example.com"),
        *("example..com", "-a.example", "a b", "example.com:0", "example.com:65536", "example.com:x", "1.2.3.4.5"),
        *(
            "file:///home",
            "https://",
            "stra\u00dfe.example",
            "https://example.com, https://b.example",
            "[::1",
            "a" * 300,
        ),
    ],
)
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="expected a domain"):
        entry(text)


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        (
            "example.com",
            ("https://example.com", "http://example.com", "https://example.com:8443", "http://example.com:3000"),
            (
                "https://www.example.com",
                "https://example.com.evil.test",
                "https://evilexample.com",
                "app://example.com",
            ),
        ),
        (
            "localhost:3000",
            ("http://localhost:3000", "https://localhost:3000"),
            ("http://localhost", "http://localhost:3001", "http://localhost:30000"),
        ),
        ("example.com:443", ("https://example.com", "http://example.com:443"), ("http://example.com",)),
        (
            "https://example.com",
            ("https://example.com",),
            ("http://example.com", "https://example.com:8443", "https://a.example.com"),
        ),
        ("http://example.com:8080", ("http://example.com:8080",), ("http://example.com", "https://example.com:8080")),
        (
            "*.example.com",
            ("https://a.example.com", "http://a.b.example.com:81"),
            ("https://example.com", "https://aexample.com", "https://a.example.com.evil.test"),
        ),
        (
            "https://*.example.com:8443",
            ("https://a.example.com:8443",),
            ("https://a.example.com", "http://a.example.com:8443", "https://example.com:8443"),
        ),
        ("http://[::1]:3000", ("http://[::1]:3000",), ("http://[::1]", "http://[::2]:3000")),
        ("[::1]", ("http://[::1]", "https://[::1]:81"), ("http://[::2]",)),
        ("capacitor://localhost", ("capacitor://localhost",), ("http://localhost",)),
    ],
)
def test_an_entry_allows_what_it_says(text: str, yes: tuple[str, ...], no: tuple[str, ...]) -> None:
    assert {one: allows([entry(text)], one) for one in (*yes, *no)} == {
        **dict.fromkeys(yes, True),
        **dict.fromkeys(no, False),
    }


@pytest.mark.parametrize(
    "origin",
    [
        *("", "null", "example.com", "https://Example.com", "https://example.com/", "https://example.com ", "https://"),
        *("https://example.com https://example.com", "https://example.com\n", "https://ada@example.com", "*"),
        *("https://example.com:", "https://example.com:443:443", "//example.com", "https://*.example.com"),
    ],
)
def test_what_no_browser_sends_is_no_origin(origin: str) -> None:
    assert not is_origin(origin)
    assert not allows([*map(entry, ("example.com", "*.example.com", "https://example.com")), "null", "*"], origin)


def test_an_absurdly_deep_domain_costs_nothing() -> None:
    assert not allows(["*.example.com"], f"https://{'a.' * 4000}example.com")
    assert allows(["*.example.com"], f"https://{'a.' * 10}example.com")
