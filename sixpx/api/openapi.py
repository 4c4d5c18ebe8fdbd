"""Owns the description of the API (OpenAPI 3.1), made of `schemas/` and the table of its operations. Never a request.

What a body may hold stands in `schemas/` alone; the table says where it is sent to and what is answered. Schemas are
components of their own, named for generators of clients: `job` is what is posted, `reply-job` what is answered,
`options-crop` the options of a method, `values-name` a part that several share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from sixpx import __version__
from sixpx.api import schemas
from sixpx.api.v1.operations import JSON, OPERATIONS, STREAM, TAGS, Answer, Operation
from sixpx.api.v1.parameters import HEADERS, PARAMETERS
from sixpx.api.v1.refusals import REFUSALS, Refusal
from sixpx.api.v1.versions import VERSIONS

Node = dict[str, Any]

FRESH = "public, max-age=300"
PROBLEM = "application/problem+json"
DESCRIPTION = (
    "Post a job: named pictures, and what is to be made of them; the service downloads, works and stores, and tells "
    f"when it is done. The API of 6px in its versions of {', '.join(VERSIONS)}, and what came since.\n\n"
    "Every error is `application/problem+json` (RFC 9457). Beside what is listed, an address answers 405 to a method "
    "that it does not know and 404 where there is nothing at all. `HEAD` goes wherever `GET` does but for events and "
    "sockets; `OPTIONS` under `/v1/` answers 204 with what browsers ask for (CORS)."
)
SECURITY: Mapping[str, Node] = {
    "basic": {"type": "http", "scheme": "basic", "description": "The key as user name, the secret as password."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "`KEY:SECRET`."},
    "key": {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "Without a secret: from a page whose origin is on the user's list (domains).",
    },
    "secret": {"type": "apiKey", "in": "query", "name": "secret", "description": "Beside `key`, as in 2014."},
}
PROVEN: list[dict[str, list[str]]] = [{"basic": []}, {"bearer": []}, {"key": [], "secret": []}, {"key": []}]
SIGNED: Mapping[str, str] = {
    "webhook-id": "The same for every attempt to tell one end of a job.",
    "webhook-timestamp": "Seconds since 1970, of this attempt.",
    "webhook-signature": "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64; one for each valid secret.",
}


@dataclass(frozen=True, slots=True)
class OpenApi:
    """`GET /v1/openapi.json`, written once; `public_url` is how clients reach the service."""

    public_url: str
    written: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "written", orjson.dumps(described(self.public_url)))

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/v1/openapi.json", self.show)

    async def show(self, request: web.Request) -> web.Response:
        return web.Response(body=self.written, content_type=JSON[0], headers={"Cache-Control": FRESH})


def described(public_url: str) -> Node:
    """The whole document."""
    published = schemas.documents()
    made = components(published)
    examples = {f"{name}-{place}": {"value": each} for name, place, each in _examples(made)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sixpx",
            "version": __version__,
            "summary": "Pictures out of pictures.",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": _paths(OPERATIONS, examples),
        "webhooks": {"jobEnded": {"post": _callback(examples)}},
        "components": {
            "schemas": made,
            "examples": examples,
            "parameters": dict(PARAMETERS),
            "headers": dict(HEADERS),
            "responses": {one.name: _refusal(one) for one in REFUSALS.values()},
            "securitySchemes": dict(SECURITY),
        },
    }


# --- operations -----------------------------------------------------------------------------------


def _paths(operations: Iterable[Operation], examples: Mapping[str, Node]) -> Node:
    paths: Node = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = _operation(one, examples)
    return paths


def _operation(one: Operation, examples: Mapping[str, Node]) -> Node:
    answers = {str(status): _answer(answer, examples) for status, answer in one.answers.items()}
    refused = {str(status): _ref("responses", REFUSALS[status].name) for status in sorted((*one.refusals, 500))}
    made: Node = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.tag],
        "parameters": [_ref("parameters", name) for name in one.parameters],
        "responses": answers | refused,
        "security": PROVEN if one.proven else [],
    }
    if one.deprecated:
        made["deprecated"] = True
    if one.body:
        made["requestBody"] = {"required": True, "content": {JSON[0]: _content(one.body, examples)}}
    return made


def _answer(answer: Answer, examples: Mapping[str, Node]) -> Node:
    made: Node = {"description": answer.words}
    if answer.types:
        made["content"] = {type: _body(answer, type, examples) for type in answer.types}
    if answer.headers:
        made["headers"] = {name: _ref("headers", name) for name in answer.headers}
    return made


def _body(answer: Answer, type: str, examples: Mapping[str, Node]) -> Node:
    if answer.schema:
        return _content(f"reply-{answer.schema}", examples)
    return {"schema": {"type": "string"}} if type in STREAM else {}  # bytes have no schema


def _content(name: str, examples: Mapping[str, Node]) -> Node:
    """A body of this component, or with `[]` a list of them."""
    one = name.removesuffix("[]")
    known = [each for each in examples if each.rpartition("-")[0] == one]
    if one != name:
        listed = {"schema": {"type": "array", "items": _ref("schemas", one)}}
        return {**listed, "example": [examples[known[0]]["value"]]}
    return {"schema": _ref("schemas", one), "examples": {each: _ref("examples", each) for each in known}}


def _refusal(one: Refusal) -> Node:
    made: Node = {
        "description": one.words,
        "content": {PROBLEM: {"schema": _ref("schemas", "error"), "example": one.example}},
    }
    return {**made, "headers": {name: _ref("headers", name) for name in one.headers}} if one.headers else made


def _callback(examples: Mapping[str, Node]) -> Node:
    """What a receiver is sent (SPEC section 7): Standard Webhooks 1.0."""
    return {
        "operationId": "jobEnded",
        "summary": "A job has ended, complete or failed",
        "description": "Sent to its `callback.url` until a 2xx comes; the job as the version of its POST shows it.",
        "tags": ["callbacks"],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": words, "schema": {"type": "string"}}
            for name, words in SIGNED.items()
        ],
        "requestBody": {"required": True, "content": {JSON[0]: _content("reply-job", examples)}},
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Not wanted: it is not tried again."},
            "default": {"description": "It is tried again, ten times in all, over more than three days."},
        },
        "security": [],
    }


def _ref(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}


# --- schemas --------------------------------------------------------------------------------------


def components(published: Mapping[str, Any]) -> Node:
    """The files of `schemas/` as components, and each of their `$defs` as one: what refers to a file by its `$id`, or
    to a part of one, refers to a component."""
    made: Node = {}
    for id, schema in published.items():
        home = _component(id)
        parts = schema.get("$defs", {})
        if set(schema) - {"$schema", "$id", "$defs", "title", "description"}:
            made[home] = _moved({key: value for key, value in schema.items() if key != "$defs"}, home)
        made |= {f"{home}-{name}": _moved(part, home) for name, part in parts.items()}
    return made


def _component(id: str) -> str:
    """`urn:sixpx:v1:job` is `job`, `urn:sixpx:methods:crop` is `options-crop`."""
    _, _, family, name = id.split(":")
    return name if family == "v1" else f"options-{name}"


def _moved(node: Any, home: str) -> Any:
    if isinstance(node, list):
        return [_moved(each, home) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _moved(value, home) for key, value in node.items() if key not in ("$id", "$schema")}
    if isinstance(node.get("$ref"), str):
        file, _, part = node["$ref"].partition("#/$defs/")
        name = _component(file) if file else home
        kept |= _ref("schemas", f"{name}-{part}" if part else name)
    return kept


def _examples(made: Node) -> Iterator[tuple[str, int, Any]]:
    """Takes the examples out of what is a whole body: they stand where it is sent."""
    bodies = [one.body for one in OPERATIONS if one.body]
    replies = [f"reply-{answer.schema.removesuffix('[]')}" for one in OPERATIONS for answer in one.answers.values()]
    for name in dict.fromkeys((*bodies, *replies)):
        for place, each in enumerate(made.get(name, {}).pop("examples", ()), 1):
            yield name, place, each
