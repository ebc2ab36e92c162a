"""Evidence of outages, as the sources give it, and the diagnosis of it: shared by the tests of the diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from responder.model.change import ABSENT, Change, FieldChange
from responder.model.evidence import Bucket, Evidence, Finding, Window
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.changes import Changes
from responder.model.evidence.clients import Client, Clients
from responder.model.evidence.connections import Connections
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.error_signatures import ErrorSignatures, Signature
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.evidence.pods import Pods
from responder.model.evidence.probe import ProbeOutcome
from responder.model.evidence.rollouts import Revision, Rollouts
from responder.model.evidence.status_page import StatusPage
from responder.model.evidence.waits import Waits
from responder.model.fault_location import OWN, FaultLocation
from responder.model.service import Service
from responder.plan.confirm import confirm
from responder.plan.diagnose import Diagnosis, Hypothesis, diagnose, rank
from responder.plan.failure_modes import FailureMode, failure_modes
from responder.plan.isolate import Isolation, isolate
from responder.plan.remedies import Candidate, propose
from responder.plan.signals import Context, Signal, read
from responder.plan.weights import shipped

Found = Finding[Any]

NOW = 1_800_000_000.0
WINDOW = Window(NOW - 90, NOW)
ONSET = NOW - 40


def rates(component: str, share: float, per_second: float = 40.0, usual: float = 40.0, source: str = "newrelic",
          series: Sequence[tuple[float, float, float]] | None = None) -> Finding[ErrorRate]:
    """A component fails so from the onset on; ``series`` gives other rows."""
    rows = tuple(Bucket(*row) for row in series) if series is not None else tuple(
        Bucket(NOW - 90 + 10 * n, 10 * (per_second if n >= 5 else usual),
               10 * (per_second * share if n >= 5 else usual * 0.004)) for n in range(9))
    return Finding(source=source, component=component, window=WINDOW, detail=ErrorRate(
        series=rows, baseline_requests=usual * 3600, baseline_errors=usual * 14, baseline_seconds=3600.0,
        requests=sum(row.requests for row in rows), errors=sum(row.errors for row in rows)))


def both(component: str, share: float, per_second: float = 40.0) -> list[Found]:
    """New Relic and CloudWatch see it alike."""
    return [rates(component, share, per_second, source=source) for source in ("newrelic", "cloudwatch")]


def callee(kinds: dict[str, float] | None = None, *, requests: float = 1600.0, errors: float | None = None,
           before: float = 144_000.0, mean_ms: float | None = 20.0) -> Callee:
    """Calls of one host, with the texts of those that failed."""
    return Callee(requests=requests, errors=sum((kinds or {}).values()) if errors is None else errors,
                  kinds=kinds or {}, mean_ms=mean_ms, baseline_requests=before, baseline_errors=300.0,
                  baseline_ms=20.0)


def calls(component: str, callees: dict[str, Callee], window: Window = WINDOW) -> Finding[Calls]:
    return Finding(source="newrelic", component=component, window=window, detail=Calls(callees))


def chain(gateway: Finding[Calls], share: float = 1.0) -> list[Found]:
    """All three components fail, and each caller was answered with an error."""
    return [*(finding for name in ("frontend", "backend", "payment-gateway") for finding in both(name, share)), gateway,
            calls("backend", {"payment-gateway": callee({"payment-gateway answered 500": 1600 * share}, mean_ms=None)})]


def of_gateway(database: dict[str, float] | None = None, provider: dict[str, float] | None = None) -> Finding[Calls]:
    """The gateway's calls of its database and its provider, with the texts of those that failed."""
    return calls("payment-gateway", {"api.primary.example": callee(provider), "payments-db": callee(database)})


def field(path: Sequence[str | int], before: object = ABSENT, after: object = ABSENT) -> FieldChange:
    return FieldChange(tuple(path), before, after)


def change(kind: str, name: str, *fields: FieldChange, what: Literal["created", "changed", "deleted"] = "changed",
           readers: tuple[str, ...] = (), at: float = ONSET - 4) -> Change:
    return Change(kind, name, what, at, at, "kubectl", fields, "payments", readers)


def changes(*items: Change, lacks: tuple[str, ...] = ()) -> Finding[Changes]:
    """What the ledger tells; nothing changed where no items are given."""
    return Finding(source="changes", window=WINDOW, status="partial" if lacks else "ok",
                   detail=Changes(changes=items, lacks=lacks))


def pods(component: str, ready: int = 4, wanted: int = 4, **more: Any) -> Finding[Pods]:
    return Finding(source="kubernetes", component=component, window=WINDOW, value=ready / wanted,
                   detail=Pods(wanted=wanted, ready=ready, **more))


def instance(status: str = "available") -> Finding[DatabaseInstance]:
    return Finding(source="rds", window=WINDOW, detail=DatabaseInstance(status))


def connections(value: float, usual: float = 28.0) -> Finding[Connections]:
    """Of 200 that there may be."""
    return Finding(source="rds", window=WINDOW, value=value, baseline=usual, detail=Connections(200))


def database_cpu(value: float = 20.0) -> Finding[Cpu]:
    """In per cent; 20 are usual."""
    return Finding(source="rds", window=WINDOW, value=value, baseline=20.0, detail=Cpu())


def waits(by_event: dict[str, float], by_client: dict[str, float]) -> Finding[Waits]:
    return Finding(source="rds", window=WINDOW, detail=Waits(by_event, by_client))


def rollout(created: float, new: str = "1.0.1", old: str = "1.0.0") -> Finding[Rollouts]:
    """The gateway got another image."""
    return Finding(source="rollouts", component="payment-gateway", window=WINDOW, detail=Rollouts((
        Revision(2, "b", True, created, (f"registry.example/payment-gateway:{new}",)),
        Revision(1, "a", False, created - 86400, (f"registry.example/payment-gateway:{old}",)))))


def error_lines(text: str, count: float = 900.0, versions: dict[str, float] | None = None) -> Finding[ErrorSignatures]:
    """Lines of the gateway, of which none is usual."""
    return Finding(source="splunk", window=WINDOW, detail=ErrorSignatures((
        Signature(text=text, component="payment-gateway", count=count, versions=versions or {"1.0.0": count}),)))


QUEUE = "ERROR CardAuthorizer request timed out in queue, order <n>"


def slow(component: str, source: str, value: float) -> Finding[LatencyP95]:
    """In milliseconds; 250 are usual."""
    return Finding(source=source, component=component, window=WINDOW, value=value, baseline=250.0,
                   detail=LatencyP95(requests=2400))


def probe(component: str, kind: str = "", *, stage: Literal["dns", "tcp", "tls"] = "tcp", milliseconds: int = 3,
          inside: bool = True) -> Finding[ProbeOutcome]:
    """Our own connection ended so; without a kind of error it got through."""
    return Finding(source="network", component=component, window=WINDOW, value=float(not kind), detail=ProbeOutcome(
        stage=stage if kind else "ok", kind=kind, reason=kind, milliseconds=milliseconds, addresses=1, inside=inside))


def status_page(indicator: str, value: float) -> Finding[StatusPage]:
    return Finding(source="provider", component="provider:primary", window=WINDOW, value=value,
                   detail=StatusPage(indicator))


def clients(count: float, total: float, usual: float = 70.0) -> Finding[Clients]:
    """One client of twenty; 40 requests a second are usual in all."""
    rest = tuple(Client("198.51.100.x", (total - count) // 50, 72.0) for _ in range(19))
    return Finding(source="splunk", component="frontend", window=WINDOW, value=count / total, detail=Clients(
        total=total, baseline_total=144_000, seconds=90.0, clients=(Client("203.0.113.x", count, usual), *rest)))


PROVIDER: list[Found] = [
    *chain(of_gateway(provider={"HTTP 503 Service Unavailable": 1590})), changes(), pods("payment-gateway"),
    status_page("critical", 3.0),
    Finding(source="provider", component="provider:primary", window=WINDOW, value=0.0, note="503",
            detail=ProviderHealth())]
"""The provider fails, and says so."""
REFUSED: list[Found] = [
    *chain(of_gateway({"connection to server failed: Connection refused": 1590})), changes(), pods("payment-gateway"),
    instance(), connections(0.0), database_cpu(3.0)]
"""The database refuses connections."""
EXHAUSTED: list[Found] = [
    *chain(of_gateway({"FATAL: sorry, too many clients already": 1400}), 0.9), changes(), pods("payment-gateway"),
    instance(), connections(200.0), database_cpu(),
    waits({"CPU": 0.2}, {"ledger-export": 9.0, "payment-gateway": 0.2})]
"""Another client holds all connections of the database."""
POLICY: list[Found] = [
    *both("frontend", 1.0), *both("backend", 1.0), calls("backend", {"payment-gateway": callee({
        "connect timed out": 1600})}),
    changes(change("NetworkPolicy", "lockdown", what="created")), pods("payment-gateway", policies=("lockdown",))]
"""A NetworkPolicy keeps callers from the gateway."""
BLOCKED: list[Found] = [
    *chain(of_gateway({"connection to server timed out": 1590})), changes(), pods("payment-gateway"),
    instance(), connections(28.0), database_cpu()]
"""Packets to the database are dropped below Kubernetes."""


def judged(service: Service, findings: Iterable[Found]) -> Diagnosis:
    """Return the diagnosis of an outage that these findings show."""
    evidence = Evidence(findings)
    return diagnose(service, isolated(service, evidence), ONSET, evidence, shipped())


def isolated(service: Service, evidence: Evidence) -> Isolation:
    """Return where the fault is, by what New Relic and CloudWatch see."""
    return isolate(service, confirm(service, ["newrelic", "cloudwatch"], evidence, NOW).verdicts, evidence)


def modes(service: Service, component: str, findings: Iterable[Found]) -> list[FailureMode]:
    """Return the failure modes of a component."""
    return failure_modes(service, component, Evidence(findings))


def signals(service: Service, mode: FailureMode, findings: Iterable[Found],
            onset: float | None = ONSET) -> list[Signal]:
    """Return what bears on one failure mode."""
    return read(Context(service, mode, onset, Evidence(findings)))


def seen(service: Service, component: str, *findings: Found, where: FaultLocation = OWN) -> dict[str, str]:
    """Return the sentences of all signals of a component whose failures arise ``where``, by their ids."""
    return {signal.id: signal.sentence for signal in signals(service, FailureMode(component, where, 1.0), findings)}


def proposed(service: Service, findings: Sequence[Found],
             tried: Sequence[tuple[str, str]] = ()) -> tuple[Candidate, ...]:
    """Return the remedies that follow from the diagnosis of these findings."""
    return propose(service, judged(service, findings), ONSET, Evidence(findings), shipped(), tried).proposed


def hypotheses(result: Diagnosis) -> dict[str, Hypothesis]:
    """Return every mechanism as a hypothesis for the largest failure mode."""
    return {hypothesis.mechanism: hypothesis for hypothesis in rank(result.parts[0], result.signals, shipped())}
