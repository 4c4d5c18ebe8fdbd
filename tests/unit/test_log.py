"""Owns the tests of log lines: whole in both formats, one record a line. Never a handler."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sixpx.log import FIELDS, JsonLines, TextLines, handler

WORDS = st.from_regex(r"\A[a-z0-9-]{1,12}\Z")
EXTRAS = st.dictionaries(st.sampled_from(FIELDS), st.integers(-(2**70), 2**70) | st.floats() | WORDS)
FORMATS = [JsonLines(), TextLines()]


def record(message: str, extra: Mapping[str, Any] | None = None, *arguments: object) -> logging.LogRecord:
    made = logging.LogRecord("sixpx.test", logging.WARNING, "file.py", 1, message, arguments, None)
    made.__dict__.update(extra or {})
    return made


@given(st.text(), EXTRAS)
@example("a path that is not UTF-8: \udcff", {})
@example("wide", {"bytes": 2**70})
def test_a_json_line_is_one_line_with_the_message_and_every_field(message: str, extra: Mapping[str, Any]) -> None:
    line = JsonLines().format(record("%s", extra, message))
    assert "\n" not in line
    read = json.loads(line)
    assert set(extra) <= set(read)
    assert (read["level"], read["logger"]) == ("warning", "sixpx.test")
    if message.isprintable():
        assert read["message"] == message


@given(WORDS, EXTRAS)
def test_a_text_line_has_the_message_and_every_field(message: str, extra: Mapping[str, Any]) -> None:
    line = TextLines().format(record(message, extra))
    assert f"sixpx.test: {message}" in line
    for key, value in extra.items():
        assert f" {key}={value}" in line


@pytest.mark.parametrize("format", FORMATS, ids=["json", "text"])
def test_what_a_client_sent_cannot_begin_a_line_of_its_own(format: logging.Formatter) -> None:
    made = record("%s %s", {"path": "/a\n2026 info forged"}, "GET", "/a\r\n2026-01-01 info forged")
    assert not {"\r", "\n"} & set(format.format(made))


@pytest.mark.parametrize("format", FORMATS, ids=["json", "text"])
@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x85", "\x9b", "\u2028"])
def test_what_a_client_sent_commands_no_terminal_and_ends_no_line(format: logging.Formatter, character: str) -> None:
    made = record("GET %s", {"path": f"/{character}[2J"}, f"/{character}[2J")
    assert character not in format.format(made)
    assert len(format.format(made).splitlines()) == 1


@pytest.mark.parametrize("format", FORMATS, ids=["json", "text"])
def test_a_traceback_is_kept(format: logging.Formatter) -> None:
    made = record("it broke")
    try:
        raise ValueError("the cause")
    except ValueError as fault:
        made.exc_info = (type(fault), fault, fault.__traceback__)
    assert "ValueError: the cause" in format.format(made)


@pytest.mark.parametrize("format", ["text", "json"])
def test_of_aiohttp_only_the_sentence_is_kept(format: str) -> None:
    """Its parser's errors quote the request line, key and secret in the query included."""
    stream, line = io.StringIO(), "GET /?secret=MALSECRET"
    try:
        raise ValueError(line)
    except ValueError as fault:
        made = record("Error handling request from %s", None, line)
        made.name, made.exc_info = "aiohttp.server", (type(fault), fault, fault.__traceback__)
    handler(format, stream).handle(made)
    assert "MALSECRET" not in stream.getvalue()
    assert "Error handling request from" in stream.getvalue()
    assert "Exception: ValueError" in stream.getvalue()


def test_times_are_utc_with_milliseconds() -> None:
    made = record("now")
    made.created = 1408221666.3439
    assert json.loads(JsonLines().format(made))["time"] == "2014-08-16T20:41:06.343Z"
    assert TextLines().format(made).startswith("2014-08-16T20:41:06.343Z warning sixpx.test: now")
