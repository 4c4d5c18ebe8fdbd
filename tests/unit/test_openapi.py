"""Owns the tests of the description of the API: it is valid, and so is all that it shows. Never asks a service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from sixpx.api.openapi import OpenApi, components
from sixpx.api.schemas import documents
from sixpx.api.v1.operations import OPERATIONS, TAGS
from sixpx.api.v1.versions import VERSIONS
from tests.api.documented import Description
from tests.golden.versions import make

PUBLIC = "https://pictures.example.com"
DOCUMENT = orjson.loads(OpenApi(PUBLIC).written)
DESCRIPTION = Description(DOCUMENT)
TRIPLE = Path(make.__file__).with_name("edition-3.json")
BYTES_MOST = 100_000
BODIES = ("application~1json", "application~1problem+json")


def within(node: Any, pointer: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document with its place."""
    if isinstance(node, dict):
        yield pointer, node
    for name, one in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from within(one, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")


EVERYTHING = list(within(DOCUMENT))
REFERENCES = {one["$ref"] for _, one in EVERYTHING if isinstance(one.get("$ref"), str)}
SHOWN = [pointer for pointer, one in EVERYTHING if "schema" in one and {"example", "examples"} & set(one)]


def test_it_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [str(fault) for fault in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_it_is_small_and_says_where_the_service_is() -> None:
    assert len(OpenApi(PUBLIC).written) < BYTES_MOST
    assert DOCUMENT["servers"] == [{"url": PUBLIC}]


def test_every_reference_leads_to_something_and_every_component_is_referred_to() -> None:
    for one in REFERENCES:
        assert DESCRIPTION.at(one), one
    kept = {f"#/components/{kind}/{name}" for kind, named in DOCUMENT["components"].items() for name in named}
    schemes = {f"#/components/securitySchemes/{name}" for name in DOCUMENT["components"]["securitySchemes"]}
    assert kept - schemes == REFERENCES


def test_no_schema_is_left_out() -> None:
    published = documents()
    parts = sum(len(one.get("$defs", {})) for one in published.values())
    assert len(components(published)) == len(published) - len({"reply", "values"}) + parts


@pytest.mark.parametrize("pointer", SHOWN, ids=lambda one: one.removeprefix("#/"))
def test_every_body_that_is_shown_is_as_its_schema_says(pointer: str) -> None:
    shown = DESCRIPTION.at(pointer)
    examples = [DESCRIPTION.at(one["$ref"])["value"] for one in shown.get("examples", {}).values()]
    for one in examples or [shown["example"]]:
        DESCRIPTION.valid(f"{pointer}/schema", one)


@pytest.mark.parametrize("pointer", [pointer for pointer, one in EVERYTHING if isinstance(one.get("examples"), list)])
def test_every_example_of_a_schema_is_valid(pointer: str) -> None:
    for one in DESCRIPTION.at(pointer)["examples"]:
        DESCRIPTION.valid(pointer, one)


def test_the_jobs_that_are_shown_are_those_that_the_versions_make() -> None:
    replies = json.loads(TRIPLE.read_text("utf-8"))["replies"]
    shown = [DOCUMENT["components"]["examples"][f"reply-job-{place}"]["value"] for place in (1, 2, 3)]
    assert shown == [replies[version] for version in VERSIONS]


def test_every_json_body_comes_with_an_example() -> None:
    bodies = [one for pointer, one in EVERYTHING if pointer.rpartition("/")[2] in BODIES]
    assert bodies
    assert [one for one in bodies if not {"example", "examples"} & set(one)] == []


def test_operations_have_names_of_their_own_and_tags_that_are_explained() -> None:
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    assert {one.tag for one in OPERATIONS} == set(TAGS)


def test_the_callback_is_described_with_the_headers_of_standard_webhooks() -> None:
    told = DOCUMENT["webhooks"]["jobEnded"]["post"]
    assert [one["name"] for one in told["parameters"]] == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    assert told["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/reply-job")
