"""Owns `sixpx check-config`: reads the configuration as the service would and shows what it comes to. Never a key."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from sixpx.commands import config
from sixpx.credentials import redact


def _as_it_is(value: Any) -> Any:
    return value


def _scheme_alone(url: str) -> str:
    """Of a MongoDB's URL: a password may stand among its options too."""
    scheme, found, _ = url.partition("://")
    return f"{scheme}://***" if found else url


SHOWN: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("security", "key"): lambda key: "***" if key else "",
    ("hosting", "url"): redact,
    ("store", "url"): _scheme_alone,
}
"""How the settings that hold secrets are shown."""


def add_options(parser: argparse.ArgumentParser) -> None:
    config.add_option(parser)


def run(options: argparse.Namespace) -> int:
    """All faults at once, or every value with the defaults filled in."""
    settings = config.settings_of(options)
    print(f"# {config.path_of(options) or 'no file: defaults and environment'}")
    for section, values in asdict(settings).items():
        print(f"\n[{section}]")
        for name, value in values.items():
            print(f"{name} = {_toml(SHOWN.get((section, name), _as_it_is)(value))}")
    return 0


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if not isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML has JSON's strings, but for this
