"""Owns OpenStack Swift with its S3 face, from PyPI: four processes in one folder. Never an account beyond one tester.

It checks what real stores check: S3 signatures, Content-MD5 and regions, Swift tokens and ETags.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

from tests.servers.base import HOST, Process, free_port, free_ports, from_pypi

ACCOUNT, USER, SECRET = "test", "tester", "testing"
ACCESS_KEY = f"{ACCOUNT}:{USER}"
"""The S3 access key of the tester; its secret is SECRET."""
REGION = "us-east-1"

RINGS = ("account", "container", "object")
PROXY = """\
[DEFAULT]
bind_ip = {host}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {etc}
[pipeline:main]
pipeline = {pipeline}
[filter:cache]
paste.filter_factory = memory_cache:filter_factory
[filter:s3api]
use = egg:swift#s3api
s3_acl = true
check_bucket_owner = true
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{tester} = {secret} .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
"""
PIPELINE = "catch_errors healthcheck cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink"
PLAIN = ("catch_errors", "healthcheck", "listing_formats", "bulk", "copy", "slo", "dlo", "symlink")
SERVER = """\
[DEFAULT]
bind_ip = {host}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {etc}
devices = {devices}
mount_check = false
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""
RING = """\
import sys
from swift.common.ring import RingBuilder

folder, host, *ports = sys.argv[1:]
for name, port in zip({rings}, map(int, ports)):
    ring = RingBuilder(4, 1, 0)
    place = {{"ip": host, "port": port, "replication_ip": host, "replication_port": port}}
    ring.add_dev({{"id": 0, "region": 1, "zone": 1, "weight": 1, "device": "disk", "meta": "", **place}})
    ring.rebalance()
    ring.get_ring().save(f"{{folder}}/{{name}}.ring.gz")
"""
"""What Swift's own program for rings does in nine processes, each a second of a processor."""
CONFIG = """\
[swift-hash]
swift_hash_path_suffix = tests
swift_hash_path_prefix = tests
[storage-policy:0]
name = one
default = yes
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What Swift answered; names of headers in lower case."""

    status: int
    body: bytes
    headers: dict[str, str]

    @classmethod
    def of(cls, raw: Any) -> Reply:
        return cls(raw.status, raw.read(), {name.lower(): value for name, value in raw.headers.items()})


class Swift:
    """The running store; `url` is its root, `auth` the v1 address for tokens, `storage` the tester's account."""

    def __init__(self, folder: Path, region: str = REGION) -> None:
        self.programs = {name: from_pypi(f"swift-{name}-server") for name in (*RINGS, "proxy")}
        self._folder, self._etc = folder, folder / "etc"
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.auth = f"{self.url}/auth/v1.0"
        self.storage = f"{self.url}/v1/AUTH_{ACCOUNT}"
        for one in (self._etc, folder / "node" / "disk"):
            one.mkdir(parents=True)
        # alone in its folder: beside this module it would bring ours, called swift too
        shutil.copy(Path(__file__).parent / "memory_cache.py", self._etc)
        (self._etc / "swift.conf").write_text(CONFIG)
        self._processes: dict[int, Process] = {}
        try:
            self._start_rings()
            self._start_proxy(region)
            for port, process in self._processes.items():
                process.wait_for(port)
            self._token = self.token()
        except BaseException:
            self.end()
            raise

    @classmethod
    def shared(cls, folder: Path) -> Swift:
        """The one of this run of tests, started when it is first asked for and ended with the run."""
        if not _shared:
            _shared.append(cls(folder))
            atexit.register(_shared[0].end)
        return _shared[0]

    def _start_rings(self) -> None:
        """Of one device each, which is no redundancy."""
        ports = dict(zip(RINGS, free_ports(len(RINGS)), strict=True))
        python = Path(self.programs["proxy"]).with_name("python")
        asked = [python, "-W", "ignore", "-c", RING.format(rings=RINGS), self._etc, HOST, *map(str, ports.values())]
        subprocess.run(asked, env={}, capture_output=True, check=True)
        for name, port in ports.items():
            self._run(name, port, SERVER.format(**self._values(port), name=name, devices=self._folder / "node"))

    def _start_proxy(self, region: str) -> None:
        values = self._values(self.port)
        values["pipeline"] = f"{PIPELINE} proxy-server"
        config = PROXY.format(**values, region=region, account=ACCOUNT, tester=USER, secret=SECRET)
        self._run("proxy", self.port, config + "".join(f"[filter:{one}]\nuse = egg:swift#{one}\n" for one in PLAIN))

    def _values(self, port: int) -> dict[str, object]:
        return {"host": HOST, "port": port, "user": getuser(), "etc": self._etc}

    def _run(self, name: str, port: int, config: str) -> None:
        path = self._etc / f"{name}.conf"
        path.write_text(config)
        environment = {"PYTHONPATH": str(self._etc), "PYTHONWARNINGS": "ignore"}
        log = self._folder / f"{name}.log"
        self._processes[port] = Process([self.programs[name], str(path)], log, environment)

    def token(self) -> str:
        """A token of the tester."""
        asked = urllib.request.Request(self.auth, headers={"X-Auth-User": ACCESS_KEY, "X-Auth-Key": SECRET})
        with urllib.request.urlopen(asked, timeout=10) as reply:
            return str(reply.headers["X-Auth-Token"])

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One Swift request of the tester on `container[/object]`; an underscore in a header's name is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()} | {"X-Auth-Token": self._token}
        asked = urllib.request.Request(f"{self.storage}/{path}", body, named, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as reply:
                return Reply.of(reply)
        except urllib.error.HTTPError as fault:
            with fault:
                return Reply.of(fault)

    def end(self) -> None:
        for process in self._processes.values():
            process.end()


_shared: list[Swift] = []
