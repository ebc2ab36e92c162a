"""Whoever stands behind one kind of payment (an issuer, a scheme, a 3-D Secure partner) declines it."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan import calling
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import PROVIDER_OUTAGE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, payments, versions


def improvements(case: Case) -> Iterator[Advice]:
    """The approval rate of each kind is watched, and customers can pay in another way by themselves."""
    yield Advice(
        "watch-approval-rates", "detection", "One kind of payment was declined while no status showed it", case.seen(),
        f"approval rates of {case.component}", "let an alarm go off on the approval rate of each method, scheme and "
        "3-D Secure partner, and offer another method where a payment is declined", case.developers, Effort.CHECK,
        "a test in which one issuer declines all payments raises the alarm within five minutes", case.trouble.whole)


MECHANISM = Mechanism(
    id="payments_declined",
    cause=PROVIDER_OUTAGE,
    title="declines of one kind of payment",
    subject="declined payments of {component}",
    remedies=("hide_payment_method", "escalate"),
    needs=payments.payments_declined,
    weights={
        payments.one_kind_declined: 4.5,
        payments.one_method_declined: 4.0,
        versions.no_recent_rollout: 0.7,
        changes.nothing_changed: 0.7,
        payments.payments_declined: 0.5,
        versions.rollout_just_before: -0.3,
        payments.one_version_declined: -4.0,
        payments.all_kinds_declined: -3.0,
    },
    improvements=improvements,
    call=calling.who_declines,
)
