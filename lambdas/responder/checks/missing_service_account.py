"""A workload names a ServiceAccount that is not there: the API server refuses each of its pods.

Kubernetes' page "Service Accounts": the admission controller rejects a pod whose ServiceAccount does not exist. Pods
that run already go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.model.evidence.problems import Basis, Severity
from responder.state import State
from responder.state.basics import Ref
from responder.state.refusals import refusals
from responder.state.trouble import hurt, wanting

_SAID = re.compile(r'error looking up service account (?P<namespace>\S+?)/(?P<name>[^\s:]+): '
                   r'serviceaccounts? "[^"]*" not found')
"""The admission plugin ServiceAccount, in an Event ``FailedCreate`` or a condition ``ReplicaFailure``."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods are refused, by what is said; else those that name what is not there."""
    told: set[Ref] = set()
    for refusal in refusals(state):
        said = _SAID.search(refusal.message)
        if said is None or refusal.top in told or _exists(state, said["namespace"], said["name"]):
            continue
        told.add(refusal.top)
        yield _found(refusal.top, said["name"], hurt(state, refusal.top), "said", refusal.message, refusal.since)
    for workload in state.apps:
        name, namespace = workload.template.service_account, workload.ref.namespace
        if workload.ref in told or workload.wanted == 0 or not state.lists("ServiceAccount", namespace) or (
                _exists(state, namespace, name)):
            continue
        severity = hurt(state, workload.ref) if wanting(state, workload) else "risks"
        yield _found(workload.ref, name, severity, "seen",
                     f"serviceAccountName: {name}", 0.0)


def _exists(state: State, namespace: str, name: str) -> bool:
    return state.has(Ref("ServiceAccount", namespace, name))


def _found(ref: Ref, name: str, severity: Severity, basis: Basis, said: str, since: float) -> Found:
    return Found(
        str(ref), f"{ref} names ServiceAccount {name}, which is not there: each of its new pods is refused", severity,
        basis, (ref.name,), said,
        f"create ServiceAccount {name} in namespace {ref.namespace}, or name one that exists", since)


CHECK = Check(id="missing_service_account", family="admission", sign="admission", find=find)
