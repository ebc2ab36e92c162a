"""What payments that are declined have in common (``plan/declines.py``)."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.approvals import Approvals
from responder.model.fault_location import DECLINED
from responder.plan import wording
from responder.plan.declines import Fall, explain, name_of
from responder.plan.payment_tables import VERSION
from responder.plan.signals import Context, Signal, SignalKind, signal


@signal("State: requests are answered, and the answers are no: whoever decides on payments does so, or what we send "
        "them is wrong.")
def payments_declined(source: str, share: float, usual: float) -> str:
    return (f"{wording.source_name(source)}: {wording.share(share)} of the payments were declined; of such payments "
            f"{wording.share(usual)} usually are")


@signal("Where: our code and our settings treat the cards of all issuers, schemes, countries and 3-D Secure partners "
        "alike; what meets one of these alone is decided by who stands behind it. Our own changes meet all, or one of "
        "our versions.")
def one_kind_declined(source: str, kind: str, share: float, usual: float, part: float, alike: str) -> str:
    return _said(source, kind, share, usual, part, alike)


@signal("Where: who stands behind one method, or the way in which we speak with them: a method has code and settings "
        "of its own, so a change of ours that came with it stays a suspect.")
def one_method_declined(source: str, kind: str, share: float, usual: float, part: float, alike: str) -> str:
    return _said(source, kind, share, usual, part, alike)


@signal("Both versions send the same customers' payments to the same issuers; what is declined of one of them alone is "
        "what it sends: as near to a controlled experiment as an outage gives.")
def one_version_declined(source: str, kind: str, share: float, usual: float, part: float, alike: str) -> str:
    return _said(source, kind, share, usual, part, alike)


@signal("Where: what all kinds of payments meet is the way that all take: our own code and settings, the acquirer or "
        "the provider.")
def all_kinds_declined(source: str, share: float, usual: float) -> str:
    return (f"{wording.source_name(source)}: no one kind of payment explains why {wording.share(share)} are declined "
            f"(usually {wording.share(usual)})")


def _said(source: str, kind: str, share: float, usual: float, part: float, alike: str) -> str:
    return (f"{wording.source_name(source)}: {wording.share(share)} of the payments with {kind} were declined (usually "
            f"{wording.share(usual)}), {wording.share(part)} of all payments; the others are approved as usual"
            + (f"; it may as well be {alike}" if alike else ""))


def read(context: Context) -> Iterator[Signal]:
    """Yield how many payments are declined, and what they have in common, source by source."""
    if context.location != DECLINED:
        return
    for finding in context.evidence.of(Approvals, context.component):
        fall = explain(finding.detail.tables)
        if fall is None:
            continue
        share, usual = fall.declined / fall.payments, fall.expected / fall.payments
        yield payments_declined.emit(finding, finding.source, share, usual)
        if fall.part is None:
            yield all_kinds_declined.emit(finding, finding.source, share, usual)
            continue
        part = fall.part
        kind = _kind(context, fall)
        yield kind.emit(finding, finding.source, part.name, part.declined / part.payments,
                        part.expected / part.payments, fall.share, " or ".join(map(name_of, fall.alike)))


def _kind(context: Context, fall: Fall) -> SignalKind[[str, str, float, float, float, str]]:
    """Return the kind of signal by what explains the fall; where it may as well be a method, a method it is."""
    own = {attribute for attribute, _ in fall.part.values} if fall.part else set()
    alike = {attribute for values in fall.alike for attribute, _ in values}
    if VERSION in own:
        return one_version_declined
    settings = context.service.payments
    return one_method_declined if settings and settings.method in own | alike else one_kind_declined
