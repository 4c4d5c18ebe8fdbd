"""Owns ProFTPD: one user with a password of its own file, with or without TLS. Never a user of the machine."""

from __future__ import annotations

import os
import subprocess
from getpass import getuser
from grp import getgrgid
from pathlib import Path

from tests.servers.base import HOST, PASSIVE, ROOT, Process, found, free_port, free_ports
from tests.servers.tls import Certificate, certificate

HOW = "apt-get install proftpd-core proftpd-mod-crypto, or unpack both into .venv-servers/proftpd as .ci/run does"
UNPACKED = (Path(os.environ.get("SIXPX_TEST_PROFTPD", ROOT / ".venv-servers" / "proftpd")) / "usr",)
"""proftpd and vsftpd exclude each other as packages; unpacked they do not."""
USER, PASSWORD = "lab", "p@ss/w:d%1 +ü"

CONFIG = """\
ModulePath {modules}
LoadModule mod_tls.c
ServerName tests
ServerType standalone
DefaultAddress {host}
SocketBindTight on
Port {port}
PassivePorts {first} {last}
User {user}
Group {group}
UseIPv6 off
AuthOrder mod_auth_file.c
AuthUserFile {folder}/passwd
AuthPAM off
RequireValidShell off
WtmpLog off
DelayEngine off
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
SystemLog {folder}/system.log
DefaultRoot {folder}/files
AllowOverwrite on
RootLogin on
MaxInstances 60
{tls}
"""
TLS = """\
TLSEngine on
TLSRequired on
TLSLog {folder}/tls.log
TLSProtocol TLSv1.2 TLSv1.3
TLSRSACertificateFile {cert}
TLSRSACertificateKeyFile {key}
"""


class Proftpd:
    """The running server; `root` is what its user sees as `/` and may write to."""

    def __init__(self, folder: Path, tls: bool = False) -> None:
        program = found("proftpd", HOW, *(one / "sbin" for one in UNPACKED))
        self.port, self.folder, self.root = free_port(), folder, folder / "files"
        self.root.mkdir(parents=True)
        self.inner = self.root
        self.passive = free_ports(PASSIVE)
        self.certificate: Certificate = certificate(folder)
        self._add_user(found("ftpasswd", HOW, *(one / "sbin" for one in UNPACKED)))
        words = {"host": HOST, "port": self.port, "folder": folder, "user": getuser(), "modules": _modules(program)}
        words |= {"first": self.passive[0], "last": self.passive[-1]}
        words["group"] = getgrgid(os.getgid()).gr_name
        files = {"folder": folder, "cert": self.certificate.cert, "key": self.certificate.key}
        config = folder / "proftpd.conf"
        config.write_text(CONFIG.format(**words, tls=TLS.format(**files) if tls else ""))
        self._process = Process([program, "-n", "-q", "-c", str(config)], folder / "proftpd.log")
        self._process.wait_for(self.port)

    def _add_user(self, program: str) -> None:
        ids = ["--uid", str(os.getuid()), "--gid", str(os.getgid()), "--home", str(self.root), "--shell", "/bin/sh"]
        file = ["--file", str(self.folder / "passwd"), "--name", USER]
        command = [program, "--passwd", "--stdin", *file, *ids]
        subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True, cwd=self.folder)
        (self.folder / "passwd").chmod(0o600)

    def end(self) -> None:
        self._process.end()


def _modules(program: str) -> Path:
    return next(Path(program).parents[1].glob("lib/**/proftpd"), Path("/usr/lib/proftpd"))
