"""Owns the rules of the house that a machine can hold: sizes, names, walls, registries. Never what the code does."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

from sixpx import credentials
from sixpx.api.schemas import law
from sixpx.cli import COMMANDS
from sixpx.methods import METHODS
from sixpx.targets import HOSTED, Target

Node = TypeVar("Node", bound=ast.AST)

ROOT = Path(__file__).parents[1]
OURS = sorted((ROOT / "sixpx").rglob("*.py"))
ALL = [*OURS, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]
MODULES = {HOSTED: "disk", "ftps": "ftp"}
"""The module of a scheme where it is not called so."""
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 60
FORBIDDEN_MODULES = {"utils", "util", "common", "helpers", "helper", "manager", "context", "misc", "base_impl"}
WITHOUT_DOCSTRING = {"sixpx/__main__.py"}  # three lines
FAMILIES = {"base", "__init__"}
"""Modules that hold a contract or name a family: their first line says which, not what is owned."""


def at(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def holds(rule: Callable[[Path], None], files: Iterable[Path]) -> None:
    """That every file keeps the rule; all that do not are named at once."""
    broken = {}
    for path in files:
        try:
            rule(path)
        except AssertionError as fault:
            broken[at(path)] = str(fault)
    assert broken == {}


def modules_of(folder: str) -> set[str]:
    return {one.stem for one in (ROOT / "sixpx" / folder).glob("*.py")} - FAMILIES


def nodes(tests: str, kind: type[Node]) -> Iterator[Node]:
    """Every syntax node of a kind in these files of the tests."""
    for path in sorted((ROOT / "tests").glob(tests)):
        yield from (node for node in ast.walk(tree(path)) if isinstance(node, kind))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


# --- registries -----------------------------------------------------------------------------------


def test_the_registry_of_methods_is_their_folder() -> None:
    assert set(METHODS) == modules_of("methods")
    assert all(METHODS[name].name == name for name in METHODS)


def test_every_method_has_its_schema() -> None:
    schemas = {one.stem for one in (ROOT / "schemas" / "methods").glob("*.json")}
    assert schemas == set(law().options)
    assert set(METHODS) == schemas


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_has_tests_that_name_it(name: str) -> None:
    """Its plan is tested without libvips, and a chain of steps with it is rendered."""
    planned = {node.value for node in nodes("unit/test_methods_*.py", ast.Constant)}
    firsts = (node.elts[0] for node in nodes("worker/*.py", ast.Tuple) if len(node.elts) == 2)
    rendered = {one.value for one in firsts if isinstance(one, ast.Constant)}
    assert name in planned
    assert name in rendered


def test_every_destination_of_the_schemes_is_built_and_the_other_way_round() -> None:
    built = modules_of("targets")
    schemes = set(credentials._OPTIONS) | {HOSTED}
    assert {MODULES.get(scheme, scheme) for scheme in schemes} == built


@pytest.mark.parametrize("name", sorted(modules_of("targets")))
def test_every_destination_keeps_the_contract(name: str) -> None:
    module = importlib.import_module(f"sixpx.targets.{name}")
    members = [one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == module.__name__]
    assert any(inspect.iscoroutinefunction(getattr(one, "put", None))
               and inspect.signature(one.put) == inspect.signature(Target.put)
               and inspect.iscoroutinefunction(getattr(one, "close", None)) for one in members)  # fmt: skip


def test_every_command_is_a_module_and_the_other_way_round() -> None:
    modules = {name.replace("-", "_") for name in COMMANDS}
    runnable = {one.stem for one in (ROOT / "sixpx/commands").glob("*.py") if "def run(" in one.read_text("utf-8")}
    assert runnable == modules


# --- sizes and names ------------------------------------------------------------------------------


def test_a_file_can_be_read_in_one_go() -> None:
    holds(_short, ALL)


def _short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LINES_OF_A_FILE


def test_a_function_fits_on_a_screen() -> None:
    holds(_of_short_functions, ALL)


def _of_short_functions(path: Path) -> None:
    functions = (one for one in ast.walk(tree(path)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    long = {one.name: one.end_lineno - one.lineno + 1 for one in functions if one.end_lineno}
    assert {name: lines for name, lines in long.items() if lines > LINES_OF_A_FUNCTION} == {}


def test_a_module_is_one_noun() -> None:
    holds(_one_noun, OURS)


def _one_noun(path: Path) -> None:
    assert path.stem not in FORBIDDEN_MODULES
    classes = [one.name for one in ast.walk(tree(path)) if isinstance(one, ast.ClassDef)]
    assert not {"Impl", "Manager", "Helper"} & {word for name in classes for word in _words(name)}


def _words(name: str) -> list[str]:
    return re.findall(r"[A-Z][a-z]+", name)


def test_a_module_says_first_what_it_owns_and_what_it_never_does() -> None:
    holds(_says_what_it_owns, [one for one in OURS if at(one) not in WITHOUT_DOCSTRING])


def _says_what_it_owns(path: Path) -> None:
    words = ast.get_docstring(tree(path)) or ""
    head = words.partition("\n\n")[0]
    assert head
    if path.stem not in FAMILIES:
        assert head.startswith("Owns "), head
        assert re.search(r"\b[Nn]ever\b", words), words


def test_nothing_is_left_for_later_without_an_issue() -> None:
    holds(_finished, OURS)


def _finished(path: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text("utf-8"))


# --- walls ----------------------------------------------------------------------------------------

PURE = [one for one in OURS if at(one).startswith(("sixpx/core/", "sixpx/methods/")) or at(one) == "sixpx/errors.py"]
IMPURE = {"asyncio", "time", "random", "secrets", "os", "socket", "subprocess", "threading", "logging"}


def test_the_core_imports_the_standard_library_alone_and_neither_clock_nor_chance() -> None:
    holds(_pure, PURE)


def _pure(path: Path) -> None:
    outside = {name.split(".")[0] for name in imported(path)} - {"sixpx"}
    assert outside <= set(sys.stdlib_module_names)
    assert not outside & IMPURE
    assert all(name.startswith(("sixpx.core", "sixpx.methods", "sixpx.errors"))
               for name in imported(path) if name.startswith("sixpx"))  # fmt: skip


def test_libvips_is_imported_behind_its_wall_alone() -> None:
    holds(_without_libvips, [one for one in OURS if "worker" not in one.parts])


def _without_libvips(path: Path) -> None:
    assert not {"pyvips", "cv2", "psd_tools", "pypdfium2"} & {name.split(".")[0] for name in imported(path)}


def test_only_the_api_and_the_process_speak_aiohttp_web() -> None:
    holds(_without_aiohttp_web, OURS)


def _without_aiohttp_web(path: Path) -> None:
    allowed = at(path).startswith("sixpx/api/") or at(path) in ("sixpx/app.py", "sixpx/commands/serve.py")
    text = path.read_text("utf-8")
    assert allowed or not re.search(r"aiohttp(\.| import .*\b)web\b", text)
