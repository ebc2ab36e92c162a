"""What set an incident off: the change that the diagnosis has among its evidence, with its time and its maker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from responder.model.change import ABSENT, Change
from responder.model.evidence import Evidence
from responder.model.evidence.changes import Changes
from responder.model.evidence.rollouts import Rollouts
from responder.model.evidence.trail import Trail
from responder.model.images import version_of
from responder.model.incident import Cause, Hypothesis, Incident
from responder.model.moment import epoch, iso
from responder.plan.review.contents import Trigger
from responder.plan.times import just_before, may_have_caused

_CHANGE = re.compile(r" changed \(| was (created|deleted|changed)\b| got \S+:|^CloudTrail: ")
"""How the signals of changes speak (``plan/signals``: ``changes``, ``versions``, ``trail``)."""


def evidence_for(incident: Incident, cause: Cause) -> tuple[str, ...]:
    """Return the sentences that speak for a cause, as the diagnosis kept them."""
    return next((hypothesis.evidence_for for hypothesis in incident.ranking
                 if _is_of(hypothesis, cause)), ()) or ((cause.summary,) if cause.summary else ())


def _is_of(hypothesis: Hypothesis, cause: Cause) -> bool:
    return (hypothesis.cause, hypothesis.mechanism, hypothesis.component) == (
        cause.id, cause.mechanism, cause.component)


def trigger(incident: Incident, evidence: Evidence, shown: tuple[str, ...] = ()) -> Trigger | None:
    """Return the change that set it off; None where the diagnosis names none.

    ``shown`` are the keys whose values people may be shown (``Service.shown_keys``).
    """
    cause, onset = incident.cause, epoch(incident.onset)
    if cause is None or cause.id in ("unknown", "none"):
        return None
    said = " ; ".join(evidence_for(incident, cause))
    if not said:
        return None
    return next(chain(_releases(cause, onset, evidence, said), _changes(onset, evidence, said, shown),
                      _calls(onset, evidence, said), _told(evidence_for(incident, cause))), None)


def _told(sentences: Iterable[str]) -> Iterator[Trigger]:
    """The diagnosis' own sentence of a change, where what it was made from is not on record."""
    for sentence in sentences:
        if _CHANGE.search(sentence):
            yield Trigger(sentence, sentence, None, "", "", "")


def _releases(cause: Cause, onset: float | None, evidence: Evidence, said: str) -> Iterable[Trigger]:
    """The newest revision with another image than the one before, where the evidence names that image."""
    found = []
    for finding in evidence.looks(Rollouts, cause.component):
        for new, old in zip(finding.detail.revisions, finding.detail.revisions[1:], strict=False):
            if new.images and new.images != old.images and f"{cause.component} got {', '.join(new.images)}" in said \
                    and _near(onset, new.created):
                was, version = (version_of(old.images[0]) if old.images else ""), version_of(new.images[0])
                instead = f" in place of {was}" if was else ""
                what = f"{cause.component} {version} went out{instead}"
                found.append(Trigger(what, what, iso(new.created), "", cause.component, version))
    return found[:1]


def _near(onset: float | None, at: float) -> bool:
    """Whether it was about the onset: just before it, or amid the incident, as the evidence says."""
    return onset is None or may_have_caused(onset, at) or at > onset


def _changes(onset: float | None, evidence: Evidence, said: str, shown: tuple[str, ...]) -> Iterator[Trigger]:
    for finding in evidence.looks(Changes):
        for change in finding.detail.changes:
            named = f"{change.kind} {change.name} "
            if just_before(change, onset) and (f"{named}changed" in said or f"{named}was {change.what}" in said):
                by = f"with {change.by}" if change.by not in ("", "unknown") else ""
                yield Trigger(f"{named}was {change.what}", change.sentence(shown), iso(change.latest), by,
                              named.strip(), _version(change))


def _version(change: Change) -> str:
    """Return the tag of the image that a change brought; empty where it brought none."""
    return next((version_of(str(field.after)) for field in change.fields
                 if field.path[-1:] == ("image",) and field.after is not ABSENT), "")


def _calls(onset: float | None, evidence: Evidence, said: str) -> Iterator[Trigger]:
    for finding in evidence.looks(Trail):
        for event in finding.detail.events:
            if onset is not None and may_have_caused(onset, event.at) and f"CloudTrail: {event.name} " in said:
                where = f" on {', '.join(event.resources)}" if event.resources else ""
                what = f"{event.name} was called{where}"
                yield Trigger(what, what, iso(event.at), f"by {event.by}" if event.by else "", "", "")
