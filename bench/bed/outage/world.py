"""The vendors behind their addresses, and the service that the responder looks after."""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import asdict, replace
from pathlib import Path

from bench.bed.outage.traffic import KNOWN, Traffic
from responder import actions, sources
from responder.model.codec import encode
from responder.model.service import Person, Service
from responder.model.service.settings import settings_of
from sandbox.platform.state import World
from sandbox.platform.telemetry import Delays
from sandbox.vendors.dependency_health import DependencyHealth
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.newrelic import NewRelic
from sandbox.vendors.people import Vendors
from sandbox.vendors.splunk import Splunk
from sandbox.vendors.statuspage import StatusPages
from stacks.configuration import read_file
from stacks.used import used_actions, used_sources

ROOT = Path(__file__).resolve().parents[3]
ALARM = "incident-response-payment-gateway-error-rate"
_DELAYS = Delays(newrelic=1.0, splunk=1.0, cloudwatch=1.0, load_balancer=1.0, cloudtrail=5.0)
_PREFIXES = {"api.newrelic.com": ("", "/newrelic"), "events.pagerduty.com": ("", "/pagerduty"),
             "api.pagerduty.com": ("", "/pagerduty"), "slack.com": ("/api", "/slack"),
             "api.statuspage.io": ("", "/statuspage"), "splunk.internal.example": ("", "/splunk")}
"""Host to the prefix of its paths, and the one that the stand-ins have in its place."""

_MOMENT = re.compile(rb"(1[78]\d{8})(\.?)\d{3}(?!\d)")
"""A moment to the millisecond, as NRQL and Splunk's searches have them."""


class _BySeconds(Gates):
    def newest(self, source: str, delay: float) -> float:
        return math.floor(super().newest(source, delay))


class Vendor:
    """Everything that is asked or told over HTTP, but for the cluster.

    New Relic and Splunk know time by whole seconds here: cells whose times differ by less get the same answers.
    """

    def __init__(self, traffic: Traffic) -> None:
        world, gates = World(), _BySeconds()
        self._traffic = traffic
        self.people = Vendors(gates)
        self.newrelic = NewRelic(traffic.telemetry, gates, _DELAYS)
        self._splunk = Splunk(traffic.telemetry, gates, _DELAYS)
        self._pages, self._health = StatusPages(lambda: world, gates), DependencyHealth(lambda: world)

    def answer(self, host: str, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request."""
        self._traffic.up_to_now()
        if host.startswith("status."):
            return self._pages.answer(method, f"/status/{host.split('.')[1]}{path}", headers)
        if host in ("api.primary.example", "api.fallback.example"):
            return self._pages.answer(method, f"/provider/{host.split('.')[1]}{path}", headers)
        if host == "api.fraud.example":
            return self._health.answer(method, f"/dependency/fraud-check{path}")
        before, after = _PREFIXES[host]
        path = after + path.removeprefix(before)
        if host in ("api.newrelic.com", "splunk.internal.example"):
            return self._known(host, path, headers, _MOMENT.sub(rb"\1\g<2>000", body))
        return self.people.answer(method, path, headers, body)

    def _known(self, host: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        key = (host, path, headers.get("authorization", headers.get("api-key", "")), body, math.floor(time.time()),
               self._traffic.state)
        if key not in KNOWN:
            KNOWN[key] = self.newrelic.answer(headers, body) if host == "api.newrelic.com" else (
                self._splunk.answer(headers, body, path.removeprefix("/splunk")))
        return replace(KNOWN[key])


def service(asks: bool = False) -> Service:
    """Return the shipped service, left to act by itself, with people to be told and without probes by sockets.

    ``asks``: it asks before it rolls anything back.
    """
    shipped = read_file(ROOT / "config" / "payment-gateway.yaml")
    team = (Person("Site reliability engineer on call", "sre", slack="U0SRE", pagerduty="P0SRE",
                   iam="arn:aws:sts::000000000000:assumed-role/Sre/ada"),
            Person("Payment gateway developers", "developer", slack="U0DEV", pagerduty="P0DEV"),
            Person("Network team", "network", slack="U0NET"))
    recovery = replace(shipped.recovery, hold_seconds=60, give_up_seconds=240, watch_after_escalation_seconds=600,
                       check_at_most_every_seconds=120, long_outage_seconds=600, relapse_seconds=300)
    return replace(shipped, mode="auto", team=team, probes=(), recovery=recovery, payments=None,
                   approval=replace(shipped.approval, wait_seconds=300),
                   confirm=replace(shipped.confirm, baseline_seconds=600),
                   policy={**shipped.policy, "rollback": "approve" if asks else "auto"})


def configured(service: Service, folder: Path) -> None:
    """Write what the functions read beside their code: the configuration, and what is deployed."""
    phases: dict[str, list[dict[str, str]]] = {}
    for source in used_sources([service]):
        for phase in sorted(source.phases):
            phases.setdefault(phase, []).append({"source": source.name, "function": f"source-{source.name}"})
    deployed = {"alarms": [ALARM], "sources": phases,
                "remedies": [{"action": action.name, "risk": action.risk, "function": f"action-{action.name}",
                              "mends": not action.audience or bool(action.task_for)}
                             for action in used_actions([service])]}
    (folder / "deployed").mkdir(parents=True, exist_ok=True)
    (folder / f"{service.service}.json").write_text(json.dumps(asdict(service)), encoding="utf-8")
    (folder / "deployed" / f"{service.service}.json").write_text(json.dumps(deployed), encoding="utf-8")


def settings_text(service: Service) -> str:
    """Return the service's settings as AppConfig has them."""
    return json.dumps(encode(settings_of(service)))


def source_seconds(name: str) -> float:
    """Return how long a source's function may run, as the stack sets it."""
    return sources.load(name).deadline_seconds + 10


def action_seconds(name: str) -> float:
    """Return how long a remedy's function may run, as the stack sets it."""
    return actions.find(name).deadline_seconds + 15
