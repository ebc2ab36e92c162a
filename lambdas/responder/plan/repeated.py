"""When a remedy may follow upon itself in one incident: two faults have two remedies, which may be of one action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Not at run time: the remedies ask here.
    from responder.plan.remedies import Considered, Remedy


def was_for_another(considered: Considered, remedy: Remedy[Any, Any, Any]) -> bool:
    """Whether what was tried was something else, against another mechanism, and helped."""
    against = {mechanism for action, component, mechanism in considered.helped
               if (action, component) == (remedy.name, considered.component)}
    return remedy.by_mechanism and bool(against) and considered.mechanism not in against
