"""The readers of evidence: each kind of signal is emitted by a recorded incident or an example, and says its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from responder.model.evidence import Finding, Window
from responder.model.evidence import pods as pods_evidence
from responder.model.evidence.approvals import Approvals, Group, Table
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.by_pod import ByPod, OfPod
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.changes import Changes
from responder.model.evidence.cluster import ClusterHealth
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.credential_end import CredentialEnd, End
from responder.model.evidence.database_proxy import DatabaseProxy, ProxyTarget
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.error_rate_by_version import P95, ErrorRateByVersion, Served
from responder.model.evidence.error_signatures import ErrorSignatures, Signature
from responder.model.evidence.events import DatabaseEvent, DatabaseEvents
from responder.model.evidence.foreign_changes import ForeignChanges
from responder.model.evidence.front_door import FrontDoor
from responder.model.evidence.instances import Instances
from responder.model.evidence.memory import Memory
from responder.model.evidence.nodegroups import HealthIssue
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.problems import Problem, Problems, Sign
from responder.model.evidence.service_events import ServiceEvent, ServiceEvents
from responder.model.evidence.status_page import StatusPage
from responder.model.evidence.wear import Resource, Sample, Wear
from responder.model.fault_location import DATABASE, DECLINED, OWN, UNREACHED, FaultLocation, Provider
from responder.model.foreign_change import Deployed, ForeignChange
from responder.model.service import Service
from responder.plan import signals
from responder.plan.error_kind import ErrorKind
from responder.plan.failure_modes import FailureMode
from responder.plan.replay import replay
from responder.plan.signals import Context, Seen, Signal, SignalKind, pods, versions
from responder.plan.wording import exact_stamp
from responder.records.record import unpack
from tests.diagnosis import NOW, ONSET, WINDOW, Found, change, field, probe, rollout
from tests.diagnosis import pods as pods_of
from tests.diagnosis import signals as read
from tests.signals_of_load import EXAMPLES as LOAD_AND_DEPENDENCIES

RECORDS = Path(__file__).resolve().parents[2] / "records"
GATEWAY = "payment-gateway"
INCIDENTS = (
    "two-nodes-gone-third-cordoned", "two-causes-slow-provider-and-full-disk", "two-causes-key-and-connections",
    "two-causes-stuck-backend-and-provider", "two-causes-release-then-service-port",
    "two-causes-policy-and-deaf-database", "provider-misspelt", "tuning-session-bites",
    "two-causes-release-and-credentials", "big-platform-small-autoscaler", "two-nodes-silent",
    "thinner-backend-meets-the-morning", "settlement-holds-the-locks", "rule-put-back-in-vain",
    "quota-refuses-restart", "provider-path-lossy", "gateway-slow-release", "gateway-oom-at-peak",
    "backend-image-missing-blind", "two-causes-read-only-and-provider", "two-causes-frontend-release-and-full-disk",
    "resolver-fails-after-dns-options", "rds-event-unseen-by-rds", "password-from-the-neighbouring-key",
    "one-client-floods", "no-node-left", "hotfix-that-fixes-nothing", "gateway-selector-typo",
    "gateway-gets-lowest-priority", "gateway-cpu-limit-cut", "failover-and-orders-in-the-log", "backend-turned-off",
    "backend-service-deleted", "backend-init-waits-for-pricing")
"""The fewest records that show between them every kind of signal that a recorded incident shows."""


def mode(location: FaultLocation, *, slow: bool = False) -> FailureMode:
    return FailureMode(GATEWAY, location, 1.0, {}, ("newrelic",), slow)


def failover(message: str) -> Found:
    return Finding(source="rds", window=WINDOW, detail=DatabaseEvents((
        DatabaseEvent(NOW - 60, message, ("failover",)),)))


def aws_event(service: str) -> Found:
    return Finding(source="aws_health", detail=ServiceEvents((
        ServiceEvent(service=service, code=f"AWS_{service}_ISSUE", status="open"),)))


def wrong_now(sign: Sign) -> Found:
    return Finding(source="kubernetes", detail=Problems((Problem(
        "some_check", "startup", f"deployment/{GATEWAY}", f"{GATEWAY} shows {sign}", "stops", "said", (GATEWAY,),
        sign=sign),)))


BOTH_SLOW: Found = Finding(source="newrelic", component=GATEWAY, detail=ErrorRateByVersion(
    window={"1.0.1": Served(400, 1), "1.0.0": Served(400, 1)},
    p95_ms=P95({"1.0.1": 2600.0, "1.0.0": 2500.0}, {"1.0.0": 220.0})))
SICK: Found = Finding(source="eks", value=1.0, detail=ClusterHealth("ACTIVE", (HealthIssue("SubnetNotFound"),)))
PRIMARY = Provider("primary")
AT_PROVIDER, IN_DATABASE, IN_ITSELF = mode(PRIMARY), mode(DATABASE), mode(OWN)
ANSWERED_NO = mode(DECLINED)


def paid(*groups: Group, attributes: tuple[str, ...] = ("method", "issuer")) -> Found:
    return Finding(source="newrelic", component=GATEWAY, window=WINDOW, detail=Approvals((Table(attributes, groups),)))


ISSUER_DECLINES = paid(Group(("card", "north"), 200, 190, 4000, 400), Group(("card", "sea"), 500, 50, 9000, 900),
                       Group(("wallet", "-"), 300, 15, 6000, 300))
METHOD_DECLINES = paid(Group(("card", "north"), 200, 20, 4000, 400), Group(("card", "sea"), 500, 50, 9000, 900),
                       Group(("wallet", "-"), 300, 290, 6000, 300))
VERSION_DECLINES = paid(Group(("1.1.0",), 300, 150, 0, 0), Group(("1.0.0",), 300, 30, 9000, 900),
                        attributes=("version",))
ALL_DECLINE = paid(Group(("card", "north"), 200, 120, 4000, 400), Group(("card", "sea"), 500, 300, 9000, 900),
                   Group(("wallet", "-"), 300, 170, 6000, 300))

def ending(*at: float) -> Found:
    return Finding(source="credentials", component="provider:primary", window=WINDOW, detail=CredentialEnd(tuple(
        End(f"key {number}", moment) for number, moment in enumerate(at))))




def of_pods(*failed: float) -> Finding[ByPod]:
    return Finding(source="newrelic", component=GATEWAY, window=WINDOW, detail=ByPod({
        f"p{number}": OfPod(1000.0, 10 * count) for number, count in enumerate(failed)}))


def balance(*values: float) -> Finding[Wear]:
    return Finding(source="rds", window=WINDOW, detail=Wear({"CPU credits": Resource(0.0, tuple(
        Sample(NOW - 300 * (len(values) - place), value) for place, value in enumerate(values)))}))


RISING: Finding[Wear] = Finding(source="utilisation", component=GATEWAY, window=WINDOW, detail=Wear({"memory": Resource(
    100.0, tuple(Sample(NOW - 300 * (20 - n), 75.0 + n) for n in range(20)))}))
ON_A_NODE: list[Found] = [
    pods_of(GATEWAY, placed={"p0": "node-a", "p1": "node-a", "p2": "node-b", "p3": "node-c"}), of_pods(80, 80, 1, 1)]
EXAMPLES: list[tuple[FailureMode, Sequence[Found], str, str]] = [
    (AT_PROVIDER, [ending(1_795_614_605.0, 4e9)], "ours_ended_long_before",
     "our key 0 ended at 2026-11-25 13:50:05 UTC, long before the symptom"),
    (AT_PROVIDER, [ending(ONSET - 5)], "ours_ended_as_it_began", f"our key 0 ended at {exact_stamp(ONSET - 5)}"),
    (AT_PROVIDER, [ending(4e9)], "ours_are_valid",
     "what we show to primary is valid, the first of it until 2096-10-02 07:06:40 UTC"),
    (ANSWERED_NO, [ISSUER_DECLINES], "payments_declined",
     "New Relic: 26% of the payments were declined; of such payments 8.5% usually are"),
    (ANSWERED_NO, [ISSUER_DECLINES], "one_kind_declined",
     "New Relic: 95% of the payments with issuer north were declined (usually 10%), 20% of all payments; the others "
     "are approved as usual"),
    (ANSWERED_NO, [METHOD_DECLINES], "one_method_declined",
     "New Relic: 97% of the payments with method wallet were declined (usually 5.0%), 30% of all payments; the others "
     "are approved as usual"),
    (ANSWERED_NO, [VERSION_DECLINES], "one_version_declined",
     "New Relic: 50% of the payments with version 1.1.0 were declined (usually 10%), 50% of all payments; the others "
     "are approved as usual"),
    (ANSWERED_NO, [ALL_DECLINE], "all_kinds_declined",
     "New Relic: no one kind of payment explains why 59% are declined (usually 8.5%)"),
    *LOAD_AND_DEPENDENCIES,
    (IN_ITSELF, [Finding(source="splunk", component="frontend", window=WINDOW, value=200.0, baseline=0.5,
                   detail=AuthFailures(300))], "auth_failures_above_baseline",
     "200 failed authentications of callers a minute at frontend; usual are 0.5"),
    (IN_ITSELF, [aws_event("EC2")], "aws_reports_compute", "AWS Health: AWS_EC2_ISSUE (EC2)"),
    (IN_DATABASE, [aws_event("RDS")], "aws_reports_database", "AWS Health: AWS_RDS_ISSUE (RDS)"),
    (IN_ITSELF, [SICK], "cluster_has_issues", "EKS reports SubnetNotFound"),
    (IN_DATABASE, [failover("Multi-AZ instance failover completed")], "database_failed_over",
     "RDS: Multi-AZ instance failover completed"),
    (IN_DATABASE, [failover("Multi-AZ instance failover started")], "database_fails_over",
     "RDS: Multi-AZ instance failover started"),
    (IN_ITSELF, [pods_of(GATEWAY, 4), Finding(source="kubernetes", component=GATEWAY, status="empty", window=Window(
        WINDOW.start, WINDOW.end + 10), detail=pods_evidence.Pods())], "workload_gone",
     "the workload of payment-gateway is gone"),
    (IN_ITSELF, [pods_of(GATEWAY, 2, sidecars={"istio-proxy": pods_evidence.Sidecar(2, 0, {"CrashLoopBackOff": 2})})],
     "pods_blocked_by_sidecar",
     "2 pods of payment-gateway are not ready because of their container istio-proxy alone (CrashLoopBackOff)"),
    (IN_ITSELF, [pods_of(GATEWAY, 1, probes={"liveness": pods_evidence.Probed(9, 3, "status 404")})],
     "killed_by_probe", "the kubelet ended containers of payment-gateway 3 times for their liveness probe, which "
     "failed by status 404"),
    (IN_ITSELF, [pods_of(GATEWAY, 1, probes={"startup": pods_evidence.Probed(9, 3, "refused")})],
     "probe_asks_in_vain", "the startup probe of payment-gateway asks where nobody answers (refused)"),
    (IN_ITSELF, [pods_of(GATEWAY, 1, probes={"liveness": pods_evidence.Probed(9, 3, "timeout")})],
     "probe_waits_in_vain", "the liveness probe of payment-gateway gets no answer in time"),
    (IN_ITSELF, [pods_of(GATEWAY, 1, probes={"liveness": pods_evidence.Probed(9, 3, "status 503")})],
     "probe_is_denied", "the liveness probe of payment-gateway is answered by status 503"),
    (IN_ITSELF, [pods_of(GATEWAY, 1, signalled=2)], "ended_from_outside",
     "2 containers of payment-gateway were ended by a signal, and not for their memory"),
    (IN_ITSELF, [Finding(source="kubernetes", window=WINDOW, detail=Nodes(("a", "b"), ("b",))), Finding(
        source="eks", window=WINDOW, value=0.0, detail=Instances((), 2))], "machines_are_well",
     "b are silent, while EC2 finds all 2 machines of the cluster well"),
    (replace(IN_DATABASE, kinds={ErrorKind.DNS: 0.9}), [Finding(
        source="newrelic", component=name, window=WINDOW, detail=Calls({"a-host": Callee(
            900.0, 300.0, {"could not resolve host: a-host": 300.0})})) for name in (GATEWAY, "backend")],
     "lookups_fail_everywhere", "names cannot be resolved by backend and payment-gateway alike, whatever they call"),
    (IN_ITSELF, [RISING], "memory_runs_out",
     "memory of payment-gateway rises by 12% of its limit an hour and is at 94%; about 30 min are left (at least 30 "
     "min, at most 30 min)"),
    (IN_ITSELF, [Finding(source="utilisation", component=GATEWAY, value=0.93, detail=Memory(4, 93.0, 100.0))],
     "memory_at_limit", "pods of payment-gateway hold 93% of the memory that they may"),
    (IN_ITSELF, [pods_of(GATEWAY, terminated={"OOMKilled": 3})], "ended_for_memory",
     "3 containers of payment-gateway were ended for their memory"),
    (IN_DATABASE, [balance(*(100.0 - 10 * n for n in range(10)), 0.0, 0.0)], "balance_used_up",
     "the database's CPU credits are used up: 0 of 100 are left"),
    (IN_DATABASE, [balance(*(100.0 - 5 * n for n in range(15)))], "balance_runs_out",
     "the database's CPU credits run out: about 30 min are left (at least 30 min, at most 30 min)"),
    (IN_ITSELF, ON_A_NODE, "failures_on_one_node",
     "pods of payment-gateway on node-a fail more than the others (80% against 1.0%)"),
    (IN_ITSELF, [*ON_A_NODE[:1], of_pods(80, 1, 1, 1)], "failures_in_one_pod",
     "pod p0 of payment-gateway fails more than the others (80% against 1.0%)"),
    (IN_ITSELF, [pods_of(GATEWAY, restarts_on={"node-a": 3}), pods_of("backend", restarts_on={"node-a": 2})],
     "restarts_on_one_node", "5 of 5 restarts were on node-a"),
    (IN_ITSELF, [pods_of(GATEWAY, 3, gated=1, gates=("target-health.elbv2.k8s.aws/pay",))], "pods_wait_for_gate",
     "the containers of 1 pods of payment-gateway are ready, and a readiness gate keeps them out "
     "(target-health.elbv2.k8s.aws/pay)"),
    (IN_ITSELF, [Finding(source="utilisation", component=GATEWAY, value=0.3, detail=Cpu(
        4, 0.6, 2.0, 1.0, "app", {"istio-proxy": 0.95}))], "sidecar_cpu_at_limit",
     "container istio-proxy beside payment-gateway uses 95% of its CPU limit"),
    (IN_DATABASE, [failover("Cluster failover failed, check the health of your cluster instances and try again.")],
     "database_failover_failed",
     "RDS: Cluster failover failed, check the health of your cluster instances and try again."),
    (IN_DATABASE, [Finding(source="rds", detail=DatabaseProxy("pay", "available", (
        ProxyTarget("payments-db", "UNAVAILABLE", "AUTH_FAILURE"),)))], "proxy_is_not_let_in",
     "RDS Proxy: payments-db refuses the proxy's credentials"),
    (IN_DATABASE, [Finding(source="rds", detail=DatabaseProxy("pay", "available", (
        ProxyTarget("payments-db-2", "UNAVAILABLE", "UNREACHABLE", writes=False),
        ProxyTarget("payments-db", "UNAVAILABLE", "UNREACHABLE"))))], "proxy_does_not_get_through",
     "RDS Proxy: payments-db is unavailable (UNREACHABLE)"),
    (IN_ITSELF, [Finding(source="changes", detail=Changes(by_controllers=(replace(
        change("Deployment", GATEWAY, field(["replicas"], 6, 4)), by="horizontal-pod-autoscaler"),)))], "regulated",
     "the HorizontalPodAutoscaler regulated it: Deployment payment-gateway changed (replicas: 6 became 4)"),
    (mode(OWN, slow=True), [rollout(ONSET - 20), BOTH_SLOW], "old_version_slow_too",
     "New Relic: version 1.0.0 is slow as well as version 1.0.1"),
    (AT_PROVIDER, [probe("provider:primary", inside=False)], "outside_probe_gets_through",
     "primary takes our connection from outside the service's network"),
    (AT_PROVIDER, [probe("provider:primary", "timeout", inside=False)], "outside_probe_does_not_get_through",
     "primary does not take our connection from outside the service's network either: timeout"),
    (replace(IN_DATABASE, kinds={ErrorKind.REFUSED: 1.0}), [probe("database")], "only_its_connections_fail",
     "connections of payment-gateway to payments-db fail, and our own from the same network gets through"),
    (IN_DATABASE, [Finding(source="changes", detail=Changes(changes=(change("Deployment", GATEWAY, field(
        ["template", "spec", "containers", GATEWAY, "image"], "r/g:1.0.0", "r/g:1.0.1")),)))],
     "database_settings_unchanged", "of payment-gateway the image alone changed within 15 min before the symptom, and "
     "no variable of the way to its database"),
    (IN_ITSELF, [pods_of(GATEWAY, events={"Preempted": 2})], "pods_preempted",
     "pods of payment-gateway were preempted"),
    (IN_DATABASE, [probe("database", "dns", stage="dns")], "probe_does_not_resolve",
     "we cannot resolve the name of payments-db either: dns"),
    (IN_DATABASE, [probe("database", "reset", stage="tls")], "probe_ends_in_tls",
     "our own connection to payments-db ends in its TLS handshake: reset"),
    (IN_DATABASE, [probe("database", "tls", stage="tls")], "probe_finds_bad_tls",
     "our own connection to payments-db fails in its TLS handshake: tls"),
    (IN_ITSELF, [rollout(ONSET + 30)], "rollout_amid_it",
     "payment-gateway got registry.example/payment-gateway:1.0.1 30 s after the symptom had begun"),
    (mode(DATABASE, slow=True), [], "slow_database_calls",
     "payment-gateway's calls of payments-db take much longer than usual"),
    (mode(PRIMARY, slow=True), [], "slow_provider_calls",
     "payment-gateway's calls of primary take much longer than usual"),
    (AT_PROVIDER, [Finding(source="provider", component="provider:primary", value=1.0,
                           detail=StatusPage("maintenance", maintenance=("Cards",)))], "provider_is_under_maintenance",
     "primary's status page says that it is under maintenance: Cards"),
    (replace(AT_PROVIDER, kinds={ErrorKind.RATE_LIMIT: 0.9}), [], "provider_refuses_us",
     "primary refuses our calls: it is the number of our requests (90%)"),
    (FailureMode("frontend", UNREACHED, 1.0, {}, ("newrelic",)), [
        Finding(source="cloudwatch", component="frontend", value=0.4, baseline=0.003, window=WINDOW,
                detail=FrontDoor("api_gateway", 2000.0, 800.0)),
        Finding(source="newrelic", component="frontend", window=WINDOW,
                detail=ErrorRate(requests=1000.0, errors=4.0))], "requests_end_before_entry",
     "API Gateway fails 40% of the requests, and frontend itself 0.4% of those that it gets")]
SIGNS = sorted(sign for sign in get_args(Sign) if sign)
_GUILTY = ForeignChange("shop/gateway@c0ffee1", "commit", ONSET - 200, "grace", "tune the pool", ("src/pool.py",),
                        "-pool_size = 20\n+pool_size = 2", deployed=(Deployed(GATEWAY, ONSET - 100),))
_SWITCHED = ForeignChange("flag new-tariff", "flag", ONSET - 60, "ada", "new-tariff: turned on the flag",
                          component=GATEWAY, before="off", after="on")
_OPENED = ForeignChange("shop/infra@beef", "infrastructure", ONSET - 60, "ada", "narrow the pool",
                        ("terraform/pool.tf",), "-pool_size = 20\n+pool_size = 2")


def fed(*changes: ForeignChange, line: str = "could not acquire a connection from the pool") -> list[Found]:
    return [Finding(source="foreign_changes", detail=ForeignChanges(changes)),
            Finding(source="splunk", detail=ErrorSignatures((Signature(line, GATEWAY, 90.0),)))]


EXAMPLES += [
    (IN_ITSELF, fed(_GUILTY), "foreign_change_in_time", "shop/gateway@c0ffee1 (tune the pool) by grace, in effect 1 "
     "min 40 s before the symptom began; of all changes known and none of them it explains the symptom with 100 %"),
    (IN_ITSELF, fed(_GUILTY), "commit_explains", "shop/gateway@c0ffee1 (tune the pool) by grace, in effect 1 min "
     "40 s before the symptom began: 20 became 2; what it is about brings such a symptom; it came into effect 1 min "
     "40 s before"),
    (IN_ITSELF, fed(_SWITCHED, line="TariffError: no tariff"), "flag_explains", "new-tariff: turned on the flag (off "
     "became on) by ada, in effect 1 min before the symptom began: it was switched 1 min before; it is of "
     "payment-gateway; the failures speak of tariff"),
    (IN_ITSELF, fed(_OPENED), "infrastructure_explains", "shop/infra@beef (narrow the pool) by ada, in effect 1 min "
     "before the symptom began: 20 became 2; what it is about brings such a symptom; it came into effect 1 min "
     "before"),
    (IN_ITSELF, fed(), "no_foreign_change_explains",
     "none of the 0 changes that GitHub and LaunchDarkly know of explains the symptom")]
EXAMPLES += [(mode(UNREACHED), [pods_of(GATEWAY, 0), wrong_now(sign)], f"live_{sign}", f"{GATEWAY} shows {sign}")
             for sign in SIGNS]


@pytest.mark.parametrize(("mode", "findings", "kind", "sentence"), EXAMPLES)
def test_a_signal_says_what_was_seen(service: Service, mode: FailureMode, findings: Sequence[Found], kind: str,
                                     sentence: str) -> None:
    told = {signal.id: signal.sentence for signal in read(service, mode, findings)}
    assert told.get(kind) == sentence


def test_each_kind_of_signal_is_emitted_by_a_recorded_incident_or_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted = {kind for _, _, kind, _ in EXAMPLES}
    real = signals.read

    def watched(context: Context) -> list[Signal]:
        found = real(context)
        emitted.update(signal.id for signal in found)
        return found

    monkeypatch.setattr(signals, "read", watched)
    for name in INCIDENTS:
        replay(unpack((RECORDS / f"{name}.json.gz").read_bytes()))
    missing = sorted(signals.kinds().keys() - emitted)
    assert not missing, "add an example of each to EXAMPLES, or a record that shows it to INCIDENTS"


def test_a_fact_that_is_missing_or_superfluous_is_an_error() -> None:
    emit = cast(Any, pods.pods_crash.emit)
    seen = Seen("kubernetes", "pods")
    assert emit(seen, component="a", count=2, reason="Error").sentence == "2 pods of a are in Error"
    with pytest.raises(TypeError, match="reason"):
        emit(seen, component="a", count=2)
    with pytest.raises(TypeError, match="nodes"):
        emit(seen, component="a", count=2, reason="CrashLoopBackOff", nodes="b")


def test_two_kinds_of_signals_cannot_have_one_id(monkeypatch: pytest.MonkeyPatch) -> None:
    def pods_crash() -> str:
        return "another"

    monkeypatch.setattr(versions, "pods_crash", SignalKind(pods_crash, "a second one"), raising=False)
    signals.kinds.cache_clear()
    with pytest.raises(ValueError, match="pods_crash"):
        signals.kinds()
    monkeypatch.undo()
    signals.kinds.cache_clear()
    assert "pods_crash" in signals.kinds()
