"""Workflows have no more rights than they need, and take actions by a commit that nobody can move."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
_WRITES = {"id-token"}
"""What a job may write: OIDC needs a token of its own."""


def test_there_is_a_workflow_that_runs_all_tests() -> None:
    assert any("run: make test\n" in path.read_text() for path in WORKFLOWS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_is_pinned_by_its_commit_and_says_its_version(path: Any) -> None:
    uses = re.findall(r"uses:\s*(\S+)\s*(.*)", path.read_text())
    assert uses
    for action, remark in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert re.match(r"# v\d+\.\d+\.\d+", remark), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_gives_each_job_the_least_rights(path: Any) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "timeout-minutes" in job, name
        given = job["permissions"]
        assert {right for right, level in given.items() if level != "read"} <= _WRITES, name
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False, name
            assert "${{ github.event" not in step.get("run", ""), "text of strangers must not become a command"
