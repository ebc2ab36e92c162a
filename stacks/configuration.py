"""The services' configuration, read from YAML and checked before anything is built."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints
from urllib.parse import urlsplit

import yaml
from pydantic import TypeAdapter, ValidationError

from responder import actions
from responder.model import service as model
from responder.model.service import Service
from responder.plan import guardrails

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PARAMETER_GROUP = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_AWS_IDS = {"subnets": re.compile(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})"),
            "security_groups": re.compile(r"sg-([0-9a-f]{8}|[0-9a-f]{17})")}
_PERSON = {
    "slack": (re.compile(r"[UW][A-Z0-9]+"), "the id of a person in Slack (U…), for a channel is read by many"),
    "email": (re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+"), "one e-mail address"),
    "iam": (re.compile(r"arn:aws(-[a-z]+)*:(iam::\d{12}:user/[\w+=,.@/-]+|sts::\d{12}:assumed-role/[\w+=,.@*-]+/"
                       r"[\w+=,.@-]+)"),
            "arn:aws:iam::123456789012:user/NAME or arn:aws:sts::123456789012:assumed-role/ROLE/SESSION, with * in "
            "the role alone"),
}
"""What of a person is an identity or an address of theirs alone."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file."""

    file: str
    line: int
    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: found {self.found}; expected {self.expected}"


class ConfigurationError(Exception):
    """The configuration cannot be used; it lists every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def read_folder(folder: Path) -> list[Service]:
    """Return the services of all ``*.yaml`` files in a folder, by name; raises ConfigurationError."""
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if folder.is_dir() else []
    if not files:
        raise ConfigurationError([Problem(str(folder), 0, "", "no .yaml file", "one file for each service")])
    services: list[Service] = []
    problems: list[Problem] = []
    for file in files:
        try:
            services.append(read_file(file))
        except ConfigurationError as error:
            problems += error.problems
    seen: dict[str, str] = {}
    for file, service in zip(files, services, strict=False):
        if service.service in seen:
            problems.append(Problem(str(file), 1, "service", repr(service.service),
                                    f"a name that {seen[service.service]} does not have"))
        seen[service.service] = file.name
    # One function probes for all services, and a function is in one network.
    probing = [(file, service) for file, service in zip(files, services, strict=False) if service.probes]
    problems += [Problem(str(file), 1, "network", "another network", f"that of {probing[0][0].name}, or no probes")
                 for file, service in probing[1:] if service.network != probing[0][1].network]
    if problems:
        raise ConfigurationError(problems)
    return sorted(services, key=lambda service: service.service)


def read_file(file: Path) -> Service:
    """Return the service that a file describes; raises ConfigurationError naming line, path, found and expected."""
    try:
        text = file.read_text(encoding="utf-8")
        value, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(str(file), 0, "", str(error), "a readable text file")]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigurationError([Problem(str(file), mark.line + 1 if mark else 0, "",
                                          str(getattr(error, "problem", error)), "YAML")]) from error
    if not isinstance(value, dict):
        raise ConfigurationError([Problem(str(file), 1, "", type(value).__name__, "a mapping of fields")])
    problems = [Problem(str(file), line_of(node, path), path_text(path), found, expected)
                for path, found, expected in _unknown(Service, value, ())]
    try:
        service = TypeAdapter(Service).validate_python(value)
    except ValidationError as error:
        problems += [Problem(str(file), line_of(node, item["loc"]), path_text(item["loc"]),
                             "nothing" if item["type"] == "missing" else repr(item.get("input"))[:80],
                             "this field" if item["type"] == "missing"
                             else item["msg"].removeprefix("Input should be "))
                     for item in error.errors()]
        raise ConfigurationError(problems) from error
    problems += [Problem(str(file), line_of(node, path), path_text(path), found, expected)
                 for path, found, expected in _inconsistent(service)]
    if problems:
        raise ConfigurationError(problems)
    return service


_Found = tuple[tuple[str | int, ...], str, str]


def _unknown(kind: Any, value: Any, path: tuple[str | int, ...]) -> Iterator[_Found]:
    """Find fields that the model does not have, and name the nearest that it has."""
    parts = [part for part in (kind, *get_args(kind)) if is_dataclass(part)]
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(kind, item, (*path, index))
    elif isinstance(value, dict) and parts:
        known = {field.name for field in fields(parts[0])}
        hints = get_type_hints(parts[0], vars(model))
        for key, item in value.items():
            if key in known:
                yield from _unknown(hints[key], item, (*path, key))
            else:
                near = difflib.get_close_matches(str(key), known, 1, 0.5)
                yield ((*path, key), "an unknown field",
                       f"{near[0]!r}?" if near else f"one of {', '.join(sorted(known))}")


def _inconsistent(service: Service) -> Iterator[_Found]:
    """Find what no single field shows: names that do not fit together, limits that cannot hold."""
    if not _NAME.fullmatch(service.service) or len(service.service) > 40:
        yield ("service",), repr(service.service), "up to 40 lower-case letters, digits and single hyphens"
    components = [component.name for component in service.components]
    if not components:
        yield ("components",), "no component", "at least one"
    for index, component in enumerate(service.components):
        if components.count(component.name) > 1:
            yield ("components", index, "name"), repr(component.name), "a name that no other component has"
        known = {*components, *(provider.name for provider in service.providers),
                 *([service.database.name] if service.database else [])}
        for place, called in enumerate(component.calls):
            if called not in known:
                near = difflib.get_close_matches(called, known, 1, 0.5)
                yield (("components", index, "calls", place), repr(called),
                       f"{near[0]!r}?" if near else "a component, the database or a provider")
    if service.entry not in components:
        yield ("entry",), repr(service.entry), f"one of {', '.join(components)}"
    if service.metrics.period_seconds not in (10, 30, 60):
        yield ("metrics", "period_seconds"), str(service.metrics.period_seconds), "10, 30 or 60"
    for section in ("alarms", "confirm"):
        rate = getattr(service, section).error_rate
        if not 0 < rate < 1:
            yield (section, "error_rate"), str(rate), "a share between 0 and 1"
    if not 0.5 <= service.guardrails.minimum_confidence <= 1:
        yield (("guardrails", "minimum_confidence"), str(service.guardrails.minimum_confidence),
               "a share between 0.5 and 1")
    if service.alarms.datapoints_to_alarm > service.alarms.evaluation_periods:
        yield (("alarms", "datapoints_to_alarm"), str(service.alarms.datapoints_to_alarm),
               f"at most evaluation_periods ({service.alarms.evaluation_periods})")
    for section in ("alarms", "confirm", "recovery"):
        for field in fields(getattr(service, section)):
            value = getattr(getattr(service, section), field.name)
            if isinstance(value, int | float) and value <= 0:
                yield (section, field.name), str(value), "more than 0"
    switch = service.provider_switch
    if switch:
        if sum((bool(switch.config_map), bool(switch.ssm_parameter), switch.appconfig is not None)) != 1:
            yield ("provider_switch",), "none or several places", "config_map, ssm_parameter or appconfig, one of them"
        if switch.ssm_parameter and switch.ssm_parameter.endswith("/kill-switch"):
            yield (("provider_switch", "ssm_parameter"), repr(switch.ssm_parameter),
                   "a parameter that is no kill switch of the responder")
        if not switch.ssm_parameter and not switch.key:
            yield ("provider_switch", "key"), "nothing", "the key that says which provider is used"
    group = service.database.parameter_group if service.database else ""
    if group and not _PARAMETER_GROUP.fullmatch(group):
        yield (("database", "parameter_group"), repr(group),
               "the name of a parameter group of your own, in lower case as RDS keeps it, or nothing")
    yield from _wrong_probes(service)
    known_actions = {action.name for action in actions.every()}
    for action in service.policy:
        if action not in known_actions:
            near = difflib.get_close_matches(action, known_actions, 1, 0.5)
            yield (("policy", action), "an unknown action",
                   f"{near[0]!r}?" if near else f"one of {', '.join(sorted(known_actions))}")
    yield from _people(service, known_actions)
    for path, url in (("newrelic", service.newrelic and service.newrelic.endpoint),
                      ("splunk", service.splunk and service.splunk.url)):
        if url:
            parts = urlsplit(url)
            if (parts.scheme != "https" and parts.hostname not in _LOOPBACK) or not parts.hostname:
                yield (path, "endpoint" if path == "newrelic" else "url"), repr(url), "an https:// address"


def _wrong_probes(service: Service) -> Iterator[_Found]:
    """Find probes that lead nowhere, and a network that no function could be put into."""
    names = [*(component.name for component in service.components), *([service.database.name] if service.database
             else []), *(provider.name for provider in service.providers)]
    targets = [probe.target for probe in service.probes]
    for index, probe in enumerate(service.probes):
        if not service.target(probe.target):
            near = difflib.get_close_matches(probe.target, names, 1, 0.5)
            yield (("probes", index, "target"), repr(probe.target),
                   f"{near[0]!r}?" if near else "a component, the database or a provider")
        elif probe.target in targets[:index]:
            yield ("probes", index, "target"), repr(probe.target), "a target that no other probe has"
        if not _HOST.fullmatch(probe.host):
            yield ("probes", index, "host"), repr(probe.host), "a host's name or IPv4 address alone"
        if not 1 <= probe.port <= 65535:
            yield ("probes", index, "port"), str(probe.port), "1 to 65535"
    for field, pattern in _AWS_IDS.items() if service.network else ():
        ids = getattr(service.network, field)
        if not ids:
            yield ("network", field), "none", "at least one"
        for index, name in enumerate(ids):
            if not pattern.fullmatch(name):
                yield ("network", field, index), repr(name), f"an id like {pattern.pattern.split('(')[0]}0a1b2c3d"


def _people(service: Service, known_actions: set[str]) -> Iterator[_Found]:
    """Find what is wrong with freezes and approvals, which would show only in an outage."""
    for index, freeze in enumerate(service.guardrails.freezes):
        for key in ("start", "end"):
            try:
                guardrails.moment(getattr(freeze, key))
            except ValueError:
                yield (("guardrails", "freezes", index, key), repr(getattr(freeze, key)),
                       'a time with its zone ("2026-11-27T00:00:00Z") or of each week, in UTC ("fri 18:00")')
                break
        else:
            weekly = [guardrails.weekly_day(text) for text in (freeze.start, freeze.end)]
            if weekly[0] != weekly[1]:
                yield (("guardrails", "freezes", index, "end"), repr(freeze.end), "of the same kind as start")
            elif not weekly[0] and guardrails.moment(freeze.end) <= guardrails.moment(freeze.start):
                yield (("guardrails", "freezes", index, "end"), repr(freeze.end), "a time after start")
        for place, action in enumerate(freeze.allows):
            if action not in known_actions:
                yield ("guardrails", "freezes", index, "allows", place), repr(action), _near(action, known_actions)
    for key in ("wait_seconds", "task_seconds"):
        value = getattr(service.approval, key)
        if not 10 <= value <= 86_400:
            yield ("approval", key), str(value), "10 to 86400"
    for place, action in enumerate(service.approval.two_person):
        if action not in known_actions:
            yield ("approval", "two_person", place), repr(action), _near(action, known_actions)
    yield from _identities(service)
    roles = {person.role for person in service.team}
    for place, role in enumerate(service.approval.roles):
        if service.team and role not in roles:
            yield ("approval", "roles", place), repr(role), f"a role of the team: {', '.join(sorted(roles))}"


def _identities(service: Service) -> Iterator[_Found]:
    """Find identities that name nobody, or two people at once: two persons must be two identities."""
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
    names = [" ".join(person.name.split()).casefold() for person in service.team]
    for place, name in enumerate(names):
        if names.index(name) != place:
            yield ("team", place, "name"), repr(service.team[place].name), "a name that nobody else of the team has"
    for name, letter in (("team", "T"), ("app", "A")):
        value = getattr(service.slack, name) if service.slack else ""
        if value and not re.fullmatch(f"{letter}[A-Z0-9]+", value):
            yield ("slack", name), repr(value), f"an id such as {letter}0123456789"
    approvers = [person for person in service.team if person.role in service.approval.roles]
    able = [person for person in approvers if person.iam or (
        person.slack and service.slack and service.slack.signing_secret)]
    if service.approval.two_person and any(person.iam for person in approvers) and len(able) < 2:
        yield (("approval", "two_person"), f"{len(able)} of approval.roles with an identity",
               "two at least: people with `iam`, or with `slack` where there are buttons")


def _near(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"{near[0]!r}?" if near else f"one of {', '.join(sorted(known))}"


def line_of(node: yaml.Node | None, path: Sequence[str | int]) -> int:
    """Return the line of a field, or of the nearest one around it that is there."""
    line = node.start_mark.line + 1 if node else 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def path_text(path: Sequence[str | int]) -> str:
    """A field's path as people write it: ``components[0].calls[1]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "(file)"


if __name__ == "__main__":
    import sys

    try:
        for checked in read_folder(Path(sys.argv[1])):
            sys.stdout.write(f"{checked.service}: configuration is valid, mode {checked.mode}\n")
    except ConfigurationError as problem:
        sys.exit(str(problem))
