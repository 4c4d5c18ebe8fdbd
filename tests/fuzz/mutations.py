"""Owns how a file is damaged: bits, bytes, blocks, numbers that matter, two files in one. Never knows who reads it."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from random import Random

from tests.fuzz.fields import Field, fields

Damage = Callable[[Random, bytes, str, bytes], bytes]
"""Of a file of this format, with another file to take from."""

INTERESTING = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 129, 200, 254, 255)
WORDS = (b"0", b"-1", b"1", b"1e9", b"-1e9", b"65535", b"65536", b"2147483647", b"2147483648", b"4294967295",
         b"99999999999999999999", b"0.0000001", b"1e308", b"-1e-308", b"nan", b"inf", b"1e", b"", b"8000")  # fmt: skip
LONGEST = 64_000
"""Bytes of a mutant: doubling must not go on forever."""


def damaged(chance: Random, content: bytes, format: str, other: bytes) -> tuple[bytes, list[str]]:
    """The file after one to three damages, and what they were."""
    names = chance.choices(list(DAMAGES), [weight for _, weight in DAMAGES.values()], k=chance.choice((1, 1, 1, 2)))
    for name in names:
        if len(content) >= 8:
            content = DAMAGES[name][0](chance, content, format, other)[:LONGEST]
    if format == "PNG" and chance.random() < 0.8:
        content, names = sealed(content), [*names, "sealed"]
    return content, names


def sealed(content: bytes) -> bytes:
    """A PNG whose checksums fit again, so that what is damaged reaches more than the check."""
    made, place = bytearray(content), 8
    while place + 12 <= len(made):
        (length,) = struct.unpack_from(">I", made, place)
        end = place + 8 + length
        if end + 4 > len(made):
            break
        struct.pack_into(">I", made, end, zlib.crc32(made[place + 4 : end]))
        place = end + 4
    return bytes(made)


def _place(chance: Random, content: bytes) -> int:
    """Behind the magic, nearly always; near the beginning, half of the time."""
    first = 0 if chance.random() < 0.02 else min(4, len(content) - 1)
    last = min(len(content), 300) if chance.random() < 0.5 else len(content)
    return chance.randrange(first, last)


def _span(chance: Random, content: bytes) -> tuple[int, int]:
    start = _place(chance, content)
    return start, min(len(content), start + int(2 ** chance.uniform(0, 10)))


def _bits(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    made = bytearray(content)
    for _ in range(chance.choice((1, 2, 4, 16))):
        made[_place(chance, content)] ^= 1 << chance.randrange(8)
    return bytes(made)


def _bytes(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    made = bytearray(content)
    for _ in range(chance.choice((1, 2, 4, 8))):
        value = chance.choice(INTERESTING) if chance.random() < 0.7 else chance.randrange(256)
        made[_place(chance, content)] = value
    return bytes(made)


def _cut(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    return content[: _place(chance, content) + 1]


def _doubled(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    start, end = _span(chance, content)
    return content[:end] + content[start:end] * chance.choice((1, 1, 2, 50)) + content[end:]


def _removed(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    start, end = _span(chance, content)
    return content[:start] + content[end:]


def _filled(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    start, end = _span(chance, content)
    fill = chance.choice((b"\0", b"\xff", b"\x80", b" "))
    kept = content[end:] if chance.random() < 0.7 else content[start:]
    return content[:start] + fill * (end - start) + kept


def _swapped(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    (a, b), (c, d) = sorted((_span(chance, content), _span(chance, content)))
    return content if b > c else content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _number(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    """One to three of the numbers that matter become others."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        known = fields(format, content)
        if known:
            content = _changed(chance, content, chance.choice(known))
    return content


def _changed(chance: Random, content: bytes, field: Field) -> bytes:
    end = field.place + field.length
    if not field.order:
        return content[: field.place] + chance.choice(WORDS) + content[end:]
    order, bits = ("little" if field.order == "<" else "big"), 8 * field.length
    was = int.from_bytes(content[field.place : end], order)
    values = [0, 1, was + 1, was - 1, was * 2, was // 2, was ^ 1 << chance.randrange(bits), len(content), field.place]
    values += [(1 << bits) - 1, (1 << bits) - 2, 1 << bits - 1, (1 << bits - 1) - 1, 1 << chance.randrange(bits)]
    values += [chance.choice(INTERESTING), 3000, 7999, 65_500, chance.randrange(1 << bits)]
    value = chance.choice(values) & ((1 << bits) - 1)
    return content[: field.place] + value.to_bytes(field.length, order) + content[end:]


def _spliced(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    return content[: _place(chance, content)] + other[_place(chance, other) if len(other) > 8 else 0 :]


PIECES = re.compile(rb"[\w:./-]+|\s+|.", re.DOTALL)


def _words(chance: Random, content: bytes, format: str, other: bytes) -> bytes:
    """Pieces of a language change places, or come twice; bytes do where it is none."""
    if format not in ("SVG", "PDF", "EPS"):
        return _swapped(chance, content, format, other)
    pieces = PIECES.findall(content)
    for _ in range(chance.choice((1, 2, 5))):
        here, there = chance.randrange(len(pieces)), chance.randrange(len(pieces))
        if chance.random() < 0.5:
            pieces[here], pieces[there] = pieces[there], pieces[here]
        else:
            pieces[here] = pieces[there]
    return b"".join(pieces)


DAMAGES: Mapping[str, tuple[Damage, int]] = {
    "bits": (_bits, 4), "bytes": (_bytes, 4), "cut": (_cut, 1), "doubled": (_doubled, 1), "removed": (_removed, 1),
    "filled": (_filled, 1), "swapped": (_swapped, 1), "number": (_number, 6), "spliced": (_spliced, 1),
    "words": (_words, 2),
}  # fmt: skip
"""By name, with how often each is taken."""
