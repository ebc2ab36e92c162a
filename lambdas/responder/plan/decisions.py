"""What each decision of the plan was made from, and what it decided: one fact of the timeline a decision.

The step writes it, and a replay (``plan/replay.py``) makes the decision again from it and the evidence on record. A
decision is known by its ``NAME``, the step's id. Times are seconds since 1970 (UTC) unless said otherwise.
"""

from __future__ import annotations

from typing import ClassVar

from responder.model.facts import Fact
from responder.model.frozen import dataclass
from responder.model.incident import Hypothesis, Refusal, SymptomKind
from responder.plan import confirm
from responder.plan.answers import Recovery, Ruling, Symptoms
from responder.plan.failure_modes import FailureMode
from responder.plan.guardrails import GuardrailRequest, Situation
from responder.plan.own import Write


@dataclass(frozen=True)
class Confirmed(Fact):
    """Whether there is an outage."""

    NAME: ClassVar[str] = "confirm"
    answer: Symptoms
    kind: SymptomKind
    votes: dict[str, confirm.Vote]
    """Source to its vote."""
    asked: tuple[str, ...] = ()
    """The sources that were asked."""
    signal_at: float | None = None
    onset: str | None = None
    """When the symptom began, ISO 8601 in UTC."""
    well_since: float | None = None
    """Since when an incident that is opened again was known to be well."""


@dataclass(frozen=True)
class Isolated(Fact):
    """Where the fault is."""

    NAME: ClassVar[str] = "isolate"
    culprits: tuple[str, ...]
    victims: tuple[str, ...]
    pods: dict[str, str]
    """Component to a sentence about its pods, where they are not well."""
    reasons: dict[str, str]
    """Culprit to the sentence behind it."""
    opened_at: float | None = None


@dataclass(frozen=True)
class Diagnosed(Fact):
    """What the cause is, and which remedies follow from it."""

    NAME: ClassVar[str] = "diagnose"
    cause: str
    mechanism: str
    component: str
    ranking: tuple[Hypothesis, ...]
    remedies: tuple[str, ...]
    """What is proposed: ``action of component``."""
    parts: tuple[FailureMode, ...] = ()
    missing: tuple[str, ...] = ()
    """What could not be asked, in sentences."""
    not_proposed: tuple[Refusal, ...] | None = None
    """None in records from before it was kept."""
    attack_signs: tuple[str, ...] | None = None
    """None in records from before it was kept."""
    onset: float | None = None
    tried: tuple[tuple[str, str], ...] = ()
    """Action and component of each remedy that was carried out before."""
    looks: int = 1
    """How often the cause was judged before."""
    fading: str = ""
    opened_at: float | None = None
    own: tuple[Write, ...] = ()
    """What the responder's remedies have written."""
    object: str | None = None
    """What of the cluster is at fault; None in records from before it was kept."""
    helped: tuple[tuple[str, str, str], ...] = ()
    """Action, component and mechanism of the remedies that helped, or whose effect is hidden, where each of that action
    and component did."""

    @property
    def confidence(self) -> float | None:
        """The first hypothesis' confidence; None where there is none."""
        return self.ranking[0].confidence if self.ranking else None


@dataclass(frozen=True)
class Ruled(Fact):
    """What the guardrails said of a remedy."""

    NAME: ClassVar[str] = "guard"
    ruling: Ruling
    guardrail: str
    proposal: GuardrailRequest
    """What was ruled on."""
    situation: Situation
    summary: str = ""


@dataclass(frozen=True)
class Watched(Fact):
    """How the recovery goes."""

    NAME: ClassVar[str] = "monitor"
    answer: Recovery
    now: float
    since: float
    """When watching began."""
    give_up_seconds: float
    changed: bool = False
    """Whether a remedy was carried out then."""
    slow_until: float | None = None
    """When a look last found something slow."""
    error_rate: float | None = None
    declines: bool = False
    """Whether the symptom was payments that are declined."""


__all__ = ["Confirmed", "Diagnosed", "Isolated", "Ruled", "Watched"]
