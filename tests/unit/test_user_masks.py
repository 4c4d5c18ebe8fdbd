"""Owns the masks of `sixpx user` by their word: kept sealed as the service reads them, never shown. Never a service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sixpx.credentials import new_key
from tests.unit.user_desk import PLANTED, Desk

STRING = f"s3+eu-west-1://AKIA:{PLANTED}@bucket/path?acl=private"
SHOWN = "s3+eu-west-1://AKIA:***@bucket/path?acl=private"


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, capsys, monkeypatch)


@pytest.mark.parametrize("given", [(), ("-",)])
def test_a_mask_is_read_from_standard_input_and_kept_sealed(desk: Desk, given: tuple[str, ...]) -> None:
    id = desk.added()
    said = desk.user("connect", id, "photos", *given, told=f"  {STRING}\nmore\n")
    assert (said.status, said.out) == (0, f"photos  {SHOWN}\n")
    [user] = desk.kept()
    assert list(user.connections) == ["photos"]
    assert desk.opened(user.connections["photos"]) == STRING


def test_a_mask_may_be_given_as_an_argument_and_a_user_by_name(desk: Desk) -> None:
    desk.added("ada")
    desk.added("bob")
    assert json.loads(desk.user("connect", "bob", "photos", STRING, "--json").out) == {"photos": SHOWN}
    assert {one.name: list(one.connections) for one in desk.kept()} == {"ada": [], "bob": ["photos"]}


def test_a_mask_set_again_stands_for_the_new_string_alone(desk: Desk) -> None:
    id = desk.added()
    for string in (STRING, "ftp://u:p@host/x"):
        desk.user("connect", id, "photos", told=string)
    [user] = desk.kept()
    assert desk.opened(user.connections["photos"]) == "ftp://u:p@host/x"


def test_the_list_shows_masks_without_their_secrets(desk: Desk) -> None:
    id = desk.added()
    desk.user("connect", id, "photos", told=STRING)
    desk.user("connect", id, "backup", told=f"sftp://ada:{PLANTED}@host:2222/x")
    lines = desk.user("list").out.splitlines()
    assert lines[0].startswith(f"{id}  ada  ")
    assert lines[1:] == ["  backup  sftp://ada:***@host:2222/x", f"  photos  {SHOWN}"]
    [shown] = json.loads(desk.user("list", "--json").out)
    assert shown["connections"] == {"backup": "sftp://ada:***@host:2222/x", "photos": SHOWN}


def test_a_list_without_masks_needs_no_key(desk: Desk) -> None:
    desk.added()
    (desk.settings.data / "secret.key").unlink()
    assert desk.user("list").status == 0
    assert not (desk.settings.data / "secret.key").exists()


def test_a_mask_of_another_key_is_said_to_be_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    id = desk.added()
    desk.user("connect", id, "photos", told=STRING)
    monkeypatch.setenv("SIXPX_SECURITY_KEY", new_key())
    assert "sealed with another key" in desk.user("list").out


def test_a_mask_that_is_taken_back_is_gone(desk: Desk) -> None:
    id = desk.added()
    desk.user("connect", id, "photos", told=STRING)
    desk.user("connect", id, "backup", told=STRING)
    assert desk.user("disconnect", id, "photos").out == "photos stands for nothing any more\n"
    again = desk.user("disconnect", id, "photos")
    assert (again.status, again.err) == (1, "sixpx: the user has no such mask; there are: backup\n")
    [user] = desk.kept()
    assert list(user.connections) == ["backup"]


@pytest.mark.parametrize(
    ("string", "says"),
    [
        (f"s4://AKIA:{PLANTED}@bucket", "Expected a scheme of s3,"),
        (f"s3://AKIA:{PLANTED}", "Expected s3://user:secret@host/path"),
        (f"s3://AKIA:{PLANTED}@bucket?bad={PLANTED}", "acl, endpoint, style"),
        (f"ftp://ada:{PLANTED}%0d%0a@host/x", "control character"),
        (f"cf+mars://ada:{PLANTED}@c", "Cloud Files region"),
        (PLANTED, "came no such text"),
        ("", "came no such text"),
    ],
)
def test_a_string_that_cannot_be_read_is_explained_and_not_repeated(desk: Desk, string: str, says: str) -> None:
    id = desk.added()
    for given, told in ((("--", string), ""), ((), f"{string}\n")):
        said = desk.user("connect", id, "photos", *given, told=told)
        assert (said.status, said.out) == (1, "")
        assert says in said.err
    assert desk.kept()[0].connections == {}


@pytest.mark.parametrize("mask", ["6px", "", "a b", "a/b", "a:b", "a@b", "a?b", "x" * 101, STRING])
def test_a_mask_that_is_no_word_is_refused(desk: Desk, mask: str) -> None:
    said = desk.user("connect", desk.added(), mask, told=STRING)
    assert said.status == 1
    assert "expected as mask a word" in said.err
    assert desk.kept()[0].connections == {}


def test_nobody_and_two_of_a_name_are_told_apart(desk: Desk) -> None:
    desk.added("ada")
    desk.added("ada")
    assert "2 users are called 'ada'; name one by its id" in desk.user("connect", "ada", "photos", told=STRING).err
    assert "no user of this id or name" in desk.user("connect", "bob", "photos", told=STRING).err
    assert "no user of this id or name" in desk.user("disconnect", "bob", "photos").err
