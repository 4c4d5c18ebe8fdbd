"""Owns how log records look: a line each, text for people or JSON for machines, with job and stage. Never a secret."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

FIELDS = ("job", "user", "stage", "output", "code", "ms", "bytes", "method", "path", "status", "request", "key")
"""What our records may carry beside their sentence."""

TALKATIVE = ("asyncio", "aiobotocore", "aioftp", "asyncssh", "botocore", "pymongo")
"""Libraries that write whole requests, tokens and the replies of servers at the lower levels: none of that is ours to
tell."""


ESCAPED = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}
"""Control characters: what a client sent begins no line of its own, and commands no terminal."""


class JsonLines(logging.Formatter):
    """One JSON object a line: `time level logger message` and the FIELDS that the record has."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _stamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, separators=(",", ":"))


class TextLines(logging.Formatter):
    """`2014-08-16T20:41:06.343Z info sixpx.runner: job …: complete  stage=end ms=12`."""

    def format(self, record: logging.LogRecord) -> str:
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items())
        line = f"{_stamp(record)} {record.levelname.lower():7} {record.name}: {record.getMessage()} {extra}".rstrip()
        line = line.translate(ESCAPED)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def set_up(level: str, format: str) -> None:
    """Sends every record to standard error. `format` is `text` or `json`."""
    logging.basicConfig(level=level.upper(), handlers=[handler(format, sys.stderr)], force=True)
    for library in TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)
    # none of these is in our lines, and together they cost more than the line (logging's documentation, Optimization)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # documented there


def handler(format: str, stream: TextIO) -> logging.Handler:
    """Writes records to a stream, `text` or `json`, and of aiohttp's no more than the sentence."""
    made = logging.StreamHandler(stream)
    made.setFormatter(JsonLines() if format == "json" else TextLines())
    made.addFilter(_without_words_of_aiohttp)
    return made


def wordless(fault: BaseException) -> Exception:
    """The kind and the place of a fault whose words may quote a request."""
    return Exception(type(fault).__name__).with_traceback(fault.__traceback__)


def _without_words_of_aiohttp(record: logging.LogRecord) -> bool:
    """aiohttp fills its sentences with request lines, headers and pieces of bodies."""
    if record.name.startswith("aiohttp"):
        record.args = ()
        if record.exc_info and record.exc_info[1] is not None:
            fault = wordless(record.exc_info[1])
            record.exc_info = (Exception, fault, fault.__traceback__)
    return True


def _stamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: record.__dict__[key] for key in FIELDS if record.__dict__.get(key) is not None}
