"""The cause ``network``: policies, Services, and the way below Kubernetes, by callers and by our own probes."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from responder.model.change import FieldChange
from responder.model.evidence import Evidence, Finding
from responder.model.evidence.endpoints import Endpoints
from responder.model.evidence.healthy_hosts import HealthyHosts
from responder.model.evidence.pods import OfTemplate
from responder.model.evidence.target_connection_errors import TargetConnectionErrors
from responder.model.evidence.trail import Trail
from responder.model.fault_location import UNREACHED, Callee
from responder.model.service import Service
from responder.plan.diagnose import Diagnosis
from responder.plan.security_rules import rules_changed, undoing
from tests.diagnosis import (
    BLOCKED,
    POLICY,
    PROVIDER,
    REFUSED,
    WINDOW,
    Found,
    both,
    callee,
    calls,
    change,
    changes,
    field,
    isolated,
    judged,
    pods,
    probe,
    proposed,
    seen,
)
from tests.findings import observed


def odds(result: Diagnosis, mechanism: str) -> float:
    """The log-odds of a mechanism, in the failure mode that it explains best."""
    return max(h.log_odds for h in result.ranking if h.mechanism == mechanism)


def test_callers_that_time_out_after_a_new_policy_are_its_doing(service: Service) -> None:
    result = judged(service, POLICY)
    assert (result.cause, result.mechanism) == ("network", "network_policy"), result.summary
    undone, = proposed(service, POLICY)
    assert undone.action == "restore_configuration"
    assert [item.name for item in undone.facts.changes] == ["lockdown"]


def test_an_unreachable_component_is_faulty_and_its_callers_are_not(service: Service) -> None:
    assert isolated(service, Evidence(POLICY)).faulty == ("payment-gateway",)


@pytest.mark.parametrize(("selected", "what", "fields", "bears"), [
    (("open-to-all",), "created", [], True),
    ((), "created", [], False),  # it selects other pods than those at the two ends
    ((), "deleted", [field([], {})], True),  # what it selected is not to be seen any more
    ((), "changed", [field(["podSelector", "matchLabels", "app"], "payment-gateway", "x")], True),
    ((), "changed", [field(["ingress"], [{}], [])], False),
    (("a", "…"), "created", [], True), (None, "created", [], True)])
def test_a_network_policy_bears_on_what_it_selects(
        service: Service, selected: tuple[str, ...] | None, what: Literal["created", "changed", "deleted"],
        fields: list[FieldChange], bears: bool) -> None:
    findings = [
        *both("frontend", 1.0), *both("backend", 1.0),
        calls("backend", {"payment-gateway": callee({"connect timed out": 1600})}),
        changes(change("NetworkPolicy", "open-to-all", *fields, what=what)),
        pods("payment-gateway", policies=selected), pods("backend", policies=()), pods("frontend", policies=())]
    result = judged(service, findings)
    assert ("network_policy_changed" in {signal.id for signal in result.signals}) is bears
    assert ("engage_network_team" in [remedy.action for remedy in proposed(service, findings)]) is not bears


@pytest.mark.parametrize(("templates", "cause"), [({}, ("cluster_failure", "quota_exhausted")),
                                                  ({"abc": OfTemplate(4, 4)}, ("network", "service_definition"))])
def test_a_service_selects_nothing_only_where_there_is_something_to_select(
        service: Service, templates: dict[str, OfTemplate], cause: tuple[str, str]) -> None:
    callers = calls("backend", {"payment-gateway": callee({
        "connect to payment-gateway:80: connection refused": 1200}, requests=1200)})
    refused: dict[str, Any] = {} if templates else {"conditions": {"ReplicaFailure": "FailedCreate"}}
    findings = [callers, pods("payment-gateway", ready=4 if templates else 0, templates=templates, **refused),
                Finding(source="kubernetes", component="payment-gateway", window=WINDOW, value=0.0,
                        detail=Endpoints(exists=True, ports=((80, 8080),))),
                changes(change("Service", "payment-gateway") if templates else
                        change("LimitRange", "bounds", what="created"))]
    result = judged(service, findings)
    assert (result.cause, result.mechanism) == cause
    remedy, = proposed(service, findings)
    assert remedy.action == "restore_configuration"


# --- what our own connections say -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("findings", "target", "kind", "mechanism"), [
    (BLOCKED, "database", "timeout", "path_below"), (REFUSED, "database", "refused", "refuses_connections"),
    (PROVIDER, "provider:primary", "refused", "provider_fails"),
    (PROVIDER, "provider:primary", "tls", "provider_fails")])
def test_a_probe_that_fails_as_the_pods_do_makes_surer(service: Service, findings: list[Found], target: str,
                                                       kind: str, mechanism: str) -> None:
    without, after = judged(service, findings), judged(service, [*findings, probe(target, kind)])
    assert (after.mechanism, after.cause) == (mechanism, without.cause)
    assert odds(after, mechanism) > odds(without, mechanism)
    assert "network" in next(h for h in after.named if h.mechanism == mechanism).sources


@pytest.mark.parametrize(("findings", "target", "mechanism"), [
    (BLOCKED, "database", "path_below"), (REFUSED, "database", "refuses_connections"),
    (PROVIDER, "provider:primary", "provider_fails")])
def test_a_probe_that_gets_through_makes_less_sure(service: Service, findings: list[Found], target: str,
                                                   mechanism: str) -> None:
    without, after = judged(service, findings), judged(service, [*findings, probe(target)])
    assert odds(after, mechanism) < odds(without, mechanism)


def test_a_probe_that_succeeds_separates_policies_from_the_network_below(service: Service) -> None:
    """Callers time out, a policy appeared: that our own packets arrive speaks for what binds pods alone."""
    after = judged(service, [*POLICY, probe("payment-gateway")])
    assert after.mechanism == "network_policy"
    assert "network" in next(h for h in after.named if h.mechanism == "network_policy").sources


def test_a_probe_of_something_else_changes_nothing(service: Service) -> None:
    assert judged(service, [*REFUSED, probe("provider:primary", "timeout"), probe("backend", "refused")]) == (
        judged(service, REFUSED))


def test_probes_from_outside_tell_of_providers_alone(service: Service) -> None:
    assert judged(service, [*REFUSED, probe("database", "timeout", inside=False)]) == judged(service, REFUSED)
    without = judged(service, PROVIDER)
    after = judged(service, [*PROVIDER, probe("provider:primary", "timeout", inside=False)])
    assert odds(after, "provider_fails") > odds(without, "provider_fails")
    assert any(signal.id == "outside_probe_does_not_get_through" for signal in after.signals)


def test_a_probe_alone_names_no_cause(service: Service) -> None:
    unseen = [finding for finding in BLOCKED if finding.name == "error_rate"]
    for kind in ("timeout", "refused", "dns", ""):
        assert judged(service, [*unseen, probe("database", kind)]).cause == "unknown"


@pytest.mark.parametrize(("kind", "stage", "milliseconds", "told"), [
    ("", "tcp", 3, "probe_gets_through"), ("", "tcp", 1040, "probe_is_slow"),
    ("timeout", "tcp", 4000, "probe_does_not_get_through"), ("unreachable", "tcp", 1, "probe_does_not_get_through"),
    ("reset", "tcp", 9, "probe_does_not_get_through"), ("reset", "tls", 9, "probe_ends_in_tls"),
    ("refused", "tcp", 1, "probe_is_refused"),
    ("dns", "dns", 20, "probe_does_not_resolve"), ("timeout", "dns", 4000, "probe_does_not_resolve"),
    ("tls", "tls", 60, "probe_finds_bad_tls")])
def test_each_end_of_a_probe_is_a_signal(service: Service, kind: str, stage: Literal["dns", "tcp", "tls"],
                                         milliseconds: int, told: str) -> None:
    found = judged(service, [*BLOCKED, probe("database", kind, stage=stage, milliseconds=milliseconds)])
    seen = [signal.id for signal in found.signals if signal.source == "network"]
    assert seen == (["only_its_connections_fail", told] if told == "probe_gets_through" else [told])


# --- what the load balancer says --------------------------------------------------------------------------------------


def hosts(value: float, usual: float = 2.0) -> Found:
    return Finding(source="cloudwatch", component="frontend", window=WINDOW, value=value, baseline=usual,
                   detail=HealthyHosts())


def unconnected(errors: float, requests: float = 3000.0, usual: float = 0.0) -> Found:
    return Finding(source="cloudwatch", component="frontend", window=WINDOW, baseline=usual,
                   detail=TargetConnectionErrors(requests=requests, errors=errors))


def test_hosts_that_are_gone_are_seen_for_the_entry_alone(service: Service) -> None:
    assert seen(service, "frontend", hosts(0.0))["healthy_hosts_gone"].endswith("where 2 are usual")
    assert seen(service, "frontend", hosts(1.0), where=UNREACHED).keys() == {"healthy_hosts_gone"}
    assert seen(service, "frontend", hosts(2.0)) == seen(service, "payment-gateway", hosts(0.0)) == {}
    assert seen(service, "frontend", hosts(3.0, usual=4.0)) == {}, "a rolling update takes a quarter away"
    assert seen(service, "frontend", hosts(0.0), where=Callee("backend")) == {}


def test_connections_that_targets_do_not_take_count_beyond_chance_and_habit(service: Service) -> None:
    assert seen(service, "frontend", unconnected(300.0))["targets_refuse_connections"].startswith("300 connections")
    assert "targets_refuse_connections" in seen(service, "frontend", unconnected(300.0, requests=0.0))
    assert seen(service, "frontend", unconnected(9.0, requests=10.0)) == {}
    assert seen(service, "frontend", unconnected(30.0)) == {}
    assert seen(service, "frontend", unconnected(300.0, usual=200.0)) == {}


def test_the_load_balancer_alone_names_no_cause(service: Service) -> None:
    result = judged(service, [*both("frontend", 1.0), hosts(0.0), unconnected(3000.0)])
    assert result.cause == "unknown"
    assert {h.cause for h in result.ranking[:2]} <= {"cluster_failure", "network", "code_bug"}


# --- what undoes it ---------------------------------------------------------------------------------------------------


def trail(**event: Any) -> list[Finding[Trail]]:
    rule = {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "groups": {"items": [{"groupId": "sg-1"}]},
            "ipRanges": {"items": [{"cidrIp": "10.0.0.0/16"}]}}
    return [observed("cloudtrail", "trail", detail={"events": [{
        "at": 900.0, "name": "RevokeSecurityGroupIngress", "topic": "network", "parameters": {
            "groupId": "sg-0a; rm -rf", "ipPermissions": {"items": [rule]}}, **event}]})]


def test_the_command_that_restores_a_revoked_rule_is_complete() -> None:
    command, = undoing(rules_changed(1000.0, Evidence(trail())))
    assert command.startswith("aws ec2 authorize-security-group-ingress --group-id 'sg-0a; rm -rf' ")
    assert '"UserIdGroupPairs": [{"GroupId": "sg-1"}]' in command
    assert '"IpRanges": [{"CidrIp": "10.0.0.0/16"}]' in command
    added, = rules_changed(1000.0, Evidence(trail(name="AuthorizeSecurityGroupEgress")))
    assert (added.direction, undoing([added])[0].split()[2]) == ("egress", "revoke-security-group-egress")


@pytest.mark.parametrize(("onset", "event"), [
    (1000.0, {"at": 1100.0}), (9000.0, {}), (None, {}), (1000.0, {"name": "DeleteRoute"}),
    (1000.0, {"topic": "other"}), (1000.0, {"parameters": {}}),
    (1000.0, {"parameters": {"groupId": "sg-1", "ipPermissions": ["x", 3]}})])
def test_a_change_that_did_not_cause_it_or_is_known_in_part_only_is_not_undone(onset: float | None,
                                                                               event: dict[str, Any]) -> None:
    assert rules_changed(onset, Evidence(trail(**event))) == []
