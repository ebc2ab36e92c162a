"""The switches that the configuration names: which one fits a cause, and the commands that turn it by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from responder.model.fault_location import OWN, UNREACHED, Callee, Dependency, FaultLocation, Provider, location_of
from responder.model.frozen import dataclass
from responder.model.service import AppConfig, ProviderSwitch, Service, Switch
from responder.plan import remedies
from responder.plan.deeds import Deed, Site, text
from responder.plan.remedies import Considered, Field, OnRecord


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """Which switch it is, by its name; empty: the configuration names none that fits."""

    switch: str = ""


@dataclass(frozen=True)
class Value:
    """What a switch says."""

    value: str


@dataclass(frozen=True)
class Turn:
    """Which switch is turned, and what it is set to."""

    switch: str
    values: tuple[str, ...]
    """One after the other."""


def called(service: Service, component: str, where: str) -> str:
    """Return the name of what the calls are of that fail; the component's own where it fails in itself."""
    location: FaultLocation | None = location_of(where)
    if location in (None, OWN, UNREACHED):
        return component
    if where == "database":
        return service.database.name if service.database else ""
    return location.name if isinstance(location, Provider | Dependency | Callee) else ""


def fitting(considered: Considered, purpose: str) -> Switch | None:
    """Return the first switch of a purpose that bears on what fails; None: there is none."""
    service, component = considered.service, considered.component
    what = called(service, component, considered.where)
    # What a component fails in by itself is called by its callers: they are who makes the attempts.
    callers = {name for name, calls in service.graph.items() if what in calls} if what == component else {component}
    for switch in service.switches:
        if switch.purpose == purpose and (
                switch.component == component if purpose == "shed_load" else switch.component in callers
                and switch.of in ((what,) if purpose == "fail_open" else ("", what))):
            return switch
    return None


def named(service: Service, name: str) -> Switch | None:
    """Return the switch called ``name``; None where it is configured no more."""
    return next((switch for switch in service.switches if switch.name == name), None)


def deed(site: Site, record: OnRecord[Value, Turn], title: str) -> Deed:
    """What turns a switch, and back, in commands."""
    switch = named(site.service, record.parameters.switch)
    if switch is None:
        return Deed()
    steps = record.parameters.values
    forth = tuple(command for value in steps for command in writing(site, switch.place, value))
    return Deed(f"{title}: set {switch.name} from {record.before.value} to {', then '.join(steps)}",
                forth, writing(site, switch.place, record.before.value))


def target(switch: Switch) -> str:
    """Return where a switch stands, as a remedy's target names it."""
    place = switch.place
    if place.ssm_parameter:
        return f"parameter/{place.ssm_parameter.lstrip('/')}"
    if place.appconfig:
        return f"appconfig/{place.appconfig.application}/{place.appconfig.profile}"
    return f"configmap/{place.config_map}"


def writes(record: OnRecord[Value, Turn]) -> Iterator[Field]:
    """It writes a key of the ConfigMap; other places are not watched."""
    place, _, name = record.target.partition("/")
    if place == "configmap":
        yield Field("ConfigMap", name, ("data",), (*record.parameters.values, record.before.value))


def writing(site: Site, switch: ProviderSwitch, value: str) -> tuple[str, ...]:
    """Return the commands that write a value where a switch stands."""
    if switch.ssm_parameter:
        return (site.aws("ssm", "put-parameter", "--name", switch.ssm_parameter, "--value", value, "--overwrite"),)
    if switch.appconfig:
        return _deploying(site, switch.appconfig, switch.key, value)
    return (site.kubectl("patch", "configmap", switch.config_map, "--type", "merge", "-p",
                         text({"data": {switch.key: value}})),)


def _deploying(site: Site, place: AppConfig, key: str, value: str) -> tuple[str, ...]:
    """Read what is deployed, change the one key, and deploy it; jq changes it, the files are in the current folder."""
    whose = ("--application-id", place.application, "--configuration-profile-id", place.profile)
    token = site.aws(
        "appconfigdata", "start-configuration-session", "--application-identifier", place.application,
        "--environment-identifier", place.environment, "--configuration-profile-identifier", place.profile,
        "--query", "InitialConfigurationToken", "--output", "text")
    read = site.aws("appconfigdata", "get-latest-configuration", "--configuration-token")
    version = site.aws("appconfig", "create-hosted-configuration-version", *whose, "--content-type",
                       "application/json", "--content", "fileb://new.json", "--query", "VersionNumber", "--output",
                       "text", "made.json")
    deploy = site.aws("appconfig", "start-deployment", "--application-id", place.application, "--environment-id",
                      place.environment, "--configuration-profile-id", place.profile, "--deployment-strategy-id",
                      place.strategy, "--configuration-version")
    return (f'{read} "$({token})" now.json',
            f"{shlex.join(('jq', '--arg', 'key', key, '--arg', 'value', value, '.[$key] = $value', 'now.json'))} "
            "> new.json", f'{deploy} "$({version})"')
