"""Owns the laws of the stored shape: it reads back equal, and is edition 3's. Never a database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import orjson
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core.job import Input, Job
from sixpx.store.document import from_job, from_user, iso, to_job, to_user, when
from tests.contract.jobs import MOMENTS, ended, job_of, jobs, user_of


@given(jobs())
def test_a_job_comes_back_equal_from_its_document(job: Job) -> None:
    kept = orjson.loads(orjson.dumps(from_job(job)))
    assert to_job(kept, job.user_id, str(job.status), job.created, job.modified) == job


@given(MOMENTS, st.integers(-23, 23))
def test_a_moment_comes_back_equal_from_any_zone(moment: datetime, hours: int) -> None:
    away = moment.astimezone(timezone(timedelta(hours=hours)))
    assert iso(away) == iso(moment)
    assert when(iso(moment)) == moment
    assert len(iso(moment)) == len("2014-08-16T20:41:06.343Z")


def test_a_users_document_reads_back_equal() -> None:
    user = user_of(1, "Zoë", {"mask": "sealed"})
    assert to_user(json.loads(json.dumps(from_user(user)))) == user


def test_the_document_has_edition_3s_fields_for_each_output() -> None:
    kept = from_job(ended(job_of(1)))
    (one,) = kept["processed"]
    assert set(one) == {"_id", "created", "modified", "name", "status", "data"}
    assert set(one["data"]) == {"bytes", "output", "duration"}
    assert one["data"]["output"] == {
        "main": {
            "info": {"width": 4, "height": 3, "bytes": 120, "type": "image/png"},
            "location": "http://files.test/one.png",
        }
    }


def test_the_public_part_of_a_document_holds_nothing_sealed() -> None:
    inputs = (Input("main", "http://u:***@h/", sealed="a sealed input"),)
    kept = from_job(replace(job_of(1), inputs=inputs, callback={"url": "http://h/"}, callback_sealed="a sealed hook"))
    private = kept.pop("sixpx")
    assert (private["input"]["main"]["sealed"], private["callback"]) == ("a sealed input", "a sealed hook")
    assert "sealed" not in json.dumps(kept)
