"""No sentence of a postmortem contradicts the record or another sentence: over all records, and over random incidents.

Each check looks at the record's own structure, and not at what the report was made from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.diagnosis import recorded_drill, recorded_names
from responder.model.evidence import Finding
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import Cause, Entry, Hypothesis, Incident, IncidentRecord, Looked, Signal
from responder.model.moment import iso, seconds
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service, recorded_service
from responder.plan.decisions import Confirmed, Watched
from responder.plan.review import Review, review
from responder.plan.wording import brief, clock
from responder.records.report import render
from scripts.examples import shipped
from tests.unit.report.test_review import SERIES

TELLING = ("engage_network_team", "inform_customers", "inform_provider")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_TIME = re.compile(r"\b\d\d:\d\d:\d\d\b(?! [A-Z]{3,4}\))")
_SECONDS = re.compile(r"(?<![\d.])1[78]\d{8}(?:\.\d+)?(?![\d.])")
_CHANGES = (" changed (", " was created", " was deleted", " was changed", " got ", "CloudTrail: ")


@cache
def recorded(name: str) -> tuple[IncidentRecord, Service]:
    """A recorded incident, with its service as it would be configured today."""
    record = recorded_drill(name)[2]
    return IncidentRecord.of(record["items"]), replace(recorded_service(record["service"]), reports=shipped().reports)


def said(contents: Review) -> str:
    """All sentences that sum the incident up."""
    return "\n".join((contents.headline, contents.over, *contents.summary, contents.resolution, *contents.went_well,
                      *contents.went_badly, *(one.answer for one in contents.measures),
                      *(item.what for item in contents.left), *(fact for one in contents.told for fact in one.facts)))


def contradictions(record: IncidentRecord, contents: Review) -> Iterator[str]:
    """Yield what the report says and the record does not bear out."""
    text, incident = said(contents), record.incident
    yield from _of_the_end(record, contents, text)
    yield from _of_the_remedies(record, text)
    yield from _of_people(record, text)
    evidence = [sentence for hypothesis in incident.ranking[:1] for sentence in hypothesis.evidence_for]
    if "names no change" in text and any(mark in sentence for sentence in evidence for mark in _CHANGES):
        yield "a change is among the evidence"
    if ("names no change" in text or "No change" in text) and incident.cause and incident.cause.id == "code_bug":
        yield "the cause is a change"
    if "Load was not the cause" in text and incident.cause and incident.cause.mechanism == "more_traffic":
        yield "load is the cause"
    if "No cause was found" in text and incident.cause and incident.cause.id not in ("unknown", "none"):
        yield "a cause was found"
    # The measured onset and end are held to what really happened by test_impact.py.
    measured = (contents.impact.onset, contents.impact.ended, contents.impact.measured_until)
    known = {*moments(record), *(clock(moment) for moment in measured if moment)}
    yield from (f"{time} is no time of the record" for time in _TIME.findall(text) if time not in known)


def _of_the_end(record: IncidentRecord, contents: Review, text: str) -> Iterator[str]:
    incident, over = record.incident, record.incident.outcome == "resolved"
    for claim in ("It is over", "Over since"):
        if (claim in text) is not over:
            yield f"{claim!r}, and the outcome is {incident.outcome}"
    if not over and re.search(r" for \d[\w ]* (s|min|h)$", contents.headline):
        yield "the title says for how long, and it is not over"
    if ("; not over" in contents.headline) and incident.outcome not in ("escalated", "observed"):
        yield f"the title says that it is not over, and the outcome is {incident.outcome}"
    if "Not resolved" in text and over:
        yield "not resolved, and resolved"
    confirmed = outbreaks(record)
    for claim in (" came back ", "It came back"):
        if (claim in text) is not (confirmed > 1):
            yield f"{claim!r}, and it was confirmed {confirmed} times after it had been well"
    if "could not end it" in text and over:
        yield "it could not end what is over"
    if incident.outcome == "false_alarm" and contents.left:
        yield "a false alarm leaves something to do"


def outbreaks(record: IncidentRecord) -> int:
    """How often the symptom was confirmed anew: first, and each time after it had been found gone."""
    found, well = 0, True
    for entry in record.timeline:
        judged, watched = entry.stated(Confirmed), entry.stated(Watched)
        if judged and judged.answer == "confirmed" and well:
            found, well = found + 1, False
        if watched and watched.answer == "recovered":
            well = True
    return found


def _of_the_remedies(record: IncidentRecord, text: str) -> Iterator[str]:
    changing = [remedy for remedy in record.remedies if remedy.action not in TELLING]
    applied = [remedy for remedy in changing if remedy.applied_at]
    if "Nothing was changed" in text and applied:
        yield "something was applied"
    if "It passed by itself" in text and any(remedy.status is RemedyStatus.VERIFIED for remedy in applied):
        yield "a remedy helped"
    if "The first remedy that was tried helped" in text and any(
            remedy.status in (RemedyStatus.FAILED, RemedyStatus.REVERTED) for remedy in changing):
        yield "a remedy did not help"
    if "was not tried twice" in text and max(Counter(remedy.action for remedy in applied).values(), default=0) > 1:
        yield "it was tried twice"
    helped = [remedy for remedy in record.remedies if remedy.status is RemedyStatus.VERIFIED]
    if "proves no automatic way" in text and helped:
        yield "an automatic way was proven"
    if "way of recovery worked:" in text and (not helped or record.incident.outcome != "resolved"):
        yield "no automatic way was proven for good"
    if "The other provider was up" in text and "switch_provider" not in {remedy.action for remedy in helped}:
        yield "nobody saw the other provider up"


def _of_people(record: IncidentRecord, text: str) -> Iterator[str]:
    asked = any(entry.kind == "approval" for entry in record.timeline)
    if "No decision by people was needed" in text and (asked or record.incident.escalated_at):
        yield "people were asked"
    if "people have it since" in text and record.incident.outcome not in ("escalated", "observed"):
        yield "people do not have it"
    if "approved by" in text and not any(remedy.decided_by not in ("", "policy") for remedy in record.remedies):
        yield "nobody approved anything"


def moments(record: IncidentRecord) -> Iterator[str]:
    """All times of day that the record has, also those of changes in its evidence."""
    for item in (record.incident, *record.remedies):
        yield from (clock(value) for value in vars(item).values()
                    if isinstance(value, str) and _MOMENT.fullmatch(value))
    for entry in record.timeline:
        yield clock(entry.at)
        judged = entry.stated(Confirmed)
        if judged and judged.onset:
            yield clock(judged.onset)
    yield from (clock(signal.at) for signal in record.signals)
    for finding in record.evidence().every:
        yield from (clock(float(number)) for number in _SECONDS.findall(str(finding.detail)))


# --- recorded incidents -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(recorded_names()))
def test_a_recorded_incident_is_told_without_contradiction(name: str) -> None:
    record, service = recorded(name)
    contents = review(record, service=service)
    assert list(contradictions(record, contents)) == []
    assert record.incident.outcome == "false_alarm" or len(contents.summary) == 3
    assert all(sentence[-1] == "." and ".." not in sentence for sentence in contents.summary)


def test_titles_tell_incidents_apart() -> None:
    titles = Counter(review(record, service=service).headline for record, service in map(recorded, recorded_names())
                     if record.incident.outcome != "false_alarm")
    assert sum(count for count in titles.values() if count > 2) <= 0.1 * titles.total()


@pytest.mark.parametrize("name", ["release-relapses", "two-nodes-silent", "approval-unanswered", "provider-outage",
                                  "two-causes-stuck-backend-and-provider"])
def test_no_deed_is_told_more_than_twice_above_what_follows_from_it(name: str) -> None:
    record, service = recorded(name)
    page = render(review(record, service=service))["md"].partition("## Improvement")[0]
    for remedy in record.remedies:
        told = brief(remedy.summary).partition(" ")[2]
        if remedy.action in TELLING:
            continue  # Few words, which stand for other things as well.
        assert page.count(told) <= 2, (told, page)


# --- random incidents -------------------------------------------------------------------------------------------------


T0 = 1_800_000_060.0
CAUSES = (None, Cause("unknown"), Cause("code_bug", "bad_release", "payment-gateway", 0.97, "it fails"),
          Cause("overload", "more_traffic", "frontend", 0.9, "there is more"),
          Cause("network", "path_below", "payment-gateway", 0.9, "CloudTrail: RevokeSecurityGroupIngress 1 s before"))
ACTIONS = ("rollback", "scale_up", "switch_provider", "engage_network_team")


def entry(at: float, step: str, kind: str, fact: Any = None, detail: dict[str, Any] | None = None) -> Entry:
    return Entry(iso(at), 0, iso(at), step, step, kind=kind,  # type: ignore[arg-type]  # a kind of the record, as text
                 fact=fact or "", detail=detail or {})


@st.composite
def stretch(draw: st.DrawFn, number: int) -> tuple[tuple[Entry, ...], tuple[Remedy, ...], str]:
    """An opening: its entries, its remedies, and how it ended."""
    at = T0 + 1000.0 * number
    found = [entry(at, "Open the incident", "step", "opened", {"mode": "auto", "signal_at": iso(at)})]
    ending = draw(st.sampled_from(("resolved", "escalated", "false_alarm")))
    answer = "false_alarm" if ending == "false_alarm" else "confirmed"
    found.append(entry(at + 2, "Confirm the incident", "decision", "confirm", {
        "answer": answer, "kind": "high_error_rate", "votes": {"cloudwatch": "outage", "newrelic": "outage"},
        "onset": iso(at - 10) if answer == "confirmed" else None}))
    remedies = []
    if answer == "confirmed":
        for place, action in enumerate(draw(st.lists(st.sampled_from(ACTIONS), max_size=2, unique=True))):
            status = draw(st.sampled_from((RemedyStatus.FAILED, RemedyStatus.REFUSED, RemedyStatus.REJECTED)))
            if ending == "resolved" and place == 0:
                status = RemedyStatus.VERIFIED
            status = RemedyStatus.DONE if action in TELLING else status
            done = status not in (RemedyStatus.REFUSED, RemedyStatus.REJECTED)
            remedies.append(Remedy(
                number * 10 + place + 1, action, status, "payment-gateway", "code_bug", "bad_release",
                target="deployment/x", summary=f"roll x back {number}{place}", reason="because",
                decided_by="policy", applied_at=iso(at + 10 + place) if done else None,
                verified_at=iso(at + 60) if status is RemedyStatus.VERIFIED else None))
        if ending == "resolved":
            found.append(entry(at + 60, "Monitor the recovery", "decision", "monitor", {
                "answer": "recovered", "now": at + 60, "since": at + 10, "give_up_seconds": 60.0}))
        else:
            found.append(entry(at + 60, "Escalate", "outcome"))
    found.append(entry(at + 70, "Stand down", "outcome"))
    return tuple(found), tuple(remedies), ending


@st.composite
def incidents(draw: st.DrawFn) -> IncidentRecord:
    """An incident of one to three openings, as the state machine could have left it."""
    stretches = [draw(stretch(number)) for number in range(draw(st.integers(1, 3)))]
    endings = [ending for _, _, ending in stretches]
    real = [ending for ending in endings if ending != "false_alarm"]
    outcome = real[-1] if real else "false_alarm"
    last = max((number for number, ending in enumerate(endings) if ending == outcome), default=0)
    at = T0 + 1000.0 * last
    cause = draw(st.sampled_from(CAUSES)) if real else Cause("none")
    incident = Incident(
        "i", "payment-gateway", iso(T0), status="closed" if outcome != "escalated" else "waiting for people",
        outcome=outcome, confirmed=bool(real),  # type: ignore[arg-type]  # hypothesis draws one of the outcomes
        kind="high_error_rate" if real else "",
        onset=iso(T0 + 1000.0 * endings.index(real[0]) - 10) if real else None,
        diagnosed_at=iso(at + 5) if cause else None, cause=cause, affected=("payment-gateway",) if real else (),
        recovered_at=iso(at + 50) if outcome == "resolved" else None,
        recovery_verified_at=iso(at + 60) if outcome == "resolved" else None,
        escalated_at=iso(at + 60) if "escalated" in endings else None, closed_at=iso(at + 70),
        reopened_at=tuple(iso(T0 + 1000.0 * number) for number in range(1, len(stretches))),
        ranking=(Hypothesis(cause.id, cause.mechanism, cause.component, "", cause.confidence, 0.0, (cause.summary,),
                            (), ("a", "b")),) if cause else ())
    return IncidentRecord(
        incident, tuple(Signal(iso(T0 + 1000.0 * number), "alarm", f"alarm {number}") for number in range(
            len(stretches))),
        (Looked(iso(T0), "a source", "Confirm the incident", "", (
            Finding(source="cloudwatch", component="frontend", detail=ErrorRate(series=SERIES)),)),),
        tuple(one for entries, _, _ in stretches for one in entries),
        tuple(remedy for _, remedies, _ in stretches for remedy in remedies))


@settings(max_examples=150)
@given(incidents())
def test_a_random_incident_is_told_without_contradiction(record: IncidentRecord) -> None:
    contents = review(record, service=shipped())
    assert list(contradictions(record, contents)) == [], said(contents)


@settings(max_examples=30)
@given(incidents())
def test_the_openings_are_one_story_from_the_first_alarm_to_the_end(record: IncidentRecord) -> None:
    openings = review(record, service=shipped()).openings
    assert len(openings) == 1 + len(record.incident.reopened_at)
    starts = [seconds(opening.opened_at) for opening in openings]
    assert starts == sorted(starts)
    applied = [number for opening in openings for number in opening.applied]
    assert sorted(applied) == sorted(remedy.number for remedy in record.remedies if remedy.applied_at)
    for opening in openings:
        assert all(phase.seconds is None or phase.seconds <= 100.0 for phase in opening.phases)
