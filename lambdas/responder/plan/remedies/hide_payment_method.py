"""Do not offer one method of payment whose payments are declined: customers then choose another one."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.approvals import Approvals, Table
from responder.model.frozen import dataclass
from responder.model.service import ProviderSwitch
from responder.plan import remedies
from responder.plan.declines import Fall, explain
from responder.plan.deeds import Deed, Site
from responder.plan.payment_tables import ABSENT, OTHER
from responder.plan.remedies import Considered, Field, OnRecord, Remedy
from responder.plan.switches import writing
from responder.plan.wording import listed, source_name

_WITNESSES = 2
"""Sources that must see, each by its own count, that it is this method alone."""


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """Which method is declined, and what is left without it."""

    method: str = ""
    """Empty: what is declined is no one method."""
    sources: tuple[str, ...] = ()
    """Those whose own count shows it."""
    others: tuple[str, ...] = ()
    """The other methods that customers use, by their payments, most first."""
    most: str = ""
    """The method with most payments."""


@dataclass(frozen=True)
class Hidden:
    """The methods that are not offered, as the platform reads them: names with commas between them."""

    value: str


def facts(considered: Considered) -> Facts:
    """Find out whether one method is declined, by whom that is seen, and what else customers use."""
    payments = considered.service.payments
    if payments is None:
        return Facts()
    seen: dict[str, list[str]] = {}
    used: dict[str, float] = {}
    for finding in considered.evidence.of(Approvals, considered.component):
        for table in finding.detail.tables:
            for method, count in _used(table, payments.method):
                used[method] = used.get(method, 0.0) + count
        fall = explain(finding.detail.tables)
        method = _method(fall, payments.method) if fall else ""
        if method:
            seen.setdefault(method, []).append(finding.source)
    if len(seen) != 1:
        return Facts()
    [(method, sources)] = seen.items()
    ranked = sorted(used, key=lambda name: (-used[name], name))
    return Facts(method, tuple(sources), tuple(name for name in ranked if name != method), ranked[0] if ranked else "")


def _used(table: Table, attribute: str) -> Iterator[tuple[str, float]]:
    if attribute in table.attributes:
        place = table.attributes.index(attribute)
        yield from ((group.values[place], group.payments + group.usual_payments) for group in table.groups
                    if group.values[place] not in (ABSENT, OTHER))


def _method(fall: Fall, attribute: str) -> str:
    """Return the method that explains the fall by itself, or as well as what does."""
    found = [values[0][1] for values in ((fall.part.values if fall.part else ()), *fall.alike)
             if len(values) == 1 and values[0][0] == attribute]
    return found[0] if found else ""


def against(considered: Considered, facts: Facts) -> str:
    """One method must be it, seen by two counts; never the one that most customers use, nor the last one."""
    payments = considered.service.payments
    if payments is None or payments.hide is None:
        return "where the platform reads which methods it offers is not configured (payments.hide)"
    if not facts.method:
        return "what is declined is not one method of payment"
    if len(set(facts.sources)) < _WITNESSES:
        return f"{listed([source_name(name) for name in facts.sources])} alone sees it, and a second count does not"
    if facts.method == facts.most:
        return f"most customers pay by {facts.method}"
    return "" if facts.others else "there is no other method of payment"


def deed(site: Site, record: OnRecord[Hidden, Hidden]) -> Deed:
    """The method that is no longer offered, and the commands that write it."""
    place = site.service.payments.hide if site.service.payments else None
    before, after = names(record.before.value), names(record.parameters.value)
    title = f"Do not offer {listed([name for name in after if name not in before])} to customers"
    if place is None:
        return Deed(title)
    switch = ProviderSwitch(config_map=place.config_map, key=place.key)
    return Deed(title, writing(site, switch, record.parameters.value), writing(site, switch, record.before.value))


def names(value: str) -> list[str]:
    """Return the methods that a value names."""
    return [name for part in value.split(",") if (name := part.strip())]


def writes(record: OnRecord[Hidden, Hidden]) -> Iterator[Field]:
    """It writes a key of the ConfigMap."""
    _, _, name = record.target.partition("/")
    yield Field("ConfigMap", name, ("data",), (record.parameters.value, record.before.value))


REMEDY = Remedy(
    name="hide_payment_method",
    phrase="hiding of a method of payment",
    facts=facts,
    kinds=(Facts, Hidden, Hidden),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    hazard="customers without another way to pay leave, and the method stays hidden until somebody shows it again",
    against=against,
    deed=deed,
    writes=writes,
)
