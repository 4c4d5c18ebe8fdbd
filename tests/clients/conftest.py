"""Owns what the published clients meet: a real service, its users, pictures to fetch, a destination. Never a client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.acceptance.service import ROOT, Service
from tests.clients.desk import Desk
from tests.servers.vsftpd import INNER, Vsftpd

PICTURE = ROOT / "tests" / "golden" / "caman" / "photos" / "raccoon.png"
"""72 by 54 pixels."""
PASSWORD = "guest@example.com"


@dataclass(frozen=True, slots=True)
class Scene:
    """`photo` is the picture's address on the web, `destination` a connection string where one can be had."""

    service: Service
    photo: str
    ftp: Vsftpd | None

    @property
    def destination(self) -> str:
        """Empty without a server."""
        if self.ftp is None:
            return ""
        return f"ftp://anonymous:{quote(PASSWORD)}@127.0.0.1:{self.ftp.port}/{INNER}/clients"

    def add_user(self, name: str, version: str, *domains: str) -> dict[str, Any]:
        """A user as the published clients of this version need one: its id, key and secret."""
        options = [part for domain in domains for part in ("--domain", domain)]
        asked = ("user", "add", name, "--json", "--api-version", version, "--socket-auth", "user_id", *options)
        made: dict[str, Any] = json.loads(self.service.command(*asked))
        return made


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    ftp = None
    with suppress(pytest.skip.Exception):  # not installed here; CI fails instead
        ftp = Vsftpd(tmp_path_factory.mktemp("ftp"))
    folder = tmp_path_factory.mktemp("clients")
    try:
        with (
            Desk({"/taxi.png": PICTURE.read_bytes()}) as desk,
            Service.start(folder, SIXPX_NETWORK_ALLOW="127.0.0.0/8") as service,
        ):
            yield Scene(service, f"{desk.url}/taxi.png", ftp)
    finally:
        if ftp is not None:
            ftp.end()


@pytest.fixture
def stored(scene: Scene) -> Path:
    """The folder of the destination of one's own."""
    if scene.ftp is None:
        pytest.skip("vsftpd is not installed: apt-get install vsftpd")
    return scene.ftp.inner / "clients"
