"""Owns METHODS, the methods of the API by name. Never scans folders or entry points: a new method is one more line."""

from __future__ import annotations

from collections.abc import Mapping

from sixpx.methods import analyze, crop, filter, layer, resize, rotate
from sixpx.methods.base import Method

_ALL: tuple[Method, ...] = (resize, rotate, crop, layer, filter, analyze)

METHODS: Mapping[str, Method] = {method.name: method for method in _ALL}
