"""Owns a model with the inputs and outputs of YuNet that takes red squares for faces. Never a real one: those are files
of others. OpenCV loads and runs it as it does a real one.

YuNet looks at cells of 8, 16 and 32 pixels, and says of each by how much it is a face (`cls`, `obj`: the score is the
root of their product), where in the cell its centre is and the logarithms of its sides in cells (`bbox`), and where
its landmarks are (`kps`). Here each of these is one convolution that sees one cell. Only those of 32 pixels find
anything.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CELLS = (8, 16, 32)
SIDE = float(32 * np.exp(0.5))
"""Pixels of the box that is found about a red cell."""


def red_model() -> bytes:
    """An ONNX file: a ModelProto of IR version 8 with operators of version 13 (onnx.proto3 has the numbers)."""
    parts = [_part(name, cell) for name in ("cls", "obj", "bbox", "kps") for cell in CELLS]
    return _model(parts, [f"{name}_{cell}" for name in ("cls", "obj", "bbox", "kps") for cell in CELLS])


def other_model() -> bytes:
    """A model that OpenCV loads, and that is no YuNet."""
    return _model([_part("other", 8)], ["other_8"])


def _part(name: str, cell: int) -> bytes:
    """Fields of a graph: a convolution that reads cells of the input, and its weights."""
    outputs = {"bbox": 4, "kps": 10}.get(name, 1)
    weights = np.zeros((outputs, 3, cell, cell), np.float32)
    bias = np.full(outputs, 0.5 if name == "bbox" else 0.0, np.float32)
    if name in ("cls", "obj") and cell == 32:
        # blue, green, red: white and grey come to nothing
        weights[0] = np.array([-1, -1, 1], np.float32)[:, None, None] / (255 * cell * cell)
    key = f"{name}_{cell}"
    shape = _attribute("kernel_shape", [cell, cell]) + _attribute("strides", [cell, cell])
    names = b"".join(_text(1, one) for one in ("input", f"{key}_w", f"{key}_b"))
    node = names + _text(2, key) + _text(4, "Conv") + shape
    return _bytes(1, node) + _bytes(5, _tensor(f"{key}_w", weights)) + _bytes(5, _tensor(f"{key}_b", bias))


def _model(parts: Iterable[bytes], outputs: Iterable[str]) -> bytes:
    graph = b"".join(parts) + _text(2, "red") + _bytes(11, _value("input", (1, 3, 640, 640)))
    graph += b"".join(_bytes(12, _value(name, ())) for name in outputs)
    return _number(1, 8) + _bytes(8, _text(1, "") + _number(2, 13)) + _bytes(7, graph)


def _attribute(name: str, values: Iterable[int]) -> bytes:
    return _bytes(5, _text(1, name) + b"".join(_number(8, value) for value in values) + _number(20, 7))


def _tensor(name: str, values: np.ndarray) -> bytes:
    dims = b"".join(_number(1, side) for side in values.shape)
    return dims + _number(2, 1) + _text(8, name) + _bytes(9, values.tobytes())


def _value(name: str, dims: Iterable[int]) -> bytes:
    shape = b"".join(_bytes(1, _number(1, side)) for side in dims)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    head = bytearray()
    while value > 0x7F:
        head.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*head, value])
