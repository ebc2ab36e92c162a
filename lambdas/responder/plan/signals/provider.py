"""What a provider says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.calls import Calls
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.probe import ProbeOutcome
from responder.model.evidence.status_page import StatusPage
from responder.plan import wording
from responder.plan.kinds import ErrorKind
from responder.plan.signals import Context, Seen, Signal, signal

_OURS = {ErrorKind.CREDENTIALS: "our key, or what it may do",
         ErrorKind.RATE_LIMIT: "the number of our requests",
         ErrorKind.TLS: "our side of TLS, such as a certificate or the authorities that we trust"}
"""Kinds of errors that a provider which is well gives to us alone, and what of ours each is about."""


@signal("State: the provider says so itself; it may be of another product.")
def provider_page_reports_trouble(provider: str, indicator: str) -> str:
    return f"{provider}'s status page says {indicator}"


@signal("State: the provider says so itself, and when it is over; it may be of another product.")
def provider_is_under_maintenance(provider: str, what: str) -> str:
    return f"{provider}'s status page says that it is under maintenance: {what}"


@signal("State: pages are late or silent in many outages, so it weighs little.")
def provider_page_is_calm(provider: str) -> str:
    return f"{provider}'s status page says that all is well"


@signal("State: reached from here, another way than the service's own.")
def provider_answers(provider: str) -> str:
    return f"{provider}'s health URL answers"


@signal("What: an answer to us alone. Who refuses a key, wants fewer requests or meets our TLS with a refusal is up; "
        "what is wrong is what we bring along, and another provider is not needed for it. Where the provider fails "
        "for everybody, its page, its health URL or our own connection to it say so.")
def provider_refuses_us(provider: str, what: str, share: float) -> str:
    return f"{provider} refuses our calls: it is {what} ({wording.share(share)})"


@signal("State: not reached from here either.")
def provider_does_not_answer(provider: str, note: str) -> str:
    return f"{provider}'s health URL does not answer: {note}"


def read(context: Context) -> Iterator[Signal]:
    """Yield what the status page and the health URL of the provider say whose calls fail."""
    provider = context.provider
    if not provider:
        return
    yield from _refusals(context)
    for page in context.evidence.of(StatusPage, context.mode.where):
        if page.detail.maintenance:
            yield provider_is_under_maintenance.emit(page, provider, ", ".join(page.detail.maintenance))
        elif (page.value or 0.0) > 0:
            yield provider_page_reports_trouble.emit(page, provider, page.detail.indicator)
        else:
            yield provider_page_is_calm.emit(page, provider)
    for health in context.evidence.of(ProviderHealth, context.mode.where):
        if health.value:
            yield provider_answers.emit(health, provider)
        else:
            yield provider_does_not_answer.emit(health, provider, health.note)


def _refusals(context: Context) -> Iterator[Signal]:
    """Yield that the provider refuses us, where nobody else finds it unwell.

    A certificate that does not fit shows to all of its clients, so TLS counts only where no other connection of ours
    fails by it.
    """
    where = context.mode.where
    bad_tls = any(probe.detail.stage == "tls" for probe in context.evidence.of(ProbeOutcome, where)) or any(
        not health.value for health in context.evidence.of(ProviderHealth, where))
    for kind, what in _OURS.items():
        if context.mostly(kind) and not (kind is ErrorKind.TLS and bad_tls):
            for source in context.mode.sources:
                yield provider_refuses_us.emit(
                    Seen(source, Calls.name), context.provider, what, context.mode.kinds[kind])
