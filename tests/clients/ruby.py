"""Owns a stand-in for the gem 6px 1.0.5, which no registry at hand has: what it sends over HTTParty, part by part.

Never more lenient than the gem: a reply is JSON whatever its status, and a job that is not `pending` has ended.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import mimetypes
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

HEADERS = {
    "Content-Type": "application/json",
    "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
    "Accept": "*/*",
    "User-Agent": "Ruby",
    "Connection": "close",
}
LINE = 60
"""Characters of base64 after which `Base64.encode64` breaks the line."""
POLL_SECONDS = 0.2
"""The gem's examples sleep a second between two looks."""
PATIENCE = 30.0


def output(ref: Mapping[str, Any], *steps: tuple[str, Mapping[str, Any]], **parts: str) -> dict[str, Any]:
    """An output block; what it does not say is sent empty."""
    methods = [{"method": method, "options": dict(options)} for method, options in steps]
    return {"ref": dict(ref), "type": "image/jpeg", "url": "", "methods": methods, "tag": "", **parts}


class Ruby:
    """`PX.new`: one user at one service."""

    def __init__(self, url: str, user_id: str, key: str, secret: str) -> None:
        self._host = urlsplit(url).netloc
        self._base = f"/v1/users/{user_id}"
        self._always = {"key": key, "secret": secret}

    def save(
        self,
        inputs: Mapping[str, str],
        *outputs: Mapping[str, Any],
        data: Mapping[str, Any] | None = None,
        callback: str = "",
    ) -> Any:
        """The reply: an object with the job's id, or a problem."""
        body = {
            "input": {name: encoded(where) for name, where in inputs.items()},
            "data": dict(data or {}),
            "callback": {"url": callback},
            "output": list(outputs),
        }
        return self._call("POST", "/jobs", {}, json.dumps(body).encode())

    def jobs(self, job_id: str | None = None, **query: object) -> Any:
        """One job, or those that the query finds; a dot stands for each underscore, those of `per_page` too."""
        dotted = {name.replace("_", "."): str(value) for name, value in query.items()}
        return self._call("GET", f"/jobs/{job_id}" if job_id else "/jobs", dotted)

    def polled(self, job_id: str) -> Any:
        """The job as its examples wait for it."""
        until = time.monotonic() + PATIENCE
        job = self.jobs(job_id)
        while job["status"] == "pending":
            assert time.monotonic() < until, "the job stays pending"
            time.sleep(POLL_SECONDS)
            job = self.jobs(job_id)
        return job

    def _call(self, method: str, path: str, query: Mapping[str, str], body: bytes | None = None) -> Any:
        words = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in {**self._always, **query}.items())
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        try:
            connection.request(method, f"{self._base}{path}?{words}", body, HEADERS)
            reply = connection.getresponse()
            raw = reply.read()
            return json.loads(gzip.decompress(raw) if reply.headers["Content-Encoding"] == "gzip" else raw)
        finally:
            connection.close()


def encoded(where: str) -> str:
    """The address, or the file's bytes as a data URI, with Ruby's line breaks."""
    if urlsplit(where).scheme:
        return where
    packed = base64.b64encode(Path(where).read_bytes()).decode()
    lines = (packed[at : at + LINE] + "\n" for at in range(0, len(packed), LINE))
    type = (mimetypes.guess_type(where)[0] or "").replace("jpeg", "jpg")
    return f"data:{type};base64,{''.join(lines)}"
