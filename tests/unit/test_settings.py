"""Holds settings to their word: files, environment, all faults at once, and an example file that tells the truth."""

from __future__ import annotations

import os
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from sixpx.credentials import new_key
from sixpx.errors import BadSettings
from sixpx.settings import SECTIONS, Settings, load

EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.toml"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sixpx.toml"
    path.write_text(text)
    return path


def faults(path: Path | None, environment: dict[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        load(path, environment)
    return list(caught.value.faults)


def test_nothing_configured_means_the_defaults() -> None:
    assert load(None, {"HOME": "/", "SIXPX_AS": "a:b:c", "SIXPX_AT": "http://x"}) == Settings()


def test_the_example_file_holds_every_setting_with_its_default() -> None:
    assert load(EXAMPLE, {}) == Settings()
    shown = {section: set(values) for section, values in tomllib.loads(EXAMPLE.read_text()).items()}
    assert shown == {name: {one.name for one in fields(kind)} for name, kind in SECTIONS.items()}


def test_the_example_file_explains_every_setting() -> None:
    before = ""
    for line in EXAMPLE.read_text().splitlines():
        if line and line[0] not in "#[":
            assert before.startswith("# "), f"{line} is not explained"
        before = line


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    settings = load(written(tmp_path, '[server]\nport = 80\n[network]\nallow = ["10.0.0.0/8"]'), {})
    assert (settings.server.port, settings.server.host) == (80, "127.0.0.1")
    assert settings.network.allow == ("10.0.0.0/8",)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 80\n[fetch]\ntries = 1")
    settings = load(path, {"SIXPX_SERVER_PORT": "81", "SIXPX_NETWORK_ALLOW": "10.0.0.0/8, 192.168.0.0/16"})
    assert (settings.server.port, settings.fetch.tries) == (81, 1)
    assert settings.network.allow == ("10.0.0.0/8", "192.168.0.0/16")


def test_numbers_of_the_environment_become_what_the_setting_is() -> None:
    settings = load(None, {"SIXPX_LIMITS_RENDER_SECONDS": "2.5", "SIXPX_LANES_COUNT": "3"})
    assert (settings.limits.render_seconds, settings.lane_count) == (2.5, 3)


def test_a_fault_says_where_it_is_when_it_is_not_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 80\n[lanes]\nnice = -1\n")
    port, lanes, model = faults(path, {"SIXPX_SERVER_PORT": "many", "SIXPX_FACES_MODEL": "gone.onnx"})
    assert port == "server.port (from SIXPX_SERVER_PORT): expected a whole number of at least 1, got 'many'"
    assert model.startswith("faces.model (from SIXPX_FACES_MODEL): expected")
    assert lanes.startswith("lanes.nice: expected")


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, '[server]\nport = "x"\nprot = 1\n[limit]\n[log]\nlevel = "loud"')
    found = faults(path, {"SIXPX_LANES_CUONT": "1", "SIXPX_NETWORK_ALLOW": "10.0.0.1/8", "SIXPX_SERVER_PORT": "many"})
    named = ("SIXPX_LANES_CUONT", "server.port", "server.prot", "[limit]", "log.level", "network.allow")
    assert all(any(fault.startswith(name) for fault in found) for name in named), found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[server]\nport = 65536", "server.port: expected a port up to 65535, got 65536"),
        ("[server]\nport = -1", "server.port: expected a whole number of at least 1, got -1"),
        ("[server]\nport = true", "server.port: expected a whole number of at least 1, got True"),
        ("[limits]\noutputs = 0", "limits.outputs: expected a whole number of at least 1, got 0"),
        ("[limits]\nrender_seconds = inf", "limits.render_seconds: expected a number of at least 0.001, got inf"),
        ("[limits]\nrender_seconds = nan", "limits.render_seconds: expected a number of at least 0.001, got nan"),
        ('[network]\nallow = "10.0.0.0/8"', "network.allow: expected a list of strings, got '10.0.0.0/8'"),
        ('[server]\npublic_url = "img.example"', "server.public_url: expected http:// or https://, got 'img.example'"),
        ("server = 1", "server: expected a section [server], got 1"),
    ],
)
def test_one_fault_is_one_sentence(tmp_path: Path, text: str, fault: str) -> None:
    assert faults(written(tmp_path, text), {}) == [fault]


@pytest.mark.parametrize(
    "url",
    ["mysql://admin:swordfish@db/jobs", "mongo://admin:swordfish@db/jobs", "admin:swordfish@db", "swordfish",
     "mongodb://", "mongodb://admin:swordfish@", "mongodb://admin:swordfish@/jobs", "mongodb+srv://?a=swordfish",
     " mongodb://admin:swordfish@db/jobs", "mongodb:admin:swordfish@db"],
)  # fmt: skip
def test_another_store_is_refused_without_its_password(url: str) -> None:
    [fault] = faults(None, {"SIXPX_STORE_URL": url})
    assert fault.startswith("store.url (from SIXPX_STORE_URL): expected")
    assert "swordfish" not in fault
    assert "admin" not in fault


@pytest.mark.parametrize(
    "url",
    ["mongodb://db", "mongodb://admin:swordfish@one:27017,two:27018/jobs?replicaSet=rs&tls=true", "mongodb://[::1]:1/",
     "mongodb+srv://admin:p%40ss@cluster.example.com/?retryWrites=true"],
)  # fmt: skip
def test_a_mongodb_is_a_store_that_others_may_share(url: str) -> None:
    settings = load(None, {"SIXPX_STORE_URL": url})
    assert (settings.shared, settings.store.url) == (True, url)
    assert url not in repr(settings)
    assert not Settings().shared


@pytest.mark.parametrize(
    "text",
    ["[security]\nkey = 4711", "[security]\nkey = ['4711']", "security = '4711'", "[security]\nkey = '4711'",
     "[security]\nkey = 2014-08-04T04:47:11Z", "[store]\nurl = ['mongodb://u:4711@h']", "store = 'mongodb://u:4711@h'",
     "[store]\nurl = 'mongo://h/?password=4711'", "hosting = 's3://KEY:4711@bucket'"],
)  # fmt: skip
def test_no_fault_repeats_a_secret(tmp_path: Path, text: str) -> None:
    [fault] = faults(written(tmp_path, text), {})
    assert fault.startswith(("security", "store", "hosting"))
    assert "4711" not in fault
    assert "47, 11" not in fault


S3 = "s3://KEY:s4711@bucket/path"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f'url = "{S3}"', "hosting.public_url: expected http:// or https://, got ''"),
        (f'url = "{S3}"\npublic_url = "cdn.test"', "hosting.public_url: expected http:// or https://, got 'cdn.test'"),
        ('public_url = "https://cdn.test"', "hosting.public_url: only used with hosting.url; see server.public_url"),
        (
            'url = "sftp://u:s4711@host/path"\npublic_url = "https://cdn.test"',
            "hosting.url: expected an s3:// or cf:// connection string, got one of sftp",
        ),
        (
            'url = "6px"\npublic_url = "https://cdn.test"',
            "hosting.url: expected an s3:// or cf:// connection string, got one of 6px",
        ),
        (
            'url = "s3://KEY:s4711"\npublic_url = "https://cdn.test"',
            "hosting.url: Expected s3://user:secret@host/path, came a string without one of these parts",
        ),
        (
            f'url = "{S3}"\npublic_url = "https://cdn.test"\nretention_days = 3',
            "hosting.retention_days: for pictures on this disk; give the bucket a lifecycle rule instead",
        ),
        ("retention_days = -1", "hosting.retention_days: expected a whole number of at least 0, got -1"),
        ("retention_days = '3'", "hosting.retention_days: expected a whole number of at least 0, got '3'"),
        ("url = ['s4711']", "hosting.url: expected a string, got a value of type list"),
    ],
)
def test_hosting_elsewhere_has_to_be_whole(tmp_path: Path, text: str, fault: str) -> None:
    assert faults(written(tmp_path, f"[hosting]\n{text}"), {}) == [fault]


def test_no_repr_shows_where_hosting_is() -> None:
    given = {
        "SIXPX_HOSTING_URL": S3,
        "SIXPX_HOSTING_PUBLIC_URL": "https://cdn.test",
        "SIXPX_HOSTING_RETENTION_DAYS": "0",
    }
    assert "s4711" not in repr(load(None, given))


def test_no_repr_shows_the_key() -> None:
    key = new_key()
    assert key not in repr(load(None, {"SIXPX_SECURITY_KEY": key}))


def test_a_file_that_is_not_there_or_no_toml_is_said_so(tmp_path: Path) -> None:
    [gone] = faults(tmp_path / "gone.toml", {})
    [broken] = faults(written(tmp_path, "[server"), {})
    assert gone.endswith("gone.toml: No such file or directory")
    assert "not TOML" in broken


@pytest.mark.parametrize("name", ["gone.onnx", "."])
def test_a_model_of_faces_must_be_a_file(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    [fault] = faults(None, {"SIXPX_FACES_MODEL": path})
    assert fault == f"faces.model (from SIXPX_FACES_MODEL): expected a YuNet model file that can be read, got {path!r}"
    (tmp_path / "here.onnx").touch()
    assert load(None, {"SIXPX_FACES_MODEL": str(tmp_path / "here.onnx")}).faces.model.endswith("here.onnx")


def test_what_settings_come_to() -> None:
    settings = load(None, {"SIXPX_SERVER_HOST": "::1", "SIXPX_SERVER_DATA": "/var/lib/sixpx"})
    assert settings.public_url == "http://[::1]:8666"
    assert settings.database == Path("/var/lib/sixpx/sixpx.db")
    assert settings.lane_count == len(os.sched_getaffinity(0))
    other = load(None, {"SIXPX_SERVER_PUBLIC_URL": "https://img.example/", "SIXPX_STORE_URL": "sqlite:/srv/jobs.db"})
    assert (other.public_url, other.database) == ("https://img.example", Path("/srv/jobs.db"))
