"""Checks of the hosts that a configuration gives, each of which is one party's, and of the providers' pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.service import Service
from responder.model.service.hosts import DATABASE, DEPENDENCY, PROVIDER, Claim, bare, claims, overlap
from stacks.nearest import Found

_HOST = re.compile(r"[a-z0-9*]([a-z0-9_.*-]*[a-z0-9*])?")
_OWN_DOMAIN = re.compile(r".*\*[^*]*[a-z0-9][^*]*\.[^*]*[a-z0-9][^*]*")


def hosts(service: Service) -> Iterator[Found]:
    """Find hosts that are none, patterns that fit anybody's host, and hosts that two parties would have."""
    for path, host in _given(service):
        pattern = bare(host)
        if not _HOST.fullmatch(pattern) or "/" in host:
            yield path, repr(host), "a host's name alone, with * for the parts that differ"
        elif "*" in pattern and not _OWN_DOMAIN.fullmatch(pattern):
            yield path, repr(host), "a pattern that ends with a domain of its own, such as *.payments.example"
    given = [claim for claim in claims(service.parties) if claim.strength < 2]
    for place, claim in enumerate(given):
        for other in given[:place]:
            if claim.strength == other.strength and claim.party != other.party and overlap(claim.host, other.host):
                yield (_path(service, claim), repr(claim.host),
                       f"hosts that are not of {_party(other)} as well, which has {other.host!r}")


def status_pages(service: Service) -> Iterator[Found]:
    """Find settings of a status page that do not go together."""
    for index, provider in enumerate(service.providers):
        settings = {"status_components": provider.status_components, "status_path": provider.status_path,
                    "status_well": provider.status_well}
        for name, value in settings.items():
            if value and not provider.status_page:
                yield ("providers", index, name), "no status_page", "the address of the page that it is about"
        if provider.status_path and provider.status_components:
            yield (("providers", index, "status_components"), "status_path as well",
                   "one of the two: a page that is read by a path has no components")


def _given(service: Service) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, component in enumerate(service.components):
        for place, host in enumerate(component.hosts):
            yield ("components", index, "hosts", place), host
    for place, host in enumerate(service.database.hosts if service.database else ()):
        yield ("database", "hosts", place), host
    for index, provider in enumerate(service.providers):
        for place, host in enumerate(provider.hosts):
            yield ("providers", index, "hosts", place), host
    for index, dependency in enumerate(service.dependencies):
        for place, host in enumerate(dependency.hosts):
            yield ("dependencies", index, "hosts", place), host


def _path(service: Service, claim: Claim) -> tuple[str | int, ...]:
    if claim.party == DATABASE:
        return ("database",)
    names = [component.name for component in service.components]
    if claim.party in names:
        return ("components", names.index(claim.party))
    if claim.party.startswith(DEPENDENCY):
        return ("dependencies", [DEPENDENCY + one.name for one in service.dependencies].index(claim.party))
    return ("providers", [PROVIDER + provider.name for provider in service.providers].index(claim.party))


def _party(claim: Claim) -> str:
    return "the database" if claim.party == DATABASE else claim.party.removeprefix(PROVIDER).removeprefix(DEPENDENCY)
