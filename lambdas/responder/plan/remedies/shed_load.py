"""Refuse most requests for a while and let them in again step by step, so that what has queued up is worked off.

A component whose work is too late for those who wait for it does nothing but such work, until less comes than it can
do (Google SRE book, "Addressing Cascading Failures": "Immediate steps"). In the end all is as it was before.
"""

from __future__ import annotations

from responder.plan.deeds import Deed, Site
from responder.plan.remedies import Considered, OnRecord, Remedy
from responder.plan.switches import Facts, Turn, Value, fitting, writes
from responder.plan.switches import deed as deed_of

TRIGGER_GONE = frozenset({"load_is_retries", "surge_is_over"})
"""Signals that say that what customers ask for can be served again."""


def facts(considered: Considered) -> Facts:
    """Find the switch."""
    switch = fitting(considered, "shed_load")
    return Facts(switch.name if switch else "")


def against(considered: Considered, facts: Facts) -> str:
    """Where customers ask for too much all the same, it would last no longer than the shedding."""
    if not TRIGGER_GONE & considered.signals:
        return "customers may still ask for more than can be served: the load would be back when it is let in again"
    if facts.switch:
        return ""
    component = considered.component
    return (f"the configuration names no switch for it (switches, purpose shed_load): refuse four of five requests at "
            f"{component} until its queue is empty, then let half of them in, then all")


def deed(site: Site, record: OnRecord[Value, Turn]) -> Deed:
    """The steps, and the commands that take them."""
    return deed_of(site, record, f"Shed load at {record.component}, step by step less")


REMEDY = Remedy(
    name="shed_load",
    phrase="load shedding",
    facts=facts,
    kinds=(Facts, Value, Turn),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    hazard="for a minute or two most customers are refused who would else have waited in vain",
    against=against,
    deed=deed,
    writes=writes,
)
