"""Owns how the tests of the API speak to it: a client that is one user, and what comes back. Never an assertion."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from PIL import Image
from yarl import URL

from sixpx.core.user import User
from sixpx.hub import Hub
from sixpx.new_user import new_user
from sixpx.store.base import Store

PUBLIC = "http://files.test"
"""Where hosted files are said to be."""
PICTURE = "http://example.com/a.png"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def pointers(self) -> list[str]:
        return [one["pointer"] for one in self.json.get("errors", ())]


@dataclass(frozen=True, slots=True)
class Client:
    """One user of one service."""

    server: TestServer
    session: ClientSession
    store: Store
    hub: Hub
    data: Path
    user: User
    secret: str
    seal: Callable[[str], str]
    open: Callable[[str], str]

    @property
    def jobs(self) -> str:
        return f"/v1/users/{self.user.id}/jobs"

    @property
    def pair(self) -> str:
        return f"{self.user.api_key}:{self.secret}"

    async def as_new_user(self, connections: Mapping[str, str] | None = None) -> Client:
        made = new_user("test")
        user = replace(made.user, connections=connections or {})
        await self.store.add_user(user)
        return replace(self, user=user, secret=made.secret)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: str | None = "",
        **options: Any,
    ) -> Reply:
        """`path` from the root, sent as it stands; a `body` of bytes as it stands, else as JSON; `auth` is the
        Authorization header: empty for this user's own, None for none."""
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = auth or f"Bearer {self.pair}"
        raw = None if body is None else io.BytesIO(body if isinstance(body, bytes) else orjson.dumps(body))
        url = URL(f"{self.server.make_url('/')}{path.removeprefix('/')}", encoded=True)
        async with self.session.request(method, url, data=raw, headers=sent, **options) as response:
            return Reply(response.status, response.headers.copy(), await response.read())

    async def post(self, body: Any, **options: Any) -> Reply:
        return await self.ask("POST", self.jobs, body, **options)

    async def get(self, path: str = "", **options: Any) -> Reply:
        """The list, one job by `/id`, or either with a query."""
        return await self.ask("GET", self.jobs + path, **options)

    async def posted(self, body: Any, **options: Any) -> str:
        """The id of a job that must be accepted."""
        reply = await self.post(body, **options)
        assert reply.status == 200, reply.body
        job_id: str = reply.json["id"]
        return job_id

    async def run(self, body: Any, wait: float = 30) -> Any:
        """The job at its end."""
        job = (await self.get(f"/{await self.posted(body)}?wait={wait}")).json
        assert job["status"] in ("complete", "failed"), job
        return job

    async def file(self, location: str, **options: Any) -> Reply:
        return await self.ask("GET", location.removeprefix(PUBLIC), auth=None, **options)


def body_of(*outputs: Mapping[str, Any], input: Mapping[str, str] | None = None, **parts: Any) -> dict[str, Any]:
    """A POST body; each output is of `main` unless it says otherwise."""
    made = [{"ref": {"main": False}, **one} for one in outputs or ({},)]
    return {"input": dict(input or {"main": PICTURE}), "output": made, **parts}


def step(method: str, **options: Any) -> dict[str, Any]:
    return {"method": method, "options": options}


def picture(width: int = 40, height: int = 30, format: str = "PNG", colour: Any = (200, 30, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, format)
    return out.getvalue()


def data_uri(content: bytes, type: str = "image/png") -> str:
    return f"data:{type};base64,{base64.b64encode(content).decode()}"


def only(job: Any, tag: str | None = None) -> Any:
    """The one result of a job's output: its entry of `processed[].data.output`."""
    found = [one for one in job["processed"] if tag in (None, one["name"])]
    assert len(found) == 1, job
    (result,) = found[0]["data"]["output"].values()
    return result
