"""Wait: the cause heals by itself. There is no action; the recovery is watched."""

from __future__ import annotations

from responder.plan.remedies import WAIT, Considered, Facts, Nothing, Remedy


def facts(considered: Considered) -> Facts:
    """Nothing has to be known."""
    return Facts()


REMEDY = Remedy(
    name=WAIT,
    phrase="wait",
    facts=facts,
    kinds=(Facts, Nothing, Nothing),
    risk="low",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=True,
)
