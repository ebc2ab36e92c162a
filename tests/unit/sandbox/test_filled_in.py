"""What ``responder init`` writes and what a person fills in are together the sandbox's configuration."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from cli.init.decide.draft import draft
from cli.init.document import todos, written
from cli.init.facts import Application, Databases, Instance, Metrics, MetricSet, NewRelic, Secrets, Setting
from cli.init.readers import Asked
from sandbox.drill.contract import read
from sandbox.places import ROOT, Ports
from sandbox.run import configuration
from stacks.configuration import read_file
from tests.unit.cli.init.stubs import called, cluster, facts, workload

ASKED = Asked("payment-gateway", "payments", "payments", newrelic_account=1234567,
              newrelic_endpoint="http://127.0.0.1:4568/newrelic/graphql")
NAMES = ("frontend", "backend", "payment-gateway")
PARTS = draft(ASKED, facts(
    cluster(*(workload(name) for name in NAMES), settings=(Setting("payment-gateway-config", "PROVIDER", "primary"),)),
    NewRelic(tuple(Application(name, 1, 1, True) for name in NAMES), calls=(
        called("frontend", "backend"), called("backend", "payment-gateway"), called("payment-gateway", "payments-db"),
        called("payment-gateway", "api.primary.example"))),
    Databases((Instance("payments-db", "payments-db.abc.us-east-1.rds.amazonaws.com"),)),
    Metrics((MetricSet("PaymentPlatform", "Component", ("Errors", "Latency", "Requests"), NAMES),),
            ("PaymentPlatform",)),
    Secrets(tuple(f"incident-response/{name}" for name in (
        "newrelic", "splunk", "pagerduty", "pagerduty-api", "slack", "slack-signing", "statuspage")))),
    (), "2026-11-26")


def test_together_they_are_valid_and_may_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "payment-gateway.yaml"
    file.write_text(written(PARTS))
    monkeypatch.setenv("SANDBOX_CONFIG", str(file))
    together = tmp_path / "together.yaml"
    together.write_text(configuration(Ports(*range(4566, 4566 + len(fields(Ports)))), {}))
    service = read_file(together)
    assert (service.mode, service.entry) == ("auto", "frontend")
    assert [provider.name for provider in service.providers] == ["primary", "fallback"]
    assert service.policy["switch_provider"] == "auto"


def test_a_drill_allows_only_what_the_file_has_a_place_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "payment-gateway.yaml"
    file.write_text(written(PARTS))
    monkeypatch.setenv("SANDBOX_CONFIG", str(file))
    drill, = read([ROOT / "drills" / "bad-release.yaml"])
    together = tmp_path / "together.yaml"
    together.write_text(configuration(Ports(*range(4566, 4566 + len(fields(Ports)))), drill.overrides()))
    policy = read_file(together).policy
    assert (policy["rollback"], policy["switch_provider"]) == ("auto", "auto")
    # No flag may be written, and no switch sheds load.
    assert (policy["turn_flag_back"], policy["shed_load"]) == ("off", "off")


def test_a_person_fills_in_only_what_init_left_to_people() -> None:
    filled = yaml.safe_load((ROOT / "sandbox" / "filled_in.yaml").read_text(encoding="utf-8").replace("{world}", "1"))
    left = {todo.field.partition("[")[0].partition(".")[0] for todo in todos(PARTS)}
    assert filled.keys() <= left
