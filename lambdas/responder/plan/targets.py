"""Which components a remedy is for, by what the diagnosis blames and by what was changed."""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.incident import Hypothesis
from responder.model.service import Service


def targets(service: Service, hypothesis: Hypothesis, onset: float | None, evidence: Evidence) -> list[str]:
    """Return the components to be remediated: of nodes that are down also what else has pods on them."""
    from responder.plan.remedies.restart_pods import on_bad_nodes

    first = target(service, hypothesis, onset, evidence)
    others = on_bad_nodes(service, evidence) if hypothesis.mechanism == "nodes_down" else []
    return list(dict.fromkeys([first, *others]))


def target(service: Service, hypothesis: Hypothesis, onset: float | None, evidence: Evidence) -> str:
    """Return the component to be remediated: the changed one, where that is not the one that cannot be reached."""
    from responder.plan.effects import effect_of, of_a_caller_alone
    from responder.plan.mechanisms import find as mechanism
    from responder.plan.suspects import changes_before

    brought_by = {kind.id for kind in mechanism(hypothesis.mechanism).brought_by}
    names = {change.name for change in changes_before(onset, evidence) if brought_by and effect_of(
        service, hypothesis.component, hypothesis.where, change) in brought_by and not of_a_caller_alone(
        service, hypothesis.component, change, evidence)}
    changed = {component.name for component in service.components if {
        component.name, component.deployment, component.service} & names}
    return changed.pop() if len(changed) == 1 else hypothesis.component
