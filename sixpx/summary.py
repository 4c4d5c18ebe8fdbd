"""Owns how a job, and what is wrong with one, reads on a terminal. Never asks for a job, never exits."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from sixpx.errors import Invalid


def text(job: Mapping[str, Any]) -> str:
    """The job as the API shows it, in lines: each picture with tag, input, pixels, bytes and place; each failure."""
    rows = [row for processed in job["processed"] for row in _rows(processed)]
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    # the last cell, a place or a sentence, is as long as it is
    cells = ([*map(str.ljust, row[:-1], widths), row[-1]] for row in rows)
    head = [f"job {job['_id']}: {job['status']}"]
    if error := job.get("error"):
        head.append(f"  {_sentence(error)}")
    return "\n".join([*head, *(f"  {'  '.join(row)}".rstrip() for row in cells)])


def _rows(processed: Mapping[str, Any]) -> Iterator[list[str]]:
    """Tag, input, pixels, bytes, place; a failure has its sentence in the last cell."""
    tag = processed["name"]
    for ref, picture in processed["data"]["output"].items():
        info = picture["info"]
        yield [tag, ref, f"{info['width']}x{info['height']}", f"{info['bytes']:,} bytes", picture["location"]]
    if error := processed.get("error"):
        yield [tag, error.get("ref") or "", "failed", "", _sentence(error)]
    elif processed["status"] not in ("complete", "failed"):
        yield [tag, "", processed["status"], "", ""]


def _sentence(error: Mapping[str, Any]) -> str:
    again = "; trying again may help" if error.get("retryable") else ""
    return f"{error['stage']}: {error['detail']} ({error['code']}{again})"


def print_mistakes(fault: Invalid) -> None:
    """Every mistake in a body on a line of its own, to standard error."""
    for one in fault.mistakes:
        print(f"sixpx: {one.pointer or 'the body'}: {one.detail}", file=sys.stderr)
    if not fault.mistakes:
        print(f"sixpx: {fault.detail}", file=sys.stderr)
