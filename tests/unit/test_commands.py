"""Holds the commands' parts to their word without a service: job files, the client's sentences, bar and summary."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sixpx import cli, job_file, summary
from sixpx.client import AsyncClient, Identity, Result
from sixpx.client.asynchronous import _hosted
from sixpx.client.wire import Wire
from sixpx.errors import Invalid, SixpxError
from sixpx.progress import Bar

SECRET = "correct-horse"
ME = Identity("u1", "k1", SECRET)


def job_at(tmp_path: Path, body: Any) -> Path:
    path = tmp_path / "job.json"
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return path


# --- job files ----------------------------------------------------------------------------------


def test_a_local_picture_becomes_a_data_uri_relative_to_the_job_file(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG cat")
    asked = {"input": {"cat": "cat.png", "web": "https://a.example/b.png", "uri": "data:,x"}, "output": [], "data": {}}
    body = job_file.read(job_at(tmp_path, asked)).body()
    head, _, packed = body["input"]["cat"].partition(",")
    assert (head, base64.b64decode(packed)) == ("data:image/png;base64", b"\x89PNG cat")
    assert {**body, "input": {**body["input"], "cat": "cat.png"}} == asked


def test_the_size_of_the_body_is_known_before_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(bytes(100_000))
    file = job_file.read(job_at(tmp_path, {"input": {"cat": "cat.png"}}))
    assert abs(file.body_bytes - len(json.dumps(file.body()))) < 100


@pytest.mark.parametrize("asked", [[], "x", 7, {}, {"input": []}, {"input": {"a": 7, "b": "", "c": None}}])
def test_what_is_no_job_is_left_to_whoever_reads_it_as_one(tmp_path: Path, asked: Any) -> None:
    assert job_file.read(job_at(tmp_path, json.dumps(asked))).body() == asked


def test_every_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        job_file.read(job_at(tmp_path, {"input": {"a": "a.png", "b": "sub/b.png"}}))
    assert [one.pointer for one in caught.value.mistakes] == ["/input/a", "/input/b"]
    assert "there is no file" in caught.value.mistakes[0].detail


@pytest.mark.parametrize(("text", "says"), [("{", "not JSON (line 1"), ('{"a": NaN}', "not JSON"), ("", "not JSON")])
def test_a_job_file_that_is_no_json_says_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Invalid, match=r"not JSON") as caught:
        job_file.read(job_at(tmp_path, text))
    assert says in caught.value.detail


def test_a_name_that_no_file_can_have_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"/input/a: expected a URL, .*there is no file"):
        job_file.read(job_at(tmp_path, {"input": {"a": "x" * 300}}))


def test_a_job_file_that_is_not_there() -> None:
    with pytest.raises(Invalid, match="cannot be read: No such file"):
        job_file.read(Path("no-such-job.json"))


# --- the client -----------------------------------------------------------------------------------


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def answered(handler: Handler, ask: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
    """What the client makes of a service whose every reply comes from `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server, AsyncClient(str(server.make_url("/")), ME) as client:
        return await ask(client)


async def test_key_and_secret_travel_in_a_header_and_never_in_the_address() -> None:
    seen = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.path_qs, request.headers["Authorization"]))
        return web.json_response({"id": "j1"})

    assert await answered(handler, lambda client: client.post({})) == "j1"
    assert seen == [("/v1/users/u1/jobs", "Basic " + base64.b64encode(f"k1:{SECRET}".encode()).decode())]
    assert SECRET not in repr(ME)


async def test_every_mistake_in_a_body_comes_with_its_pointer(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [{"pointer": "/input", "detail": "expected a"}, {"pointer": "", "detail": "expected b"}]

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"detail": "2 mistakes", "errors": errors}, status=400)

    with pytest.raises(Invalid) as caught:
        await answered(handler, lambda client: client.post({}))
    summary.print_mistakes(caught.value)
    assert capsys.readouterr().err == "sixpx: /input: expected a\nsixpx: the body: expected b\n"


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, '{"detail": "unknown user"}', "answered 401 Unauthorized: unknown user"),
        (503, "<html>", "answered 503 Service Unavailable"),
        (302, "", "answered 302 Found"),
        (200, "<html>", "not with JSON; is it a sixpx service?"),
    ],
)
async def test_what_is_no_job_becomes_a_sentence(status: int, body: str, says: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "http://elsewhere.example/"})

    with pytest.raises(SixpxError) as caught:
        await answered(handler, lambda client: client.job("j1"))
    assert says in caught.value.detail


async def test_a_connection_that_ends_early_leaves_no_half_picture(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": "1000"})
        await reply.prepare(request)
        await reply.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return reply

    with pytest.raises(SixpxError, match="ended the connection before its answer was whole"):
        await answered(handler, lambda client: client._wire.download("/a.png", tmp_path / "a.png"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("at", ["nonsense", "ftp://a", "http://", "http://[::1", "http://u:p@a", "http://a:99999"])
def test_an_address_that_is_none_is_refused_and_not_repeated(at: str) -> None:
    with pytest.raises(Invalid, match="expected the address of a service") as caught:
        Wire(at, ME)
    assert "u:p" not in caught.value.detail


@pytest.mark.parametrize("text", ["", "a:b", "a::c", ":::"])
def test_credentials_that_are_none_are_not_repeated(text: str) -> None:
    with pytest.raises(Invalid, match="expected credentials as ID:KEY:SECRET"):
        Identity.parse(text)


# --- what a user sees -----------------------------------------------------------------------------


PICTURE = {"info": {"width": 2, "height": 3, "bytes": 1234, "type": "image/png"}, "location": "http://a/u1/j1/x.png"}
ERROR = {"code": "bad_step", "stage": "plan", "detail": "too wide", "retryable": True, "ref": "main"}
JOB = {
    "_id": "j1",
    "user_id": "u1",
    "status": "failed",
    "processed": [
        {"name": "good", "status": "complete", "data": {"output": {"main": PICTURE}}},
        {"name": "bad", "status": "failed", "data": {"output": {}}, "error": ERROR},
    ],
}


def test_the_summary_names_every_picture_and_every_failure() -> None:
    good, bad = summary.text(JOB).splitlines()[1:]
    assert good.split() == ["good", "main", "2x3", "1,234", "bytes", "http://a/u1/j1/x.png"]
    assert bad.split()[:3] == ["bad", "main", "failed"]
    assert bad.endswith("plan: too wide (bad_step; trying again may help)")


def test_a_job_that_never_began_has_a_summary_too() -> None:
    error = {"code": "cancelled", "stage": "run", "detail": "cancelled by its owner"}
    pending = {"name": "a", "status": "pending", "data": {"output": {}}}
    lines = summary.text({**JOB, "processed": [pending], "error": error}).splitlines()
    assert lines == ["job j1: failed", "  run: cancelled by its owner (cancelled)", "  a    pending"]


def test_the_bar_writes_a_line_a_change_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    bar = Bar(stream)
    for _ in range(3):
        bar.show(JOB)
    bar.close()
    assert stream.getvalue() == "2 of 2 outputs ended, the job is failed\n"


def test_the_bar_draws_over_itself_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    bar = Bar(stream)
    bar.show({"status": "processing", "processed": [{"status": "complete"}, {"status": "pending"}]})
    bar.close()
    half = "#" * 15 + "." * 15
    assert stream.getvalue() == f"\r[{half}] 1 of 2 outputs ended, the job is processing\x1b[K\n"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("http://a/u1/j1/x.png", "/u1/j1/x.png"),
        ("https://cdn.example/pictures/u1/j1/x%20y.png", "/u1/j1/x%20y.png"),
        ("https://bucket.example/x.png", None),
        ("http://a/u1/j1/", None),
        ("http://a/u1/j1/..%2F..%2Fetc.png", None),
        ("http://a/u1/other/x.png", None),
    ],
)
def test_only_what_the_service_hosts_is_downloaded(location: str, path: str | None) -> None:
    assert _hosted(Result.of(JOB), location) == path


def test_a_user_who_does_not_say_who_he_is_is_told_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIXPX_AS", raising=False)
    assert cli.main(["submit", str(job_at(tmp_path, {}))]) == 2
    assert "SIXPX_AS" in capsys.readouterr().err


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        cli.main([command, "--help"])
    assert done.value.code == 0
    assert f"sixpx {command}" in capsys.readouterr().out
