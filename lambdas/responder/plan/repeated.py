"""When a remedy may follow upon itself in one incident: two faults have two remedies, which may be of one action."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from responder.model.remedy import Remedy as Applied
from responder.model.remedy import RemedyStatus

if TYPE_CHECKING:
    # Not at run time: the remedies ask here.
    from responder.plan.remedies import Considered, Remedy


def was_for_another(considered: Considered, remedy: Remedy[Any, Any, Any]) -> bool:
    """Whether what was tried was something else, against another mechanism, and helped, or may have helped."""
    against = {mechanism for action, component, mechanism in considered.helped
               if (action, component) == (remedy.name, considered.component)}
    return remedy.by_mechanism and bool(against) and considered.mechanism not in against


def helped(tried: Sequence[Applied], hidden: Collection[int] = ()) -> list[tuple[str, str, str]]:
    """Return action, component and mechanism of the remedies that helped, where each of that action and component did.

    Those count too of which nobody can tell, for another fault hides what they did: ``hidden`` has their numbers.
    """
    in_vain = {(remedy.action, remedy.component) for remedy in tried
               if remedy.status is not RemedyStatus.VERIFIED and remedy.number not in hidden}
    return [(remedy.action, remedy.component, remedy.mechanism) for remedy in tried
            if (remedy.action, remedy.component) not in in_vain]


def judged_beside_another(remedies: Sequence[Applied]) -> frozenset[int]:
    """Return the numbers of remedies that were taken back while another fault failed the same calls.

    That is known once a remedy for another mechanism, which was applied after they were taken back, has helped. What
    was held against them was not their doing then, and they may be tried again: once.
    """
    taken_back = [remedy for remedy in remedies if remedy.status is RemedyStatus.REVERTED and remedy.rolled_back_at]
    ended = [remedy for remedy in remedies if remedy.status is RemedyStatus.VERIFIED and not remedy.audience]
    found = set()
    for remedy in taken_back:
        alike = [one for one in remedies if one.status.may_have_run and (one.action, one.target) == (
            remedy.action, remedy.target)]
        if len(alike) == 1 and any(other.mechanism != remedy.mechanism and (other.applied_at or "") > (
                remedy.rolled_back_at or "") for other in ended):
            found.add(remedy.number)
    return frozenset(found)
