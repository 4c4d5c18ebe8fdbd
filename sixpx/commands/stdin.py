"""Owns standard input as commands read it: a line of it, or nothing. Never shows what is typed in secret."""

from __future__ import annotations

import sys
from getpass import getpass

from sixpx.errors import SixpxError


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()  # None: it was closed by whoever started us


def line() -> str:
    """The next line without its end, empty where there is none. Raises SixpxError."""
    try:
        text = "" if sys.stdin is None else sys.stdin.readline().rstrip("\r\n")
        text.encode()  # in the C locale Python lets through what is no text
        return text
    except UnicodeError as fault:
        raise SixpxError("standard input: expected text in UTF-8, came something else") from fault


def secret(prompt: str) -> str:
    """The same; typed at a terminal it is not shown there."""
    if not is_terminal():
        return line()
    try:
        return getpass(prompt)
    except EOFError:
        return ""
