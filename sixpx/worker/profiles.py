"""Owns the question whether an ICC profile is sRGB. Never converts a colour.

Most photographs carry the profile of the very colours that they are converted to; the transform would cost a third of
a small resize and change nothing. ICC.1:2022, sections 7.2 (header), 9.2 (tags), 10.6 and 10.18 (curves).
"""

from __future__ import annotations

import struct
from functools import lru_cache

COLORANTS = {
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
"""The primaries of sRGB, adapted to D50 (IEC 61966-2-1, Bradford)."""

CURVES = (b"rTRC", b"gTRC", b"bTRC")
SAMPLES = ((0.02, 0.00155), (0.2, 0.03310), (0.5, 0.21404), (0.8, 0.60383))
"""Points of the sRGB curve; its straight part below 0.04 tells it from a power of 2.2."""

NEAR = 0.002
NEAR_BLACK = 0.0005


@lru_cache(maxsize=32)
def is_srgb(profile: bytes) -> bool:
    """Whether the profile is a matrix of sRGB's primaries with sRGB's curve: only then may it be left out."""
    try:
        if profile[16:20] != b"RGB ":
            return False
        tags = _tags(profile)
        if any(tag.startswith((b"A2B", b"D2B")) for tag in tags):
            return False
        return all(_is_colorant(tags[tag], wanted) for tag, wanted in COLORANTS.items()) and all(
            _is_curve(tags[tag]) for tag in CURVES
        )
    except (struct.error, KeyError, IndexError, ZeroDivisionError, ValueError, OverflowError):
        return False


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * place) for place in range(min(count, 100)))
    return {tag: profile[start : start + length] for tag, start, length in entries}


def _is_colorant(data: bytes, wanted: tuple[float, ...]) -> bool:
    values = [value / 65536 for value in struct.unpack_from(">3i", data, 8)]
    return all(abs(value - want) < NEAR for value, want in zip(values, wanted, strict=True))


def _is_curve(data: bytes) -> bool:
    return all(abs(_value(data, x) - y) < (NEAR if x > 0.1 else NEAR_BLACK) for x, y in SAMPLES)


def _value(data: bytes, x: float) -> float:
    """The tone curve at x, both 0..1."""
    if data[:4] == b"para":
        return _parametric(data, x)
    if data[:4] != b"curv":
        raise ValueError(data[:4])
    (count,) = struct.unpack_from(">I", data, 8)
    if count < 2:
        return x ** (struct.unpack_from(">H", data, 12)[0] / 256) if count else x
    place = min(int(x * (count - 1)), count - 2)
    low, high = struct.unpack_from(">2H", data, 12 + 2 * place)
    return float(low + (high - low) * (x * (count - 1) - place)) / 65535


def _parametric(data: bytes, x: float) -> float:
    """Function type 3: ((ax + b) ** g) from d on, cx below; the others are not sRGB's."""
    if struct.unpack_from(">H", data, 8)[0] != 3:
        raise ValueError("another function")
    g, a, b, c, d = (value / 65536 for value in struct.unpack_from(">5i", data, 12))
    return float((a * x + b) ** g) if x >= d else c * x
