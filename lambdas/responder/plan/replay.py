"""Make the decisions of a recorded incident again, from its record alone.

The record is what ``records/record.py`` keeps: the configuration that was in force and all items of the incident. Each
decision is made by the same function as then, of what was on record then; with other weights or another policy it
shows what would have been decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from responder.model.codec import decode
from responder.model.finding import Finding, recorded
from responder.model.service import Service, build
from responder.plan.confirm import confirm
from responder.plan.decide import judge_cause
from responder.plan.guardrails import GuardrailRequest, Situation, rule
from responder.plan.isolate import isolate
from responder.plan.own import Write
from responder.plan.recovery import judge
from responder.plan.symptom import read
from responder.plan.weights import Weights, shipped


@dataclass(frozen=True)
class Decision:
    """One decision, as it was made and as it is made again."""

    at: str
    """When its state was entered, ISO 8601 in UTC."""
    step: str
    recorded: dict[str, Any]
    again: dict[str, Any]
    why: str
    """The reason that is given now."""

    @property
    def same(self) -> bool:
        """Whether it comes out as it did."""
        return self.recorded == self.again


class BadRecord(ValueError):
    """A record that cannot be read; the message names the place and what was expected."""


def service_of(record: Mapping[str, Any]) -> Service:
    """Return the configuration that a record was made under; raises BadRecord."""
    try:
        service: Service = build(Service, record["service"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadRecord(f"service: expected the configuration of a service ({type(error).__name__}: {error})"
                        ) from error
    if not isinstance(record.get("items"), list):
        raise BadRecord("items: expected a list of the incident's items")
    return service


def replay(record: Mapping[str, Any], weights: Weights | None = None,
           service: Service | None = None) -> list[Decision]:
    """Return every decision of a record, in order of time.

    ``weights`` and ``service`` take the place of those that were in force. Raises BadRecord.
    """
    service = service or service_of(record)
    items = sorted((item for item in record["items"]), key=lambda item: str(item.get("sk")))
    incident = next((item for item in items if item.get("sk") == "INCIDENT"), None)
    if incident is None:
        raise BadRecord("items: expected one whose sk is INCIDENT")
    history = _History(service, items, datetime.fromisoformat(incident["opened_at"]).timestamp(),
                       weights or shipped())
    found = []
    for item in items:
        sk = str(item["sk"])
        if sk.startswith("TIMELINE#") and item.get("kind") == "decision" and item.get("step") in _AGAIN:
            entered = sk.split("#")[1]
            recorded, again, why = _AGAIN[item["step"]](history, entered, item.get("detail") or {})
            found.append(Decision(entered, item["step"], recorded, again, why))
    return found


@dataclass
class _History:
    service: Service
    items: list[Mapping[str, Any]]
    opened_at: float
    weights: Weights

    def at(self, entered: str) -> list[Finding]:
        """The findings of one visit of a step."""
        return recorded(self.items, entered, entered)

    def until(self, entered: str) -> list[Finding]:
        """The findings of all visits so far."""
        return recorded(self.items, last=entered)

    def before(self, entered: str, step: str) -> str:
        """When a step was entered last before a moment; empty where it was not."""
        return max((str(item["sk"]).split("#")[1] for item in self.items if str(item["sk"]).startswith("TIMELINE#")
                    and item.get("step") == step and str(item["sk"]).split("#")[1] <= entered), default="")


_Outcome = tuple[dict[str, Any], dict[str, Any], str]


def _confirm(history: _History, entered: str, detail: Mapping[str, Any]) -> _Outcome:
    result = confirm(history.service, detail.get("asked", ()), history.at(entered),
                     detail.get("signal_at", history.opened_at), detail.get("well_since"))
    return ({key: detail.get(key) for key in ("answer", "kind", "votes")},
            {"answer": result.answer, "kind": result.kind, "votes": result.votes},
            "; ".join(f"{source}: {reason}" for source, reason in result.reasons.items()))


def _isolate(history: _History, entered: str, detail: Mapping[str, Any]) -> _Outcome:
    confirmed = history.at(history.before(entered, "Confirm the incident"))
    result = isolate(history.service, read(confirmed, history.service.confirm,
                                           detail.get("opened_at", history.opened_at)),
                     history.at(entered))
    return ({key: list(detail.get(key, ())) for key in ("culprits", "victims")},
            {"culprits": list(result.culprits), "victims": list(result.victims)},
            " ".join(f"{name}: {reason}" for name, reason in result.reasons.items()))


def _diagnose(history: _History, entered: str, detail: Mapping[str, Any]) -> _Outcome:
    found = judge_cause(history.service, history.until(entered), detail.get("opened_at", history.opened_at),
                        detail.get("onset"),
                        [(action, component) for action, component in detail.get("tried", ())], history.weights,
                        detail.get("looks", 1), [decode(Write, item, "own") for item in detail.get("own", ())])
    result = found.diagnosis
    again: dict[str, Any] = {
        "cause": result.cause, "mechanism": result.mechanism, "component": result.component,
        "remedies": [f"{p.action} of {p.component}" for p in found.proposed],
        "not_proposed": [asdict(refusal) for refusal in found.not_proposed],
        "attack_signs": list(found.attack_signs)}
    # A record of before these were kept is compared by what it has.
    again = {key: value for key, value in again.items() if key in detail or key not in _SINCE}
    return ({key: detail.get(key) for key in again} | {"confidence": _of(detail)},
            again | {"confidence": result.ranking[0].confidence if result.ranking else None}, result.summary)


_SINCE = frozenset({"not_proposed", "attack_signs"})


def _of(detail: Mapping[str, Any]) -> Any:
    ranking: Sequence[Mapping[str, Any]] = detail.get("ranking") or ()
    return ranking[0]["confidence"] if ranking else None


def _guard(history: _History, entered: str, detail: Mapping[str, Any]) -> _Outcome:
    request = decode(GuardrailRequest, detail["proposal"], "proposal")
    decision = rule(history.service, request, decode(Situation, detail["situation"], "situation"))
    named = {"action": request.action, "target": request.target}
    return (named | {key: detail.get(key) for key in ("ruling", "guardrail")},
            named | {"ruling": decision.ruling, "guardrail": decision.guardrail}, decision.reason)


def _monitor(history: _History, entered: str, detail: Mapping[str, Any]) -> _Outcome:
    progress = judge(history.service, history.at(entered), detail["now"], detail["since"], detail["give_up_seconds"],
                     detail.get("changed", False), detail.get("slow_until"))
    return {"answer": detail.get("answer")}, {"answer": progress.answer}, progress.reason


_AGAIN = {"Confirm the incident": _confirm, "Isolate the issue": _isolate, "Diagnose the root cause": _diagnose,
          "Check the guardrails": _guard, "Monitor the recovery": _monitor}
