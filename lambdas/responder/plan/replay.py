"""Make the decisions of a recorded incident again, from its record alone.

The record is what ``records/record.py`` keeps: the configuration that was in force and all items of the incident. Each
decision is made by the same function as then, of what was on record then; with other weights or another policy it
shows what would have been decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from responder.model.codec import Json, Malformed, decode, encode
from responder.model.evidence import Evidence
from responder.model.facts import Fact
from responder.model.frozen import dataclass
from responder.model.incident import Entry, IncidentRecord
from responder.model.moment import seconds
from responder.model.service import Service, recorded_service
from responder.plan.confirm import confirm
from responder.plan.decide import DiagnosisInput, judge_cause
from responder.plan.decisions import Confirmed, Diagnosed, Isolated, Ruled, Watched
from responder.plan.guardrails import rule
from responder.plan.isolate import isolate
from responder.plan.recovery import judge
from responder.plan.symptom import verdicts
from responder.plan.weights import Weights, shipped


@dataclass(frozen=True)
class Decision:
    """One decision, as it was made and as it is made again."""

    at: str
    """When its state was entered, ISO 8601 in UTC."""
    step: str
    """The step's title."""
    id: str
    """The step's id; see ``plan/decisions.py``."""
    recorded: dict[str, Json]
    again: dict[str, Json]
    why: str
    """The reason that is given now."""

    @property
    def same(self) -> bool:
        """Whether it comes out as it did."""
        return self.recorded == self.again


class BadRecord(ValueError):
    """A record that cannot be read; the message names the place and what was expected."""


@dataclass(frozen=True)
class _File:
    """What a record file holds; see ``records/record.py``."""

    service: Json = None
    items: tuple[Json, ...] | None = None
    schema: int = 0


def service_of(record: Mapping[str, Json]) -> Service:
    """Return the configuration that a record was made under; raises BadRecord."""
    file = _file(record)
    try:
        if file.service is None:
            raise KeyError("service")
        service = recorded_service(file.service)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadRecord(f"service: expected the configuration of a service ({type(error).__name__}: {error})"
                        ) from error
    if file.items is None:
        raise BadRecord("items: expected a list of the incident's items")
    return service


def _file(record: Mapping[str, Json]) -> _File:
    try:
        return decode(_File, record)
    except Malformed as error:
        raise BadRecord(str(error)) from error


def replay(record: Mapping[str, Json], weights: Weights | None = None,
           service: Service | None = None) -> list[Decision]:
    """Return every decision of a record, in order of time.

    ``weights`` and ``service`` take the place of those that were in force. Raises BadRecord.
    """
    service = service or service_of(record)
    file = _file(record)
    try:
        incident = IncidentRecord.of(file.items or ())
        history = _History(service, incident, seconds(incident.incident.opened_at), weights or shipped())
        return [decision for entry in incident.timeline for decision in [_again(history, entry)] if decision]
    except Malformed as error:
        raise BadRecord(str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # A file from elsewhere may hold anything; what was written here is held by tests/records.
        raise BadRecord(f"items: expected what the responder keeps ({type(error).__name__}: {str(error)[:200]})"
                        ) from error


@dataclass(frozen=True)
class _History:
    service: Service
    record: IncidentRecord
    opened_at: float
    weights: Weights

    def before(self, entered: str, fact: type[Fact]) -> Evidence:
        """The findings of the last step that ran before a moment in which a decision was made, if there was one."""
        runs = [entry.entered for entry, _ in self.record.facts(fact) if entry.entered <= entered]
        return self.record.at(runs[-1]) if runs else Evidence()


@dataclass(frozen=True)
class _Outcome:
    """What is compared: fields by their names, as they were and as they are now."""

    recorded: dict[str, Json]
    again: dict[str, Json]
    why: str


def _again(history: _History, entry: Entry) -> Decision | None:
    """Make a decision again; None for an entry that is no decision."""
    for fact, judged in _JUDGED:
        stated = entry.stated(fact)
        if stated is not None:
            outcome = judged(history, entry.entered, stated)
            return Decision(entry.entered, entry.step, fact.NAME, encode(outcome.recorded), encode(outcome.again),
                            outcome.why)
    return None


def _confirm(history: _History, entered: str, made: Confirmed) -> _Outcome:
    result = confirm(history.service, made.asked, history.record.at(entered),
                     history.opened_at if made.signal_at is None else made.signal_at, made.well_since)
    return _Outcome({"answer": made.answer, "kind": made.kind, "votes": made.votes},
                    {"answer": result.answer, "kind": result.kind, "votes": result.votes},
                    "; ".join(f"{source}: {reason}" for source, reason in result.reasons.items()))


def _isolate(history: _History, entered: str, made: Isolated) -> _Outcome:
    confirmed = history.before(entered, Confirmed)
    result = isolate(history.service, verdicts(history.service, confirmed, _or(made.opened_at, history)),
                     history.record.at(entered))
    return _Outcome({"culprits": made.culprits, "victims": made.victims},
                    {"culprits": result.faulty, "victims": result.impacted},
                    " ".join(f"{name}: {reason}" for name, reason in result.reasons.items()))


def _diagnose(history: _History, entered: str, made: Diagnosed) -> _Outcome:
    found = judge_cause(history.service, history.record.evidence(last=entered), DiagnosisInput(
        _or(made.opened_at, history), made.onset, made.tried, made.looks, made.own, made.helped), history.weights)
    result = found.diagnosis
    before: dict[str, Json] = {
        "cause": made.cause, "mechanism": made.mechanism, "component": made.component, "remedies": made.remedies,
        "not_proposed": made.not_proposed, "attack_signs": made.attack_signs, "object": made.object,
        "confidence": made.confidence}
    again: dict[str, Json] = {
        "cause": result.cause, "mechanism": result.mechanism, "component": result.component,
        "remedies": [f"{p.action} of {p.component}" for p in found.proposed], "not_proposed": found.not_proposed,
        "attack_signs": found.attack_signs, "object": found.object,
        "confidence": result.ranking[0].confidence if result.ranking else None}
    # A record from before something was kept is compared by what it has.
    absent = {name for name, value in before.items() if value is None and name != "confidence"}
    return _Outcome({name: value for name, value in before.items() if name not in absent},
                    {name: value for name, value in again.items() if name not in absent}, result.summary)


def _or(opened_at: float | None, history: _History) -> float:
    return history.opened_at if opened_at is None else opened_at


def _guard(history: _History, entered: str, made: Ruled) -> _Outcome:
    decision = rule(history.service, made.proposal, made.situation)
    named = {"action": made.proposal.action, "target": made.proposal.target}
    return _Outcome(named | {"ruling": made.ruling, "guardrail": made.guardrail},
                    named | {"ruling": decision.ruling, "guardrail": decision.guardrail}, decision.reason)


def _monitor(history: _History, entered: str, made: Watched) -> _Outcome:
    progress = judge(history.service, history.record.at(entered), made.now, made.since, made.give_up_seconds,
                     made.changed, made.slow_until, made.declines)
    return _Outcome({"answer": made.answer}, {"answer": progress.answer}, progress.reason)


_Judged = tuple[type[Fact], Callable[[_History, str, Any], _Outcome]]
_JUDGED: tuple[_Judged, ...] = ((Confirmed, _confirm), (Isolated, _isolate), (Diagnosed, _diagnose), (Ruled, _guard),
                                (Watched, _monitor))
