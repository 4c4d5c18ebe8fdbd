"""Owns the tests of an output's tally: outcomes in any order, one record, totals. Never a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core.job import Output, Span, Status, Step
from sixpx.core.render import Flaw, Made, Report
from sixpx.core.tally import Tally, key, merged, render, sheet
from sixpx.errors import FetchFailed, PutFailed
from tests.contract.jobs import MOMENTS, NOW, WHOLE, after, job_of

OUTPUT = Output("t", {}, {"a": "x", "b": "y"}, (Step("resize", {"width": 2}),), "image/png", 70, True, True)
MADE = Made(4, 3, 120, "image/png", {"color": []}, {"x": 1}, True)
BEFORE = job_of(1).processed[0]


def test_a_tally_is_full_when_every_picture_has_its_outcome() -> None:
    tally = Tally(OUTPUT)
    assert not tally.full
    tally.store("b", MADE, "http://h/y.png")
    assert not tally.full
    tally.fail("a", FetchFailed("no", retryable=True), "fetch")
    assert tally.full


def test_the_record_of_a_good_output_holds_everything_in_the_order_of_its_inputs() -> None:
    tally = Tally(OUTPUT)
    for name in ("b", "a"):
        tally.store(name, MADE, f"http://h/{name}")
        tally.upload += 5.4
    record = tally.record(BEFORE, NOW, after(2), 30)
    assert record.status is Status.COMPLETE
    assert list(record.stored) == ["a", "b"]
    assert record.span == Span(NOW, after(2), 30, 11)
    assert (record.trouble, record.modified, record.created) == (None, after(2), BEFORE.created)
    assert (record.stored["a"].face, record.stored["a"].looked_for_face) == ({"x": 1}, True)


def test_an_output_with_one_failure_fails_and_keeps_what_was_stored() -> None:
    tally = Tally(OUTPUT)
    tally.store("a", MADE, "http://h/a")
    tally.fail("b", PutFailed("full", retryable=True), "put")
    record = tally.record(BEFORE, NOW, after(2), 0)
    assert record.trouble is not None
    assert (record.status, list(record.stored)) == (Status.FAILED, ["a"])
    trouble = record.trouble
    assert (trouble.code, trouble.stage, trouble.detail, trouble.retryable, trouble.ref) == (
        "put_failed",
        "put",
        "full",
        True,
        "b",
    )


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_first_trouble_by_input_is_the_one_shown(order: tuple[str, str]) -> None:
    tally = Tally(OUTPUT)
    for name in order:
        report = Report("r", None, {}, {f"t/{name}": Flaw("bad_image", "load", f"no {name}")})
        tally.take_flaw(name, report)
    record = tally.record(BEFORE, NOW, after(2), 0)
    assert record.trouble is not None
    assert (record.trouble.ref, record.trouble.detail, record.trouble.stage) == ("a", "no a", "load")


def test_a_sheet_carries_steps_and_saving_and_is_found_again_by_its_key() -> None:
    made = sheet(OUTPUT, "a", "/x/file")
    assert made.key == key(OUTPUT, "a")
    assert made.steps == (("resize", {"width": 2}),)
    saving = made.saving
    assert (saving.type, saving.quality, saving.progressive, saving.keep_metadata) == ("image/png", 70, True, True)


def test_a_render_reads_its_own_input_and_knows_the_files_of_the_layers() -> None:
    asked = render("j/a", "a", [sheet(OUTPUT, "a", "/x/0")], {"a": "/in/a", "logo": "/in/logo"}, "/x/journal")
    assert (asked.id, asked.source, asked.journal) == ("j/a", "/in/a", "/x/journal")
    assert asked.others["logo"] == "/in/logo"


SPANS = st.builds(Span, st.none() | MOMENTS, st.none() | MOMENTS, WHOLE, WHOLE)


def _bound(moments: list[datetime], pick: object) -> datetime | None:
    return pick(moments) if moments else None


@given(st.lists(SPANS, max_size=5), WHOLE)
def test_the_jobs_span_goes_from_the_earliest_start_to_the_latest_end(spans: list[Span], download: int) -> None:
    total = merged(spans, download)
    known = [one for one in spans if one.start]
    assert total.start == _bound([one.start for one in known if one.start], min)
    assert total.end == _bound([one.end for one in known if one.end], max)
    assert (total.download, total.upload) == (download, sum(one.upload for one in known))


@given(st.permutations([Span(NOW, after(1), 1, 2), Span(after(-1), NOW, 3, 4), replace(Span(), upload=9)]))
def test_the_order_of_the_outputs_does_not_matter_to_the_total(spans: list[Span]) -> None:
    assert merged(spans, 7) == Span(after(-1), after(1), 7, 6)
