"""Leave a mechanism to people: the responder has no remedy for it. There is no action; people are paged."""

from __future__ import annotations

from responder.plan.remedies import PEOPLE, Considered, Facts, Nothing, Remedy, rivals_of


def facts(considered: Considered) -> Facts:
    """Nothing has to be known."""
    return Facts()


def against_contested(considered: Considered, facts: Facts) -> str:
    """People find out which of the mechanisms it is."""
    return (f"whether it is {considered.mechanism.replace('_', ' ')} or {rivals_of(considered)} is for people to find "
            "out")


REMEDY = Remedy(
    name=PEOPLE,
    phrase="automatic repair",
    facts=facts,
    kinds=(Facts, Nothing, Nothing),
    risk="low",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=True,
    against_contested=against_contested,
)
