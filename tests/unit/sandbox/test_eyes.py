"""Other vendors may see the platform: their configuration, and a Prometheus whose counters only grow."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from responder.model.service import Service
from sandbox.eyes import names, overrides
from sandbox.places import Ports, SandboxError
from sandbox.platform.telemetry import HISTORY_SECONDS, STEP_SECONDS, Telemetry
from sandbox.platform.versions import Versions
from sandbox.run import configuration
from sandbox.vendors.prometheus import Exporter
from stacks.configuration import read_file
from stacks.used import used_sources

NOW = 1_800_000_000.0


def _deployed(tmp_path: Path) -> Service:
    file = tmp_path / "payment-gateway.yaml"
    file.write_text(configuration(Ports.planned(), {}))
    return read_file(file)


def test_eyes_of_aws_need_neither_new_relic_nor_splunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = {source.name for source in used_sources([_deployed(tmp_path)])}
    monkeypatch.setenv("SANDBOX_EYES", "aws")
    assert {source.name for source in used_sources([_deployed(tmp_path)])} == usual - {"newrelic", "splunk"} | {
        "prometheus", "cloudwatch_logs"}


def test_eyes_that_nobody_has_are_refused() -> None:
    assert names() == ["aws"]
    with pytest.raises(SandboxError, match="expected one of aws"):
        overrides("owl")


def test_the_platform_s_counters_only_grow_from_the_history_on() -> None:
    telemetry = Telemetry(Versions())
    telemetry.reset(NOW, 40.0, random.Random("eyes"))
    end = telemetry.transactions[-1].at + STEP_SECONDS
    exporter = Exporter(telemetry)
    seen: dict[str, float] = {}
    last = 0.0
    for line in exporter.history(end - HISTORY_SECONDS, end).splitlines():
        name, value, at = line.rsplit(" ", 2)
        assert float(value) >= seen.get(name, 0.0)
        seen[name], last = float(value), float(at)
    assert end - 60 < last <= end
    telemetry.go_on(end + 30)
    exporter.advance(end + 30)
    for line in exporter.text().splitlines():
        name, value = line.rsplit(" ", 1)
        assert float(value) >= seen.get(name, 0.0)
    served = sum(float(value) for value in re.findall(
        r'^http_server_request_duration_seconds_count\{service_name="frontend",.*\} (\S+)$', exporter.text(), re.M))
    assert served == sum(item.requests for item in telemetry.transactions if item.component == "frontend")
