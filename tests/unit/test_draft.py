"""Owns what a client's words become: bodies, results, failures. Never a service."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from sixpx import client, signature
from sixpx.api.v1 import mistakes
from sixpx.api.v1.mistakes import Counts
from sixpx.client import Draft, JobFailed, Result, Unreachable, Unverified, received
from sixpx.client.wire import KINDS
from sixpx.errors import Invalid, NotFound, OverQuota, SixpxError
from tests.unit.test_commands import JOB

URL = "https://example.com/a.jpg"
Body = dict[str, Any]


def sent(body: Callable[[], Body]) -> Body:
    return body()


@pytest.fixture
def px() -> Draft[Body]:
    """A draft whose `save` returns the body that would be posted."""
    return Draft(sent)


def test_the_chain_of_the_readmes_becomes_edition_threes_body(px: Draft[Body]) -> None:
    body = (
        px.load("taxi", URL)
        .output({"taxi": "unsplashed_taxi"})
        .tag("vintage_thumb")
        .url("6px")
        .filter({"sepia": 70})
        .resize({"width": 75})
        .save()
    )
    assert body == {
        "input": {"taxi": URL},
        "output": [
            {
                "ref": {"taxi": "unsplashed_taxi"},
                "tag": "vintage_thumb",
                "url": "6px",
                "methods": [
                    {"method": "filter", "options": {"sepia": 70}},
                    {"method": "resize", "options": {"width": 75}},
                ],
            }
        ],
    }


def test_every_word_makes_a_body_that_the_service_takes(px: Draft[Body]) -> None:
    body = (
        px.load({"a": URL, "b": b"\x89PNG"})
        .data({"order": 7})
        .callback("https://example.com/hook")
        .output({"a": "first"})
        .type("image/jpeg")
        .quality(70)
        .progressive()
        .keep_metadata()
        .crop(x=1, y=1, width=50)
        .rotate(degrees=90)
        .layer(ref="b", opacity=0.5)
        .output({"b": False})
        .analyze(type="color")
        .method("resize", {"width": 5}, height=6)
        .save()
    )
    assert mistakes.of_shape(body, Counts()) == []
    assert [one["ref"] for one in body["output"]] == [{"a": "first"}, {"b": False}]
    assert body["output"][1]["methods"][1]["options"] == {"width": 5, "height": 6}


def test_a_draft_that_is_kept_can_be_continued_in_two_ways(px: Draft[Body]) -> None:
    kept = px.load(URL).output("x").resize(width=5)
    assert kept.tag("one").save()["output"][0]["tag"] == "one"
    assert "tag" not in kept.save()["output"][0]
    assert len(kept.output("y").save()["output"]) == 2


def test_without_an_output_every_input_is_kept_under_a_random_name(px: Draft[Body]) -> None:
    assert px.load({"a": URL, "b": URL}).save()["output"] == [{"ref": {"a": False, "b": False}, "methods": []}]
    assert px.load(URL).get_info()["output"][0]["tag"] == "info"


@pytest.mark.parametrize("as_text", [False, True])
def test_a_file_travels_inside_the_body_and_is_read_when_the_job_is_saved(
    px: Draft[Body], tmp_path: Path, as_text: bool
) -> None:
    path = tmp_path / "a.png"
    draft = px.load(str(path) if as_text else path)
    path.write_bytes(b"png")
    assert draft.save()["input"]["main"] == "data:image/png;base64," + base64.b64encode(b"png").decode()


@pytest.mark.parametrize("source", [URL, "data:image/gif;base64,R0lG", "HTTPS://EXAMPLE.COM/A"])
def test_an_address_stays_as_it_is(px: Draft[Body], source: str) -> None:
    assert px.load(source).save()["input"] == {"main": source}


def test_a_file_that_is_not_there_is_said_with_its_input(px: Draft[Body], tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"/input/main: .*nowhere\.png cannot be read: No such file"):
        px.load(tmp_path / "nowhere.png").save()


def test_what_is_said_before_an_output_is_refused(px: Draft[Body]) -> None:
    with pytest.raises(Invalid, match=r"expected output\(...\) before"):
        px.load(URL).resize(width=5)
    with pytest.raises(Invalid, match="a name alone needs a single input; there are 2"):
        px.load({"a": URL, "b": URL}).output("name")


# --- what a program imports -----------------------------------------------------------------------


def test_what_a_program_may_catch_is_imported_from_where_the_client_is() -> None:
    raised = {*KINDS.values(), SixpxError, Invalid, OverQuota, JobFailed, Unreachable, Unverified}
    assert raised <= {getattr(client, name) for name in client.__all__}


def test_the_types_are_there_for_programs_that_are_checked() -> None:
    """PEP 561: without the marker a type checker takes everything of ours for Any."""
    assert (files("sixpx") / "py.typed").is_file()


# --- results --------------------------------------------------------------------------------------


def test_a_result_has_its_pictures_and_troubles() -> None:
    job = Result.of(JOB)
    assert (job.id, job.ended, [one.location for one in job.pictures]) == ("j1", True, ["http://a/u1/j1/x.png"])
    assert job.picture("good", "main") == job.picture()
    assert [(one.tag, one.code, one.retryable) for one in job.troubles] == [("bad", "bad_step", True)]
    with pytest.raises(NotFound, match="expected one picture of bad/any input, there are: good/main"):
        job.picture("bad")


def test_a_failed_job_says_why() -> None:
    fault = JobFailed(Result.of(JOB))
    assert (str(fault), fault.retryable) == ("job j1 failed: bad: too wide", True)


@pytest.mark.parametrize("raw", [{}, [], None, {"_id": "1"}, {**JOB, "processed": None}, {**JOB, "processed": [1]}])
def test_a_reply_that_is_no_job_is_said(raw: Any) -> None:
    with pytest.raises(SixpxError, match="no job of version 2014-08"):
        Result.of(raw)


# --- callbacks ------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD, NEW = (f"whsec_{base64.b64encode(bytes([number]) * 24).decode()}" for number in (1, 2))


def test_a_signed_callback_is_the_job() -> None:
    body = json.dumps(JOB).encode()
    headers = {name.title(): value for name, value in signature.headers([NEW], "msg_1", NOW, body).items()}
    assert received(body, headers, OLD, NEW, now=NOW) == Result.of(JOB)


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_callback_of_another_time_is_refused(late: timedelta) -> None:
    headers = signature.headers([NEW], "msg_1", NOW, b"{}")
    with pytest.raises(Unverified):
        received(b"{}", headers, NEW, now=NOW + late)


def test_a_callback_that_was_changed_or_is_not_signed_is_refused() -> None:
    headers = signature.headers([OLD], "msg_1", NOW, b"{}")
    for body, shown, secret in ((b"{ }", headers, OLD), (b"{}", headers, NEW), (b"{}", {}, OLD)):
        with pytest.raises(Unverified):
            received(body, shown, secret, now=NOW)
