"""Owns the tests of the public law: what a POST body may be, and the words for what it may not. Never posts one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from sixpx.api.schemas import documents, law, mistakes
from tests.golden.editions import INPUTS, bodies, requests

PUBLISHED = documents()
REGISTRY = Registry().with_resources((name, Resource.from_contents(each)) for name, each in PUBLISHED.items())
PLAIN = Draft202012Validator(PUBLISHED["urn:sixpx:v1:job"], registry=REGISTRY)
"""What a third party runs: the published files, $ref and if/then and all."""

OUT = "/output/0"
STEP = "/output/0/methods/0"
OPTIONS = "/output/0/methods/0/options"


def asks(**output: Any) -> dict[str, Any]:
    return {"input": dict(INPUTS), "output": [{"ref": {"main": False}, **output}]}


def step(method: Any, options: Any) -> dict[str, Any]:
    return asks(methods=[{"method": method, "options": options}])


def pointers(body: object) -> list[str]:
    return [each.pointer for each in mistakes(body)]


def details(body: object) -> list[str]:
    return [each.detail for each in mistakes(body)]


# --- the files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(PUBLISHED[name])
    assert {"$schema", "$id", "title", "description"} <= set(PUBLISHED[name])


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_example_of_a_schema_is_valid(name: str) -> None:
    schemas = {"": PUBLISHED[name]} if "type" in PUBLISHED[name] else PUBLISHED[name]["$defs"]
    for part, schema in schemas.items():
        assert schema.get("examples") or name == "urn:sixpx:v1:reply"  # the whole bodies show what they are made of
        judge = Draft202012Validator({"$ref": f"{name}#/$defs/{part}" if part else name}, registry=REGISTRY)
        for example in schema.get("examples", ()):
            assert list(judge.iter_errors(example)) == []


def test_every_method_of_a_step_has_its_file_and_the_other_way_round() -> None:
    named = set(PUBLISHED["urn:sixpx:v1:step"]["properties"]["method"]["enum"])
    files = {name.rpartition(":")[2] for name in PUBLISHED if name.startswith("urn:sixpx:methods:")}
    assert named == set(law().options) == files


def test_every_schema_that_can_fail_has_a_title_for_its_sentence() -> None:
    def walk(schema: dict[str, Any]) -> None:
        assert schema["title"]
        below = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("propertyNames")]
        for each in (*below, schema.get("additionalProperties")):
            if each:
                walk(each)

    for judge in (law().job, *law().options.values()):
        walk(judge.schema)


# --- what must be accepted ----------------------------------------------------------------------


@pytest.mark.parametrize("example", bodies(), ids=lambda each: each.at)
def test_every_request_of_the_editions_is_accepted(example: Any) -> None:
    assert mistakes(example.body) == ()
    assert PLAIN.is_valid(example.body)


def test_the_editions_are_all_there() -> None:
    assert (len(bodies()), len(requests())) == (87, 32)


@pytest.mark.parametrize(
    "body",
    [
        asks(methods=[], tag="", url="", type=""),  # the published Ruby client
        asks(tag=None, url=None, type=None),  # the published Python client sends null for a tag that was not set
        asks(url=False),
        {**asks(), "callback": {"url": ""}, "data": {}},
        {**asks(), "callback": {"url": False}},
        *({**asks(), "callback": nothing} for nothing in ({}, False, "", None)),  # SPEC section 9, Echo
        {**asks(), "data": {"a.b": {"$c": [1, None]}}},
        asks(ref=["main", "img1"]),
        asks(ref={"main": "x" * 200, "img1": "...", "img2": "naïve ünïcode 写真.jpeg"}),
        asks(tag="é" * 100),
        asks(type="image/tiff", quality=100, progressive=True, metadata="keep"),
        {**asks(), "input": {"main": "data:image/png;base64,iVBO\nRw0K\n"}},  # the Ruby client breaks its lines
        {**asks(), "input": {"main": "HTTPS://example.com/my%20picture.jpg"}},
        {**asks(), "input": {"a" * 64: "http://example.com/"}},
        step("rotate", {"degrees": -1e6, "color": "fff"}),
        step("resize", {"width": 0.5, "height": 100000}),
        step("crop", {}),
        step("crop", {"face": False, "padding": 0, "x": -1e6}),
        step("filter", {}),
        step("filter", {"sepia": False, "invert": 1, "blur": False, "brightness": -1e6, "gamma": 0.4}),
        step("filter", {"colorize": "0000FF"}),
        step("filter", {"channels": {"red": -100}, "curves": {"points": [[0, 0], [90, 120], [255, 255]]}}),
        step("filter", {"curves": {"channels": "v", "points": [[0, 0], [1, 2], [3, 4], [255, 255]]}}),
        step("layer", {"ref": "img1", "opacity": 0, "blend": "normal", "gravity": "southwest", "width": 5}),
        step("analyze", {"exif": True}),
        step("analyze", {"color": True, "context": "dominant"}),
        step("analyze", {"type": "color", "nudity": True, "count": 64}),
    ],
    ids=json.dumps,
)
def test_odd_but_good(body: dict[str, Any]) -> None:
    assert mistakes(body) == ()
    assert PLAIN.is_valid(body)


# --- what must be refused, and where ------------------------------------------------------------

BAD: list[tuple[Any, list[str]]] = [
    # the body
    (None, [""]),
    ([], [""]),
    ("job", [""]),
    ({}, ["/input", "/output"]),
    ({"output": [{"ref": ["main"]}]}, ["/input"]),
    ({"input": {"main": "http://example.com/"}}, ["/output"]),
    ({**asks(), "outputs": []}, ["/outputs"]),
    ({**asks(), "priority": 0, "user_id": "x"}, ["/priority", "/user_id"]),
    ({**asks(), "a/b~c": 1}, ["/a~1b~0c"]),
    # input
    ({**asks(), "input": {}}, ["/input"]),
    ({**asks(), "input": ["http://example.com/a.jpg"]}, ["/input"]),
    ({**asks(), "input": {"main": ""}}, ["/input/main"]),
    ({**asks(), "input": {"main": None}}, ["/input/main"]),
    ({**asks(), "input": {"main": "ftp://example.com/a.jpg"}}, ["/input/main"]),
    ({**asks(), "input": {"main": "http://"}}, ["/input/main"]),
    ({**asks(), "input": {"main": "http://example.com/\r\nHost: x"}}, ["/input/main"]),
    ({**asks(), "input": {"main": "data:image/png;base64,"}}, ["/input/main"]),
    ({**asks(), "input": {"main": "/etc/passwd"}}, ["/input/main"]),
    ({**asks(), "input": {"my cat": "http://example.com/"}}, ["/input/my cat"]),
    ({**asks(), "input": {"cat\n": "http://example.com/"}}, ["/input/cat\n"]),
    ({**asks(), "input": {"": "http://example.com/"}}, ["/input/"]),
    ({**asks(), "input": {"a.b": 5}}, ["/input/a.b", "/input/a.b"]),
    # data, callback
    ({**asks(), "data": []}, ["/data"]),
    ({**asks(), "data": None}, ["/data"]),
    ({**asks(), "callback": "http://example.com/"}, ["/callback"]),
    ({**asks(), "callback": True}, ["/callback"]),
    ({**asks(), "callback": {"url": True}}, ["/callback/url"]),
    ({**asks(), "callback": {"url": "example.com"}}, ["/callback/url"]),
    ({**asks(), "callback": {"url": "\n"}}, ["/callback/url"]),
    ({**asks(), "callback": {"uri": "http://example.com/"}}, ["/callback/uri"]),
    # output
    ({**asks(), "output": []}, ["/output"]),
    ({**asks(), "output": asks()["output"][0]}, ["/output"]),
    ({**asks(), "output": [{}]}, ["/output/0/ref"]),
    ({**asks(), "output": ["x", asks()["output"][0], 5]}, ["/output/0", "/output/2"]),
    (asks(metod=[]), ["/output/0/metod"]),
    (asks(ref="main"), [f"{OUT}/ref"]),
    (asks(ref={}), [f"{OUT}/ref"]),
    (asks(ref=[]), [f"{OUT}/ref"]),
    (asks(ref=[0]), [f"{OUT}/ref/0"]),
    (asks(ref=["main", "no name"]), [f"{OUT}/ref/1"]),
    (asks(ref={"main": True}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": None}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": ""}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": ".."}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": "."}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": "../a"}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": "a\\b"}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": "a\n"}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": "a\u0085"}), [f"{OUT}/ref/main"]),
    (asks(ref={"main": "x" * 201}), [f"{OUT}/ref/main"]),
    (asks(ref={"no/name": False}), [f"{OUT}/ref/no~1name"]),
    (asks(type="image/bmp"), [f"{OUT}/type"]),
    (asks(type="png"), [f"{OUT}/type"]),
    (asks(tag="x" * 101), [f"{OUT}/tag"]),
    (asks(tag="a\tb"), [f"{OUT}/tag"]),
    (asks(tag=7), [f"{OUT}/tag"]),
    (asks(url=True), [f"{OUT}/url"]),
    (asks(url="s3://k:s@b/\n"), [f"{OUT}/url"]),
    (asks(quality=0), [f"{OUT}/quality"]),
    (asks(quality=80.5), [f"{OUT}/quality"]),
    (asks(quality=True), [f"{OUT}/quality"]),
    (asks(progressive=1), [f"{OUT}/progressive"]),
    (asks(metadata="all"), [f"{OUT}/metadata"]),
    # steps
    (asks(methods={"resize": {"width": 1}}), [f"{OUT}/methods"]),
    (asks(methods=["resize"]), [STEP]),
    (asks(methods=[{"resize": {"width": 1}}]), [f"{STEP}/method", f"{STEP}/options", f"{STEP}/resize"]),
    (asks(methods=[{"method": "resize"}]), [OPTIONS]),
    (step("resiez", {}), [f"{STEP}/method"]),
    (step(None, {}), [f"{STEP}/method"]),
    (step(["resize"], {}), [f"{STEP}/method"]),
    (step("resize", []), [OPTIONS]),
    # rotate
    (step("rotate", {}), [f"{OPTIONS}/degrees"]),
    (step("rotate", {"degress": 90}), [f"{OPTIONS}/degrees", f"{OPTIONS}/degress"]),
    (step("rotate", {"degrees": "90"}), [f"{OPTIONS}/degrees"]),
    (step("rotate", {"degrees": 1e7}), [f"{OPTIONS}/degrees"]),
    (step("rotate", {"degrees": 1, "background": "#12"}), [f"{OPTIONS}/background"]),
    (step("rotate", {"degrees": 1, "background": "red"}), [f"{OPTIONS}/background"]),
    (step("rotate", {"degrees": 1, "color": "#fff\n"}), [f"{OPTIONS}/color"]),
    # resize
    (step("resize", {}), [OPTIONS]),
    (step("resize", {"fit": "cover"}), [OPTIONS]),
    (step("resize", {"widht": 20}), [OPTIONS, f"{OPTIONS}/widht"]),
    (step("resize", {"width": 0}), [f"{OPTIONS}/width"]),
    (step("resize", {"width": -5, "height": "abc"}), [f"{OPTIONS}/height", f"{OPTIONS}/width"]),
    (step("resize", {"width": 100001}), [f"{OPTIONS}/width"]),
    (step("resize", {"width": True}), [f"{OPTIONS}/width"]),
    (step("resize", {"width": 9, "fit": "crop"}), [f"{OPTIONS}/fit"]),
    (step("resize", {"width": 9, "enlarge": "no"}), [f"{OPTIONS}/enlarge"]),
    # crop
    (step("crop", {"width": 0}), [f"{OPTIONS}/width"]),
    (step("crop", {"x": "1", "y": 2e6}), [f"{OPTIONS}/x", f"{OPTIONS}/y"]),
    (step("crop", {"gravity": "centre"}), [f"{OPTIONS}/gravity"]),
    (step("crop", {"face": 1, "padding": -1}), [f"{OPTIONS}/face", f"{OPTIONS}/padding"]),
    # filter
    (step("filter", {"gamm": 45}), [f"{OPTIONS}/gamm"]),
    (step("filter", {"hue": True, "noise": "9"}), [f"{OPTIONS}/hue", f"{OPTIONS}/noise"]),
    (step("filter", {"colorize": "blue"}), [f"{OPTIONS}/colorize"]),
    (step("filter", {"colorize": {"strength": 5}}), [f"{OPTIONS}/colorize/hex"]),
    (step("filter", {"colorize": {"hex": "#F00", "level": 5}}), [f"{OPTIONS}/colorize/level"]),
    (step("filter", {"channels": {}}), [f"{OPTIONS}/channels"]),
    (step("filter", {"channels": {"alpha": 1}}), [f"{OPTIONS}/channels/alpha"]),
    (step("filter", {"curves": {}}), [f"{OPTIONS}/curves/points"]),
    (step("filter", {"curves": {"points": [[0, 0], [1]]}}), [f"{OPTIONS}/curves/points", f"{OPTIONS}/curves/points/1"]),
    (step("filter", {"curves": {"channels": "x", "points": [[0, 0]] * 3}}), [f"{OPTIONS}/curves/channels"]),
    # layer, analyze
    (step("layer", {"x": 0}), [f"{OPTIONS}/ref"]),
    (step("layer", {"ref": "img1", "opacity": 1.1}), [f"{OPTIONS}/opacity"]),
    (step("layer", {"ref": "img1", "gravity": "attention"}), [f"{OPTIONS}/gravity"]),
    (step("layer", {"ref": "img1", "blend": "plus"}), [f"{OPTIONS}/blend"]),
    (step("analyze", {}), [OPTIONS]),
    (step("analyze", {"type": "faces"}), [f"{OPTIONS}/type"]),
    (step("analyze", {"type": "color", "count": 0, "context": "all"}), [f"{OPTIONS}/context", f"{OPTIONS}/count"]),
]


@pytest.mark.parametrize(("body", "expected"), BAD, ids=lambda each: json.dumps(each)[:60])
def test_bad(body: Any, expected: list[str]) -> None:
    assert pointers(body) == expected
    assert not PLAIN.is_valid(body)


def test_all_mistakes_at_once_in_the_order_of_their_places() -> None:
    body = {
        "input": {"main": 5},
        "output": [{"ref": {"main": False}, "type": "x"}] * 11
        + [{"methods": [{"method": "crop", "options": {"z": 1}}]}],
        "calback": {},
    }
    places = [f"/output/{n}/type" for n in range(11)]
    last = ["/output/11/methods/0/options/z", "/output/11/ref"]
    assert pointers(body) == ["/calback", "/input/main", *places, *last]


# --- the words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (step("resize", {"width": "abc"}), 'expected a number above 0, at most 100000 (pixels), got "abc"'),
        (
            step("resize", {"height": 1, "widht": 2}),
            'unknown option "widht"; did you mean "width"? '
            "Resize knows: background, enlarge, fit, gravity, height, width",
        ),
        (step("resize", {}), "expected width or height, got none of them"),
        (
            asks(zzzz=1),
            'unknown key "zzzz". An output knows: metadata, methods, progressive, quality, ref, tag, type, url',
        ),
        (
            step("rezise", {}),
            'expected one of rotate, resize, crop, filter, layer, analyze, got "rezise"; did you mean "resize"?',
        ),
        (step("layer", {}), "expected an input name of 1 to 64 letters, digits, _ or -, got nothing: ref is required"),
        (None, "expected a job (an object), got null"),
        (asks(tag=["a", "b"]), "expected a text of at most 100 characters without control characters, got a list of 2"),
        ({**asks(), "input": {}}, "expected an object of at least one input, got an empty object"),
    ],
)
def test_a_sentence(body: Any, sentence: str) -> None:
    assert details(body) == [sentence]


def test_mistakes_and_their_words_are_bounded() -> None:
    many = {**asks(), **{f"{n}{'k' * 10_000}": "v" * 10_000 for n in range(500)}}
    many["output"] = [{"ref": {"main": "/" * 10_000}, "tag": "\n" * 10_000}] * 500
    found = mistakes(many)
    assert len(found) == 100
    assert max(len(each.pointer) + len(each.detail) for each in found) < 500


# --- properties ---------------------------------------------------------------------------------

GOOD = [each.body for each in bodies()] + PUBLISHED["urn:sixpx:v1:job"]["examples"]
GOOD += [
    step(name, options) for name in law().options for options in PUBLISHED[f"urn:sixpx:methods:{name}"]["examples"]
]
NAMES = sorted(
    {name for judge in law().options.values() for name in judge.schema["properties"]} | {"ref", "url", "main"}
)
SPICE: list[Any] = [None, True, False, 0, -1, 1, 0.5, 80.0, 1e9, "", "main", "a/b", "..", "a\n", "#F00", "6px", [], {}]
SPICE += ["resize", "filter", "analyze", {"main": False}, ["main"], [[0, 0]] * 3, "center", "image/jpg", "http://h/"]
JSON = st.recursive(
    st.sampled_from(SPICE)
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4),
    max_leaves=6,
)
KEYS = st.sampled_from(NAMES) | st.text(max_size=5)
SECRET = "s3://AKIAKEY:hunter2@bucket/path"


def containers(value: Any) -> list[Any]:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    inside = [each for part in below for each in containers(part)]
    return [value, *inside] if isinstance(value, dict | list) else inside


SEEN: dict[str, list[Any]] = {}
for each in (each for body in GOOD for each in containers(body) if isinstance(each, dict)):
    for name, value in each.items():
        SEEN.setdefault(name, []).append(value)


@st.composite
def mutated(draw: Any, values: Any = JSON, keys: Any = KEYS) -> Any:
    """A good body in which one to three places were set, added or taken out."""
    body = copy.deepcopy(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(containers(body)))
        have = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(have)) if have and draw(st.booleans()) else None
        likely = SEEN.get(key, []) if isinstance(key, str) else [each for each in place if key is not None]
        new = draw(st.sampled_from(likely) if likely and draw(st.booleans()) else values)
        new = copy.deepcopy(new)  # samples are shared, and the next round may change what is inside
        if key is None and isinstance(place, dict):
            place[draw(keys)] = new
        elif key is None:
            place.append(new)
        elif draw(st.booleans()):
            place[key] = new
        else:
            del place[key]
    return body


@settings(deadline=None)
@given(mutated())
def test_our_fast_way_and_the_published_schemas_agree(body: Any) -> None:
    assert (mistakes(body) == ()) == PLAIN.is_valid(body)


@settings(deadline=None)
@given(mutated())
def test_a_mistake_points_to_something_or_beside_it(body: Any) -> None:
    for each in mistakes(body):
        if "…" in each.pointer or "***" in each.pointer:
            continue
        place = body
        for part in each.pointer.split("/")[1:-1]:
            place = place[int(part)] if isinstance(place, list) else place[part.replace("~1", "/").replace("~0", "~")]
        assert each.pointer == "" or isinstance(place, dict | list)


@settings(deadline=None)
@given(mutated(st.sampled_from([SECRET, [SECRET], {SECRET: SECRET}, SECRET + "\n"]), st.sampled_from([SECRET, *NAMES])))
def test_no_secret_comes_out(body: Any) -> None:
    for each in mistakes(body):
        assert "hunter2" not in each.pointer + each.detail


@pytest.mark.parametrize("text", ["AKIA:hunter2/bucket\n", "hunter2\n"])
def test_no_value_of_a_place_for_urls_comes_out(text: str) -> None:
    body = {"input": {"main": text}, "output": [{"ref": ["main"], "url": text}], "callback": {"url": text}}
    assert pointers(body) == ["/callback/url", "/input/main", "/output/0/url"]
    assert "hunter2" not in "".join(details(body))
