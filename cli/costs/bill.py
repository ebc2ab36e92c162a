"""The bills that ``responder costs`` prints: of a month, and of an incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cli.costs.lines import Line, beyond, free, total
from cli.costs.month import Template, of_template, unpriced
from responder import people
from responder.model.service import Service
from responder.sources import load
from stacks.network import month_dollars, needs, outside
from stacks.prices import Price, Prices, Use
from stacks.used import used_sources


@dataclass(frozen=True)
class Private:
    """What functions in a private network need around them, in a month without traffic."""

    network: str
    interface_endpoints: int
    nat: bool
    zones: int
    dollars: float


@dataclass(frozen=True)
class Month:
    """An idle month: no incident, no alarm."""

    region: str
    date: str
    """Of the price list."""
    first_service: tuple[Line, ...]
    first_dollars: float
    first_free_dollars: float
    """What of it AWS's allowances pay in an account that uses them for nothing else."""
    further_service: tuple[Line, ...]
    """What one more service like the first adds; empty where only a template was given."""
    further_dollars: float
    all_services: tuple[str, ...]
    all_dollars: float
    vendor_secrets: tuple[str, ...]
    """Secrets that people keep for it, which are in no template."""
    vendor_secrets_dollars: float
    private_networks: tuple[Private, ...]
    """Apart: who has such a network mostly has its endpoints already."""
    unpriced: tuple[str, ...]
    use: dict[str, Use]
    unchecked: tuple[str, ...]
    """Prices that no copy of the price list confirms."""


@dataclass(frozen=True)
class Incident:
    """One incident."""

    region: str
    date: str
    lines: tuple[Line, ...]
    dollars: float
    without_record: bool
    """Whether the table, files, metrics and messages are left out, for there was no record."""


def month(services: Sequence[Service], first: Template, two: Template | None, whole: Template,
          prices: Prices) -> Month:
    """Return the bill of a month: ``first`` has one service, ``two`` its twin as well, ``whole`` all services."""
    of_first = of_template(first, prices)
    further = beyond(of_template(two, prices), of_first) if two else ()
    secrets = vendor_secrets(services)
    return Month(
        prices.region, prices.date, of_first, total(of_first), free(of_first, prices), further, total(further),
        tuple(service.service for service in services), total(of_template(whole, prices)), secrets,
        len(secrets) * prices["secret_month"], private_networks(services, prices), unpriced(whole), prices.use,
        unchecked(prices.prices))


def incident(lines: tuple[Line, ...], prices: Prices, without_record: bool) -> Incident:
    """Return the bill of an incident."""
    return Incident(prices.region, prices.date, lines, total(lines), without_record)


def vendor_secrets(services: Sequence[Service]) -> tuple[str, ...]:
    """Return the names of the secrets that sources and channels read, each once."""
    names = {name for service in services for name in people.secrets(service)}
    for source in used_sources(services):
        names |= {name for service in services if source.configured(service)
                  for name in load(source.name).secrets(service)}
    return tuple(sorted(names))


def private_networks(services: Sequence[Service], prices: Prices) -> tuple[Private, ...]:
    """Return what each network of the services needs."""
    found, networks = needs(services), {service.network for service in services if service.network}
    bills = []
    for network in sorted(networks, key=lambda one: one.name):
        interfaces, nat = outside(found, network)
        zones = len(network.subnets)
        bills.append(Private(network.name, interfaces, nat, zones, month_dollars(interfaces, zones, nat, prices)))
    return tuple(bills)


def unchecked(prices: dict[str, Price]) -> tuple[str, ...]:
    """Return the names of prices that were not checked."""
    return tuple(sorted(name for name, price in prices.items() if price.checked == "no"))
