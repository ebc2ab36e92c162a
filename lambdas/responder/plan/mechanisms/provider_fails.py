"""A provider outside fails, refuses or is slow."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.health import ProviderHealth
from responder.model.moment import epoch
from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import PROVIDER_OUTAGE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, probes, provider
from responder.plan.wording import listed


def improvements(case: Case) -> Iterator[Advice]:
    """The fallback is used without being asked for; where it was not used, the reason is what is to be mended."""
    others = [provider.name for provider in case.service.providers if provider.name != case.provider]
    calls = f"calls of {case.provider or 'the provider'} from {case.component}"
    seen = case.seen()
    if case.helped:
        yield Advice(
            "share-traffic", "prevention", f"{case.helped.component} paid by one provider until it failed",
            said(seen, f"what ended it: {case.helped.summary}"), calls, "send a share of the payments by the second "
            "provider all the time, and let a circuit breaker move the rest by itself", case.developers,
            Effort.DESIGN, "both providers show payments in a quiet week, and a test that makes one fail moves its "
            "share within ten seconds", case.trouble.whole)
    elif not others:
        yield Advice(
            "second-provider", "recovery", "There was no other way to pay", seen, calls,
            "contract a second provider, and name it and its switch in the configuration (providers, "
            "provider_switch)", case.developers, Effort.DESIGN,
            "switch_provider is verified in a drill with the second provider", case.trouble.after(
                epoch(case.record.incident.diagnosed_at)))
    elif any(remedy.action == "switch_provider" for remedy in case.remedies):
        return  # What kept the switch back has an item of its own.
    elif down := [name for name in others if case.evidence.one(ProviderHealth, f"provider:{name}") and not any(
            finding.value for finding in case.evidence.of(ProviderHealth, f"provider:{name}"))]:
        yield Advice(
            "take-and-charge-later", "recovery", "All providers failed together",
            said(f"The fallback was not used, because {listed(down)} did not answer either", seen), calls,
            "take orders and charge them when a provider is back (a queue with idempotency keys), and find out what "
            "the providers share", case.developers, Effort.DESIGN,
            "with all providers shut off in a test an order is taken, and charged within a minute of their return",
            case.trouble.after(epoch(case.record.incident.diagnosed_at)))


MECHANISM = Mechanism(
    id="provider_fails",
    cause=PROVIDER_OUTAGE,
    lies_in="provider",
    title="provider outage",
    subject="outage of {provider}",
    remedies=("switch_provider", "inform_customers", "inform_provider"),
    weights={
        calls.slow_provider_calls: 2.5,
        calls.kind_http_5xx: 2.0,
        provider.provider_does_not_answer: 2.0,
        calls.kind_read_timeout: 1.5,
        provider.provider_page_reports_trouble: 1.5,
        provider.provider_is_under_maintenance: 1.5,
        probes.probe_is_refused: 1.5,
        probes.probe_finds_bad_tls: 1.5,
        probes.outside_probe_does_not_get_through: 1.5,
        probes.probe_ends_in_tls: 1.0,
        calls.kind_refused: 0.5,
        probes.probe_is_slow: 0.5,
        probes.probe_does_not_get_through: 0.5,
        calls.kind_reset: 0.3,
        probes.probe_does_not_resolve: 0.3,
        provider.provider_refuses_us: -4.0,
        calls.other_host_called: -2.0,
        calls.kind_dns: -1.5,
        calls.kind_connect_timeout: -1.0,
        provider.provider_answers: -0.5,
        probes.outside_probe_gets_through: -0.5,
        changes.configuration_changed: -0.3,
        provider.provider_page_is_calm: -0.3,
        probes.probe_gets_through: -0.3,
        probes.probe_resolves: -0.3,
    },
    improvements=improvements,
)
