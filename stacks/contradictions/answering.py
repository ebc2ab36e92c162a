"""People who are asked and cannot answer, and what is said of components that nobody has."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.service import Person, Service
from stacks.nearest import Found, nearest


def _components(service: Service) -> Iterator[Found]:
    for place, person in enumerate(service.team):
        for number, name in enumerate(person.components):
            if name not in service.graph:
                yield ("team", place, "components", number), repr(name), nearest(name, service.graph)


def _roles(service: Service) -> Iterator[Found]:
    if not service.approval.roles:
        yield ("approval", "roles"), "none", "a role at least: nobody would be asked"
    elif service.approval.roles and not service.team and service.mode != "observe":
        yield (("team",), "nobody", f"somebody with a role of approval.roles ({', '.join(service.approval.roles)}), "
                                    "who is asked")


def _silent(service: Service) -> Iterator[Found]:
    """Find approvers who have no way to answer: once anybody has ``iam``, only those who have it decide by IAM."""
    approvers = [(place, person) for place, person in enumerate(service.team)
                 if person.role in service.approval.roles]
    if not any(person.iam for _, person in approvers):
        return
    for place, person in approvers:
        if not _answers(service, person):
            yield (("team", place), f"{person.name}, who is asked and cannot answer",
                   "`iam`, because others of approval.roles have it; or `slack`, with slack.signing_secret; or an "
                   "address for approval.links")


def _answers(service: Service, person: Person) -> bool:
    by_slack = bool(person.slack and service.slack and service.slack.signing_secret)
    by_link = service.approval.links != "none" and bool(person.email or (person.slack and service.slack))
    return bool(person.iam) or by_slack or by_link


def _unheard(service: Service) -> Iterator[Found]:
    """Find ids of channels that the file does not have."""
    for place, person in enumerate(service.team):
        if person.slack and not service.slack:
            yield ("team", place, "slack"), repr(person.slack), "a section slack, by which they are reached"
        if person.pagerduty and not (service.pagerduty and service.pagerduty.api_secret):
            yield (("team", place, "pagerduty"), repr(person.pagerduty),
                   "pagerduty.api_secret, by which further people are asked to join")


def _nobody_is_woken(service: Service) -> Iterator[Found]:
    if not service.pagerduty and not service.slack and not service.notify_emails:
        yield (("service",), "neither pagerduty nor slack nor notify_emails",
               "one of them, or something of yours that is subscribed to the incident topic: else nobody hears of it")


ERRORS = (_components,)
WARNINGS = (_roles, _silent, _unheard, _nobody_is_woken)
