"""Holds the command line to a sentence and an exit status, whatever goes wrong around it. Never a command's work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sixpx import cli
from sixpx.settings import load
from tests.unit.user_desk import Desk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, capsys, monkeypatch)


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of the line, without settings that happen to stand around it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIXPX_")}
    return subprocess.run(
        ["sh", "-c", line.replace("sixpx", f"{sys.executable} -m sixpx", 1)],
        env={**kept, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("action", [("add", "ada"), ("list",)])
def test_a_data_folder_that_is_none_is_said_in_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, action: tuple[str, ...]
) -> None:
    (file := Path("file")).touch()
    monkeypatch.setenv("SIXPX_SERVER_DATA", "file")
    said = desk.user(*action)
    assert said.status in (1, 2)
    assert "file" in said.err
    assert len(said.err.splitlines()) == 1
    assert file.read_bytes() == b""


def test_what_check_config_prints_is_a_configuration_that_means_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIXPX_SERVER_DATA", 'a "folder"\\\x7f\n of ü')
    monkeypatch.setenv("SIXPX_SEARCH_INDEX", "data.order,data.customer.id")
    assert cli.main(["check-config"]) == 0
    Path("printed.toml").write_text(capsys.readouterr().out, "utf-8")
    assert load(Path("printed.toml"), {}) == load(None, os.environ)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full, which Linux has")
def test_an_answer_that_cannot_be_written_is_a_failure_with_a_sentence() -> None:
    done = shell("sixpx check-config >/dev/full")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("sixpx: ")
    assert done.stderr.endswith("No space left on device\n")


def test_who_reads_no_answer_is_not_told_of_it() -> None:
    done = shell("sixpx check-config | true")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["user remove ada", "user connect ada photos", "migrate --from - --to sqlite:x"])
def test_a_closed_standard_input_is_an_empty_one(desk: Desk, command: str) -> None:
    desk.added("ada")
    done = shell(f"sixpx {command} <&-")
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("sixpx: ")


def test_text_that_is_none_on_standard_input_is_said(desk: Desk) -> None:
    desk.added("ada")
    done = shell("printf '\\377\\n' | sixpx user connect ada photos")
    assert (done.returncode, done.stderr) == (1, "sixpx: standard input: expected text in UTF-8, came something else\n")


def test_an_end_of_file_at_the_terminal_is_no_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(prompt: str) -> str:
        raise EOFError

    desk.added("ada")
    monkeypatch.setattr("sixpx.commands.stdin.getpass", ended)
    said = desk.user("connect", "ada", "photos", typed="")
    assert (said.status, len(said.err.splitlines())) == (1, 1)


def test_ctrl_c_is_no_traceback_however_early(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    assert cli.main(["serve"]) == 130
    assert capsys.readouterr().err == ""
