"""What the docs name is there, and what they list is what the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import bench
from responder import actions, people, sources
from responder.model.service import Service
from responder.plan import mechanisms
from sandbox.drill.contract import Answer, Expect, Start
from sandbox.events.telemetry import SOURCES
from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(page for page in (ROOT / "docs").rglob("*.md") if "examples" not in page.parts)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_that_a_page_names_is_there(page: Path) -> None:
    """Paths in code quotes, or how they begin, from the top or from ``lambdas/responder``."""
    folders = "|".join(("tests", "docs", "stacks", "sandbox", "kubernetes", "bench", "drills", "scripts", "lambdas",
                        "plan", "clients", "model", "handlers", "records", "sources", "actions", "people"))
    named = set(re.findall(rf"`((?:{folders})/[\w/.-]+?)/?`", page.read_text()))
    missing = sorted(name for name in named if not any(
        any(root.glob(f"{name}*")) for root in (ROOT, ROOT / "lambdas" / "responder")))
    assert missing == []


def names_in(file: Path) -> set[str]:
    """What a Python file defines: functions, classes, their methods as ``Class.method``, and names of the module."""
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_name_that_a_page_gives_with_its_file_is_there(page: Path) -> None:
    """``plan/confirm.py:confirm``: a function, class, ``Class.method`` or name of the module."""
    missing = []
    for path, name in re.findall(r"`([\w/]+\.py):([\w.]+)`", page.read_text(encoding="utf-8")):
        file = next((root / path for root in (ROOT, ROOT / "lambdas" / "responder") if (root / path).exists()), None)
        if file is None or name not in names_in(file):
            missing.append(f"{path}:{name}")
    assert missing == []


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first heading is ``heading``."""
    found = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)",
                      (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{page} has no table of {heading}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found[1].splitlines()]


def code(text: str) -> list[str]:
    """What stands in code quotes."""
    return re.findall(r"`([^`]+)`", text)


def test_each_page_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if page.parent == ROOT / "docs" and f"docs/{page.name}`" not in readme] == []


def test_the_readme_counts_the_remedies() -> None:
    counted = {10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen", 15: "fifteen",
               16: "sixteen", 17: "seventeen", 18: "eighteen"}[len(actions.every())]
    assert f"one of {counted}, each with a role" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_remedies_says_what_they_declare(service: Service) -> None:
    told = {code(row[0])[0]: (row[2], row[3]) for row in rows("remedies.md", "remedy")}
    assert told == {action.name: (action.risk, service.policy[action.name]) for action in actions.every()}


def test_the_table_of_mechanisms_is_the_code_s() -> None:
    told = [(*(code(row[0]) + code(row[1])), row[2], tuple(code(row[3])))
            for row in rows("diagnosis.md", "cause of the plan")]
    assert sorted(told) == sorted((found.cause.id, found.id, found.title, found.remedies)
                                  for found in mechanisms.every())


def test_the_table_of_sources_says_when_each_is_asked() -> None:
    told = {code(row[0])[0]: set(re.findall(r"confirm|isolate|diagnose|watch|aftercare", row[2]))
            for row in rows("sources.md", "source")}
    assert told == {source.name: set(source.phases) for source in sources.all()}


def test_the_table_of_channels_names_each() -> None:
    assert {code(row[0])[0] for row in rows("people.md", "channel")} == {channel.name for channel in people.every()}


def test_the_table_of_groups_has_a_row_for_each_that_a_function_is_put_in() -> None:
    told = {f"incident-responder:{code(row[0])[0]}" for row in rows("cluster-permissions.md",
                                                                     "group `incident-responder:`")}
    declared = [*(action.kubernetes_group for action in actions.every()),
                *(source.kubernetes_group for source in sources.all())]
    assert told == {group for group in declared if group}


def test_the_table_of_benchmarks_names_each() -> None:
    assert {code(row[0])[0] for row in rows("benchmarks.md", "benchmark")} == set(bench.every())


def test_the_table_of_guardrails_names_each() -> None:
    """A guardrail is a name that a verdict of ``plan/guardrails.py`` carries."""
    named = {name for row in rows("remedies.md", "guardrail") for name in code(row[0])}
    text = (ROOT / "lambdas" / "responder" / "plan" / "guardrails.py").read_text(encoding="utf-8")
    given = {argument.value for node in ast.walk(ast.parse(text))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Verdict"
             for argument in node.args[1:2] if isinstance(argument, ast.Constant) and isinstance(argument.value, str)}
    assert given - {""} == named


def test_extending_has_a_checklist_for_each_kind_of_addition() -> None:
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", text, re.MULTILINE))
    assert set(parts) == {
        "A mechanism", "A reader of evidence", "A check of live state", "A kind of finding", "A source", "A remedy",
        "A channel", "A probe of the doctor", "A sandbox event", "A key of the sandbox's world",
        "A state of the state machine", "A reader of `responder init`"}
    assert [name for name, part in parts.items() if "- [ ] " not in part] == []


def test_the_fields_of_a_drill_and_what_can_fail_are_described() -> None:
    text = (ROOT / "docs" / "drills.md").read_text(encoding="utf-8")
    told = {word for quoted in code(text) for word in re.findall(r"\w+", quoted)}
    fields = {name for kind in (Start, Answer, Expect) for name in kind.model_fields}
    assert fields - told == set()
    assert set(SOURCES) - told == set()
