"""A remedy is a pair of modules: by being there it is proposed, planned and applied."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from responder import actions
from responder.model.codec import encode
from responder.model.evidence import Evidence
from responder.model.service import Service
from responder.plan import remedies, weights
from responder.plan.diagnose import Diagnosis, Hypothesis
from responder.plan.remedies import propose
from responder.plan.weights import Weights
from tests.remedies import asked, planned

DECISION = '''
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.remedies import Considered, Nothing, Remedy


@dataclass(frozen=True)
class Facts(remedies.Facts):
    table: str = ""


@dataclass(frozen=True)
class Parameters:
    table: str


def facts(considered: Considered) -> Facts:
    return Facts("charges")


REMEDY = Remedy(name="vacuum", phrase="vacuum", facts=facts, kinds=(Facts, Nothing, Parameters), risk="low",
                default_policy="approve", reversible=False, keep_when_not_helped=True)
'''
ACTION = '''
from responder.actions import Action, Plan
from responder.plan.remedies import Nothing
from responder.plan.remedies.vacuum import REMEDY, Parameters


def plan(context, facts):
    return Plan(f"table/{facts.table}", f"vacuum {facts.table}", Nothing(), Parameters(facts.table))


def apply(context, plan):
    return f"{plan.parameters.table} was vacuumed"


ACTION = Action(REMEDY, plan, apply)
'''


CAUSE = Hypothesis("database_connection", "slow_database", "payment-gateway", "database", 0.99, 3.0, ("seen",), (),
                   ("rds", "newrelic"))
DIAGNOSIS = Diagnosis(CAUSE.cause, CAUSE.mechanism, CAUSE.component, CAUSE.confidence, "", (CAUSE,), (CAUSE,), (), ())


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weights]:
    """The pair of modules, and weights in which a mechanism has the remedy."""
    for package, text in ((remedies, DECISION), (actions, ACTION)):
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "vacuum.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    remedies.names.cache_clear()
    shipped = weights.shipped()
    slow = replace(shipped.mechanisms["slow_database"], remedies=("vacuum",))
    yield replace(shipped, mechanisms={**shipped.mechanisms, "slow_database": slow})
    for cached in (remedies.names, remedies.find):
        cached.cache_clear()
    for package in (remedies, actions):
        sys.modules.pop(f"{package.__name__}.vacuum", None)


def test_a_remedy_is_a_pair_of_modules(added: Weights, service: Service) -> None:
    candidate, = propose(service, DIAGNOSIS, None, Evidence(), added, ()).proposed
    assert (candidate.action, encode(candidate.facts)) == ("vacuum", {"table": "charges"})
    action = actions.find("vacuum")
    assert action in actions.every() and remedies.phrase("vacuum") == "vacuum"
    # What the diagnosis found out goes through the record to the remedy's function, and its plan back to it.
    context, kept = asked(service, "slow_database"), candidate.on_record(None, "")
    plan = planned(action.plan_of(context, kept.facts))
    again = action.kept(plan.target, plan.summary, encode(plan.before), encode(plan.parameters), "")
    assert action.apply(context, again) == "charges was vacuumed"


def test_a_remedy_that_is_tried_already_is_refused_by_name(added: Weights, service: Service) -> None:
    found = propose(service, DIAGNOSIS, None, Evidence(), added, [("vacuum", "payment-gateway")])
    refused, = found.not_proposed
    assert not found.proposed and remedies.sentence(refused).startswith("vacuum of payment-gateway: it was carried out")
