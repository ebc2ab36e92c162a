"""Which object is at fault, where live state shows it: a node, a claim, a Service, a namespace, a workload.

A mechanism says what kind of thing is wrong and where requests meet it; the object is what a person opens first.
"""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.evidence.problems import Problem
from responder.model.service import Service
from responder.plan.diagnose import Diagnosis
from responder.plan.weights import Weights
from responder.plan.wrong_now import explained, looks_at_the_cluster


def object_at_fault(diagnosis: Diagnosis, evidence: Evidence, service: Service, onset: float | None,
                    weights: Weights) -> str:
    """Return the object of the likeliest problem that speaks for the named mechanism and hits its component.

    It is named as a problem names it (``node/n1``); empty where no cause is named, or where no problem speaks for it.
    """
    if not diagnosis.mechanism or not diagnosis.named:
        return ""
    looks = looks_at_the_cluster(evidence)
    found = explained(looks[-1], (diagnosis.component,), service.graph, onset) if looks else ()
    return next((each.problem.object for each in found
                 if _speaks(each.problem, diagnosis, weights) and each.problem.severity != "risks"), "")


def _speaks(problem: Problem, diagnosis: Diagnosis, weights: Weights) -> bool:
    hits = not problem.apps or diagnosis.component in problem.apps
    return hits and bool(problem.sign) and weights.of(f"live_{problem.sign}", diagnosis.mechanism) > 0
