"""Owns the file with the key that opens what is sealed: found, or made once. Never what is sealed with it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sixpx import credentials
from sixpx.credentials import Vault
from sixpx.errors import BadSettings
from sixpx.settings import Settings

KEY_FILE = "secret.key"


def vault_key(settings: Settings) -> str:
    """The key from the configuration, else one made at the first start and kept beside the database. Raises
    BadSettings where the file holds none."""
    if settings.security.key:
        return settings.security.key
    path = settings.data / KEY_FILE
    if not path.exists():
        _write_key(path)
    key = path.read_text().strip()
    try:
        Vault(key)
    except BadSettings as fault:
        raise BadSettings((f"{path}: {fault.faults[0]}; restore the file, or set security.key",)) from fault
    return key


def _write_key(path: Path) -> None:
    """Whole and durable under its name or not there at all: with half a key nothing sealed can be opened again, nor
    with another one that a `sixpx user add` beside the first start makes at the same moment."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not path.exists():
            _write_whole(path)
    finally:
        os.close(folder)


def _write_whole(path: Path) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(credentials.new_key())
        file.flush()
        os.fsync(descriptor)
    os.replace(part, path)
