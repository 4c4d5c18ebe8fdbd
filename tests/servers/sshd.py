"""Owns OpenSSH's server: keys made for the run, one folder to write to. Never the machine's own configuration.

It lets in the user who runs the tests, by key; where that is root a user of the tests' own, by password too, who is
made for them and removed again.
"""

from __future__ import annotations

import atexit
import base64
import os
import subprocess
import tempfile
from functools import cache
from getpass import getuser
from pathlib import Path

import asyncssh

from tests.servers.base import HOST, Process, found, free_port

HOW = "apt-get install openssh-server"
LOGIN = "sixpx-sftp"
PASSWORD = "p@ss/w:d%1 +ü"

CONFIG = """\
Port {port}
ListenAddress {host}
HostKey {folder}/host_key
PidFile none
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
Subsystem sftp internal-sftp
MaxStartups 100:30:200
MaxSessions 100
LogLevel ERROR
"""


class Sshd:
    """The running server; `root` is a folder that its users may write to, `key` the body of the login key."""

    def __init__(self) -> None:
        program = found("sshd", HOW)
        # not below pytest's folder, which nobody but its owner may enter
        self._open = tempfile.TemporaryDirectory(prefix="sixpx-sshd-")
        folder = Path(self._open.name)
        folder.chmod(0o755)
        self.port, self.folder = free_port(), folder
        self.root = folder / "files"
        self.root.mkdir(parents=True)
        self.root.chmod(0o777)
        host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.fingerprint = host_key.get_fingerprint()
        self.known_hosts = f"[{HOST}]:{self.port} {host_key.export_public_key().decode()}"
        _write(folder / "host_key", host_key.export_private_key().decode())
        self.key = self._login_key()
        self.user, self.password = getuser(), None
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where sshd puts the half of itself without privileges
            self.user, self.password = _made_user(), PASSWORD
        _write(folder / "config", CONFIG.format(port=self.port, host=HOST, folder=folder))
        self._process = Process([program, "-D", "-e", "-f", str(folder / "config")], folder / "sshd.log")
        self._process.wait_for(self.port)

    def _login_key(self) -> str:
        key = asyncssh.generate_private_key("ssh-ed25519")
        _write(self.folder / "authorized_keys", key.export_public_key().decode())
        (self.folder / "authorized_keys").chmod(0o644)
        body = key.export_private_key().decode().splitlines()[1:-1]
        assert base64.b64decode("".join(body))
        return "".join(body)

    def end(self) -> None:
        self._process.end()
        self._open.cleanup()


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


@cache
def _made_user() -> str:
    """A user of this process' own with a password, gone when it ends: root's is nobody's business."""
    login = f"{LOGIN}-{os.getpid()}"
    add, remove, change = (found(one, "apt-get install passwd") for one in ("useradd", "userdel", "chpasswd"))
    subprocess.run([add, "--no-create-home", "--shell", "/bin/sh", login], check=True)
    atexit.register(subprocess.run, [remove, login], capture_output=True)
    subprocess.run([change], input=f"{login}:{PASSWORD}".encode(), check=True)
    return login
