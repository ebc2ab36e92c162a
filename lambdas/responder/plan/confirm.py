"""The plan's "Confirm the incident": independent sources are asked, and two that agree decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from responder.model.evidence import Evidence, Finding, Series, Window
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_rate import ErrorRate
from responder.model.frozen import dataclass
from responder.model.incident import SymptomKind
from responder.model.service import Service
from responder.plan.answers import Symptoms
from responder.plan.denial import why_not
from responder.plan.symptom import Verdict, verdicts
from responder.plan.wording import listed, source_name

Vote = Literal["outage", "healthy", "unknown"]

VOTES_NEEDED = 2


@dataclass(frozen=True)
class Confirmation:
    """What the sources together say about an outage."""

    answer: Symptoms
    kind: SymptomKind
    votes: dict[str, Vote]
    """Source to its vote."""
    reasons: dict[str, str]
    """Source to the sentence behind its vote."""
    onset: float | None
    """When the symptom began, seconds since 1970 (UTC); None where nothing shows it."""
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class _Ballot:
    """One source's vote, and the verdicts of an outage behind it."""

    vote: Vote
    reason: str
    outage: tuple[Verdict, ...] = ()


def confirm(service: Service, sources: Sequence[str], evidence: Evidence,
            signal_at: float | None = None, well_since: float | None = None) -> Confirmation:
    """Judge whether there is an outage, from the answers of all ``sources`` that were asked.

    ``signal_at`` and ``well_since`` are seconds since 1970 (UTC). ``well_since`` is when a reopened incident was last
    known to be well: earlier failures are no relapse, even if an alarm's period or a window reaches back to them.

    A source votes ``outage`` if a component fails, is silent or slow, ``healthy`` if it saw enough and all is well,
    else ``unknown``. A source that sees nothing at all while another sees requests is behind, not silent. A source that
    sees nothing wrong while another measures an outage is healthy only where it would have seen it (``denial.py``).
    """
    if well_since is not None:
        evidence = Evidence(_since(finding, well_since) for finding in evidence.every)
    found = verdicts(service, evidence, signal_at)
    by_source: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in found:
        by_source[verdict.source].append(verdict)
    seeing = {source for source, given in by_source.items() if _sees_requests(given)}
    ballots = {source: _ballot(by_source[source], bool(seeing - {source}))
               for source in sorted({*sources, *by_source})}
    outage = [verdict for ballot in ballots.values() for verdict in ballot.outage]
    ballots = {source: _suspected(service, evidence, source, ballot, outage) for source, ballot in ballots.items()}
    if outage and not any(verdict.state == "failing" for verdict in outage):
        ballots = {source: _without_denial(ballot, by_source[source]) for source, ballot in ballots.items()}
    answer = _answer([ballot.vote for ballot in ballots.values()])
    # Where no series shows it, it has begun by the time of the signal.
    began = _onset(outage) or (signal_at if answer == "confirmed" else None)
    return Confirmation(answer, _kind(outage) if answer != "false_alarm" else "",
                        {source: ballot.vote for source, ballot in ballots.items()},
                        {source: ballot.reason for source, ballot in ballots.items()}, began, tuple(found))


def said_by(given: Mapping[str, Vote]) -> str:
    """Say how sources voted: "CloudWatch and New Relic see an outage; Splunk cannot tell"."""
    ways: tuple[tuple[Vote, str, str], ...] = (
        ("outage", "sees an outage", "see an outage"), ("healthy", "sees nothing wrong", "see nothing wrong"),
        ("unknown", "cannot tell", "cannot tell"))
    told = []
    for vote, one, many in ways:
        names = [source_name(source) for source, said in sorted(given.items()) if said == vote]
        if names:
            told.append(f"{listed(names)} {one if len(names) == 1 else many}")
    return "; ".join(told)


def _sees_requests(given: Sequence[Verdict]) -> bool:
    return any(verdict.state in ("failing", "slow") or (verdict.state == "healthy" and not verdict.by_lines)
               for verdict in given)


def _ballot(given: Sequence[Verdict], others_see_requests: bool) -> _Ballot:
    bad = [verdict for verdict in given if verdict.state in ("failing", "slow")]
    silent = [verdict for verdict in given if verdict.state == "silent"]
    if silent and len(silent) == len(given) and others_see_requests:
        return _Ballot("unknown", "it has no recent data while others do: it is behind")
    if bad or silent:
        return _Ballot("outage", _said((bad or silent)[0]), (*bad, *silent))
    well = next((verdict for verdict in given if verdict.state == "healthy"), None)
    if well:
        return _Ballot("healthy", _said(well))
    return _Ballot("unknown", given[0].reason if given else "it gave no answer")


def _said(verdict: Verdict) -> str:
    return f"{verdict.component}: {verdict.reason}"


def _without_denial(ballot: _Ballot, given: Sequence[Verdict]) -> _Ballot:
    """Return a ballot for an outage in which nothing fails: log lines cannot deny it."""
    if ballot.vote == "healthy" and all(verdict.by_lines for verdict in given if verdict.state == "healthy"):
        return _Ballot("unknown", "that no line tells of an error says nothing of slow answers, or of none")
    return ballot


def _suspected(service: Service, evidence: Evidence, source: str, ballot: _Ballot,
               claims: Sequence[Verdict]) -> _Ballot:
    """Return a ballot of a source that contradicts others: it is suspected before the outage is denied."""
    if ballot.vote == "healthy" and claims and (why := why_not(service, evidence, source, claims)):
        return _Ballot("unknown", why)
    return ballot


def _answer(votes: Sequence[Vote]) -> Symptoms:
    outage, healthy = votes.count("outage"), votes.count("healthy")
    if outage >= VOTES_NEEDED and outage > healthy:
        return "confirmed"
    return "false_alarm" if healthy >= VOTES_NEEDED and healthy > outage else "inconclusive"


def _since(finding: Finding[Any], moment: float) -> Finding[Any]:
    """Return what a finding with a series says of the time from a moment on; any other as it is."""
    window, detail = finding.window, finding.detail
    if not isinstance(detail, ErrorRate | ErrorLines) or not finding.usable or window is None or (
            window.start >= moment):
        return finding
    if window.end <= moment:
        return replace(finding, status="stale", note="its data end before the last recovery")
    series: Series = tuple(period for period in detail.series if period.start >= moment)
    return replace(finding, window=Window(moment, window.end), detail=replace(detail, series=series))


def _kind(outage: Sequence[Verdict]) -> SymptomKind:
    states = {verdict.state for verdict in outage}
    if outage and all(verdict.declines for verdict in outage):
        return "declined_payments"
    if "failing" in states:
        return "high_error_rate"
    if "silent" in states:
        return "loss_of_connectivity"
    return "degraded_latency" if states else ""


def _onset(outage: Sequence[Verdict]) -> float | None:
    """Return the median of what the sources say: one of them may have seen an innocent error just before."""
    moments = sorted(verdict.onset for verdict in outage if verdict.onset is not None)
    return moments[(len(moments) - 1) // 2] if moments else None
