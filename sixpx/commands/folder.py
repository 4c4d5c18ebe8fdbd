"""Owns that the folder for a command's pictures is there before any work is done for it. Never writes a picture."""

from __future__ import annotations

from pathlib import Path

from sixpx.errors import SixpxError


def ready(folder: Path) -> Path:
    """The folder, made where it was not there. Raises SixpxError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise SixpxError(f"{folder} cannot be made: {fault.strerror}") from fault
    return folder
