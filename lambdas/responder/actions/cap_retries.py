"""Let who tries again and again try less often, by a switch that the configuration names.

``turned``, ``set_to`` and ``rights`` are what all remedies by such switches do alike.
"""

from __future__ import annotations

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, put
from responder.clients.flags import Flag, flag, statements_of
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.model.redact import decided
from responder.model.service import Service, Switch
from responder.model.service.switches import Purpose
from responder.plan.remedies.cap_retries import REMEDY
from responder.plan.switches import Facts, Turn, Value, named, target
from responder.sources import Statement, cluster_access

Planned = Plan[Value, Turn]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Plan to set the fewest attempts; see ``Action.plan``."""
    return turned(context, facts, "cap retries", api, temporary=True)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the value; where it is set already nothing is done."""
    return set_to(context, plan, {plan.before.value}, plan.parameters.values[0], api)


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the value from before, unless somebody else has set another one."""
    set_to(context, plan, set(plan.parameters.values), plan.before.value, api)
    return f"{plan.summary}: taken back"


def turned(context: RemediationContext, facts: Facts, what: str, api: Kubernetes | None,
           temporary: bool) -> Planned | Declined:
    """Plan to turn a switch that says what it usually says."""
    switch = named(context.service, facts.switch)
    if switch is None:
        return Declined("switch", what, f"the configuration has no switch {facts.switch!r}")
    where, key = target(switch), switch.place.key or switch.place.ssm_parameter
    try:
        read = _flag(context, switch, api).read()
    except NotFound:
        return Declined(where, what, f"there is no {key} in {where}")
    steps = ", then ".join(switch.values)
    summary, diff = f"{what}: {switch.name} to {steps}", decided([(key, read.value, switch.values[0])])
    if read.value != switch.usual:
        return Declined(where, summary, f"{switch.name} says {read.value!r} and not {switch.usual!r}: somebody has "
                        "turned it already", diff=diff)
    if read.owner:
        return Declined(where, summary, f"{read.owner} owns {where} and would undo it: change it in its repository",
                        diff=diff)
    return Plan(where, summary, Value(read.value), Turn(switch.name, switch.values), diff, temporary=temporary)


def set_to(context: RemediationContext, plan: Planned, old: set[str], new: str, api: Kubernetes | None) -> str:
    """Set a switch to a value where it says one of others; where it says the value already nothing is done."""
    switch = named(context.service, plan.parameters.switch)
    if switch is None:
        raise ActionFailed(f"the configuration has no switch {plan.parameters.switch!r} any more")
    return put(_flag(context, switch, api), old, new, plan.target, plan.summary)


def _flag(context: RemediationContext, switch: Switch, api: Kubernetes | None) -> Flag:
    return flag(switch.place, context.namespace, connected(context, api) if switch.place.config_map else api)


def rights(service: Service, purpose: Purpose) -> tuple[Statement, ...]:
    """What it takes to turn the switches of a purpose where they stand."""
    places = [switch.place for switch in service.switches if switch.purpose == purpose]
    found = dict.fromkeys(Statement(actions, arns) for place in places for actions, arns in statements_of(place))
    return (*(cluster_access(service) if any(place.config_map for place in places) else ()), *found)


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=lambda service: rights(service, "cap_retries"),
    configured=lambda service: any(switch.purpose == "cap_retries" for switch in service.switches),
    kubernetes_group="incident-responder:cap-retries",
)
