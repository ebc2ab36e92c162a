"""A parameter group that somebody changed: the ledger knows it, and the remedy puts it back, against the stand-in."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import boto3
import httpx
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from moto import mock_aws

from responder import sources
from responder.actions import ActionFailed, AnyPlan, Declined, RemediationContext
from responder.actions import restore_parameter_group as remedy
from responder.clients import aws, parameter_groups
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.handlers import ledger
from responder.model.change import PARAMETER_GROUP, Change, FieldChange
from responder.model.evidence import Window
from responder.model.service import Service
from responder.model.watched import Watched, snapshot_of
from responder.plan.changes import difference, in_effect, without_restored
from responder.plan.remedies.restore_parameter_group import Facts
from responder.records.ledger import Ledger
from responder.sources import Query
from sandbox.platform.database import APPLY_SECONDS, Database
from sandbox.platform.state import World
from sandbox.vendors.gate import Gates
from sandbox.vendors.history import History
from sandbox.vendors.rds import Rds
from sandbox.vendors.wire import Refused, failed
from tests.conftest import timeline_in_aws
from tests.remedies import asked, planned, refusal

pytestmark = pytest.mark.usefixtures("changes_pass")

GROUP = "payments-pg16"


class Raw(io.BytesIO):
    def stream(self, *arguments: Any, **named: Any) -> Iterator[bytes]:
        yield self.read()


class Place:
    """The stand-in of RDS, read by the real client."""

    def __init__(self, service: Service) -> None:
        self.service, self.world, self.gates = service, World(), Gates()
        self._rds = Rds(lambda: self.world, History(lambda: self.world), self.gates, lambda headers: "RemedyRole/r")
        self.client: Any = boto3.Session("AKIASANDBOX000000001", "secret", region_name="us-east-1").client("rds")
        self.client.meta.events.register_first("before-send.rds", self._answer)
        self.refusing: list[Refused] = []
        """What the next calls are answered instead."""
        self.changing: list[str] = []

    def _answer(self, request: AWSRequest, **_: Any) -> AWSResponse:
        body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
        if b"Action=Describe" not in body:
            self.changing.append(body.decode())
        try:
            if self.refusing:
                raise self.refusing.pop(0)
            answer = self._rds.answer({}, body)
        except Refused as refused:
            answer = failed("query", refused)
        return AWSResponse(request.url, answer.status, {"content-type": answer.kind}, Raw(answer.body))

    @property
    def database(self) -> Database:
        return self.world.database

    def case(self, seconds: float = 12.0) -> RemediationContext:
        return asked(self.service, "database_parameters", onset=100.0, seconds=seconds)

    def plan(self, *fields: FieldChange) -> AnyPlan | Declined:
        change = Change(PARAMETER_GROUP, GROUP, "changed", 90.0, 150.0, fields=fields)
        return remedy.plan(self.case(), Facts((change,) if fields else ()))

    def planned(self, *fields: FieldChange) -> AnyPlan:
        return planned(self.plan(*fields))

    def seen(self) -> dict[str, Any]:
        found, failed = parameter_groups.snapshot(self.service.database, 4)
        assert not failed
        body: dict[str, Any] = found[f"DBParameterGroup/{GROUP}"].body
        return body


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, service: Service) -> Place:
    made, client = Place(service), aws.client
    monkeypatch.setattr(aws, "client", lambda name, *arguments: (
        made.client if name == "rds" else client(name, *arguments)))
    monkeypatch.setattr(remedy.time, "sleep", lambda seconds: made.database.step(time.time() + APPLY_SECONDS, {}))
    return made


SHIPPED = {"idle_in_transaction_session_timeout": "60000", "statement_timeout": "30000",
           "max_connections": "200 (at the next reboot)"}
TIMEOUT = FieldChange(("parameters", "statement_timeout"), "30000", "3")
READ_ONLY = FieldChange(("parameters", "default_transaction_read_only"), after="1")


def test_the_ledger_separates_values_in_effect_from_values_that_wait_for_a_reboot(place: Place) -> None:
    assert place.seen()["parameters"] == SHIPPED
    place.database.set_parameters(0.0, {"work_mem": "8192"}, at_once=False)
    place.database.set_parameters(0.0, {"jit": "0"})
    assert place.seen()["parameters"] == {**SHIPPED, "jit": "0", "work_mem": "8192 (at the next reboot)"}
    # A value that came into effect with a reboot is what was there before one that is set at once.
    before = parameter_groups.snapshot(place.service.database, 4)[0]
    place.database.set_parameters(0.0, {"work_mem": "64"})
    change, = difference(before, parameter_groups.snapshot(place.service.database, 4)[0], 100.0, 160.0)
    assert [in_effect(item) for item in change.fields] == [True]
    assert place.planned(*change.fields).diff.text == "- work_mem = 64\n+ work_mem = 8192"


def test_a_group_without_any_parameter_is_implausible(place: Place) -> None:
    place.gates.set("rds", "empty")
    assert parameter_groups.snapshot(place.service.database, 4) == (
        {}, {PARAMETER_GROUP: f"RDS shows no parameter of {GROUP}, which cannot be so"})
    place.gates.heal("rds")
    place.database.set_parameters(0.0, dict.fromkeys(place.database.parameters))
    assert place.seen()["parameters"] == {"max_connections": "200 (at the next reboot)"}


def test_values_are_restored_and_rolled_back_and_a_retry_changes_nothing(place: Place) -> None:
    place.database.set_parameters(0.0, {"statement_timeout": "3", "default_transaction_read_only": "1", "jit": "0"})
    case, plan = place.case(), place.planned(TIMEOUT, READ_ONLY)
    assert plan.target == f"parameter-group/{GROUP}"
    assert plan.diff.text.splitlines() == [
        "- default_transaction_read_only = 1", "+ default_transaction_read_only = (the engine's default)",
        "- statement_timeout = 3", "+ statement_timeout = 30000"]
    assert not place.changing
    assert remedy.apply(case, plan) == plan.summary
    assert place.seen()["parameters"] == {**SHIPPED, "jit": "0"}
    assert place.database.apply_status() == "in-sync"  # it was waited for
    calls = len(place.changing)
    assert calls == 2 and "done before" in remedy.apply(case, plan) and len(place.changing) == calls
    for _ in range(2):
        assert "taken back" in remedy.revert(case, plan)
        assert place.seen()["parameters"]["statement_timeout"] == "3"
        assert place.seen()["parameters"]["default_transaction_read_only"] == "1"


def test_a_step_that_died_between_its_calls_goes_on(place: Place) -> None:
    place.database.set_parameters(0.0, {"statement_timeout": "3", "default_transaction_read_only": "1"})
    case, plan = place.case(), place.planned(TIMEOUT, READ_ONLY)
    place.database.set_parameters(0.0, {"statement_timeout": "30000"})
    remedy.apply(case, plan)
    assert len(place.changing) == 1 and "ResetDBParameterGroup" in place.changing[0]
    assert "default_transaction_read_only" not in place.seen()["parameters"]


def test_many_values_are_restored_twenty_per_call(place: Place) -> None:
    names = [f"enable_{what}" for what in ("bitmapscan", "gathermerge", "hashagg", "hashjoin", "incremental_sort",
                                           "indexonlyscan", "indexscan", "material", "memoize", "mergejoin", "nestloop",
                                           "parallel_append", "parallel_hash", "partition_pruning", "seqscan", "sort",
                                           "tidscan", "async_append", "partitionwise_join",
                                           "partitionwise_aggregate")] + ["jit", "geqo"]
    place.database.set_parameters(0.0, dict.fromkeys(names, "0"))
    remedy.apply(place.case(), place.planned(*(FieldChange(("parameters", name), after="0") for name in names)))
    assert len(place.changing) == 2 and not place.seen()["parameters"].keys() & set(names)


@pytest.mark.parametrize(("fields", "now", "said"), [
    ([TIMEOUT], {"statement_timeout": "9"}, "statement_timeout has been changed again since"),
    ([TIMEOUT], {"statement_timeout": None}, "statement_timeout has been changed again since"),
    ([TIMEOUT], {}, "as they were before"),
    ([replace(TIMEOUT, before="[masked 1f2e]")], {"statement_timeout": "3"}, "looked like a secret"),
    ([replace(TIMEOUT, before={"$hidden": "a.b"})], {"statement_timeout": "3"}, "statement_timeout of parameter group"),
    ([replace(TIMEOUT, after={"$hidden": ""})], {"statement_timeout": "3"}, "statement_timeout of parameter group"),
    ([replace(TIMEOUT, after="3")], {"statement_timeout": "4111111111111111"}, "looked like a secret"),
    ([], {}, "no parameter is known")])
def test_it_is_refused(place: Place, fields: list[FieldChange], now: dict[str, Any], said: str) -> None:
    place.database.set_parameters(0.0, now)
    assert said in refusal(place.plan(*fields))


def test_a_value_that_somebody_else_has_set_meanwhile_is_not_rolled_back(place: Place) -> None:
    place.database.set_parameters(0.0, {"statement_timeout": "3"})
    case, plan = place.case(), place.planned(TIMEOUT)
    remedy.apply(case, plan)
    place.database.set_parameters(0.0, {"statement_timeout": "60000"})
    with pytest.raises(ActionFailed, match="somebody else"):
        remedy.revert(case, plan)
    assert place.seen()["parameters"]["statement_timeout"] == "60000"


def test_a_value_that_somebody_set_during_the_approval_stays(place: Place) -> None:
    place.database.set_parameters(0.0, {"statement_timeout": "3"})
    case, plan = place.case(), place.planned(TIMEOUT)
    place.database.set_parameters(0.0, {"statement_timeout": "60000"})
    with pytest.raises(ActionFailed, match="changed again since it was planned"):
        remedy.apply(case, plan)
    assert not place.changing and place.seen()["parameters"]["statement_timeout"] == "60000"


@pytest.mark.parametrize(("code", "error"), [("InvalidDBParameterGroupState", CallFailed), ("Throttling", CallFailed),
                                             ("DBParameterGroupNotFound", ActionFailed)])
def test_a_group_that_is_busy_is_tried_again_and_one_that_is_gone_is_not(place: Place, code: str,
                                                                       error: type[Exception]) -> None:
    place.database.set_parameters(0.0, {"statement_timeout": "3"})
    case, plan = place.case(), place.planned(TIMEOUT)
    place.client.meta.events.register_first(
        "before-call.rds.ModifyDBParameterGroup",
        lambda **_: place.refusing.extend(Refused(code, "not now") for _ in range(6)))
    with pytest.raises(error):
        remedy.apply(case, plan)
    assert place.database.parameters["statement_timeout"] == "3"


def test_it_waits_no_longer_than_its_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedy.time, "sleep", lambda seconds: None)
    place.database.set_parameters(0.0, {"statement_timeout": "3"})
    assert "applying" in remedy.apply(place.case(seconds=0.5), place.planned(TIMEOUT))


def test_its_role_reaches_the_named_group_alone(service: Service) -> None:
    changing = [statement for statement in remedy.ACTION.statements(service)
                if any("Modify" in action for action in statement.actions)]
    assert [resource.rpartition(":")[2] for statement in changing for resource in statement.resources] == [GROUP]


@mock_aws
def test_a_change_is_seen_at_once_and_recorded_and_a_silent_rds_hides_no_other(
        place: Place, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE", "timeline")
    kept = Ledger(timeline_in_aws(), service.service)
    items = [{"metadata": {"name": "s"}, "spec": {"type": "ClusterIP"}}]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": items if request.url.path.endswith("/services") else []})

    monkeypatch.setattr("responder.clients.kubernetes.connect", lambda *arguments: Kubernetes(
        Http(time.monotonic() + 5, transport=httpx.MockTransport(answer)), "https://k8s"))
    monkeypatch.setattr("responder.handlers.ledger.names", lambda: [service.service])
    monkeypatch.setattr("responder.handlers.ledger.load", lambda name: service)

    def told() -> list[tuple[str, Any]]:
        now = time.time()
        finding, = sources.load("changes").collect(Query(
            service, "diagnose", Window(now - 180, now), Window(now - 3780, now - 180), time.monotonic() + 5))
        return [(change.name, [(item.path[-1], item.before, item.after) for item in change.fields])
                for change in finding.detail.changes]

    assert ledger.handler({}, None) == {service.service: 0}
    assert told() == []
    place.database.set_parameters(0.0, {"statement_timeout": "3"})
    change = (GROUP, [("statement_timeout", "30000", "3")])
    assert told() == [change]
    # RDS does not answer, and something else changes: that is recorded, and the group is as it was until it answers.
    looked = kept.last_snapshot()[0]
    items[0]["spec"]["type"] = "NodePort"
    for found in (1, 0):
        place.refusing += [Refused("AccessDenied", "no", 403)]
        assert ledger.handler({}, None) == {service.service: found}
    place.refusing += [Refused("AccessDenied", "no", 403)]
    assert [name for name, _ in told()] == ["s"]
    assert sorted(name for name, _ in told()) == [GROUP, "s"]
    assert ledger.handler({}, None) == {service.service: 1}
    assert change in told()
    # When it changed is known from the last look that saw it, and not from the last of the others.
    assert [item.earliest for item in kept.changes(0.0) if item.name == GROUP] == [looked]
    # What brings it back is no change that could have broken anything.
    place.database.set_parameters(0.0, {"statement_timeout": "30000"})
    assert ledger.handler({}, None) == {service.service: 1}
    assert [item for item in told() if item[0] == GROUP] == [change]
    assert json.loads(json.dumps(kept.last_snapshot()[1][f"DBParameterGroup/{GROUP}"].body["parameters"]))[
        "statement_timeout"] == "30000"


@pytest.mark.parametrize(("values", "kept"), [
    (["30000", "3", "30000"], [("30000", "3")]),
    (["30000", "3", "60000", "3"], [("30000", "3"), ("3", "60000"), ("60000", "3")]),  # as bad as it was before
    (["30000", "3", "60000", "30000"], [("30000", "3"), ("3", "60000")])])
def test_only_what_was_there_at_first_is_brought_back(values: list[str], kept: list[tuple[str, str]]) -> None:
    changes = [Change(PARAMETER_GROUP, GROUP, "changed", at, at,
                      fields=(FieldChange(("parameters", "statement_timeout"), before, after),))
               for at, (before, after) in enumerate(pairwise(values))]
    assert [(field.before, field.after) for change in without_restored(changes) for field in change.fields] == kept


def test_no_field_of_a_group_is_cut_off() -> None:
    before = {f"p{number:03}": "1" for number in range(90)}

    def look(values: dict[str, str]) -> dict[str, Watched]:
        return snapshot_of(Watched(PARAMETER_GROUP, GROUP, {"parameters": values}))

    change, = difference(look(before), look({}), 100.0, 160.0)
    assert len(change.fields) == 90
