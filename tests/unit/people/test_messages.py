"""What the team is told stands on the record as it was at that moment: in all recorded incidents and in random ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.incident import Cause, Hypothesis, Incident, IncidentRecord, Outcome, Refusal, Remedy, RemedyStatus
from responder.model.incident import SymptomKind as Kind
from responder.model.service import Mode, Person, Service
from responder.plan import messages
from responder.plan.messages import Said
from responder.plan.needs import current, needs
from responder.plan.updates import called, update
from tests.conftest import shipped_service
from tests.moments import RECORDS, moments, recorded

SLOPPY = re.compile(r"\bNone\b|[^\n] {2,}[^\n]|\.\.|: :|::|,,|\( *\)|(?<!What was found): *$|^[:;,.]|RemedyStatus",
                    re.MULTILINE)
"""What no sentence has: a missing value, a doubled blank or full stop, an empty name."""
AT_WORK = (RemedyStatus.APPLIED, RemedyStatus.VERIFIED, RemedyStatus.APPLYING)


def told(service: Service, record: IncidentRecord) -> Iterator[Said]:
    """Yield every message that could be sent at a moment."""
    incident = record.incident
    yield messages.page(service, record)
    now = update(service, record)
    yield Said(now.what, now.text(), now.code)
    persons = called(service, incident.cause.id if incident.cause else "", incident.affected)
    if persons:
        yield messages.call(service, record, persons)
    if incident.outcome in ("escalated", "observed") and incident.status != "closed":
        yield messages.escalation(service, record, "no automatic step is left")
        task = messages.hotfix(service, record)
        if task:
            yield task
    if incident.status == "closed":
        yield messages.over(service, record)
    yield messages.left(service, record, "its reason is not gone")


def check(service: Service, record: IncidentRecord) -> None:
    """Hold each sentence of each message to the record."""
    incident = record.incident
    for said in told(service, record):
        whole = f"{said.subject}\n{said.text}"
        found = SLOPPY.search(re.sub(r"^The team:\n(  .*\n?)*", "", whole, flags=re.MULTILINE))
        assert found is None, (found, whole)
        assert said.subject == " ".join(said.subject.split()) != ""
        facts(service, record, whole)
    who = update(service, record).who
    assert who
    if service.mode != "auto" or incident.outcome in ("escalated", "observed") or "ask" in "".join(needs(record)):
        assert "nobody" not in who
    if incident.outcome in ("escalated", "observed") and not incident.recovery_verified_at:
        assert re.search("take over|must fix it|has the task|look whether", who)


def facts(service: Service, record: IncidentRecord, whole: str) -> None:
    """Hold the words that promise or claim something to the facts that they need."""
    incident = record.incident
    verified = [remedy for remedy in current(record) if remedy.status is RemedyStatus.VERIFIED]
    if re.search(r"the symptom is gone|well again", whole):
        assert incident.recovery_verified_at
    if re.search(r"it helped:|What helped:", whole):
        assert verified or incident.status == "closed"
        assert any(remedy.status is RemedyStatus.VERIFIED for remedy in record.remedies)
    if "It is not over" in whole:
        assert not incident.recovery_verified_at
    if "Impact: " in whole:
        assert incident.confirmed and not incident.recovery_verified_at
    if re.search(r"^Cause: (?!not known)", whole, re.MULTILINE):
        assert incident.cause and incident.cause.id not in ("none", "unknown")
    if "Still in place, and taken back" in whole:
        assert any(remedy.temporary and remedy.status in (*AT_WORK, RemedyStatus.FAILED) for remedy in record.remedies)
    if "not repeated" in whole:
        assert incident.reopenings
    if "approve or reject it" in whole:
        assert any(remedy.status is RemedyStatus.WAITING for remedy in record.remedies)
    if "false alarm" in whole.lower():
        assert incident.outcome == "false_alarm"
    if "commands are below" in whole:
        assert any(remedy.by_hand or remedy.undo for remedy in record.remedies)
    assert "for the time being" not in whole and "by itself." not in re.sub("more by itself", "", whole)
    assert service.mode != "observe" or "nobody" not in whole


@pytest.mark.parametrize("path", RECORDS, ids=[path.stem.partition(".")[0] for path in RECORDS])
def test_each_message_of_a_recorded_incident_stands_on_the_record_of_its_moment(path: Path) -> None:
    service, record = recorded(path)
    for _, then in moments(record):
        check(service, then)


TIMES = [f"2026-11-25T03:{minute:02d}:00.000Z" for minute in range(20)]
NAMES = ("payment-gateway", "backend", "frontend")
STAMPS = st.none() | st.sampled_from(TIMES)
CAUSES = ("code_bug", "database_connection", "overload", "cluster_failure", "network", "provider_outage", "unknown",
          "none")
TEXTS = st.sampled_from(["", "the kill switch is engaged", "it failed.", "rejected by Ada"])


REFUSAL = Refusal("rollback", "backend", "code_bug", "bad_release", "it is off")


@st.composite
def remedies(draw: Any) -> tuple[Remedy, ...]:
    """Draw an incident's remedies, of which any may have any status."""
    made = []
    for number in range(1, draw(st.integers(0, 3)) + 1):
        status = draw(st.sampled_from(list(RemedyStatus)))
        action = draw(st.sampled_from(["rollback", "restart_pods", "scale_up", "engage_network_team",
                                       "inform_customers"]))
        audience = {"engage_network_team": "network_team", "inform_customers": "customers"}.get(action, "")
        made.append(Remedy(
            number, action, status, component=draw(st.sampled_from(NAMES)),
            summary=draw(st.sampled_from(["", "do it"])), deed=draw(st.sampled_from(["", "Do it."])),
            by_hand=draw(st.sampled_from(["", "kubectl x", "a\nb\n"])), diff=draw(st.sampled_from(["", "- a\n+ b"])),
            audience=audience, reason=draw(TEXTS),
            decided_by=draw(st.sampled_from(["", "policy", "Ada"])), told_by=draw(st.sampled_from(["", "sns, slack"])),
            temporary=draw(st.booleans()), kept=draw(st.booleans()), planned_at=draw(STAMPS), applied_at=draw(STAMPS)))
    return tuple(made)


@st.composite
def records(draw: Any) -> IncidentRecord:
    """Draw an incident in any state, without what the responder never writes (a recovery of an escalated one)."""
    outcome = draw(st.none() | st.sampled_from(get_args(Outcome)))
    verified = draw(STAMPS) if outcome in (None, "resolved") else None
    cause = draw(st.none() | st.builds(Cause, st.sampled_from(CAUSES), st.sampled_from(["", "bad_release", "gone"]),
                                       st.sampled_from(["", *NAMES]), st.floats(0, 1), TEXTS))
    ranked = draw(st.lists(st.builds(
        Hypothesis, st.sampled_from(CAUSES), st.just("bad_release"), st.sampled_from(NAMES), st.just(""),
        st.floats(0, 1), st.just(0.0), st.just(("it began with 1.1.0",)), st.just(()), st.just(())), max_size=2))
    return IncidentRecord(Incident(
        "i-1", "payment-gateway", draw(st.sampled_from(TIMES)), status=draw(st.sampled_from(
            ["open", "waiting for people", "closed"])), outcome=outcome, confirmed=draw(st.none() | st.booleans()),
        kind=draw(st.sampled_from(get_args(Kind))), onset=draw(STAMPS), isolated_at=draw(STAMPS),
        diagnosed_at=draw(STAMPS), recovery_verified_at=verified, recovered_at=draw(STAMPS) if verified else None,
        reopened_at=tuple(draw(st.lists(st.sampled_from(TIMES), max_size=2))),
        affected=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))),
        suffering=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))), cause=cause,
        ranking=tuple(ranked), missing=tuple(draw(st.lists(st.just("RDS: throttled"), max_size=1))),
        not_proposed=tuple(draw(st.lists(st.just(REFUSAL), max_size=1)))), remedies=draw(remedies()))


TEAMS: Sequence[tuple[Person, ...]] = (
    (), (Person("Ada", "sre"), Person("Bo", "developer"), Person("Net", "network")))


@given(records(), st.sampled_from(get_args(Mode)), st.sampled_from(TEAMS))
def test_each_message_of_any_incident_stands_on_its_record(record: IncidentRecord, mode: Mode,
                                                           team: tuple[Person, ...]) -> None:
    check(replace(shipped_service(), mode=mode, team=team), record)
