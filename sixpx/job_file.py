"""Owns the job file: the body of a POST in which an input may also be a picture on this disk. Never sends or runs it.

A value under `input` that is neither a `data:` URI nor has a scheme (`https://`) is a path, relative to the job file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sixpx.client.source import data_uri, is_path
from sixpx.errors import Invalid, Mistake


@dataclass(frozen=True, slots=True)
class JobFile:
    """What the file says, and the pictures on this disk that it names, by input name."""

    asked: Any
    pictures: Mapping[str, Path]

    def size_of(self, name: str) -> int:
        """Bytes of one picture."""
        return self.pictures[name].stat().st_size

    @property
    def body_bytes(self) -> int:
        """About how long the body becomes: base64 writes three bytes as four."""
        return len(orjson.dumps(self.asked)) + sum(-(-self.size_of(name) // 3) * 4 for name in self.pictures)

    def body(self) -> Any:
        """The body of a POST: every picture on this disk has become a data URI. Raises Invalid."""
        if not self.pictures:
            return self.asked
        inlined = {name: data_uri(name, path) for name, path in self.pictures.items()}
        return {**self.asked, "input": {**self.asked["input"], **inlined}}


def read(path: Path) -> JobFile:
    """Raises Invalid where the file cannot be read, is not JSON, or names pictures that are not there."""
    try:
        asked = orjson.loads(path.read_bytes())
    except OSError as fault:
        raise Invalid(f"{path}: the job file cannot be read: {fault.strerror}") from fault
    except orjson.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise Invalid(f"{path}: the job file is not JSON ({where}: {fault.msg})") from fault
    pictures = {
        name: path.parent / value for name, value in _inputs(asked).items() if isinstance(value, str) and is_path(value)
    }
    missing = tuple(
        Mistake(f"/input/{name}", f"expected a URL, a data URI or the path of a file; there is no file {picture}")
        for name, picture in pictures.items()
        if not _is_file(picture)
    )
    if missing:
        raise Invalid(f"{path}: {missing[0].pointer}: {missing[0].detail}", missing)
    return JobFile(asked, pictures)


def _is_file(path: Path) -> bool:
    """Whether it can be one for us: not where its name is too long for one, or its folder is not ours to look into."""
    try:
        return path.is_file()
    except OSError:
        return False


def _inputs(asked: Any) -> Mapping[str, Any]:
    """Empty where the body has another shape: what is wrong with it is told by whoever reads it as a body."""
    inputs = asked.get("input") if isinstance(asked, dict) else None
    return inputs if isinstance(inputs, dict) else {}
