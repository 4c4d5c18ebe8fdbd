"""Owns what may be given as a picture: an address, a data URI, a file of this disk, bytes. Never reads a network."""

from __future__ import annotations

import base64
import mimetypes
from os import PathLike
from pathlib import Path

from sixpx.errors import Invalid, Mistake

Source = str | bytes | PathLike[str]


def is_path(text: str) -> bool:
    """Whether a text is the path of a file: neither a data URI nor with a scheme (`https://`)."""
    # no path is that long: it is some other mistake, which the file system would only obscure
    return 0 < len(text) < 1000 and text[:5].lower() != "data:" and "://" not in text


def address(name: str, source: Source) -> str:
    """What stands in a body for the picture of this name: what is on this side becomes a data URI. Raises Invalid."""
    if isinstance(source, bytes):
        return _uri("application/octet-stream", source)
    if isinstance(source, str) and not is_path(source):
        return source
    return data_uri(name, Path(source))


def data_uri(name: str, path: Path) -> str:
    """The file as a data URI. Raises Invalid, naming the input."""
    type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    try:
        return _uri(type, path.read_bytes())
    except OSError as fault:
        detail = f"{path} cannot be read: {fault.strerror}"
        raise Invalid(f"/input/{name}: {detail}", (Mistake(f"/input/{name}", detail),)) from fault


def _uri(type: str, content: bytes) -> str:
    return f"data:{type};base64,{base64.b64encode(content).decode()}"
