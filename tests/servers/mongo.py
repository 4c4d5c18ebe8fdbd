"""Owns the MongoDB of a run of tests, real and over the wire: the one that is named, a mongod, or FerretDB. Never a
double, and on a server that is not ours never a database that we did not make.
"""

from __future__ import annotations

import atexit
import os
import shutil
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.servers.base import HOST, START_SECONDS, free_ports
from tests.servers.documentdb import DocumentDb, Killed

NAMED = "SIXPX_TEST_MONGODB"
SET = "tests"
"""The name of mongod's replica set; it has one member, for a mongod alone has no change streams."""


class Server(Protocol):
    uri: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def end(self) -> None: ...


class Mongo:
    """The running server; `uri` names no database, `fresh()` one that is empty. `stop` and `start` are an outage: the
    data stay, and the port is the same."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._server = _server(folder)
        self.uri = self._server.uri
        self._run, self._numbers = os.urandom(4).hex(), count(1)
        self._fresh: list[str] = []
        try:
            self._answers()
        except BaseException:
            self.end()
            raise

    @classmethod
    def shared(cls, folder: Path) -> Mongo:
        """The one of this run of tests, started when it is first asked for and ended with the run."""
        if not _shared:
            _shared.append(cls(folder))
            atexit.register(_shared[0].end)
        return _shared[0]

    def fresh(self) -> str:
        """The URI of a database that nobody else uses; it is gone after the run."""
        self._fresh.append(f"sixpx_test_{self._run}_{next(self._numbers)}")
        return named(self.uri, self._fresh[-1])

    def stop(self) -> None:
        """Ends the server without a word, as a crash does."""
        self._server.stop()

    def start(self) -> None:
        """Brings it back, and returns when it answers."""
        self._server.start()
        self._answers()

    def _answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with _client(self.uri) as client:
                    client.list_database_names()  # unlike a ping it reaches the data behind a front
                return
            except PyMongoError as fault:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"MongoDB does not answer: {fault}") from fault
                time.sleep(0.05)

    def end(self) -> None:
        if isinstance(self._server, Foreign) and self._fresh:
            with suppress(PyMongoError), _client(self.uri) as client:
                for name in self._fresh:
                    client.drop_database(name)
        self._server.end()


class Foreign:
    """A server that was running before us."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def start(self) -> None:
        pytest.skip(f"the server that {NAMED} names is not ours to start and stop")

    stop = start

    def end(self) -> None:
        """It goes on."""


class Mongod:
    """A mongod of our own."""

    def __init__(self, folder: Path, program: str) -> None:
        (self.port,) = free_ports(1)
        self.uri = f"mongodb://{HOST}:{self.port}/?replicaSet={SET}"
        self._log, data = folder / "mongod.log", folder / "mongod"
        data.mkdir()
        listen = ["--bind_ip", HOST, "--port", str(self.port), "--nounixsocket"]
        self._command = [program, *listen, "--dbpath", str(data), "--replSet", SET]
        self.start()
        try:
            with _client(f"mongodb://{HOST}:{self.port}/?directConnection=true") as client:
                members = [{"_id": 0, "host": f"{HOST}:{self.port}"}]
                client.admin.command("replSetInitiate", {"_id": SET, "members": members})
        except BaseException:
            self.end()
            raise

    def start(self) -> None:
        self._process = Killed(self._command, self._log)
        self._process.wait_for(self.port)

    def end(self) -> None:
        self._process.end()

    stop = end


def named(uri: str, database: str) -> str:
    """The same server with this database. Who signs in does it where he did before: the path of a URI says that too.

    Source: https://www.mongodb.com/docs/manual/reference/connection-string/
    """
    parts = urlsplit(uri)
    query = parts.query
    if "@" in parts.netloc and "authsource=" not in query.lower():
        query += f"{'&' if query else ''}authSource={parts.path.strip('/') or 'admin'}"
    return parts._replace(path=f"/{database}", query=query).geturl()


def _server(folder: Path) -> Server:
    if uri := os.environ.get(NAMED):
        return Foreign(uri)
    if program := shutil.which("mongod"):
        return Mongod(folder, program)
    return DocumentDb(folder)


def _client(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=1000)


_shared: list[Mongo] = []
