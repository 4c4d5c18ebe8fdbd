"""Owns the SQLite file: how it is opened, its tables and their versions, its lock. Never what a row means.

Write-ahead log with synchronous=FULL: what was answered survives a killed process and a lost power supply.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable
from pathlib import Path

import apsw

from sixpx.errors import BadSettings
from sixpx.store.sqlite import index as indexes
from sixpx.store.sqlite import near as places

STEPS = (
    """
CREATE TABLE user (id TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE job (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, status TEXT NOT NULL,
    created INTEGER NOT NULL, modified INTEGER NOT NULL,
    owner TEXT, lease INTEGER, serial INTEGER NOT NULL DEFAULT 0,
    doc BLOB NOT NULL);
CREATE INDEX job_newest ON job (user_id, created, id);
CREATE INDEX job_pending ON job (user_id, id) WHERE status = 'pending';
CREATE INDEX job_leased ON job (lease) WHERE status = 'processing';
CREATE TABLE blob (id TEXT PRIMARY KEY, job_id TEXT NOT NULL, bytes BLOB NOT NULL);
CREATE INDEX blob_job ON blob (job_id);
CREATE TABLE once (
    user_id TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, job_id TEXT NOT NULL,
    expires INTEGER NOT NULL, PRIMARY KEY (user_id, key)) WITHOUT ROWID;
CREATE INDEX once_expires ON once (expires);
CREATE TABLE turn (user_id TEXT PRIMARY KEY, served INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX turn_served ON turn (served);
""",
    # `waiting`: may have pending jobs. Set wherever a job becomes pending, taken back by a claim that finds none
    """
ALTER TABLE turn ADD COLUMN waiting INTEGER NOT NULL DEFAULT 1;
CREATE INDEX turn_waiting ON turn (served) WHERE waiting;
CREATE TRIGGER job_added AFTER INSERT ON job WHEN new.status = 'pending' BEGIN
    INSERT INTO turn VALUES (new.user_id, 0, 1) ON CONFLICT DO UPDATE SET waiting = 1;
END;
CREATE TRIGGER job_again AFTER UPDATE OF status ON job WHEN new.status = 'pending' BEGIN
    INSERT INTO turn VALUES (new.user_id, 0, 1) ON CONFLICT DO UPDATE SET waiting = 1;
END;
CREATE INDEX once_job ON once (job_id);
CREATE TABLE leftover (folder TEXT PRIMARY KEY) WITHOUT ROWID;
""",
    # `due`: when a callback of the job is to be tried next; `posted`: how many jobs a user posted in a window of time
    """
ALTER TABLE job ADD COLUMN due INTEGER;
CREATE INDEX job_due ON job (due) WHERE due IS NOT NULL;
CREATE INDEX job_changed ON job (user_id, modified, id);
CREATE INDEX job_worked_on ON job (user_id) WHERE status = 'processing';
CREATE TABLE posted (
    user_id TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, ends INTEGER NOT NULL,
    PRIMARY KEY (user_id, name)) WITHOUT ROWID;
CREATE INDEX posted_ends ON posted (ends);
CREATE TABLE agreed (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
""",
    # for searches; further indexes are made by `index`, each by its own definition
    f"CREATE INDEX job_status ON job (user_id, status, created, id);{places.SCHEMA}",
    # with `created`: the newest of those that were modified at some time, without a look at each job
    "DROP INDEX job_changed; CREATE INDEX job_changed ON job (user_id, modified, id, created);",
)
"""What makes each version of the tables out of the one before."""
SCHEMA_VERSION = len(STEPS)
PAGE_BYTES = 8192
"""Of a new file's pages; a file that is there keeps its own. A job takes about 2 KB: where a search looks at each there
are half as many reads as with SQLite's 4096, and less is left empty; with 16384 the commit of one job gets dear."""
BUSY_MS = 10_000
"""How long a write waits for another process (`sixpx user add` beside a running service)."""


def connect(path: Path) -> apsw.Connection:
    """Raises apsw.Error."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_MS)
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _write_ahead(connection: apsw.Connection) -> None:
    """Where two processes make one new file at once SQLite does not wait by itself."""
    for left in reversed(range(max(1, BUSY_MS // 10))):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except apsw.BusyError:
            if not left:
                raise
            time.sleep(0.01)


def unusable(path: Path, fault: apsw.Error) -> str:
    """Why the file cannot be opened, for whoever has to mend it."""
    if isinstance(fault, apsw.BusyError):
        return f"{path} is locked by another program, for more than {BUSY_MS // 1000} s"
    return f"{path} is not a usable SQLite file: {fault}"


def prepare(path: Path, index: Iterable[str] | None = None) -> frozenset[str]:
    """Makes the tables, or brings those of an older version up to date, and the indexes of `index`, None: as they are.
    Returns the paths of documents that are indexed. Raises BadSettings, apsw.Error."""
    connection = connect(path)
    try:
        # the lock first: a `sixpx user add` beside the first start must not make the tables too
        connection.execute("BEGIN IMMEDIATE")
        for step in STEPS[_version(connection, path) :]:
            connection.execute(step)
        indexes.ensure(connection, index)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
        return indexes.paths(connection)
    finally:
        connection.close()


def _version(connection: apsw.Connection, path: Path) -> int:
    """Whose tables these are: 0 where there are none."""
    version: int = connection.execute("PRAGMA user_version").get
    if version > SCHEMA_VERSION:
        raise BadSettings((f"store.url: {path} was made by a newer sixpx (schema {version})",))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if tables and ("turn" not in tables or not version):
        raise BadSettings((f"store.url: {path} is the database of another program",))
    return version if tables else 0


def lock(path: Path) -> int:
    """The right to be the only service on this file, as a descriptor. Raises BadSettings."""
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        os.close(descriptor)
        raise BadSettings((f"store.url: another sixpx service works with {path}; stop it first",)) from taken
    return descriptor


def agree(db: apsw.Connection, name: str, value: str) -> str:
    """What was given first under this name."""
    db.execute("INSERT OR IGNORE INTO agreed VALUES (?, ?)", (name, value))
    return str(db.execute("SELECT value FROM agreed WHERE name = ?", (name,)).get)
