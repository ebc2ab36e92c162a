"""The plan's "Identify improvement opportunities": each is drawn from a fact of this incident.

What a mechanism shows stands in the mechanism's file (``plan/mechanisms``); here is what is general, and what joins the
two: the same measure for the same object is one item, and what would have saved most comes first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from responder.model.evidence import Evidence, Series, Window
from responder.model.facts import Filed
from responder.model.incident import IncidentRecord
from responder.model.moment import iso
from responder.model.service import Cluster, Metrics, Service
from responder.plan import mechanisms
from responder.plan.advice import Advice, Case, Size
from responder.plan.own import claimed, without_own, written
from responder.plan.review.contents import Improvement, PastIncident, Stretch
from responder.plan.review.improvements import cases, general, handling, sources
from responder.plan.review.improvements.alarm import late_alarm, quiet
from responder.plan.review.improvements.general import changes_by_hand
from responder.plan.review.improvements.sources import ANSWERED
from responder.plan.wording import capital

__all__ = ["ANSWERED", "changes_by_hand", "improvements"]

_LEAST_SECONDS = 10.0
_SIZES: tuple[Size, ...] = ("small", "medium", "large")


def improvements(record: IncidentRecord, evidence: Evidence, series: Series, weeks: Series,
                 history: Sequence[PastIncident] = (), service: Service | None = None) -> tuple[Improvement, ...]:
    """Return what this incident shows that could be better: what would have saved most first, of equals the least work.

    ``series`` is the entry's around the incident, ``weeks`` the same in coarser periods over the weeks before it;
    either may be empty. ``history`` are the incidents before: an alarm that would have told of them is not false.
    ``service`` is the configuration that was in force, by which things have names.
    """
    known = service or Service(record.incident.service, Cluster("", ""), (), "", Metrics(""))
    foreign = _foreign(record, evidence)
    trouble = cases.trouble(record)
    found = [(mechanism, advice, trouble.over)
             for mechanism, advice in _all(record, foreign, known, series, quiet(weeks, history), history)]
    items: dict[tuple[str, str], Improvement] = {}
    for mechanism, advice, over in found:
        items.setdefault((advice.key, advice.object), _improvement(
            advice, known.service, mechanism, open_end=None if over else trouble.end))
    filed: dict[str, list[str]] = {}
    for _, fact in record.facts(Filed):
        filed.setdefault(fact.fingerprint, []).append(fact.address)
    told = (replace(item, issues=tuple(filter(None, filed.get(item.fingerprint, ())))) for item in items.values())
    return tuple(sorted(told, key=lambda item: (
        not item.saves_at_least, -(item.saves_seconds or 0.0), _SIZES.index(item.size), item.what, item.object)))


def _foreign(record: IncidentRecord, evidence: Evidence) -> Evidence:
    """Return the evidence without what the responder changed; what was seen before its first remedy is not its own."""
    planned = min((remedy.planned_at or "" for remedy in record.remedies), default="")
    if not planned or not claimed(evidence):
        return evidence
    before = record.evidence(last=planned)
    return Evidence((*without_own(evidence, written(record.remedies, cases.until(record))).every, *before.every))


def _all(record: IncidentRecord, evidence: Evidence, service: Service, series: Series, weeks: Series,
         history: Sequence[PastIncident]) -> Iterator[tuple[str, Advice]]:
    """Yield each advice with the mechanism that it belongs to; empty where it belongs to none."""
    trouble = cases.trouble(record)
    systems = sources.blind(evidence)
    at_work = cases.cases(record, evidence, service)
    first = next(iter(at_work), cases.unnamed(record, evidence, service))
    for case in at_work:
        mechanism = mechanisms.find(case.mechanism)
        in_database = mechanism.cause.id == "database_connection"
        for advice in (*mechanism.improvements(case), *general.single_points(case, in_database),
                       *_off(case, mechanism)):
            yield case.mechanism, advice
    blind = sorted({source for system in systems for source in system.sources})
    at_fault = [change for case in at_work for change in case.changes]
    for advice in (*general.by_hand(first, at_fault), *sources.advice(record, evidence, service, trouble),
                   *handling.advice(first._replace(trouble=trouble), systems),
                   *late_alarm(record.incident, series, weeks), *general.unnamed(record, blind, first)):
        yield "", advice
    if record.incident.outcome == "false_alarm":
        for advice in general.false_alarm(record, history):
            yield "", advice


def _off(case: Case, mechanism: mechanisms.Mechanism) -> Iterator[Advice]:
    """Yield that the policy has none of a mechanism's remedies, where nothing else ended it."""
    known = case.service.policy
    action = next(iter(mechanism.remedies), "")
    if not known or case.helped or known.get(action, "off") != "off" or action in ("wait", "escalate"):
        return
    if not any(remedy.action == action for remedy in case.remedies):
        yield handling.policy_off(
            case, action, (f"The fallback was not used, because the policy for {action} is off"
                           if action == "switch_provider" and len(case.service.providers) > 1 else
                           f"The policy for {action} is off, so nothing was done about {mechanism.title} of "
                           f"{case.component}"), cases.diagnosed(case.record))


def _improvement(advice: Advice, service: str, mechanism: str, open_end: float | None) -> Improvement:
    """Return an item; ``open_end`` is the last moment that is known of an incident whose end is not."""
    joined = _joined(advice.saves)
    reaches_end = any(window.end == open_end for window in joined)
    seconds = sum(window.seconds for window in joined)
    # Of an incident that was left to people at once next to nothing of what came after is on record.
    stretches = [] if reaches_end and seconds < _LEAST_SECONDS else joined
    text = "|".join((service, mechanism, advice.object, advice.key))
    return Improvement(
        what=advice.what, evidence=_sentence(advice.evidence), object=advice.object, measure=advice.measure,
        owner=advice.owner, done_when=advice.done_when, aim=advice.aim, size=advice.effort.size,
        saves=tuple(Stretch(iso(window.start), iso(window.end)) for window in stretches),
        saves_seconds=round(seconds, 1) if stretches else None, saves_at_least=reaches_end,
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16])


def _sentence(text: str) -> str:
    """Return a text with a capital, where it does not begin with a name, which stays as it is."""
    first = text.partition(" ")[0]
    return capital(text) if first in _PLAIN else text


_PLAIN = frozenset({"the", "there", "it", "its", "they", "one", "all", "nothing", "our", "callers", "pods", "nodes",
                    "roll", "restart", "reboot", "raise", "scale", "put", "use", "restore"})
"""Words with which a fact begins that is no name."""


def _joined(windows: Sequence[Window]) -> list[Window]:
    """Return stretches of time in order, those that overlap as one: no second is counted twice."""
    joined: list[Window] = []
    for window in sorted(windows, key=lambda window: window.start):
        if joined and window.start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, window.end))
        else:
            joined.append(window)
    return joined
