"""Owns vsftpd, strict about the order of TLS and the reuse of its session. Never a user of the machine: anonymous ones
may write.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.servers.base import HOST, PASSIVE, Process, found, free_port, free_ports
from tests.servers.tls import Certificate, certificate

HOW = "apt-get install vsftpd"
INNER = "incoming"
NOBODY = "ftp"
"""The user that the package makes, with a home that is there, as vsftpd wants it."""

CONFIG = """\
listen=YES
listen_ipv6=NO
listen_address={host}
listen_port={port}
background=NO
anonymous_enable=YES
no_anon_password=NO
anon_root={root}
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
local_enable=NO
write_enable=YES
allow_writeable_chroot=YES
pasv_enable=YES
pasv_min_port={first}
pasv_max_port={last}
seccomp_sandbox=NO
max_clients=60
secure_chroot_dir={empty}
xferlog_enable=NO
{more}
"""
TLS = """\
ssl_enable=YES
rsa_cert_file={cert}
rsa_private_key_file={key}
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
ssl_ciphers=HIGH
require_ssl_reuse=YES
"""


class Vsftpd:
    """The running server; `root` is what anonymous sees as `/`, where only the folder INNER may be written to, as
    vsftpd wants it. TLS is asked of every connection where it is on."""

    def __init__(self, folder: Path, tls: bool = False) -> None:
        program = found("vsftpd", HOW)
        self.port, self.root = free_port(), folder / "files"
        (folder / "empty").mkdir(parents=True)
        self.root.mkdir()
        self.inner = self.root / INNER
        self.inner.mkdir()
        self.passive = free_ports(PASSIVE)
        self.certificate: Certificate = certificate(folder)
        more = TLS.format(cert=self.certificate.cert, key=self.certificate.key) if tls else ""
        if os.geteuid() == 0:
            shutil.chown(self.inner, NOBODY)
        # without root it can neither change its root folder nor its user
        more += f"ftp_username={NOBODY}\n" if os.geteuid() == 0 else "run_as_launching_user=YES\n"
        words = {"host": HOST, "port": self.port, "root": self.root, "empty": folder / "empty"}
        words |= {"first": self.passive[0], "last": self.passive[-1]}
        config = folder / "vsftpd.conf"
        config.write_text(CONFIG.format(**words, more=more))
        self._process = Process([program, str(config)], folder / "vsftpd.log")
        self._process.wait_for(self.port)

    def end(self) -> None:
        self._process.end()
