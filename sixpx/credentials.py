"""Owns connection strings (parse, redact, seal) and the secrets of users (make, hash, compare). Never the store.

A connection string is `scheme://user:secret@host/path?options` (SPEC section 4). No error here repeats any part of
what came but its scheme, since a slip of the pen can put the secret anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from sixpx.errors import BadSettings, Invalid

_CLOUD_FILES_REGIONS = {"ord": "ord", "iad": "iad", "dfw": "dfw", "lon": "lon", "uk": "lon", "hkg": "hkg", "syd": "syd"}
_OPTIONS = {
    "s3": {"endpoint", "acl", "style"},
    "cf": {"auth_url", "region"},
    "ftp": set[str](),
    "ftps": set[str](),
    "sftp": {"hostkey"},
}
_ALIASES = {"endpoint_url": "endpoint"}  # as boto and s3fs call it
_URL_OPTIONS = frozenset({"endpoint", "auth_url"})
_KNOWN = "s3, s3+REGION, cf, cf+ord|iad|dfw|lon|uk|hkg|syd, ftp, ftps, sftp or 6px"

_LONGEST = 4096

_SCHEME = re.compile(r"([a-z][a-z0-9]{0,9})(?:\+([a-z0-9-]{1,32}))?://(.*)", re.IGNORECASE | re.DOTALL)
# The secret ends at the first @ that a host follows: AWS secrets hold raw / and +, which urlsplit would stumble over.
_PARTS = re.compile(
    r"(?P<username>[^:@/?#]+):(?P<secret>.*?)@(?P<host>[^/?@]+)(?P<path>/[^?]*)?(?:\?(?P<query>.*))?", re.DOTALL
)
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:%#\\\s]+)(?::([0-9]{1,5}))?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MASK = re.compile(r"[^\s:/@?#\x00-\x1f\x7f]{1,100}")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an output goes. Every part is percent-decoded; `repr` shows no secret.

    `scheme` is the family: s3 cf ftp ftps sftp 6px. `region` is None where none was named; for cf, `uk` is `lon`.
    `host` is the bucket or container in its own case, or a lower-case host name or address (IPv6 without brackets).
    `path` has no slash at its end; for s3 and cf none at its start either, for ftp and sftp it is absolute, with
    `/~/…` relative to the login folder (SPEC section 9). `options` are the pairs of the query, names in lower case.
    """

    scheme: str
    region: str | None = None
    username: str = ""
    secret: str = field(default="", repr=False)
    host: str = ""
    port: int | None = None
    path: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def option(self, name: str) -> str | None:
        """The value of one option, None where the string does not have it."""
        return dict(self.options).get(name)


def is_mask(text: str) -> bool:
    """Whether `text` is a bare word, to be looked up in the user's `connection_string` map; `6px` is none."""
    return text != "6px" and _MASK.fullmatch(text) is not None


# --- parsing ------------------------------------------------------------------------------------


def parse(url: str) -> Destination:
    """Read a connection string; `6px` is default hosting. Raises Invalid, whose sentence never holds the secret."""
    text = url.strip()
    if text == "6px":
        return Destination("6px")
    if len(text) > _LONGEST:
        raise Invalid(f"Expected a connection string of at most {_LONGEST} characters, came {len(text)}")
    whole = _SCHEME.fullmatch(text)
    if whole is None:
        raise Invalid(f"Expected scheme://user:secret@host/path with a scheme of {_KNOWN}, came no such text")
    family, region = _family(whole[1].lower(), whole[2] and whole[2].lower())
    parts = _PARTS.fullmatch(whole[3])
    if parts is None:
        raise Invalid(f"Expected {family}://user:secret@host/path, came a string without one of these parts")
    username, secret = _decoded(parts["username"], "user name"), _decoded(parts["secret"], "secret")
    if not secret and family not in ("ftp", "ftps"):  # anonymous FTP has none
        raise Invalid(f"Expected {family}://user:secret@host/path, came an empty secret")
    host, port = _bucket(parts["host"]) if family in ("s3", "cf") else _host(parts["host"], family)
    path = _decoded(parts["path"] or "", "path").rstrip("/")
    if family in ("s3", "cf"):
        path = path.lstrip("/")
    return Destination(family, region, username, secret, host, port, path, _options(parts["query"] or "", family))


def _family(scheme: str, region: str | None) -> tuple[str, str | None]:
    if scheme not in _OPTIONS or (region and scheme not in ("s3", "cf")):
        raise Invalid(f"Expected a scheme of {_KNOWN}, came {scheme}{'+…' if region else ''}")
    if scheme == "cf" and region:
        if region not in _CLOUD_FILES_REGIONS:
            raise Invalid(f"Expected a Cloud Files region of {', '.join(_CLOUD_FILES_REGIONS)}, came another one")
        region = _CLOUD_FILES_REGIONS[region]
    return scheme, region


def _decoded(part: str, what: str) -> str:
    """Percent-decoding alone (RFC 3986 section 2.1): a plus stays a plus."""
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise Invalid(f"The {what} of the connection string is percent-encoded, but not as UTF-8") from None
    if _CONTROL.search(text):  # a line break here would be a second FTP command or HTTP header
        raise Invalid(f"The {what} of the connection string holds a control character")
    return text


def _bucket(part: str) -> tuple[str, None]:
    name = _decoded(part, "bucket or container")
    if not name or len(name) > 255 or re.search(r"[/?#:@\\\s]", name) or name in (".", ".."):
        raise Invalid("Expected a bucket or container after the @, came no name that one can have")
    return name, None


def _host(part: str, family: str) -> tuple[str, int | None]:
    found = _HOST_PORT.fullmatch(_decoded(part, "host"))
    port = int(found[2]) if found and found[2] else None
    if found is None or port == 0 or (port or 0) > 65535:
        raise Invalid(f"Expected {family}://user:secret@host:port/path, came no host name or port after the @")
    return found[1].strip("[]").lower(), port


def _options(query: str, family: str) -> tuple[tuple[str, str], ...]:
    pairs: dict[str, str] = {}
    for piece in filter(None, query.split("&")):
        name, _, value = piece.partition("=")
        name = name.lower()
        name = _ALIASES.get(name, name)
        if name not in _OPTIONS[family] or name in pairs:
            allowed = ", ".join(sorted(_OPTIONS[family])) or "none"
            raise Invalid(f"Expected after the ? of {family}:// each at most once of: {allowed}; came another option")
        pairs[name] = _decoded(value, f"option {name}")
        if name in _URL_OPTIONS:
            _require_plain_url(name, pairs[name])
    return tuple(pairs.items())


def _require_plain_url(name: str, value: str) -> None:
    try:
        url = urlsplit(value)
        good = url.scheme in ("http", "https") and bool(url.hostname) and "@" not in value and url.port != 0
    except ValueError:
        good = False
    if not good:
        raise Invalid(f"The option {name} of the connection string has to be an http or https URL without credentials")


# --- redacting ----------------------------------------------------------------------------------

_ANY_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# What is surely a host: urlsplit, yarl and the WHATWG disagree about white space, control characters, backslashes and
# an empty host, so that behind any of these there may be userinfo.
_PLAIN_AUTHORITY = re.compile(r"(?:\[[0-9a-f:.%]+\]|[\w.-]+)(?P<port>:[0-9]*)?(?=[/?#]|\Z)", re.IGNORECASE)
_USERNAME = re.compile(r"[^\s:@/?#\\\x00-\x1f\x7f]+(?=:)")
_DATA = re.compile(r"data:(?!\s*/)", re.IGNORECASE)  # data://user:password@host has userinfo, also with a tab in it


def redact(text: str) -> str:
    """One URL or connection string as it may be shown: `s3://key:***@bucket/path`.

    Where there is userinfo, everything up to the last @ of the text is hidden but the user name: a secret that was not
    percent-encoded hides with it, at the price of a path that holds an @. Of a connection string that `parse` refuses
    nothing is left but the scheme, for the secret may be anywhere; nor of an http URL whose host is not plainly one.
    What surely has no userinfo stays as it was sent: an http URL, signed queries and all, a bare word, a `data:` URI.
    """
    text = text.strip()
    scheme = _ANY_SCHEME.match(text)
    if scheme is None:
        return text if _DATA.match(text) or not re.search("[:@]", text) else "***"
    rest = text[scheme.end() :]
    if scheme[0].lower() in ("http://", "https://"):
        return scheme[0] + _redact_http(rest)
    try:
        parse(text)
    except Invalid:
        return f"{scheme[0]}***"
    return scheme[0] + _hide_userinfo(rest)


def _redact_http(rest: str) -> str:
    authority = _plain_authority(rest)
    if authority is None:
        return _hide_userinfo(rest)
    after = rest[len(authority) :]
    nested = _ANY_SCHEME.search(after)
    return authority + (after[: nested.start()] + redact(after[nested.start() :]) if nested else after)


def _hide_userinfo(rest: str) -> str:
    username = _USERNAME.match(rest)
    head, at, tail = rest.rpartition("@")
    user = f"{username[0]}:" if username and username.end() < len(head) else ""
    return f"{user}***@{tail}" if at else "***"


def _plain_authority(rest: str) -> str | None:
    """Host and port of an http URL that surely has no userinfo, else None."""
    plain = _PLAIN_AUTHORITY.match(rest)
    if plain is None:
        return None
    path = re.split(r"[?#]", rest[plain.end() :], maxsplit=1)[0]
    return None if plain["port"] and "@" in path else plain[0]  # user:1/2@host, or host:1 with an @ in its path?


# --- sealing ------------------------------------------------------------------------------------


class Vault:
    """Encrypts what has to be read again (Fernet: AES-128-CBC with HMAC-SHA256). The first key seals, each one opens.

    To rotate, put the new key first. Keys are those of `new_key`; raises BadSettings for others, without showing them.
    """

    def __init__(self, *keys: str) -> None:
        if not keys:
            raise BadSettings(("expected at least one encryption key, came none",))
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise BadSettings(("expected encryption keys of 32 bytes in URL-safe base64, came another text",)) from None

    def seal(self, text: str) -> str:
        """An encrypted token of ASCII characters; different each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, token: str) -> str:
        """What `seal` was given. Raises BadSettings where none of the keys sealed it."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise BadSettings(("A stored credential was not sealed with any of the configured keys",)) from None


def new_key() -> str:
    """A fresh key for a Vault: 32 random bytes in URL-safe base64."""
    return Fernet.generate_key().decode()


# --- secrets of users -----------------------------------------------------------------------------


def new_api_key() -> str:
    """A fresh public name of a user's access: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """A fresh secret: 256 random bits in URL-safe base64, without the colon that Basic and Bearer pairs split at."""
    return secrets.token_urlsafe(32)


def new_callback_secret() -> str:
    """A fresh secret that callbacks are signed with, in the form of Standard Webhooks 1.0: `whsec_` and 32 random bytes
    in base64 (24 to 64 are allowed). Its receiver has it too, so it is kept sealed, not hashed."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def digest(secret: str) -> str:
    """SHA-256 of a secret, in hex; all that is kept of it.

    A slow password hash protects what people choose. A secret of 256 random bits cannot be guessed at any speed, and
    every request is checked against it, so the fast hash is the right one.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
