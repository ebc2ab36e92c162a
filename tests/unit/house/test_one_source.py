"""A source and a kind of finding are one file each: by being there it is deployed, asked, checked and counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from responder import sources
from responder.handlers import ask
from responder.model import evidence
from responder.model.codec import Json, decode
from responder.model.evidence import Detail, Evidence, Finding, Window, finding_of
from responder.model.incident import SourceAnswer
from responder.model.service import Service
from responder.plan.confirm import confirm
from stacks.used import used_sources
from tests.added import forget, put

KIND = '''
from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class Certificate(Detail):
    """The certificate that the entry shows."""

    seconds_left: float = 0.0
    """Until it expires; negative where it has."""


KIND = Certificate
'''
SOURCE = '''
from responder.model.evidence import Bucket, Finding
from responder.model.evidence.certificate import Certificate
from responder.model.evidence.error_rate import ErrorRate
from responder.sources import Query, Source, Statement


def collect(query):
    start, end = query.window.start, query.window.end
    series = tuple(Bucket(moment, 100.0, 60.0) for moment in range(int(start), int(end), 10))
    return [Finding(source="front_door", component=query.service.entry, window=query.window, value=0.6, baseline=0.0,
                    detail=ErrorRate(requests=100.0 * len(series), errors=60.0 * len(series),
                                     baseline_requests=36000.0, series=series)),
            Finding(source="front_door", component=query.service.entry, window=query.window,
                    detail=Certificate(seconds_left=-30.0), note="asked with token=abcdef1234567890abcdef")]


SOURCE = Source(
    "front_door", frozenset({"confirm"}), collect, statements=lambda service: (
        Statement(("acm:DescribeCertificate",), ("arn:{partition}:acm:{region}:{account}:certificate/front-door",)),),
    configured=lambda service: bool(service.entry))
'''


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sources.Source]:
    put(tmp_path, sources, "front_door", SOURCE, monkeypatch)
    put(tmp_path, evidence, "certificate", KIND, monkeypatch)
    evidence.kinds.cache_clear()
    yield sources.load("front_door")
    monkeypatch.undo()
    evidence.kinds.cache_clear()
    forget(sources, "front_door")
    forget(evidence, "certificate")


def answered(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """What the source's function gives to the state machine."""
    monkeypatch.setenv("SOURCE", "front_door")
    monkeypatch.setattr(ask, "load", lambda name: service)
    found: list[Json] = list(ask.handler({
        "incident": {"id": "i-1", "service": service.service, "opened_at": "2026-11-24T00:00:00.000Z"},
        "phase": "confirm", "now": "2026-11-24T00:00:01.000Z"}, None)["findings"])
    return found


def test_a_source_by_being_there_has_a_function_and_is_asked(
        source: sources.Source, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source in sources.all() and source in used_sources([service])
    rate, certificate = answered(service, monkeypatch)
    assert (rate["name"], certificate["name"]) == ("error_rate", "certificate")
    assert "abcdef" not in certificate["note"]


def test_a_source_that_counts_requests_has_a_vote(source: sources.Source, service: Service,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    found = Evidence(map(finding_of, answered(service, monkeypatch)))
    result = confirm(service, [source.name], found, max(f.window.end for f in found.every if f.window))
    assert result.votes == {"front_door": "outage"}


def test_a_kind_of_finding_comes_back_from_the_record_as_it_was(
        source: sources.Source, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    item = {"source": source.name, "findings": answered(service, monkeypatch)}
    kind: type[Detail] = evidence.kind_of("certificate")
    finding, = Evidence(decode(SourceAnswer, item).findings).of(kind)
    assert finding.detail == kind(**{"seconds_left": -30.0})
    assert finding == finding_of(finding.to_json())
    silent = Finding(source=source.name, detail=kind(), status="timeout", window=Window(0.0, 1.0))
    assert finding_of(silent.to_json()) == silent
