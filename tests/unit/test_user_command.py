"""Owns `sixpx user` by its word: accounts, kept as the service reads them. Never a service, never a mask."""

from __future__ import annotations

import base64
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sixpx import credentials
from sixpx.core import job as core
from sixpx.core.meter import windows
from sixpx.core.user import Plan, SocketAuth
from sixpx.key_file import vault_key
from sixpx.settings import Server, Settings
from tests.contract.jobs import job_of
from tests.unit.user_desk import Desk

NOW = datetime(2014, 8, 16, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, capsys, monkeypatch)


# --- add, list, show ------------------------------------------------------------------------------


def test_a_new_user_has_secrets_of_which_one_is_kept_as_a_hash_and_one_sealed(desk: Desk) -> None:
    said = desk.user("add", "ada", "--json").json
    user = desk.one()
    assert (said["id"], said["key"], said["name"]) == (user.id, user.api_key, "ada")
    assert user.accesses[0].digest == credentials.digest(said["secret"])
    [sealed] = user.callback_secrets
    assert desk.opened(sealed) == said["callback_secret"]
    assert said["callback_secret"].startswith("whsec_")
    assert 24 <= len(base64.b64decode(said["callback_secret"].removeprefix("whsec_"), validate=True)) <= 64
    files = b"".join(one.read_bytes() for one in desk.settings.data.iterdir())
    assert not [one for one in ("secret", "callback_secret") if said[one].encode() in files]


def test_the_text_of_a_new_user_shows_its_secrets_once(desk: Desk) -> None:
    out = desk.user("add", "ada").out
    secret = re.search(r"^  secret +(\S+)$", out, re.MULTILINE)
    assert secret
    assert credentials.digest(secret[1]) == desk.one().accesses[0].digest
    assert re.search(r"^  callback secret +whsec_\S+$", out, re.MULTILINE)
    for again in (desk.user("show", "ada"), desk.user("list"), desk.user("show", "ada", "--json")):
        assert again.status == 0
        assert not re.search(f"{secret[1]}|whsec_", again.out)


def test_a_user_is_added_with_all_that_he_may_do(desk: Desk) -> None:
    limits = ("--per-minute", "60", "--per-month", "1000", "--concurrent", "4")
    pages = ("--domain", "Shop.example", "--domain", "https://a.example:443")
    desk.user("add", "ada", *limits, *pages, "--api-version", "2014-06", "--socket-auth", "user_id")
    user = desk.one()
    assert user.plan == Plan(60, 1000, 4)
    assert user.domains == ("shop.example", "https://a.example")
    assert (user.api_version, user.socket_auth) == ("2014-06", SocketAuth.USER_ID)
    shown = desk.user("show", "ada", "--json").json
    assert shown["plan"] == {"per_minute": 60, "per_month": 1000, "concurrent": 4}
    assert (shown["domains"], shown["api_version"]) == (["shop.example", "https://a.example"], "2014-06")
    assert (shown["socket_auth"], shown["callback_secret_count"]) == ("user_id", 1)
    text = desk.user("show", user.id).out
    assert [word for word in ("60 a minute, 1000 a month, 4 at once", "shop.example", "2014-06") if word in text]


def test_the_list_has_everybody(desk: Desk) -> None:
    desk.user("remove", desk.added(), "--yes")
    assert desk.user("list").out == "there are no users\n"
    assert desk.user("list", "--json").json == []
    ids = [desk.added(name) for name in ("ada", "bob")]
    assert [line.split("  ")[:2] for line in desk.user("list").out.splitlines()] == [[ids[0], "ada"], [ids[1], "bob"]]
    assert [one["id"] for one in desk.user("list", "--json").json] == ids


@pytest.mark.parametrize("action", [("list",), ("show", "ada"), ("remove", "ada", "--yes"), ("connect", "ada", "x")])
def test_who_asks_in_a_folder_where_nothing_is_kept_is_told_so_and_leaves_nothing(
    desk: Desk, action: tuple[str, ...]
) -> None:
    said = desk.user(*action, told="s3://k:s@bucket")
    assert (said.status, said.out) == (1, "")
    assert f"nothing is kept at {desk.settings.database} (see server.data and store.url" in said.err
    assert [one for one in desk.settings.data.glob("*") if one.suffix == ".db"] == []


def test_the_folder_of_a_first_user_is_for_its_owner_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIXPX_STORE_URL", f"sqlite:{desk.settings.data}/elsewhere/jobs.db")
    desk.added()
    for folder in (desk.settings.data, desk.settings.data / "elsewhere"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_callbacks_secret_is_shown_when_asked_for(desk: Desk) -> None:
    made = desk.user("add", "ada", "--json").json["callback_secret"]
    assert desk.user("show", "ada", "--callback-secret", "--json").json["callback_secrets"] == [made]
    assert f"  callback secret   {made}\n" in desk.user("show", "ada", "--callback-secret").out


def test_a_user_of_a_version_without_callback_secrets_gets_one_when_it_is_asked_for(desk: Desk) -> None:
    id = desk.added()
    desk.in_store(lambda store: store.change_user(id, lambda one: replace(one, callback_secrets=())))
    assert desk.user("show", id, "--json").json["callback_secret_count"] == 0
    [made] = desk.user("show", id, "--callback-secret", "--json").json["callback_secrets"]
    assert desk.opened(desk.one().callback_secrets[0]) == made
    assert desk.user("show", id, "--callback-secret", "--json").json["callback_secrets"] == [made]


# --- edit -----------------------------------------------------------------------------------------


def test_an_edit_changes_what_it_names_and_nothing_else(desk: Desk) -> None:
    id = desk.added("ada", "--per-minute", "5", "--domain", "a.example", "--api-version", "2014-06")
    before = desk.one()
    desk.user("edit", "ada", "--name", "eve", "--concurrent", "2")
    assert desk.one() == replace(before, name="eve", plan=Plan(per_minute=5, concurrent=2))
    desk.user("edit", "eve", "--per-minute", "none", "--concurrent", "none", "--api-version", "default")
    desk.user("edit", id, "--socket-auth", "user_id", "--per-month", "0")
    after = replace(before, name="eve", api_version=None, socket_auth=SocketAuth.USER_ID, plan=Plan(per_month=0))
    assert desk.one() == after


def test_domains_are_added_and_taken_away(desk: Desk) -> None:
    desk.added("ada", "--domain", "a.example")
    shown = desk.user("edit", "ada", "--domain", "*.B.example", "--domain", "localhost:3000", "--json").json
    assert shown["domains"] == ["a.example", "*.b.example", "localhost:3000"]
    desk.user("edit", "ada", "--no-domain", "A.example", "--no-domain", "localhost:3000")
    assert desk.one().domains == ("*.b.example",)
    said = desk.user("edit", "ada", "--no-domain", "a.example")
    assert (said.status, said.err) == (1, "sixpx: the user has no domain a.example; there are: *.b.example\n")


def test_an_edit_of_nothing_says_so(desk: Desk) -> None:
    desk.added()
    said = desk.user("edit", "ada")
    assert (said.status, said.out) == (1, "")
    assert "nothing to change" in said.err


def test_a_new_callback_secret_stands_beside_the_old_ones_until_they_are_dropped(desk: Desk) -> None:
    first = desk.user("add", "ada", "--json").json["callback_secret"]
    both = desk.user("edit", "ada", "--callback-secret", "new", "--json").json["callback_secrets"]
    assert both[1:] == [first]
    assert [desk.opened(one) for one in desk.one().callback_secrets] == both
    desk.user("edit", "ada", "--drop-old-callback-secrets")
    assert [desk.opened(one) for one in desk.one().callback_secrets] == both[:1]
    out = desk.user("edit", "ada", "--callback-secret", "new", "--drop-old-callback-secrets").out
    [only] = [desk.opened(one) for one in desk.one().callback_secrets]
    assert only in out
    assert only not in both


@pytest.mark.parametrize(
    "options",
    [
        *(("--per-minute", value) for value in ("-1", "1.5", "many", "9" * 11, "")),
        *(("--concurrent", value) for value in ("0", "x")),
        *(("--api-version", value) for value in ("2013-01", "")),
        *(("--socket-auth", value) for value in ("secret", "")),
        ("--callback-secret", "mine"),
    ],
)
@pytest.mark.parametrize("action", ["add", "edit"])
def test_an_option_that_cannot_be_read_changes_nothing(desk: Desk, action: str, options: tuple[str, str]) -> None:
    if action == "edit":
        desk.added()
    before = desk.kept()
    said = desk.user(action, "ada", *options)
    assert (said.status, said.out) == (2, "")
    assert desk.kept() == before


@pytest.mark.parametrize("domain", ["*", "null", "https://a.example/path", "a b"])
def test_a_domain_that_is_none_changes_nothing(desk: Desk, domain: str) -> None:
    desk.added("ada", "--domain", "a.example")
    before = desk.kept()
    for action, name in (("add", "bob"), ("edit", "ada")):
        said = desk.user(action, name, "--domain", "b.example", "--domain", domain)
        assert (said.status, said.out) == (1, "")
        assert "expected a domain" in said.err
    assert desk.kept() == before


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, " ", "ada ", "\u2003ada"])
def test_a_name_that_breaks_the_list_is_refused(desk: Desk, name: str) -> None:
    assert desk.user("add", name).status == 2
    assert desk.kept() == []


def test_no_name_can_be_taken_for_the_id_of_another(desk: Desk) -> None:
    """`remove` would have removed the other."""
    id = desk.added()
    for action in (("add", id), ("edit", id, "--name", "f" * 24)):
        said = desk.user(*action)
        assert (said.status, said.out) == (2, "")
        assert "24 hex digits" in said.err
    assert [one.name for one in desk.kept()] == ["ada"]


# --- the data folder ------------------------------------------------------------------------------


def test_a_data_folder_that_cannot_be_made_is_said_in_a_sentence(desk: Desk) -> None:
    desk.settings.data.write_text("a file")
    said = desk.user("add", "ada")
    assert (said.status, said.out) == (2, "")
    assert re.fullmatch(f"sixpx: server.data: {desk.settings.data}[^:]*: (Not a directory|File exists)\n", said.err)


def test_a_data_folder_is_the_operators_alone(desk: Desk) -> None:
    desk.added()
    assert desk.settings.data.stat().st_mode & 0o777 == 0o700


# --- rotate ---------------------------------------------------------------------------------------


def test_a_rotated_secret_leaves_the_old_one_valid_for_a_day(desk: Desk) -> None:
    old = desk.user("add", "ada", "--json").json
    said = desk.user("rotate-secret", "ada", "--json").json
    new, before = desk.one().accesses
    assert said["key"] == old["key"] == new.key == before.key
    assert credentials.digest(said["secret"]) == new.digest
    assert (new.until, before.digest) == (None, credentials.digest(old["secret"]))
    assert before.until is not None
    assert abs(before.until - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=5)
    [leaving] = desk.user("show", "ada", "--json").json["on_their_way_out"]
    assert (leaving["key"], leaving["until"]) == (old["key"], said["old_until"])


def test_a_rotation_may_be_shorter_or_bring_a_new_key(desk: Desk) -> None:
    old = desk.user("add", "ada", "--json").json
    said = desk.user("rotate-secret", "ada", "--keep", "0.5", "--new-key", "--json").json
    new, before = desk.one().accesses
    assert said["key"] == new.key != old["key"] == before.key
    assert before.until is not None
    assert before.until - datetime.now(UTC) < timedelta(minutes=31)


def test_a_rotation_that_keeps_nothing_ends_all_that_was_before(desk: Desk) -> None:
    desk.added()
    for keep in ("24", "0"):
        out = desk.user("rotate-secret", "ada", "--keep", keep).out
    [only] = desk.one().accesses
    secret = re.search(r"^  secret +(\S+)$", out, re.MULTILINE)
    assert secret
    assert (only.digest, only.until) == (credentials.digest(secret[1]), None)
    assert "ends now" in out


@pytest.mark.parametrize("keep", ["-1", "nan", "inf", "100000", "a day", ""])
def test_a_time_that_is_none_rotates_nothing(desk: Desk, keep: str) -> None:
    desk.added()
    before = desk.kept()
    assert desk.user("rotate-secret", "ada", "--keep", keep).status == 2
    assert desk.kept() == before


# --- remove ---------------------------------------------------------------------------------------


def with_jobs(desk: Desk, id: str, ended: bool) -> None:
    """Two jobs of the user, counted."""
    for number in (1, 2):
        job = job_of(number, id)
        job = core.cancel(job, NOW) if ended else job
        desk.in_store(lambda store, job=job: store.add_job(job, {}, None, NOW, windows(Plan(), NOW)))


def test_a_removed_user_is_gone_with_all_that_was_his(desk: Desk) -> None:
    id, other = desk.added(), desk.added("bob")
    with_jobs(desk, id, ended=True)
    said = desk.user("remove", "ada", "--yes")
    assert (said.status, said.err) == (0, "")
    assert "ada is removed, with 2 jobs. The hosted pictures are still to be removed: a running service" in said.out
    assert [one.id for one in desk.kept()] == [other]
    assert [one.partition("/")[0] for one in desk.in_store(lambda store: store.leftovers())] == [id, id]
    assert list(desk.in_store(lambda store: store.counted(id, windows(Plan(), NOW)))) == [0, 0]
    assert desk.user("remove", "bob", "--yes", "--json").json == {"id": other, "name": "bob", "removed": True}


@pytest.mark.parametrize(
    ("typed", "gone"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_a_person_is_asked_first(desk: Desk, typed: str, gone: bool) -> None:
    id = desk.added()
    with_jobs(desk, id, ended=True)
    said = desk.user("remove", "ada", "--json", typed=typed)
    assert f"Remove ada ({id}) with 2 jobs and all pictures" in said.err
    assert bool(desk.kept()) is not gone
    assert (said.status == 0) is gone


def test_where_nobody_can_be_asked_yes_has_to_be_said(desk: Desk) -> None:
    desk.added()
    said = desk.user("remove", "ada", told="y\n")
    assert (said.status, said.out, said.err) == (1, "", "sixpx: nobody is there to be asked; say --yes\n")
    assert len(desk.kept()) == 1


def test_a_user_with_jobs_under_way_stays(desk: Desk) -> None:
    with_jobs(desk, desk.added(), ended=False)
    said = desk.user("remove", "ada", "--yes")
    assert (said.status, said.out) == (1, "")
    assert "2 jobs of the user have not ended; cancel them" in said.err
    assert len(desk.kept()) == 1


# --- who is meant ---------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [("show",), ("edit", "--name", "x"), ("rotate-secret",), ("remove", "--yes")])
def test_nobody_and_two_of_a_name_are_told_apart(desk: Desk, action: tuple[str, ...]) -> None:
    for name in ("ada", "ada"):
        desk.added(name)
    before = desk.kept()
    name, *options = action
    assert "2 users are called 'ada'; name one by its id" in desk.user(name, "ada", *options).err
    assert "no user of this id or name" in desk.user(name, "bob", *options).err
    assert "no user of this id or name" in desk.user(name, "f" * 24, *options).err
    assert desk.kept() == before


def test_users_added_at_once_to_a_new_folder_are_sealed_with_one_key(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        together = threading.Barrier(6)

        def key(folder: Path = folder, together: threading.Barrier = together) -> str:
            together.wait(30)
            return vault_key(Settings(server=Server(data=str(folder))))

        with ThreadPoolExecutor(6) as pool:
            keys = [one.result(30) for one in [pool.submit(key) for _ in range(6)]]
        assert len(set(keys)) == 1
