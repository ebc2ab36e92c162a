"""A provider outside fails, refuses or is slow."""

from __future__ import annotations

from responder.plan.causes import PROVIDER_OUTAGE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, probes, provider

MECHANISM = Mechanism(
    id="provider_fails",
    cause=PROVIDER_OUTAGE,
    title="provider outage",
    subject="outage of {provider}",
    remedies=("switch_provider", "inform_customers", "inform_provider"),
    weights={
        calls.slow_provider_calls: 2.5,
        calls.kind_http_5xx: 2.0,
        provider.provider_does_not_answer: 2.0,
        calls.kind_read_timeout: 1.5,
        provider.provider_page_reports_trouble: 1.5,
        probes.probe_is_refused: 1.5,
        probes.probe_finds_bad_tls: 1.5,
        probes.outside_probe_does_not_get_through: 1.5,
        probes.probe_ends_in_tls: 1.0,
        calls.kind_refused: 0.5,
        probes.probe_is_slow: 0.5,
        probes.probe_does_not_get_through: 0.5,
        calls.kind_reset: 0.3,
        probes.probe_does_not_resolve: 0.3,
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
)
