"""What the evidence tells of a symptom that a foreign change must explain, and which change does."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.foreign_changes import ForeignChanges
from responder.model.evidence.service_events import ServiceEvents
from responder.model.foreign_change import ForeignChange
from responder.model.frozen import dataclass
from responder.plan.change_suspects import NONE, suspects
from responder.plan.change_symptom import Line, Moved, Notice, Symptom
from responder.plan.signals import Context

NAMED = 0.7
"""From this probability on a change is said to explain the symptom: to name an innocent one is worse than silence."""
POSSIBLE = 0.3


@dataclass(frozen=True)
class Explained:
    """What the feed of foreign changes says of a symptom."""

    change: ForeignChange | None
    """The likeliest change, where it is likelier than all others and than none; None: no change explains it."""
    probability: float
    """Of that change, or of none."""
    why: tuple[str, ...]
    in_effect: float
    """Since when, seconds since 1970 (UTC)."""


def explained(context: Context, feed: ForeignChanges) -> Explained | None:
    """Return what explains the symptom; None where its beginning is not known."""
    if context.onset is None:
        return None
    symptom = symptom_of(context, context.onset)
    best = suspects(feed.changes, symptom, deploys_known=any(change.deployed for change in feed.changes))[0]
    change = next((one for one in feed.changes if one.id == best.id), None) if best.id != NONE else None
    if change is None:
        return Explained(None, best.probability, best.reasons, context.onset)
    before = [one.at for one in change.deployed if one.at <= context.onset]
    return Explained(change, best.probability, best.reasons, max(before, default=change.at))


def symptom_of(context: Context, onset: float) -> Symptom:
    """Return one failure mode as a change must explain it."""
    words = [*(kind.value for kind in context.main_kinds), context.mode.where if not context.in_itself else "",
             "latency slow" if context.mode.slow else "errors"]
    return Symptom(context.component, " ".join(words), onset, False, tuple(_lines(context)), tuple(_moved(context)),
                   _path(context), tuple(_notices(context)))


def _lines(context: Context) -> Iterator[Line]:
    for finding in context.evidence.of(ErrorSignatures):
        for one in finding.detail.signatures:
            yield Line(one.component, one.whole, one.count - one.usual)


def _moved(context: Context) -> Iterator[Moved]:
    """Yield how the requests moved, where all of them are counted."""
    for finding in context.evidence.of(ErrorRate):
        told = finding.detail
        if not finding.window or told.sampled or not told.usual_per_second:
            continue
        yield Moved(finding.component, "request_rate", told.usual_per_second,
                    told.requests / max(1.0, finding.window.seconds), finding.window.start)


def _path(context: Context) -> frozenset[str]:
    """Return the component, what it calls, and all that call it."""
    graph = context.service.graph
    found = {context.component, *graph.get(context.component, ())}
    callers = {context.component}
    while grown := {name for name, callees in graph.items() if callers & set(callees)} - callers:
        callers |= grown
    return frozenset(found | callers)


def _notices(context: Context) -> Iterator[Notice]:
    for finding in context.evidence.of(ServiceEvents):
        for event in finding.detail.events:
            if event.status == "open" and event.whose == "service":
                yield Notice(f"{event.service} {event.code}", event.at)
