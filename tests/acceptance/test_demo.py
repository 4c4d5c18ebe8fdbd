"""Holds the command line to its word from outside: real processes, the demo's job, exit statuses, no secret shown."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.service import ROOT, Service, free_port

DEMO = ROOT / "demo"
BAD = {
    "input": {"main": str(DEMO / "raccoon.jpg")},
    "output": [
        {"tag": "good", "ref": {"main": "good"}, "methods": [{"method": "resize", "options": {"width": 40}}]},
        {"tag": "outside", "ref": {"main": "o"}, "methods": [{"method": "crop", "options": {"x": 9000, "width": 9}}]},
    ],
}
WRONG = {
    "input": {"main": str(DEMO / "raccoon.jpg")},
    "output": [{"ref": {"main": 7}, "methods": [{"method": "resize", "options": {"width": "wide"}}], "tga": "x"}],
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service.start(tmp_path_factory.mktemp("service")) as started:
        yield started


def sixpx(folder: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command, run in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIXPX_")}
    return subprocess.run(
        [sys.executable, "-m", "sixpx", *map(str, arguments)],
        env={**kept, "PYTHONPATH": str(ROOT), "SIXPX_LANES_COUNT": "2", **environment},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def as_user(service: Service) -> dict[str, str]:
    return {"SIXPX_AT": service.url, "SIXPX_AS": service.credentials}


def written(folder: Path, body: Any) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps(body))
    return path


# --- submit ---------------------------------------------------------------------------------------


def test_submit_makes_the_demos_pictures_and_saves_them_whole(service: Service, tmp_path: Path) -> None:
    done = sixpx(tmp_path, "submit", DEMO / "job.json", "--json", "--save", "out", **as_user(service))
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert job["status"] == "complete"
    assert "7 of 7 outputs ended, the job is complete" in done.stderr
    for processed in job["processed"]:
        [picture] = processed["data"]["output"].values()
        name = picture["location"].rpartition("/")[2]
        assert (tmp_path / "out" / name).read_bytes() == service.get(picture["location"])
        assert (tmp_path / "out" / name).stat().st_size == picture["info"]["bytes"]
    assert len(list((tmp_path / "out").iterdir())) == 7


def test_submit_of_a_job_with_a_failure_says_which_and_ends_with_1(service: Service, tmp_path: Path) -> None:
    done = sixpx(tmp_path, "submit", written(tmp_path, BAD), **as_user(service))
    assert done.returncode == 1
    good, outside = done.stdout.splitlines()[1:]
    assert good.split()[:3] == ["good", "main", "40x30"]
    assert f"{service.url}/{service.user}/" in good
    assert "lies outside of it (bad_step)" in outside


def test_submit_shows_every_mistake_with_its_pointer(service: Service, tmp_path: Path) -> None:
    done = sixpx(tmp_path, "submit", written(tmp_path, WRONG), **as_user(service))
    assert (done.returncode, done.stdout) == (1, "")
    pointers = sorted(line.split(": ")[1] for line in done.stderr.splitlines())
    assert pointers == ["/output/0/methods/0/options/width", "/output/0/ref/main", "/output/0/tga"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full, which Linux has")
def test_submit_shows_a_job_whose_pictures_it_cannot_save(service: Service, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".good.jpg.part").symlink_to("/dev/full")
    body = {**BAD, "output": BAD["output"][:1]}
    done = sixpx(tmp_path, "submit", written(tmp_path, body), "--save", "out", **as_user(service))
    assert done.returncode == 1
    assert "sixpx: good/main is not saved: out/good.jpg cannot be written: No space left on device" in done.stderr
    assert f"{service.url}/{service.user}/" in done.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--at", "127.0.0.1:8666"), "--at, SIXPX_AT: expected the address"),
        (("--as", "a:b"), "--as, SIXPX_AS: expected"),
    ],
)
def test_submit_names_the_option_that_is_wrong(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    done = sixpx(tmp_path, "submit", "job.json", *options, SIXPX_AS="a:b:c")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert says in done.stderr


@pytest.mark.long
def test_submit_refuses_what_is_over_the_services_limit_before_it_travels(tmp_path: Path) -> None:
    with Service.start(tmp_path, SIXPX_LIMITS_BODY_BYTES="100000") as small:
        done = sixpx(tmp_path, "submit", DEMO / "job.json", **as_user(small))
        assert done.returncode == 1
        assert "the service takes 100,000 (limits.body_bytes)" in done.stderr
        assert small.jobs() == []


def test_submit_with_a_wrong_secret_is_refused_and_shows_none(service: Service, tmp_path: Path) -> None:
    identity = f"{service.user}:{service.key}:swordfish"
    done = sixpx(tmp_path, "submit", DEMO / "job.json", "--at", service.url, "--as", identity)
    assert done.returncode == 1
    assert "401 Unauthorized: unknown user, or wrong key or secret" in done.stderr
    assert "swordfish" not in done.stdout + done.stderr


def test_submit_to_a_stopped_service_says_so_in_a_sentence(tmp_path: Path) -> None:
    at = f"http://127.0.0.1:{free_port()}"
    done = sixpx(tmp_path, "submit", DEMO / "job.json", "--at", at, SIXPX_AS="a:b:c")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"sixpx: no service answers at {at} (connection refused); is it running?\n"


@pytest.mark.long
def test_submit_names_the_job_when_the_service_dies_under_it(tmp_path: Path) -> None:
    large = [{"ref": {"main": False}, "methods": [{"method": "resize", "options": {"width": 5000}}]}] * 20
    path = written(tmp_path, {"input": BAD["input"], "output": large})
    with Service.start(tmp_path) as dying:
        waiting = subprocess.Popen(
            [sys.executable, "-m", "sixpx", "submit", str(path)],
            env={**os.environ, "PYTHONPATH": str(ROOT), **as_user(dying)},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waiting.stderr is not None
        waiting.stderr.readline()  # the bar's first line: the job was accepted
        dying.kill()
        said = waiting.communicate(timeout=30)[1]
    assert waiting.returncode == 1
    assert "ended the connection" in said or "no service answers" in said
    assert "was accepted and goes on without us" in said


def test_no_secret_reaches_the_log(service: Service) -> None:
    assert service.secret not in service.log.read_text()


# --- render ---------------------------------------------------------------------------------------


def test_render_makes_the_demos_pictures_without_a_service(tmp_path: Path) -> None:
    done = sixpx(tmp_path, "render", DEMO / "job.json", "--out", "out", "--json")
    assert done.returncode == 0, done.stderr
    for processed in json.loads(done.stdout)["processed"]:
        [picture] = processed["data"]["output"].values()
        assert (tmp_path / picture["location"]).stat().st_size == picture["info"]["bytes"]
    names = "badge.png chain.png cover.png postcard.jpg thumbnail.jpg watermark.jpg web.webp"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names.split()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_render_of_a_job_with_a_failure_keeps_the_good_and_ends_with_1(tmp_path: Path) -> None:
    body = {**BAD, "output": [{**one, "url": "s3://k:s@bucket/away"} for one in BAD["output"]]}
    done = sixpx(tmp_path, "render", written(tmp_path, body), "--out", "out")
    assert done.returncode == 1
    assert "lies outside of it (bad_step)" in done.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.jpg"]


def test_render_shows_every_mistake_as_the_service_would(tmp_path: Path) -> None:
    done = sixpx(tmp_path, "render", written(tmp_path, WRONG), "--out", "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 3


@pytest.mark.long
def test_render_keeps_the_limits_of_the_configuration(tmp_path: Path) -> None:
    done = sixpx(tmp_path, "render", DEMO / "job.json", "--out", "out", SIXPX_LIMITS_INPUT_BYTES="1000")
    assert done.returncode == 1
    assert "/input/raccoon: the file has 173945 bytes; the limit input_bytes is 1000" in done.stderr


def test_render_does_not_fetch_from_private_networks(tmp_path: Path) -> None:
    body = {"input": {"main": f"http://127.0.0.1:{free_port()}/x.png"}, "output": [{"ref": {"main": "x"}}]}
    done = sixpx(tmp_path, "render", written(tmp_path, body), "--out", "out")
    assert done.returncode == 1
    assert "address_refused" in done.stdout


# --- the other commands ---------------------------------------------------------------------------


def test_users_are_added_while_the_service_runs(service: Service, tmp_path: Path) -> None:
    environment = {"SIXPX_SERVER_DATA": str(service.data)}
    made = json.loads(sixpx(tmp_path, "user", "add", "second", "--json", **environment).stdout)
    listed = sixpx(tmp_path, "user", "list", "--json", **environment).stdout
    assert {one["name"] for one in json.loads(listed)} >= {"tester", "second"}
    assert made["secret"] not in listed
    identity = f"{made['id']}:{made['key']}:{made['secret']}"
    done = sixpx(tmp_path, "submit", written(tmp_path, BAD), SIXPX_AT=service.url, SIXPX_AS=identity)
    assert "good" in done.stdout


def test_check_config_shows_every_value_and_no_key(tmp_path: Path) -> None:
    (tmp_path / "sixpx.toml").write_text("[server]\nport = 8000\n")
    key = base64.urlsafe_b64encode(b"swordfish" * 4)[:43].decode() + "="
    done = sixpx(tmp_path, "check-config", SIXPX_SECURITY_KEY=key)
    assert "port = 8000" in done.stdout
    assert key not in done.stdout + done.stderr


def test_check_config_shows_nothing_of_a_database_but_what_it_is(tmp_path: Path) -> None:
    url = "mongodb://admin:swordfish@db.example/jobs?authMechanismProperties=AWS_SESSION_TOKEN:token4711"
    done = sixpx(tmp_path, "check-config", SIXPX_STORE_URL=url)
    assert 'url = "mongodb://***"' in done.stdout
    shown = done.stdout + done.stderr
    assert not any(word in shown for word in ("swordfish", "admin", "db.example", "4711"))


@pytest.mark.long
def test_check_config_refuses_a_key_that_the_service_would_refuse(tmp_path: Path) -> None:
    done = sixpx(tmp_path, "check-config", SIXPX_SECURITY_KEY="swordfish")
    assert (done.returncode, "security.key" in done.stderr) == (2, True)
    assert "swordfish" not in done.stdout + done.stderr


def test_check_config_names_every_fault_and_ends_with_2(tmp_path: Path) -> None:
    done = sixpx(tmp_path, "check-config", SIXPX_SERVER_PORT="x", SIXPX_LOG_LEVEL="loud")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 2


def test_version(tmp_path: Path) -> None:
    done = sixpx(tmp_path, "--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "sixpx")


# --- the demo ---------------------------------------------------------------------------------------


@pytest.mark.long  # `make demo` shows it too
def test_the_demo_ends_well_and_leaves_nothing_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DEMO / "demo.py"), str(tmp_path / "out")],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the service has ended in good order" in done.stdout
    assert len(list((tmp_path / "out").iterdir())) == 7
