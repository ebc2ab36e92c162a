"""The JSON Schema and the page of all fields are current, and agree with the check as far as form goes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from cli.app import built
from stacks.reading.values import values
from tests.conftest import ROOT
from tests.unit.cli.check.broken_files import BASE, EVERY, WARNINGS, Broken

REFERENCE = ROOT / "docs" / "reference" / "configuration.md"
NAMES = ("service.schema.json", "deployment.schema.json")
RUNNER = CliRunner()


def validator(name: str = NAMES[0]) -> Draft7Validator:
    schema = json.loads((ROOT / "config" / name).read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def refused(text: str, name: str = NAMES[0]) -> list[str]:
    return [error.message for error in validator(name).iter_errors(values(yaml.compose(text)).value)]


def test_what_is_checked_in_is_current(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    ran = RUNNER.invoke(built(), ["schema", "--write", "--config", str(tmp_path), "--reference", str(page), "--json"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout) == {"files": [*(str(tmp_path / name) for name in NAMES), str(page)]}
    advice = "run: responder schema --write --reference docs/reference/configuration.md"
    for name in NAMES:
        assert (tmp_path / name).read_text() == (ROOT / "config" / name).read_text(), advice
    assert page.read_text() == REFERENCE.read_text(), advice


def test_each_kind_of_file_is_printed() -> None:
    for kind, name in zip(("service", "deployment"), NAMES, strict=True):
        assert RUNNER.invoke(built(), ["schema", kind]).stdout == (ROOT / "config" / name).read_text()


def test_shipped_files_name_the_schema_and_are_accepted_by_it() -> None:
    files = list((ROOT / "config").glob("*.yaml"))
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8")
        name = NAMES[1] if file.name == "deployment.yaml" else NAMES[0]
        assert text.startswith(f"# yaml-language-server: $schema={name}\n")
        assert refused(text, name) == []


def test_what_the_check_accepts_the_schema_accepts() -> None:
    for text in (BASE, *(broken.text for broken in WARNINGS)):
        assert refused(text) == []
    assert refused("prefix: stage\nkeys: {logs: true}\nobject_lock: {mode: compliance, days: 3}\n", NAMES[1]) == []


@pytest.mark.parametrize("broken", [broken for broken in EVERY if broken.schema], ids=lambda broken: broken.name)
def test_a_mistake_of_form_is_refused_while_one_types(broken: Broken) -> None:
    assert refused(broken.text)


def test_the_schema_refuses_a_good_share_of_the_broken_files() -> None:
    assert sum(broken.schema for broken in EVERY) >= 25


def every(part: Any) -> list[dict[str, Any]]:
    """All properties of a schema."""
    if isinstance(part, list):
        return [found for item in part for found in every(item)]
    if not isinstance(part, dict):
        return []
    return [*part.get("properties", {}).values(), *(found for item in part.values() for found in every(item))]


@pytest.mark.parametrize("name", NAMES)
def test_each_field_says_what_it_is(name: str) -> None:
    schema = json.loads((ROOT / "config" / name).read_text(encoding="utf-8"))
    properties = every(schema)
    assert len(properties) > 5
    assert [part for part in properties if not part.get("description")] == []


def test_each_link_of_the_page_leads_to_a_section_of_it() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    titles = {re.sub(r"[^\w-]", "", title) for title in re.findall(r"^### (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= titles
