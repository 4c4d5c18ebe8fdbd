"""Owns `sixpx user` as tests call it: a data folder, one run of the command line, and what is kept. Never a test."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sixpx import cli
from sixpx.core.user import User
from sixpx.credentials import Vault
from sixpx.key_file import vault_key
from sixpx.settings import Server, Settings
from sixpx.store.sqlite import SqliteStore

T = TypeVar("T")

PLANTED = "pLaNtEd/+ü%@"
"""A secret that no answer may hold."""


class Terminal(io.StringIO):
    """Standard input with a person at it."""

    def isatty(self) -> bool:
        return True


class Said:
    """What one run of the command line answered."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err
        assert PLANTED not in out + err

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


class Desk:
    """A data folder, and `sixpx user` on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(server=Server(data=str(folder / "data")))
        self._capsys, self._patch = capsys, monkeypatch
        monkeypatch.chdir(folder)
        for name in [one for one in os.environ if one.startswith("SIXPX_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("SIXPX_SERVER_DATA", str(folder / "data"))

    def user(self, *arguments: str, told: str = "", typed: str | None = None) -> Said:
        """`told` through a pipe, or `typed` at a terminal."""
        self._patch.setattr("sys.stdin", io.StringIO(told) if typed is None else Terminal(typed))
        try:
            status = cli.main(["user", *arguments])
        except SystemExit as wrong:  # argparse's way to refuse an option
            status = int(wrong.code or 0)
        return Said(status, *self._capsys.readouterr())

    def added(self, name: str = "ada", *options: str) -> str:
        return str(self.user("add", name, "--json", *options).json["id"])

    def in_store(self, work: Callable[[SqliteStore], Awaitable[T]]) -> T:
        """What `work` returns on the store, opened as one more process would."""

        async def worked() -> T:
            store = SqliteStore.open(self.settings.database)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(worked())

    def kept(self) -> list[User]:
        return list(self.in_store(lambda store: store.users()))

    def one(self) -> User:
        [user] = self.kept()
        return user

    def opened(self, sealed: str) -> str:
        return Vault(vault_key(self.settings)).open(sealed)
