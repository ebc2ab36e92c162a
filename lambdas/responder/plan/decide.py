"""Each decision of the plan as one pure function of what was on record: the steps make it, and a replay makes it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.evidence import Evidence
from responder.model.frozen import dataclass
from responder.model.incident import Refusal
from responder.model.service import Service
from responder.plan import mechanisms
from responder.plan.attack import signs
from responder.plan.clocks import ahead
from responder.plan.common_cause import places
from responder.plan.diagnose import Diagnosis, diagnose
from responder.plan.found import as_found
from responder.plan.isolate import Isolation, isolate
from responder.plan.object_at_fault import object_at_fault
from responder.plan.own import Write, without_own
from responder.plan.remedies import Candidate, propose
from responder.plan.symptom import fading, verdicts
from responder.plan.targets import target
from responder.plan.weights import Weights

_LOOKS = 2
"""How often a symptom that is just going away is looked at again before anything is proposed."""


@dataclass(frozen=True)
class DiagnosisInput:
    """What a diagnosis knows besides the evidence."""

    opened_at: float
    """When the incident was opened, seconds since 1970 (UTC)."""
    onset: float | None = None
    """When the symptom began, seconds since 1970 (UTC)."""
    tried: Sequence[tuple[str, str]] = ()
    """Action and component of each remedy that was carried out before."""
    looks: int = 1
    """How often the cause was judged before: a symptom that is just going away is given time."""
    own: Sequence[Write] = ()
    """What the responder's remedies have written; any other change, also one under its name, may be the cause."""
    helped: Sequence[tuple[str, str, str]] = ()
    """Action, component and mechanism of the remedies that helped, where each of that action and component did."""


@dataclass(frozen=True)
class Judgement:
    """Where the fault is, what it is, and what may be done about it."""

    isolation: Isolation
    diagnosis: Diagnosis
    proposed: tuple[Candidate, ...]
    affected: tuple[str, ...] = ()
    """The components at fault: the faulty ones, or one that was changed so that it does not get through to one."""
    fading: str = ""
    """Where the symptom is just going away by itself; empty where it is not."""
    not_proposed: tuple[Refusal, ...] = ()
    """Each remedy that is not proposed, for every named cause and its nearly as likely mechanisms."""
    attack_signs: tuple[str, ...] = ()
    """Signs of an attack, in sentences: whether a change is rolled back is then for people to decide (``attack.py``).
    """
    object: str = ""
    """What of the cluster is at fault, ``node/n1``, where live state shows it."""
    places: tuple[str, ...] = ()
    """Where the named causes lie that other services may share (``common_cause.py``)."""


def judge_cause(service: Service, evidence: Evidence, given: DiagnosisInput,
                weights: Weights) -> Judgement:
    """Diagnose from the findings of all steps so far.

    Where the fault is may show better by now than when it was isolated, and is judged again.
    """
    evidence, onset = without_own(evidence, given.own), given.onset
    service = as_found(service, evidence)
    isolation = isolate(service, verdicts(service, evidence, given.opened_at), evidence)
    diagnosis = diagnose(service, isolation, onset, evidence, weights)
    at_fault = {hypothesis.component: target(service, hypothesis, onset, evidence)
                for hypothesis in diagnosis.named}
    going = "" if given.looks >= _LOOKS else fading(service, evidence, onset)
    remedies = propose(service, diagnosis, onset, evidence, weights, given.tried,
                       early=given.looks < 1 and service.confirm.looks > 1, helped=given.helped)
    if going:
        remedies = remedies.withheld("the symptom is just going away by itself: it is looked at again first")
    elif skewed := ahead(evidence):
        remedies = remedies.withheld(skewed)
    thing = object_at_fault(diagnosis, evidence, service, onset, weights)
    return Judgement(isolation, diagnosis, remedies.proposed,
                     tuple(dict.fromkeys(at_fault.get(name, name) for name in isolation.faulty)), going,
                     remedies.not_proposed, signs(service, evidence, onset), thing, places(
                         service, [(hypothesis, mechanisms.find(hypothesis.mechanism).lies_in)
                                   for hypothesis in diagnosis.named], thing, evidence))
