"""Let who tries again and again try less often: how many attempts there are decides how much more comes than is asked.

One attempt for each call costs nothing that retries would have brought while nearly all of them fail, and gives what is
called the room to come back (Google SRE book, "Addressing Cascading Failures"; AWS Builders' Library, "Timeouts,
retries, and backoff with jitter").
"""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.evidence.error_rate import ErrorRate
from responder.model.service import Service
from responder.plan import wording
from responder.plan.deeds import Deed, Site
from responder.plan.rates import upper_bound
from responder.plan.remedies import Considered, OnRecord, Remedy
from responder.plan.switches import Facts, Turn, Value, called, fitting, writes
from responder.plan.switches import deed as deed_of
from responder.plan.wording import listed


def facts(considered: Considered) -> Facts:
    """Find the switch."""
    switch = fitting(considered, "cap_retries")
    return Facts(switch.name if switch else "")


def against(considered: Considered, facts: Facts) -> str:
    """Without a switch people are told what to do, and by whom."""
    if considered.mechanism != "retry_storm" and "attempts_multiply" not in considered.signals:
        return "each call is made about as often as usual"
    if facts.switch:
        return ""
    what = called(considered.service, considered.component, considered.where)
    callers = sorted(name for name, calls in considered.service.graph.items() if what in calls)
    who = listed(callers) if what == considered.component and callers else considered.component
    return (f"the configuration names no switch for it (switches, purpose cap_retries): let {who} make one attempt for "
            f"each call of {what}, until {what} answers again")


def no_longer_needed(service: Service, record: OnRecord[Value, Turn], evidence: Evidence) -> str:
    """Say that hardly anything fails, neither at the entry nor in the component: then nothing is tried again."""
    limit = service.confirm.error_rate
    seen = [finding.detail for name in {service.entry, record.component} for finding in evidence.of(ErrorRate, name)]
    if not seen or any(upper_bound(rate.errors, rate.requests) >= limit for rate in seen):
        return ""
    return f"{service.entry} and {record.component} fail in less than {wording.share(limit)} of requests"


def deed(site: Site, record: OnRecord[Value, Turn]) -> Deed:
    """The fewer attempts, and the commands that set them."""
    return deed_of(site, record, f"Cap the retries of {record.component}")


REMEDY = Remedy(
    name="cap_retries",
    phrase="cap on retries",
    facts=facts,
    kinds=(Facts, Value, Turn),
    risk="low",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=False,
    hazard="a call that fails by chance is not tried again",
    against=against,
    no_longer_needed=no_longer_needed,
    deed=deed,
    writes=writes,
)
