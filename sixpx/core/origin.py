"""Owns web origins: how the list of those that a user allows is written, and which origin is on it. Never a request.

An origin is what a browser says a page comes from: `https://shop.example.com`, with the port where it is not the
scheme's own (HTML standard, serialisation of an origin; Fetch standard, the `Origin` header). An entry of a list is
- an origin: `https://shop.example.com:8443` allows that one alone;
- a domain, as the dashboard of 2014 had them: `example.com` allows pages over http and https, on any port, as cookies
  do; `example.com:3000` those on that port;
- either with `*.` before the domain: all below it, at any depth, but not the domain itself (as in CSP).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from sixpx.errors import Invalid

WEB = {"http": "80", "https": "443"}
"""The schemes of web pages, and their own ports. Others (`capacitor`, `chrome-extension`, ...) are allowed by name."""
LABELS_MOST = 20
"""Deeper domains are on no list that has stars."""

_ENTRY = re.compile(r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<star>\*\.)?(?P<host>[^/?#@*:\s]+|\[[0-9a-f:.]+\])"
                    r"(?::(?P<port>[0-9]{1,5}))?/?")  # fmt: skip
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_MOVED = re.compile("[\u00df\u03c2\u200c\u200d]")
"""What Python's IDNA of 2003 writes otherwise than browsers do."""
EXPECTED = "expected a domain (example.com, *.example.com, localhost:3000) or an origin (https://example.com)"


def entry(text: str) -> str:
    """An entry of a list in the one form in which it is kept. Raises Invalid."""
    found = _ENTRY.fullmatch(text.strip().lower())
    scheme, star, port = (found[one] or "" if found else "" for one in ("scheme", "star", "port"))
    host = _host(found["host"]) if found else None
    if host is None or (port and not 0 < int(port) < 65536) or scheme == "file" or host == "null":
        raise Invalid(f"{EXPECTED}, got {text[:100]!r}")
    if star and not _may_have_star(host):
        raise Invalid(f"*. {EXPECTED}; a star before {host!r} would allow strangers, or nobody")
    port = "" if WEB.get(scheme) == port.lstrip("0") else port.lstrip("0")
    return f"{scheme}://{star}{host}{port and ':' + port}" if scheme else f"{star}{host}{port and ':' + port}"


def is_origin(text: str) -> bool:
    """Whether this is an origin as browsers write it; `null`, that of files and sandboxes, is none."""
    return _ORIGIN.fullmatch(text) is not None


def allows(entries: Iterable[str], origin: str) -> bool:
    """Whether an origin is on a list of entries; `null` never is. It takes as long for one list as for another, but for
    a few nanoseconds an entry."""
    return not frozenset(_entries_for(origin)).isdisjoint(entries)


def _entries_for(origin: str) -> Iterator[str]:
    """Every entry that would allow this origin."""
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return
    scheme, host, port = found["scheme"], found["host"], found["port"] or ""
    for one in (host, *_above(host)):
        yield f"{scheme}://{one}{port and ':' + port}"
        if scheme in WEB:
            yield one
            yield f"{one}:{port or WEB[scheme]}"


def _above(host: str) -> Iterator[str]:
    labels = host.split(".")
    if len(labels) <= LABELS_MOST:
        yield from (f"*.{'.'.join(labels[place:])}" for place in range(1, len(labels)))


def _host(text: str) -> str | None:
    """The host as browsers write it, None where it is none."""
    if text.startswith("["):
        return _address(text[1:-1])
    if not text.isascii():
        try:
            text = "" if _MOVED.search(text) else text.encode("idna").decode().lower()
        except UnicodeError:
            return None
    if re.fullmatch(r"[0-9.]+", text):
        return text if _address(text) else None
    return text if len(text) <= 253 and _HOST.fullmatch(text) else None


def _address(text: str) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return f"[{address.compressed}]" if address.version == 6 else str(address)


def _may_have_star(host: str) -> bool:
    numeric = host.startswith("[") or host.rpartition(".")[2].isdigit()
    return not numeric and ("." in host or host == "localhost")
