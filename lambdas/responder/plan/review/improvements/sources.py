"""Sources that gave no answer: one item for each system that refused or failed them, with all that followed from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from responder.model.evidence import Evidence, Finding, Status, Window
from responder.model.incident import IncidentRecord, Looked
from responder.model.moment import epoch
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.advice import Advice, Effort, Trouble
from responder.plan.wording import bare, capital, duration, listed, plural, words

ANSWERED: frozenset[Status] = frozenset({"ok", "partial", "empty"})
"""Statuses of a source that could be asked, whether or not there was anything."""
_SYSTEMS = {"changes": "the cluster's API", "kubernetes": "the cluster's API", "rollouts": "the cluster's API",
            "utilisation": "the cluster's API", "cloudwatch": "CloudWatch", "newrelic": "New Relic",
            "cloudwatch_logs": "CloudWatch Logs", "prometheus": "Prometheus",
            "application_signals": "Application Signals",
            "splunk": "Splunk", "rds": "the API of RDS", "aws_health": "AWS Health", "eks": "the API of EKS",
            "cloudtrail": "CloudTrail", "provider": "the provider's status page"}
"""A source to what it asks, as people know it; one that is not named asks what it is called."""
_VENDORS = {"CloudWatch": "CloudWatch", "RDS": "the API of RDS", "AWS Health": "AWS Health"}
"""How a note begins to what it tells of: a source may ask more than one system."""
_FUNCTIONS = "the responder's functions"
_FUNCTION = "its function failed"
"""How the note of a source begins whose function did not come to its end."""


class Blind(NamedTuple):
    """One system that did not answer."""

    system: str
    status: Status
    note: str
    """What it said, in the first such answer."""
    sources: tuple[str, ...]
    """The sources that saw nothing because of it."""
    about: tuple[str, ...]
    """What they were asked about: components, ``provider:NAME``."""


def blind(evidence: Evidence) -> list[Blind]:
    """Return the systems that did not answer, each with the sources that are blind without it."""
    groups: dict[tuple[str, Status], list[Finding[Any]]] = defaultdict(list)
    for finding in evidence.every:
        if finding.status not in ANSWERED and finding.status != "stale":
            groups[_system(finding.source, finding.note), finding.status].append(finding)
    return [Blind(system, status, found[0].note, tuple(sorted({finding.source for finding in found})),
                  tuple(sorted({finding.component for finding in found} - {""})))
            for (system, status), found in groups.items()]


def _system(source: str, note: str) -> str:
    if note.startswith(_FUNCTION):
        return _FUNCTIONS
    named = next((system for start, system in _VENDORS.items() if note.startswith(start)), "")
    return named or _SYSTEMS.get(source, source)


def advice(record: IncidentRecord, evidence: Evidence, service: Service, trouble: Trouble) -> Iterator[Advice]:
    """Yield one item for each system that did not answer.

    Saved would have been the looks that waited: from each look without its answer to the next look of the same step.
    """
    for system in blind(evidence):
        waited = tuple(_waits(record, system, trouble))
        lost = [remedy for remedy in record.remedies if because_blind(remedy, (system,))]
        follows = [f"{listed(system.sources)} were blind"] if len(system.sources) > 1 else []
        follows += [f"{words(remedy.action)} of {remedy.component or remedy.target} was refused" for remedy in lost]
        if waited:
            total = sum(window.seconds for window in waited)
            follows.append(f"{plural(len(waited), 'look')} had to be repeated ({duration(total)})")
        if lost:
            waited += trouble.after(epoch(lost[0].planned_at))
        told = _said(system) + (f", so {listed(follows)}" if follows else "")
        yield _item(system, told, service, waited)


def because_blind(remedy: Remedy, systems: Sequence[Blind]) -> bool:
    """Whether a remedy was refused because what it needs to know could not be read, for what a system said."""
    return (remedy.status is RemedyStatus.REFUSED and remedy.guardrail == "precondition"
            and any(system.note and system.note in remedy.reason for system in systems))


def _said(system: Blind) -> str:
    name = capital(system.system)
    return f"{name} gave no usable answer: {bare(system.note)}" if system.note else (
        f"{name} gave no usable answer ({words(system.status)})")


def _waits(record: IncidentRecord, system: Blind, trouble: Trouble) -> Iterator[Window]:
    """Yield the stretches from a look without the system's answer to the next look of the same step.

    Where another step looked between the two, or a remedy was applied, the next one is of something new.
    """
    by_step: dict[str, dict[str, list[Looked]]] = defaultdict(lambda: defaultdict(list))
    for look in record.looked:
        by_step[look.step][look.entered].append(look)
    for step, looks in by_step.items():
        if not step.startswith(("Confirm", "Verify", "Diagnose")):
            continue
        for earlier, later in pairwise(sorted(looks)):
            if any(_unanswered(look, system) for look in looks[earlier]) and not _something_new(
                    record, step, earlier, later):
                yield from trouble.between(epoch(earlier), epoch(later))


def _unanswered(look: Looked, system: Blind) -> bool:
    return look.source in system.sources and bool(look.findings) and all(
        finding.status not in ANSWERED for finding in look.findings)


def _something_new(record: IncidentRecord, step: str, earlier: str, later: str) -> bool:
    return any(earlier < look.entered < later and look.step != step for look in record.looked) or any(
        remedy.applied_at and earlier <= remedy.applied_at <= later for remedy in record.remedies)


def _item(system: Blind, evidence: str, service: Service, saves: tuple[Window, ...]) -> Advice:
    what = capital(system.system)
    place = _place(system, service)
    again = f"the next report names {listed(system.sources)} among what answered"
    if system.system == _FUNCTIONS:
        return Advice(
            "function-failed", "recovery", "Functions of the responder did not come to their end", evidence, place,
            "read their logs of that minute, and give them more time or memory where that is what they lacked", "SRE",
            Effort.SETTING, again, saves)
    match system.status:
        case "unauthorized":
            return Advice(
                "credentials", "recovery", f"{what} refused the responder's credentials", evidence,
                _identity(system, service), _check(system, service), "SRE", Effort.ACCESS,
                f"{_proof(system, service)}, and {again}", saves)
        case "throttled":
            return Advice(
                "quota", "recovery", f"{what} throttled the responder", evidence, f"{place}, rate limit",
                "raise the limit of the account or the token, and look at who else uses it up", "SRE",
                Effort.QUESTION, f"no answer of a drill's record is throttled, and {again}", saves)
        case "malformed":
            return Advice(
                "answer-form", "recovery", f"{what} answered what nobody can read", evidence, place,
                "look at the kept answer (`raw` in the record): a proxy's page, a new version, or an outage of theirs",
                "SRE", Effort.QUESTION, again, saves)
        case _:
            return Advice(
                "reach", "recovery", f"{what} could not be reached" if system.status == "unavailable"
                else f"{what} did not answer in time", evidence, place,
                "find out whether it was down or the way to it was closed (route, proxy, security group), and give the "
                "responder a way that does not share it with the service", "SRE", Effort.QUESTION,
                f"the reason is written in the notes (review.md) of this report, and {again}", saves)


def _place(system: Blind, service: Service) -> str:
    if system.system == "the cluster's API":
        return f"API of cluster {service.cluster.name}" if service.cluster.name else "the cluster's API"
    if system.system == _FUNCTIONS:
        return f"functions of the sources {listed(system.sources)}"
    if system.system == "Splunk" and service.splunk:
        return f"Splunk at {service.splunk.url}"
    if system.system == "Prometheus" and service.prometheus:
        return f"Prometheus at {service.prometheus.url}"
    if system.system == "the provider's status page":
        return f"status page of {listed([name.removeprefix('provider:') for name in system.about]) or 'the provider'}"
    return system.system


def _identity(system: Blind, service: Service) -> str:
    """Return the credentials that were refused, by name."""
    if system.system == "New Relic" and service.newrelic:
        return f"secret {service.newrelic.secret} (New Relic's user key)"
    if system.system == "Splunk" and service.splunk:
        return f"secret {service.splunk.secret} (Splunk's token)"
    if system.system == "Prometheus" and service.prometheus and service.prometheus.secret:
        return f"secret {service.prometheus.secret} (Prometheus' bearer token)"
    if system.system == "the cluster's API":
        return f"access entries of the roles of {listed(system.sources)} in cluster {service.cluster.name}"
    if system.system == "the provider's status page":
        return _place(system, service)
    return f"IAM roles of the functions of {listed(system.sources)}"


def _check(system: Blind, service: Service) -> str:
    if system.system == "the cluster's API":
        return ("check the access entry of each role, the RBAC of its group (kubernetes/rbac.yaml) and whether its "
                "token is accepted")
    if system.system in ("New Relic", "Splunk"):
        return "check whether the key was revoked or has run out, and store a new one that is read-only"
    if system.system == "the provider's status page":
        return "ask for the address that needs no login, or take it from the configuration"
    return "compare its policies with what the stacks deploy, and look for a service control policy that denies it"


def _proof(system: Blind, service: Service) -> str:
    if system.system == "the cluster's API":
        return f"`aws eks list-access-entries --cluster-name {service.cluster.name}` lists the roles"
    if system.system in ("New Relic", "Splunk"):
        return "a query with the stored key answers"
    if system.system == "the provider's status page":
        return "`curl` of the address answers 200"
    return "`aws iam simulate-principal-policy` allows what was refused"



