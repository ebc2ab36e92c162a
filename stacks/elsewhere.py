"""Services in another account or Region than the responder's: how their functions' rights and roles are named.

``stacks/member.py`` has what is deployed there. These functions know nothing of CDK, so that a configuration is checked
without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from responder.model.service import Service
from responder.sources import Source, Statement
from stacks.alarm_names import alarm_names
from stacks.deployment import Settings
from stacks.nearest import Found
from stacks.network import Unit, action_units, ledger_units, source_units

_LONGEST_ROLE = 64
"""Characters of a role's name (IAM quotas)."""


REPORT, TELL, SWEEP = "-step-report", "-step-tell", "-sweep"
"""Functions that are no sources, actions or ledgers and ask after a service, without the deployment's prefix."""


def is_elsewhere(service: Service) -> bool:
    """Whether a service is in another account or Region than the responder."""
    return bool(service.aws.role_arn or service.aws.region)


def placed(service: Service, function: str, statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return a function's rights at home for a service: the statements, or to assume its role in the other account.

    ``function`` is its name without the deployment's prefix.
    """
    if not statements:
        return ()
    if service.aws.role_arn:
        return (Statement(("sts:AssumeRole",), (service.aws.role_arn + function,)),)
    return tuple(_in_region(service, statement) for statement in statements)


def _in_region(service: Service, statement: Statement) -> Statement:
    region = service.aws.region
    return replace(statement, resources=tuple(
        resource.replace("{region}", region) for resource in statement.resources)) if region else statement


def asked(source: Source, service: Service, settings: Settings) -> tuple[Statement, ...]:
    """Return what a source's function may do for a service: what it declares, and the alarms that it describes."""
    return (*source.statements(service), *((alarm_states(service, settings),) if source.alarms else ()))


def alarm_states(service: Service, settings: Settings) -> Statement:
    """Return the permission to see the state of a service's own alarms."""
    return Statement(("cloudwatch:DescribeAlarms",), tuple(
        f"arn:{{partition}}:cloudwatch:{{region}}:{{account}}:alarm:{name}"
        for name in alarm_names(settings.prefix, service)))


def function_name(prefix: str, kind: str, name: str) -> str:
    """Return the name of a function: ``step``, ``source`` or ``action``."""
    return f"{prefix}-{kind}-{name.replace('_', '-')}"


def suffix(kind: str, unit: Unit) -> str:
    """Return a function's name without the deployment's prefix."""
    return function_name("", kind, unit.key)


def ledger_suffix(unit: Unit) -> str:
    """Return the name of a function that keeps the ledger, without the deployment's prefix."""
    return f"-{unit.key.replace('_', '-')}"


def _suffixes(service: Service, services: Sequence[Service]) -> list[str]:
    """Return the names of all functions that look after a service, without the deployment's prefix."""
    return [*(suffix("source", unit) for unit in source_units(services) if service in unit.services),
            *(suffix("action", unit) for unit in action_units(services) if service in unit.services),
            *(ledger_suffix(unit) for unit in ledger_units(services) if service in unit.services), REPORT, TELL, SWEEP]


def unfit(service: Service, services: Sequence[Service]) -> Iterator[Found]:
    """Find names of roles that are too long, and ARNs that are none."""
    arn = service.aws.role_arn
    if not arn:
        return
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "iam" or not parts[4].isdigit() or not parts[5].startswith("role/"):
        yield ("aws", "role_arn"), repr(arn), "how the roles' ARNs begin: arn:aws:iam::222222222222:role/NAME"
        return
    longest = max(_suffixes(service, services), key=len)
    name = arn.rpartition("/")[2]
    if len(name) + len(longest) > _LONGEST_ROLE:
        yield (("aws", "role_arn"), f"{name}{longest}, {len(name) + len(longest)} characters",
               f"a name of up to {_LONGEST_ROLE - len(longest)} characters, because a role's name has up to "
               f"{_LONGEST_ROLE}")
