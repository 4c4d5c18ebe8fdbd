"""Owns the configuration: a TOML file and the environment become one frozen Settings. Never used below `app`.

`SIXPX_SERVER_PORT=80` overrides `port` in `[server]`. All faults come in one report.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from sixpx.credentials import Vault, parse
from sixpx.errors import BadSettings, Invalid


@dataclass(frozen=True, slots=True)
class Server:
    host: str = "127.0.0.1"
    port: int = 8666
    public_url: str = ""
    data: str = "./data"


@dataclass(frozen=True, slots=True)
class Store:
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Api:
    version: str = "2014-08"


@dataclass(frozen=True, slots=True)
class Search:
    index: tuple[str, ...] = ()
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Callbacks:
    seconds: float = 15.0
    parallel: int = 16


@dataclass(frozen=True, slots=True)
class Security:
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Lanes:
    count: int = 0
    recycle: int = 200
    memory: int = 4 * 1024**3
    nice: int = 5


@dataclass(frozen=True, slots=True)
class Faces:
    model: str = ""


@dataclass(frozen=True, slots=True)
class Runner:
    window: int = 32
    spool_bytes: int = 4_000_000_000
    lease_seconds: float = 30.0
    grace_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Network:
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hosting:
    url: str = field(default="", repr=False)
    public_url: str = ""
    retention_days: int = 0


@dataclass(frozen=True, slots=True)
class Cf:
    identity_url: str = "https://identity.api.rackspacecloud.com/v2.0"
    identity_url_uk: str = "https://lon.identity.api.rackspacecloud.com/v2.0"


@dataclass(frozen=True, slots=True)
class Sftp:
    known_hosts: str = ""
    trust_on_first_use: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    connect_seconds: float = 5.0
    total_seconds: float = 30.0
    tries: int = 3
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Limits:
    input_bytes: int = 100_000_000
    input_pixels: int = 75_000_000
    input_frames: int = 300
    all_frames_pixels: int = 268_000_000
    output_side: int = 16_384
    inputs: int = 20
    outputs: int = 50
    methods: int = 20
    body_bytes: int = 32_000_000
    render_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Log:
    level: str = "info"
    format: str = "text"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured; `config.example.toml` explains each value."""

    server: Server = field(default_factory=Server)
    store: Store = field(default_factory=Store)
    api: Api = field(default_factory=Api)
    search: Search = field(default_factory=Search)
    callbacks: Callbacks = field(default_factory=Callbacks)
    security: Security = field(default_factory=Security)
    lanes: Lanes = field(default_factory=Lanes)
    faces: Faces = field(default_factory=Faces)
    runner: Runner = field(default_factory=Runner)
    network: Network = field(default_factory=Network)
    hosting: Hosting = field(default_factory=Hosting)
    cf: Cf = field(default_factory=Cf)
    sftp: Sftp = field(default_factory=Sftp)
    fetch: Fetch = field(default_factory=Fetch)
    limits: Limits = field(default_factory=Limits)
    log: Log = field(default_factory=Log)

    @property
    def public_url(self) -> str:
        """Where clients reach the service, without a slash at the end."""
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return self.server.public_url.rstrip("/") or f"http://{host}:{self.server.port}"

    @property
    def data(self) -> Path:
        return Path(self.server.data)

    @property
    def shared(self) -> bool:
        """Whether other processes may work on the same store: it is a MongoDB."""
        return self.store.url.startswith(MONGODB)

    @property
    def database(self) -> Path:
        """The SQLite file; `store.url` is `sqlite:PATH` or empty."""
        return Path(self.store.url.removeprefix("sqlite:")) if self.store.url else self.data / "sixpx.db"

    @property
    def lane_count(self) -> int:
        """`lanes.count`, or one a processor where it is 0."""
        return self.lanes.count or len(os.sched_getaffinity(0))


SECTIONS: Mapping[str, type] = {one.name: one.default_factory for one in fields(Settings)}  # type: ignore[misc]  # a factory here is a section's class
PREFIX = "SIXPX_"
MONGODB = ("mongodb://", "mongodb+srv://")
OF_CLIENTS = frozenset({"SIXPX_AS", "SIXPX_AT"})
"""Variables that `sixpx submit` reads; they are no settings."""
BOOLEANS = {"true": True, "false": False}
CHOICES = {
    "api.version": ("2014-08", "2014-06", "2014-04"),
    "log.level": ("debug", "info", "warning", "error"),
    "log.format": ("text", "json"),
}
SECRET = ("security", "store", "hosting.url")
"""Sections and settings whose values no fault repeats: a key, a URL with a password."""
INDEXED, INDEXED_MOST = re.compile(r"data(\.[A-Za-z0-9_-]+)+"), 20
MAY_BE_ZERO = {
    *("lanes.count", "lanes.recycle", "lanes.nice"),
    *("fetch.redirects", "runner.grace_seconds", "hosting.retention_days"),
}


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Settings from the file (if any) and the environment. Raises BadSettings with every fault at once."""
    faults: list[str] = []
    raw = _read(path, faults)
    given = _overlay(raw, environment, faults)
    sections = {name: _section(name, kind, raw.pop(name, {}), faults) for name, kind in SECTIONS.items()}
    faults += [f"[{name}]: no such section; there are {', '.join(SECTIONS)}" for name in raw]
    settings = Settings(**sections)
    faults += _contradictions(settings)
    if faults:
        raise BadSettings(tuple(_with_variable(one, given) for one in faults))
    return settings


def _with_variable(fault: str, given: Mapping[str, str]) -> str:
    """Whoever mends it must know that it does not stand in the file."""
    setting, colon, rest = fault.partition(":")
    return f"{setting} (from {given[setting]}){colon}{rest}" if setting in given else fault


def _read(path: Path | None, faults: list[str]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        faults.append(f"{path}: {fault.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        faults.append(f"{path}: not TOML: {fault}")
    return {}


def _overlay(raw: dict[str, Any], environment: Mapping[str, str], faults: list[str]) -> Mapping[str, str]:
    """The variable of each setting that comes from the environment."""
    given = {}
    for variable, value in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in OF_CLIENTS:
            continue
        section, _, name = variable.removeprefix(PREFIX).lower().partition("_")
        kinds = {one.name: one.type for one in fields(SECTIONS[section])} if section in SECTIONS else {}
        if name not in kinds:
            faults.append(f"{variable}: no such setting")
            continue
        table = raw.setdefault(section, {})
        if isinstance(table, dict):
            table[name] = _from_text(value, str(kinds[name]))
            given[f"{section}.{name}"] = variable
    return given


def _from_text(value: str, kind: str) -> Any:
    """The value that TOML would have given; what does not convert is left for the check."""
    if kind.startswith("tuple"):
        return [one.strip() for one in value.split(",") if one.strip()]
    converts: Mapping[str, Callable[[str], Any]] = {"int": int, "float": float, "bool": BOOLEANS.__getitem__}
    convert = converts.get(kind, str)
    try:
        return convert(value)
    except (ValueError, KeyError):
        return value


def _section(name: str, kind: type, raw: Any, faults: list[str]) -> Any:
    if not isinstance(raw, dict):
        faults.append(f"{name}: expected a section [{name}], got {_came(name, raw)}")
        return kind()
    known = {one.name: str(one.type) for one in fields(kind)}
    values = {}
    for key, value in raw.items():
        if key not in known:
            faults.append(f"{name}.{key}: no such setting; [{name}] knows {', '.join(known)}")
        elif fault := _fault(f"{name}.{key}", known[key], value):
            faults.append(f"{name}.{key}: {fault}")
        else:
            values[key] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _fault(key: str, kind: str, value: Any) -> str | None:
    """What is wrong with one value, or None."""
    if kind.startswith("tuple"):
        right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return None if right else f"expected a list of strings, got {_came(key, value)}"
    if kind == "str":
        allowed = CHOICES.get(key)
        if not isinstance(value, str) or (allowed and value not in allowed):
            return f"expected {' or '.join(allowed) if allowed else 'a string'}, got {_came(key, value)}"
        return None
    if kind == "bool":
        return None if isinstance(value, bool) else f"expected true or false, got {_came(key, value)}"
    numbers = (int,) if kind == "int" else (int, float)
    least = 0 if key in MAY_BE_ZERO else 1 if kind == "int" else 0.001
    if isinstance(value, bool) or not isinstance(value, numbers) or not least <= value < float("inf"):
        wanted = "a whole number" if kind == "int" else "a number"
        return f"expected {wanted} of at least {least}, got {_came(key, value)}"
    return None


def _came(key: str, value: Any) -> str:
    """What came, as a fault may show it."""
    hidden = any(f"{one}.".startswith(f"{key}.") or f"{key}.".startswith(f"{one}.") for one in SECRET)
    return f"a value of type {type(value).__name__}" if hidden else repr(value)


def _contradictions(settings: Settings) -> list[str]:
    faults = []
    if settings.server.port > 65535:
        faults.append(f"server.port: expected a port up to 65535, got {settings.server.port}")
    faults += _index_faults(settings.search.index)
    if fault := _store_fault(settings.store.url):
        faults.append(f"store.url: {fault}")
    faults += _hosting_faults(settings.hosting)
    if settings.sftp.known_hosts and not os.access(settings.sftp.known_hosts, os.R_OK):
        faults.append(f"sftp.known_hosts: expected a file that can be read, got {settings.sftp.known_hosts!r}")
    # whether it is a model is seen by the lanes: the server does not import OpenCV
    model = settings.faces.model
    if model and not (Path(model).is_file() and os.access(model, os.R_OK)):
        faults.append(f"faces.model: expected a YuNet model file that can be read, got {model!r}")
    if settings.security.key:
        try:
            Vault(settings.security.key)
        except BadSettings as fault:
            faults += [f"security.key: {one}" for one in fault.faults]
    for network in settings.network.allow:
        try:
            ip_network(network)
        except ValueError as fault:
            faults.append(f"network.allow: expected networks such as 10.0.0.0/8: {fault}")
    if settings.server.public_url and not settings.server.public_url.startswith(("http://", "https://")):
        faults.append(f"server.public_url: expected http:// or https://, got {settings.server.public_url!r}")
    return faults


def _index_faults(paths: tuple[str, ...]) -> list[str]:
    """A path becomes part of a statement, or of an index's keys: nothing but plain words is let through."""
    wrong = [path for path in paths if len(path) > 100 or not INDEXED.fullmatch(path)]
    expected = "search.index: expected paths such as data.order, in letters, digits, - and _"
    faults = [f"{expected}, got {one!r}" for one in wrong]
    if len(paths) > INDEXED_MOST:
        faults.append(f"search.index: expected up to {INDEXED_MOST} paths, got {len(paths)}")
    return faults


def _store_fault(url: str) -> str | None:
    """What is wrong with it, in words that hold no part of it: it may have a password anywhere. The rest is judged by
    the driver, when it is opened."""
    if url.startswith(MONGODB):
        host = re.split("[/?]", url.partition("://")[2].rpartition("@")[2])[0]
        return None if host else "expected a host: mongodb://HOST/DATABASE or mongodb://USER:PASSWORD@HOST/DATABASE"
    if url and not url.startswith("sqlite:"):
        return "expected sqlite:PATH, mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE, got another scheme"
    return None


def _hosting_faults(hosting: Hosting) -> list[str]:
    if not hosting.url:
        return ["hosting.public_url: only used with hosting.url; see server.public_url"] if hosting.public_url else []
    faults = []
    try:
        scheme = parse(hosting.url).scheme
    except Invalid as fault:
        faults.append(f"hosting.url: {fault.detail}")
    else:
        if scheme not in ("s3", "cf"):
            faults.append(f"hosting.url: expected an s3:// or cf:// connection string, got one of {scheme}")
    if not hosting.public_url.startswith(("http://", "https://")):
        faults.append(f"hosting.public_url: expected http:// or https://, got {hosting.public_url!r}")
    if hosting.retention_days:
        faults.append("hosting.retention_days: for pictures on this disk; give the bucket a lifecycle rule instead")
    return faults
