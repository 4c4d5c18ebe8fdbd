"""Owns a stand-in for 6px' client for Python 2, which no registry has: its requests, its socket, their order.

Never more patient with the service than the client was: it knows nothing but `complete`, leaves its socket at the first
one, whosever job it is of, and waits for its own.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import mimetypes
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

AGENT = {"Content-Type": "application/json", "User-Agent": "6px Python SDK 0.0.1"}
PATIENCE = 30.0
"""Seconds; the client itself waits for ever."""


def output(
    ref: Mapping[str, Any],
    tag: str | None = None,
    url: str | None = None,
    filters: Mapping[str, Any] | None = None,
    **steps: Mapping[str, Any],
) -> dict[str, Any]:
    """An output as the client exports it: filters first, no `url` where none was given, the tag null."""
    methods = [{"method": "filter", "options": dict(filters)}] if filters else []
    methods += [{"method": method, "options": dict(options)} for method, options in steps.items()]
    made: dict[str, Any] = {"ref": dict(ref), "type": "image/png", "tag": tag, "methods": methods}
    return {**made, "url": url} if url else made


class Python2:
    """One request of one user; `opened` begins with its socket, as the client's `init` does."""

    def __init__(self, url: str, user: Mapping[str, str]) -> None:
        self._host = urlsplit(url).netloc
        self._user = user
        self._ended: asyncio.Queue[str] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, user: Mapping[str, str]) -> AsyncIterator[Self]:
        """Does not wait until the socket is there; nor did the client."""
        client = cls(url, user)
        listening = asyncio.create_task(client._listen())
        try:
            yield client
        finally:
            listening.cancel()
            await asyncio.wait((listening,))

    async def _listen(self) -> None:
        # its websocket library says where it goes to as the place that it comes from
        place = {"url": f"ws://{self._host}/", "origin": f"http://{self._host}"}
        async with aiohttp.ClientSession() as session, session.ws_connect(**place) as socket:
            await socket.send_str(json.dumps({"auth": {"user_id": self._user["id"]}}))
            async for message in socket:
                said = json.loads(message.data)
                if "status" in said and said["status"] == "complete":
                    self._ended.put_nowait(said["job_id"])
                    return

    async def save(self, inputs: Mapping[str, str], *outputs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """What the job made: by tag, by input."""
        body = {"input": {name: encoded(where) for name, where in inputs.items()}, "output": list(outputs)}
        id = (await self._call("POST", "/users/:userId/jobs", json.dumps(body)))["id"]
        heard = await asyncio.wait_for(self._ended.get(), PATIENCE)
        assert heard == id, "the first end that is told is that of another job: the client would wait for ever"
        job = await self._call("GET", f"/users/:userId/jobs/{id}")
        return {one["name"]: one["data"]["output"] for one in job["processed"]}

    async def info(self, inputs: Mapping[str, str]) -> dict[str, Any]:
        """The client's `get_info`: by input."""
        made = await self.save(inputs, output(dict.fromkeys(inputs, False), "info"))
        return {name: one["info"] for name, one in made["info"].items()}

    async def _call(self, method: str, path: str, body: str | None = None) -> Any:
        return await asyncio.to_thread(self._asked, method, path.replace(":userId", self._user["id"]), body)

    def _asked(self, method: str, path: str, body: str | None) -> Any:
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        try:
            # the slash that the path begins with is the second one
            target = f"/v1/{path}?key={self._user['key']}&secret={self._user['secret']}"
            connection.request(method, target, body, AGENT)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


def encoded(where: str) -> str:
    """The address, or the file's bytes as a data URI."""
    if urlsplit(where).scheme:
        return where
    return f"data:{mimetypes.guess_type(where)[0]};base64,{base64.b64encode(Path(where).read_bytes()).decode()}"
