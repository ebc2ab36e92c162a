"""What the responder decided in incidents that it handled, from their records, in the form of a backtest.

The first decision of each kind counts that decided anything: what came after a remedy was applied is another story.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from cli.backtest.course import likeliest, told
from cli.backtest.outcome import Case, Moment, Proposed, Ruling, Vote
from responder.model.facts import Opened
from responder.model.incident import IncidentRecord
from responder.model.moment import epoch, iso, seconds
from responder.model.service import Service
from responder.model.timeline import Entry
from responder.plan import remedies
from responder.plan.decisions import Confirmed, Diagnosed, Isolated, Ruled
from responder.plan.guardrails import RELEASED, rule
from responder.plan.wording import source_name

_RULINGS: Mapping[str, Ruling] = {"permitted": "run", "approval": "ask"}


class Kept(NamedTuple):
    """A record, and the configuration that it is told by."""

    record: IncidentRecord
    service: Service


def mode_of(record: IncidentRecord) -> str:
    """Return the mode in which an incident was handled; empty where its record does not say."""
    return next((fact.mode for _, fact in record.facts(Opened)), "")


def case_of(record: IncidentRecord, service: Service) -> Case:
    """Return what was decided in an incident; ``service`` is the configuration whose policy is told.

    In mode observe nothing runs, whatever the policy says: what it would say in mode auto is told instead.
    """
    incident = record.incident
    opened = seconds(incident.opened_at)
    signal = next(iter(record.signals), None)
    moment = Moment(incident.service, incident.opened_at, signal.name if signal and signal.kind != "person" else "",
                    signal.reason if signal else "")
    confirmed = list(record.facts(Confirmed))
    entry, fact = next(((one, made) for one, made in confirmed if made.answer != "inconclusive"),
                       confirmed[0] if confirmed else (None, None))
    if entry is None or fact is None:
        return Case(moment, "observed", "inconclusive", (), None, ending="its record has no decision")
    diagnosed, until = _diagnosed(record)
    found = diagnosed[1] if diagnosed else None
    named = found is not None and found.cause != "unknown"
    isolated = next((made for _, made in record.facts(Isolated)), None)
    return Case(
        moment, "observed", fact.answer, tuple(_votes(fact, entry.why)),
        round(seconds(entry.at) - opened, 1) if fact.answer != "inconclusive" else None, fact.kind,
        iso(seconds(fact.onset)) if fact.onset else "", isolated.culprits if isolated else (),
        tuple(map(told, found.parts)) if found else (), found.cause if found else "",
        found.mechanism if found else "", found.component if found else "", found.confidence if found else None,
        likeliest(found.ranking) if found and not named else "",
        round(seconds(diagnosed[0].at) - opened, 1) if diagnosed and named else None,
        diagnosed[0].why if diagnosed else "", tuple(_ruled(record, service, found, until)),
        tuple(remedies.sentence(refusal) for refusal in (found.not_proposed or ())) if found else (),
        tuple(found.missing) if found else (), _ending(record))


def _diagnosed(record: IncidentRecord) -> tuple[tuple[Entry, Diagnosed] | None, float]:
    """Return the first diagnosis that proposes anything, else the last one, and until when its rulings were made."""
    made = list(record.facts(Diagnosed))
    place = next((place for place, (_, fact) in enumerate(made) if fact.remedies), len(made) - 1)
    following = made[place + 1][0] if place + 1 < len(made) else None
    return made[place] if made else None, seconds(following.entered) if following else float("inf")


def _votes(fact: Confirmed, why: str) -> Iterator[Vote]:
    said = dict(part.partition(": ")[::2] for part in why.split("; "))
    for source, vote in sorted(fact.votes.items()):
        yield Vote(source, vote, said.get(source_name(source), ""))


def _ruled(record: IncidentRecord, service: Service, found: Diagnosed | None, until: float) -> Iterator[Proposed]:
    """Yield the first ruling on each remedy of the diagnosis."""
    seen: set[tuple[str, str]] = set()
    for entry, fact in record.facts(Ruled):
        asked = fact.proposal
        key = (asked.action, asked.component or _component(found, asked.action))
        if key in seen or seconds(entry.entered) > until:
            continue
        seen.add(key)
        ruling, why, guardrail = fact.ruling, entry.why, fact.guardrail
        if ruling == "observe" or fact.guardrail == "kill_switch":
            again = rule(replace(service, mode="auto"), asked, replace(fact.situation, kill_switch=RELEASED))
            ruling, why, guardrail = again.ruling, again.reason.removesuffix(": people are asked"), again.guardrail
        yield Proposed(*key, asked.confidence, _RULINGS.get(ruling, "refuse"), why, guardrail)


def _component(found: Diagnosed | None, action: str) -> str:
    """Return the component of a remedy by its diagnosis: older records name it there alone."""
    proposed = found.remedies if found else ()
    return next((one.partition(" of ")[2] for one in proposed if one.startswith(f"{action} of ")), "")


def _ending(record: IncidentRecord) -> str:
    incident = record.incident
    ended = epoch(incident.recovered_at) or epoch(incident.closed_at)
    return f"{incident.outcome or incident.status}" + (f", over at {iso(ended)[:19]}Z" if ended else "")


def in_mode(found: Iterable[Kept], wanted: str) -> list[Kept]:
    """Return the incidents that were handled in a mode, oldest first; ``any``: all of them."""
    return sorted((one for one in found if wanted in ("any", mode_of(one.record))),
                  key=lambda one: one.record.incident.opened_at)
