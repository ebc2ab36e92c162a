"""The functions in the services' networks: which ones run there, and what they then need to reach.

A function in a VPC reaches nothing outside it by itself: each AWS API needs an interface endpoint, a gateway, a NAT
gateway or a proxy, and each host on the internet one of the latter two. ``needs`` lists what each function speaks to,
from what its source or action declares; ``missing`` compares that with what the configuration says is there, and
``python -m stacks.network`` prints both, with prices (``prices.yaml``). Sources: AWS's pages "AWS services that
integrate with AWS PrivateLink" (names of endpoints) and "Gateway endpoints".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from responder import people
from responder.model.service import Network, Service
from responder.sources import Statement, load
from responder.sources.cloudwatch.doors import CLOUDFRONT_REGION
from responder.sources.prometheus.answer import workspace
from stacks import prices
from stacks.nearest import Found, nearest
from stacks.used import allows, used_actions, used_sources

GATEWAYS = frozenset({"dynamodb", "s3"})
"""Services with gateway endpoints, which cost nothing."""
ENDPOINTS = {"appconfig": "appconfig", "application-signals": "application-signals", "aps": "aps-workspaces",
             "cloudtrail": "cloudtrail", "cloudwatch": "monitoring", "ec2": "ec2", "eks": "eks", "lambda": "lambda",
             "logs": "logs", "pi": "pi", "rds": "rds", "secretsmanager": "secretsmanager", "sns": "sns",
             "ssm": "ssm", "states": "states", "sts": "sts"}
"""The prefix of an action in IAM to the name of the interface endpoint behind ``com.amazonaws.REGION.``."""
_BY_ACTION = {"appconfig:StartConfigurationSession": "appconfigdata",
              "appconfig:GetLatestConfiguration": "appconfigdata"}
_NO_ENDPOINT = frozenset({"acm", "health"})
"""AWS Health is asked in us-east-1 alone, whatever the Region, and an endpoint serves its own Region; ACM has endpoints
for ACME alone (AWS: "AWS services that integrate with AWS PrivateLink")."""
KNOWN_ENDPOINTS = frozenset({*GATEWAYS, *ENDPOINTS.values(), *_BY_ACTION.values()})
ALWAYS_INSIDE = "network"
"""The source that probes: it runs in the service's network wherever there is one."""
INTERNET = "the internet"
OUTSIDE = "outside"
"""Behind the name of a function outside of any network, where another one is in the network without a name."""
_NAME = re.compile(r"[a-z][a-z0-9]{0,7}")
"""Short, because names of functions have 64 characters at most."""


@dataclass(frozen=True)
class Unit:
    """One function for the services of one network, or for all that have it outside of any."""

    name: str
    """The source's or the action's."""
    network: Network | None
    services: tuple[Service, ...]
    where: str = ""
    """What tells it from the other functions of the same source or action: its network's name, or ``OUTSIDE``."""

    @property
    def key(self) -> str:
        """Its name, with ``where`` behind it."""
        return f"{self.name}_{self.where}" if self.where else self.name


@dataclass(frozen=True)
class Need:
    """Something outside the network that a function there speaks to."""

    network: str
    """The network's name; empty: that of the only one, or of the first."""
    function: str
    what: str
    """An endpoint's name, or ``INTERNET``."""
    why: str
    raw_tcp: bool = False
    """Whether it is no HTTP, so that no proxy helps."""


def runs_inside(service: Service, name: str, *, cluster: bool) -> bool:
    """Whether a function runs in a service's network: as probes do, or by ``network.functions``."""
    if service.network is None:
        return False
    chosen = service.network.functions
    return name == ALWAYS_INSIDE or name in chosen or "all" in chosen or (cluster and "cluster" in chosen)


def units(name: str, services: Sequence[Service], *, cluster: bool) -> list[Unit]:
    """Return the functions that a source or an action needs, one for each network; those outside of any come first.

    ``cluster``: it speaks to Kubernetes.
    """
    found: dict[Network | None, list[Service]] = {}
    for service in services:
        found.setdefault(service.network if runs_inside(service, name, cluster=cluster) else None, []).append(service)
    unnamed = any(network and not network.name for network in found)
    return sorted((Unit(name, network, tuple(mine), network.name if network else OUTSIDE if unnamed else "")
                   for network, mine in found.items()), key=lambda unit: unit.where)


def source_units(services: Sequence[Service]) -> list[Unit]:
    """Return the functions of all sources that the services use."""
    return [unit for source in used_sources(services) for unit in units(
        source.name, [service for service in services if source.configured(service)],
        cluster=bool(source.kubernetes_group))]


def action_units(services: Sequence[Service]) -> list[Unit]:
    """Return the functions of all actions that the services' policies allow."""
    return [unit for action in used_actions(services) for unit in units(
        action.name, [service for service in services if allows(service, action)],
        cluster=bool(action.kubernetes_group))]


def ledger_units(services: Sequence[Service]) -> list[Unit]:
    """Return the functions that keep the change ledger, each for the services of its network."""
    return units("ledger", services, cluster=True)


def unit_of(service: Service, found: Sequence[Unit], name: str) -> Unit:
    """Return the function of a source or an action that looks after a service."""
    return next(unit for unit in found if unit.name == name and service in unit.services)


def needs(services: Sequence[Service]) -> list[Need]:
    """Return what the functions in networks speak to outside of them, each once, by network and function."""
    found: set[Need] = set()
    for unit in source_units(services):
        if unit.network:
            found |= set(_of_source(unit, unit.network))
    for unit in action_units(services):
        if unit.network:
            found |= set(_of_action(unit, unit.network))
    for unit in ledger_units(services):
        if unit.network:
            statements = [statement for service in unit.services for statement in load("changes").statements(service)]
            found |= set(_asked(unit, unit.network, _shown(unit), statements, (), {
                "dynamodb": "it keeps the change ledger", "secretsmanager": "it marks hidden values"}))
    return sorted(found, key=lambda need: (need.network, need.function, need.what, need.why))


def _of_source(unit: Unit, network: Network) -> Iterator[Need]:
    source, name = load(unit.name), f"source-{_shown(unit)}"
    yield from _asked(unit, network, name, [one for service in unit.services for one in source.statements(service)],
                      [secret for service in unit.services for secret in source.secrets(service)], {
        "s3": "it keeps the unchanged answers",
        **({"dynamodb": f"it reads {source.reads} of the table"} if source.reads else {}),
        **({"secretsmanager": "it marks hidden values"} if source.reads == "LEDGER#" else {}),
        **({"monitoring": "cloudwatch:DescribeAlarms"} if source.alarms else {})})
    for service in unit.services:
        for host in _HOSTS.get(unit.name, _no_hosts)(service):
            if not is_inner(network, host):
                yield Need(network.name, name, INTERNET, f"it speaks to {host}", unit.name == ALWAYS_INSIDE)


def _of_action(unit: Unit, network: Network) -> Iterator[Need]:
    action, name = next(one for one in used_actions(unit.services) if one.name == unit.name), f"action-{_shown(unit)}"
    secrets = [secret for service in unit.services for secret in people.secrets(
        service, frozenset({action.audience, *(("question",) if action.task_for else ())}))] if action.audience else []
    yield from _asked(unit, network, name, [one for service in unit.services for one in action.statements(service)],
                      secrets, {
        "dynamodb": "it keeps its record", "lambda": "it adds timeline entries", "ssm": "it reads the kill switch",
        **({"sns": "it publishes to the incident topic"} if action.audience else {})})
    if action.audience and secrets:
        yield Need(network.name, name, INTERNET, "it speaks to the channels of people")


def _asked(unit: Unit, network: Network, name: str, statements: Sequence[Statement], secrets: Sequence[str],
           own: dict[str, str]) -> Iterator[Need]:
    """Yield what a function needs for its statements, its secrets, and its ``own`` work (endpoint to reason)."""
    for endpoint, why in own.items():
        yield Need(network.name, name, endpoint, why)
    if secrets:
        yield Need(network.name, name, "secretsmanager", f"it reads the secret {secrets[0]}")
    if any(service.aws.role_arn for service in unit.services):
        yield Need(network.name, name, "sts", "it assumes a role in the service's account")
    if any(service.aws.region for service in unit.services) and statements:
        yield Need(network.name, name, INTERNET, "it asks in another Region, and an endpoint serves its own alone")
    for action in sorted({action for statement in statements for action in statement.actions}):
        prefix = action.partition(":")[0]
        if prefix in _NO_ENDPOINT:
            yield Need(network.name, name, INTERNET, f"{action} has no endpoint in this Region")
        else:
            yield Need(network.name, name, _BY_ACTION.get(action) or (
                prefix if prefix in GATEWAYS else ENDPOINTS[prefix]), action)


def _shown(unit: Unit) -> str:
    return unit.key.replace("_", "-")


def _no_hosts(service: Service) -> list[str]:
    return []


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


_HOSTS: dict[str, Callable[[Service], list[str]]] = {
    # CloudFront's metrics are in one Region alone, to which a VPC in another has no endpoint.
    "cloudwatch": lambda service: [f"monitoring.{CLOUDFRONT_REGION}.amazonaws.com"] if service.metrics.cloudfront and (
        service.aws.region not in ("", CLOUDFRONT_REGION)) else [],
    "newrelic": lambda service: [_host(service.newrelic.endpoint)] if service.newrelic else [],
    "splunk": lambda service: [_host(service.splunk.url)] if service.splunk else [],
    # A workspace of Amazon's has an endpoint, as other AWS APIs have.
    "prometheus": lambda service: [_host(service.prometheus.url)] if service.prometheus and not any(
        workspace(service.prometheus)) else [],
    "provider": lambda service: [_host(url) for provider in service.providers
                                 for url in (provider.status_page, provider.health_url) if url],
    "foreign_changes": lambda service: [_host(part.endpoint) for part in (
        service.foreign_changes.code, service.foreign_changes.flags) if part] if service.foreign_changes else [],
    "network": lambda service: [probe.host for probe in service.probes],
}
"""Source to the hosts that it speaks to, besides AWS and the cluster."""


def is_inner(network: Network, host: str) -> bool:
    """Whether a host is reached without leaving the network: by ``network.inner``, its name, or its address."""
    try:
        return ip_address(host).is_private
    except ValueError:
        pass
    inner = ("localhost", ".internal", ".local", ".rds.amazonaws.com", ".rds.amazonaws.com.cn", *network.inner)
    return "." not in host or any(host == name.lstrip(".") or host.endswith("." + name.lstrip(".")) for name in inner)


def missing(services: Sequence[Service]) -> Iterator[tuple[Service, Found]]:
    """Find what functions in networks need and the configuration does not say is there, each with the function."""
    for need in needs(services):
        service = next(one for one in services if one.network and one.network.name == need.network)
        network = service.network
        if network is None or network.nat or (network.proxy and not need.raw_tcp):
            continue
        if need.what == INTERNET:
            yield service, (("network", "nat"), f"none, but {need.function} needs the internet ({need.why})",
                            "true, once there is a NAT gateway" + ("" if need.raw_tcp else ", or a network.proxy"))
        elif need.what not in network.endpoints:
            yield service, (("network", "endpoints"),
                            f"no {need.what}, but {need.function} needs it ({need.why})",
                            f"{need.what} among them once the endpoint is there, or network.nat or network.proxy")


def between(services: Sequence[Service]) -> Iterator[tuple[Service, Found]]:
    """Find networks that cannot be told apart: each further one of a deployment needs a name of its own."""
    seen: dict[str, Network] = {}
    for service in services:
        if service.network and seen.setdefault(service.network.name, service.network) != service.network:
            yield service, (("network", "name"), repr(service.network.name),
                            "a name that no other network has, or the same network field by field")


def fields(service: Service) -> Iterator[Found]:
    """Find names in ``network`` that nothing has."""
    network = service.network
    if network is None:
        return
    known = {"all", "cluster", "ledger", *(source.name for source in used_sources([service])),
             *(action.name for action in used_actions([service]))}
    if (network.name and not _NAME.fullmatch(network.name)) or network.name == OUTSIDE:
        yield ("network", "name"), repr(network.name), f"up to 8 lower-case letters and digits, and not {OUTSIDE}"
    for place, name in enumerate(network.functions):
        if name not in known:
            yield ("network", "functions", place), repr(name), nearest(name, known)
    for place, name in enumerate(network.endpoints):
        if name not in KNOWN_ENDPOINTS:
            called = f"{ENDPOINTS[name]!r}?" if name in ENDPOINTS else nearest(name, KNOWN_ENDPOINTS)
            yield ("network", "endpoints", place), repr(name), called
    if network.proxy and (urlsplit(network.proxy).scheme != "http" or not _host(network.proxy)):
        yield ("network", "proxy"), repr(network.proxy), "http://HOST:PORT; TLS to the target goes through it"


def month_dollars(interfaces: int, zones: int, nat: bool, price: prices.Prices | None = None) -> float:
    """Return what endpoints and NAT gateways cost in a month in ``zones`` zones, without what passes through them."""
    price = price or prices.shipped()
    return prices.MONTH_HOURS * zones * (interfaces * price["endpoint_hour"] + (price["nat_hour"] if nat else 0.0))


def outside(found: Sequence[Need], network: Network) -> tuple[int, bool]:
    """Return how many interface endpoints a network needs, and whether it needs the internet."""
    mine = {need.what for need in found if need.network == network.name}
    return len(mine - GATEWAYS - {INTERNET}), INTERNET in mine


def report(services: Sequence[Service]) -> str:
    """Return what the functions in networks need, with prices and the rules of security groups, as lines."""
    networks = sorted({service.network for service in services if service.network}, key=lambda network: network.name)
    lines: list[str] = []
    price = prices.shipped()
    for network in networks:
        mine = [need for need in needs(services) if need.network == network.name]
        lines += [f"network {network.name or '(without a name)'}: subnets {', '.join(network.subnets)}", ""]
        for what in sorted({need.what for need in mine}):
            lines.append(f"  {what}")
            lines += [f"    {need.function}: {need.why}" for need in mine if need.what == what]
        (interfaces, internet), zones = outside(mine, network), len(network.subnets)
        through = f" (NAT ${price['nat_gb']})" if internet else ""
        lines += ["", f"  a month in {zones} zones, without traffic (prices of {price.date}, {price.region}):",
                  f"    {interfaces} interface endpoints{' and NAT' if internet else ''}: "
                  f"${month_dollars(interfaces, zones, internet):.2f}, ${price['endpoint_gb']} a GB{through}",
                  f"    NAT alone: ${month_dollars(0, zones, True):.2f}, ${price['nat_gb']} a GB; gateways of "
                  f"{' and '.join(sorted(GATEWAYS))} cost nothing", "",
                  f"  egress of {', '.join(network.security_groups)}:",
                  *(f"    {line}" for line in _egress(services, network)), ""]
    return "\n".join(lines) if lines else "no service has a network; all functions run outside of any VPC"


def _egress(services: Sequence[Service], network: Network) -> list[str]:
    mine = [service for service in services if service.network == network]
    found = {f"tcp {probe.port} to {probe.host} (probe)" for service in mine for probe in service.probes}
    found.add("tcp 443 to the endpoints, whose groups let it in; or to what the NAT gateway or the proxy reaches")
    if any("cluster" in network.functions or "all" in network.functions for _ in mine):
        found |= {f"tcp 443 to the API of the cluster {service.cluster.name}, whose group lets it in"
                  for service in mine}
    for service in mine:
        if service.splunk and runs_inside(service, "splunk", cluster=False):
            found.add(f"tcp {urlsplit(service.splunk.url).port or 443} to {_host(service.splunk.url)} (Splunk)")
    return sorted(found)


if __name__ == "__main__":
    from stacks.configuration import ConfigurationError, read_folder

    try:
        sys.stdout.write(report(read_folder(Path(sys.argv[1]))) + "\n")
    except ConfigurationError as problem:
        sys.exit(str(problem))
