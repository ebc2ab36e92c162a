"""The plan's "Confirm the incident": independent sources are asked, and two that agree decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from responder.model.finding import Finding, Window
from responder.model.service import Service
from responder.plan.symptom import Reading, read

Kind = Literal["high_error_rate", "loss_of_connectivity", "degraded_latency", ""]
Answer = Literal["confirmed", "false_alarm", "inconclusive"]
Vote = Literal["outage", "healthy", "unknown"]

VOTES_NEEDED = 2


@dataclass(frozen=True)
class Confirmation:
    """What the sources together say about an outage."""

    answer: Answer
    kind: Kind
    votes: dict[str, Vote]
    """Source to its vote."""
    reasons: dict[str, str]
    """Source to the sentence behind its vote."""
    onset: float | None
    """When the symptom began, seconds since 1970 (UTC); None where nothing shows it."""
    readings: tuple[Reading, ...]


def confirm(service: Service, sources: Sequence[str], findings: Sequence[Finding],
            signal_at: float | None = None, well_since: float | None = None) -> Confirmation:
    """Judge whether there is an outage, from the findings of all ``sources`` that were asked.

    ``signal_at`` and ``well_since`` are seconds since 1970 (UTC). Since ``well_since`` an incident that is opened again
    was known to be well: what failed before is no relapse, though the period of an alarm, or a window, reach back to
    it.

    A source votes ``outage`` where a component fails, is silent or slow, ``healthy`` where it saw enough and all is
    well, else ``unknown``. A source that sees nothing at all while another sees requests is behind, not silent. One
    that reads log lines alone cannot deny what no line would tell of: slow answers, or none.
    """
    if well_since is not None:
        findings = [_since(finding, well_since) for finding in findings]
    readings = read(findings, service.confirm, signal_at)
    by_source: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_source[reading.source].append(reading)
    traffic = {source for source, found in by_source.items()
               if any(reading.verdict in ("failing", "slow") or (reading.verdict == "healthy" and not reading.by_lines)
                      for reading in found)}
    votes: dict[str, Vote] = {}
    reasons: dict[str, str] = {}
    telling: list[Reading] = []
    for source in sorted(set(sources) | set(by_source)):
        found = by_source[source]
        bad = [reading for reading in found if reading.verdict in ("failing", "slow")]
        silent = [reading for reading in found if reading.verdict == "silent"]
        if silent and len(silent) == len(found) and traffic - {source}:
            votes[source], reasons[source] = "unknown", "it has no recent data while others do: it is behind"
        elif bad or silent:
            worst = (bad or silent)[0]
            votes[source], reasons[source] = "outage", f"{worst.component}: {worst.reason}"
            telling += bad + silent
        elif any(reading.verdict == "healthy" for reading in found):
            well = [reading for reading in found if reading.verdict == "healthy"]
            votes[source], reasons[source] = "healthy", f"{well[0].component}: {well[0].reason}"
        else:
            votes[source], reasons[source] = "unknown", found[0].reason if found else "it gave no answer"
    if telling and not any(reading.verdict == "failing" for reading in telling):
        for source, found in by_source.items():
            if votes[source] == "healthy" and all(r.by_lines for r in found if r.verdict == "healthy"):
                votes[source] = "unknown"
                reasons[source] = "that no line tells of an error says nothing of slow answers, or of none"
    counts = {vote: sum(v == vote for v in votes.values()) for vote in ("outage", "healthy")}
    answer: Answer = "inconclusive"
    if counts["outage"] >= VOTES_NEEDED and counts["outage"] > counts["healthy"]:
        answer = "confirmed"
    elif counts["healthy"] >= VOTES_NEEDED and counts["healthy"] > counts["outage"]:
        answer = "false_alarm"
    # Where no series shows it, it has begun by the time of the signal.
    began = _onset(telling) or (signal_at if answer == "confirmed" else None)
    return Confirmation(answer, _kind(telling) if answer != "false_alarm" else "", votes, reasons, began,
                        tuple(readings))


def _since(finding: Finding, moment: float) -> Finding:
    """Return what a finding with a series says of the time from a moment on; any other as it is."""
    window = finding.window
    if "series" not in finding.detail or not finding.usable or window is None or window.start >= moment:
        return finding
    if window.end <= moment:
        return replace(finding, status="stale", note="its data end before the last recovery")
    return replace(finding, window=Window(moment, window.end), detail=finding.detail | {
        "series": [row for row in finding.detail["series"] if float(row[0]) >= moment]})


def _kind(telling: Sequence[Reading]) -> Kind:
    if any(reading.verdict == "failing" for reading in telling):
        return "high_error_rate"
    if any(reading.verdict == "silent" for reading in telling):
        return "loss_of_connectivity"
    return "degraded_latency" if telling else ""


def _onset(telling: Sequence[Reading]) -> float | None:
    """The median of what the sources say: one of them may have seen an innocent error just before."""
    moments = sorted(reading.onset for reading in telling if reading.onset is not None)
    return moments[(len(moments) - 1) // 2] if moments else None
