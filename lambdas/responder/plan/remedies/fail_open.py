"""Do without a dependency for a while, by a switch that the configuration names: it knows what may be left out.

What is left out was there for a reason (a check for fraud, a receipt), so people are asked unless the policy says
otherwise, and it is called for again when it is well.
"""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.evidence.dependency_health import DependencyHealth
from responder.model.fault_location import Dependency, location_of
from responder.model.service import Service
from responder.plan.deeds import Deed, Site
from responder.plan.dependencies import what, who
from responder.plan.remedies import Considered, OnRecord, Remedy
from responder.plan.switches import Facts, Turn, Value, fitting, named, writes
from responder.plan.switches import deed as deed_of


def facts(considered: Considered) -> Facts:
    """Find the switch."""
    switch = fitting(considered, "fail_open")
    return Facts(switch.name if switch else "")


def against(considered: Considered, facts: Facts) -> str:
    """Without a switch its owner is called, with what was seen; and who tries again and again tries less first."""
    if "attempts_multiply" in considered.signals and fitting(considered, "cap_retries") and (
            "cap_retries", considered.component) not in considered.tried:
        return "retries may be what keeps it down: they are capped first, which leaves nothing out"
    if facts.switch:
        return ""
    location = location_of(considered.where)
    known = considered.service.dependency(location.name) if isinstance(location, Dependency) else None
    if known is None:
        return f"{considered.where} is no dependency that the configuration knows"
    return (f"the configuration names no switch for it (switches, purpose fail_open). Call {who(known)}: calls of "
            f"{known.name} ({known.address}) by {considered.component} fail; {what(known)}")


def no_longer_needed(service: Service, record: OnRecord[Value, Turn], evidence: Evidence) -> str:
    """Say that the dependency answers again; nobody calls it meanwhile, so its health URL alone can tell."""
    switch = named(service, record.parameters.switch)
    if switch is None:
        return ""
    told = list(evidence.of(DependencyHealth, f"dependency:{switch.of}"))
    return f"{switch.of} answers again" if told and all(finding.value for finding in told) else ""


def deed(site: Site, record: OnRecord[Value, Turn]) -> Deed:
    """What is left out, and the commands that set it."""
    return deed_of(site, record, "Do without a dependency")


REMEDY = Remedy(
    name="fail_open",
    phrase="doing without a dependency",
    facts=facts,
    kinds=(Facts, Value, Turn),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    hazard="what the dependency would have checked or kept is left out meanwhile",
    against=against,
    no_longer_needed=no_longer_needed,
    deed=deed,
    writes=writes,
)
