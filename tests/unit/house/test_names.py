"""A name that changes on one side alone is found: the type checker is tried, by renaming everything at once.

All fields of the dataclasses and named tuples of ``model`` and ``plan`` (the facts of the timeline among them), all
members of their enumerations and all kinds of signals are renamed where they are defined and nowhere else. The type
checker must then complain of every one of them. One that it says nothing of is read by nobody, or read past the types;
those that other programs or people alone read are listed in ``tests/unread.py`` with the reason. The values of
``Literal`` types are misspelt likewise, in a second run.

Where a field was, a property of the same type remains that belongs to another class: each read is an error, and what is
read from it further on is still checked.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.unread import UNREAD, UNUSED_VALUES

ROOT = Path(__file__).resolve().parents[3]
CODE = Path("lambdas") / "responder"
BORDERS = ("model", "plan")
READ_ELSEWHERE = {"plan/review/contents.py": "lambdas/responder/records/templates",
                  "plan/review/told.py": "lambdas/responder/records/templates",
                  "plan/review/live.py": "lambdas/responder/records/templates", "plan/course.py": "statemachines",
                  "model/service/": "stacks"}
"""Modules whose fields are read by what is not type checked here, too: templates, JSONata; the stacks take minutes."""
Edit = tuple[int, int, str]
"""Line (1-based), column in bytes, and what is put in there."""


def _after(node: ast.expr, text: str) -> Edit:
    return node.end_lineno or 0, node.end_col_offset or 0, text


def _fields(node: ast.ClassDef, module: str) -> Iterator[tuple[str, Edit]]:
    """Yield the name of each field as ``module:Class.field``, and what renames it."""
    if not any(ast.unparse(base) == "NamedTuple" for base in node.bases) and not any(
            "dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or "ClassVar" in ast.unparse(statement.annotation):
            continue
        target = statement.target
        assert isinstance(target, ast.Name)
        name, pad = f"{module}:{node.name}.{target.id}", " " * statement.col_offset
        yield name, _after(target, "_renamed")
        yield name, (node.end_lineno or 0, sys.maxsize, (
            f"\n{pad}@property\n{pad}def {target.id}(self: \"typing_extensions.Literal['{name}']\") -> "
            f"{ast.unparse(statement.annotation)}: raise NotImplementedError\n"))


def _members(node: ast.ClassDef, module: str) -> Iterator[tuple[str, Edit]]:
    if any(ast.unparse(base) in ("Enum", "StrEnum") for base in node.bases):
        for statement in node.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                target = statement.targets[0]
                yield f"{module}:{node.name}.{target.id}", _after(target, "_renamed")


def _names(tree: ast.Module, module: str) -> Iterator[tuple[str, Edit]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from _fields(node, module)
            yield from _members(node, module)
        if isinstance(node, ast.FunctionDef) and any(
                ast.unparse(decorator).startswith("signal(") for decorator in node.decorator_list):
            yield f"{module}:{node.name}", (node.lineno, node.col_offset + len(f"def {node.name}"), "_renamed")


def _values(tree: ast.Module, module: str) -> Iterator[tuple[str, Edit]]:
    """Yield the values of each ``Literal`` type as ``module:value``, and what misspells it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            for value in ast.walk(node.slice):
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                    yield f"{module}:{value.value}", (value.end_lineno or 0, (value.end_col_offset or 0) - 1,
                                                      f"~{module}")


def _changed(folder: Path, edits_of: Callable[[ast.Module, str], Iterator[tuple[str, Edit]]]) -> tuple[set[str], str]:
    """Copy the code, change it, and return the names that were changed, with all that the type checker says."""
    shutil.copytree(ROOT / CODE, folder / CODE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    names: set[str] = set()
    for path in (path for border in BORDERS for path in sorted((folder / CODE / border).rglob("*.py"))):
        text = path.read_text(encoding="utf-8")
        tree, lines = ast.parse(text), text.splitlines(keepends=True)
        found = list(edits_of(tree, str(path.relative_to(folder / CODE))))
        names |= {name for name, _ in found}
        for line, column, added in sorted({edit for _, edit in found}, reverse=True):
            old = lines[line - 1].encode()
            lines[line - 1] = (old[:column] + added.encode() + old[column:]).decode()
        # Not on a line of its own: what is complained of is looked up by its line.
        lines = [line.replace("import annotations", "import annotations; import typing_extensions") for line in lines]
        path.write_text("".join(lines), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", "--no-pretty",
         "--show-error-end", str(CODE)], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return names, ran.stdout


def _elsewhere(name: str) -> bool:
    """Whether a field is read by its name where ``READ_ELSEWHERE`` says."""
    texts = [path.read_text(encoding="utf-8") for module, folder in READ_ELSEWHERE.items() if name.startswith(module)
             for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".html", ".md", ".json")]
    return any(re.search(rf"\.{name.rpartition('.')[2]}\b", text) for text in texts)


def test_a_name_that_changes_on_one_side_is_found(tmp_path: Path) -> None:
    names, said = _changed(tmp_path, _names)
    read = set(re.findall(r"Invalid self argument .*Literal\['([\w/]+\.py:\w+\.\w+)'\]", said))
    # A member of an enumeration, a pattern of a class, a kind of signal: told by their last names.
    plain = set(re.findall(r'(?:"type\[|Class "[\w.]*?)(\w+)\]?" has no attribute "(\w+)"', said))
    weighed = set(re.findall(r'Module has no attribute "(\w+)"', said))
    emitted = set(re.findall(r'Name "(\w+)" is not defined', said))
    for name in names - read:
        owner, _, last = name.partition(":")[2].rpartition(".")
        if (owner, last) in plain or (not owner and last in weighed & emitted):
            read.add(name)
    read |= {name for name in names - read if _elsewhere(name)}
    known = {name for names in UNREAD.values() for name in names}
    unread, over = sorted(names - read - known), sorted(known - names | known & read)
    assert not unread, f"nobody reads these, or not by their types: {', '.join(unread)}"
    assert not over, f"these are read by now, or gone: {', '.join(over)}"


def test_a_value_that_is_misspelt_on_one_side_is_found(tmp_path: Path) -> None:
    names, said = _changed(tmp_path, _values)
    used = set()
    for path, first, last, message in re.findall(r"^(\S+?):(\d+):\d+:(\d+):\d+: error: (.*)$", said, re.MULTILINE):
        lines = (tmp_path / path).read_text(encoding="utf-8").splitlines()[int(first) - 1:int(last)]
        spelt = set(re.findall(r"""["']([^"'~]+)["']""", "\n".join(lines)))
        used |= {f"{module}:{value}" for module in re.findall(r"~([\w/]+\.py)", message) for value in spelt}
    known = {name for names in UNUSED_VALUES.values() for name in names}
    assert sorted(names - used - known) == [], "nobody uses these, or not by their types"
    assert sorted(known - names | known & used) == [], "these are used by now, or gone"
