"""Owns every request that the three editions print, as bodies and requests for tests. Never what comes of them.

`edition-*.json` hold the examples in printed order, each with `where` it stands and its `kind`: a whole `job`, one
`method`, a `fragment` with what `completed_by` adds to it, a destination `url`, a `curl` request, a `reply` (a job as
the service shows it, so a job that was asked). `mended` says how printed text that is not JSON was made JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INPUTS = {
    "main": "http://example.com/path/to/image1.jpg",
    "img1": "http://example.com/path/to/image2.jpg",
    "img2": "http://example.com/path/to/image3.jpg",
}
ASKED = ("input", "output", "callback", "data")


@dataclass(frozen=True, slots=True)
class Body:
    """A full POST body. `at` names the example: edition and section."""

    at: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as its `curl` line sends it: `path` from the root, `:user_id` where printed so, `query` undecoded."""

    at: str
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every entry of the three files with its name."""
    for file in sorted(Path(__file__).parent.glob("edition-*.json")):
        for entry in json.loads(file.read_text("utf-8")):
            yield f"{file.stem}: {entry['where']} ({entry['kind']})", entry


def bodies() -> list[Body]:
    """A full job for every example that asks for one."""
    found = ((at, _whole(entry)) for at, entry in examples())
    return [Body(at, body) for at, body in found if body is not None]


def requests() -> list[Request]:
    """Every `curl` example."""
    lines = ((at, entry) for at, entry in examples() if entry["kind"] == "curl")
    keys = ("method", "path", "query", "headers", "body")
    return [Request(at, **{key: entry[key] for key in keys if key in entry}) for at, entry in lines]


def replies() -> list[Body]:
    """Every job as a reply of the service shows it, with what the service added."""
    return [Body(at, entry["reply"]) for at, entry in examples() if entry["kind"] == "reply"]


def _whole(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    match entry["kind"]:
        case "job":
            return dict(entry["job"])
        case "method":
            return {"input": INPUTS, "output": [{"ref": {"main": False}, "methods": [entry["method"]]}]}
        case "fragment":
            return _completed(entry["fragment"], entry["completed_by"])
        case "url":
            return {"input": INPUTS, "output": [{"ref": {"main": False}, "url": entry["url"]}]}
        case "reply":
            return {key: entry["reply"][key] for key in ASKED if key in entry["reply"]}
        case _:
            return entry.get("body")


def _completed(fragment: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """The fragment with what its example leaves out; `methods` alone belong to the one output of the rest."""
    if "methods" in fragment:
        return {**rest, "output": [{**rest["output"][0], "methods": fragment["methods"]}]}
    return {**rest, **fragment}
