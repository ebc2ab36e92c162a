"""What stands between a diagnosis and a remedy. Every refusal has the name of its guardrail, and leads to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from responder.model.service import Service

Ruling = Literal["permitted", "observe", "refused"]
RELEASED = "released"


@dataclass(frozen=True)
class Proposal:
    """A remedy that could be carried out, and what is known about it."""

    action: str
    target: str
    cause: str
    confidence: float
    sources: tuple[str, ...]
    """Independent sources that support the cause."""
    refusal: str = ""
    """Why the action itself refuses, by its own check of the preconditions; empty where it does not."""


@dataclass(frozen=True)
class Decision:
    """The guardrails' word."""

    ruling: Ruling
    guardrail: str = ""
    """The guardrail that refused, or that turned it into an observation."""
    reason: str = ""


def rule(service: Service, proposal: Proposal, kill_switch: str | None, done: Sequence[str]) -> Decision:
    """Decide whether a proposal may be carried out.

    ``kill_switch`` is the SSM parameter's value, None where it could not be read: then nothing is done either.
    ``done`` names the remedies that this incident has carried out so far.
    """
    limits, policy = service.guardrails, service.policy.get(proposal.action, "off")
    if kill_switch is None:
        return Decision("refused", "kill_switch", "the kill switch could not be read")
    if kill_switch.strip() != RELEASED:
        return Decision("refused", "kill_switch", f"the kill switch {service.kill_switch} is not {RELEASED!r}")
    if proposal.refusal:
        return Decision("refused", "precondition", proposal.refusal)
    if policy == "off":
        return Decision("refused", "policy", f"the policy for {proposal.action} is off")
    if proposal.confidence < limits.minimum_confidence:
        return Decision("refused", "minimum_confidence",
                        f"{proposal.confidence:.0%} is less than {limits.minimum_confidence:.0%}")
    if len(proposal.sources) < limits.minimum_sources:
        return Decision("refused", "minimum_sources",
                        f"{len(proposal.sources)} independent sources are fewer than {limits.minimum_sources}")
    if len(done) >= limits.remedies_per_incident:
        return Decision("refused", "remedies_per_incident",
                        f"{len(done)} of at most {limits.remedies_per_incident} remedies have been carried out")
    if service.mode == "observe":
        return Decision("observe", "mode", "the mode is observe: this would be done")
    if service.mode == "approve" or policy == "approve":
        return Decision("refused", "approval",
                        "a person must carry it out: approval is asked for by the mode or the policy")
    return Decision("permitted", reason=f"policy: {proposal.action} is auto")
