"""Owns what schemathesis finds: requests by the thousand, good and bad, as the API's description allows and forbids
them. No 500, and every answer as described. Never what an answer means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from aiohttp import ClientSession, web
from schemathesis.engine import StopReason, events, from_schema

from sixpx.api.middleware import Runner
from sixpx.api.openapi import described
from sixpx.api.v1.operations import OPERATIONS
from sixpx.app import lanes_of
from sixpx.new_user import NewUser, new_user
from sixpx.pool import Pool
from sixpx.settings import Limits, Server, Settings
from tests.api.clients import body_of
from tests.api.conftest import OnlyItsFace
from tests.conftest import LONG

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLES = 300 if LONG else 5
"""Of each operation, beside those that follow from its description alone (limits, what is missing, other methods)."""
ENDLESS = {"listen", "connect", "connectAsIn2014"}
"""Their answers have no end; tests/api/test_events.py and test_socket.py have them."""
BEYOND_A_SCHEMA = {"postJob", "listJobs"}
"""A body and a search may be as their schemas say, and wrong: a name that is no input's, an operator that is none."""
GOOD = ["2xx", "404", "409", "503"]
"""What a request that is as its schema says may come to: a 503 is told by another check."""
NOT_READY = {"getFormats", "ready"}
"""They answer 503 here, where no lane was started: it is described."""
TRIED = [one for one in OPERATIONS if one.name not in ENDLESS]
OF_A_USER = [one.name for one in TRIED if one.proven]


class Desk:
    """A service that nobody works for, and one user of it. Nothing is fetched, nothing is called back."""

    def __init__(self, url: str, user: NewUser, session: ClientSession) -> None:
        self.url = url
        self.user = user
        self._session = session

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.user.user.api_key}:{self.user.secret}"}

    async def ids(self) -> dict[str, str]:
        """Of a job that has ended, with a callback."""
        jobs = f"{self.url}/v1/users/{self.user.user.id}/jobs"
        body = body_of(callback={"url": "https://example.com/"})
        async with self._session.post(jobs, json=body, headers=self.headers) as response:
            job_id = (await response.json())["id"]
        async with self._session.delete(f"{jobs}/{job_id}", headers=self.headers) as response:
            assert response.status == 202
        return {"user_id": self.user.user.id, "job_id": job_id, "delivery_id": f"msg_{job_id}_1"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    data = tmp_path_factory.mktemp("desk")
    face = OnlyItsFace(Settings(server=Server(data=str(data)), limits=Limits(body_bytes=1_000_000)))
    face.open()
    face.pool = Pool(lanes_of(face.settings), data)  # never started: no test of this file needs a picture
    runner = Runner(face.web(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    user = new_user("fuzz")
    await face.store.add_user(user.user)
    async with ClientSession() as session:
        yield Desk(f"http://127.0.0.1:{runner.addresses[0][1]}", user, session)
    await runner.cleanup()
    await face.store.close()


@pytest.mark.parametrize("name", OF_A_USER)
async def test_whatever_a_user_asks_about_his_own_is_answered_as_described(desk: Desk, name: str) -> None:
    assert await tried(desk, name, await desk.ids()) == []


@pytest.mark.parametrize("name", [one.name for one in TRIED])
async def test_whatever_is_asked_about_anything_is_answered_as_described(desk: Desk, name: str) -> None:
    assert await tried(desk, name, {}) == []


# --- schemathesis ---------------------------------------------------------------------------------


async def tried(desk: Desk, name: str, ids: dict[str, str]) -> list[str]:
    """What is wrong with the answers of one operation; it is asked about these ids, else about any."""
    config = schemathesis.Config.from_dict(
        {
            "base-url": desk.url,
            "headers": desk.headers,
            "parameters": {f"path.{parameter}": id for parameter, id in ids.items()},
            "seed": 1,
            "request-timeout": 20,
            "continue-on-failure": True,
            "generation": {
                "max-examples": EXAMPLES,
                "deterministic": True,
                "database": "none",
                "no-shrink": not LONG,
                "with-security-parameters": False,  # whoever is asking is known, and `key` is no field of a search
            },
            "phases": {
                "coverage": {"enabled": (bool(ids) and (LONG or name != "postJob")) or name not in OF_A_USER},
                "stateful": {"enabled": False},
            },
            "checks": {
                "not_a_server_error": {
                    "expected-statuses": ["2xx", "3xx", "4xx", *(["503"] if name in NOT_READY else [])]
                },
                "positive_data_acceptance": (
                    {"enabled": False}
                    if name in BEYOND_A_SCHEMA
                    else {"expected-statuses": GOOD if ids else [*GOOD, "401"]}
                ),
            },
        }
    )
    schema = schemathesis.openapi.from_dict(described(desk.url), config=config).include(operation_id=name)
    return await asyncio.to_thread(lambda: list(_faults(from_schema(schema).execute())))


def _faults(stream: Any) -> Iterator[str]:
    asked = 0
    for event in stream:
        match event:
            case events.ScenarioFinished():
                asked += len(event.recorder.interactions)
                yield from _failures(event.recorder)
            case events.NonFatalError() | events.FatalError():
                yield f"schemathesis failed: {event}"
            case events.EngineFinished():
                if event.stop_reason is not StopReason.COMPLETED:
                    yield f"it was not finished: {event.stop_reason}"
    if not asked:
        yield "nothing was asked"


def _failures(recorder: Any) -> Iterator[str]:
    """What a check found, with the request and the answer."""
    for case, checks in recorder.checks.items():
        for failure in (one.failure_info.failure for one in checks if one.failure_info):
            sent = recorder.interactions[case]
            came = sent.response and (sent.response.status_code, sent.response.content[:300])
            asked = f"{sent.request.method} {sent.request.uri} {sent.request.body!r}"
            yield f"{failure.title}: {failure.message}\n{asked}\n{came}"
