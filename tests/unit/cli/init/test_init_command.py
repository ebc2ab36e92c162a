"""``responder init`` by its own command line: what it asks, what it writes, and what it never overwrites."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from cli.app import built
from cli.init import readers
from cli.init.facts import Cluster, Secrets
from cli.init.readers import Asked, Known, Reader
from tests.unit.cli.init.stubs import Session, cluster, workload

GIVEN = ["payment-gateway", "--namespace", "payments", "--cluster", "payments"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Run the command with two readers: one that reads, and one that is refused."""
    def refuse(asked: Asked, known: Known) -> Secrets:
        raise ValueError("ListSecrets is not allowed (AccessDenied)")

    def one_reads(asked: Asked, known: Known) -> Cluster:
        return cluster(workload("payment-gateway", calls={"DATABASE_URL": "postgres"}))

    monkeypatch.setattr(readers, "every", lambda: (
        Reader("cluster", "the cluster", Cluster, one_reads, ("get",), first=True),
        Reader("secrets", "names of secrets", Secrets, refuse, ("secretsmanager:ListSecrets",))))
    monkeypatch.setattr(boto3, "Session", lambda **given: _Boto(Session({"eks": [
        ("list_clusters", {"clusters": ["payments", "staging"]})]})))
    app = built()
    return lambda *arguments: CliRunner().invoke(app, ["init", *arguments, "--config", str(tmp_path)])


class _Boto:
    def __init__(self, session: Session) -> None:
        self._session = session

    def client(self, service: str, config: Any = None) -> Any:
        return self._session.client(service)


def test_a_file_is_written_and_what_is_left_to_people_is_said(run: Callable[..., Any], tmp_path: Path) -> None:
    result = run(*GIVEN)
    text = (tmp_path / "payment-gateway.yaml").read_text()
    assert result.exit_code == 0
    assert "mode: observe" in text
    assert "# Not read: names of secrets: ListSecrets is not allowed (AccessDenied)" in text
    assert "metrics.namespace" in result.output
    assert "not valid yet: payment-gateway.yaml" in result.output


def test_a_file_that_is_there_is_shown_with_its_difference_and_kept(run: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "payment-gateway.yaml"
    file.write_text("service: mine\n")
    result = run(*GIVEN)
    assert result.exit_code == 2
    assert "-service: mine" in result.output
    assert "+service: payment-gateway" in result.output
    assert file.read_text() == "service: mine\n"
    assert run(*GIVEN, "--force").exit_code == 0
    assert "mode: observe" in file.read_text()


def test_check_names_what_is_left(run: Callable[..., Any], tmp_path: Path) -> None:
    run(*GIVEN)
    result = CliRunner().invoke(built(), ["check", "--config", str(tmp_path)])
    assert result.exit_code == 1
    assert "warning: team: left to you: who is asked and told" in result.output


def test_the_same_again_is_no_difference(run: Callable[..., Any]) -> None:
    assert run(*GIVEN).exit_code == run(*GIVEN).exit_code == 0


def test_a_second_service_stands_beside_the_first(run: Callable[..., Any], tmp_path: Path) -> None:
    run(*GIVEN)
    assert run("refunds", *GIVEN[1:], "--component", "payment-gateway").exit_code == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["payment-gateway.yaml", "refunds.yaml"]


def test_a_dry_run_prints_and_writes_nothing(run: Callable[..., Any], tmp_path: Path) -> None:
    result = run(*GIVEN, "--dry-run")
    assert "service: payment-gateway" in result.output
    assert not list(tmp_path.iterdir())


def test_programs_get_json(run: Callable[..., Any]) -> None:
    value = json.loads(run(*GIVEN, "--json").stdout)
    assert value["written"] is True
    assert {one["reader"]: one["read"] for one in value["readers"]} == {"secrets": False, "cluster": True}
    assert "team" in [one["field"] for one in value["todos"]]


@pytest.mark.parametrize(("arguments", "said"), [
    ([], "SERVICE is missing"), (["Payment_Gateway", *GIVEN[1:]], "lower-case letters"),
    (["a", "--cluster", "payments"], "--namespace is missing"),
    (["a", "--namespace", "payments"], "--cluster is missing: expected the EKS cluster, one of payments, staging"),
    (["a", "--namespace", "../x", "--cluster", "payments"], "expected the name of a Kubernetes namespace")])
def test_without_a_terminal_what_is_missing_is_said(run: Callable[..., Any], arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, said in result.output) == (2, True)


def test_where_nothing_can_be_read_nothing_is_written(
        run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(readers, "every", tuple)
    assert run(*GIVEN).exit_code == 3
    assert not list(tmp_path.iterdir())


def test_no_key_of_a_vendor_is_written_or_said(
        run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEW_RELIC_API_KEY", "NRAK-SECRETSECRET")
    monkeypatch.setenv("SPLUNK_TOKEN", "token-secretsecret")
    result = run(*GIVEN, "--newrelic-account", "7", "--splunk-url", "https://splunk.example:8089", "--json")
    written = (tmp_path / "payment-gateway.yaml").read_text()
    assert "secretsecret" not in (result.output + written).lower()
    assert "secret: incident-response/newrelic" in written
