"""A workload names a ServiceAccount that is not there: the API server refuses each of its pods.

Kubernetes' page "Service Accounts": the admission controller rejects a pod whose ServiceAccount does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref

_SAID = re.compile(r'error looking up service account (?P<namespace>\S+?)/(?P<name>[^\s:]+): '
                   r'serviceaccounts? "[^"]*" not found')
"""The admission plugin ServiceAccount, in an Event ``FailedCreate`` of a ReplicaSet, StatefulSet, DaemonSet or Job."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods are refused, by what is said; else those that name what is not there."""
    told: set[Ref] = set()
    for event in state.events:
        said = _SAID.search(event.message)
        top = state.top(event.about) if said else None
        if said is None or top is None or top in told or _exists(state, said["namespace"], said["name"]):
            continue
        told.add(top)
        yield _found(top, said["name"], "said", event.message, event.last)
    for workload in state.apps:
        name, namespace = workload.template.service_account, workload.ref.namespace
        if workload.ref not in told and workload.wanted != 0 and state.lists("ServiceAccount", namespace) and not (
                _exists(state, namespace, name)):
            yield _found(workload.ref, name, "seen", f"serviceAccountName: {name}", 0.0)


def _exists(state: State, namespace: str, name: str) -> bool:
    return state.has(Ref("ServiceAccount", namespace, name))


def _found(ref: Ref, name: str, basis: str, said: str, since: float) -> Found:
    return Found(
        str(ref), f"{ref} names ServiceAccount {name}, which is not there: each of its new pods is refused", "stops",
        "said" if basis == "said" else "seen", (ref.name,), said,
        f"create ServiceAccount {name} in namespace {ref.namespace}, or name one that exists", since)


CHECK = Check(id="missing_service_account", family="admission", sign="admission", find=find)
