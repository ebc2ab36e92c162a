"""What sources' answers, the ledger and a call say of the responder itself: pure functions to measures.

The sources are measured where their answers arrive, not where they are asked: so a source whose function cannot start,
is throttled or runs out of time counts as not available, too. ``plan/own_steps.py`` measures the steps' results; it is
apart, because the sources' functions need not load what it reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.incident import SourceAnswer
from responder.model.measure import Measure, Metric, measure, overall

FAILED = frozenset({"malformed", "throttled", "unauthorized", "timeout", "unavailable"})
"""Statuses of a finding that say that the source could not be read; the others say what it found."""
_NEVER_SECONDS = 86_400.0
_GB_SECOND, _REQUEST, _TRANSITION = 0.0000133334, 0.0000002, 0.000025
"""US dollars in us-east-1: Lambda on arm64 for each GB and second and for each request, and a transition of a standard
workflow. Source: AWS's pages "AWS Lambda Pricing" and "AWS Step Functions Pricing"."""


def of_answers(service: str, answers: Sequence[SourceAnswer]) -> list[Measure]:
    """Return whether each source could be read (100 or 0, in per cent), and how long it took."""
    measures = []
    for answer in answers:
        readable = not any(finding.status in FAILED for finding in answer.findings)
        measures.append(measure(Metric.AVAILABILITY, 100.0 if readable else 0.0, "Percent", service,
                                source=answer.source))
        if answer.milliseconds is not None:
            measures.append(measure(Metric.LATENCY, answer.milliseconds, "Milliseconds", service,
                                    source=answer.source))
    return measures


def of_ledger(function: str, now: float, newest: Sequence[float | None]) -> list[Measure]:
    """Return how old the oldest of the ledgers is that one function keeps, by the newest snapshot of each.

    Times are seconds since 1970 (UTC); None: there never was a snapshot, which counts as one of long ago.
    """
    ages = [_NEVER_SECONDS if at is None else max(0.0, now - at) for at in newest]
    return [overall(Metric.LEDGER_AGE, max(ages), "Seconds", function=function)] if ages and function else []


def cost(service: str, seconds: float, memory_mib: int, states: int) -> Measure:
    """Return what a call costs, in US dollars: the function's time and the states that the state machine enters for it.

    An estimate: it leaves out what the table, messages and metrics cost, about a third of the whole.
    """
    return measure(Metric.COST, seconds * memory_mib / 1024 * _GB_SECOND + _REQUEST + states * _TRANSITION, "None",
                   service)
