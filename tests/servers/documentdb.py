"""Owns FerretDB before PostgreSQL with DocumentDB, unpacked as `.ci/run` does it: MongoDB over the wire where no mongod
is. Never data of tests that outlives the run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.servers.base import HOST, ROOT, START_SECONDS, Process, found, free_ports, missing

PLACE = ROOT / ".venv-servers" / "mongo"
WHAT = "a MongoDB server"
HOW = (
    "put mongod on the PATH, name one by SIXPX_TEST_MONGODB=mongodb://..., "
    "or let `bash .ci/run mongo` unpack FerretDB into .venv-servers/mongo, as root"
)
USER = "postgres"
CLUSTERS = "srv"
"""The folder of the unpacked Debian where each run keeps its data: what PostgreSQL uses has to lie inside."""
MADE = "made"
"""The folder beside them with a cluster that never ran, of which each run has a copy."""

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # TCP alone: the folders of tests are too deep for the path of a socket
    "shared_preload_libraries": "pg_cron,pg_documentdb_core,pg_documentdb",
    "cron.database_name": "postgres",
    "cron.log_run": "off",
    "cron.log_statement": "off",
    "log_min_messages": "error",
    "dynamic_shared_memory_type": "mmap",  # in the data, and gone with them
    "max_connections": "200",
    # a crash of the machine may take it all
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class Killed(Process):
    """A server that has nothing to save: FerretDB takes three seconds to end in good order."""

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


class DocumentDb:
    """The running pair. What `stop` ends and `start` brings back, on the same port, is FerretDB: the data stay."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._debian = folder, PLACE / "root"
        self._front = PLACE / "bin" / "ferretdb"
        self._programs = _programs(self._debian, self._front)
        self._back_port, self.port = free_ports(2)
        self.uri = f"mongodb://{HOST}:{self.port}/"
        self._running: dict[str, Process] = {}
        self._data = _room(self._debian / CLUSTERS)
        try:
            self._create()
            self._running["back"] = Process(self._postgres("postgres"), self._folder / "postgres.log")
            self._running["back"].wait_for(self._back_port)
            self.start()
        except BaseException:
            self.end()
            raise

    def _create(self) -> None:
        """A copy of the cluster that the first run made: a tenth of the work of making one."""
        parent = self._data.parent
        with (parent / "made.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (parent / MADE).exists():
                self._make()
                os.sync()  # this one is to outlive a crash of the machine too
                self._data.rename(parent / MADE)
                self._data.mkdir()
        self._call(["cp", "-a", f"{parent / MADE}/.", str(self._data)])

    def _make(self) -> None:
        """A cluster with the extension, made without a server: half the time, and nothing to wait for."""
        inside = f"/{CLUSTERS}/{self._data.name}"
        self._call([_chroot(), str(self._debian), "chown", USER, inside])
        options = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        self._call(self._as_user("initdb", "-D", f"{inside}/pg", *options))
        single = self._postgres("postgres", "--single", "-c", "exit_on_error=on")
        self._call([*single, "postgres"], "CREATE EXTENSION documentdb CASCADE\n")

    def _as_user(self, program: str, *words: str) -> list[str]:
        path = f"/{(self._programs / program).relative_to(self._debian)}"
        return [_chroot(), f"--userspec={USER}:{USER}", str(self._debian), path, *words]

    def _postgres(self, program: str, *words: str) -> list[str]:
        settings = SETTINGS | {"port": str(self._back_port)}
        pairs = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._as_user(program, *words, "-D", f"/{CLUSTERS}/{self._data.name}/pg", *pairs)

    def _call(self, command: list[str], text: str = "") -> None:
        path = {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, input=text, text=True, capture_output=True, env=path, timeout=2 * START_SECONDS)
        if done.returncode:
            raise RuntimeError(f"{done.stderr[-2000:]} (from {' '.join(command)})")

    def start(self) -> None:
        """Brings FerretDB (back) to its port."""
        words = {
            "postgresql-url": f"postgres://{USER}@{HOST}:{self._back_port}/postgres",
            "listen-addr": f"{HOST}:{self.port}",
            "debug-addr": "-",
            "telemetry": "disable",
            "log-level": "error",
            "state-dir": str(self._folder),
        }
        command = [str(self._front), "--no-auth", *(f"--{name}={value}" for name, value in words.items())]
        self._running["front"] = Killed(command, self._folder / "ferretdb.log")
        self._running["front"].wait_for(self.port)

    def stop(self) -> None:
        """Kills FerretDB: its port is refused from now on."""
        self._running["front"].end()

    def end(self) -> None:
        for name in ("front", "back"):
            if name in self._running:
                self._running[name].end()
        shutil.rmtree(self._data, ignore_errors=True)


def _chroot() -> str:
    """It lies in /usr/sbin, which is not on every path."""
    return found("chroot", "apt-get install coreutils")


def _programs(debian: Path, front: Path) -> Path:
    """The folder of PostgreSQL's programs. Skips or fails where it or FerretDB is not installed, or we are not root."""
    folders = [one.parent for one in debian.glob("usr/lib/postgresql/*/bin/postgres")]
    if not folders or not front.exists():
        missing(WHAT, HOW)
    if os.geteuid() != 0:
        missing(f"{WHAT} for who is not root (PostgreSQL starts in a chroot)", HOW)
    return folders[0]


def _room(parent: Path) -> Path:
    """A new folder, and those of runs that were killed removed; each bears the id of its process. PostgreSQL ends by
    itself where its folder is gone."""
    for one in parent.glob("sixpx-*-*"):
        if not Path("/proc", one.name.split("-")[1]).exists():
            shutil.rmtree(one, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"sixpx-{os.getpid()}-", dir=parent))
