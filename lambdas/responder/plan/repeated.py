"""When a remedy may follow upon itself in one incident: two faults have two remedies, which may be of one action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from responder.model.remedy import Remedy as Applied
from responder.model.remedy import RemedyStatus

if TYPE_CHECKING:
    # Not at run time: the remedies ask here.
    from responder.plan.remedies import Considered, Remedy


def was_for_another(considered: Considered, remedy: Remedy[Any, Any, Any]) -> bool:
    """Whether what was tried was something else, against another mechanism, and helped."""
    against = {mechanism for action, component, mechanism in considered.helped
               if (action, component) == (remedy.name, considered.component)}
    return remedy.by_mechanism and bool(against) and considered.mechanism not in against


def helped(tried: Sequence[Applied]) -> list[tuple[str, str, str]]:
    """Return action, component and mechanism of the remedies that helped, where each of that action and component did.
    """
    in_vain = {(remedy.action, remedy.component) for remedy in tried if remedy.status is not RemedyStatus.VERIFIED}
    return [(remedy.action, remedy.component, remedy.mechanism) for remedy in tried
            if (remedy.action, remedy.component) not in in_vain]
