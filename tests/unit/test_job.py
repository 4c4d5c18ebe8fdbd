"""Owns the law of a job's moves and ends. Never a store."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import assume, given

from sixpx.core.delivery import DELIVERIES_KEPT
from sixpx.core.job import (
    MOVES,
    IllegalMove,
    Input,
    Job,
    Output,
    Span,
    Status,
    Step,
    Trouble,
    advance,
    again,
    cancel,
    conclude,
    fail_unfinished,
    needs_of,
    sources_of,
    unfinished,
    with_processed,
)
from sixpx.errors import Conflict
from tests.contract.jobs import NOW, after, ended, job_of, jobs

LEGAL = {
    ("pending", "processing"),
    ("pending", "failed"),
    ("processing", "complete"),
    ("processing", "failed"),
    ("processing", "pending"),
    ("failed", "pending"),
}
OVER = Span(NOW, after(3), 10, 20)


@pytest.mark.parametrize(("before", "then"), list(product(Status, Status)))
def test_a_job_makes_the_moves_of_the_table_and_no_other(before: Status, then: Status) -> None:
    job = replace(job_of(1), status=before)
    if (str(before), str(then)) in LEGAL:
        assert advance(job, then, after(1)) == replace(job, status=then, modified=after(1))
    else:
        with pytest.raises(IllegalMove, match=f"from {before} to {then}"):
            advance(job, then, after(1))


def test_every_status_has_its_moves_and_only_two_are_ends() -> None:
    assert set(MOVES) == set(Status)
    assert {one for one in Status if one.ended} == {Status.COMPLETE, Status.FAILED}


@given(jobs())
def test_a_job_ends_failed_when_any_output_failed(job: Job) -> None:
    job = replace(job, status=Status.PROCESSING)
    failed = any(one.status is Status.FAILED for one in job.processed)
    done = conclude(job, OVER, after(3))
    assert (done.status is Status.FAILED, done.status.ended) == (failed, True)
    assert (done.total, done.modified, done.processed) == (OVER, after(3), job.processed)


@given(jobs())
def test_failing_the_unfinished_leaves_every_ended_output_as_it_was(job: Job) -> None:
    assume(not job.status.ended)
    trouble = Trouble("internal", "run", "a mistake")
    failed = fail_unfinished(job, trouble, after(1))
    for before, then in zip(job.processed, failed.processed, strict=True):
        if before.status.ended:
            assert then == before
        else:
            assert then == replace(before, status=Status.FAILED, trouble=trouble, modified=after(1))
    assert (failed.status, failed.trouble, failed.modified) == (Status.FAILED, trouble, after(1))
    assert not unfinished(failed)


def test_a_cancelled_job_says_so() -> None:
    done = cancel(job_of(1), after(1))
    assert done.trouble is not None
    assert (done.status, done.trouble.code, done.trouble.retryable) == (Status.FAILED, "cancelled", False)
    assert done.processed[0].trouble == done.trouble


@given(jobs())
def test_a_retry_puts_back_the_failed_outputs_and_no_other(job: Job) -> None:
    job = replace(job, status=Status.FAILED)
    queued = again(job, after(1))
    assert (queued.status, queued.trouble, queued.modified) == (Status.PENDING, None, after(1))
    for before, then in zip(job.processed, queued.processed, strict=True):
        if before.status is Status.FAILED:
            assert (then.id, then.tag, then.created) == (before.id, before.tag, before.created)
            assert (then.status, dict(then.stored), then.span, then.trouble) == (Status.PENDING, {}, Span(), None)
        else:
            assert then == before


@pytest.mark.parametrize("status", [Status.PENDING, Status.COMPLETE])
def test_a_job_without_a_failure_is_not_put_back(status: Status) -> None:
    with pytest.raises(Conflict, match=f"this one is {status}"):
        again(replace(job_of(1), status=status), after(1))


def test_unfinished_outputs_come_in_the_order_of_the_request() -> None:
    job = ended(job_of(1, tags=("a", "b", "c", "d")), tags=frozenset({"c", "a"}))
    assert [one.tag for one in unfinished(job)] == ["b", "d"]


def test_a_record_is_replaced_by_its_tag() -> None:
    job = job_of(1, tags=("a", "b"))
    changed = replace(job.processed[1], status=Status.COMPLETE)
    then = with_processed(job, changed, after(2))
    assert (then.processed, then.modified) == ((job.processed[0], changed), after(2))


def test_the_bytes_of_a_job_are_those_of_all_its_results() -> None:
    assert ended(job_of(1, tags=("a", "b"))).bytes == 240
    assert job_of(1).bytes == 0


def test_the_total_of_a_span_is_its_length_in_milliseconds() -> None:
    assert Span(NOW, after(1.5)).total == 1500
    assert (Span().total, Span(NOW).total) == (0, 0)


def output(tag: str, names: str, *layers: str) -> Output:
    steps = tuple(Step("layer", {"ref": one}) for one in layers)
    return Output(tag, {}, {name: name for name in names.split()}, (Step("resize", {"width": 1}), *steps))


def test_an_output_needs_its_inputs_and_its_layers_each_once() -> None:
    one = output("a", "x y", "z", "x", "logo")
    assert one.layers == {"z", "x", "logo"}
    assert needs_of(one) == ("x", "y", "logo", "z")


def test_sources_come_once_in_order_of_first_use() -> None:
    assert sources_of([output("a", "y x"), output("b", "x z"), output("c", "y")]) == ("y", "x", "z")


def test_an_input_is_found_by_name() -> None:
    inputs = (Input("a", "http://h/a"), Input("b", "http://h/b"))
    assert replace(job_of(1), inputs=inputs).input("b") is inputs[1]


def test_a_job_keeps_its_newest_deliveries_and_no_number_comes_twice() -> None:
    job, made = replace(job_of(1), callback_sealed="sealed"), []
    for number in range(DELIVERIES_KEPT + 5):
        job = fail_unfinished(job, Trouble("internal", "run", "a mistake"), after(number))
        made.append(job.deliveries[-1].id)
        job = again(job, after(number + 0.5))
    assert made == [f"msg_{job.id}_{number}" for number in range(1, DELIVERIES_KEPT + 6)]
    assert [one.id for one in job.deliveries] == made[-DELIVERIES_KEPT:]
