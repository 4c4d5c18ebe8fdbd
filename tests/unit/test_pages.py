"""Holds what a person reads to what there is: links, commands, the examples of the README. Never its style."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sixpx.api.v1 import mistakes
from sixpx.api.v1.mistakes import Counts
from sixpx.cli import COMMANDS
from sixpx.client import AsyncClient, Client, Draft, Picture, Result
from sixpx.commands.user import ACTIONS

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "bench").glob("*.md"), *(ROOT / "demo").glob("*.md")]
)
README = (ROOT / "README.md").read_text("utf-8")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def leading_nowhere(page: Path) -> Iterator[str]:
    for link in LINK.findall(page.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        if not re.match("[a-z]+:", link):
            target = page.parent / path if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                yield link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(leading_nowhere(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_is_to_be_typed_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    made = re.findall(r"(?:`|^ {4})make ([a-z][a-z-]*)", text, re.MULTILINE)
    commands = re.findall(r"(?:`|^ {4})(?:\.venv/bin/)?sixpx ([a-z][a-z-]*)", text, re.MULTILINE)
    actions = re.findall(r"sixpx user ([a-z][a-z-]*)[ `]", text)
    assert [*(set(made) - targets), *(set(commands) - set(COMMANDS)), *(set(actions) - set(ACTIONS))] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=named)
def test_the_readme_leads_to_every_page_of_reference(page: Path) -> None:
    assert f"({named(page)}" in README


# --- the README's examples ------------------------------------------------------------------------


def test_the_first_job_is_a_job() -> None:
    assert mistakes.of_shape({**json.loads(examples("json")[0]), "input": {"main": "data:,x"}}, Counts()) == []


def test_the_bad_job_gets_the_answer_that_is_printed() -> None:
    (sent,) = re.findall(r"echo '(\{[^']*\})' \| curl", README)
    printed: dict[str, Any] = json.loads(examples("json")[1])
    found = [{"pointer": one.pointer, "detail": one.detail} for one in mistakes.of_shape(json.loads(sent), Counts())]
    assert sorted(found, key=str) == sorted(printed["errors"], key=str)


def test_the_program_has_words_that_there_are() -> None:
    (program,) = examples("python")
    used = {node.attr for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Attribute)}
    words = {name for kind in (AsyncClient, Client, Draft, Result, Picture) for name in dir(kind)}
    assert used - words - {"client"} == set()
