"""Owns the MIME types of results and the endings of their names. Never an encoder."""

from __future__ import annotations

from collections.abc import Mapping

ENDINGS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/tiff": "tif",
}
"""Every type that an output may ask for (SPEC section 2, Outputs), with the ending of its file."""

ALIASES: Mapping[str, str] = {"image/jpg": "image/jpeg"}

KNOWN_ENDINGS = frozenset({*ENDINGS.values(), "jpeg", "jpe", "tiff", "svg", "psd", "ai", "eps", "heic", "heif"})
"""Endings that are dropped from a name that a client chose (SPEC section 1, Request body)."""


def canonical(type: str) -> str:
    """`image/jpeg` for `image/jpg`; other types as they are."""
    return ALIASES.get(type, type)


def stem(name: str) -> str:
    """The name without a known image ending: `image` for `image.png`, `v1.2` for `v1.2`."""
    head, dot, ending = name.rpartition(".")
    return head if dot and head and ending.lower() in KNOWN_ENDINGS else name


def filename(name: str, type: str) -> str:
    """The final name of a result: the ending is that of its type."""
    return f"{name}.{ENDINGS[type]}"
