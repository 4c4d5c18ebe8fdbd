"""Owns which host keys are trusted and how one logs in, against OpenSSH's sshd. Never the machine's own keys."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from sixpx.errors import PutFailed
from sixpx.targets import sftp
from tests.contract.conftest import PICTURE, Packed
from tests.contract.logins import NEEDS_ROOT, Member, at, refused, stored
from tests.servers.base import HOST, found
from tests.servers.proxy import AT, Proxy
from tests.servers.sshd import Sshd

pytestmark = pytest.mark.asyncio(loop_scope="session")


# --- host keys ------------------------------------------------------------------------------------


async def test_a_key_that_nobody_trusts_is_named_with_both_ways_to_trust_it(
    sshd: Sshd, member: Member, packed: Packed
) -> None:
    fault = await refused(member(), packed, at(sshd))
    assert sshd.fingerprint in fault.detail
    assert f"?hostkey={sshd.fingerprint}" in fault.detail
    assert "sftp.known_hosts" in fault.detail


@pytest.mark.parametrize("form", [lambda pin: pin, lambda pin: pin.removeprefix("SHA256:"), lambda pin: f"{pin}="])
async def test_a_pinned_key_is_trusted(sshd: Sshd, member: Member, packed: Packed, form: Callable[[str], str]) -> None:
    await member().put(packed(), at(sshd, form(sshd.fingerprint)))
    assert stored(sshd) == PICTURE


async def test_a_pin_of_another_key_is_refused_whatever_else_is_trusted(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path
) -> None:
    pin = "SHA256:" + "A" * 43
    fault = await refused(member(on_first_use=True, listed=_file(tmp_path, sshd.known_hosts)), packed, at(sshd, pin))
    assert f"showed the host key {sshd.fingerprint}, not the one of the option hostkey" in fault.detail


def _file(folder: Path, text: str) -> Path:
    (folder / "known_hosts").write_text(text)
    return folder / "known_hosts"


def _hashed(sshd: Sshd) -> str:
    """The entry as `ssh-keygen -H` writes it."""
    host, key = sshd.known_hosts.split(" ", 1)
    salt = os.urandom(20)
    digest = hmac.new(salt, host.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()} {key}"


@pytest.mark.parametrize("entry", [lambda one: one.known_hosts, _hashed], ids=["plain", "hashed"])
async def test_a_key_of_the_operators_file_is_trusted(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path, entry: Callable[[Sshd], str]
) -> None:
    listed = _file(tmp_path, f"# a comment\nother.example ssh-ed25519 AAAA\n{entry(sshd)}\n")
    await member(listed=listed).put(packed(), at(sshd))
    assert stored(sshd) == PICTURE
    assert not (tmp_path / "host_keys").exists()


@pytest.mark.parametrize("on_first_use", [False, True])
async def test_another_key_than_the_operators_file_lists_is_refused(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path, on_first_use: bool
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    listed = _file(tmp_path, f"[{HOST}]:{sshd.port} {other}")
    fault = await refused(member(listed=listed, on_first_use=on_first_use), packed, at(sshd))
    assert sshd.fingerprint in fault.detail
    assert "known_hosts file" in fault.detail
    assert not (tmp_path / "host_keys").exists()


async def test_a_revoked_key_is_refused(sshd: Sshd, member: Member, packed: Packed, tmp_path: Path) -> None:
    listed = _file(tmp_path, f"@revoked * {sshd.known_hosts.split(' ', 1)[1]}")
    await refused(member(listed=listed, on_first_use=True), packed, at(sshd))


async def test_a_file_of_the_operator_that_cannot_be_read_trusts_nobody(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path
) -> None:
    for listed in (tmp_path / "missing", _file(tmp_path, "nonsense")):
        with pytest.raises(PutFailed, match=r"cannot read its known_hosts file \(sftp.known_hosts\)") as caught:
            await member(listed=listed, on_first_use=True).put(packed(), at(sshd))
        assert caught.value.retryable


async def test_the_first_key_is_remembered_over_a_restart_where_that_is_configured(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path
) -> None:
    await member(on_first_use=True).put(packed(), at(sshd))
    assert (tmp_path / "host_keys").read_text() == f"{HOST} {sshd.port} {sshd.fingerprint}\n"
    await member(on_first_use=True).put(packed(), at(sshd))
    assert len((tmp_path / "host_keys").read_text().splitlines()) == 1


async def test_a_changed_key_is_refused_after_the_first(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path
) -> None:
    was = "SHA256:" + "B" * 43
    (tmp_path / "host_keys").write_text(f"{HOST} {sshd.port} {was}\n")
    fault = await refused(member(on_first_use=True), packed, at(sshd))
    assert sshd.fingerprint in fault.detail
    assert was in fault.detail
    assert "?hostkey=" in fault.detail


async def test_a_key_is_remembered_only_when_the_login_came_about(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path
) -> None:
    with pytest.raises(PutFailed):
        await member(on_first_use=True).put(packed(), at(sshd, secret="wrong"))
    assert not (tmp_path / "host_keys").exists()


async def test_a_file_of_remembered_keys_that_was_cut_short_is_read_as_far_as_it_goes(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path
) -> None:
    (tmp_path / "host_keys").write_text(f"other 22 SHA256:x\n\n{HOST}")
    await member(on_first_use=True).put(packed(), at(sshd))
    assert sshd.fingerprint in (tmp_path / "host_keys").read_text().splitlines()[-1]
    await member(on_first_use=True).put(packed(), at(sshd))


# --- logging in -----------------------------------------------------------------------------------


async def test_a_private_key_as_secret_logs_in(sshd: Sshd, member: Member, packed: Packed) -> None:
    user = "root" if os.geteuid() == 0 else sshd.user
    to = replace(at(sshd, sshd.fingerprint), username=user, secret=sshd.key)
    await member().put(packed(b"by key"), to)
    assert stored(sshd) == b"by key"


def _locked_key(folder: Path) -> str:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "passphrase", "-f", str(folder / "locked")]
    subprocess.run(words, check=True)
    return "".join((folder / "locked").read_text().splitlines()[1:-1])


async def test_a_private_key_that_is_none_is_said_without_it(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path
) -> None:
    for secret in (f"{sftp.KEY_MARK}HUSH", await asyncio.to_thread(_locked_key, tmp_path)):
        with pytest.raises(PutFailed, match="private key of the connection string cannot be read") as caught:
            await member().put(packed(), at(sshd, sshd.fingerprint, secret=secret))
        assert secret not in caught.value.detail
        assert caught.value.again is None


def _set_password(user: str, password: str) -> None:
    subprocess.run([found("chpasswd", "apt-get install passwd")], input=f"{user}:{password}".encode(), check=True)


@NEEDS_ROOT
async def test_a_password_may_have_any_characters(sshd: Sshd, member: Member, packed: Packed) -> None:
    password = "p:a@s/s?w#o%r d+ü\"'\\$"
    await asyncio.to_thread(_set_password, sshd.user, password)
    try:
        await member().put(packed(b"by password"), at(sshd, sshd.fingerprint, secret=password))
    finally:
        await asyncio.to_thread(_set_password, sshd.user, str(sshd.password))
    assert stored(sshd) == b"by password"


async def test_the_machines_own_keys_and_agent_are_never_used(
    sshd: Sshd, member: Member, packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With them the login would come about: the key is the right one, and the configuration names it."""
    folder = tmp_path / ".ssh"
    folder.mkdir()
    body = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{sshd.key}\n-----END OPENSSH PRIVATE KEY-----\n"
    (folder / "id_ed25519").write_text(body)
    (folder / "id_ed25519").chmod(0o600)
    (folder / "known_hosts").write_text(sshd.known_hosts)
    (folder / "config").write_text(f"Host *\n  IdentityFile {folder}/id_ed25519\n  Port 9\n  User nobody\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    user = "root" if os.geteuid() == 0 else sshd.user
    agent = await asyncio.create_subprocess_exec("ssh-agent", "-D", "-a", f"{tmp_path}/agent", stdout=-3)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", f"{tmp_path}/agent")
        while not (tmp_path / "agent").exists():  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
        await asyncio.to_thread(subprocess.run, ["ssh-add", "-q", folder / "id_ed25519"], check=True)
        with pytest.raises(PutFailed, match="does not accept the user name and password or key"):
            await member().put(packed(), replace(at(sshd, sshd.fingerprint, secret="wrong"), username=user))
    finally:
        agent.terminate()
        await agent.wait()
    await refused(member(), packed, at(sshd))  # its known_hosts is nobody's either


async def test_a_wrong_password_is_tried_once(sshd: Sshd, sshd_proxy: Proxy, member: Member, packed: Packed) -> None:
    """Servers lock accounts, or whole addresses, after a few."""
    with pytest.raises(PutFailed, match="does not accept"):
        await member().put(packed(), replace(at(sshd, sshd.fingerprint, secret="wrong"), host=AT))
    assert sum(sshd_proxy.accepted.values()) == 1
