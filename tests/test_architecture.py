"""The house holds: who may import whom is the table of docs/architecture.md, and its figures only get better."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from responder.model.evidence import SHOWN_ONLY
from tests.conftest import ROOT

_TOPS = ("lambdas", "stacks", "sandbox", "cli")
_RESPONDER = ROOT / "lambdas" / "responder"
_CORE = ("plan", "handlers", "records", "model")
"""Where nothing foreign should arrive."""
KNOWN = {
    ("actions", "records", "actions/engage_network_team.py"),
}
"""Imports that break the table: (room, imported room, file below lambdas/responder). None may be added."""
MOST_UNTYPED, MOST_READS = 4, 57
"""Annotations as ``dict[str, Any]`` or ``Mapping[str, Any]``, and reads by string key, in ``_CORE``. They go down."""
MOST_LONG_FUNCTIONS = 0
LONG_FILES: set[str] = set()
"""Files beyond 400 lines (500 in the sandbox). None may be added."""

_ASKS = ("of", "asked", "one", "looks", "seen", "isinstance")
"""Who is asked for a kind of finding: ``Evidence``'s methods, and what calls them."""
_NEVER_OBSERVED = {"answer", "metrics"}
"""Kinds that say only that a source gave no answer."""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def python(top: str) -> list[Path]:
    return sorted((ROOT / top).rglob("*.py"))


def room_of(path: Path) -> str:
    """The folder of the table that a file is in."""
    inside = path.relative_to(_RESPONDER).parts if _RESPONDER in path.parents else path.relative_to(ROOT).parts
    return inside[0]


def table() -> dict[str, set[str]]:
    """Room to the rooms that it may import, by the table of docs/architecture.md."""
    rows = re.findall(r"^\| `([\w/]+)` \|.*\| ([^|]*) \|$", (ROOT / "docs" / "architecture.md").read_text(
        encoding="utf-8"), re.MULTILINE)
    rooms = [row[0].rpartition("/")[2] for row in rows]
    return {room: set(rooms[:place]) if "all of the above" in may else set(re.findall(r"`(\w+)`", may))
            for place, (room, (_, may)) in enumerate(zip(rooms, rows, strict=True))}


def imported(path: Path) -> Iterator[str]:
    """The rooms that a file imports from."""
    for node in ast.walk(parsed(path)):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            first, *rest = name.split(".")
            if first in ("stacks", "sandbox", "bench", "cli"):
                yield first
            elif first == "responder" and rest:
                yield rest[0]


def test_the_table_names_every_room() -> None:
    folders = {path.name for path in _RESPONDER.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert set(table()) == folders | {"stacks", "sandbox", "bench", "cli"}


def test_each_room_imports_only_what_the_table_allows() -> None:
    allowed, broken = table(), set()
    for path in [*python("lambdas"), *python("stacks"), *python("sandbox"), *python("bench"), *python("cli")]:
        room = room_of(path)
        if room not in allowed:
            continue
        for other in imported(path):
            if other != room and other in allowed and other not in allowed[room]:
                broken.add((room, other, str(path.relative_to(_RESPONDER if _RESPONDER in path.parents else ROOT))))
    assert broken - KNOWN == set()
    # What has been mended is struck off the list.
    assert KNOWN - broken == set()


def untyped_and_reads(path: Path) -> tuple[int, int]:
    """How many annotations of a file are untyped, and how often it reads by a string key."""
    untyped = reads = 0
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef):
            given = [*node.args.args, *node.args.kwonlyargs]
            notes = [*(argument.annotation for argument in given), node.returns]
        else:
            notes = [node.annotation] if isinstance(node, ast.AnnAssign) else []
        untyped += sum(any(kind in ast.unparse(note) for kind in ("dict[str, Any]", "Mapping[str, Any]"))
                       for note in notes if note)
        key: object = None
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            key = node.slice.value
        elif (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"
              and node.args and isinstance(node.args[0], ast.Constant)):
            key = node.args[0].value
        reads += isinstance(key, str)
    return untyped, reads


def test_nothing_more_is_read_by_key() -> None:
    counts = [untyped_and_reads(path) for room in _CORE for path in sorted((_RESPONDER / room).rglob("*.py"))]
    untyped, reads = (sum(column) for column in zip(*counts, strict=True))
    assert untyped <= MOST_UNTYPED
    assert reads <= MOST_READS


@pytest.mark.parametrize("name", ["plan/next_step.py", "plan/course.py", "model/codec.py"])
def test_the_number_of_untyped_reads_does_not_grow(name: str) -> None:
    assert untyped_and_reads(_RESPONDER / name) == (0, 0)


def test_files_and_functions_stay_short() -> None:
    long_files, long_functions = set(), []
    for path in (path for top in _TOPS for path in python(top)):
        name = str(path.relative_to(ROOT))
        if path.read_text(encoding="utf-8").count("\n") > (500 if name.startswith("sandbox") else 400):
            long_files.add(name)
        long_functions += [f"{name}:{node.name}" for node in ast.walk(parsed(path))
                           if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                           and (node.end_lineno or 0) - node.lineno >= 60]
    assert long_files <= LONG_FILES
    assert len(long_functions) <= MOST_LONG_FUNCTIONS, long_functions


def test_each_kind_of_finding_is_read_by_a_decision_or_is_shown_only() -> None:
    kinds: dict[str, str] = {}
    """Class to the kind's name in the record."""
    for path in sorted((_RESPONDER / "model" / "evidence").glob("*.py")):
        kinds |= {node.value.id: path.stem for node in parsed(path).body if isinstance(node, ast.Assign)
                  and ast.unparse(node.targets[0]) == "KIND" and isinstance(node.value, ast.Name)}
    read = set()
    for path in (path for room in ("plan", "actions", "handlers", "records") for path in python(
            f"lambdas/responder/{room}")):
        renamed = {alias.asname: alias.name for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom)
                   for alias in node.names if alias.asname}
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _ASKS:
                read |= {renamed.get(name.id, name.id) for argument in node.args for name in ast.walk(argument)
                         if isinstance(name, ast.Name)}
    unread = {name for kind, name in kinds.items() if kind not in read}
    assert unread == {*SHOWN_ONLY, *_NEVER_OBSERVED}
