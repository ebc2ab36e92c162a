"""Recorded incidents, whose answers are played back to a backtest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from cli.backtest import course, observed
from cli.backtest.outcome import Case
from cli.backtest.running import remedies_of
from responder.model.incident import IncidentRecord, Looked, SourceAnswer
from responder.model.service import Service
from responder.plan.replay import service_of
from responder.plan.weights import shipped
from responder.records.record import unpack
from responder.sources import Phase

RECORDS = Path(__file__).resolve().parents[3] / "records"
_STEPS: dict[str, str] = {"confirm": "Confirm the incident", "isolate": "Isolate the issue",
                          "diagnose": "Diagnose the root cause", "watch": "Monitor the recovery"}


class Played:
    """Answers as the sources did, look after look; the last answers again where it is asked more often."""

    def __init__(self, record: IncidentRecord) -> None:
        looks: dict[tuple[str, str], list[Looked]] = defaultdict(list)
        for looked in record.looked:
            looks[looked.step, looked.entered].append(looked)
        self._left: dict[str, list[list[Looked]]] = defaultdict(list)
        for (step, _), found in sorted(looks.items()):
            self._left[step].append(found)

    def __call__(self, phase: Phase, now: float, since: float | None = None) -> Sequence[SourceAnswer]:
        left = self._left[_STEPS[phase]]
        found = left.pop(0) if len(left) > 1 else left[0] if left else []
        return tuple(SourceAnswer(looked.source, looked.findings) for looked in found)


@cache
def recorded(name: str) -> tuple[IncidentRecord, Service]:
    content = unpack(Path(RECORDS / f"{name}.json.gz").read_bytes())
    return IncidentRecord.of(content["items"]), service_of(content)


def both(name: str) -> tuple[Case, Case]:
    """A backtest over the recorded answers, and what was decided live."""
    record, service = recorded(name)
    live = observed.case_of(record, service)
    assumed = replace(service, mode="auto") if service.mode == "observe" else service
    by = course.Judged(assumed, remedies_of(assumed), shipped())
    return course.run(by, live.moment, Played(record)), live
