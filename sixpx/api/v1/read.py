"""Owns the way in: a request's body and query become core values, or a list of every mistake in them. Never stores.

What a JSON Schema can say stands in `schemas/`; here are the checks that it can't make (SPEC section 1, Errors).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from sixpx import credentials
from sixpx.api import schemas
from sixpx.core.job import Input, Job, Output, Processed, User
from sixpx.core.media import canonical, stem
from sixpx.core.query import PAGE_MOST, SORTABLE, Page, Sort
from sixpx.credentials import Vault
from sixpx.errors import Invalid, Mistake, NotSupported
from sixpx.fetch import decode_data_uri
from sixpx.store.document import steps_of
from sixpx.targets import HOSTED

DEPTH_MOST = 100
"""Nesting of a body; far below what our JSON writers can take."""
NAME_BYTES_MOST = 200
"""File systems and FTP servers stop at 255 bytes; ours add an ending and, for a moment, a mark."""
WAIT_MOST = 60.0
MAIN = "main"
RESERVED = frozenset({"key", "secret", "page", "per_page", "sort_by", "wait"})
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many inputs, outputs and methods of an output a job may have."""

    inputs: int = 20
    outputs: int = 50
    methods: int = 20


@dataclass(frozen=True, slots=True)
class Maker:
    """What turns a body into a job: ids and names are drawn at the edge; the vault seals what must not be read."""

    new_id: Callable[[], str]
    new_name: Callable[[], str]
    vault: Vault
    counts: Counts


@dataclass(frozen=True, slots=True)
class Posted:
    """A job to store, with the bytes of its data URIs by blob id."""

    job: Job
    blobs: Mapping[str, bytes]


def body(raw: bytes) -> Any:
    """The JSON value of a body. Raises Invalid."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise Invalid(f"the body is not JSON ({where}: {fault.msg})") from fault


def posted(asked: Any, user: User, now: datetime, maker: Maker) -> Posted:
    """The job that a body asks for. Raises Invalid with every mistake at once."""
    # what bounds the work of judging comes first: a body of a million steps is refused before it is read closely
    found = [*_too_deep(asked), *_count_mistakes(asked, maker.counts)]
    found = found or list(schemas.mistakes(asked))
    if not found:
        found = list(_mistakes(asked, user, maker))
    if found:
        raise Invalid(_headline(found), tuple(found))
    return _job(asked, user, now, maker)


def _headline(found: list[Mistake]) -> str:
    first = f"{found[0].pointer or 'the body'}: {found[0].detail}"
    return first if len(found) == 1 else f"{len(found)} mistakes in the body; the first: {first}"


# --- mistakes that a schema can't see -------------------------------------------------------------


def _too_deep(value: Any) -> Iterable[Mistake]:
    level = [value]
    for _ in range(DEPTH_MOST):
        level = [one for outer in level if isinstance(outer, dict | list) for one in _inside(outer)]
        if not level:
            return
    yield Mistake("", f"expected at most {DEPTH_MOST} levels of nesting")


def _inside(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def _mistakes(asked: Mapping[str, Any], user: User, maker: Maker) -> Iterable[Mistake]:
    for name, url in asked["input"].items():
        yield from _url_mistakes(f"/input/{_escaped(name)}", url)
    callback = (asked.get("callback") or {}).get("url")
    if callback:
        yield from _web_mistakes("/callback/url", callback)
    for index, output in enumerate(asked["output"]):
        yield from _ref_mistakes(index, output, asked["input"])
        yield from _destination_mistakes(index, output, user)
        yield from _name_mistakes(index, output)
    yield from _same_tags(asked["output"])
    yield from _same_files(asked["output"], user, maker.vault)


def _count_mistakes(asked: Any, counts: Counts) -> Iterable[Mistake]:
    """Of any JSON value: what is not shaped as a body has no counts."""
    if not isinstance(asked, dict):
        return
    outputs = asked.get("output")
    yield from _too_many("/input", asked.get("input"), counts.inputs, "inputs")
    yield from _too_many("/output", outputs, counts.outputs, "outputs")
    for index, output in enumerate(outputs[: counts.outputs] if isinstance(outputs, list) else ()):
        if isinstance(output, dict):
            yield from _too_many(f"/output/{index}/methods", output.get("methods"), counts.methods, "methods")
            yield from _too_many(f"/output/{index}/ref", output.get("ref"), counts.inputs, "inputs")


def _too_many(pointer: str, things: Any, most: int, noun: str) -> Iterable[Mistake]:
    if isinstance(things, dict | list) and len(things) > most:
        yield Mistake(pointer, f"expected at most {most} {noun} (limits.{noun}), got {len(things)}")


def _url_mistakes(pointer: str, url: str) -> Iterable[Mistake]:
    if url[:5].lower() != "data:":
        yield from _web_mistakes(pointer, url)
        return
    try:
        decode_data_uri(url)
    except ValueError as fault:
        yield Mistake(pointer, str(fault))


def _web_mistakes(pointer: str, url: str) -> Iterable[Mistake]:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        kinds = "an http or https URL with a host" + (" or a data URI" if pointer.startswith("/input") else "")
        yield Mistake(pointer, f"expected {kinds}")


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


def _same_tags(outputs: list[Mapping[str, Any]]) -> Iterable[Mistake]:
    seen: dict[str, int] = {}
    for index, output in enumerate(outputs):
        tag = _tag(index, output)
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


# --- the job ------------------------------------------------------------------------------------


def _job(asked: Mapping[str, Any], user: User, now: datetime, maker: Maker) -> Posted:
    blobs: dict[str, bytes] = {}
    seal = cache(maker.vault.seal)  # one URL, one token: a run knows by it what it has downloaded
    inputs = tuple(_input(name, url, maker, seal, blobs) for name, url in asked["input"].items())
    outputs = tuple(_output(index, one, user, maker) for index, one in enumerate(asked["output"]))
    job = Job(
        id=maker.new_id(),
        user_id=user.id,
        created=now,
        modified=now,
        inputs=inputs,
        outputs=outputs,
        processed=tuple(Processed(maker.new_id(), output.tag, now, now) for output in outputs),
        callback=_shown_callback(asked.get("callback")),
        data=asked.get("data") or {},
    )
    return Posted(job, blobs)


def _input(name: str, url: str, maker: Maker, seal: Callable[[str], str], blobs: dict[str, bytes]) -> Input:
    if url[:5].lower() == "data:":
        content, type = decode_data_uri(url)
        blob = maker.new_id()
        blobs[blob] = content
        return Input(name, f"data:{type};base64,... ({len(content)} bytes)", blob=blob)
    shown = credentials.redact(url)
    return Input(name, shown, sealed=None if shown == url else seal(url))


def _output(index: int, asked: Mapping[str, Any], user: User, maker: Maker) -> Output:
    ref = asked["ref"]
    chosen = ref if isinstance(ref, dict) else dict.fromkeys(ref, False)
    url = asked.get("url") or HOSTED
    destination, sealed = _destination(url, user, maker.vault)
    return Output(
        tag=_tag(index, asked),
        asked={**asked, "url": credentials.redact(url)} if asked.get("url") else dict(asked),
        names={name: stem(str(file)) if file else maker.new_name() for name, file in chosen.items()},
        steps=steps_of(asked),
        type=canonical(asked["type"]) if asked.get("type") else None,
        quality=int(asked["quality"]) if asked.get("quality") else None,
        progressive=bool(asked.get("progressive")),
        keep_metadata=asked.get("metadata") == "keep",
        destination=destination,
        sealed=sealed,
    )


def _tag(index: int, output: Mapping[str, Any]) -> str:
    return output.get("tag") or f"output-{index + 1}"


def _destination(url: str, user: User, vault: Vault) -> tuple[str, str | None]:
    """The scheme, and the sealed connection string where there is one."""
    if url == HOSTED:
        return HOSTED, None
    if credentials.is_mask(url):
        sealed = user.connections[url]
        return credentials.parse(vault.open(sealed)).scheme, sealed
    return credentials.parse(url).scheme, vault.seal(url)


def _shown_callback(callback: Any) -> Any:
    if isinstance(callback, dict) and isinstance(callback.get("url"), str):
        return {**callback, "url": credentials.redact(callback["url"])}
    return callback


# --- the query ------------------------------------------------------------------------------------


def page_and_sort(query: Mapping[str, str]) -> tuple[Page, Sort]:
    """Which page of the list, in which order. Raises Invalid, and NotSupported for a search."""
    searched = [name for name in query if name not in RESERVED]
    if searched:
        raise NotSupported(f"searching by {searched[0]!r} is not part of this version; page, per_page and sort_by are")
    page = Page(_whole("page", query, 1), min(_whole("per_page", query, 10), PAGE_MOST))
    return page, _sort(query.get("sort_by"))


def _whole(name: str, query: Mapping[str, str], default: int) -> int:
    text = query.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise Invalid(f"{name}: expected a whole number from 1, got {text[:40]!r}")
    return int(text)


def _sort(text: str | None) -> Sort:
    if not text:
        return Sort()
    field, _, direction = text.partition(",")
    if field not in SORTABLE:
        raise Invalid(f"sort_by: expected one of {', '.join(SORTABLE)}, got {field[:40]!r}")
    descending = {"": False, "asc": False, "1": False, "desc": True, "-1": True}.get(direction.strip().lower())
    if descending is None:
        raise Invalid(f"sort_by: expected asc, desc, 1 or -1 after the comma, got {direction[:40]!r}")
    return Sort(field, descending)


def wait_seconds(query: Mapping[str, str]) -> float:
    """How long a GET may wait for the end of the job; 0 where it does not ask."""
    text = query.get("wait") or "0"
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise Invalid(f"wait: expected a number of seconds up to {WAIT_MOST:g}, got {text[:40]!r}")
    return min(seconds, WAIT_MOST)


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key, if any; the draft's quotes around it are dropped."""
    key = headers.get("Idempotency-Key")
    if key is None:
        return None
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise Invalid("Idempotency-Key: expected 1 to 255 printable characters without spaces")
    return key.strip('"') or key
