"""Actions that the policy allows and that can never run, or that run without what was meant to hold them."""

from __future__ import annotations

from collections.abc import Iterator

from responder import actions
from responder.model.service import Service
from stacks.nearest import Found

_NEEDS = {
    "switch_provider": "provider_switch, and two providers",
    "turn_flag_back": "foreign_changes.flags with write_secret",
    "hide_payment_method": "payments.hide", "cap_retries": "a switch whose purpose is cap_retries",
    "shed_load": "a switch whose purpose is shed_load", "fail_open": "a switch whose purpose is fail_open",
    "restore_database": "database", "restore_parameter_group": "database.parameter_group or cluster_parameter_group",
    "restore_security_group": "aws.security_groups", "inform_provider": "providers"}
"""Action to what a file must have for it."""


def _is_there(service: Service, action: str) -> bool:
    """Whether a file has what an action needs."""
    database = service.database
    match action:
        case "switch_provider":
            return service.provider_switch is not None and len(service.providers) > 1
        case "restore_database":
            return database is not None
        case "restore_parameter_group":
            return bool(database and (database.parameter_group or database.cluster_parameter_group))
        case "restore_security_group":
            return bool(service.aws.security_groups)
        case "inform_provider":
            return bool(service.providers)
    return next(one.configured(service) for one in actions.every() if one.name == action)


def _in_force(service: Service) -> Iterator[Found]:
    """Find what ``auto`` says in mode auto, in which it holds."""
    if service.mode == "auto":
        yield from (*_never(service), *_unasked(service))


def _in_force_later(service: Service) -> Iterator[Found]:
    """Find the same while the mode asks for everything, or only observes."""
    if service.mode != "auto":
        yield from (*_never(service), *_unasked(service))


def never_run(service: Service) -> frozenset[str]:
    """Return the actions that have no place in the service's configuration, whatever its policy says."""
    return frozenset(action for action in _NEEDS if not _is_there(service, action))


def _never(service: Service) -> Iterator[Found]:
    never = never_run(service)
    for action, policy in service.policy.items():
        if policy == "auto" and action in never:
            yield (("policy", action), "auto for an action that can never run",
                   f'{_NEEDS[action]}, or "off" until there is one')


def _unasked(service: Service) -> Iterator[Found]:
    for place, action in enumerate(service.approval.two_person):
        if service.policy.get(action) == "auto":
            yield (("approval", "two_person", place), f"{action!r}, whose policy is auto: in mode auto nobody is asked",
                   f"policy.{action}: approve")


def _off(service: Service) -> Iterator[Found]:
    """Find what is said of actions that the policy leaves out."""
    off = {action.name for action in actions.every() if service.policy.get(action.name, "off") == "off"}
    for place, action in enumerate(service.approval.two_person):
        if action in off:
            yield ("approval", "two_person", place), f"{action!r}, which is off", f"policy.{action}: approve"
    for index, freeze in enumerate(service.guardrails.freezes):
        for place, action in enumerate(freeze.allows):
            if action in off:
                yield (("guardrails", "freezes", index, "allows", place), f"{action!r}, which is off",
                       "an action that the policy allows")


def _risky(service: Service) -> Iterator[Found]:
    for action in actions.every():
        if service.policy.get(action.name) == "auto" and action.risk == "high" and not action.remedy.reversible:
            yield (("policy", action.name), "auto for an action of high risk that cannot be undone",
                   "approve, as it is shipped, unless you mean it")


def _nothing_allowed(service: Service) -> Iterator[Found]:
    if service.mode != "observe" and not any(policy != "off" for policy in service.policy.values()):
        yield ("mode",), f"{service.mode} with a policy that allows no action", "actions in policy, or mode: observe"


def _provider_alone(service: Service) -> Iterator[Found]:
    if service.provider_switch and len(service.providers) < 2:
        yield (("provider_switch",), f"a switch between {len(service.providers)} providers",
               "a second one in providers, to switch to")


def _network_team(service: Service) -> Iterator[Found]:
    policy = service.policy.get("engage_network_team", "off")
    if policy != "off" and service.team and not any(person.role == "network" for person in service.team):
        yield (("policy", "engage_network_team"), f"{policy}, and nobody of the team has the role network",
               "somebody with role: network, who gets the task")


ERRORS = (_in_force,)
WARNINGS = (_in_force_later, _off, _risky, _nothing_allowed, _provider_alone, _network_team)
