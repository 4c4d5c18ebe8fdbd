"""Owns what is FTP's alone: TLS, the data connection, answers by number, connections that are kept. Against vsftpd and
ProFTPD; a server that is told what to say stands in for answers that no real one can be brought to give.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest
import pytest_asyncio

from sixpx.credentials import Destination, parse
from sixpx.errors import Again, PutFailed, Refused
from sixpx.guard import Guard
from sixpx.targets import ftp
from sixpx.targets.ftp import Ftp, location
from tests.contract.conftest import PICTURE, Packed
from tests.contract.places import LOOPBACK
from tests.servers import proftpd
from tests.servers.base import HOST
from tests.servers.proftpd import Proftpd
from tests.servers.proxy import AT, Fault, Harm, Proxy
from tests.servers.small_disk import small_disk
from tests.servers.told_ftp import HANGS_UP, ToldFtp
from tests.servers.vsftpd import INNER, Vsftpd

pytestmark = pytest.mark.asyncio(loop_scope="session")


SLOW = pytest.param(Proftpd, marks=pytest.mark.long)
"""It takes a fifth of a second for a login."""


@pytest.fixture(scope="module", params=[Vsftpd, SLOW], ids=["vsftpd", "proftpd"])
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vsftpd | Proftpd]:
    server = request.param(tmp_path_factory.mktemp("plain") / "server")
    yield server
    server.end()


@pytest.fixture(scope="module", params=[Vsftpd, Proftpd], ids=["vsftpd", "proftpd"])
def encrypted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vsftpd | Proftpd]:
    server = request.param(tmp_path_factory.mktemp("encrypted") / "server", tls=True)
    yield server
    server.end()


@pytest_asyncio.fixture(loop_scope="session")
async def target() -> AsyncIterator[Ftp]:
    opened = Ftp(Guard(LOOPBACK))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def told() -> AsyncIterator[ToldFtp]:
    server = ToldFtp()
    await server.start()
    yield server
    await server.end()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(plain: Vsftpd | Proftpd) -> AsyncIterator[Proxy]:
    opened = await Proxy.open((plain.port, *plain.passive))
    yield opened
    await opened.close()


def at(server: Vsftpd | Proftpd, scheme: str = "ftp", folder: str = "some") -> Destination:
    if isinstance(server, Proftpd):
        return parse(f"{scheme}://{proftpd.USER}:{quote(proftpd.PASSWORD, safe='')}@{HOST}:{server.port}/{folder}")
    return parse(f"{scheme}://anonymous:@{HOST}:{server.port}/{INNER}/{folder}")


def at_told(server: ToldFtp, path: str = "/some") -> Destination:
    return parse(f"ftp://us%40er:HUSH%2F+%25@{HOST}:{server.port}{path}")


async def failed(target: Ftp, packed: Packed, to: Destination, body: bytes = PICTURE) -> PutFailed:
    with pytest.raises(PutFailed) as caught:
        await target.put(packed(body), to)
    assert not to.secret or to.secret not in caught.value.detail
    return caught.value


# --- TLS ------------------------------------------------------------------------------------------


async def test_a_certificate_that_nobody_trusts_is_said_and_not_tried_again(
    encrypted: Vsftpd | Proftpd, target: Ftp, packed: Packed
) -> None:
    fault = await failed(target, packed, at(encrypted, "ftps"))
    assert fault.detail == f"the certificate of {HOST} is not trusted (self-signed certificate)"
    assert fault.again is None


async def test_a_certificate_of_another_host_is_not_trusted(encrypted: Vsftpd | Proftpd, packed: Packed) -> None:
    target = Ftp(Guard(LOOPBACK), encrypted.certificate.trusted)
    proxy = await Proxy.open([encrypted.port], "127.0.0.3")
    fault = await failed(target, packed, replace(at(encrypted, "ftps"), host="127.0.0.3"))
    await proxy.close()
    assert "the certificate of 127.0.0.3 is not trusted (IP address mismatch" in fault.detail
    assert fault.again is None


async def test_a_server_without_tls_is_said(plain: Vsftpd | Proftpd, target: Ftp, packed: Packed) -> None:
    fault = await failed(target, packed, at(plain, "ftps"))
    assert f"{HOST} speaks FTP without TLS only" in fault.detail
    assert fault.again is None


async def test_a_server_that_wants_tls_is_said(encrypted: Vsftpd | Proftpd, target: Ftp, packed: Packed) -> None:
    fault = await failed(target, packed, at(encrypted))
    assert f"{HOST} wants TLS" in fault.detail
    assert "ftps://" in fault.detail
    assert fault.again is None


async def test_data_are_encrypted_and_checked_against_the_same_certificate(
    encrypted: Vsftpd | Proftpd, packed: Packed
) -> None:
    target = Ftp(Guard(LOOPBACK), encrypted.certificate.trusted)
    for body in (b"first", PICTURE):
        await target.put(packed(body), at(encrypted, "ftps"))
    await target.close()
    assert (encrypted.inner / "some" / "a.png").read_bytes() == PICTURE


# --- where it goes --------------------------------------------------------------------------------


async def test_a_file_of_that_name_is_replaced(plain: Vsftpd | Proftpd, target: Ftp, packed: Packed) -> None:
    for body in (b"first", PICTURE):
        await target.put(packed(body), at(plain, folder="again"))
    assert os.listdir(plain.inner / "again") == ["a.png"]
    assert (plain.inner / "again" / "a.png").read_bytes() == PICTURE


async def test_a_path_is_absolute_or_from_the_login_folder(target: Ftp, told: ToldFtp, packed: Packed) -> None:
    for path, file in (("/a/b", "/a/b/a.png"), ("/~/c", "c/a.png"), ("/~", "a.png"), ("", "/a.png")):
        await target.put(packed(), at_told(told, path))
        assert told.heard[-2] == f"RNTO {file}"


async def test_a_login_folder_is_where_the_server_puts_one(
    plain: Vsftpd | Proftpd, target: Ftp, packed: Packed
) -> None:
    to = at(plain, folder="home")
    await target.put(packed(), replace(to, path=f"/~{to.path}"))
    assert (plain.inner / "home" / "a.png").read_bytes() == PICTURE


async def test_name_and_password_are_decoded(target: Ftp, told: ToldFtp, packed: Packed) -> None:
    await target.put(packed(), at_told(told))
    assert told.heard[:2] == ["USER us@er", "PASS HUSH/+%"]


@pytest.mark.parametrize(
    ("string", "url"),
    [
        ("ftp://u:p@h.example/a b/ü", "ftp://h.example/a%20b/%C3%BC/a.png"),
        ("ftps://u:p@h.example:990/~/x", "ftps://h.example:990/~/x/a.png"),
        ("ftp://u:p@[2001:db8::1]:21/", "ftp://[2001:db8::1]:21/a.png"),
    ],
)
async def test_the_location_has_no_credentials(string: str, url: str) -> None:
    assert location(parse(string), "a.png") == url


# --- data connections -----------------------------------------------------------------------------


async def test_the_address_that_a_server_names_for_data_is_not_followed(
    target: Ftp, told: ToldFtp, packed: Packed
) -> None:
    told.tells = {"EPSV": [b"500 what?"] * 2}  # then PASV says 10.0.0.1
    await target.put(packed(), at_told(told))
    assert "PASV" in told.heard
    assert told.kept == PICTURE


class Watching(Guard):
    """Remembers what it was asked."""

    def __init__(self, refuse_after: int) -> None:
        super().__init__(LOOPBACK)
        self.left = refuse_after

    def check(self, address: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Refused(f"{address} is refused")
        super().check(address)


async def test_data_connections_go_through_the_guard(told: ToldFtp, packed: Packed) -> None:
    opened = Watching(99)
    target = Ftp(opened)
    await target.put(packed(), at_told(told))
    await target.close()
    control = Ftp(Watching(2))  # looked up and connected to: what comes after is data
    with pytest.raises(Refused):
        await control.put(packed(), at_told(told))
    assert 99 - opened.left > 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])
async def test_the_guard_refuses_a_host_that_is_not_public(packed: Packed, host: str) -> None:
    with pytest.raises(Refused, match="not a public one"):
        await Ftp(Guard()).put(packed(), parse(f"ftp://u:p@{host}/"))


# --- answers --------------------------------------------------------------------------------------

SAID = (
    ("STOR", b"552 exceeded storage allocation", Again.BUSY, "has no space left"),
    ("done", b"552 disk full", Again.BUSY, "has no space left"),
    ("done", b"452 insufficient storage", Again.BUSY, "has no space left"),
    ("STOR", b"450 file busy", Again.BUSY, "has too much to do (450)"),
    ("USER", b"421 too many users", Again.BUSY, "has too much to do (421)"),
    ("done", b"426 connection closed", Again.BROKEN, "broke the transfer off (426)"),
    ("EPSV", b"425 no data connection", Again.BROKEN, "broke the transfer off (425)"),
    ("PASS", b"530 login incorrect", None, "does not accept the user name and password"),
    ("SIZE", b"213 3", Again.BROKEN, f"the server kept 3 of {len(PICTURE)} bytes"),
    ("SIZE", b"213 many", Again.BROKEN, "its answer is no FTP"),
    ("EPSV", b"229 come in", Again.BROKEN, "its answer is no FTP"),
    ("EPSV", b"229 come (|||99999|)", Again.BROKEN, "its answer is no FTP"),
    ("NOOP", b"x" * 100_000, Again.BROKEN, "its answer is no FTP"),
    ("RNTO", b"553-no\r\n553 never", None, "does not let this user write"),
)


@pytest.mark.parametrize(("command", "answer", "again", "words"), SAID)
async def test_what_servers_say_is_said_in_a_sentence(
    target: Ftp, told: ToldFtp, packed: Packed, command: str, answer: bytes, again: Again | None, words: str
) -> None:
    if command == "NOOP":
        told.greeting = answer
    told.tells = {command: [answer] * 2, "DELE": [b"550 there is none"] * 2}
    fault = await failed(target, packed, at_told(told))
    assert words in fault.detail
    assert fault.again is again


async def test_a_full_disk_is_said_and_tried_again(plain: Vsftpd | Proftpd, target: Ftp, packed: Packed) -> None:
    with small_disk(plain.inner / "small"):
        fault = await failed(target, packed, at(plain, folder="small"), os.urandom(3_000_000))
        assert fault.again is not None  # 426 of vsftpd, 451 or 452 of ProFTPD
        assert os.listdir(plain.inner / "small") == []
        await target.put(packed(), at(plain, folder="small"))


async def test_words_of_a_server_may_be_in_any_encoding(target: Ftp, told: ToldFtp, packed: Packed) -> None:
    told.tells = {"done": ["226-fertig\r\n Übertragung\r\n226 beendet, größe".encode("latin-1")]}
    assert await target.put(packed(), at_told(told))


async def test_half_an_answer_is_none(target: Ftp, told: ToldFtp, packed: Packed) -> None:
    """The rest of it might have been another name, or no."""
    told.tells = {"SIZE": [b"213 %d" % len(PICTURE), b"213 %d" % len(PICTURE) + HANGS_UP]}
    assert (await failed(target, packed, at_told(told))).again is Again.BROKEN


async def test_a_server_that_renames_over_no_file_has_it_removed_first(
    target: Ftp, told: ToldFtp, packed: Packed
) -> None:
    told.tells = {"RNTO": [b"553 it is there"]}
    await target.put(packed(), at_told(told))
    words = [line.split(" ")[0] for line in told.heard]
    assert words[-6:] == ["RNFR", "RNTO", "DELE", "RNFR", "RNTO", "SIZE"]
    assert "DELE /some/a.png" in told.heard


@pytest.mark.parametrize("answer", [b"450 busy", b"421 going down"])
async def test_a_server_that_is_busy_loses_no_file(target: Ftp, told: ToldFtp, packed: Packed, answer: bytes) -> None:
    told.tells = {"RNTO": [answer]}
    assert (await failed(target, packed, at_told(told))).again is Again.BUSY
    assert "DELE /some/a.png" not in told.heard


async def test_a_wrong_password_is_tried_once(target: Ftp, told: ToldFtp, packed: Packed) -> None:
    """Servers lock accounts, or whole addresses, after a few."""
    told.tells = {"PASS": [b"530 no"] * 2}
    await failed(target, packed, at_told(told))
    assert [line.split(" ")[0] for line in told.heard] == ["USER", "PASS"]


async def test_a_host_that_nobody_knows_and_a_port_that_nobody_hears_are_said(target: Ftp, packed: Packed) -> None:
    unknown = await failed(target, packed, parse("ftp://u:HUSH@nowhere.invalid/"))
    assert unknown.detail == "the connection to nowhere.invalid failed (no such host is known)"
    closed = await failed(target, packed, parse(f"ftp://u:HUSH@{HOST}:1/"))
    assert closed.detail == f"the connection to {HOST} failed (connection refused)"
    assert closed.again is Again.BROKEN


async def test_a_server_that_says_nothing_is_left(
    target: Ftp, silent: int, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ftp, "SILENCE_SECONDS", 0.2)
    fault = await failed(target, packed, parse(f"ftp://u:HUSH@{HOST}:{silent}/"))
    assert fault.again is Again.BROKEN
    assert "went silent" in fault.detail


# --- connections that are kept --------------------------------------------------------------------


def controls(proxy: Proxy) -> int:
    return proxy.accepted.get(proxy.ports[0], 0)


async def test_uploads_use_one_connection_after_the_other(
    plain: Vsftpd | Proftpd, proxy: Proxy, target: Ftp, packed: Packed
) -> None:
    to = replace(at(plain), host=AT)
    for _ in range(5):
        await target.put(packed(), to)
    assert controls(proxy) == 1


async def test_uploads_at_once_use_one_each_and_few_are_kept(
    plain: Vsftpd | Proftpd, proxy: Proxy, target: Ftp, packed: Packed
) -> None:
    to = replace(at(plain), host=AT)
    async with asyncio.TaskGroup() as puts:
        for number in range(12):
            puts.create_task(target.put(packed(name=f"{number}.png"), to))
    assert controls(proxy) <= 12
    async with asyncio.timeout(5):
        while proxy.open_links > ftp.KEPT:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
    for number in range(ftp.KEPT):
        await target.put(packed(name=f"{number}.png"), to)
    assert controls(proxy) <= 12


@pytest.mark.parametrize(("old", "connections"), [(120.0, 1), (-1.0, 2)])
async def test_an_idle_connection_is_tried_and_an_old_one_is_left(
    plain: Vsftpd | Proftpd,
    proxy: Proxy,
    target: Ftp,
    packed: Packed,
    monkeypatch: pytest.MonkeyPatch,
    old: float,
    connections: int,
) -> None:
    monkeypatch.setattr(ftp, "IDLE_SECONDS", -1.0)
    monkeypatch.setattr(ftp, "OLD_SECONDS", old)
    for _ in range(2):
        await target.put(packed(), replace(at(plain), host=AT))
    assert controls(proxy) == connections


async def test_a_connection_that_the_server_has_closed_is_not_used(
    plain: Vsftpd | Proftpd, proxy: Proxy, target: Ftp, packed: Packed
) -> None:
    to = replace(at(plain), host=AT)
    await target.put(packed(), to)
    proxy.drop()
    await asyncio.sleep(0.05)
    await target.put(packed(), to)
    assert controls(proxy) == 2


async def test_connections_that_went_silent_together_cost_one_try(
    plain: Vsftpd | Proftpd, proxy: Proxy, target: Ftp, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = replace(at(plain), host=AT)
    await asyncio.gather(*(target.put(packed(name=f"{number}.png"), to) for number in range(4)))
    monkeypatch.setattr(ftp, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(ftp, "CONNECT_SECONDS", 0.3)
    proxy.arm(Fault(Harm.SILENT, lasting=True))
    assert "went silent" in (await failed(target, packed, to)).detail
    monkeypatch.undo()
    proxy.arm(None)
    await target.put(packed(), to)


async def test_connections_to_a_place_that_nobody_needs_any_more_are_closed(
    plain: Vsftpd | Proftpd, proxy: Proxy, target: Ftp, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await target.put(packed(), replace(at(plain), host=AT))
    monkeypatch.setattr(ftp, "OLD_SECONDS", -1.0)
    await target.put(packed(), at(plain))
    async with asyncio.timeout(5):
        while proxy.open_links:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
