"""Owns what is kept of a source while its sheets are made: each size until its last use. Never a pixel's value."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import pyvips

from sixpx.core.geometry import Size
from sixpx.core.render import Limits
from sixpx.worker.loaders import probe
from sixpx.worker.pictures import pictures_of

from .conftest import Studio

SMALL, TINY = Size(197, 131), Size(173, 119)
"""Sizes that no other test has."""


def drawn(studio: Studio) -> Path:
    path = studio.path()
    path.write_bytes(
        b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><rect width="40" height="60"/></svg>'
    )
    return path


def kept(size: Size) -> bool:
    """Whether anybody still holds a picture of this size."""
    gc.collect()
    pictures = (one for one in gc.get_objects() if type(one) is pyvips.Image)
    return any((one.width, one.height) == (size.width, size.height) for one in pictures)


@pytest.mark.parametrize("kind", ["drawing", "photograph"])
def test_a_size_is_let_go_with_its_last_use(studio: Studio, kind: str) -> None:
    path = drawn(studio) if kind == "drawing" else studio.save(studio.noise(283, 190))
    pictures = pictures_of(probe(str(path), Limits()), [SMALL, SMALL, TINY], False)
    assert pictures.at(SMALL, False)
    assert kept(SMALL), "the second sheet would make it anew"
    assert pictures.at(TINY, False)
    assert not kept(TINY)
    assert pictures.at(SMALL, False)
    assert not kept(SMALL)
