"""How probes judge what they have read: of the cluster, the sources' functions, IAM, traces and clocks."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from cli.doctor.asking import Said
from cli.doctor.cluster import Answer
from cli.doctor.model import Check, NotKnown
from cli.doctor.probes import (
    access_entries,
    admission,
    alarm_metrics,
    aws_rights,
    call_graph,
    clocks,
    components,
    dry_run,
    rbac,
    sources,
    subscriptions,
)
from cli.doctor.probes.functions import judged as function
from responder.model.evidence import Detail, Finding
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.credential_end import CredentialEnd, End
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.front_door import FrontDoor
from responder.model.evidence.status_page import StatusPage
from responder.model.service import Service
from responder.sources import load
from stacks.deployment import Settings
from stacks.rbac import rendered


def broken(checks: Iterable[Check]) -> list[Check]:
    return [check for check in checks if check.verdict == "broken"]


def said(source: str, *findings: Finding[Detail]) -> Said:
    return Said(load(source), f"incident-response-source-{source}", findings)


# --- the cluster ------------------------------------------------------------------------------------------------------


def test_each_group_needs_every_right_that_its_roles_give(service: Service) -> None:
    wanted = rbac.rights(rendered(service, Settings(), ("rbac.yaml",)))
    assert broken(rbac.by_rights(wanted, set(wanted), "mend")) == []
    lost = next(right for right in wanted if right.group == "incident-responder:rollback"
                and (right.verb, right.resource) == ("patch", "deployments"))
    (found,) = broken(rbac.by_rights(wanted, set(wanted) - {lost}, "make rbac"))
    assert (found.subject, found.says) == (
        "group incident-responder:rollback", "it may not patch deployments.apps in payments")


def test_roles_are_compared_where_rights_may_not_be_asked(service: Service) -> None:
    manifests = rendered(service, Settings(), ("rbac.yaml",))
    there: dict[str, Any] = {rbac.path(item): copy.deepcopy(item) for item in manifests}
    assert broken(rbac.by_objects(manifests, there, "mend")) == []
    role = "/apis/rbac.authorization.k8s.io/v1/namespaces/payments/roles/incident-responder-payment-gateway-scale-up"
    there[role]["rules"] = [rule for rule in there[role]["rules"] if "nodes" not in rule["resources"]][1:]
    binding = role.replace("/roles/", "/rolebindings/").replace("scale-up", "rollback")
    there[binding]["subjects"] = [{"kind": "Group", "name": "others"}]
    there[role.replace("scale-up", "read")] = None
    found = {check.subject: check.says for check in broken(rbac.by_objects(manifests, there, "mend"))}
    assert found == {
        "Role incident-responder-payment-gateway-read": "it is not there",
        "Role incident-responder-payment-gateway-scale-up": (
            "it lacks get daemonsets apps; get deployments apps; get statefulsets apps; list daemonsets apps; "
            "list deployments apps; list statefulsets apps"),
        "RoleBinding incident-responder-payment-gateway-rollback": "it binds another role, or another group"}


@pytest.mark.parametrize(("change", "name", "words"), [
    (lambda policies, bindings: policies.pop("incident-responder-payment-gateway-rollback"),
     "admission policy incident-responder-payment-gateway-rollback", "RBAC alone bounds this group"),
    (lambda policies, bindings: bindings["incident-responder-payment-gateway-rollback"]["spec"].update(
        validationActions=["Audit"]),
     "admission policy binding incident-responder-payment-gateway-rollback", "it denies nothing"),
    (lambda policies, bindings: policies["incident-responder-payment-gateway-rollback"]["spec"].update(
        failurePolicy="Ignore"),
     "admission policy incident-responder-payment-gateway-rollback", "what cannot be evaluated is let through"),
    (lambda policies, bindings: policies["incident-responder-payment-gateway-rollback"]["spec"]["validations"].pop(),
     "admission policy incident-responder-payment-gateway-rollback", "validations differ"),
])
def test_a_policy_that_is_not_in_force(service: Service, change: Any, name: str, words: str) -> None:
    manifests = rendered(service, Settings(), ("admission.yaml",))
    policies, bindings = ({item["metadata"]["name"]: copy.deepcopy(item) for item in manifests if item["kind"] == kind}
                          for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"))
    assert broken(admission.judged(manifests, policies, bindings, "mend")) == []
    change(policies, bindings)
    (found,) = broken(admission.judged(manifests, policies, bindings, "mend"))
    assert found.subject == name
    assert words in found.says


def test_a_dry_run_must_be_allowed_and_a_label_refused() -> None:
    right = rbac.Right("incident-responder:rollback", "payments", "patch", "apps", "deployments")
    trial = dry_run.Trial(right, "/apis/apps/v1/namespaces/payments/deployments/backend")
    fine, refused = Answer(200, {}), Answer(403, {"message": "labels stay as they are"})
    assert [check.verdict for check in dry_run.judged("rollback", [(trial, fine, refused)], "mend")] == ["well"]
    (open_to,) = dry_run.judged("rollback", [(trial, fine, fine)], "mend")
    assert "admission policy is not in force" in open_to.says
    (closed,) = dry_run.judged("rollback", [(trial, refused, refused)], "mend")
    assert "it may not patch deployments.apps in payments: labels stay" in closed.says


def test_an_access_entry_must_be_there_with_its_group_alone() -> None:
    def judged(groups: list[str] | None) -> Check:
        return access_entries.judged("payments", "f", "arn:role", "incident-responder:readers", groups)

    assert judged(["incident-responder:readers"]).verdict == "well"
    assert "create-access-entry --cluster-name payments --principal-arn arn:role" in judged(None).mend
    assert "its groups in payments are system:masters" in judged(["system:masters"]).says
    assert access_entries.of_cluster("payments", "ACTIVE", "CONFIG_MAP").verdict == "broken"


def test_clocks_that_are_ahead_or_behind() -> None:
    assert clocks.own(2).verdict == "well"
    assert "75 s behind AWS' clock" in clocks.own(-75).says
    assert clocks.api_server("payments", 30).verdict == "broken"
    found = broken(clocks.nodes({"a": 1000.0, "b": 1020.0, "c": 900.0}, 1005.0))
    assert [check.subject for check in found] == ["clock of node b", "clock of node c"]
    assert [check.verdict for check in clocks.nodes({"a": 1000.0}, 1005.0)] == ["well"]


# --- the sources' functions -------------------------------------------------------------------------------------------


def test_a_function_that_may_not_be_invoked_is_not_known_and_one_that_fails_is_broken() -> None:
    unasked = Said(load("splunk"), "f", unasked=NotKnown("you may not do lambda:InvokeFunction", "ask"))
    assert [check.verdict for check in sources.judged(unasked, "f.yaml")] == ["unknown"]
    failed = Said(load("splunk"), "f", failed="there is no function f")
    assert [check.verdict for check in sources.judged(failed, "f.yaml")] == ["broken"]


def test_what_a_source_could_not_read_is_named_once_with_where_to_look() -> None:
    refused = [Finding(source="splunk", detail=ErrorRate(), component=name, status="unauthorized",
                       note="splunk.internal refused the credentials (401)") for name in ("frontend", "backend")]
    (found,) = sources.judged(said("splunk", *refused), "f.yaml")
    assert found.subject == "source splunk: error rate of frontend"
    assert found.says == "splunk.internal refused the credentials (401) (and of 1 more findings)"
    assert "secrets, keys" in found.mend


def test_a_status_page_that_cannot_be_read_and_a_load_balancer_without_data() -> None:
    page = Finding(source="provider", detail=StatusPage(), component="provider:primary", status="malformed",
                   note="it is no status page that is known", query="GET https://x/summary.json")
    (found,) = broken(sources.judged(said("provider", page), "config/shop.yaml"))
    assert "providers (primary).status_page" in found.mend
    door = Finding(source="cloudwatch", detail=FrontDoor(), status="empty", note="no data")
    assert "metrics.*" in broken(sources.judged(said("cloudwatch", door), "f.yaml"))[0].mend


def test_a_certificate_that_ends_soon_is_a_note_and_one_that_has_ended_is_broken() -> None:
    def of(days: float) -> list[str]:
        finding = Finding(source="credentials", detail=CredentialEnd(ends=(End("mTLS", 0.0),)), value=days)
        return [check.verdict for check in sources.judged(said("credentials", finding), "f.yaml")]

    assert (of(100), of(5), of(-1)) == (["well"], ["note", "well"], ["broken"])


def test_a_component_without_a_row_is_named_with_the_field_that_names_it(service: Service) -> None:
    rows = [Finding(source="newrelic", detail=ErrorRate(), component="frontend"),
            Finding(source="newrelic", detail=ErrorRate(), component="backend", status="empty",
                    note="New Relic has no data of it at all", query="SELECT count(*) FROM Transaction"),
            Finding(source="newrelic", detail=ErrorRate(), component="payment-gateway", status="timeout")]
    found = list(components.judged(said("newrelic", *rows), service, "f.yaml"))
    assert [(check.subject, check.verdict) for check in found] == [
        ("newrelic: component backend", "broken"), ("newrelic: 1 of 2 components", "well")]
    assert "newrelic.component_attribute" in found[0].mend


def _calls(component: str, **hosts: float) -> Finding[Calls]:
    return Finding(source="newrelic", component=component, detail=Calls(
        callees={host.replace("_", "."): Callee(requests=count) for host, count in hosts.items()}))


def test_calls_that_only_the_traces_or_only_the_configuration_shows(service: Service) -> None:
    graph = call_graph.traced([
        _calls("frontend", **{"backend": 100.0, "payment-gateway": 30.0, "promo_example": 20.0, "health": 0.1}),
        _calls("backend", **{"fraud-check": 50.0})])
    found = [(check.verdict, check.subject) for check in call_graph.judged(service, graph, "f.yaml")]
    assert found == [
        ("broken", "call frontend → payment-gateway"), ("note", "calls of frontend"),
        ("broken", "call backend → fraud-check"), ("broken", "call backend → payment-gateway"),
        ("note", "calls of payment-gateway")]


def test_a_graph_that_the_traces_agree_with_is_well(service: Service) -> None:
    service = replace(service, components=tuple(
        component for component in service.components if component.name != "payment-gateway"))
    graph = call_graph.traced([_calls("frontend", backend=100.0)])
    service = replace(service, components=tuple(replace(
        component, calls=("backend",) if component.name == "frontend" else ()) for component in service.components))
    assert [check.verdict for check in call_graph.judged(service, graph, "f.yaml")] == ["well"]
    assert [check.verdict for check in call_graph.judged(service, {}, "f.yaml")] == ["note"]


def test_a_metric_that_is_published_only_when_something_fails_is_no_fault() -> None:
    def judged(name: str, namespace: str = "Shop", of: str = "frontend") -> str:
        metric = alarm_metrics.Metric(namespace, name, (("Component", of),))
        others = (alarm_metrics.Metric("Shop", "Requests", (("Component", "frontend"),)),)
        return alarm_metrics.judged(metric, alarm_metrics.Seen(0, False, others), ["a"], "p", "f.yaml").verdict

    assert (judged("Errors"), judged("HTTPCode_Target_5XX_Count", "AWS/ApplicationELB")) == ("note", "note")
    assert (judged("Errors", of="front"), judged("Latency")) == ("broken", "broken")


# --- the account ------------------------------------------------------------------------------------------------------


def test_what_iam_would_refuse_is_named_with_whose_policy_it_is() -> None:
    denied = aws_rights.Decision("rds:RebootDBInstance", ("arn:aws:rds:us-east-1:1:db:payments-db",), "implicitDeny")
    found = aws_rights.judged("f", "arn:aws:iam::1:role/f", [denied])
    assert "IAM would refuse it rds:RebootDBInstance on db:payments-db" in found.says
    bounded = aws_rights.judged("f", "arn:aws:iam::1:role/f", [replace(denied, boundary=True)])
    assert "the permissions boundary does not allow it" in bounded.says
    assert aws_rights.judged("f", "r", []).verdict == "well"


@pytest.mark.parametrize(("described", "words"), [
    ({"Configuration": {"State": "Active"}, "Concurrency": {"ReservedConcurrentExecutions": 0}}, "it is throttled"),
    ({"Configuration": {"State": "Failed", "StateReason": "no subnet"}}, "it is Failed: no subnet"),
    ({"Configuration": {"State": "Active", "LastUpdateStatus": "Failed"}}, "its last update failed"),
    ({"Configuration": {"State": "Active"}, "Concurrency": {"ReservedConcurrentExecutions": 5}}, ""),
])
def test_a_function_that_cannot_run(described: dict[str, Any], words: str) -> None:
    found = function("f", described)
    assert (found.verdict == "broken") == bool(words)
    assert words in found.says


def test_an_address_that_may_hold_a_key_is_not_printed() -> None:
    pager = subscriptions.Subscription("https", "https://events.pagerduty.com/integration/a-key/enqueue", False)
    (found,) = subscriptions.judged("incident topic", "arn", [pager], [], [])
    assert "https://events.pagerduty.com/…" in found.subject
    assert "a-key" not in repr(found)


def test_an_address_that_the_configuration_names_must_be_subscribed() -> None:
    mine = subscriptions.Subscription("email", "ada@example.com", True)
    found = list(subscriptions.judged("topic", "arn", [mine], ["ada@example.com", "bob@example.com"], []))
    assert [(check.verdict, check.subject) for check in found] == [
        ("well", "topic: email ada@example.com"), ("broken", "topic: email bob@example.com")]
    assert [check.verdict for check in subscriptions.judged("topic", "arn", [], [], [])] == ["broken"]
    assert [check.verdict for check in subscriptions.judged("topic", "arn", [], [], ["Slack"])] == ["note"]
