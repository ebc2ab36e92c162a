"""How often a real outage would end as a false alarm, where one source alone sees it and the others see nothing.

Each recorded look at which an outage was confirmed is judged anew: one source keeps what it said, and the others are
made blind in each way that looks healthy (no rows, unreadable ones, rows that stop, errors by another name, times of
1970, a sample without an error).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from unittest.mock import patch

from bench import Benchmark, Outcome, Row
from bench.diagnosis import RECORDS
from responder.model.evidence import Bucket, Evidence, Finding
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import IncidentRecord
from responder.model.moment import seconds
from responder.model.service import Service
from responder.plan.confirm import Confirmation, confirm
from responder.plan.decisions import Confirmed
from responder.plan.replay import service_of
from responder.records.record import unpack

Blinding = Callable[[Finding[Any], float], Finding[Any]]
"""Takes what a source said, and when the symptom began (seconds since 1970, UTC)."""


@dataclass(frozen=True)
class Look:
    """One recorded look at which an outage was confirmed."""

    name: str
    service: Service
    asked: tuple[str, ...]
    evidence: Evidence
    signal_at: float

    def confirm(self, evidence: Evidence) -> Confirmation:
        """Judge other evidence in its place."""
        return confirm(self.service, self.asked, evidence, self.signal_at)


def nothing(finding: Finding[Any], onset: float) -> Finding[Any]:
    """No rows."""
    return replace(finding, status="empty", detail=type(finding.detail)(), value=None)


def malformed(finding: Finding[Any], onset: float) -> Finding[Any]:
    """Rows that nobody can read."""
    return replace(nothing(finding, onset), status="malformed")


def cut(finding: Finding[Any], onset: float) -> Finding[Any]:
    """Rows that stop when it begins."""
    detail = finding.detail
    series = tuple(period for period in detail.series if period.start < onset - 5)
    if isinstance(detail, ErrorLines):
        return replace(finding, detail=replace(detail, series=series, lines=sum(p.errors for p in series),
                                               newest=onset - 15, period_seconds=10.0))
    return replace(finding, detail=replace(detail, series=series))


def errorless(finding: Finding[Any], onset: float) -> Finding[Any]:
    """Errors by another name, or in another case: none is recognised, and none ever was."""
    detail = finding.detail
    if isinstance(detail, ErrorLines):
        newest = finding.window.end - 10 if finding.window else None
        return replace(finding, value=0.0, baseline=0.0, detail=replace(
            detail, series=(), lines=0.0, baseline_lines=0.0, newest=newest, period_seconds=10.0))
    return replace(finding, value=0.0, baseline=0.0, detail=replace(
        detail, errors=0.0, baseline_errors=0.0, series=tuple(p._replace(errors=0.0) for p in detail.series)))


def of_1970(finding: Finding[Any], onset: float) -> Finding[Any]:
    """Lines whose times were not understood."""
    if not isinstance(finding.detail, ErrorLines):
        return nothing(finding, onset)
    whole = sum(p.errors for p in finding.detail.series)
    return replace(finding, detail=replace(finding.detail, series=(Bucket(0.0, whole, whole),) if whole else (),
                                           newest=0.0, period_seconds=10.0))


def thinned(finding: Finding[Any], onset: float) -> Finding[Any]:
    """A sample in which no error happens to be."""
    if not isinstance(finding.detail, ErrorRate):
        return nothing(finding, onset)
    detail = finding.detail
    return replace(finding, detail=replace(
        detail, requests=detail.requests / 50, errors=0.0, baseline_requests=detail.baseline_requests / 50,
        baseline_errors=round(detail.baseline_errors / 50),
        series=tuple(Bucket(p.start, round(p.requests / 50), 0.0) for p in detail.series)))


BLINDINGS: tuple[Blinding, ...] = (nothing, malformed, cut, errorless, of_1970, thinned)


def looks(most: int | None = None, seed: str = "denial") -> Iterator[Look]:
    """Yield the looks of all recorded incidents, or of ``most`` of them, drawn by ``seed``."""
    files = sorted(RECORDS.glob("*.json.gz"))
    for file in files if most is None else random.Random(seed).sample(files, most):
        record = unpack(file.read_bytes())
        incident = IncidentRecord.of(record["items"])
        for entry, made in incident.facts(Confirmed):
            if made.answer == "confirmed" and made.well_since is None:
                yield Look(file.name, service_of(record), made.asked, incident.at(entry.entered),
                           made.signal_at or seconds(incident.incident.opened_at))


def blinded(look: Look, truth: str, blindings: Mapping[str, Blinding]) -> Evidence | None:
    """Return a look's evidence with some sources blinded; None where ``truth`` does not see the outage."""
    whole = look.confirm(look.evidence)
    if whole.votes.get(truth) != "outage":
        return None
    onset = next((verdict.onset for verdict in whole.verdicts if verdict.source == truth
                  and verdict.state == "failing" and verdict.onset), look.signal_at)
    shown = (ErrorRate, ErrorLines)
    return Evidence(
        blindings[f.source](f, onset) if f.source in blindings and isinstance(f.detail, shown) and f.usable else f
        for f in look.evidence.every if f.source not in blindings or isinstance(f.detail, shown))


def _measure(repeats: int) -> Outcome:
    tried = wrong = before = 0
    for look in looks():
        for truth in look.asked:
            others = [source for source in look.asked if source != truth]
            for chosen in product(BLINDINGS, repeat=len(others)):
                evidence = blinded(look, truth, dict(zip(others, chosen, strict=True)))
                if evidence is None:
                    break
                tried += 1
                wrong += look.confirm(evidence).answer == "false_alarm"
                with patch("responder.plan.confirm.why_not", return_value=""):
                    before += look.confirm(evidence).answer == "false_alarm"
    return Outcome([Row("real outages that end as a false alarm", 100 * wrong / tried, "%",
                        "where no source is suspected", 100 * before / tried, highest=0.0,
                        note=f"{tried:,} ways in which all sources but one are blind")])


BENCHMARK = Benchmark(
    about="how often an outage that one source sees would end as a false alarm, where the others see nothing",
    run=_measure)
