"""What a provider says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.status_page import StatusPage
from responder.plan.signals import Context, Signal, signal


@signal("State: the provider says so itself; it may be of another product.")
def provider_page_reports_trouble(provider: str, indicator: str) -> str:
    return f"{provider}'s status page says {indicator}"


@signal("State: pages are late or silent in many outages, so it weighs little.")
def provider_page_is_calm(provider: str) -> str:
    return f"{provider}'s status page says that all is well"


@signal("State: reached from here, another way than the service's own.")
def provider_answers(provider: str) -> str:
    return f"{provider}'s health URL answers"


@signal("State: not reached from here either.")
def provider_does_not_answer(provider: str, note: str) -> str:
    return f"{provider}'s health URL does not answer: {note}"


def read(context: Context) -> Iterator[Signal]:
    """Yield what the status page and the health URL of the provider say whose calls fail."""
    provider = context.provider
    if not provider:
        return
    for page in context.evidence.of(StatusPage, context.mode.where):
        if (page.value or 0.0) > 0:
            yield provider_page_reports_trouble.emit(page, provider, page.detail.indicator)
        else:
            yield provider_page_is_calm.emit(page, provider)
    for health in context.evidence.of(ProviderHealth, context.mode.where):
        if health.value:
            yield provider_answers.emit(health, provider)
        else:
            yield provider_does_not_answer.emit(health, provider, health.note)
