"""A job in every version of the API: golden triples, and the samples that the editions print."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sixpx.api.v1 import versions
from sixpx.core import job as core
from sixpx.core.job import Job, Span, Status, Stored
from sixpx.errors import NotSupported
from sixpx.store.document import to_job, when
from tests.golden.editions import ASKED, Body, replies
from tests.golden.versions import make

GOLDEN = Path(make.__file__).parent
TRIPLES = sorted(GOLDEN.glob("*.json"))
SPOKEN = {"edition-1": "2014-04", "edition-2": "2014-04", "edition-3": "2014-08"}
"""The version whose shape the samples of an edition have."""


def job_of(stored: dict[str, Any]) -> Job:
    moments = (when(stored["created"]), when(stored["modified"]))
    return to_job(stored["document"], stored["user_id"], stored["status"], *moments)


# --- golden triples ------------------------------------------------------------------------------------


def test_the_triples_are_those_that_the_script_makes() -> None:
    assert {file.name: file.read_text("utf-8") for file in TRIPLES} == dict(make.files())


@pytest.mark.parametrize("version", versions.VERSIONS)
@pytest.mark.parametrize("file", TRIPLES, ids=lambda file: file.stem)
def test_the_stored_job_alone_makes_the_reply(file: Path, version: str) -> None:
    triple = json.loads(file.read_text("utf-8"))
    reply = versions.seen_by(job_of(triple["stored"]), version)
    assert json.loads(json.dumps(reply)) == triple["replies"][version]


@pytest.mark.parametrize("file", TRIPLES, ids=lambda file: file.stem)
def test_no_reply_holds_a_credential(file: Path) -> None:
    said = json.dumps(json.loads(file.read_text("utf-8"))["replies"])
    assert not [secret for secret in ("key:secret", "user:password", "sealed:") if secret in said]


# --- the editions' samples -----------------------------------------------------------------------------


def shape(value: Any) -> Any:
    """Keys, nesting and types."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def entries(sample: dict[str, Any]) -> list[dict[str, Any]]:
    """What came of each output, whichever way the edition nests it."""
    processed = sample["processed"]
    return [one["data"] for one in processed] if isinstance(processed, list) else [processed]


def span_of(duration: dict[str, Any]) -> Span:
    return Span(when(duration["start"]), when(duration["end"]), duration["download"], duration["upload"])


def reached(sample: dict[str, Any]) -> Job:
    """A job of the service's own that did what the sample says."""
    asked = make.posted(make.Case({key: sample[key] for key in ASKED if key in sample}))
    now = asked.created + timedelta(days=1)
    job = core.advance(asked, Status.PROCESSING, now)
    for record, entry in zip(asked.processed, entries(sample), strict=True):
        pictures = {
            ref: Stored(**one["info"], type="image/png", location=one.get("location", "http://example.com/it.png"))
            for ref, one in entry["output"].items()
        }
        ended = replace(record, status=Status.COMPLETE, stored=pictures, span=span_of(entry["duration"]))
        job = core.with_processed(job, ended, now)
    return core.conclude(job, span_of(entries(sample)[-1]["duration"]), now)


def as_printed(reply: dict[str, Any], edition: str) -> dict[str, Any]:
    """Without what is ours. Edition 1 is from before there were locations, edition 2 prints its shape with them."""
    text = json.dumps({key: value for key, value in reply.items() if key != "images"})
    without = ("type",) if edition != "edition-1" else ("type", "location")

    def aged(read: dict[str, Any]) -> dict[str, Any]:
        result = "info" in read or {"width", "height", "bytes"} <= set(read)
        return {key: value for key, value in read.items() if key not in without} if result else read

    mended: dict[str, Any] = json.loads(text, object_hook=aged)
    return mended


@pytest.mark.parametrize("sample", replies(), ids=lambda one: one.at)
def test_the_editions_samples_come_out_of_it(sample: Body) -> None:
    edition = "-".join(sample.at.split("-")[:2])
    reply = as_printed(versions.seen_by(reached(sample.body), SPOKEN[edition]), edition)
    assert shape(reply) == shape(sample.body)
    said = entries(reply)
    assert [one["duration"] for one in said] == [one["duration"] for one in entries(sample.body)]
    assert [one["bytes"] for one in said] == [one["bytes"] for one in entries(sample.body)]
    assert {key: reply[key] for key in ("input", "output", "status", "data")} == {
        key: sample.body[key] for key in ("input", "output", "status", "data")
    }


@pytest.mark.parametrize("version", ["2014-06", "2014-04"])
@pytest.mark.parametrize("file", TRIPLES, ids=lambda file: file.stem)
def test_the_older_versions_show_no_field_of_ours_but_three(file: Path, version: str) -> None:
    reply = json.loads(file.read_text("utf-8"))["replies"][version]
    known = {"__v", "_id", "user_id", "modified", "created", "input", "output", "processed", "status", "data"}
    assert set(reply) - known <= {"callback", "error"}
    shown = [reply["processed"]] if version == "2014-04" else list(reply["processed"].values())
    for one in shown:
        assert set(one) - {"error"} == {"duration", "output", "bytes"}
        for entry in one["output"].values():
            assert set(entry) - {"analysis", "face"} == {"info", "location"}
            assert set(entry["info"]) == {"width", "height", "bytes"}


# --- the choice ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "users", "configured", "spoken"),
    [
        (None, None, "2014-08", "2014-08"),
        (None, None, "2014-04", "2014-04"),
        (None, "2014-06", "2014-04", "2014-06"),
        ("2014-08", "2014-06", "2014-04", "2014-08"),
        ("", "2014-06", "2014-04", "2014-06"),
    ],
)
def test_the_header_comes_before_the_user_and_the_user_before_the_configuration(
    header: str | None, users: str | None, configured: str, spoken: str
) -> None:
    assert versions.chosen(header, users, configured) == spoken


@pytest.mark.parametrize("header", ["2014-07", "1", "2014-08 ", "x" * 1000])
def test_a_version_that_is_none_is_refused_with_the_list(header: str) -> None:
    with pytest.raises(NotSupported) as refused:
        versions.chosen(header, "2014-06")
    assert "2014-08, 2014-06, 2014-04" in str(refused.value)
    assert len(str(refused.value)) < 200
