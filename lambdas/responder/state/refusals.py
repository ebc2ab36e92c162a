"""What the API server refuses to create, as controllers tell it.

Sources: the Event ``FailedCreate`` of a ReplicaSet, StatefulSet, DaemonSet or Job; the condition ``ReplicaFailure`` of
a ReplicaSet, which its Deployment repeats; the condition ``Progressing`` of a Deployment that cannot create a
ReplicaSet (Kubernetes: "Deployments", "Failed Deployment").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from responder.state.basics import Condition, Ref
from responder.state.once import once
from responder.state.state import State
from responder.state.trouble import lacks

_REFUSED = re.compile(r" is forbidden: |admission webhook|failed calling (?:admission )?webhook|failed to call webhook|"
                      r"error looking up service account|denied request|Invalid value|is invalid:")
_NAME = re.compile(r'[Pp]ods? "[^"]*"')
"""A refused pod has another name each time."""
_WORDS = {"ReplicaFailure": "True", "Progressing": "False"}
"""Conditions that may tell a refusal, each with the status in which it does."""


class Refusal(NamedTuple):
    """One thing that the API server refuses to create."""

    top: Ref
    """The workload whose thing it is."""
    message: str
    since: float
    """Seconds since 1970 (UTC); 0: not known."""


@once
def refusals(state: State) -> tuple[Refusal, ...]:
    """Return what is refused now: a workload that has its pods is refused nothing any more. Of one workload and one
    message the newest.
    """
    found: dict[tuple[Ref, str], Refusal] = {}
    for about, message, since in (*_events(state), *_conditions(state)):
        top = state.top(about)
        if top is not None and _REFUSED.search(message) and lacks(state, about):
            key, new = (top, _NAME.sub("", message)), Refusal(top, message, since)
            old = found.get(key, new)
            found[key] = max(old, new, key=lambda one: (one.since, one.message))
    return tuple(sorted(found.values()))


def _events(state: State) -> Iterator[tuple[Ref, str, float]]:
    return ((event.about, event.message, event.last) for event in state.events if event.reason in (
        "FailedCreate", "ReplicaSetCreateError", "FailedUpdate", ""))


def _conditions(state: State) -> Iterator[tuple[Ref, str, float]]:
    return ((workload.ref, one.message, one.since) for workload in state.workloads for one in workload.conditions
            if _tells(one))


def _tells(condition: Condition) -> bool:
    return _WORDS.get(condition.kind) == condition.status and bool(condition.message)
