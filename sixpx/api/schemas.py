"""Owns the public law: loads `schemas/` and names every mistake of a POST body. Never changes a body, never looks into
the service: what needs a user, a setting or a store (unknown masks, counts, equal tags) is judged by `v1/mistakes`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, validators  # type: ignore[import-untyped]  # it ships no types
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]  # as above

from sixpx.errors import Mistake

MOST_MISTAKES = 100
LONGEST_VALUE = 40
"""characters of a value or a key that a sentence repeats"""

Validator = Any
"""A jsonschema validator, which has no types."""
Schema = Any
"""A JSON Schema: an object, or true or false."""
Place = tuple[str | int, ...]
"""Where in a body: keys and indices from the root."""


# --- loading ----------------------------------------------------------------------------------

_ONE_WITHIN = frozenset({"items", "additionalProperties", "propertyNames", "not", "if", "then"})
_LIST_WITHIN = frozenset({"allOf", "anyOf"})
_SAYS_NOTHING = frozenset({"$schema", "$id", "$defs", "description", "examples"})


@dataclass(frozen=True, slots=True)
class Law:
    """The schemas ready for use: `job` judges all but the insides of `options`, which `options[method]` judge."""

    job: Validator
    options: Mapping[str, Validator]


def documents() -> dict[str, Schema]:
    """Every schema file by its `$id`, as published: from inside an installed package, else the top of a checkout."""
    here = Path(__file__).resolve()
    homes = (here.parents[1] / "schemas", here.parents[2] / "schemas")
    home = next((home for home in homes if (home / "v1" / "job.json").is_file()), homes[0])
    found = (json.loads(file.read_text("utf-8")) for file in sorted(home.glob("*/*.json")))
    return {document["$id"]: document for document in found}


@cache
def law() -> Law:
    """The law, read once; call it at the start of the service, so that no request waits for files.

    Following a `$ref` and weighing six `if/then` branches is most of jsonschema's time, so references are written out
    here and a step's options are looked up by the name of its method: `v1/step.json` says the same with `if/then`.
    """
    judge = _swift()
    published = documents()
    step = published["urn:sixpx:v1:step"]
    branches = step["allOf"]
    skeleton = {**published, step["$id"]: {key: value for key, value in step.items() if key != "allOf"}}
    options = {
        branch["if"]["properties"]["method"]["const"]: branch["then"]["properties"]["options"] for branch in branches
    }
    return Law(
        job=judge(_written_out({"$ref": "urn:sixpx:v1:job"}, skeleton, "")),
        options={name: judge(_written_out(ref, published, "")) for name, ref in options.items()},
    )


def _written_out(schema: Schema, published: Mapping[str, Schema], base: str) -> Schema:
    """The schema with every `$ref` replaced by what it refers to, and without words for readers (titles stay: the
    sentences about mistakes are made of them)."""
    if isinstance(schema, bool):
        return schema
    plain: dict[str, Any] = {}
    if "$ref" in schema:
        target, home = _target(schema["$ref"], published, base)
        plain = dict(_written_out(target, published, home))
    for key, value in schema.items():
        if key in _SAYS_NOTHING or key == "$ref":
            continue
        if key == "properties":
            plain[key] = {name: _written_out(each, published, base) for name, each in value.items()}
        elif key in _ONE_WITHIN:
            plain[key] = _written_out(value, published, base)
        elif key in _LIST_WITHIN:
            plain[key] = [_written_out(each, published, base) for each in value]
        else:
            plain[key] = value
    return plain


def _target(ref: str, published: Mapping[str, Schema], base: str) -> tuple[Schema, str]:
    name, _, pointer = ref.partition("#")
    home = name or base
    target = published[home]
    for part in pointer.split("/")[1:]:
        target = target[part]
    return target, home


def _swift() -> Validator:
    """Draft202012Validator, except that it makes the validator of a subschema once and not for each value that it
    meets: more than half the time of a typical body. Only the keywords that our schemas descend by are replaced."""
    made: dict[int, Validator] = {}  # by identity: the schemas live as long as the validators

    def of(validator: Validator, schema: Schema) -> Validator:
        if id(schema) not in made:
            made[id(schema)] = validator.evolve(schema=schema)
        return made[id(schema)]

    def below(judge: Validator, value: object, key: str | int) -> Iterator[ValidationError]:
        for error in judge.iter_errors(value):
            error.path.appendleft(key)
            yield error

    def properties(validator: Validator, schemas: Schema, value: Any, _: Schema) -> Iterator[ValidationError]:
        for name in schemas if isinstance(value, dict) else ():
            if name in value:
                yield from below(of(validator, schemas[name]), value[name], name)

    def items(validator: Validator, schema: Schema, value: Any, _: Schema) -> Iterator[ValidationError]:
        for index, each in enumerate(value if isinstance(value, list) else ()):
            yield from below(of(validator, schema), each, index)

    def names(validator: Validator, schema: Schema, value: Any, _: Schema) -> Iterator[ValidationError]:
        for name in value if isinstance(value, dict) else ():
            yield from below(of(validator, schema), name, name)

    def others(validator: Validator, schema: Schema, value: Any, around: Schema) -> Iterator[ValidationError]:
        known = around.get("properties", {})
        for name in value if isinstance(value, dict) else ():
            if name not in known:
                yield from below(of(validator, schema), value[name], name) if schema else _unlisted(name)

    def never(validator: Validator, schema: Schema, value: object, _: Schema) -> Iterator[ValidationError]:
        if of(validator, schema).is_valid(value):
            yield ValidationError("")

    def either(validator: Validator, schemas: Schema, value: object, _: Schema) -> Iterator[ValidationError]:
        if not any(of(validator, schema).is_valid(value) for schema in schemas):
            yield ValidationError("")

    deeper = {"properties": properties, "items": items, "propertyNames": names, "additionalProperties": others}
    return validators.extend(Draft202012Validator, {**deeper, "not": never, "anyOf": either})


def _unlisted(name: str) -> Iterator[ValidationError]:
    yield ValidationError("", path=(name,))


# --- judging ----------------------------------------------------------------------------------


def mistakes(body: object) -> tuple[Mistake, ...]:
    """Every mistake of a POST body (what orjson made of it), at most 100, in the order of their places; none: ().

    The cost grows with the number of outputs and steps: count them first. No sentence repeats a connection string or
    the value of a URL.
    """
    if _accepted(body):
        return ()
    unlike = dict.fromkeys(islice(_faults(body), MOST_MISTAKES * 2))
    ordered = sorted(unlike, key=lambda fault: _order(fault[0]))[:MOST_MISTAKES]
    return tuple(Mistake(_pointer(path), detail) for path, detail in ordered)


def _order(path: Place) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (0, part) for part in path]


def _accepted(body: object) -> bool:
    rules = law()
    if not rules.job.is_valid(body):
        return False
    return all(rules.options[method].is_valid(options) for _, method, options in _steps(body))


def _steps(body: Any) -> Iterator[tuple[Place, str, object]]:
    """The options that can be judged: place, method, options. Whatever is out of shape is the skeleton's to report."""
    outputs = body.get("output") if isinstance(body, dict) else None
    for i, output in enumerate(outputs if isinstance(outputs, list) else ()):
        steps = output.get("methods") if isinstance(output, dict) else None
        for j, step in enumerate(steps if isinstance(steps, list) else ()):
            if not isinstance(step, dict) or not isinstance(step.get("options"), dict):
                continue
            method = step.get("method")
            if isinstance(method, str) and method in law().options:
                yield ("output", i, "methods", j, "options"), method, step["options"]


def _faults(body: object) -> Iterator[tuple[Place, str]]:
    for error in law().job.iter_errors(body):
        yield from _worded(error, ())
    for place, method, options in _steps(body):
        for error in law().options[method].iter_errors(options):
            yield from _worded(error, place)


# --- wording ----------------------------------------------------------------------------------


def _worded(error: ValidationError, place: Place) -> Iterator[tuple[Place, str]]:
    """One jsonschema error as (path, sentence): what was expected, what came."""
    path = (*place, *error.absolute_path)
    schema, value = error.schema, error.instance
    if "propertyNames" in error.relative_schema_path:
        yield path, f"expected {schema['title']}, got {_quoted(value)}"
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in value:
                wanted = _expected(schema["properties"][name])
                yield (*path, name), f"expected {wanted}, got nothing: {name} is required"
    elif error.validator == "additionalProperties":
        yield path, _unknown(str(path[-1]), schema, path)
    elif error.validator == "anyOf":
        names = [branch["required"][0] for branch in error.validator_value]
        yield path, f"expected {', '.join(names[:-1])} or {names[-1]}, got none of them"
    else:
        yield path, f"expected {_expected(schema)}, got {_came(value, path)}{_meant(value, schema.get('enum', ()))}"


def _expected(schema: Schema) -> str:
    title: str = schema["title"]
    return f"{title} (an object)" if schema.get("type") == "object" and "required" in schema else title


def _unknown(name: str, schema: Schema, path: Place) -> str:
    noun = "option" if "options" in path else "key"
    meant = _meant(name, schema["properties"])
    known = ", ".join(sorted(schema["properties"]))
    return f"unknown {noun} {_quoted(name)}{meant or '.'} {schema['title'].capitalize()} knows: {known}"


def _meant(word: object, known: Any) -> str:
    """A likely spelling. Comparing costs the product of the lengths, so long words are not compared."""
    if not isinstance(word, str) or len(word) > LONGEST_VALUE:
        return ""
    near = get_close_matches(word, [each for each in known if each], n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _came(value: object, path: Place) -> str:
    """What came, in a few words. Places that hold URLs are told by kind alone: they may carry passwords."""
    secret = path[:1] in (("input",), ("callback",)) or path[2:3] == ("url",)
    if isinstance(value, str):
        return _kind_of_text(value) if secret else _quoted(value)
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    return json.dumps(value)[:LONGEST_VALUE]


def _quoted(text: str) -> str:
    if _may_be_secret(text):
        return _kind_of_text(text)
    shown = text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
    return json.dumps(shown, ensure_ascii=False)


def _may_be_secret(text: str) -> bool:
    """A URL or a connection string may stand in any place by mistake, even as a key."""
    return "://" in text or "@" in text


def _kind_of_text(text: str) -> str:
    return f"a text of {len(text)} characters" if text else "an empty text"


def _pointer(path: Place) -> str:
    """RFC 6901. A part that may hold a secret is `***`, a long one is cut: such a pointer still shows the region."""
    return "".join("/" + _part(str(part)) for part in path)


def _part(part: str) -> str:
    if _may_be_secret(part):
        return "***"
    cut = part if len(part) <= LONGEST_VALUE else part[:LONGEST_VALUE] + "…"
    return cut.replace("~", "~0").replace("/", "~1")
