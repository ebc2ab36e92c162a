"""A workload whose ServiceAccount is not there: by what the API server says, or by what is listed."""

from __future__ import annotations

from typing import Any

from responder import checks
from responder.state import State, state_of
from responder.state.basics import Ref

DEPLOYMENT = {"kind": "Deployment", "metadata": {"name": "pay", "namespace": "shop"},
              "spec": {"replicas": 2, "template": {"spec": {"serviceAccountName": "till"}}}}
SET = {"kind": "ReplicaSet", "metadata": {"name": "pay-6f9c", "namespace": "shop", "ownerReferences": [
    {"kind": "Deployment", "name": "pay", "controller": True}]}, "spec": {"replicas": 2}}
ACCOUNT = {"kind": "ServiceAccount", "metadata": {"name": "till", "namespace": "shop"}}


def refused(message: str) -> dict[str, Any]:
    return {"kind": "Event", "type": "Warning", "reason": "FailedCreate", "message": message,
            "involvedObject": {"kind": "ReplicaSet", "namespace": "shop", "name": "pay-6f9c"}}


SAID = refused('Error creating: pods "pay-6f9c-" is forbidden: error looking up service account shop/till: '
               'serviceaccount "till" not found')
LISTED = State(known=frozenset({("ServiceAccount", "shop")}))


def found(*items: dict[str, Any], base: State | None = None) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(problem.object, problem.basis, problem.apps) for problem in checks.run(state_of(items, base))
            if problem.check == "missing_service_account"]


def test_what_the_api_server_says_is_told_of_the_deployment_once() -> None:
    assert found(DEPLOYMENT, SET, SAID, SAID, base=LISTED) == [("deployment/pay", "said", ("pay",))]
    # The ReplicaSet's name tells it where its own object is not there.
    assert found(SAID) == [("deployment/pay", "said", ("pay",))]


def test_a_list_of_accounts_tells_it_without_an_event() -> None:
    assert found(DEPLOYMENT, base=LISTED) == [("deployment/pay", "seen", ("pay",))]
    assert found(DEPLOYMENT) == []
    assert state_of([ACCOUNT]).has(Ref("ServiceAccount", "shop", "till"))


def test_nothing_is_said_where_the_account_is_there_by_now_or_another_rule_refuses() -> None:
    assert found(DEPLOYMENT, SET, SAID, ACCOUNT, base=LISTED) == []
    assert found(DEPLOYMENT, SET, ACCOUNT, refused(
        'Error creating: pods "pay-6f9c-" is forbidden: exceeded quota: small, requested: pods=1'), base=LISTED) == []
