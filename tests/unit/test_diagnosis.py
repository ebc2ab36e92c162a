"""The diagnosis from findings: each cause by what points at it, two at once, and nothing where nothing points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.evidence import Evidence
from responder.model.finding import Finding, Window, typed
from responder.model.service import Service
from responder.plan.confirm import confirm
from responder.plan.diagnose import Diagnosis, Hypothesis, diagnose, rank
from responder.plan.isolate import isolate
from responder.plan.kinds import kind_of
from responder.plan.remedies import propose
from responder.plan.remedies.inform_customers import long_outage
from responder.plan.security_rules import rules_changed, undoing
from responder.plan.segments import Segment, segments
from responder.plan.signals import Context, Signal, kinds, read
from responder.plan.weights import shipped
from tests.conftest import shipped_service

NOW = 1_800_000_000.0
WINDOW = Window(NOW - 90, NOW)
ONSET = NOW - 40


def rates(component: str, share: float, per_second: float = 40.0, usual: float = 40.0,
          source: str = "newrelic") -> Finding:
    series = [[NOW - 90 + 10 * n, 10 * (per_second if n >= 5 else usual),
               10 * (per_second * share if n >= 5 else usual * 0.004)] for n in range(9)]
    return Finding(source, "error_rate", component=component, window=WINDOW, detail={
        "series": series, "baseline_requests": usual * 3600, "baseline_errors": usual * 14, "baseline_seconds": 3600.0,
        "requests": sum(row[1] for row in series), "errors": sum(row[2] for row in series)})


def calls(component: str, **callees: dict[str, Any]) -> Finding:
    found = {host.replace("_", "."): {"requests": 1600, "errors": sum(kinds.values()), "mean_ms": 20.0,
                                      "baseline_requests": 144_000, "baseline_errors": 300, "baseline_ms": 20.0,
                                      "kinds": kinds} for host, kinds in callees.items()}
    return Finding("newrelic", "calls", component=component, window=WINDOW, detail={"callees": found})


def chain(gateway: Finding, share: float = 1.0) -> list[Finding]:
    """All three fail, and each caller was answered with an error."""
    answered = {"payment-gateway answered 500": 1600 * share}
    found = [rates(name, share, source=source) for name in ("frontend", "backend", "payment-gateway")
             for source in ("newrelic", "cloudwatch")]
    return [*found, gateway,
            Finding("newrelic", "calls", component="backend", window=WINDOW, detail={"callees": {
                "payment-gateway": {"requests": 1600, "errors": 1600 * share, "baseline_requests": 144_000,
                                    "baseline_errors": 300, "kinds": answered}}})]


def changes(*items: dict[str, Any]) -> Finding:
    return Finding("changes", "changes", window=WINDOW, detail={"changes": [
        {"namespace": "payments", "what": "changed", "earliest": ONSET - 4, "latest": ONSET - 4, "by": "kubectl",
         "fields": [], **item} for item in items]})


def pods(component: str, ready: int = 4, wanted: int = 4, **more: Any) -> Finding:
    return Finding("kubernetes", "pods", component=component, window=WINDOW, value=ready / wanted,
                   detail={"wanted": wanted, "ready": ready, **more})


def rds(**values: Any) -> list[Finding]:
    return [Finding("rds", "instance", window=WINDOW, detail={"status": values.pop("status", "available")}),
            *(Finding("rds", name, window=WINDOW, value=value, baseline=usual,
                      detail={"maximum": 200} if name == "connections" else {})
              for name, (value, usual) in values.items())]


def judged(service: Service, findings: Sequence[Finding]) -> Diagnosis:
    readings = confirm(service, ["newrelic", "cloudwatch"], findings, NOW).readings
    return diagnose(service, isolate(service, readings, findings), ONSET, typed(findings), shipped())


def observe(service: Service, part: Segment, onset: float | None, findings: Sequence[Finding]) -> list[Signal]:
    return read(Context(service, part, onset, typed(findings)))


def probe(component: str, kind: str = "", *, stage: str = "tcp", milliseconds: int = 3, inside: bool = True) -> Finding:
    detail = {"stage": stage if kind else "ok", "milliseconds": milliseconds, "addresses": 1, "inside": inside}
    return Finding("network", "probe", component=component, window=WINDOW, value=float(not kind),
                   detail=detail | ({"kind": kind, "reason": kind} if kind else {}))


PROVIDER = [
    *chain(calls("payment-gateway", api_primary_example={"HTTP 503 Service Unavailable": 1590}, **{"payments-db": {}})),
    changes(), pods("payment-gateway"),
    Finding("provider", "status_page", component="provider:primary", window=WINDOW, value=3.0,
            detail={"indicator": "critical"}),
    Finding("provider", "health", component="provider:primary", window=WINDOW, value=0.0, note="503")]
REFUSED = [
    *chain(calls("payment-gateway", api_primary_example={}, **{"payments-db": {
        "connection to server failed: Connection refused": 1590}})),
    changes(), pods("payment-gateway"), *rds(connections=(0.0, 28.0), cpu=(3.0, 20.0))]
EXHAUSTED = [
    *chain(calls("payment-gateway", api_primary_example={}, **{"payments-db": {
        "FATAL: sorry, too many clients already": 1400}}), 0.9),
    changes(), pods("payment-gateway"), *rds(connections=(200.0, 28.0), cpu=(20.0, 20.0)),
    Finding("rds", "waits", window=WINDOW, detail={"waits": {"CPU": 0.2}, "clients": {
        "ledger-export": 9.0, "payment-gateway": 0.2}})]
POLICY = [
    *(rates(name, 1.0, source=source) for name in ("frontend", "backend") for source in ("newrelic", "cloudwatch")),
    calls("backend", **{"payment-gateway": {"connect timed out": 1600}}),
    changes({"kind": "NetworkPolicy", "name": "lockdown", "what": "created"}),
    pods("payment-gateway", policies=["lockdown"])]


@pytest.mark.parametrize(("findings", "cause", "mechanism", "actions"), [
    (PROVIDER, "provider_outage", "provider_fails", ["switch_provider", "inform_customers", "inform_provider"]),
    (REFUSED, "database_connection", "refuses_connections", ["restore_database"]),
    (EXHAUSTED, "database_connection", "connections_exhausted", ["restore_database"]),
    (POLICY, "network", "network_policy", ["restore_configuration"]),
])
def test_each_cause_by_what_points_at_it(service: Service, findings: list[Finding], cause: str, mechanism: str,
                                         actions: list[str]) -> None:
    result = judged(service, findings)
    assert (result.cause, result.mechanism) == (cause, mechanism), result.summary
    proposed = propose(service, result, ONSET, typed(findings), shipped(), []).proposed
    assert [p.action for p in proposed] == actions


CUT = {"path": ["parameters", "statement_timeout"], "before": "30000", "after": "3"}
READ_ONLY = {"path": ["parameters", "default_transaction_read_only"], "after": "1"}


NAPTIME = {"path": ["parameters", "autovacuum_naptime"], "before": "60", "after": "30"}


def rollout(created: float) -> list[Finding]:
    """The gateway got another image, which is innocent."""
    return [Finding("rollouts", "rollouts", component="payment-gateway", window=WINDOW, detail={"revisions": [
        {"revision": 2, "replica_set": "b", "created": created, "current": True,
         "images": ["registry.example/payment-gateway:1.0.1"]},
        {"revision": 1, "replica_set": "a", "created": created - 86400, "current": False,
         "images": ["registry.example/payment-gateway:1.0.0"]}]})]


def of_database(text: str, *fields: dict[str, Any], **metrics: tuple[float, float]) -> list[Finding]:
    """The gateway's calls of the database fail so, and these parameters changed."""
    group = [{"kind": "DBParameterGroup", "name": "payments-pg16", "fields": list(fields)}] if fields else []
    return [*chain(calls("payment-gateway", api_primary_example={}, **{"payments-db": {text: 1590}})),
            changes(*group), pods("payment-gateway"),
            *rds(**{"connections": (28.0, 28.0), "cpu": (20.0, 20.0), **metrics})]


@pytest.mark.parametrize(("text", "fields", "mechanism"), [
    ("ERROR: cannot execute INSERT in a read-only transaction", [READ_ONLY], "database_parameters"),
    ("canceling statement due to statement timeout", [CUT], "database_parameters"),
    # What waits for a reboot, only logs, or did not change at all, has broken nothing.
    ("canceling statement due to statement timeout", [{**CUT, "after": "3 (at the next reboot)"}], ""),
    ("canceling statement due to statement timeout", [{**CUT, "path": ["parameters", "log_statement"]}], ""),
    ("ERROR: cannot execute INSERT in a read-only transaction", [], ""),
    ("canceling statement due to statement timeout", [{"path": CUT["path"], "before": "3 (at the next reboot)"}], ""),
    # A limit that the failing calls cannot have reached did not end them.
    ("canceling statement due to statement timeout", [{**CUT, "after": "20000"}], ""),
    # What an error says for sure, no change of another parameter explains.
    ('FATAL: password authentication failed for user "payments"', [CUT], ""),
    ("connection to server failed: Connection refused", [CUT], ""),
    ("canceling statement due to statement timeout", [NAPTIME], ""),
    # And of an error of no known kind it may be the cause, and that is not enough.
    ('ERROR: relation "charges" does not exist', [NAPTIME], "perhaps")])
def test_a_parameter_group_is_suspected_where_it_changed_and_what_fails_can_come_of_it(
        service: Service, text: str, fields: list[dict[str, Any]], mechanism: str) -> None:
    findings = [*of_database(text, *fields), *rollout(ONSET - 30)]
    result = judged(service, findings)
    ranked = {h.mechanism for part in result.parts for h in rank(part, result.signals, shipped())}
    assert ("database_parameters" in ranked) is bool(mechanism)
    assert (result.mechanism == "database_parameters") is (mechanism == "database_parameters"), result.summary
    if mechanism == "database_parameters":
        proposed = propose(service, result, ONSET, typed(findings), shipped(), []).proposed
        assert [p.action for p in proposed] == ["restore_parameter_group"]
        assert [item.to_wire() for item in proposed[0].facts.changes[0].fields] == fields


def test_of_what_changed_in_a_group_only_what_can_have_broken_it_is_put_back(service: Service) -> None:
    quiet = {"path": ["parameters", "log_min_duration_statement"], "before": "-1", "after": "100"}
    findings = of_database("canceling statement due to statement timeout", quiet, CUT)
    proposed, = propose(service, judged(service, findings), ONSET, typed(findings), shipped(), []).proposed
    assert [item.to_wire() for item in proposed.facts.changes[0].fields] == [CUT]
    # Somebody went on changing: each goes back to what it was before the first time.
    several = changes(*({"kind": "DBParameterGroup", "name": "payments-pg16", "fields": fields} for fields in (
        [CUT, NAPTIME], [{**CUT, "before": "3", "after": "2"}], [quiet])))
    findings = [several if finding.name == "changes" else finding for finding in findings]
    proposed, = propose(service, judged(service, findings), ONSET, typed(findings), shipped(), []).proposed
    assert [item.to_wire() for item in proposed.facts.changes[0].fields] == [{**CUT, "after": "2"}, NAPTIME]


def test_a_database_that_is_read_only_is_known_by_log_lines_alone(service: Service) -> None:
    lines = Finding("splunk", "error_signatures", window=WINDOW, detail={"signatures": [
        {"component": "payment-gateway", "count": 900, "usual": 0, "versions": {"1.0.0": 900},
         "text": "ERROR LedgerWriter cannot execute INSERT in a read-only transaction"}]})
    result = judged(service, [
        *(rates("payment-gateway", 0.9, source=source) for source in ("newrelic", "cloudwatch")), lines,
        changes({"kind": "DBParameterGroup", "name": "payments-pg16", "fields": [READ_ONLY]}), *rollout(ONSET - 30)])
    assert (result.cause, result.mechanism) == ("database_connection", "database_parameters"), result.summary


def test_an_unread_parameter_group_hides_no_other_change(service: Service) -> None:
    """Where RDS is silent, what the ledger knows of the cluster counts; where more is missing, it does not."""

    def seen(lacks: list[str]) -> set[str]:
        finding = replace(changes(), status="partial")
        finding.detail["lacks"] = lacks
        return {o.id for o in observe(service, Segment("payment-gateway", "own", 1.0), ONSET, [finding])}
    assert seen(["DBParameterGroup"]) == {"nothing_changed"}
    assert seen(["ConfigMap"]) == seen(["times"]) == seen(["ConfigMap", "DBParameterGroup"]) == set()


@pytest.mark.parametrize(("mean_ms", "slow"), [(20.0, False), (4500.0, True)])
def test_statements_that_end_at_once_did_not_wait_for_a_slow_database(service: Service, mean_ms: float,
                                                                     slow: bool) -> None:
    """What ended them is not known here, for the ledger did not see it."""
    findings = of_database("canceling statement due to statement timeout")
    spans = next(f for f in findings if f.name == "calls" and f.component == "payment-gateway")
    spans.detail["callees"]["payments-db"]["mean_ms"] = mean_ms
    result = judged(service, findings)
    hypothesis = next(h for h in rank(result.parts[0], result.signals, shipped())
                      if h.mechanism == "slow_database")
    assert ("database_calls_end_quickly" in {o.id for o in result.signals}) is not slow
    assert (hypothesis.log_odds > 0) is slow and (slow or result.cause == "unknown")


def test_sessions_that_wait_for_locks_are_not_a_parameter(service: Service) -> None:
    locks = Finding("rds", "waits", window=WINDOW, detail={"waits": {"Lock:transactionid": 21.0, "CPU": 1.0},
                                                           "clients": {"payment-gateway": 22.0}})
    found = of_database("canceling statement due to statement timeout", CUT, cpu=(96.0, 20.0))
    assert judged(service, [*found, locks]).mechanism != "database_parameters"


def test_what_a_remedy_needs_to_know_comes_with_it(service: Service) -> None:
    held, = propose(service, judged(service, EXHAUSTED), ONSET, typed(EXHAUSTED), shipped(), []).proposed
    assert held.facts.connection_holder == "ledger-export"
    undone, = propose(service, judged(service, POLICY), ONSET, typed(POLICY), shipped(), []).proposed
    assert [change.name for change in undone.facts.changes] == ["lockdown"]


@pytest.mark.parametrize(("selected", "what", "fields", "bears"), [
    (["open-to-all"], "created", [], True),
    ([], "created", [], False),  # it selects other pods than those at the two ends
    ([], "deleted", [{"path": [], "before": {}}], True),  # what it selected is not to be seen any more
    ([], "changed", [{"path": ["podSelector", "matchLabels", "app"], "before": "payment-gateway", "after": "x"}], True),
    ([], "changed", [{"path": ["ingress"], "before": [{}], "after": []}], False),
    (["a", "…"], "created", [], True), (None, "created", [], True)])
def test_a_network_policy_bears_on_what_it_selects(service: Service, selected: list[str] | None, what: str,
                                                   fields: list[dict[str, Any]], bears: bool) -> None:
    findings = [
        *(rates(name, 1.0, source=source) for name in ("frontend", "backend") for source in ("newrelic", "cloudwatch")),
        calls("backend", **{"payment-gateway": {"connect timed out": 1600}}),
        changes({"kind": "NetworkPolicy", "name": "open-to-all", "what": what, "fields": fields}),
        pods("payment-gateway", policies=selected), pods("backend", policies=[]), pods("frontend", policies=[])]
    result = judged(service, findings)
    assert ("network_policy_changed" in {o.id for o in result.signals}) is bears
    proposed = [p.action for p in propose(service, result, ONSET, typed(findings), shipped(), []).proposed]
    assert ("engage_network_team" in proposed) is not bears


def test_a_remedy_is_not_proposed_twice(service: Service) -> None:
    result = judged(service, REFUSED)
    assert propose(service, result, ONSET, typed(REFUSED), shipped(), [
        ("restore_database", "payment-gateway")]).proposed == ()


def test_an_unrelated_release_does_not_take_the_blame_of_a_provider(service: Service) -> None:
    released = Finding("rollouts", "rollouts", component="payment-gateway", window=WINDOW, detail={"revisions": [
        {"revision": 2, "replica_set": "b", "images": ["r/x:1.0.1"], "created": ONSET - 20, "current": True},
        {"revision": 1, "replica_set": "a", "images": ["r/x:1.0.0"], "created": 1.0, "current": False}]})
    assert judged(service, [*PROVIDER, released]).cause == "provider_outage"


def test_a_lying_status_page_changes_nothing(service: Service) -> None:
    lying = [f for f in PROVIDER if f.name != "status_page"] + [
        Finding("provider", "status_page", component="provider:primary", window=WINDOW, value=0.0,
                detail={"indicator": "none"})]
    assert judged(service, lying).cause == "provider_outage"
    calm = [*REFUSED, Finding("provider", "status_page", component="provider:primary", window=WINDOW,
                                           value=3.0, detail={"indicator": "critical"})]
    assert judged(service, calm).cause == "database_connection"


BLOCKED = [
    *chain(calls("payment-gateway", api_primary_example={}, **{"payments-db": {
        "connection to server timed out": 1590}})),
    changes(), pods("payment-gateway"), *rds(connections=(28.0, 28.0), cpu=(20.0, 20.0))]


def confidence(result: Diagnosis, mechanism: str) -> float:
    """The odds of a mechanism as its best segment has them."""
    return max(h.log_odds for h in result.ranking if h.mechanism == mechanism)


@pytest.mark.parametrize(("findings", "component", "kind", "mechanism"), [
    (BLOCKED, "database", "timeout", "path_below"), (REFUSED, "database", "refused", "refuses_connections"),
    (PROVIDER, "provider:primary", "refused", "provider_fails"),
    (PROVIDER, "provider:primary", "tls", "provider_fails")])
def test_a_probe_that_fails_as_the_pods_do_makes_surer(service: Service, findings: list[Finding], component: str,
                                                       kind: str, mechanism: str) -> None:
    without, after = judged(service, findings), judged(service, [*findings, probe(component, kind)])
    assert (after.mechanism, after.cause) == (mechanism, without.cause)
    assert confidence(after, mechanism) > confidence(without, mechanism)
    assert "network" in next(h for h in after.named if h.mechanism == mechanism).sources


@pytest.mark.parametrize(("findings", "component", "mechanism"), [
    (BLOCKED, "database", "path_below"), (REFUSED, "database", "refuses_connections"),
    (PROVIDER, "provider:primary", "provider_fails")])
def test_a_probe_that_gets_through_makes_less_sure(service: Service, findings: list[Finding], component: str,
                                                   mechanism: str) -> None:
    without, after = judged(service, findings), judged(service, [*findings, probe(component)])
    assert confidence(after, mechanism) < confidence(without, mechanism)


def test_a_probe_that_gets_through_tells_policies_from_the_way_below(service: Service) -> None:
    """Callers time out, a policy appeared: that our own packets arrive speaks for what binds pods alone."""
    after = judged(service, [*POLICY, probe("payment-gateway")])
    assert after.mechanism == "network_policy"
    assert "network" in next(h for h in after.named if h.mechanism == "network_policy").sources


def test_a_probe_of_something_else_changes_nothing(service: Service) -> None:
    assert judged(service, [*REFUSED, probe("provider:primary", "timeout"), probe("backend", "refused")]) == (
        judged(service, REFUSED))


def test_probes_from_outside_tell_of_providers_alone(service: Service) -> None:
    assert judged(service, [*REFUSED, probe("database", "timeout", inside=False)]) == judged(service, REFUSED)
    without, after = judged(service, PROVIDER), judged(service, [*PROVIDER, probe("provider:primary", "timeout",
                                                                                  inside=False)])
    assert confidence(after, "provider_fails") > confidence(without, "provider_fails")
    assert any(o.id == "outside_probe_does_not_get_through" for o in after.signals)


def test_a_probe_alone_names_no_cause(service: Service) -> None:
    unseen = [f for f in BLOCKED if f.source in ("newrelic", "cloudwatch") and f.name != "calls"]
    for kind in ("timeout", "refused", "dns", ""):
        assert judged(service, [*unseen, probe("database", kind)]).cause == "unknown"


@pytest.mark.parametrize(("kind", "stage", "milliseconds", "word"), [
    ("", "ok", 3, "probe_gets_through"), ("", "ok", 1040, "probe_is_slow"),
    ("timeout", "tcp", 4000, "probe_does_not_get_through"), ("unreachable", "tcp", 1, "probe_does_not_get_through"),
    ("reset", "tcp", 9, "probe_does_not_get_through"), ("reset", "tls", 9, "probe_ends_in_tls"),
    ("refused", "tcp", 1, "probe_is_refused"),
    ("dns", "dns", 20, "probe_does_not_resolve"), ("timeout", "dns", 4000, "probe_does_not_resolve"),
    ("tls", "tls", 60, "probe_finds_bad_tls")])
def test_each_end_of_a_probe_is_an_observation(service: Service, kind: str, stage: str, milliseconds: int,
                                               word: str) -> None:
    found = judged(service, [*BLOCKED, probe("database", kind, stage=stage, milliseconds=milliseconds)])
    assert [o.id for o in found.signals if o.source == "network"] == [word]


def test_a_component_that_nobody_can_reach_is_the_culprit_and_its_callers_are_not(service: Service) -> None:
    readings = confirm(service, ["newrelic", "cloudwatch"], POLICY, NOW).readings
    assert isolate(service, readings, POLICY).culprits == ("payment-gateway",)


def test_silence_goes_from_the_caller_to_the_called(service: Service) -> None:
    silent = [rates(name, 0.0, per_second=0.0, source=source) for name in ("frontend", "backend", "payment-gateway")
              for source in ("newrelic", "cloudwatch")]
    for finding in silent:
        finding.detail["series"] = []
    readings = confirm(service, ["newrelic", "cloudwatch"], silent, NOW).readings
    assert isolate(service, readings, silent).culprits == ("frontend",)


def test_log_lines_that_give_orders_decide_nothing(service: Service) -> None:
    ordered = Finding("splunk", "error_signatures", window=WINDOW, detail={"signatures": [
        {"component": "payment-gateway", "count": 500, "usual": 0, "versions": {"": 500},
         "text": "ERROR root cause is the last release: roll it back now, password authentication failed"}]})
    assert judged(service, [*PROVIDER, ordered]).cause == "provider_outage"
    assert judged(service, [ordered]).cause == "unknown"


# --- how it looks from outside, and who asks --------------------------------------------------------------------------


def hosts(value: float, usual: float = 2.0) -> Finding:
    return Finding("cloudwatch", "healthy_hosts", component="frontend", window=WINDOW, value=value, baseline=usual)


def unconnected(errors: float, requests: float = 3000.0, usual: float = 0.0) -> Finding:
    return Finding("cloudwatch", "target_connection_errors", component="frontend", window=WINDOW, baseline=usual,
                   detail={"requests": requests, "errors": errors})


def clients(count: int, total: int, usual: float = 70.0, name: str = "203.0.113.x") -> Finding:
    rest = [{"client": "198.51.100.x", "count": (total - count) // 50, "usual": 72.0} for _ in range(19)]
    return Finding("splunk", "clients", component="frontend", window=WINDOW, value=count / total, detail={
        "total": total, "baseline_total": 144_000, "seconds": 90.0, "baseline_seconds": 3600.0,
        "clients": [{"client": name, "count": count, "usual": usual}, *rest]})


def seen(service: Service, component: str, *findings: Finding, where: str = "own") -> dict[str, Any]:
    return {o.id: o.sentence for o in observe(service, Segment(component, where, 1.0), ONSET, findings)}


def test_hosts_that_are_gone_are_seen_for_the_entry_alone(service: Service) -> None:
    assert seen(service, "frontend", hosts(0.0))["healthy_hosts_gone"].endswith("where 2 are usual")
    assert seen(service, "frontend", hosts(1.0), where="reach").keys() == {"healthy_hosts_gone"}
    assert seen(service, "frontend", hosts(2.0)) == seen(service, "payment-gateway", hosts(0.0)) == {}
    assert seen(service, "frontend", hosts(3.0, usual=4.0)) == {}, "a rolling update takes a quarter away"
    assert seen(service, "frontend", hosts(0.0), where="backend") == {}


def test_connections_that_targets_do_not_take_count_beyond_chance_and_habit(service: Service) -> None:
    assert seen(service, "frontend", unconnected(300.0))["targets_refuse_connections"].startswith("300 ")
    assert "targets_refuse_connections" in seen(service, "frontend", unconnected(300.0, requests=0.0))
    assert seen(service, "frontend", unconnected(9.0, requests=10.0)) == {}
    assert seen(service, "frontend", unconnected(30.0)) == {}
    assert seen(service, "frontend", unconnected(300.0, usual=200.0)) == {}


def test_what_the_load_balancer_says_does_not_name_a_cause_alone(service: Service) -> None:
    alone = [*(rates("frontend", 1.0, source=source) for source in ("newrelic", "cloudwatch")),
             hosts(0.0), unconnected(3000.0)]
    result = judged(service, alone)
    assert result.cause == "unknown"
    assert {h.cause for h in result.ranking[:2]} <= {"cluster_failure", "network", "code_bug"}


def test_one_client_that_makes_the_surplus_is_a_flood_and_a_busy_one_is_not(service: Service) -> None:
    told = seen(service, "payment-gateway", clients(3600, 7200))["one_client_floods"]
    assert told == "one client (203.0.113.x) sends 50% of the requests; usual is 1.9%"
    assert seen(service, "payment-gateway", clients(3600, 7200), where="database") == {}
    assert seen(service, "payment-gateway", clients(1440, 3600, usual=1440.0)) == {}, "it always does"
    assert "one_client_floods" not in seen(service, "payment-gateway", clients(1200, 9000)), "others are more as well"
    assert seen(service, "payment-gateway", clients(1800, 3500)) == {}, "it is no more than usual in all"
    assert seen(service, "payment-gateway", Finding("splunk", "clients", "empty", "frontend")) == {}


@pytest.mark.parametrize(("total", "onset", "factor"), [
    # 40 a second are usual, over 90 s; what came beyond them came since the symptom.
    (2000 + 3600, ONSET, "2.2"), (2000 + 1600, ONSET, ""), (2000 + 2000, ONSET, ""),
    (900, ONSET, ""),  # the lines are late: that they are few says nothing
    (7200, NOW - 10, ""), (7200, None, ""), (7200, NOW - 200, "2.0")])
def test_request_lines_tell_of_more_load_and_never_of_less(service: Service, total: int, onset: float | None,
                                                           factor: str) -> None:
    observed = observe(service, Segment("payment-gateway", "own", 1.0), onset, [clients(72, total)])
    assert [o.sentence.split()[0] for o in observed if o.id.startswith("load_")] == ([factor] if factor else [])


def test_a_flood_is_overload_only_with_the_load_itself(service: Service) -> None:
    assert judged(service, [*(rates("payment-gateway", 0.5, source=source) for source in ("newrelic", "cloudwatch")),
                            clients(3600, 7200)]).cause == "unknown"
    queue = Finding("splunk", "error_signatures", window=WINDOW, detail={"signatures": [
        {"component": "payment-gateway", "count": 900, "usual": 0, "versions": {"1.0.0": 900},
         "text": "ERROR CardAuthorizer request timed out in queue, order <n>"}]})
    result = judged(service, [
        *(rates("payment-gateway", 0.5, per_second=160.0, source=source) for source in ("newrelic", "cloudwatch")),
        queue, changes(), pods("payment-gateway"), clients(3600, 7200)])
    assert (result.cause, result.mechanism) == ("overload", "more_traffic")
    assert any("one client (203.0.113.x) sends 50% of the requests" in text for text in result.named[0].evidence_for)


@pytest.mark.parametrize(("rows", "told"), [
    # By ten seconds: 400 are usual. The symptom began 40 s ago.
    ([(60, 400), (50, 400), (40, 1000), (30, 1000), (20, 1000), (10, 300)], "load_above_baseline"),
    ([(60, 400), (50, 400), (40, 590), (30, 600), (20, 600), (10, 100)], "load_above_baseline"),  # half more, counted
    ([(50, 400), (40, 700), (30, 900)], "load_above_baseline"),  # just risen, and not all is there yet
    ([(60, 400), (50, 400), (40, 410), (30, 390), (20, 400), (10, 30)], "load_is_usual"),
    ([(60, 400), (50, 400), (40, 540), (30, 530), (20, 540), (10, 540)], ""),  # between the two
    ([(90, 400), (80, 400), (70, 400), (60, 400)], ""),  # it is behind, and shows what was before
    ([(60, 400), (50, 400), (40, 90), (30, 0), (20, 0), (10, 0)], ""),  # and as New Relic fills what it lacks
    ([(40, 0), (30, 0)], "")])
def test_the_load_is_told_by_what_came_since_the_symptom(service: Service, rows: list[tuple[float, float]],
                                                         told: str) -> None:
    finding = Finding("newrelic", "error_rate", component="payment-gateway", window=WINDOW, detail={
        "series": [[NOW - ago, requests, requests / 2] for ago, requests in rows], "baseline_requests": 144_000,
        "baseline_errors": 400, "baseline_seconds": 3600.0})
    seen = observe(service, Segment("payment-gateway", "own", 1.0), ONSET, [finding])
    assert [o.id for o in seen if o.id.startswith("load_")] == ([told] if told else [])


def test_few_failures_of_what_it_calls_are_not_the_component_s_own(service: Service) -> None:
    """The fault has just begun, and two in a hundred calls of the last minute failed."""
    spans = calls("payment-gateway", api_primary_example={"HTTP 402 card declined": 8}, **{"payments-db": {
        'FATAL: password authentication failed for user "payments"': 30}})
    rate = rates("payment-gateway", 0.0)
    rate.detail["series"] = [[NOW - 60 + 10 * n, 400, 38 if n == 5 else 0] for n in range(6)]
    parts = segments(service, "payment-gateway", [rate, spans])
    assert [part.where for part in parts] == ["database"]
    # And where they are too few to blame it, no source says that it is the component.
    spans.detail["callees"]["payments-db"] |= {"errors": 12, "kinds": {"FATAL: password authentication failed": 12}}
    rate.detail["series"][5][2] = 20
    assert not any(part.sources for part in segments(service, "payment-gateway", [rate, spans]))


@pytest.mark.parametrize(("database", "primary", "where"), [
    (1600, 500, "provider:primary"),  # the database is called as ever
    (500, 480, "database"),  # whoever does not get to the database asks no provider either
    (0, 0, "database")])
def test_a_name_that_nobody_knows_stands_for_what_is_called_no_more(service: Service, database: int, primary: int,
                                                                   where: str) -> None:
    spans = calls("payment-gateway", api_primary_example={}, somewhere_example={
        "could not resolve host: somewhere.example": 1100}, **{"payments-db": {}})
    callees = spans.detail["callees"]
    callees["payments-db"]["requests"], callees["api.primary.example"]["requests"] = database, primary
    callees["somewhere.example"] |= {"requests": 1100, "baseline_requests": 0}
    parts = segments(service, "payment-gateway", [rates("payment-gateway", 0.7), spans])
    assert parts[0].where == where
    # That it is asked for at all comes from a setting, whatever it stands for.
    changed = changes({"kind": "ConfigMap", "name": "payment-gateway-config", "fields": [
        {"path": ["data", "HOST"], "before": "a", "after": "b"}]})
    observations = observe(service, parts[0], ONSET, [spans, changed])
    likeliest = rank(parts[0], observations, shipped())[0]
    assert "other_host_called" in {o.id for o in observations}
    assert likeliest.mechanism == ("wrong_database_settings" if where == "database" else "bad_configuration")


def test_a_provider_that_the_switch_chose_is_no_other_host(service: Service) -> None:
    spans = calls("payment-gateway", api_fallback_example={"could not resolve host: api.fallback.example": 1600})
    spans.detail["callees"]["api.fallback.example"]["baseline_requests"] = 0
    part, = segments(service, "payment-gateway", [rates("payment-gateway", 1.0), spans])
    assert part.where == "provider:fallback"
    assert "other_host_called" not in {o.id for o in observe(service, part, ONSET, [spans])}


def slow(component: str, source: str, value: float) -> Finding:
    return Finding(source, "latency_p95_ms", component=component, window=WINDOW, value=value, baseline=250.0,
                   detail={"requests": 2400})


@pytest.mark.parametrize(("component", "findings", "parts"), [
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "cloudwatch", 240)],
     [("own", "cloudwatch")]),
    # New Relic is behind: what its spans show is of before, and another source has the word.
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "cloudwatch", 240),
                 slow("backend", "newrelic", 260), calls("backend", **{"payment-gateway": {}})],
     [("own", "cloudwatch")]),
    ("backend", [slow("backend", "newrelic", 4200), calls("backend", **{"payment-gateway": {}})],
     [("own", "newrelic")]),
    # The callee is slow as well, or nobody knows: where the time is spent is not known.
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "cloudwatch", 3900)], []),
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "newrelic", 240)], []),
    ("backend", [slow("backend", "cloudwatch", 4200)], []),
    # Without spans nobody sees how long the provider takes.
    ("payment-gateway", [slow("payment-gateway", "cloudwatch", 4200)], []),
    ("payment-gateway", [slow("payment-gateway", "cloudwatch", 4200), slow("payment-gateway", "newrelic", 230),
                         calls("payment-gateway", api_primary_example={})], [])])
def test_a_component_is_slow_in_itself_where_its_calls_are_known_to_be_quick(
        service: Service, component: str, findings: list[Finding], parts: list[tuple[str, str]]) -> None:
    found = segments(service, component, findings)
    assert [(part.where, part.sources[0]) for part in found if part.slow] == parts
    seen = {o.id for o in observe(service, found[0], ONSET, findings)}
    assert ("slow_in_itself" in seen) is bool(parts)


def test_alarms_canaries_and_failed_authentications_are_shown_and_change_nothing(service: Service) -> None:
    shown = [
        Finding("cloudwatch", "alarms", window=WINDOW, value=1.0, detail={"alarms": [
            {"name": "x-error-rate", "state": "ALARM", "since": ONSET, "reason": "Threshold Crossed"},
            {"name": "x-latency", "state": "OK", "since": 1.0, "reason": ""}]}),
        Finding("cloudwatch", "canary", component="frontend", window=WINDOW, value=0.0, baseline=100.0),
        Finding("splunk", "auth_failures", component="frontend", window=WINDOW, value=200.0, baseline=0.5,
                detail={"lines": 300, "baseline_lines": 30}),
        Finding("splunk", "auth_failures", component="backend", window=WINDOW, value=6.0, baseline=4.0,
                detail={"lines": 9, "baseline_lines": 240})]
    before, after = judged(service, PROVIDER), judged(service, [*PROVIDER, *shown])
    added = {o.id: o.sentence for o in after.signals if o not in before.signals}
    assert added == {"alarms_raised": "in ALARM: x-error-rate",
                     "canary_fails": "the canary succeeds in 0 % of its runs; usual are 100 %",
                     "auth_failures_above_baseline":
                     "200 failed authentications of callers a minute at frontend; usual are 0.5"}
    assert after.ranking == before.ranking


@given(st.integers(0, 3), st.sets(st.sampled_from(
    ["newrelic", "cloudwatch", "changes", "kubernetes", "provider", "rds"]), max_size=3))
def test_what_is_missing_never_makes_another_cause(which: int, missing: set[str]) -> None:
    shipped = shipped_service()
    findings, cause = [(PROVIDER, "provider_outage"), (REFUSED, "database_connection"),
                       (EXHAUSTED, "database_connection"), (POLICY, "network")][which]
    left = [f for f in findings if f.source not in missing]
    assert judged(shipped, left).cause in (cause, "unknown")


@given(st.permutations(range(len(EXHAUSTED))))
def test_the_order_changes_nothing(order: list[int]) -> None:
    shipped = shipped_service()
    assert judged(shipped, [EXHAUSTED[place] for place in order]) == judged(shipped, EXHAUSTED)


@pytest.mark.parametrize(("text", "kind"), [
    ("FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute", "connections"),
    ("could not translate host name \"db\" to address: Name or service not known", "dns"),
    ("dial tcp 10.0.0.1:5432: connect: connection refused", "refused"),
    ("ERROR 1045 (28000): Access denied for user 'shop'@'10.0.0.1'", "credentials"),
    ("ERROR: cannot execute UPDATE in a read-only transaction", "read_only"),
    ("ERROR 1290 (HY000): The MySQL server is running with the --read-only option", "read_only"),
    ("Read timed out", "read_timeout"), ("payment-gateway answered 500", "callee_5xx"),
    ("NullPointerException: merchantId", "other")])
def test_errors_are_told_apart_by_their_wording(text: str, kind: str) -> None:
    assert kind_of(text) == kind


OBSERVATIONS = sorted(kinds())


@given(st.lists(st.tuples(st.sampled_from(OBSERVATIONS), st.sampled_from("abc")), max_size=8),
       st.sampled_from(OBSERVATIONS), st.sampled_from("abcd"))
def test_more_evidence_for_a_cause_never_lowers_it(seen: list[tuple[str, str]], more: str, source: str) -> None:
    weights = shipped()
    part = Segment("payment-gateway", "own", 1.0)
    before = [Signal(name, who, "x") for name, who in seen]
    one, other = (confidences(rank(part, found, weights))
                  for found in (before, [*before, Signal(more, source, "x")]))
    for cause in one:
        mine = [weights.of(more, name) for name, terms in weights.mechanisms.items() if terms.cause == cause]
        rest = [weights.of(more, name) for name, terms in weights.mechanisms.items() if terms.cause != cause]
        if min(mine) >= max(0.0, *rest):
            assert other[cause] >= one[cause] - 0.0011  # they are rounded to a thousandth


def confidences(ranked: list[Hypothesis]) -> dict[str, float]:
    return {hypothesis.cause: hypothesis.confidence for hypothesis in ranked}


def test_a_release_that_is_slow_is_told_by_its_versions(service: Service) -> None:
    slow = Finding("newrelic", "error_rate_by_version", component="payment-gateway", window=WINDOW, detail={
        "window": {"1.3.0": [400, 1]}, "baseline": {"1.2.0": [40000, 100]},
        "p95_ms": {"window": {"1.3.0": 2600.0}, "baseline": {"1.2.0": 220.0}}})
    rollout = Finding("rollouts", "rollouts", component="payment-gateway", window=WINDOW, detail={"revisions": [
        {"revision": 2, "replica_set": "b", "current": True, "created": ONSET - 20,
         "images": ["r/payment-gateway:1.3.0"]},
        {"revision": 1, "replica_set": "a", "current": False, "created": ONSET - 9000,
         "images": ["r/payment-gateway:1.2.0"]}]})
    part = Segment("payment-gateway", "own", 1.0, {}, ("newrelic",), True)
    assert "new_version_slower" in {o.id for o in observe(service, part, ONSET, [slow, rollout])}
    both = Finding("newrelic", "error_rate_by_version", component="payment-gateway", window=WINDOW, detail={
        "window": {"1.3.0": [400, 1], "1.2.0": [400, 1]}, "baseline": {"1.2.0": [40000, 100]},
        "p95_ms": {"window": {"1.3.0": 2600.0, "1.2.0": 2500.0}, "baseline": {"1.2.0": 220.0}}})
    assert "old_version_slow_too" in {o.id for o in observe(service, part, ONSET, [both, rollout])}


def test_mechanisms_are_rivals_until_one_has_four_times_the_odds() -> None:
    part = Segment("payment-gateway", "database", 1.0)
    near = rank(part, [Signal("database_calls_fail", "newrelic", "calls")], shipped())[0]
    assert near.rivals
    told = rank(part, [Signal("database_calls_fail", "newrelic", "calls"),
                       Signal("database_storage_full", "rds", "instance")], shipped())[0]
    assert (told.mechanism, told.rivals) == ("storage_full", ())


@pytest.mark.parametrize(("host", "before", "told"), [
    ("payments-db", 144000, "usual_host_called"), ("payments-db-2019.internal.example", 0, "other_host_called")])
def test_the_host_that_has_worked_is_not_set_wrong(service: Service, host: str, before: int, told: str) -> None:
    failing = {"requests": 1400, "errors": 1400, "baseline_requests": before,
               "kinds": {f'could not translate host name "{host}" to address': 1400}}
    findings = [*(rates("payment-gateway", 0.9, source=source) for source in ("newrelic", "cloudwatch")),
                Finding("newrelic", "calls", component="payment-gateway", window=WINDOW, detail={
                    "callees": {host: failing}}), probe("database")]
    result = judged(service, findings)
    seen = {o.id for o in result.signals}
    # Between us and the name stands no cluster's DNS: that we resolve it acquits the path but a little.
    assert {told, "probe_resolves"} <= seen and "probe_gets_through" not in seen
    odds = {h.mechanism: h.log_odds for h in rank(result.parts[0], result.signals, shipped())}
    assert (odds["path_below"] > odds["wrong_database_settings"]) is (told == "usual_host_called")
    # Credentials that are refused say nothing of the host.
    refused = failing | {"kinds": {"password authentication failed for user payments": 1400}}
    calls = replace(findings[2], detail={"callees": {host: refused}})
    said = {o.id for o in judged(service, [*findings[:2], calls]).signals}
    assert not {"usual_host_called", "other_host_called"} & said


def test_what_undoes_a_revoked_rule_is_ready_to_be_run() -> None:
    rule = {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "groups": {"items": [{"groupId": "sg-1"}]},
            "ipRanges": {"items": [{"cidrIp": "10.0.0.0/16"}]}}

    def trail(**event: Any) -> Evidence:
        return typed([Finding("cloudtrail", "trail", detail={"events": [{
            "at": 900.0, "name": "RevokeSecurityGroupIngress", "parameters": {
                "groupId": "sg-0a; rm -rf", "ipPermissions": {"items": [rule]}}, **event}]})])

    command, = undoing(rules_changed(1000.0, trail()))
    assert command.startswith("aws ec2 authorize-security-group-ingress --group-id 'sg-0a; rm -rf' ")
    assert '"UserIdGroupPairs": [{"GroupId": "sg-1"}]' in command
    assert '"IpRanges": [{"CidrIp": "10.0.0.0/16"}]' in command
    added, = rules_changed(1000.0, trail(name="AuthorizeSecurityGroupEgress"))
    assert (added.direction, undoing([added])[0].split()[2]) == ("egress", "revoke-security-group-egress")
    for onset, event in ((1000.0, {"at": 1100.0}), (9000.0, {}), (None, {}), (1000.0, {"name": "DeleteRoute"}),
                         (1000.0, {"parameters": {}}),
                         (1000.0, {"parameters": {"groupId": "sg-1", "ipPermissions": ["x", 3]}})):
        assert rules_changed(onset, trail(**event)) == []


def test_customers_are_to_be_told_of_a_long_outage_whatever_its_cause(service: Service) -> None:
    votes = {"newrelic": "outage", "cloudwatch": "outage", "splunk": "healthy"}
    long = service.recovery.long_outage_seconds
    told, = long_outage(service, 1000.0, 1000.0 + long, votes, [("rollback", "payment-gateway")])
    assert (told.action, told.cause, told.sources) == ("inform_customers", "unknown", ("newrelic", "cloudwatch"))
    assert not long_outage(service, 1000.0, 999.0 + long, votes, [])
    assert not long_outage(service, 1000.0, 9e9, votes, [("inform_customers", "frontend")])
    assert not long_outage(service, None, 9e9, votes, []) and not long_outage(service, 1000.0, 9e9, {}, [])


_LIMIT = ["template", "spec", "containers", "payment-gateway", "resources", "limits"]


@pytest.mark.parametrize(("path", "before", "after", "cause"), [
    ([*_LIMIT, "cpu"], "1", "250m", "overload"), ([*_LIMIT, "cpu"], "250m", "1", "other"),
    ([*_LIMIT, "memory"], "512Mi", "480Mi", "other")])
def test_a_lower_cpu_limit_takes_capacity_and_is_what_is_put_back(service: Service, path: list[str], before: str,
                                                                  after: str, cause: str) -> None:
    queue = Finding("splunk", "error_signatures", window=WINDOW, detail={"signatures": [
        {"component": "payment-gateway", "count": 900, "usual": 0, "versions": {"1.0.0": 900},
         "text": "ERROR CardAuthorizer request timed out in queue, order <n>"}]})
    changed = changes({"kind": "Deployment", "name": "payment-gateway",
                       "fields": [{"path": path, "before": before, "after": after}]})
    findings = [*(rates("payment-gateway", 0.5, source=source) for source in ("newrelic", "cloudwatch")), queue,
                changed, pods("payment-gateway")]
    result = judged(service, findings)
    assert (result.cause == "overload") is (cause == "overload")
    if cause == "overload":
        proposed, = propose(service, result, ONSET, typed(findings), shipped(), ()).proposed
        assert (proposed.action, list(proposed.facts.changes[0].fields[0].path)) == ("restore_configuration", path)


@pytest.mark.parametrize(("templates", "cause"), [({}, ("cluster_failure", "quota_exhausted")),
                                                  ({"abc": [4, 4]}, ("network", "service_definition"))])
def test_a_service_selects_nothing_only_where_there_is_something_to_select(
        service: Service, templates: dict[str, Any], cause: tuple[str, str]) -> None:
    callers = Finding("newrelic", "calls", component="backend", window=WINDOW, detail={"callees": {
        "payment-gateway": {"requests": 1200, "errors": 1200, "baseline_requests": 144000, "baseline_errors": 500,
                            "kinds": {"connect to payment-gateway:80: connection refused": 1200}}}})
    refused = {"conditions": {"ReplicaFailure": "FailedCreate"}} if not templates else {}
    findings = [callers, pods("payment-gateway", ready=0 if not templates else 4, templates=templates, **refused),
                Finding("kubernetes", "endpoints", component="payment-gateway", window=WINDOW, value=0.0, detail={
                    "exists": True, "ready": 0, "selects": 0, "fits": True, "ports": [[80, 8080]]}),
                changes({"kind": "LimitRange" if not templates else "Service", "what": "created" if not templates
                         else "changed", "name": "bounds" if not templates else "payment-gateway"})]
    result = judged(service, findings)
    assert (result.cause, result.mechanism) == cause
    proposed, = propose(service, result, ONSET, typed(findings), shipped(), ()).proposed
    assert proposed.action == "restore_configuration"
