"""Use the alternative payment provider: whether there is one, and when the first one is well again."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.status_page import StatusPage
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan import remedies
from responder.plan.deeds import Deed, Site
from responder.plan.remedies import Considered, Field, OnRecord, Remedy
from responder.plan.switches import writing


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """Which provider fails."""

    provider: str = ""
    silent: bool = False
    """Whether it did not answer when it was asked."""


@dataclass(frozen=True)
class Value:
    """The provider that the platform uses."""

    value: str


def facts(considered: Considered) -> Facts:
    """Find out which provider fails, and whether it answered."""
    return Facts(considered.provider, any(
        finding.value == 0 for finding in considered.evidence.of(ProviderHealth, considered.where)))


def against(considered: Considered, facts: Facts) -> str:
    """There must be another provider that is not known to be down; the remedy itself asks it once more."""
    down = {finding.component.removeprefix("provider:")
            for finding in considered.evidence.of(ProviderHealth) if finding.value == 0}
    if any(provider.name not in down | {facts.provider} for provider in considered.service.providers):
        return ""
    return "no other provider is known to be up"


def no_longer_needed(service: Service, record: OnRecord[Value, Value], evidence: Evidence) -> str:
    """Say that the first provider answers and its status page, where it has one, is calm."""
    first = record.before.value
    told: list[Finding[ProviderHealth] | Finding[StatusPage]] = [
        *list(evidence.asked(ProviderHealth, f"provider:{first}"))[-1:],
        *list(evidence.asked(StatusPage, f"provider:{first}"))[-1:]]
    # What does not answer says nothing; and a page may lie, so one of the two is not enough where both are to be had.
    if not told or not all(finding.usable for finding in told):
        return ""
    if any(not finding.value if isinstance(finding.detail, ProviderHealth) else finding.value for finding in told):
        return ""
    return f"{first} is well again by its {' and its '.join(finding.name.replace('_', ' ') for finding in told)}"


def deed(site: Site, record: OnRecord[Value, Value]) -> Deed:
    """The provider that is used instead, and the commands that write it where the platform reads it."""
    old, new = record.before.value, record.parameters.value
    return Deed(f"Use the provider {new} in place of {old}", _writing(site, new), _writing(site, old))


def _writing(site: Site, value: str) -> tuple[str, ...]:
    switch = site.service.provider_switch
    return writing(site, switch, value) if switch else ()


def writes(record: OnRecord[Value, Value]) -> Iterator[Field]:
    """It writes a key of the ConfigMap; other places are not watched."""
    place, _, name = record.target.partition("/")
    if place == "configmap":
        yield Field("ConfigMap", name, ("data",), (record.parameters.value, record.before.value))


REMEDY = Remedy(
    name="switch_provider",
    phrase="switch of the provider",
    facts=facts,
    kinds=(Facts, Value, Value),
    risk="medium",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=False,
    hazard="payments then depend on the other provider alone",
    against=against,
    no_longer_needed=no_longer_needed,
    deed=deed,
    incremental=True,
    writes=writes,
)
