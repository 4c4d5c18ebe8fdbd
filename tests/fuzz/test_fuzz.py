"""Owns the promise that broken files of every format end as pictures or as clear flaws. Never a format's own rules."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from sixpx.core.render import Flaw, Made, Report
from tests.fuzz.fields import fields
from tests.fuzz.mutants import SHARES, mutant
from tests.fuzz.runner import Outcome, faults, outcomes
from tests.fuzz.seeds import SEEDS, seed

SEED = 7
FEW, MANY = 200, 2000


async def run(count: int) -> list[Outcome]:
    return [outcome async for outcome in outcomes(SEED, range(count))]


def assert_held(done: list[Outcome]) -> None:
    assert {f"{one.mutant.index}, {one.mutant.name}": one.findings for one in done if one.findings} == {}
    codes = Counter(code for one in done for code in one.codes)
    # mutants that are all refused at the door, or that are hardly broken, would prove little
    assert codes["made"] > len(done) / 5
    assert codes["bad_image"] > len(done) / 5
    assert {one.mutant.format for one in done} == set(SEEDS)


async def test_two_hundred_mutants_end_as_pictures_or_as_clear_flaws() -> None:
    assert_held(await run(FEW))


@pytest.mark.long
async def test_two_thousand_mutants_end_as_pictures_or_as_clear_flaws() -> None:
    assert_held(await run(MANY))


@pytest.mark.parametrize(("format", "name"), [(format, name) for format in SEEDS for name in SEEDS[format]])
def test_a_seed_has_fields_that_can_be_changed(format: str, name: str) -> None:
    content = seed(format, name)
    assert len(content) < 6000
    if name != "squeezed":  # nothing can be seen in a gzip stream
        assert len(fields(format, content)) >= 4


def test_a_seed_and_an_index_name_a_mutant() -> None:
    def digest(number: int) -> str:
        made = [mutant(number, index) for index in range(40)]
        return hashlib.sha256(b"".join(one.content + repr((one.name, one.sheets)).encode() for one in made)).hexdigest()

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)
    assert set(SHARES) == set(SEEDS)


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        (Flaw("bad_image", "load", "the PNG file is broken"), None),
        (Flaw("over_limit", "load", "the input has 9 pixels; the limit input_pixels is 8"), None),
        (Flaw("internal", "render", "the service made a mistake with this output"), "internal"),
        (Flaw("render_failed", "apply", "parameter hshrink not set"), "render_failed"),
        (Flaw("lane_crashed", "render", "the image process ended unexpectedly (signal 11)"), "lane_crashed"),
        (Flaw("time_limit", "render", "the output was not made within 10 s"), "time_limit"),
        (Flaw("bad_image", "load", "cannot open /tmp/a/input"), "/tmp"),
        (Flaw("bad_image", "load", ""), "bad_image"),
    ],
)
def test_what_counts_as_a_finding(flaw: Flaw, words: str | None) -> None:
    found = faults(Report("r", None, {"1": Made(1, 1, 1, "image/png")}, {"0": flaw}))
    assert len(found) == (0 if words is None else 1)
    assert words is None or words in found[0]
