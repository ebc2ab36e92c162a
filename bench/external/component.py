"""Outages whose answer is a component of a call graph, read by ``bench/recordings.py``: what their adapters share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench import baselines as simple
from bench import recordings
from bench.external.frame import Answer, Case
from responder.plan.origin import Suspect, rank
from responder.plan.requests_seen import Requests
from responder.plan.sure import SURE


@dataclass(frozen=True)
class Recording:
    """What is known of one outage, without its cause."""

    metrics: recordings.Case
    requests: Requests | None = None


def suspects(case: Case, always: bool = False) -> list[Suspect]:
    """Return what the responder's own isolation says."""
    data: Recording = case.data
    metrics = data.metrics
    found = rank(metrics.graph, metrics.series, metrics.symptom, metrics.views, certain=always, requests=data.requests)
    return found if always or (found and found[0].confidence >= SURE) else []


def baselines() -> Mapping[str, Callable[[Case], list[Answer]]]:
    """Return the simple methods on metrics alone; they are always asked and always answer."""
    return {name: _answering(method) for name, method in {
        **simple.METHODS, "largest deviation of any metric": simple.largest_of_any_metric}.items()}


def _answering(method: Callable[[recordings.Case], list[str]]) -> Callable[[Case], list[Answer]]:
    def answer(case: Case) -> list[Answer]:
        data: Recording = case.data
        names = dict.fromkeys(data.metrics.views.get(name, name) for name in method(data.metrics))
        return [Answer(name) for name in names]
    return answer
