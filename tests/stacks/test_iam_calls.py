"""What the code calls and what its role allows are the same: nothing is refused, nothing is allowed that nobody uses.

Each source is asked in each phase and each remedy that changes AWS is carried out, by an AWS that decides as IAM does.
Steps are recorded where drills ran (``tests/records/calls``, written by ``--record``).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml

from responder import sources
from responder.actions import (
    AnyAction,
    restore_database,
    restore_parameter_group,
    restore_security_group,
)
from responder.clients import http, kubernetes, marks
from responder.clients.failure import CallFailed
from responder.handlers import ask, ledger, step
from responder.model.change import PARAMETER_GROUP, Change, FieldChange
from responder.model.moment import iso
from responder.model.service import Service
from responder.model.watched import Watched
from responder.plan.remedies import Facts
from responder.plan.remedies import restore_database as database
from responder.plan.remedies import restore_parameter_group as parameter_group
from responder.plan.remedies import restore_security_group as security_group
from responder.plan.security_rules import Permission, RuleChange, Target
from responder.records.ledger import Ledger
from responder.sources import cloudwatch
from responder.sources.kubernetes import READERS
from sandbox.iam import rbac
from sandbox.iam.evaluate import Caller
from sandbox.iam.rbac import Right
from tests.conftest import ROOT, shipped_service
from tests.iam import PREFIX, Account, Answer, account
from tests.remedies import asked, planned
from tests.stacks.test_iam import anyone, document

pytestmark = pytest.mark.usefixtures("changes_pass", "_no_network")
NOW = time.time()
CLUSTER: dict[str, Answer] = {"eks.DescribeCluster": lambda given: {"cluster": {
    "name": given["name"], "endpoint": "https://cluster.example", "certificateAuthority": {"data": "eA=="},
    "status": "ACTIVE"}},
    "health.DescribeEvents": lambda given: {"events": [{
        "arn": "arn:aws:health:us-east-1::event/RDS/AWS_RDS_OPERATIONAL_ISSUE/1", "service": "RDS",
        "eventTypeCode": "AWS_RDS_OPERATIONAL_ISSUE", "eventTypeCategory": "issue", "region": "us-east-1",
        "startTime": datetime.fromtimestamp(NOW - 60, UTC), "lastUpdatedTime": datetime.fromtimestamp(NOW, UTC),
        "statusCode": "open", "eventScopeCode": "ACCOUNT_SPECIFIC"}]},
    "acm.DescribeCertificate": lambda given: {"Certificate": {"NotAfter": datetime.fromtimestamp(NOW + 9e6, UTC)}},
    "rds.DescribeDBInstances": lambda given: {"DBInstances": [
        {"Engine": "aurora-postgresql", "DBInstanceStatus": "available", "DbiResourceId": "db-1",
         "DBClusterIdentifier": "pay"}]},
    "rds.DescribeDBClusters": lambda given: {"DBClusters": [
        {"DBClusterIdentifier": given["DBClusterIdentifier"], "Status": "available", "DBClusterMembers": [
            {"DBInstanceIdentifier": "another", "IsClusterWriter": True}]}]}}


_CLUSTER_ASKED: set[Right] = set()
"""What the API server was asked in the name of the readers."""


@pytest.fixture(scope="module")
def _no_network() -> Iterator[None]:
    """Every system but AWS answers that it has nothing."""
    made = http.Http.__init__

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "cluster.example" and (right := rbac.asked(request.method, request.url.path)):
            _CLUSTER_ASKED.add(right)
        return httpx.Response(200, json={"items": [], "metadata": {}})

    empty = httpx.MockTransport(answer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http.Http, "__init__", lambda self, deadline, headers=None, verify=True, transport=None: made(
            self, deadline, headers, verify, empty))
        patch.setattr(kubernetes.ssl, "create_default_context", lambda **given: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        yield


def asked_in(source: str, phase: str, as_role: Caller | None = None) -> Account:
    """Ask a source, as its function does."""
    name = f"source-{source.replace('_', '-')}"
    with account(name, CLUSTER, as_role) as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ask, "load", lambda name: shipped_service())
        patch.setattr(cloudwatch, "deployed", lambda name: SimpleNamespace(alarms=(
            f"{PREFIX}payment-gateway-latency", f"{PREFIX}payment-gateway-error-rate")))
        patch.setattr(Ledger, "last_snapshot", lambda self: (NOW - 60, {}))
        ask.handler({"incident": {"id": "i", "service": "payment-gateway", "opened_at": iso(NOW - 60)},
                     "phase": phase, "now": iso(NOW)}, None)
    return found


def carried_out(action: AnyAction, mechanism: str, facts: Facts, answers: dict[str, Answer] | None = None,
                service: Service | None = None, as_role: Caller | None = None) -> Account:
    """Plan, apply and revert a remedy, as its function does."""
    given = answers or {}
    with account(f"action-{action.name.replace('_', '-')}", given, as_role) as found:
        step.kill_switch(shipped_service())
        case = asked(service or shipped_service(), mechanism, onset=100.0)
        plan = planned(action.plan(case, facts))
        action.apply(case, plan)
        if action.revert:
            action.revert(case, plan)
    return found


DATABASE: dict[str, Answer] = {"rds.DescribeDBInstances": lambda given: {"DBInstances": [
    {"DBInstanceStatus": "available", "AllocatedStorage": 100, "MultiAZ": True, "AvailabilityZone": "us-east-1a"}]},
    "rds.DescribeEvents": lambda given: {"Events": []}}
MEMBER = DATABASE | {
    "rds.DescribeDBInstances": lambda given: {"DBInstances": [
        {"Engine": "aurora-mysql", "DBInstanceStatus": "available", "DBClusterIdentifier": "pay"}]},
    "rds.DescribeDBClusters": lambda given: {"DBClusters": [
        {"DBClusterIdentifier": "pay", "Status": "available", "DBClusterMembers": [
            {"DBInstanceIdentifier": shipped_service().database.instance,  # type: ignore[union-attr]
             "IsClusterWriter": True}]}]}}
FIELDS = (FieldChange(("parameters", "statement_timeout"), "30000", "3"),
          FieldChange(("parameters", "jit"), after="1"))


def security_groups(direction: str) -> Account:
    """Put a rule back in a group that the configuration names, and take it away again."""
    there: list[Any] = []
    name = "IpPermissions" if direction == "Ingress" else "IpPermissionsEgress"
    answers: dict[str, Answer] = {
        "ec2.DescribeSecurityGroups": lambda given: {"SecurityGroups": [{name: there}]},
        f"ec2.AuthorizeSecurityGroup{direction}": lambda given: there.extend(given["IpPermissions"]) or {}}
    rule = RuleChange(f"RevokeSecurityGroup{direction}", shipped_service().aws.security_groups[0], (  # type: ignore[arg-type]
        Permission("tcp", 5432, 5432, (Target("IpRanges", "10.0.0.0/16"),)),))
    return carried_out(restore_security_group.ACTION, "path_below", security_group.Facts((rule,)), answers)


def parameters() -> Account:
    """Put parameters back: one that was changed, one that was set anew."""
    group = shipped_service().database.parameter_group  # type: ignore[union-attr]
    values = {"statement_timeout": "3", "jit": "1"}

    def modified(given: Any) -> dict[str, Any]:
        values.update({item["ParameterName"]: item["ParameterValue"] for item in given["Parameters"]})
        return {}

    def reset(given: Any) -> dict[str, Any]:
        for item in given["Parameters"]:
            values.pop(item["ParameterName"], None)
        return {}

    answers: dict[str, Answer] = {
        "rds.DescribeDBParameters": lambda given: {"Parameters": [
            {"ParameterName": name, "ParameterValue": value} for name, value in values.items()]},
        "rds.DescribeDBInstances": lambda given: {"DBInstances": [{"DBParameterGroups": [
            {"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}]}]},
        "rds.ModifyDBParameterGroup": modified, "rds.ResetDBParameterGroup": reset}
    change = Change(PARAMETER_GROUP, group, "changed", 90.0, 150.0, fields=FIELDS)
    return carried_out(restore_parameter_group.ACTION, "database_parameters", parameter_group.Facts((change,)), answers)


def the_ledger() -> Account:
    """Make a snapshot that differs from the one before."""
    with account("ledger", CLUSTER) as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "names", lambda: ["payment-gateway"])
        patch.setattr(ledger, "load", lambda name: shipped_service())
        patch.setattr(ledger.watched, "check_plausible", lambda before, now: None)
        marks.key()
        gone = Watched("ConfigMap", "gone", {"data": {}})
        patch.setattr(Ledger, "last_snapshot", lambda self: (NOW - 60, {"ConfigMap/gone": gone}))
        assert ledger.handler(None, None)["payment-gateway"]
    return found


DRIVES: dict[str, tuple[str, Callable[[], Account]]] = {
    **{f"{source.name} to {phase}": (f"source-{source.name.replace('_', '-')}",
                                     lambda source=source, phase=phase: asked_in(source.name, phase))
       for source in sources.all() if source.configured(shipped_service()) for phase in sorted(source.phases)},
    **{f"restore_database against {mechanism}": (
        "action-restore-database",
        lambda mechanism=mechanism: carried_out(restore_database.ACTION, mechanism, database.Facts(), DATABASE))
       for mechanism in ("storage_full", "slow_database", "refuses_connections")},
    "restore_database of a cluster that the configuration does not name": (
        "action-restore-database", lambda: carried_out(
            restore_database.ACTION, "slow_database", database.Facts(), MEMBER)),
    "restore_security_group, a way in": ("action-restore-security-group", lambda: security_groups("Ingress")),
    "restore_security_group, a way out": ("action-restore-security-group", lambda: security_groups("Egress")),
    "restore_parameter_group": ("action-restore-parameter-group", parameters),
    "the ledger": ("ledger", the_ledger),
}


@pytest.mark.parametrize("name", DRIVES)
def test_nothing_that_the_code_calls_is_refused(name: str) -> None:
    found = DRIVES[name][1]()
    assert (found.refused, found.unknown) == ([], [])


def test_the_readers_may_read_in_the_cluster_what_they_read_and_no_more() -> None:
    manifests = list(yaml.safe_load_all((ROOT / "kubernetes" / "rbac.yaml").read_text()))
    readers = {source.name for source in sources.all() if source.kubernetes_group == READERS}
    _CLUSTER_ASKED.clear()
    for function, drive in DRIVES.values():
        if function == "ledger" or function.removeprefix("source-") in readers:
            drive()
    given = rbac.rights(manifests)[READERS]
    assert _CLUSTER_ASKED
    assert [asked for asked in _CLUSTER_ASKED if not any(right.covers(asked) for right in given)] == []
    # An empty cluster is not asked for what only some have: revisions of StatefulSets and DaemonSets, Endpoints where
    # there are no EndpointSlices, volumes where no pod waits for one.
    assert {right.resource for right in given if not any(right.covers(asked) for asked in _CLUSTER_ASKED)} == {
        "controllerrevisions", "endpoints", "persistentvolumes", "persistentvolumeclaims", "storageclasses"}


def test_a_right_that_is_missing_is_seen() -> None:
    """The fault that kept the database from its reboot: the events' permission on the instance's ARN."""
    name, = (item for item in {shipped_service().database.instance})  # type: ignore[union-attr]
    arn = f"arn:aws:rds:us-east-1:000000000000:db:{name}"
    old = anyone(document(
        {"Action": ["rds:DescribeDBInstances", "rds:DescribeEvents", "rds:RebootDBInstance"], "Resource": arn},
        {"Action": "ssm:GetParameter", "Resource": "*"}))
    with pytest.raises(CallFailed) as raised:
        carried_out(restore_database.ACTION, "slow_database", database.Facts(), DATABASE, as_role=old)
    assert raised.value.status == "unauthorized"
    found = asked_in("rds", "diagnose", old)
    assert ("rds:DescribeEvents", "*") in found.refused and "rds:DescribeDBInstances" in found.allowed


