"""What components say in their logs, and whose words they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from responder.state.basics import Ref
from responder.state.once import once
from responder.state.recent import every_status, is_recent
from responder.state.state import State


class Saying(NamedTuple):
    """A line that a workload logged, or the last words of a container that ended."""

    owner: Ref
    text: str
    times: int


def sayings(state: State, pattern: re.Pattern[str]) -> Iterator[Saying]:
    """Yield what workloads say that a pattern is found in: lines, and messages of containers' ends of the last hour
    (``terminationMessagePolicy: FallbackToLogsOnError``).
    """
    for line in state.lines:
        if pattern.search(line.text):
            yield Saying(speaker(state, line.component), line.text, line.times)
    for pod in state.pods:
        for status in every_status(pod):
            for end in (status.ended, status.last):
                if end and end.message and not pod.over and is_recent(state, end.finished) and (
                        pattern.search(end.message)):
                    yield Saying(state.owner(pod), end.message, 1)


def by_owner(found: Iterator[Saying]) -> dict[Ref, Saying]:
    """Return for each who says it what is said most often."""
    best: dict[Ref, Saying] = {}
    for one in found:
        known = best.get(one.owner)
        if known is None or (one.times, one.text) > (known.times, known.text):
            best[one.owner] = one
    return dict(sorted(best.items()))


def speaker(state: State, component: str) -> Ref:
    """Return the workload that a component is: by its own name, that of its Service, or that of its pod."""
    names, space = _names(state)
    return names.get(component) or Ref("Deployment", space, component)


@once
def _names(state: State) -> tuple[dict[str, Ref], str]:
    """Return what components are, by all names that they may go by, and the namespace in which most are."""
    found: dict[str, Ref] = {}
    owned = [(pod.ref.name, state.owner(pod)) for pod in state.pods]
    behind = [(service.ref.name, workload.ref) for service in state.services for workload in state.behind(service)]
    for names in ([(one.ref.name, one.ref) for one in state.apps], behind,
                  [(ref.name, ref) for _, ref in owned], owned):
        first: dict[str, Ref] = {}
        for name, ref in names:
            first[name] = min(ref, first.get(name, ref))
        found = first | found
    spaces = Counter(one.ref.namespace for one in state.apps) or Counter(pod.ref.namespace for pod in state.pods)
    most = min(spaces.items(), key=lambda one: (-one[1], one[0]))[0] if spaces else ""
    return found, most


def serves_nobody(state: State, owner: Ref) -> bool:
    """Whether no pod of a workload is ready, by the pods that are here and by its own count (not all need be here); one
    of which nothing is known serves nobody either.
    """
    return owner not in _serving(state)


@once
def _serving(state: State) -> frozenset[Ref]:
    return frozenset((*(state.owner(pod) for pod in state.pods if pod.ready and not pod.over),
                      *(one.ref for one in state.apps if one.ready > 0)))
