"""Checks across several fields of a configuration: names that do not match, limits that cannot hold.

``CHECKS`` has one function per concern; each yields a field's path, what was found, and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from responder import actions
from responder.model.service import Person, Service
from responder.plan import mechanisms
from responder.plan.burn import objective
from responder.plan.links import reference
from stacks import contradictions, network
from stacks.credentials import credentials
from stacks.customers import customers
from stacks.doors import doors
from stacks.hosts import hosts, status_pages
from stacks.logs import logs
from stacks.nearest import Found, nearest
from stacks.payments import payments
from stacks.prometheus import prometheus
from stacks.switches import dependencies, switches
from stacks.waits import waits

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_IDENTIFIER = re.compile(r"(?=.{1,63}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
_PARAMETER_GROUP = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_AWS_IDS = {"subnets": re.compile(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})"),
            "security_groups": re.compile(r"sg-([0-9a-f]{8}|[0-9a-f]{17})")}
_PERSON = {
    "slack": (re.compile(r"[UW][A-Z0-9]+"), "the id of a person in Slack (U…); many people read a channel"),
    "email": (re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+"), "one e-mail address"),
    "iam": (re.compile(r"arn:aws(-[a-z]+)*:(iam::\d{12}:user/[\w+=,.@/-]+|sts::\d{12}:assumed-role/[\w+=,.@*-]+/"
                       r"[\w+=,.@-]+)"),
            "arn:aws:iam::123456789012:user/NAME or arn:aws:sts::123456789012:assumed-role/ROLE/SESSION, with * in "
            "the role alone"),
}
"""The fields of a person that identify them or are their own address."""
_OPERATION = re.compile(r"[A-Za-z0-9._-]{1,60}")
_MOST_OPERATIONS = 50
"""Each has an alarm; one call takes up to 100 alarms by name (AWS: "DescribeAlarms")."""
_LEAST_OBJECTIVE = 0.94
"""What burns 14.4 times as fast as the budget allows needs a budget of less than a fourteenth."""
_WORKLOADS = ("deployment", "statefulset", "daemonset", "rollout")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def inconsistent(service: Service) -> Iterator[Found]:
    """Find all inconsistencies in a configuration whose fields are all valid."""
    for check in CHECKS:
        yield from check(service)


def _service(service: Service) -> Iterator[Found]:
    if not _NAME.fullmatch(service.service) or len(service.service) > 40:
        yield ("service",), repr(service.service), "up to 40 lower-case letters, digits and single hyphens"


def _components(service: Service) -> Iterator[Found]:
    names = [component.name for component in service.components]
    if not names:
        yield ("components",), "no component", "at least one"
    for index, name in enumerate(names):
        if names.count(name) > 1:
            yield ("components", index, "name"), repr(name), "a name that no other component has"


def _callees(service: Service) -> Iterator[Found]:
    known = {*(component.name for component in service.components), *_called(service)}
    for index, component in enumerate(service.components):
        for place, called in enumerate(component.calls):
            if called not in known:
                yield (("components", index, "calls", place), repr(called),
                       nearest(called, known, "a component, the database, a provider or a dependency"))


def _workloads(service: Service) -> Iterator[Found]:
    for index, component in enumerate(service.components):
        prefix, slash, name = component.workload.rpartition("/")
        if slash and (prefix.lower() not in _WORKLOADS or not name):
            yield (("components", index, "workload"), repr(component.workload),
                   f"NAME or KIND/NAME, of kind {', '.join(_WORKLOADS)}")


def _entry(service: Service) -> Iterator[Found]:
    names = [component.name for component in service.components]
    if service.entry not in names:
        yield ("entry",), repr(service.entry), nearest(service.entry, names)


def _called(service: Service) -> list[str]:
    """Return the names of the database, the providers and the dependencies."""
    return [*([service.database.name] if service.database else []),
            *(one.name for one in service.providers), *(one.name for one in service.dependencies)]


def _periods(service: Service) -> Iterator[Found]:
    alarms = service.alarms
    if service.metrics.period_seconds not in (10, 30, 60):
        yield ("metrics", "period_seconds"), str(service.metrics.period_seconds), "10, 30 or 60"
    if alarms.latency_period_seconds not in (10, 30, 60) or (
            alarms.latency_period_seconds < service.metrics.period_seconds):
        yield (("alarms", "latency_period_seconds"), str(alarms.latency_period_seconds),
               f"10, 30 or 60, and not less than metrics.period_seconds ({service.metrics.period_seconds})")
    if alarms.datapoints_to_alarm > alarms.evaluation_periods:
        yield (("alarms", "datapoints_to_alarm"), str(alarms.datapoints_to_alarm),
               f"at most evaluation_periods ({alarms.evaluation_periods})")


def _share(service: Service, section: str) -> Iterator[Found]:
    rate = getattr(service, section).error_rate
    if not 0 < rate < 1:
        yield (section, "error_rate"), str(rate), "a share between 0 and 1, such as 0.05 for 5%"


def _confidence(service: Service) -> Iterator[Found]:
    confidence = service.guardrails.minimum_confidence
    if not 0.5 <= confidence <= 1:
        yield ("guardrails", "minimum_confidence"), str(confidence), "a share between 0.5 and 1"


def _positive(service: Service, section: str) -> Iterator[Found]:
    values = getattr(service, section)
    for field in fields(values):
        value = getattr(values, field.name)
        if isinstance(value, int | float) and value <= 0:
            yield (section, field.name), str(value), "more than 0"


def _alarms(service: Service) -> Iterator[Found]:
    alarms, metrics = service.alarms, service.metrics
    for name, share in (("traffic_share", alarms.traffic_share), ("objective", alarms.objective)):
        if share is not None and not 0 < share < 1:
            yield ("alarms", name), str(share), "a share between 0 and 1"
    aim = objective(service)
    if aim is not None and not _LEAST_OBJECTIVE <= aim < 1:
        yield (("alarms", "objective"), str(aim),
               f"{_LEAST_OBJECTIVE} or more: below it, more would have to fail than there are requests")
    if bool(metrics.operation_dimension) != bool(metrics.operations):
        yield ("metrics", "operations"), "only one of the two", "operation_dimension and operations, both or neither"
    for index, operation in enumerate(metrics.operations):
        if not _OPERATION.fullmatch(operation) or metrics.operations.index(operation) < index:
            yield (("metrics", "operations", index), repr(operation),
                   "a name of its own of up to 60 letters, digits, dots, hyphens and underscores")
    if len(metrics.operations) > _MOST_OPERATIONS:
        yield ("metrics", "operations"), str(len(metrics.operations)), f"up to {_MOST_OPERATIONS}"
    yield from _starters(service)


def _starters(service: Service) -> Iterator[Found]:
    for name in ("pagerduty", "newrelic", "splunk"):
        starter = getattr(service.starters, name)
        if starter and not starter.secret:
            yield ("starters", name, "secret"), "nothing", "the name of a secret"
    for index, own in enumerate(service.alarms.own):
        if bool(own.name) == bool(own.tag):
            yield ("alarms", "own", index), "both or neither", "a name or a tag"
        elif own.tag and not (own.tag.key and own.tag.value):
            yield ("alarms", "own", index, "tag"), "nothing", "a key and a value"


def _database(service: Service) -> Iterator[Found]:
    database = service.database
    if database is None:
        return
    if not database.instance and not database.cluster:
        yield ("database", "instance"), "neither an instance nor a cluster", "database.instance or database.cluster"
    for name in ("instance", "cluster", "proxy"):
        value = getattr(database, name)
        if value and not _IDENTIFIER.fullmatch(value):
            yield (("database", name), repr(value),
                   "an identifier of RDS: up to 63 letters, digits and single hyphens, and no ARN or host")
    if database.instance and database.instance == database.cluster:
        yield ("database", "cluster"), repr(database.cluster), "the DB cluster's identifier, not the instance's"
    if database.parameter_group and not database.instance:
        yield (("database", "parameter_group"), repr(database.parameter_group),
               "database.instance, by which it is known whether a value is in effect")
    if database.cluster_parameter_group and database.cluster_parameter_group == database.parameter_group:
        yield (("database", "cluster_parameter_group"), repr(database.cluster_parameter_group),
               "the DB cluster's group, whose name is another")


def _provider_switch(service: Service) -> Iterator[Found]:
    switch = service.provider_switch
    if not switch:
        return
    if sum((bool(switch.config_map), bool(switch.ssm_parameter), switch.appconfig is not None)) != 1:
        yield ("provider_switch",), "none or several places", "config_map, ssm_parameter or appconfig, one of them"
    if switch.ssm_parameter.endswith("/kill-switch"):
        yield (("provider_switch", "ssm_parameter"), repr(switch.ssm_parameter),
               "a parameter that is no kill switch of the responder")
    if not switch.ssm_parameter and not switch.key:
        yield ("provider_switch", "key"), "nothing", "the key that says which provider is used"


def _parameter_group(service: Service) -> Iterator[Found]:
    for name in ("parameter_group", "cluster_parameter_group"):
        group = getattr(service.database, name, "")
        if group and not _PARAMETER_GROUP.fullmatch(group):
            yield (("database", name), repr(group),
                   "the name of a parameter group of your own, in lower case as RDS keeps it, or nothing")


def _addresses(service: Service) -> Iterator[Found]:
    for path, url in ((("newrelic", "endpoint"), service.newrelic and service.newrelic.endpoint),
                      (("splunk", "url"), service.splunk and service.splunk.url),
                      (("prometheus", "url"), service.prometheus and service.prometheus.url)):
        parts = urlsplit(url) if url else None
        if parts and ((parts.scheme != "https" and parts.hostname not in _LOOPBACK) or not parts.hostname):
            yield path, repr(url), "an https:// address"


def _links(service: Service) -> Iterator[Found]:
    """Find pages that no message could link to, and runbooks of causes that no diagnosis names."""
    pages: list[tuple[tuple[str | int, ...], str]] = [
        (("links", "dashboard"), service.links.dashboard), (("links", "runbook"), service.links.runbook),
        *((("links", "runbooks", cause), page) for cause, page in service.links.runbooks.items())]
    for path, page in pages:
        if page and reference("", page) is None:
            yield path, repr(page), "an https:// address without blanks, quotes, brackets or bars"
    known = {mechanism.cause.id for mechanism in mechanisms.every()}
    for cause in service.links.runbooks:
        if cause not in known:
            yield ("links", "runbooks", cause), "an unknown cause", nearest(cause, known)


def _probes(service: Service) -> Iterator[Found]:
    """Find probes that lead nowhere."""
    names = [*(component.name for component in service.components), *_called(service)]
    targets = [probe.target for probe in service.probes]
    for index, probe in enumerate(service.probes):
        if not service.target(probe.target):
            yield (("probes", index, "target"), repr(probe.target),
                   nearest(probe.target, names, "a component, the database, a provider or a dependency"))
        elif probe.target in targets[:index]:
            yield ("probes", index, "target"), repr(probe.target), "a target that no other probe has"
        if not _HOST.fullmatch(probe.host):
            yield ("probes", index, "host"), repr(probe.host), "a host's name or IPv4 address alone"
        if not 1 <= probe.port <= 65535:
            yield ("probes", index, "port"), str(probe.port), "1 to 65535"


def _network(service: Service) -> Iterator[Found]:
    for field, ids in (("subnets", service.network.subnets), (
            "security_groups", service.network.security_groups)) if service.network else ():
        pattern = _AWS_IDS[field]
        if not ids:
            yield ("network", field), "none", "at least one"
        for index, name in enumerate(ids):
            if not pattern.fullmatch(name):
                yield ("network", field, index), repr(name), f"an id like {pattern.pattern.split('(')[0]}0a1b2c3d"
    yield from network.fields(service)


def _reached(service: Service) -> Iterator[Found]:
    """Find what functions in the service's network need and do not have there."""
    if service.network:
        yield from (found for _, found in network.missing([service]))


def _known_actions(service: Service) -> Iterator[Found]:
    known = {action.name for action in actions.every()}
    for action in service.policy:
        if action not in known:
            yield ("policy", action), "an unknown action", nearest(action, known)


def _actions_of_two(service: Service) -> Iterator[Found]:
    yield from _named_actions(("approval", "two_person"), service.approval.two_person)


def _actions_in_freezes(service: Service) -> Iterator[Found]:
    for index, freeze in enumerate(service.guardrails.freezes):
        yield from _named_actions(("guardrails", "freezes", index, "allows"), freeze.allows)


def _named_actions(path: tuple[str | int, ...], named: Sequence[str]) -> Iterator[Found]:
    known = {action.name for action in actions.every()}
    for place, action in enumerate(named):
        if action not in known:
            yield (*path, place), repr(action), nearest(action, known)


def _identities(service: Service) -> Iterator[Found]:
    """Find identities that name nobody, or that two people share."""
    for name, (pattern, expected) in _PERSON.items():
        seen: dict[str, str] = {}
        for place, person in enumerate(service.team):
            value = getattr(person, name)
            if not value:
                continue
            if not pattern.fullmatch(value):
                yield ("team", place, name), repr(value), expected
            elif value.casefold() in seen:
                yield ("team", place, name), repr(value), f"another than that of {seen[value.casefold()]}"
            seen[value.casefold()] = person.name


def _names(service: Service) -> Iterator[Found]:
    names = [" ".join(person.name.split()).casefold() for person in service.team]
    for place, name in enumerate(names):
        if names.index(name) != place:
            yield ("team", place, "name"), repr(service.team[place].name), "a name that nobody else of the team has"
    for name, letter, value in (("team", "T", service.slack.team), (
            "app", "A", service.slack.app)) if service.slack else ():
        if value and not re.fullmatch(f"{letter}[A-Z0-9]+", value):
            yield ("slack", name), repr(value), f"an id such as {letter}0123456789"


def _approvers(service: Service) -> Iterator[Found]:
    """Find actions that nobody could approve."""
    approvers = [person for person in service.team if person.role in service.approval.roles]
    able = [person for person in approvers if _is_able(service, person)]
    if service.approval.two_person and any(person.iam for person in approvers) and len(able) < 2:
        yield (("approval", "two_person"), f"{len(able)} of approval.roles with an identity",
               "two at least: people with `iam`, or with `slack` where there are buttons")


def _roles(service: Service) -> Iterator[Found]:
    roles = {person.role for person in service.team}
    for place, role in enumerate(service.approval.roles):
        if service.team and role not in roles:
            yield ("approval", "roles", place), repr(role), f"a role of the team: {', '.join(sorted(roles))}"


def _is_able(service: Service, person: Person) -> bool:
    return bool(person.iam or (person.slack and service.slack and service.slack.signing_secret))


def _reports(service: Service) -> Iterator[Found]:
    reports = service.reports
    if reports.time_zone and reports.time_zone not in available_timezones():
        yield (("reports", "time_zone"), repr(reports.time_zone),
               nearest(reports.time_zone, available_timezones(), "an IANA time zone, such as Europe/Berlin"))
    if not reports.requests.strip():
        yield ("reports", "requests"), "nothing", "a word in the plural, such as payments"
    if reports.payment:
        if reports.payment.average <= 0:
            yield ("reports", "payment", "average"), str(reports.payment.average), "more than 0"
        if not _CURRENCY.fullmatch(reports.payment.currency):
            yield ("reports", "payment", "currency"), repr(reports.payment.currency), "an ISO 4217 code, such as EUR"


def _severities(service: Service) -> Iterator[Found]:
    rules = service.reports.severities
    for name, ways in (("sev1", rules.sev1), ("sev2", rules.sev2), ("sev3", rules.sev3)):
        for place, rule in enumerate(ways):
            at = ("reports", "severities", name, place)
            if not 0 <= rule.affected_share <= 1:
                yield (*at, "affected_share"), str(rule.affected_share), "a share such as 0.05 for 5%"
            if rule.minutes < 0:
                yield (*at, "minutes"), str(rule.minutes), "0 or more"
            if rule.money and service.reports.payment is None:
                yield (*at, "money"), str(rule.money), "reports.payment, by which money is known"


def _objective(service: Service) -> Iterator[Found]:
    objective = service.reports.objective
    if objective is None:
        return
    if not 0 < objective.success_share < 1:
        yield (("reports", "objective", "success_share"), str(objective.success_share),
               "a share between 0 and 1, such as 0.999")
    for name, value in (("requests_per_day", objective.requests_per_day), ("days", objective.days)):
        if value <= 0:
            yield ("reports", "objective", name), str(value), "more than 0"


CHECKS: tuple[Callable[[Service], Iterator[Found]], ...] = (
    *contradictions.ERRORS, _service, _components, _callees, _workloads, _entry, _periods, *(
        partial(_share, section=section) for section in ("alarms", "confirm")), _confidence, *(
        partial(_positive, section=section) for section in ("alarms", "confirm", "recovery")), waits,
    _alarms, _database, _provider_switch, _parameter_group, _probes, _network, _reached, _known_actions,
    _actions_of_two, _actions_in_freezes, _identities, _names, _approvers, _roles, _addresses, _links, _reports,
    _severities, _objective, credentials, customers, hosts, status_pages, doors, logs, payments, prometheus,
    dependencies, switches)
