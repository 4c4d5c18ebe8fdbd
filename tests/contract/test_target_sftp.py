"""Owns what else is SFTP's alone: paths, servers that know less than OpenSSH, its faults, shared connections. Against
OpenSSH's sshd, and asyncssh's own server for what sshd always can. Never a stubbed client.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from sixpx.credentials import Destination, parse
from sixpx.errors import Again, PutFailed, Refused
from sixpx.guard import Guard
from sixpx.targets import sftp
from sixpx.targets.sftp import Sftp, location
from tests.contract.conftest import PICTURE, Packed
from tests.contract.logins import NEEDS_ROOT, Member, at, stored
from tests.servers.base import HOST
from tests.servers.proxy import AT, Proxy
from tests.servers.small_disk import small_disk
from tests.servers.sshd import Sshd

pytestmark = pytest.mark.asyncio(loop_scope="session")


# --- where it goes --------------------------------------------------------------------------------


class Chrooted(asyncssh.SFTPServer):
    """A server of few means: neither posix-rename nor fsync."""

    def __init__(self, channel: asyncssh.SSHServerChannel, root: Path) -> None:
        super().__init__(channel, chroot=os.fsencode(root))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("not here")

    def fsync(self, file_obj: object) -> None:
        raise asyncssh.SFTPOpUnsupported("not here")

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if os.path.exists(self.map_path(newpath)):
            raise asyncssh.SFTPFailure("it is there")  # as version 3 of the protocol has it
        super().rename(oldpath, newpath)


class AnyPassword(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return True


@pytest_asyncio.fixture(loop_scope="session")
async def simple(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """A server of few means: the beginning of its connection strings, and its folder."""
    root, key = tmp_path / "root", asyncssh.generate_private_key("ssh-ed25519")
    root.mkdir()
    listening = await asyncssh.listen(
        HOST, 0, server_host_keys=[key], server_factory=AnyPassword,
        sftp_factory=lambda channel: Chrooted(channel, root),
    )  # fmt: skip
    yield f"sftp://u:p@{HOST}:{listening.get_port()}{{}}?hostkey={key.get_fingerprint()}", root
    listening.close()
    await listening.wait_closed()


@pytest.mark.parametrize(("path", "file"), [("/a/b", "a/b"), ("/~/c", "c"), ("/~", "."), ("", "."), ("/", ".")])
async def test_a_path_is_absolute_or_from_the_login_folder(
    simple: tuple[str, Path], member: Member, packed: Packed, path: str, file: str
) -> None:
    string, root = simple
    await member().put(packed(), parse(string.format(path)))
    assert (root / file / "a.png").read_bytes() == PICTURE


@NEEDS_ROOT
async def test_a_login_folder_is_not_the_root(sshd: Sshd, member: Member, packed: Packed) -> None:
    to = replace(at(sshd, sshd.fingerprint), username="root", secret=sshd.key, path="/~/sixpx-tests")
    await member().put(packed(), to)
    assert _taken(Path("/root/sixpx-tests")) == {"a.png": PICTURE}


def _taken(folder: Path) -> dict[str, bytes]:
    """The files of a folder, which is removed."""
    found = {one.name: one.read_bytes() for one in folder.iterdir()}
    shutil.rmtree(folder)
    return found


async def test_a_server_without_posix_rename_or_fsync_serves(
    simple: tuple[str, Path], member: Member, packed: Packed
) -> None:
    string, root = simple
    one = member()
    for body in (b"first", PICTURE):
        await one.put(packed(body), parse(string.format("/x")))
    assert {path.name: path.read_bytes() for path in (root / "x").iterdir()} == {"a.png": PICTURE}


async def test_a_server_without_sftp_is_said(member: Member, packed: Packed) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    listening = await asyncssh.listen(HOST, 0, server_host_keys=[key], server_factory=AnyPassword)
    to = parse(f"sftp://u:p@{HOST}:{listening.get_port()}/?hostkey={key.get_fingerprint()}")
    with pytest.raises(PutFailed, match="offers no SFTP") as caught:
        await member().put(packed(), to)
    listening.close()
    assert caught.value.again is None


@pytest.mark.parametrize(
    ("string", "url"),
    [
        ("sftp://u:p@h.example/a b/ü", "sftp://h.example/a%20b/%C3%BC/a.png"),
        ("sftp://u:p@h.example:2222/~/x?hostkey=SHA256:x", "sftp://h.example:2222/~/x/a.png"),
        ("sftp://u:p@[2001:db8::1]:22/", "sftp://[2001:db8::1]:22/a.png"),
        ("sftp://u:p@h.example", "sftp://h.example/a.png"),
    ],
)
async def test_the_location_has_no_credentials(string: str, url: str) -> None:
    assert location(parse(string), "a.png") == url


# --- faults ---------------------------------------------------------------------------------------


async def failed(member: Sftp, packed: Packed, to: Destination, body: bytes = PICTURE) -> PutFailed:
    with pytest.raises(PutFailed) as caught:
        await member.put(packed(body), to)
    assert to.secret not in caught.value.detail
    return caught.value


@NEEDS_ROOT
async def test_a_folder_that_one_may_not_write_to_is_said(sshd: Sshd, member: Member, packed: Packed) -> None:
    locked = sshd.root / "locked"
    locked.mkdir(mode=0o755)
    for folder in ("locked", "locked/deeper"):
        fault = await failed(member(), packed, at(sshd, sshd.fingerprint, folder))
        assert f'does not let this user write to "{sshd.root}/{folder}"' in fault.detail
        assert fault.again is None


async def test_a_file_in_the_place_of_the_folder_is_said(sshd: Sshd, member: Member, packed: Packed) -> None:
    (sshd.root / "file").write_bytes(b"")
    fault = await failed(member(), packed, at(sshd, sshd.fingerprint, "file/inside"))
    assert fault.again is None
    assert f'{sshd.root}/file/inside"' in fault.detail


async def test_a_full_disk_is_said_and_tried_again_later(sshd: Sshd, member: Member, packed: Packed) -> None:
    one, to = member(), at(sshd, sshd.fingerprint, "small")
    with small_disk(sshd.root / "small"):
        fault = await failed(one, packed, to, os.urandom(3_000_000))
        assert fault.again is Again.BUSY
        assert "disk or quota may be full" in fault.detail
        assert os.listdir(sshd.root / "small") == []
        await one.put(packed(), to)
        assert stored(sshd, "small/a.png") == PICTURE


async def test_a_host_that_nobody_knows_and_a_port_that_nobody_hears_are_said(member: Member, packed: Packed) -> None:
    unknown = await failed(member(), packed, parse("sftp://u:HUSH@nowhere.invalid/"))
    assert unknown.detail == "the connection to nowhere.invalid failed (no such host is known)"
    closed = await failed(member(), packed, parse(f"sftp://u:HUSH@{HOST}:1/"))
    assert closed.detail == f"the connection to {HOST} failed (connection refused)"
    assert closed.again is Again.BROKEN


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])
async def test_the_guard_refuses_a_host_that_is_not_public(member: Member, packed: Packed, host: str) -> None:
    with pytest.raises(Refused, match="not a public one"):
        await member(Guard()).put(packed(), parse(f"sftp://u:p@{host}/"))


async def test_a_server_that_says_nothing_is_left_by_all_at_once(
    member: Member, silent: int, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "CONNECT_SECONDS", 0.3)
    one, to = member(), parse(f"sftp://u:HUSH@{HOST}:{silent}/")
    loop = asyncio.get_running_loop()
    began = loop.time()
    faults = await asyncio.gather(*(failed(one, packed, to) for _ in range(6)))
    assert loop.time() - began < 1.5  # not one after the other
    assert {fault.again for fault in faults} == {Again.BROKEN}


# --- connections ----------------------------------------------------------------------------------


async def test_uploads_share_a_connection_also_at_once(
    sshd: Sshd, sshd_proxy: Proxy, member: Member, packed: Packed
) -> None:
    one, to = member(), replace(at(sshd, sshd.fingerprint), host=AT)
    async with asyncio.TaskGroup() as puts:
        for number in range(8):
            puts.create_task(one.put(packed(os.urandom(200_000), f"{number}.png"), to))
    await one.put(packed(), to)
    assert sum(sshd_proxy.accepted.values()) == 1


async def test_a_connection_that_nobody_needs_any_more_is_closed(
    sshd: Sshd, sshd_proxy: Proxy, member: Member, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, to = member(), replace(at(sshd, sshd.fingerprint), host=AT)
    await one.put(packed(), to)
    monkeypatch.setattr(sftp, "IDLE_SECONDS", -1.0)
    await one.put(packed(), at(sshd, sshd.fingerprint))
    async with asyncio.timeout(3):
        while sshd_proxy.open_links:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)


async def test_a_put_that_is_cancelled_while_it_connects_does_not_hurt_the_others(
    sshd: Sshd, member: Member, packed: Packed
) -> None:
    one, to = member(), at(sshd, sshd.fingerprint)
    first, second = (asyncio.create_task(one.put(packed(), to)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first
