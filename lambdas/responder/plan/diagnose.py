"""The plan's "Probable Root Cause Analysis": every mechanism of a cause is a hypothesis that observations weigh.

A component's failures are split by where they arise (``segments.py``); each segment is explained on its own, so that
two faults at once are two causes. Within a segment the mechanisms compete: their log-odds are sums of the weights of
what was seen, and their confidence is the share of their odds among those of all mechanisms and of everything else.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from responder.model.finding import Finding
from responder.model.incident import Hypothesis as Hypothesis
from responder.model.service import Service
from responder.plan.isolate import Isolation
from responder.plan.observe import Observation, observe
from responder.plan.segments import Segment, segments

_NEARLY = 1.4
"""Four times the odds (e^1.4) tell a mechanism from another of the same cause: less, and one observation that could not
be had may have turned it."""
_ECHO = 0.5
"""The same observation by a further source is one fact seen twice: each counts half as much as the one before, so that
no number of echoes outweighs a second kind."""


@dataclass(frozen=True)
class Diagnosis:
    """The ranked causes, and those that are named."""

    cause: str
    """The first one that is named: one of the plan's six, or ``unknown``."""
    mechanism: str
    component: str
    confidence: float
    summary: str
    ranking: tuple[Hypothesis, ...]
    """The best hypothesis of each cause."""
    named: tuple[Hypothesis, ...]
    """Those that are sure enough, largest part of the failures first: each with a remedy of its own."""
    observations: tuple[Observation, ...]
    missing: tuple[str, ...]
    """What could not be asked, in sentences."""
    parts: tuple[Segment, ...] = field(default=())
    close: tuple[Hypothesis, ...] = field(default=())
    """Of those that are named, the rivals: mechanisms of the same cause that are nearly as likely, likeliest first."""


@cache
def shipped_weights() -> dict[str, Any]:
    """Return the weights that this version ships with."""
    weights: dict[str, Any] = json.loads(Path(__file__).with_name("weights.json").read_text(encoding="utf-8"))
    return weights


def diagnose(service: Service, isolation: Isolation, onset: float | None, findings: Sequence[Finding],
             weights: Mapping[str, Any] | None = None) -> Diagnosis:
    """Rank the causes by what the findings of all phases say; the order of the findings changes nothing.

    No cause is named whose confidence is below the service's minimum, or that fewer independent sources support than
    it asks for.
    """
    weights = weights or shipped_weights()
    parts = [part for component in isolation.culprits for part in segments(service, component, findings)]
    parts.sort(key=lambda part: (-part.share, part.component, part.where))
    seen: dict[tuple[str, str], Observation] = {}
    by_part: list[list[Hypothesis]] = []
    for part in parts:
        observations = observe(service, part, onset, findings)
        seen.update({(o.id, o.source + str(sorted(o.facts.items()))): o for o in observations})
        by_part.append(rank(part, observations, weights))
    limits = service.guardrails
    named: dict[tuple[str, str, str], Hypothesis] = {}
    close: list[Hypothesis] = []
    for ranked in by_part:
        best = ranked[0]
        if best.confidence >= limits.minimum_confidence and len(best.sources) >= limits.minimum_sources:
            named.setdefault((best.cause, best.mechanism, best.component), best)
            close += [rival for rival in ranked if rival.cause == best.cause and rival.mechanism in best.rivals]
    ranking = _ranking(by_part)
    missing = tuple(sorted({f"{f.source}: {f.note or f.status}" for f in findings if not f.usable}))
    observed = tuple(seen[key] for key in sorted(seen))
    if not named:
        component = isolation.culprits[0] if isolation.culprits else ""
        best_known = ranking[0] if ranking else None
        told = (f"no cause stands out: the likeliest is {best_known.cause} ({best_known.mechanism}) with "
                f"{best_known.confidence:.0%}, seen by {', '.join(best_known.sources) or 'nobody'}"
                if best_known and best_known.evidence_for else
                "no cause stands out: nothing that was seen points at one")
        return Diagnosis("unknown", "", component, round(1 - (best_known.confidence if best_known else 0.0), 3), told,
                         ranking, (), observed, missing, tuple(parts))
    first = next(iter(named.values()))
    summary = "; and ".join(f"{h.cause} ({h.mechanism}) in {h.component}: {'; '.join(h.evidence_for)}"
                            for h in named.values())
    return Diagnosis(first.cause, first.mechanism, first.component, first.confidence, summary, ranking,
                     tuple(named.values()), observed, missing, tuple(parts), tuple(close))


def rank(part: Segment, observations: Sequence[Observation], weights: Mapping[str, Any]) -> list[Hypothesis]:
    """Return every mechanism as a hypothesis for one segment, likeliest first."""
    table = weights["observations"]
    seen: dict[str, int] = defaultdict(int)
    shares: list[tuple[Observation, float]] = []
    for observation in observations:
        shares.append((observation, _ECHO ** seen[observation.id]))
        seen[observation.id] += 1
    odds = {name: weights["prior"] + math.fsum(
        _weight(table, o, name, mechanism["cause"]) * share for o, share in shares)
        for name, mechanism in weights["mechanisms"].items()
        # What can only come by one thing that would be seen is no hypothesis where that was not.
        if mechanism.get("needs", "") in {"", *seen}}
    # Everything that is none of the mechanisms has odds of one.
    total = 1.0 + math.fsum(math.exp(value) for value in odds.values())
    # Mechanisms of one cause share what is known of the cause, and its confidence.
    by_cause: dict[str, float] = defaultdict(float)
    for name, value in odds.items():
        by_cause[weights["mechanisms"][name]["cause"]] += math.exp(value) / total
    hypotheses = []
    for name, value in odds.items():
        cause = weights["mechanisms"][name]["cause"]
        told = {sign: tuple(dict.fromkeys(o.sentence(weights) for o, _ in shares
                                          if sign * _weight(table, o, name, cause) > 0)) for sign in (1, -1)}
        sources = tuple(sorted({o.source for o, _ in shares if _weight(table, o, name, cause) > 0}))
        rivals = tuple(sorted(other for other, odd in odds.items() if other != name and odd > value - _NEARLY
                              and weights["mechanisms"][other]["cause"] == cause))
        hypotheses.append(Hypothesis(cause, name, part.component, part.where, round(by_cause[cause], 3),
                                     round(value, 3), told[1], told[-1], sources, rivals))
    return sorted(hypotheses, key=lambda h: (-h.confidence, -h.log_odds, h.cause, h.mechanism))


def _weight(table: Mapping[str, Any], observation: Observation, mechanism: str, cause: str) -> float:
    """An observation's weight for a mechanism; one for the whole cause counts where the mechanism has none."""
    given = table[observation.id]["weights"]
    return float(given.get(mechanism, given.get(cause, given.get("*", 0.0))))


def _ranking(by_part: Sequence[Sequence[Hypothesis]]) -> tuple[Hypothesis, ...]:
    best: dict[str, Hypothesis] = {}
    for ranked in by_part:
        for hypothesis in ranked:
            other = best.get(hypothesis.cause)
            if other is None or (hypothesis.confidence, hypothesis.log_odds) > (other.confidence, other.log_odds):
                best[hypothesis.cause] = hypothesis
    return tuple(sorted(best.values(), key=lambda h: (-h.confidence, -h.log_odds, h.cause)))
