"""Which node or pod the failures of a component concentrate on, by what each source counts of its pods.

A node is named where the pods of two components fail on it more than their twins elsewhere, or two pods of one; a pod
that fails alone on its node is the pod. While pods of two templates run, what one pod does is its version's affair;
while containers end, what one pod fails at is its end and its start. Who counts requests by pod is believed more than
who counts lines alone: where the first sees no place, the second's are no more than who came to be asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.by_pod import ByPod, OfPod
from responder.model.evidence.pods import Pods
from responder.plan.concentration import FEWEST, Counted, Place, standing_out

_EXPLAINED = 0.5
"""The place explains a component's failures where at least half of them would not be there without it."""
_RESTARTS = 3
"""Two restarts on one node may be chance, or a node that was drained."""


class Odd(NamedTuple):
    """A node or a pod that the failures of a component concentrate on, as one source sees it."""

    finding: Finding[ByPod]
    place: Place
    also: tuple[str, ...] = ()
    """Of a node: the other components whose pods fail there more than elsewhere."""


def nodes(evidence: Evidence, component: str) -> Iterator[Odd]:
    """Yield the node that explains a component's failures, as each source that counts by pod sees it."""
    yield from _believed(evidence, component, _nodes(evidence, component))


def _nodes(evidence: Evidence, component: str) -> Iterator[Odd]:
    for finding in evidence.of(ByPod, component):
        place = _node(evidence, finding)
        if place is None or place.explained < _EXPLAINED:
            continue
        also = tuple(sorted(other.component for other in evidence.of(ByPod, source=finding.source)
                            if other.component != component and (at := _node(evidence, other)) is not None
                            and at.name == place.name))
        there = [pod for pod, node in placed(evidence, component).items() if node == place.name]
        if also or (len(there) > 1 and _all_of_them(finding.detail.pods, there)):
            yield Odd(finding, place, also)


def pods(evidence: Evidence, component: str) -> Iterator[Odd]:
    """Yield the pod that explains a component's failures, unless it is its node or its version that does."""
    found = evidence.one(Pods, component)
    ending = found is not None and (found.detail.restarts or found.detail.terminated)
    if not (ending or _several_templates(evidence, component) or any(True for _ in nodes(evidence, component))):
        yield from _believed(evidence, component, _pods(evidence, component))


def _believed(evidence: Evidence, component: str, found: Iterable[Odd]) -> list[Odd]:
    """Return those of who counts requests; of who counts lines only where the others see a place, or are not there."""
    every = list(found)
    rates = [odd for odd in every if _counts_requests(odd.finding)]
    asked = any(_counts_requests(finding) and sum(one.errors for one in finding.detail.pods.values()) >= FEWEST
                for finding in evidence.of(ByPod, component))
    return every if rates or not asked else []


def _counts_requests(finding: Finding[ByPod]) -> bool:
    return any(one.requests for one in finding.detail.pods.values())


def _pods(evidence: Evidence, component: str) -> Iterator[Odd]:
    for finding in evidence.of(ByPod, component):
        known = placed(evidence, component)
        counted = {pod: Counted(*one) for pod, one in finding.detail.pods.items() if not known or pod in known}
        if finding.detail.pods and not any(one.requests for one in counted.values()):
            # Who writes no error line is not named: it is there all the same.
            counted |= {pod: Counted(0.0, 0.0) for pod in known if pod not in counted}
        place = standing_out(counted)
        if place is not None and place.explained >= _EXPLAINED:
            yield Odd(finding, place)


def restarts(evidence: Evidence) -> tuple[Finding[Pods], str, int, int] | None:
    """Return the node on which most restarts of all components' applications were, with their number and that of all.

    None where they are no more than pods of several components by chance.
    """
    count: dict[str, int] = {}
    which: dict[str, set[str]] = {}
    first: Finding[Pods] | None = None
    for finding in evidence.of(Pods):
        for node, number in finding.detail.restarts_on.items():
            first = first or finding
            count[node] = count.get(node, 0) + number
            which.setdefault(node, set()).add(finding.component)
    whole = sum(count.values())
    most = max(count, key=lambda node: (count[node], node), default="")
    if first is None or count[most] < max(_RESTARTS, 0.8 * whole) or len(which[most]) < 2:
        return None
    return first, most, count[most], whole


def placed(evidence: Evidence, component: str) -> Mapping[str, str]:
    """Return the nodes of a component's pods; empty where Kubernetes does not tell."""
    found = evidence.one(Pods, component)
    return found.detail.placed if found else {}


def _node(evidence: Evidence, finding: Finding[ByPod]) -> Place | None:
    """Return the node on which a component's pods fail more than on all others, as one source sees it."""
    known = placed(evidence, finding.component)
    if len(set(known.values())) < 2 or _several_templates(evidence, finding.component):
        return None
    counts: dict[str, Counted] = {}
    for pod, node in known.items():
        one, before = finding.detail.pods.get(pod, OfPod(0.0, 0.0)), counts.get(node, Counted(0.0, 0.0, 0))
        counts[node] = Counted(before.requests + one.requests, before.errors + one.errors, before.pods + 1)
    return standing_out(counts)


def _all_of_them(seen: Mapping[str, OfPod], there: list[str]) -> bool:
    """Whether each of some pods has its part of their failures: at least half of what an even share would be."""
    whole = sum(seen[pod].errors for pod in there if pod in seen)
    return all(pod in seen and seen[pod].errors >= whole / len(there) / 2 for pod in there)


def _several_templates(evidence: Evidence, component: str) -> bool:
    found = evidence.one(Pods, component)
    return bool(found and len(found.detail.templates or {}) > 1)
