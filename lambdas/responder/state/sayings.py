"""What components say in their logs, and whose words they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from responder.state.basics import Ref
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
    named = [one.ref for one in state.apps if one.ref.name == component]
    behind = [workload.ref for service in state.services if service.ref.name == component
              for workload in state.behind(service)]
    pods = [state.owner(pod) for pod in state.pods if pod.ref.name == component or state.app(pod) == component]
    for refs in (named, behind, pods):
        if refs:
            return min(refs)
    spaces = Counter(one.ref.namespace for one in state.apps) or Counter(pod.ref.namespace for pod in state.pods)
    most = min(spaces.items(), key=lambda one: (-one[1], one[0]))[0] if spaces else ""
    return Ref("Deployment", most, component)


def serves_nobody(state: State, owner: Ref) -> bool:
    """Whether no pod of a workload is ready; one without pods that are known serves nobody either."""
    return not any(pod.ready for pod in state.pods if state.owner(pod) == owner and not pod.over)
