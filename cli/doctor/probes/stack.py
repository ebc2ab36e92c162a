"""Whether the stack is deployed, and whether what is deployed is what is on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cli.doctor.account import NotDeployed
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings
from responder.model.service import Service
from stacks.deployed import deployed_services, differences, without_settings

_SHOWN = 6


def _look(here: Surroundings) -> Iterable[Check]:
    try:
        stack = here.account.stack
    except NotDeployed as failed:
        return [broken(f"stack {here.settings.stack_name}", failed.why, failed.mend)]
    with here.account.asking("cloudformation"):
        known = deployed_services(here.account.client("cloudformation"), stack.name)
    return [status(stack.name, stack.status), *compared(known, here.services, here.file)]


def status(name: str, status: str) -> Check:
    """Judge the stack's status; a deployment that failed and was rolled back leaves what was there before."""
    subject = f"stack {name}"
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return well(subject, status)
    if status.endswith("_IN_PROGRESS"):
        return broken(subject, f"{status}: a deployment runs just now", "look again when it has ended")
    return broken(subject, f"{status}: the last deployment failed, what runs may be older than the code",
                  f"aws cloudformation describe-stack-events --stack-name {name}; then deploy again: make deploy")


def compared(known: Mapping[str, Service], wanted: Sequence[Service], file: object) -> Iterator[Check]:
    """Compare the deployed configuration with the one on disk, without the settings that AppConfig has."""
    for service in wanted:
        subject = f"{service.service}: configuration"
        if service.service not in known:
            yield broken(subject, f"it is not deployed; deployed are: {', '.join(sorted(known)) or 'none'}",
                         "deploy it: make deploy")
            continue
        found = list(differences(without_settings(known[service.service]), without_settings(service)))
        if not found:
            yield well(subject, "what is deployed is what is on disk")
            continue
        more = f", and {len(found) - _SHOWN} more fields" if len(found) > _SHOWN else ""
        yield broken(subject, "what is deployed differs from what is on disk (deployed → disk): " + "; ".join(
            f"{path}: {before} → {after}" for path, before, after in found[:_SHOWN]) + more,
            "deploy it: make deploy; or take the file back to what is deployed")


PROBE = Probe("stack", "the deployment and its configuration", _look,
              ("cloudformation:DescribeStacks", "cloudformation:ListStackResources", "cloudformation:GetTemplate"))
