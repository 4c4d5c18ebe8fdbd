"""Connection strings and secrets: every form of SPEC section 4, and that no secret comes out again."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yarl import URL

from sixpx.api.v1.read import Counts, Maker, posted
from sixpx.core.user import Access, User
from sixpx.credentials import (
    Destination,
    Vault,
    digest,
    is_mask,
    new_api_key,
    new_key,
    new_secret,
    parse,
    redact,
)
from sixpx.errors import BadSettings, Invalid

D = Destination
S3_REGIONS = "us-east-1 us-west-1 us-west-2 eu-west-1 ap-southeast-1 ap-southeast-2 ap-northeast-1 sa-east-1"
READ = [
    ("6px", D("6px")),
    ("s3://key:secret@bucket/path", D("s3", None, "key", "secret", "bucket", None, "path")),
    ("s3://key:secret@bucket", D("s3", None, "key", "secret", "bucket")),
    ("s3://key:secret@bucket/", D("s3", None, "key", "secret", "bucket")),
    ("  s3://key:secret@bucket/a/b/ ", D("s3", None, "key", "secret", "bucket", None, "a/b")),
    ("S3+EU-West-1://key:secret@My.Bucket/Path", D("s3", "eu-west-1", "key", "secret", "My.Bucket", None, "Path")),
    ("s3://AK:ab/cd+e/f@b/k", D("s3", None, "AK", "ab/cd+e/f", "b", None, "k")),
    ("s3://AK:ab%2Fcd%2Be%40%25@b/k%20l+m", D("s3", None, "AK", "ab/cd+e@%", "b", None, "k l+m")),
    ("s3://AK:a@b@bucket/k", D("s3", None, "AK", "a@b", "bucket", None, "k")),
    ("s3://AK:s@bucket/a@2x", D("s3", None, "AK", "s", "bucket", None, "a@2x")),
    (
        "s3+auto://k:s@b/p?endpoint=https://host:9000/x&acl=public-read",
        D("s3", "auto", "k", "s", "b", None, "p", (("endpoint", "https://host:9000/x"), ("acl", "public-read"))),
    ),
    (
        "s3://k:s@b?endpoint_url=http%3A%2F%2Flocalhost",
        D("s3", None, "k", "s", "b", options=(("endpoint", "http://localhost"),)),
    ),
    ("cf://user:api_key@container/path", D("cf", None, "user", "api_key", "container", None, "path")),
    ("cf+uk://user:api_key@Con%20tainer", None),  # no white space in a name
    ("cf+uk://user:api_key@C/p", D("cf", "lon", "user", "api_key", "C", None, "p")),
    ("ftp://user:password@FTP.example.com/path", D("ftp", None, "user", "password", "ftp.example.com", None, "/path")),
    ("ftp://anonymous:@ftp.example.com", D("ftp", None, "anonymous", "", "ftp.example.com")),
    ("ftps://u:p%3A%2F@h:990/a/b/", D("ftps", None, "u", "p:/", "h", 990, "/a/b")),
    ("ftp://u:p@[::1]:2121/x", D("ftp", None, "u", "p", "::1", 2121, "/x")),
    (
        "sftp://u:p@sftp.example.com:2222/~/up?hostkey=SHA256:ab+c/d=",
        D("sftp", None, "u", "p", "sftp.example.com", 2222, "/~/up", (("hostkey", "SHA256:ab+c/d="),)),
    ),
]
READ += [
    (f"s3+{region}://key:secret@bucket/path", D("s3", region, "key", "secret", "bucket", None, "path"))
    for region in S3_REGIONS.split()
]
READ += [
    (f"cf+{region}://u:k@c/p", D("cf", region, "u", "k", "c", None, "p"))
    for region in ("ord", "iad", "dfw", "lon", "hkg", "syd")
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_every_form_is_read(text: str, expected: Destination | None) -> None:
    if expected is None:
        with pytest.raises(Invalid):
            parse(text)
    else:
        assert parse(text) == expected


BAD = [
    "", "prod", "s3", "s3:", "s3://", "s3://@", "s3://HUSH", "s3://bucket/path", "s3://key@bucket/HUSH",
    "s3:key:HUSH@b",
    "s3://key:HUSH", "s3://key:HUSH@", "s3://key:HUSH@/path", "s3://:HUSH@bucket", "s3://key:@bucket", "s3:/k:HUSH@b",
    "key:HUSH@bucket", "gopher://key:HUSH@bucket", "https://key:HUSH@bucket", "ftp+ord://u:HUSH@h", "cf+mars://u:HUSH@c",
    "s3+us_east://k:HUSH@b", "s3://key:HUSH@bucket:80/p", "s3://key:HUSH@a%2Fb/p", "s3://key:HUSH@../p",
    "ftp://u:HUSH@h:0/", "ftp://u:HUSH@h:65536/", "ftp://u:HUSH@h:x/", "ftp://u:HUSH@[::1/", "ftp://u:HUSH@h h/",
    "ftp://u:HUSH%0d%0aDELE@h/", "ftp://u:HUSH@h/a%0Ab", "ftp://u:HUSH%00@h/", "s3://k:HUSH%ff@b", "ftp://u:HUSH@h\n",
    "s3://k:HUSH@b?acl=a&acl=b", "s3://k:HUSH@b?HUSH=1", "ftp://u:HUSH@h/?acl=x", "s3://k:HUSH@b?endpoint=file:///HUSH",
    "s3://k:HUSH@b?endpoint=https://u:HUSH@h", "s3://k:HUSH@b?endpoint=https%3A%2F%2Fu%3AHUSH%40h",
    "s3://k:HUSH@b?endpoint=https://h:x", "s3://k:HUSH@b?endpoint=//h", "s3://k:" + "HUSH" * 2000 + "@b",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_a_bad_string_is_refused_in_words_that_hold_no_secret(text: str) -> None:
    if text == "ftp://u:HUSH@h\n":
        assert parse(text).host == "h"  # white space around is no fault
        return
    with pytest.raises(Invalid) as caught:
        parse(text)
    assert "HUSH" not in caught.value.detail
    assert caught.value.__cause__ is None
    assert "HUSH" not in redact(text)


def test_unknown_schemes_are_told_the_known_ones() -> None:
    with pytest.raises(Invalid, match=r"s3, s3\+REGION, cf, .*ftp, ftps, sftp or 6px, came gopher"):
        parse("gopher://u:s@h")


def test_repr_shows_no_secret() -> None:
    assert "HUSH" not in repr(parse("s3://key:HUSH@bucket"))


def test_options_by_name() -> None:
    found = parse("s3://k:s@b?acl=private")
    assert (found.option("acl"), found.option("endpoint")) == ("private", None)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("prod", True), ("my-cdn_2.eu", True), ("6px", False), ("", False), ("s3://k:s@b", False), ("a b", False),
     ("a/b", False), ("k:s", False), ("a@b", False), ("é", True), ("x" * 101, False), ("a\n", False)],
)  # fmt: skip
def test_masks_are_bare_words(text: str, answer: bool) -> None:
    assert is_mask(text) is answer


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://key:secret@bucket/path", "s3://key:***@bucket/path"),
        ("s3+eu-west-1://key:se/c+r@bucket/path?acl=x", "s3+eu-west-1://key:***@bucket/path?acl=x"),
        ("s3://key:s@b?endpoint=https%3A%2F%2Fu%3Ap%40h", "s3://***"),
        ("s3://key:s@b?endpoint=https%3A%2F%2Fh", "s3://key:***@b?endpoint=https%3A%2F%2Fh"),
        ("ftp://u:p@ss@h/x", "ftp://u:***@h/x"),
        ("https://user:pw@host/a?X-Amz-Signature=1", "https://user:***@host/a?X-Amz-Signature=1"),
        ("https://token@host/a", "https://***@host/a"),
        ("https://host/a@2x.png?token=t&m=a@b", "https://host/a@2x.png?token=t&m=a@b"),
        ("http://host:3000/hook?mail=a@b", "http://host:3000/hook?mail=a@b"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("https://user:pa/ss@host/a", "https://user:***@host/a"),
        ("https://user:12/ss@host/a", "https://user:***@host/a"),
        ("https://proxy/?u=https://a:b@c/d", "https://proxy/?u=https://a:***@c/d"),
        ("https://u:a\\b@host/", "https://u:***@host/"),
        ("s3://keysecret", "s3://***"),
        ("key:secret@bucket", "***"),
        ("s3:key:secret", "***"),
        ("http://us er:TOPSECRET@host/a.png", "http://***@host/a.png"),
        ("http:// u:p@h/", "http://***@h/"),
        ("http://\u3000u:p@h/", "http://***@h/"),
        ("http://u\u3000:p@h/", "http://***@h/"),
        ("http://u\x01:p@h/", "http://***@h/"),
        ("http:///u:p@h/", "http://***@h/"),
        ("http://h\\x:p@h/", "http://***@h/"),
        ("http://h\u00a0ost/?sig=1", "http://***"),
        ("http://b\u00fccher.example/?sig=1", "http://b\u00fccher.example/?sig=1"),
        ("http://host\n", "http://host"),
        ("data:\t//u:p@h/", "***"),
        ("data://u:p@h/", "data://***"),
        ("data:image/png;base64,aa@b", "data:image/png;base64,aa@b"),
        ("prod", "prod"),
        ("6px", "6px"),
        ("", ""),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert redact(text) == shown


def fault_of(text: str) -> str:
    try:
        parse(text)
    except Invalid as fault:
        return str(fault)
    return ""


# No letter of a secret below occurs in the fixed parts, so that finding it means that it leaked.
SECRETS = st.text(st.sampled_from("QWXYZ0189/+@:?#%&=\\ \n[]é"), min_size=6, max_size=40)
SHAPES = [
    "s3://key:{}@bucket/path", "s3+eu-west-1://key:{}@bucket", "cf+uk://u:{}@c/p?auth_url=https://h", "ftp://u:{}@h/p",
    "sftp://u:{}@h:22/p", "gopher://u:{}@h", "s3://key:{}", "s3:/key:{}@bucket", "s3//key:{}@bucket", "key:{}@bucket",
    "s3://{}@bucket", "s3://:{}@bucket/", "s3://key:{}@", "s3:key:{}", "s3://key:{}@bu@cket/p@q", "http;//u:{}@h",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(SECRETS, st.sampled_from(SHAPES))
@example("QWX@YZ/0189@Q", "s3://key:{}@bucket/path")
@example("QWX://YZ@Q", "s3:/key:{}@bucket")
def test_no_secret_survives_redaction_or_an_error(secret: str, shape: str) -> None:
    if "}@" not in shape:
        secret = secret.replace("@", "")  # or else what follows its @ is the bucket
    if ":{}" not in shape:
        secret = secret.replace(":", "")  # or else what precedes it is the user name
    text = shape.format(f"Q{secret}Z")
    hidden = redact(text)
    assert not set("QWXYZ") & set(hidden)
    assert not set("QWXYZ") & set(fault_of(text))


@settings(max_examples=200, deadline=None)
@given(SECRETS, st.sampled_from(SHAPES[:5]))
def test_a_percent_encoded_secret_comes_back_whole(secret: str, shape: str) -> None:
    text = shape.format(quote(secret, safe=""))
    if "\n" in secret:
        with pytest.raises(Invalid):
            parse(text)
    else:
        assert parse(text).secret == secret
    assert quote(secret, safe="") not in redact(text)


@settings(max_examples=200, deadline=None)
@given(SECRETS)
def test_userinfo_of_http_is_hidden(secret: str) -> None:
    hidden = redact(f"https://user:w{secret}@host/path")
    assert not set("QWXYZ") & set(hidden)
    assert redact(hidden) == hidden


# Every piece has a number of its own, so that finding one that a reader takes for a password means that it leaked.
PIECES = (
    *("http://", "HTTPS://", "http:", "data:", "s3://", "ftp://", "//", "/", "\\", "?", "#", "@", ":", "[", "]", "%40"),
    *(" ", "\t", "\n", "\r", "\0", "\x1f", "\x85", "\xa0", "\u2028", "\u3000", "\ufeff", "\uff1a", "\uff20", "\u200b"),
    *("h", ".", "1", "é", "xn--", "::1", "80", "WORD", "WORD", "WORD", "WORD"),
)  # fmt: skip
URLS = st.builds(
    lambda scheme, pieces: scheme + "".join(f"WORD{place}x" if one == "WORD" else one for place, one in pieces),
    st.sampled_from(["http://", "http://", "https://", "HTTP://", ""]),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map(lambda some: list(enumerate(some))),
)
LIKELY = st.builds(
    lambda *pieces: "".join(pieces),
    *(st.sampled_from(["http://", "https://"]), st.sampled_from(PIECES), st.sampled_from(["us", "é", ""])),
    *(st.sampled_from([*PIECES, ""]), st.just(":WORD1x"), st.sampled_from([*PIECES, ""]), st.just("WORD2x@h")),
    *(st.sampled_from([*PIECES, ""]), st.just("/a.png")),
)


def passwords(text: str) -> set[str]:
    """The pieces that a reader of URLs would take for a password, or for a part of one."""
    found = ""
    for read in (urlsplit, URL):
        with suppress(ValueError, IndexError):  # the latter is yarl's over http://[::1]@/
            found += " " + (read(text).password or "")
    return set(re.findall(r"WORD\d+x", found))


@settings(max_examples=1500, deadline=None)
@given(URLS | LIKELY)
@example("http://us er:WORD1x@host/a.png")
@example("http:// u:WORD1x@h/")
@example("http://\u3000u:WORD1x@h/")
@example("data:\t//u:WORD1x@h/")
def test_what_any_reader_takes_for_a_password_is_hidden(text: str) -> None:
    hidden = redact(text)
    assert not [one for one in passwords(text) if one in hidden]
    assert not passwords(hidden)


MAKER = Maker(lambda: "0" * 24, lambda: "name", Vault(new_key()), Counts())
USER = User("0" * 24, "u", (Access("key", ""),), datetime(2014, 8, 16, tzinfo=UTC))


@settings(max_examples=600, deadline=None)
@given(URLS | LIKELY)
@example("http://u:WORD1x@h/")
def test_what_the_api_accepts_it_shows_and_stores_without_the_password(text: str) -> None:
    body = {"input": {"main": text}, "output": [{"ref": {"main": False}}], "callback": {"url": text}}
    for part in (body, {**body, "callback": {}}):
        with suppress(Invalid):
            job = posted(part, USER, USER.created, MAKER, "2014-08").job
            assert not re.search(r"\s", text) or text[:5].lower() == "data:"
            assert not [one for one in passwords(text) if one in f"{job.inputs} {job.callback} {job.outputs}"]


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u3000", "\ufeff"])
@pytest.mark.parametrize(
    "url", ["http://us{}er:s@h/", "http://{}u:s@h/", "http://h{}/a.png", "http://h/a{}b", "http://h/{}"]
)
def test_white_space_in_a_url_is_refused(url: str, space: str) -> None:
    for part in ({"input": {"main": url.format(space)}}, {"callback": {"url": url.format(space)}}):
        body = {"input": {"main": "http://h/"}, "output": [{"ref": {"main": False}}], **part}
        with pytest.raises(Invalid, match="without white space and control characters"):
            posted(body, USER, USER.created, MAKER, "2014-08")


def test_a_vault_opens_what_it_sealed_and_rotates() -> None:
    old, new = new_key(), new_key()
    token = Vault(old).seal("s3://key:sécret@bucket")
    assert "secret" not in token
    assert token.isascii()
    assert Vault(new, old).open(token) == "s3://key:sécret@bucket"
    assert Vault(new).open(Vault(new, old).seal("x")) == "x"


def test_a_vault_says_what_is_wrong_without_its_keys() -> None:
    with pytest.raises(BadSettings, match="not sealed with any"):
        Vault(new_key()).open(Vault(new_key()).seal("x"))
    for keys in ((), ("HUSH",), ("é" * 44,)):
        with pytest.raises(BadSettings) as caught:
            Vault(*keys)
        assert "HUSH" not in str(caught.value)


def test_secrets_of_users() -> None:
    key, secret = new_api_key(), new_secret()
    assert len({new_secret() for _ in range(50)}) == 50
    assert ":" not in key + secret
    assert (key + secret).isascii()
    assert len(secret) >= 43
    assert len(key) == 32
    kept = digest(secret)
    assert secret not in kept
    assert len(kept) == 64
    assert digest(secret) == kept != digest(secret + "x")
    assert len(digest("\ud800\0é")) == 64
