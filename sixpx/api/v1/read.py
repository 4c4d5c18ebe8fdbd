"""Owns the way in: a request's body becomes a job, or a list of every mistake in it. Never stores.

What a JSON Schema can say stands in `schemas/`, the checks that it can't make in `mistakes` (SPEC section 1, Errors).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sixpx import credentials
from sixpx.api.v1 import mistakes
from sixpx.api.v1.mistakes import Counts as Counts
from sixpx.api.v1.mistakes import tag_of
from sixpx.core.job import Input, Job, Output, Processed
from sixpx.core.media import canonical, stem
from sixpx.core.user import User
from sixpx.credentials import Vault
from sixpx.errors import Invalid, Mistake
from sixpx.fetch import decode_data_uri
from sixpx.store.document import steps_of
from sixpx.targets import HOSTED


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


@dataclass(frozen=True, slots=True)
class _Decoded:
    content: bytes
    type: str


def posted(asked: Any, user: User, now: datetime, maker: Maker, version: str) -> Posted:
    """The job that a body asks for, posted in this API version. Raises Invalid with every mistake at once."""
    _refuse(mistakes.of_shape(asked, maker.counts))
    # decoded once, to be judged and kept: they are most of what a large body holds
    decoded, wrong = _decoded(asked["input"])
    _refuse([*wrong, *mistakes.of_meaning(asked, user, maker.vault)])
    made = _job(asked, decoded, user, now, maker)
    return replace(made, job=replace(made.job, version=version))


def _refuse(found: list[Mistake]) -> None:
    if found:
        first = f"{found[0].pointer or 'the body'}: {found[0].detail}"
        headline = first if len(found) == 1 else f"{len(found)} mistakes in the body; the first: {first}"
        raise Invalid(headline, tuple(found))


def _decoded(inputs: Mapping[str, str]) -> tuple[dict[str, _Decoded], list[Mistake]]:
    """The data URIs among the inputs, by name."""
    decoded, wrong = {}, []
    for name, url in inputs.items():
        if mistakes.is_data(url):
            try:
                decoded[name] = _Decoded(*decode_data_uri(url))
            except ValueError as fault:
                wrong.append(Mistake(mistakes.of_input(name), str(fault)))
    return decoded, wrong


def _job(asked: Mapping[str, Any], decoded: Mapping[str, _Decoded], user: User, now: datetime, maker: Maker) -> Posted:
    blobs = {name: maker.new_id() for name in decoded}
    seal = cache(maker.vault.seal)  # one URL, one token: a run knows by it what it has downloaded
    outputs = tuple(_output(index, one, user, maker) for index, one in enumerate(asked["output"]))
    job = Job(
        id=maker.new_id(),
        user_id=user.id,
        created=now,
        modified=now,
        inputs=tuple(
            _kept(name, decoded[name], blobs[name]) if name in decoded else _linked(name, url, seal)
            for name, url in asked["input"].items()
        ),
        outputs=outputs,
        processed=tuple(Processed(maker.new_id(), output.tag, now, now) for output in outputs),
        callback=_shown_callback(asked.get("callback")),
        callback_sealed=_sealed_callback(asked.get("callback"), seal),
        data=asked.get("data") or {},
    )
    return Posted(job, {blobs[name]: one.content for name, one in decoded.items()})


def _kept(name: str, one: _Decoded, blob: str) -> Input:
    return Input(name, f"data:{one.type};base64,... ({len(one.content)} bytes)", blob=blob)


def _linked(name: str, url: str, seal: Callable[[str], str]) -> Input:
    shown = credentials.redact(url)
    return Input(name, shown, sealed=None if shown == url else seal(url))


def _output(index: int, asked: Mapping[str, Any], user: User, maker: Maker) -> Output:
    ref = asked["ref"]
    chosen = ref if isinstance(ref, dict) else dict.fromkeys(ref, False)
    url = asked.get("url") or HOSTED
    destination, sealed = _destination(url, user, maker.vault)
    return Output(
        tag=tag_of(index, asked),
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


def _sealed_callback(callback: Any, seal: Callable[[str], str]) -> str | None:
    """The URL to call as it was sent, userinfo and all; an empty one means none (SPEC section 1, Request body)."""
    url = callback.get("url") if isinstance(callback, dict) else None
    return seal(url) if url and isinstance(url, str) else None
