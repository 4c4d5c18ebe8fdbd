"""Owns how a command finds its configuration: `--config`, ./sixpx.toml, else the defaults. Never what is in it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sixpx.settings import Settings, load

DEFAULT = Path("sixpx.toml")


def add_option(parser: argparse.ArgumentParser) -> None:
    help = "the configuration (default: ./sixpx.toml where there is one; see config.example.toml)"
    parser.add_argument("--config", type=Path, metavar="FILE", help=help)


def path_of(options: argparse.Namespace) -> Path | None:
    """The file that `settings_of` reads, if any."""
    chosen: Path | None = options.config
    return chosen or (DEFAULT if DEFAULT.exists() else None)


def settings_of(options: argparse.Namespace) -> Settings:
    """Raises BadSettings with every fault at once."""
    return load(path_of(options), os.environ)
