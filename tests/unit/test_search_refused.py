"""Owns what a search refuses, in which words, and which kind each field has. Never what is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.api.v1.fields import FIELDS, Kind, canonical, kind_of
from sixpx.api.v1.operators import OPERATORS
from sixpx.api.v1.search import CONDITIONS_MOST, DEPTH_MOST, PATH_MOST, TEXT_MOST, VALUES_MOST, asked
from sixpx.core.query import And, Or, Query
from sixpx.errors import Invalid, Mistake
from sixpx.store.document import TOPS, from_job, searchable
from tests.contract.jobs import ended, job_of
from tests.contract.queries import spelled


def faults_of(text: str) -> tuple[Mistake, ...]:
    with pytest.raises(Invalid) as refused:
        spelled(text)
    assert refused.value.detail == "; ".join(one.detail for one in refused.value.mistakes)
    return refused.value.mistakes


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ("processed.bytes=abc", "/processed.bytes", "expected a number, got 'abc'"),
        ("processed.bytes={gt}1,2", "/processed.bytes", "expected a number, got '1,2'"),
        ("processed.bytes=nan", "/processed.bytes", "expected a number, got 'nan'"),
        ("processed.bytes=1e999", "/processed.bytes", "expected a number, got '1e999'"),
        ("processed.bytes=0x10", "/processed.bytes", "expected a number, got '0x10'"),
        ("processed.bytes=١", "/processed.bytes", "expected a number"),
        ("processed.bytes={gt}", "/processed.bytes", "expected a value after the operator, got none"),
        ("data.x={in},", "/data.x", "expected a value after the operator"),
        ("data.x={not}", "/data.x", "expected a value after the operator"),
        ("data.x={mod}0,1", "/data.x", "expected a divisor other than 0, got '0,1'"),
        ("data.x={mod}5", "/data.x", "expected a divisor and a remainder, with a comma between, got '5'"),
        ("data.x={mod}5,1,1", "/data.x", "expected a divisor and a remainder"),
        ("data.x={mod}5,1.5", "/data.x", "expected a whole number, got '1.5'"),
        ("data.x={mod}99999999999999999999,1", "/data.x", "expected a whole number"),
        ("output.progressive=maybe", "/output.progressive", "expected true (t yes y 1) or false (f no n 0)"),
        ("data.x={gtee}5", "/data.x", "(did you mean {gte}?), got '{gtee}'"),
        ("data.x={foo}5", "/data.x", "expected {in} {all} {nin} {ne} {not} {exact} {gt} {gte} {lt} {lte} {mod} on a"),
        ("data.x={near}1,2", "/data.x", "({near} is for latlon), got '{near}'"),
        ("status={gt}a", "/status", "expected {in} {all} {nin} {ne} {not} {exact} on a status, got '{gt}'"),
        ("created={mod}2,1", "/created", "on a date"),
        ("latlon=1,2", "/latlon", "expected {near} on a position, got none"),
        ("latlon={near}1", "/latlon", "expected latitude,longitude or latitude,longitude,miles, got '1'"),
        ("latlon={near}1,2,3,4", "/latlon", "expected latitude,longitude or latitude,longitude,miles"),
        ("latlon={near}1,b", "/latlon", "expected latitude,longitude or latitude,longitude,miles, got '1,b'"),
        ("latlon={near}1,2,nan", "/latlon", "expected latitude,longitude or latitude,longitude,miles"),
        ("latlon={near}90.1,2", "/latlon", "expected a latitude from -90 to 90"),
        ("latlon={near}9,180.5", "/latlon", "a longitude from -180 to 180"),
        ("latlon={near}9,1,-1", "/latlon", "expected a radius of 0 miles or more"),
        ("latlon={near}1,2&latlon={near}1,2", "", "expected one {near} in a search, got 2"),
        ("latlon={near}1,2{near}1,2", "", "expected one {near} in a search, got 2"),
        ("data.x={gt 5", "/data.x", "expected an operator such as {gt}, or \\{ for the character itself, got '{gt 5'"),
        ("data.x={}5", "/data.x", "expected an operator such as {gt}"),
        ("data.$x=1", "/data.$x", "expected a field's name, with dots between its parts and without $"),
        ("$where=1", "/$where", "without $"),
        ("data..x=1", "/data..x", "expected a field's name"),
        (".=1", "/.", "expected a field's name"),
        ("=1", "/", "expected a field's name"),
        ("data.x%00=1", "/data.x\0", "expected a field's name"),
        ("data.x=a%00b", "/data.x", "expected a value without the character U+0000"),
        ("sixpx.version=2014-08", "/sixpx.version", "expected a field of the job as a client sees it"),
        ("a/b~c=%00", "/a~1b~0c", "expected a value without"),
        ("page=0", "/page", "expected a whole number from 1, got '0'"),
        ("per_page=x", "/per_page", "expected a whole number from 1, got 'x'"),
        ("sort_by=created,up", "/sort_by", "expected asc, desc, 1 or -1 after the comma, got 'up'"),
        ("sort_by=,", "/sort_by", "expected a field's name"),
        ("sort_by=data.$x", "/sort_by", "without $"),
        (
            "sort_by=images.0.width",
            "/sort_by",
            "expected a field's name without places in arrays, got 'images.0.width'",
        ),
        ("sort_by=sixpx.version", "/sort_by", "expected a field of the job as a client sees it"),
        (
            f"data.x={'a' * (TEXT_MOST + 1)}",
            "/data.x",
            f"expected {TEXT_MOST} characters at most in a value, got 1001",
        ),
        (f"data.x={'a,' * VALUES_MOST}", "/data.x", f"expected {VALUES_MOST} values at most in a list, got 101"),
        ("data.x=" + "{ne}5" * (CONDITIONS_MOST + 1), "", f"expected {CONDITIONS_MOST} conditions at most, got 51"),
        (f"{'a.' * DEPTH_MOST}a=5", "/" + "a." * DEPTH_MOST + "a", f"{PATH_MOST} characters and {DEPTH_MOST} parts"),
        (f"{'a' * (PATH_MOST + 1)}=5", "/" + "a" * PATH_MOST, f"{PATH_MOST} characters and {DEPTH_MOST} parts at most"),
    ],
)
def test_a_mistake_is_told_with_its_place_what_was_expected_and_what_came(text: str, pointer: str, words: str) -> None:
    (fault,) = faults_of(text)
    assert fault.pointer == pointer
    assert words in fault.detail
    assert len(fault.detail) < 600


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2014-13-01",
        "2014-02-30",
        "1408221666343",
        "0001-01-01T00:00+05:00",
        "20:41",
        "2014-08-16T",
        "٢٠١٤",
        "5",
        "2014-08-16T20:41:06.343 00:00 00:00",
        "9" * 41,
        "1 " * 20 + "1",
    ],
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    (fault,) = faults_of(f"created={text}")
    assert fault.pointer == "/created"
    assert fault.detail.startswith("created: expected a date such as 2014-08-16 or 2014-08-16T20:41:06.343Z, got '")


def test_all_mistakes_are_told_at_once() -> None:
    text = "page=0&processed.bytes=a&data.$x=1&created=b&sort_by=created,up&latlon={near}99,0"
    assert [one.pointer for one in faults_of(text)] == [
        "/page",
        "/sort_by",
        "/processed.bytes",
        "/data.$x",
        "/created",
        "/latlon",
    ]


def test_no_more_than_twenty_mistakes_are_told() -> None:
    assert len(faults_of("&".join(["data.$x=1"] * 30))) == 20


def test_the_largest_search_is_not_refused() -> None:
    values = ",".join(["a" * TEXT_MOST] * VALUES_MOST)
    assert isinstance(spelled(f"data.x={values}").where, Or)
    assert spelled("data.x=" + "{ne}5" * CONDITIONS_MOST).where != And()


@given(
    st.dictionaries(
        st.text(max_size=12), st.text(max_size=30) | st.sampled_from(sorted(OPERATORS)).map("{{{}}}1,2".format)
    )
)
def test_any_parameters_are_a_query_or_an_invalid_request(params: dict[str, str]) -> None:
    try:
        made = asked(params)
    except Invalid as fault:
        told = fault.mistakes
    else:
        told = (Mistake("", ""),) * isinstance(made, Query)
    assert told


# --- fields ---------------------------------------------------------------------------------------


def test_every_operator_is_for_some_kind_and_every_kind_has_one() -> None:
    assert {kind for one in OPERATORS.values() for kind in one.kinds} == set(Kind)
    assert all(one.kinds for one in OPERATORS.values())


def test_the_fields_that_jobs_have_are_those_of_their_documents() -> None:
    assert set(searchable(job_of(1))) == TOPS
    assert set(from_job(job_of(1))) - TOPS == {"sixpx"}
    assert all(path.partition(".")[0] in TOPS for path in FIELDS)


def test_every_date_of_a_document_is_known_as_one() -> None:
    found = dict(_leaves("", searchable(ended(job_of(1)))))
    assert {path for path, value in found.items() if _is_date(value)} == {
        path for path in found if kind_of(path) is Kind.DATE
    }
    assert kind_of("processed.0.created") is Kind.DATE


def _leaves(path: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(f"{path}.{key}".strip("."), inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(path, inner)]
    return [(path, value)]


def _is_date(value: object) -> bool:
    return isinstance(value, str) and value.endswith(".000Z")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("processed.3.data.output.main.info.bytes", Kind.NUMBER),
        ("processed.data.output.0.info.bytes", Kind.NUMBER),
        ("processed.0.data.output.0.info.bytes", Kind.NUMBER),
        ("processed.data.output.main.analysis.exif.Make", Kind.ANY),
        ("images.0.width", Kind.NUMBER),
        ("images.latlon", Kind.PLACE),
        ("images.0.latlon", Kind.ANY),
        ("images.0.latlon.1", Kind.NUMBER),
        ("input.main", Kind.TEXT),
        ("input.0", Kind.TEXT),
        ("input", Kind.ANY),
        ("output.0.quality", Kind.NUMBER),
        ("data.status", Kind.ANY),
        ("totals.duration.end", Kind.DATE),
    ],
)
def test_a_path_has_the_kind_of_its_field_wherever_in_an_array(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind


@pytest.mark.parametrize("name", ["bytes", "processed.bytesize", "processed.data.bytes", "data.latlon", "latlong"])
def test_only_whole_names_are_other_names(name: str) -> None:
    assert canonical(name) == name
