"""The provider is well and refuses our calls: by our key, our certificate or the number of our requests."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan import calling
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, credentials, probes, provider


def improvements(case: Case) -> Iterator[Advice]:
    """What we bring along has an end or a limit that is known beforehand."""
    called = case.provider or "the provider"
    yield Advice(
        "watch-keys-and-limits", "prevention", f"{called} refused what we bring along", case.seen(),
        f"keys, certificates and request limits of {case.component} at {called}", "let an alarm go off two weeks "
        "before a key or certificate ends, and at three quarters of the agreed number of requests", case.developers,
        Effort.CHECK, "a test key that ends in a week raises the alarm", case.trouble.whole)


MECHANISM = Mechanism(
    id="refused_by_provider",
    cause=CODE_BUG,
    title="calls that the provider refuses",
    subject="refusal of our calls by {provider}",
    remedies=("escalate",),
    needs=provider.provider_refuses_us,
    weights={
        provider.provider_refuses_us: 4.0,
        credentials.ours_ended_as_it_began: 3.0,
        calls.provider_calls_fail: 1.0,
        credentials.ours_ended_long_before: 0.5,
        provider.provider_answers: 0.5,
        provider.provider_page_is_calm: 0.5,
        credentials.ours_are_valid: -0.3,
        changes.configuration_changed: -0.5,
        provider.provider_page_reports_trouble: -1.5,
        provider.provider_is_under_maintenance: -1.5,
        provider.provider_does_not_answer: -2.0,
        probes.probe_finds_bad_tls: -2.0,
    },
    improvements=improvements,
    call=calling.who_is_refused,
)
