"""The plan's "Probable Root Cause Analysis": every mechanism of a cause is a hypothesis that signals weigh.

A component's failures are split by where they arise (``failure_modes.py``). Each failure mode is explained on its own,
so that two faults at once are two causes. Within a mode the mechanisms compete: their log-odds are sums of the weights
of what was seen, and their confidence is the share of their odds among those of all mechanisms and of everything else.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from responder.model.evidence import Evidence
from responder.model.frozen import dataclass
from responder.model.incident import Hypothesis as Hypothesis
from responder.model.service import Service
from responder.plan import signals, wording
from responder.plan.failure_modes import FailureMode, failure_modes
from responder.plan.isolate import Isolation
from responder.plan.signals import Context, Signal
from responder.plan.weights import Weights
from responder.plan.wording import source_name

_NEARLY = 1.4
"""Four times the odds (e^1.4) tell a mechanism from another of the same cause: less, and one signal that could not
be had may have turned it."""
_ECHO = 0.5
"""The same signal by a further source is one fact seen twice: each counts half as much as the one before, so that
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
    signals: tuple[Signal, ...]
    """All that was seen, in a fixed order."""
    missing: tuple[str, ...]
    """What could not be asked, in sentences."""
    parts: tuple[FailureMode, ...] = ()
    """The failure modes, each of which was explained on its own."""
    close: tuple[Hypothesis, ...] = ()
    """Rivals of those that are named: mechanisms of the same cause that are nearly as likely, likeliest first."""


def diagnose(service: Service, isolation: Isolation, onset: float | None, evidence: Evidence,
             weights: Weights) -> Diagnosis:
    """Rank the causes by what the findings of all phases say; the order of the findings changes nothing.

    No cause is named whose confidence is below the service's minimum, or that fewer independent sources support than
    it asks for.
    """
    parts = [part for component in isolation.faulty for part in failure_modes(service, component, evidence)]
    parts.sort(key=lambda part: (-part.share, part.component, part.where))
    seen: set[Signal] = set()
    by_part: list[list[Hypothesis]] = []
    for part in parts:
        found = signals.read(Context(service, part, onset, evidence))
        seen.update(found)
        by_part.append(rank(part, found, weights))
    named, close = _named(service, by_part)
    ranking = _ranking(by_part)
    missing = tuple(sorted({f"{source_name(finding.source)}: {finding.note or finding.status}"
                            for finding in evidence.unusable}))
    told = tuple(sorted(seen))
    if not named:
        likeliest = ranking[0] if ranking else None
        return Diagnosis(
            "unknown", "", isolation.faulty[0] if isolation.faulty else "",
            round(1 - (likeliest.confidence if likeliest else 0.0), 3), _unnamed(likeliest), ranking, (), told, missing,
            tuple(parts))
    first = named[0]
    summary = "; and ".join(f"{h.cause} ({h.mechanism}) in {h.component}: {'; '.join(h.evidence_for)}" for h in named)
    return Diagnosis(first.cause, first.mechanism, first.component, first.confidence, summary, ranking, named, told,
                     missing, tuple(parts), close)


def _named(service: Service,
           by_part: Sequence[Sequence[Hypothesis]]) -> tuple[tuple[Hypothesis, ...], tuple[Hypothesis, ...]]:
    """Return the likeliest hypothesis of each failure mode that is sure enough, and its rivals."""
    limits = service.guardrails
    named: dict[tuple[str, str, str], Hypothesis] = {}
    close: list[Hypothesis] = []
    for ranked in by_part:
        best = ranked[0]
        if best.confidence >= limits.minimum_confidence and len(best.sources) >= limits.minimum_sources:
            named.setdefault((best.cause, best.mechanism, best.component), best)
            close += [rival for rival in ranked if rival.cause == best.cause and rival.mechanism in best.rivals]
    return tuple(named.values()), tuple(close)


def _unnamed(likeliest: Hypothesis | None) -> str:
    """Say why no cause is named."""
    if likeliest is None or not likeliest.evidence_for:
        return "no cause stands out: nothing that was seen points at one"
    return (f"no cause stands out: the likeliest is {likeliest.cause} ({likeliest.mechanism}) with "
            f"{wording.share(likeliest.confidence)}, seen by {', '.join(likeliest.sources) or 'nobody'}")


def rank(part: FailureMode, found: Sequence[Signal], weights: Weights) -> list[Hypothesis]:
    """Return every mechanism as a hypothesis for one failure mode, likeliest first."""
    shares = _shares(found)
    seen = {"", *(signal.id for signal in found)}
    odds = {name: weights.prior + math.fsum(weights.of(signal.id, name) * share for signal, share in shares)
            # A mechanism that needs a signal is no hypothesis where the signal was not seen.
            for name, terms in weights.mechanisms.items() if terms.needs in seen}
    # All other explanations together have odds of one.
    total = 1.0 + math.fsum(math.exp(value) for value in odds.values())
    # Mechanisms of one cause share what is known of the cause, and its confidence.
    by_cause: dict[str, float] = defaultdict(float)
    for name, value in odds.items():
        by_cause[weights.mechanisms[name].cause] += math.exp(value) / total
    hypotheses = []
    for name, value in odds.items():
        cause = weights.mechanisms[name].cause
        rivals = tuple(sorted(other for other, odd in odds.items() if other != name and odd > value - _NEARLY
                              and weights.mechanisms[other].cause == cause))
        supports = [signal for signal in found if weights.of(signal.id, name) > 0]
        denies = [signal for signal in found if weights.of(signal.id, name) < 0]
        hypotheses.append(Hypothesis(
            cause, name, part.component, part.where, round(by_cause[cause], 3), round(value, 3), _told(supports),
            _told(denies), tuple(sorted({signal.source for signal in supports})), rivals))
    return sorted(hypotheses, key=lambda h: (-h.confidence, -h.log_odds, h.cause, h.mechanism))


def _shares(found: Sequence[Signal]) -> list[tuple[Signal, float]]:
    """Return each signal with the share of its weight that counts."""
    seen: dict[str, int] = defaultdict(int)
    shares = []
    for signal in found:
        shares.append((signal, _ECHO ** seen[signal.id]))
        seen[signal.id] += 1
    return shares


def _told(found: Sequence[Signal]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(signal.sentence for signal in found))


def _ranking(by_part: Sequence[Sequence[Hypothesis]]) -> tuple[Hypothesis, ...]:
    best: dict[str, Hypothesis] = {}
    for ranked in by_part:
        for hypothesis in ranked:
            other = best.get(hypothesis.cause)
            if other is None or (hypothesis.confidence, hypothesis.log_odds) > (other.confidence, other.log_odds):
                best[hypothesis.cause] = hypothesis
    return tuple(sorted(best.values(), key=lambda h: (-h.confidence, -h.log_odds, h.cause)))
