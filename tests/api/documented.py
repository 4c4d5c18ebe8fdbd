"""Owns the check that replies are as the API's description has them, and a client that makes it. Never a request of its
own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sixpx.api.openapi import described
from tests.api.clients import PUBLIC, Client, Reply

NAME = "urn:description"
UNTYPED = ("text/event-stream", "image/")


class Description:
    """The document, and which answers of it were seen: pairs of an operation's name and a status."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.seen: set[tuple[str, int]] = set()
        self._registry = Registry().with_resource(NAME, Resource(document, DRAFT202012))

    @property
    def answers(self) -> set[tuple[str, int]]:
        """All that are described."""
        return {(one["operationId"], int(status)) for _, _, one in self.operations() for status in one["responses"]}

    def operations(self) -> Iterator[tuple[str, str, Any]]:
        """Path, method and what is said of them."""
        for path, methods in self.document["paths"].items():
            for method, one in methods.items():
                yield path, method, one

    def check(self, method: str, path: str, reply: Reply) -> None:
        """That the reply to this request is one of those that are described, its headers and its body too."""
        template = self._template(path)
        if _asked(method) not in self.document["paths"].get(template, {}):
            assert reply.status in (404, 405), (method, path, reply.status)
            assert reply.headers["Content-Type"].startswith("application/problem+json")
            return
        name = self.document["paths"][template][_asked(method)]["operationId"]
        answers = f"#/paths/{_escaped(template)}/{_asked(method)}/responses"
        assert str(reply.status) in self.at(answers), (name, reply.status, reply.body)
        pointer, answer = self.followed(f"{answers}/{reply.status}")
        for header, said in answer.get("headers", {}).items():
            self._check_header(header, self.followed(said["$ref"])[1], reply)
        if "content" not in answer:
            assert (reply.body, reply.headers.get("Content-Length", "0")) == (b"", "0") or reply.status in (
                304,
                412,
                416,
            )
        else:
            type = reply.headers["Content-Type"].partition(";")[0]
            assert type in answer["content"], (name, reply.status, type)
            if method != "HEAD" and not type.startswith(UNTYPED):
                self.valid(f"{pointer}/content/{_escaped(type)}/schema", orjson.loads(reply.body))
        self.seen.add((name, reply.status))

    def valid(self, pointer: str, value: Any) -> None:
        """That the value is as the schema at this place of the document says."""
        judge = Draft202012Validator({"$ref": f"{NAME}{pointer}"}, registry=self._registry)
        assert [f"{one.json_path}: {one.message}" for one in judge.iter_errors(value)] == [], pointer

    def at(self, pointer: str) -> Any:
        """What stands at this place."""
        node = self.document
        for part in pointer.split("/")[1:]:
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def followed(self, pointer: str) -> tuple[str, Any]:
        """The place that this one refers to, if it does, and what stands there."""
        node = self.at(pointer)
        return self.followed(node["$ref"]) if "$ref" in node else (pointer, node)

    def _template(self, path: str) -> str:
        """The address as it is described, or nothing. What is spelled out comes before what is open."""
        plain = path.partition("?")[0]
        fitting = [one for one in self.document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), plain)]
        return min(fitting, key=lambda one: one.count("{"), default="")

    def _check_header(self, name: str, said: Any, reply: Reply) -> None:
        value = reply.headers.get(name)
        assert value is not None or not said.get("required"), (name, reply.status)
        if value is not None:
            number = said["schema"].get("type") == "integer"
            assert not list(Draft202012Validator(said["schema"]).iter_errors(int(value) if number else value)), name


@dataclass(frozen=True)
class Documented(Client):
    """A user whose every reply is checked."""

    description: Description = field(default_factory=lambda: Description(described(PUBLIC)))

    @classmethod
    def of(cls, client: Client, **more: Any) -> Documented:
        return cls(**{one.name: getattr(client, one.name) for one in fields(client)}, **more)

    async def ask(self, method: str, path: str, *args: Any, **options: Any) -> Reply:
        reply = await super().ask(method, path, *args, **options)
        self.description.check(method, path, reply)
        return reply


def _asked(method: str) -> str:
    return "get" if method == "HEAD" else method.lower()


def _escaped(part: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
