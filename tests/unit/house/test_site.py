"""The docs as a site: names of pages become links, each page has its place, nothing comes from a foreign host."""

from __future__ import annotations

import json
import os
import re
import tomllib
from typing import Any

import pytest

from scripts import site
from stacks import permissions
from tests.conftest import ROOT

PAGES = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}


def test_a_page_that_is_named_in_code_becomes_a_link_with_its_title() -> None:
    titles = {"running.md": "How it runs", "how-to/drill.md": "Write a drill", "index.md": "Start"}
    assert site.linked("see `docs/running.md`.", "index.md", titles) == "see [How it runs](running.md)."
    assert site.linked("see `docs/running.md`, `README.md`", "how-to/drill.md", titles) == (
        "see [How it runs](../running.md), [Start](../index.md)")
    assert site.linked("`docs/how-to/drill.md`", "running.md", titles) == "[Write a drill](how-to/drill.md)"
    unknown = "`docs/nowhere.md`, `docs/running.md`"
    assert site.linked(unknown, "running.md", titles) == unknown


def test_blocks_of_code_stay_as_they_are() -> None:
    text = "`docs/a.md`\n\n```sh\ncat `docs/a.md`\n```\n\n`docs/a.md`\n"
    assert site.linked(text, "index.md", {"a.md": "A"}) == "[A](a.md)\n\n```sh\ncat `docs/a.md`\n```\n\n[A](a.md)\n"


@pytest.mark.parametrize(("html", "hosts"), [
    ('<script src="https://unpkg.com/mermaid"></script>', ["unpkg.com"]),
    ('<link rel="stylesheet" href="//fonts.googleapis.com/css">', ["fonts.googleapis.com"]),
    ('<link href="https://fonts.gstatic.com" rel="preconnect">', ["fonts.gstatic.com"]),
    ("<img alt=x src='http://img.shields.io/a.svg'>", ["img.shields.io"]),
    ("@import url(https://a.example/x.css); b {background: url('//b.example/i.png')}", ["a.example", "b.example"]),
    ('<a href="https://aws.amazon.com">AWS</a> <script src="assets/x.js"></script> <link rel=canonical '
     'href="https://x.example/">', []),
    ("b {background: url(data:image/png;base64,//8=)}", [])])
def test_what_would_be_loaded_from_a_foreign_host_is_found(html: str, hosts: list[str]) -> None:
    assert list(site.foreign_hosts(html)) == hosts


def test_each_page_has_one_place_in_the_navigation() -> None:
    titles = dict.fromkeys([*sorted(PAGES), "index.md", "changelog.md", "reference/commands.md"], "")
    parts = site.navigation(titles)
    placed = [name for names in parts.values() for name in names]
    assert sorted(placed) == sorted(titles.keys() - {"index.md"})
    assert parts["Explanation"].index("architecture.md") < parts["Explanation"].index("running.md")
    settings: dict[str, Any] = tomllib.loads(site.configuration(parts))["project"]
    assert settings["nav"][0] == {"Start": "index.md"} and settings["theme"]["font"] is False


def test_the_page_of_commands_has_each_command_with_its_options() -> None:
    page = site.commands()
    names = [path.stem.replace("_", "-") for path in (ROOT / "cli" / "commands").glob("[a-z]*.py")]
    assert names and all(f"`responder {name}`" in page for name in names)
    assert "--budget DOLLARS" in page
    assert not re.search(r"^\* `[\w-]+`: .*\.\.\.$", page, re.M), "a command's sentence is cut off"


def test_the_page_of_records_has_each_partition_of_the_table() -> None:
    page = site.records()
    assert all(f"`{key}" in page for key in ("INCIDENT#", "TIMELINE#", "REMEDY#", "TARGET#", "LEDGER#", "TASK#"))
    assert "``" not in page


# --- the page of permissions ------------------------------------------------------------------------------------------

def test_the_page_of_permissions_is_that_of_the_reviewed_template() -> None:
    """``UPDATE_SNAPSHOT=1`` writes it anew; run it after the template's snapshot was written."""
    if os.environ.get("UPDATE_SNAPSHOT"):
        permissions.PAGE.write_text(permissions.shipped(), encoding="utf-8")
    assert permissions.PAGE.read_text(encoding="utf-8") == permissions.shipped()


def test_the_page_has_every_statement_of_every_function() -> None:
    page = permissions.shipped()
    resources = json.loads(permissions.SNAPSHOT.read_text())["Resources"]
    for item in resources.values():
        if item["Type"] == "AWS::Lambda::Function":
            assert f"### `{item['Properties']['FunctionName']}`" in page
        if item["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for statement in item["Properties"]["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert all(f"`{action}`" in page for action in actions)


def test_the_rights_in_the_cluster_are_those_of_the_functions_group() -> None:
    page = permissions.shipped()
    section = page[page.index("### `incident-response-action-restart-pods`"):]
    section = section[:section.index("\n### ")]
    assert "`incident-responder:restart-pods`" in section and "`pods/eviction`" in section
    reader = page[page.index("### `incident-response-source-rds`"):]
    assert "In the cluster" not in reader[:reader.index("\n### ")]
