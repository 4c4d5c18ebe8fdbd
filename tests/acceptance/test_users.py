"""Owns `sixpx user` beside a running service: what it changes, the service heeds a moment later, on both stores."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.service import DIRECT, Service
from tests.servers.mongo import Mongo

PAGE = "https://www.shop.example"
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAQUlEQVR42mPUiLojyc+AiVgY+F8xfGRgkGNAI1kY+F8xyDEw"
    "XGZg4Gdg4GeAs2E6+BnQSJgOiPLpMAa6HfyU2AEApLYekLs+k7oAAAAASUVORK5CYII="
)
JOB = json.dumps({"input": {"main": PICTURE}, "output": [{"ref": {"main": "a"}}]}).encode()
WITHIN = 20.0


class Shop:
    """A user that the command made, and requests in his name."""

    def __init__(self, service: Service, *options: str) -> None:
        self.service = service
        self.made = self.command("add", "shop", *options)
        self.path = f"{service.url}/v1/users/{self.made['id']}"

    def command(self, action: str, *arguments: str) -> Any:
        return json.loads(self.service.command("user", action, *arguments, "--json"))

    def ask(self, path: str, secret: str = "", origin: str = "", body: bytes | None = None) -> tuple[int, Any]:
        """Status and JSON, with the key alone where no secret is given."""
        headers = {"Authorization": f"Bearer {self.made['key']}:{secret}", **({"Origin": origin} if origin else {})}
        asked = urllib.request.Request(self.path + path, data=body, headers=headers)
        try:
            with DIRECT.open(asked, timeout=30) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read())


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds soon: a service looks at a user anew two seconds after it did."""
    until = time.monotonic() + WITHIN
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.1)
    return held


@pytest.fixture(params=["sqlite", "mongo"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings of a service on this store."""
    if request.param == "sqlite":
        return {}
    return {"SIXPX_STORE_URL": Mongo.shared(tmp_path / "mongo").fresh()}


@pytest.mark.long  # each of them is told of by tests/api and tests/unit/test_user_command.py
def test_a_running_service_heeds_what_the_command_changes(tmp_path: Path, store: dict[str, str]) -> None:
    with Service.start(tmp_path, SIXPX_LANES_COUNT="1", **store) as service:
        shop = Shop(service, "--domain", "*.shop.example", "--per-month", "1")
        first = shop.made["secret"]
        assert shop.ask("/jobs", origin=PAGE, body=JOB)[0] == 200
        assert shop.ask("/jobs", origin=PAGE, body=JOB)[0] == 429
        service.restart()
        assert shop.ask("/jobs", first, body=JOB)[0] == 429
        usage = shop.ask("/usage", first)[1]
        assert (usage["month"]["used"], usage["month"]["left"]) == (1, 0)

        shop.command("edit", "shop", "--per-month", "none", "--no-domain", "*.shop.example")
        assert eventually(lambda: shop.ask("/jobs", origin=PAGE)[0] == 401)
        assert eventually(lambda: shop.ask("/jobs", first, body=JOB)[0] == 200)

        second = shop.command("rotate-secret", "shop", "--keep", "1")["secret"]
        assert [shop.ask("/jobs", secret)[0] for secret in (first, second)] == [200, 200]
        third = shop.command("rotate-secret", "shop", "--keep", "0")["secret"]
        assert eventually(lambda: [shop.ask("/jobs", one)[0] for one in (first, second)] == [401, 401])

        assert eventually(lambda: {one["status"] for one in shop.ask("/jobs", third)[1]} == {"complete"})
        assert shop.command("remove", "shop", "--yes")["removed"] is True
        assert eventually(lambda: shop.ask("/jobs", third)[0] == 401)
        assert service.jobs() == []
