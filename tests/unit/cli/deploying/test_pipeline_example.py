"""The pipeline example calls what is there, pins what others wrote, and trusts one environment of one repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOW = ROOT / "examples" / "pipeline" / "deploy.yml"
ROLE = ROOT / "examples" / "pipeline" / "role.yaml"
PAGES = sorted([*(ROOT / "docs" / "how-to").glob("*.md"), ROOT / "docs" / "rollout.md", ROOT / "docs" / "operating.md"])


class _CloudFormation(yaml.SafeLoader):
    """YAML with CloudFormation's short forms of functions, each as its argument."""


_CloudFormation.add_multi_constructor("!", lambda loader, _, node: (
    loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else loader.construct_sequence(node)))


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return found


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_action_is_pinned_by_commit_and_says_its_version() -> None:
    lines = [line for line in WORKFLOW.read_text().splitlines() if "uses:" in line]
    assert len(lines) == 8
    pinned = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40}   # v\d+\.\d+\.\d+$")
    assert [line for line in lines if not pinned.search(line)] == []


def test_each_job_has_its_own_environment_and_no_more_rights_than_it_needs(jobs: dict[str, Any]) -> None:
    assert yaml.safe_load(WORKFLOW.read_text())["permissions"] == {}
    assert [(name, job["environment"]) for name, job in jobs.items()] == [
        ("staging", "staging"), ("production", "production")]
    assert all(job["permissions"] == {"contents": "read", "id-token": "write"} for job in jobs.values())
    assert "secrets." not in WORKFLOW.read_text()


def test_it_deploys_by_a_target_that_is_there_with_variables_that_it_reads(jobs: dict[str, Any]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for name, job in jobs.items():
        step = job["steps"][-1]
        target, *variables = step["run"].split()[1:]
        assert target in targets()
        for variable in variables:
            assert f"$({variable.partition('=')[0]})" in makefile or f"$(if $({variable.partition('=')[0]})" in makefile
        assert step["env"]["ENVIRONMENT"] == name
        # What a step does not get as its environment could be run as a part of its command.
        assert "${{" not in step["run"]


def test_the_role_trusts_the_environment_of_the_repository_alone(jobs: dict[str, Any]) -> None:
    template = yaml.load(ROLE.read_text(), Loader=_CloudFormation)
    role = template["Resources"]["Deploy"]["Properties"]
    trust, = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": "repo:${Repository}:environment:${Environment}"}}
    for name in ("Repository", "Environment"):
        assert not re.fullmatch(template["Parameters"][name]["AllowedPattern"], "*")
    assumed = {step["with"]["role-to-assume"].rpartition("/")[2] for job in jobs.values() for step in job["steps"]
               if "role-to-assume" in step.get("with", {})}
    assert assumed == {role["RoleName"]}


def test_a_pipeline_may_not_touch_a_kill_switch() -> None:
    template = yaml.load(ROLE.read_text(), Loader=_CloudFormation)
    statements = template["Resources"]["Deploy"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    denied = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert [statement["Resource"].rpartition("/")[2] for statement in denied] == ["kill-switch"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_only_targets_links_and_files_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"`make ([a-z]+)", text)) - targets() == set()
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).exists(), link
    for file in re.findall(r"`((?:docs|stacks|examples|tests)/[\w/.-]+)`", text):
        assert (ROOT / file).exists(), file
    for file, title in re.findall(r'`(docs/[\w-]+\.md)`, "([^"]+)"', text):
        assert f"## {' '.join(title.split())}" in (ROOT / file).read_text(encoding="utf-8"), title
