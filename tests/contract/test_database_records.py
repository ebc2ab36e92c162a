"""Recorded incidents of the database, were it another one: what RDS says is taken from that world, the rest stays.

The wordings of PostgreSQL in logs and spans become MySQL's where the world is one of MySQL.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from responder.model.evidence import Detail, Evidence, Finding
from responder.model.evidence.events import DatabaseEvents
from responder.model.incident import IncidentRecord
from responder.model.moment import seconds
from responder.plan.decide import DiagnosisInput, judge_cause
from responder.plan.decisions import Diagnosed
from responder.plan.replay import service_of
from responder.plan.weights import shipped
from responder.records.record import unpack
from sandbox.platform.database import CLUSTER
from sandbox.platform.engines import ENGINES
from tests.contract.test_database_worlds import WORLDS, Place, place

__all__ = ["place"]  # a fixture
pytestmark = pytest.mark.usefixtures("changes_pass")
RECORDS = Path(__file__).resolve().parents[1] / "records"
PODS = {"leaking": "ledger-export", **{f"pod-{number}": "payment-gateway" for number in range(4)}}
_SINCE_SECONDS = 20.0
CASES = (("db-failover", "failing_over", "failing_over", ("wait",)),
         ("deaf-database-amid-noise", "refuses_connections", "refuses_connections", ("restore_database",)),
         ("db-connections-exhausted", "connections_exhausted", "connections_exhausted", ("restore_database",)),
         ("settlement-holds-the-locks", "slow", "slow_database", ("restore_database",)),
         ("db-credentials-rotated", "rejects_credentials", "rejected_credentials", ("restore_database",)))


def in_words_of(text: str, engine: str) -> str:
    """A record in the words of another engine."""
    for what, words in ENGINES["postgres"].words.items():
        before, after = (json.dumps(said.format(host="payments-db", user="payments"))[1:-1]
                         for said in (words, ENGINES[engine].words[what]))
        text = text.replace(before, after)
    return text


def told(world: Place, fault: str, end: float) -> Iterator[Finding[Detail]]:
    """What RDS says some seconds after a fault began, moved to when the record's sources were asked."""
    now = time.time()
    world.history.note(now - 300)
    world.database.set_fault(fault, now - _SINCE_SECONDS, frozenset({"leaking"}))
    world.database.step(now - _SINCE_SECONDS + 1, PODS)
    world.history.note(now - _SINCE_SECONDS + 1)
    for finding in world.collect():
        assert finding.window is not None
        moved = replace(finding, window=replace(finding.window, start=finding.window.start + end - now,
                                                end=finding.window.end + end - now))
        if isinstance(finding.detail, DatabaseEvents):
            moved = replace(moved, detail=DatabaseEvents(tuple(
                replace(event, at=event.at + end - now) for event in finding.detail.events)))
        yield moved


@pytest.mark.parametrize("place", WORLDS, indirect=True)
@pytest.mark.parametrize(("record", "fault", "mechanism", "remedies"), CASES)
def test_the_cause_and_the_remedy_are_the_same_in_every_world(
        place: Place, record: str, fault: str, mechanism: str, remedies: tuple[str, ...]) -> None:
    text = json.dumps(unpack((RECORDS / f"{record}.json.gz").read_bytes()))
    content: dict[str, Any] = json.loads(in_words_of(text, place.database.engine))
    recorded = service_of(content)
    place.configured(recorded, cluster=CLUSTER, users=("payments",))
    incident = IncidentRecord.of(content["items"])
    entry, made = next(incident.facts(Diagnosed))
    evidence = incident.evidence(last=entry.entered)
    end = max(finding.window.end for finding in evidence.every if finding.source == "rds" and finding.window)
    others = [finding for finding in evidence.every if finding.source != "rds"]
    judged = judge_cause(place.service, Evidence([*others, *told(place, fault, end)]), DiagnosisInput(
        made.opened_at or seconds(incident.incident.opened_at), made.onset, made.tried, made.looks, made.own),
        shipped())
    assert judged.diagnosis.mechanism == mechanism
    assert tuple(candidate.action for candidate in judged.proposed) == remedies
