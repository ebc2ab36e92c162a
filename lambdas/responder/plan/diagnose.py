"""The plan's "Probable Root Cause Analysis": every cause is a hypothesis that observations weigh for or against."""

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
from responder.model.service import Service
from responder.plan.isolate import Isolation
from responder.plan.rates import lower_bound, upper_bound

SUSPICION_SECONDS = 900.0
"""A rollout this long before the symptom may still be its cause: a leak or a cache takes a while, and a slow rolling
update of a large Deployment takes minutes."""
_CLOCK_SECONDS = 15.0
"""The onset is known to a period of 10 s and clocks differ a little: a rollout may seem to come just after it."""
_LOAD_FACTOR = 1.5
_LOG_SHARE = 0.9
_LOG_MINIMUM = 10


@dataclass(frozen=True)
class Observation:
    """One thing that was seen and bears on the causes."""

    id: str
    """Its key in ``weights.json``."""
    source: str
    finding: str
    facts: dict[str, str] = field(default_factory=dict)
    """What the sentence is filled with."""

    def sentence(self, weights: Mapping[str, Any]) -> str:
        """Say it as a person would."""
        text: str = weights["observations"][self.id]["sentence"]
        return text.format_map(defaultdict(str, self.facts))


@dataclass(frozen=True)
class Hypothesis:
    """A cause, how likely it is, and why."""

    cause: str
    confidence: float
    log_odds: float
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]
    sources: tuple[str, ...]
    """Independent sources that support it."""


@dataclass(frozen=True)
class Diagnosis:
    """The ranked causes, and the one that is named."""

    cause: str
    """One of the plan's six, or ``unknown``."""
    mechanism: str
    component: str
    confidence: float
    summary: str
    ranking: tuple[Hypothesis, ...]
    observations: tuple[Observation, ...]
    missing: tuple[str, ...]
    """What could not be asked, in sentences."""


@cache
def shipped_weights() -> dict[str, Any]:
    """Return the weights that this version ships with."""
    weights: dict[str, Any] = json.loads(Path(__file__).with_name("weights.json").read_text(encoding="utf-8"))
    return weights


def diagnose(service: Service, isolation: Isolation, onset: float | None, findings: Sequence[Finding],
             weights: Mapping[str, Any] | None = None) -> Diagnosis:
    """Rank the causes by what the findings of all phases say.

    No cause is named whose confidence is below the service's minimum, or that fewer independent sources support than
    it asks for. The order of the findings changes nothing.
    """
    weights = weights or shipped_weights()
    observations = sorted({(o.id, o.source, o.finding, tuple(sorted(o.facts.items()))): o
                           for component in isolation.culprits
                           for o in _observe(service, component, isolation, onset, findings)}.values(),
                          key=lambda o: (o.id, o.source, sorted(o.facts.items())))
    ranking = _rank(observations, weights)
    missing = tuple(sorted({f"{finding.source}: {finding.note or finding.status}"
                            for finding in findings if not finding.usable}))
    best = ranking[0]
    component = isolation.culprits[0] if isolation.culprits else ""
    sure = (best.confidence >= service.guardrails.minimum_confidence
            and len(best.sources) >= service.guardrails.minimum_sources)
    if not sure or not observations:
        return Diagnosis("unknown", "", component, round(1 - best.confidence, 3),
                         "no cause stands out: " + (f"the likeliest is {best.cause} with {best.confidence:.0%}"
                                                    if observations else "nothing that was seen points at one"),
                         ranking, tuple(observations), missing)
    mechanism = {"code_bug": "bad_release"}.get(best.cause, "")
    return Diagnosis(best.cause, mechanism, component, best.confidence,
                     f"{best.cause} in {component}: {'; '.join(best.evidence_for)}", ranking, tuple(observations),
                     missing)


def _rank(observations: Sequence[Observation], weights: Mapping[str, Any]) -> tuple[Hypothesis, ...]:
    table = weights["observations"]
    # The same kind of observation by several sources is one fact seen twice: the first counts whole, each further
    # one half as much as the one before, so that no number of echoes outweighs a second kind.
    seen: dict[str, int] = defaultdict(int)
    shares: list[tuple[Observation, float]] = []
    for observation in observations:
        shares.append((observation, 0.5 ** seen[observation.id]))
        seen[observation.id] += 1
    odds = {cause: prior + math.fsum(table[o.id]["weights"].get(cause, 0.0) * share for o, share in shares)
            for cause, prior in weights["prior"].items()}
    # Everything that is none of the plan's causes has odds of one.
    total = 1.0 + math.fsum(math.exp(value) for value in odds.values())
    hypotheses = []
    for cause, value in odds.items():
        told = {sign: tuple(dict.fromkeys(
            o.sentence(weights) for o, _ in shares if sign * table[o.id]["weights"].get(cause, 0.0) > 0))
            for sign in (1, -1)}
        sources = tuple(sorted({o.source for o, _ in shares if table[o.id]["weights"].get(cause, 0.0) > 0}))
        hypotheses.append(Hypothesis(cause, round(math.exp(value) / total, 3), round(value, 3), told[1], told[-1],
                                     sources))
    return tuple(sorted(hypotheses, key=lambda h: (-h.log_odds, h.cause)))


def _observe(service: Service, component: str, isolation: Isolation, onset: float | None,
             findings: Sequence[Finding]) -> list[Observation]:
    about = [finding for finding in findings if finding.usable and finding.component in (component, "")]
    found: list[Observation] = []
    rolled_out = None
    for finding in about:
        if finding.name == "rollouts":
            observation, rolled_out = _rollout(component, finding, onset)
            found += [observation] if observation else []
    new = rolled_out or ""
    for finding in about:
        if finding.name == "error_rate_by_version" and new:
            found += _versions(service, finding, new)
        elif finding.name == "error_signatures" and new:
            found += _signatures(component, finding, new)
        elif finding.name == "error_rate":
            found += _load(finding)
    if not new and component in isolation.pods:
        found.append(Observation("pods_not_ready_without_rollout", "kubernetes", "pods",
                                 {"component": component, "said": isolation.pods[component]}))
    return found


def _rollout(component: str, finding: Finding, onset: float | None) -> tuple[Observation | None, str | None]:
    """Return what the newest rollout says, and the version it brought where it is suspected."""
    current = next((r for r in finding.detail.get("revisions", []) if r.get("current")), None)
    if current is None or onset is None:
        return None, None
    before = onset - current["created"]
    older = len(finding.detail["revisions"]) > 1
    if older and -_CLOCK_SECONDS <= before <= SUSPICION_SECONDS:
        image = current["images"][0] if current["images"] else ""
        return Observation("rollout_just_before", finding.source, "rollouts", {
            "component": component, "images": ", ".join(current["images"]),
            "when": f"{before:.0f} s before the symptom began" if before >= 1
                    else "as the symptom began (known to a period of 10 s)"}), version_of(image)
    return Observation("no_recent_rollout", finding.source, "rollouts",
                       {"component": component, "seconds": f"{SUSPICION_SECONDS:.0f}"}), None


def _versions(service: Service, finding: Finding, new: str) -> list[Observation]:
    """Compare the new version with the others: side by side where both serve, else before and after."""
    limit, enough = service.confirm.error_rate, service.confirm.minimum_requests
    now, before = finding.detail.get("window", {}), finding.detail.get("baseline", {})
    requests, errors = now.get(new, (0, 0))
    if requests < enough or lower_bound(errors, requests) <= limit:
        return []
    others = {version: counts for version, counts in now.items() if version != new and counts[0] >= enough}
    facts = {"source": finding.source, "new": new, "new_rate": f"{errors / requests:.1%}"}
    for version, (count, failed) in sorted(others.items()):
        told = facts | {"old": version, "old_rate": f"{failed / count:.1%}"}
        if lower_bound(failed, count) > limit:
            return [Observation("old_version_fails_too", finding.source, finding.name, told)]
        if upper_bound(failed, count) < lower_bound(errors, requests):
            return [Observation("only_new_version_fails", finding.source, finding.name, told)]
    for version, (count, failed) in sorted(before.items()):
        if version != new and count >= enough and upper_bound(failed, count) < lower_bound(errors, requests):
            return [Observation("new_version_replaced_healthy_one", finding.source, finding.name,
                                facts | {"old": version, "old_rate": f"{failed / count:.1%}"})]
    return []


def _signatures(component: str, finding: Finding, new: str) -> list[Observation]:
    lines: dict[str, int] = defaultdict(int)
    for group in finding.detail.get("signatures", []):
        if group.get("component") == component:
            for version, count in group.get("versions", {}).items():
                lines[version] += count
    total = sum(lines.values())
    if total < _LOG_MINIMUM:
        return []
    share = lines[new] / total
    facts = {"component": component, "new": new}
    if share >= _LOG_SHARE:
        return [Observation("errors_logged_only_by_new_version", finding.source, finding.name,
                            facts | {"share": f"{share:.0%}"})]
    if share <= 1 - _LOG_SHARE / 2:
        return [Observation("errors_logged_by_old_version_too", finding.source, finding.name,
                            facts | {"share": f"{1 - share:.0%}"})]
    return []


def _load(finding: Finding) -> list[Observation]:
    detail, window = finding.detail, finding.window
    before = detail.get("baseline_requests", 0.0) / detail.get("baseline_seconds", 3600.0)
    # The last minute, for the load that brings a service down is the load of now.
    recent = [row for row in detail.get("series", []) if window and window.end - 70 <= row[0] < window.end - 10]
    if not before or len(recent) < 2:
        return []
    factor = sum(row[1] for row in recent) / (len(recent) * 10) / before
    if factor < _LOAD_FACTOR:
        return []
    return [Observation("load_above_baseline", finding.source, "error_rate",
                        {"source": finding.source, "factor": f"{factor:.1f}"})]


def version_of(image: str) -> str:
    """Return the tag of an image reference, or its digest; empty where it has neither."""
    name = image.rsplit("/", 1)[-1]
    if "@" in name:
        return name.split("@", 1)[1]
    return name.split(":", 1)[1] if ":" in name else ""
