"""Checks of what is asked of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.service import Service
from responder.sources.prometheus.promql import is_label
from stacks.nearest import Found


def prometheus(service: Service) -> Iterator[Found]:
    """Find labels that none can be called, and queries that would not be asked for a service's components."""
    settings = service.prometheus
    if settings is None:
        return
    for name, label in (("component_label", settings.component_label), ("version_label", settings.version_label)):
        if label and not is_label(label):
            yield ("prometheus", name), repr(label), "a label's name: letters, digits and underscores"
    if settings.scrape_seconds < 1:
        yield ("prometheus", "scrape_seconds"), str(settings.scrape_seconds), "1 or more"
    if settings.selector.startswith("{"):
        yield (("prometheus", "selector"), repr(settings.selector),
               'matchers without braces, such as namespace="payments"')
    if bool(settings.requests) != bool(settings.errors):
        yield ("prometheus", "errors"), "only one of the two", "requests and errors, both or neither"
    for name, query in (("requests", settings.requests), ("errors", settings.errors),
                        ("latency_p95_ms", settings.latency_p95_ms)):
        for part in ("$by", "$match", "$range"):
            if query and part not in query:
                yield ("prometheus", name), f"no {part}", "$by, $match and $range where they belong"
