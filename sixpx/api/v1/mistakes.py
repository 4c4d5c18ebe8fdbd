"""Owns the mistakes of a body that no JSON Schema can see: counts, names, URLs, references. Never makes a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sixpx import credentials
from sixpx.api import schemas
from sixpx.core.media import canonical, stem
from sixpx.core.user import User
from sixpx.credentials import Vault
from sixpx.errors import Invalid, Mistake
from sixpx.targets import HOSTED

DEPTH_MOST = 100
"""Nesting of a body; far below what our JSON writers can take."""
VALUES_MOST = 50_000
"""JSON values in all outputs; 50 outputs of 20 methods have a tenth of that. Millions would be judged for minutes."""
NAME_BYTES_MOST = 200
"""File systems and FTP servers stop at 255 bytes; ours add an ending and, for a moment, a mark."""
MAIN = "main"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many inputs, outputs and methods of an output a job may have."""

    inputs: int = 20
    outputs: int = 50
    methods: int = 20


def of_shape(asked: Any, counts: Counts) -> list[Mistake]:
    """What is wrong with any JSON value as a body."""
    # what bounds the work of judging comes first: a body of a million steps is refused before it is read closely
    return [*too_deep(asked), *_count_mistakes(asked, counts)] or list(schemas.mistakes(asked))


def of_meaning(asked: Mapping[str, Any], user: User, vault: Vault) -> Iterable[Mistake]:
    """What is wrong with a body of the right shape; its data URIs are judged by whoever decodes them."""
    for name, url in asked["input"].items():
        if not is_data(url):
            yield from _web_mistakes(of_input(name), url)
    callback = (asked.get("callback") or {}).get("url")
    if callback:
        yield from _web_mistakes("/callback/url", callback)
    for index, output in enumerate(asked["output"]):
        yield from _ref_mistakes(index, output, asked["input"])
        yield from _destination_mistakes(index, output, user)
        yield from _name_mistakes(index, output)
    yield from _same_tags(asked["output"])
    yield from _same_files(asked["output"], user, vault)


# --- any JSON value -------------------------------------------------------------------------------


def too_deep(value: Any) -> Iterable[Mistake]:
    """Of any JSON value. The writers of JSON stop at a depth of their own, and not with a sentence."""
    level = [value]
    for _ in range(DEPTH_MOST):
        level = [one for outer in level if isinstance(outer, dict | list) for one in _inside(outer)]
        if not level:
            return
    yield Mistake("", f"expected at most {DEPTH_MOST} levels of nesting")


def _too_large(outputs: Any) -> Iterable[Mistake]:
    seen, level = 0, [outputs]
    while level:
        level = [one for outer in level if isinstance(outer, dict | list) for one in _inside(outer)]
        seen += len(level)
        if seen > VALUES_MOST:
            yield Mistake("/output", f"expected at most {VALUES_MOST:,} values in all outputs")
            return


def _inside(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def _count_mistakes(asked: Any, counts: Counts) -> Iterable[Mistake]:
    """Of any JSON value: what is not shaped as a body has no counts."""
    if not isinstance(asked, dict):
        return
    outputs = asked.get("output")
    yield from _too_many("/input", asked.get("input"), counts.inputs, "inputs")
    yield from _too_many("/output", outputs, counts.outputs, "outputs")
    yield from _too_large(outputs)
    for index, output in enumerate(outputs[: counts.outputs] if isinstance(outputs, list) else ()):
        if isinstance(output, dict):
            yield from _too_many(f"/output/{index}/methods", output.get("methods"), counts.methods, "methods")
            yield from _too_many(f"/output/{index}/ref", output.get("ref"), counts.inputs, "inputs")


def _too_many(pointer: str, things: Any, most: int, noun: str) -> Iterable[Mistake]:
    if isinstance(things, dict | list) and len(things) > most:
        yield Mistake(pointer, f"expected at most {most} {noun} (limits.{noun}), got {len(things)}")


# --- inputs and callback --------------------------------------------------------------------------


def is_data(url: str) -> bool:
    return url[:5].lower() == "data:"


def of_input(name: str) -> str:
    """The JSON pointer of an input."""
    return f"/input/{_escaped(name)}"


def _web_mistakes(pointer: str, url: str) -> Iterable[Mistake]:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        kinds = "an http or https URL with a host" + (" or a data URI" if pointer.startswith("/input") else "")
        yield Mistake(pointer, f"expected {kinds}")


# --- outputs ---------------------------------------------------------------------------------------


def _ref_mistakes(index: int, output: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterable[Mistake]:
    known = set(inputs) | ({MAIN} if len(inputs) == 1 else set())
    sentence = f"expected the name of an input ({', '.join(sorted(inputs)) or 'there are none'}), got {{!r}}"
    for position, name in enumerate(output["ref"]):
        if name not in known:
            last = position if isinstance(output["ref"], list) else _escaped(name)
            yield Mistake(f"/output/{index}/ref/{last}", sentence.format(name))
    for number, step in enumerate(output.get("methods") or ()):
        ref = (step.get("options") or {}).get("ref")
        if step["method"] == "layer" and ref and ref not in known:
            yield Mistake(f"/output/{index}/methods/{number}/options/ref", sentence.format(ref))


def _destination_mistakes(index: int, output: Mapping[str, Any], user: User) -> Iterable[Mistake]:
    url = output.get("url") or HOSTED
    pointer = f"/output/{index}/url"
    if credentials.is_mask(url):
        if url not in user.connections:
            yield Mistake(
                pointer, "expected a connection string, 6px, or one of your masked names; this is none of them"
            )
        return
    try:
        credentials.parse(url)
    except Invalid as fault:
        yield Mistake(pointer, fault.detail)


def tag_of(index: int, output: Mapping[str, Any]) -> str:
    return output.get("tag") or f"output-{index + 1}"


def _same_tags(outputs: list[Mapping[str, Any]]) -> Iterable[Mistake]:
    seen: dict[str, int] = {}
    for index, output in enumerate(outputs):
        tag = tag_of(index, output)
        if tag in seen:
            yield Mistake(f"/output/{index}/tag", f"expected a tag of its own; /output/{seen[tag]} has this one")
        seen.setdefault(tag, index)


def _name_mistakes(index: int, output: Mapping[str, Any]) -> Iterable[Mistake]:
    if isinstance(output["ref"], dict):
        for ref, name in output["ref"].items():
            if name and len(name.encode()) > NAME_BYTES_MOST:
                detail = f"expected a file name of at most {NAME_BYTES_MOST} bytes in UTF-8, got {len(name.encode())}"
                yield Mistake(f"/output/{index}/ref/{_escaped(ref)}", detail)


def _same_files(outputs: list[Mapping[str, Any]], user: User, vault: Vault) -> Iterable[Mistake]:
    """Two results with one name at one place (SPEC section 9, Names)."""
    seen: dict[tuple[str, str], list[str | None]] = {}
    for index, output in enumerate(outputs):
        type = canonical(output["type"]) if output.get("type") else None
        names = output["ref"] if isinstance(output["ref"], dict) else {}
        for ref, name in names.items():
            if not name:
                continue
            types = seen.setdefault((_place(output.get("url") or HOSTED, user, vault), stem(name)), [])
            if type in types or (types and (type is None or None in types)):
                detail = "expected a file name of its own; another output writes to the same place under this name"
                yield Mistake(f"/output/{index}/ref/{_escaped(ref)}", detail)
            types.append(type)


def _place(url: str, user: User, vault: Vault) -> str:
    """What two outputs must share to meet at one place; a mask is what it stands for."""
    sealed = user.connections.get(url)
    return (vault.open(sealed) if sealed else url).rstrip("/")


def _escaped(name: str) -> str:
    """A step of a JSON pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")
