"""A mechanism and a reader of evidence are one file each: it is weighed, written out and checked by being there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from responder.model.codec import encode
from responder.model.evidence import Evidence, Finding
from responder.model.evidence.nodes import Nodes
from responder.model.fault_location import OWN
from responder.model.incident import Cause, Incident, IncidentRecord
from responder.model.service import Service
from responder.plan import mechanisms, signals, weights
from responder.plan.diagnose import rank
from responder.plan.failure_modes import FailureMode
from responder.plan.review import review
from responder.plan.signals import Context

READER = '''
from responder.model.evidence.nodes import Nodes
from responder.plan.signals import signal


@signal("State: the kubelet says so itself.")
def nodes_under_pressure(condition: str) -> str:
    return f"nodes are under {condition}"


def read(context):
    for finding in context.evidence.of(Nodes):
        for condition in finding.detail.pressure:
            yield nodes_under_pressure.emit(finding, condition)
'''
MECHANISM = '''
from responder.plan.advice import Advice, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import pressure


def improvements(case):
    yield Advice("free-nodes", "prevention", "Nodes were full", "They said so", "node groups", "make them larger",
                 "SRE", Effort.SETTING, "they say so no more")


MECHANISM = Mechanism(
    id="node_pressure",
    cause=CLUSTER_FAILURE,
    title="nodes under pressure",
    remedies=("escalate",),
    weights={pressure.nodes_under_pressure: 4.0},
    improvements=improvements,
)
'''


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of readers and one of mechanisms beside the shipped ones."""
    caches = (signals.readers, signals.kinds, mechanisms.every, mechanisms.names, weights.shipped)
    for package, name in ((signals, "signals"), (mechanisms, "mechanisms")):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / name)])
    for cached in caches:
        cached.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    for cached in caches:
        cached.cache_clear()
    for name in [name for name in sys.modules if name.endswith((".pressure", ".node_pressure"))]:
        sys.modules.pop(name)
    for package, name in ((signals, "pressure"), (mechanisms, "node_pressure")):
        vars(package).pop(name, None)


def test_a_mechanism_and_a_reader_are_a_file_each(added: Path, service: Service) -> None:
    (added / "signals" / "pressure.py").write_text(READER)
    (added / "mechanisms" / "node_pressure.py").write_text(MECHANISM)
    mode = FailureMode("payment-gateway", OWN, 1.0)
    evidence = Evidence([Finding(source="kubernetes", detail=Nodes(("a",), pressure={"MemoryPressure": ("a",)}))])
    found = signals.read(Context(service, mode, None, evidence))
    assert "nodes are under MemoryPressure" in {signal.sentence for signal in found}
    shipped = weights.shipped()
    assert rank(mode, found, shipped)[0].mechanism == "node_pressure"
    assert weights.weights_of(encode(shipped)) == shipped
    named = Incident("i", "s", "2027-01-15T08:01:00.000Z", cause=Cause("cluster_failure", "node_pressure", "frontend"))
    assert "Nodes were full" in [one.what for one in review(IncidentRecord(named), service=service).improvements]


def test_a_mechanism_is_named_like_its_file(added: Path) -> None:
    (added / "signals" / "pressure.py").write_text(READER)
    (added / "mechanisms" / "node_pressure.py").write_text(MECHANISM.replace('id="node_pressure"', 'id="pressure"'))
    with pytest.raises(ValueError, match="node_pressure: the mechanism's id is 'pressure'"):
        mechanisms.every()
