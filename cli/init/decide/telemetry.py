"""Where metrics, traces and logs are, and what the fields are called there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cli.init.decide.components import Chosen
from cli.init.facts import Facts, LogField, Metrics, MetricSet, NewRelic, Splunk
from cli.init.readers import Asked
from cli.init.readers.newrelic import PEERS, VERSIONS
from cli.init.readers.splunk import search_of

_KINDS = {
    "errors": re.compile(r"err|fail|fault|5xx|exception", re.I),
    "latency": re.compile(r"latency|duration|response_?time|elapsed", re.I),
    "requests": re.compile(r"request|count|call|invocation|transaction|throughput|hits", re.I)}
"""What a metric's name says, in the order in which it is asked: ``RequestErrors`` counts errors."""
_USUAL_VERSION, _USUAL_PEER = "service.version", "server.address"


@dataclass(frozen=True)
class ChosenMetrics:
    """The service's own metrics in CloudWatch."""

    chosen: MetricSet | None = None
    names: dict[str, str] = field(default_factory=dict)
    """``requests``, ``errors``, ``latency``: the metric, where one has such a name."""
    covered: tuple[str, ...] = ()
    """The components that they name."""
    period_seconds: int = 60
    others: tuple[MetricSet, ...] = ()


def chosen_metrics(facts: Facts, chosen: Chosen) -> ChosenMetrics:
    """Return the metrics that name most components and have all three measures."""
    metrics, wanted = facts.of(Metrics), set(chosen.names)
    fits = [one for one in metrics.sets if wanted & set(one.values)]
    if not fits:
        return ChosenMetrics()
    ranked = sorted(fits, key=lambda one: (-len(_measures(one)), -len(wanted & set(one.values)), one.namespace))
    first = ranked[0]
    return ChosenMetrics(
        first, _measures(first), tuple(name for name in chosen.names if name in first.values),
        10 if first.namespace in metrics.fine else 60, tuple(ranked[1:]))


def _measures(one: MetricSet) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, pattern in _KINDS.items():
        fits = [name for name in one.names if pattern.search(name) and name not in found.values()]
        if fits:
            found[kind] = min(fits, key=lambda name: (len(name), name))
    return found


@dataclass(frozen=True)
class Named:
    """A field's value with its reason."""

    value: str
    why: str


def newrelic_fields(facts: Facts, chosen: Chosen) -> dict[str, Named]:
    """Return the attributes that New Relic's data have: ``version_attribute``, ``peer_attribute`` and so on."""
    newrelic = facts.of(NewRelic)
    of_service = [one for one in newrelic.applications if one.name in chosen.names]
    found: dict[str, Named] = {}
    if of_service:
        spans = sum(one.spans for one in of_service)
        kind = "Transactions" if any(one.requests for one in of_service) else f"spans alone ({spans} in a day)"
        names = ", ".join(one.name for one in of_service)
        found["component_attribute"] = Named("appName", f"seen: {names} send {kind}")
    for name, usual, candidates, measured in (("version_attribute", _USUAL_VERSION, VERSIONS, "Transaction"),
                                              ("peer_attribute", _USUAL_PEER, PEERS, "Client")):
        total = newrelic.measured.get(measured, 0) or newrelic.measured.get("Span", 0)
        counts = {one: newrelic.attributes.get(one, 0) for one in candidates}
        best = max(candidates, key=lambda one: (counts[one], -candidates.index(one)))
        if counts[best] and total:
            share = min(1.0, counts[best] / total)
            found[name] = Named(best, f"seen: {share:.0%} of {'client spans' if measured == 'Client' else 'requests'}"
                                      " have it")
        else:
            found[name] = Named(usual, "")
    return found


def like_versions(facts: Facts) -> list[str]:
    """Return attributes whose names sound like a version, for a person to choose from."""
    return [name for name in facts.of(NewRelic).known_keys
            if re.search(r"version|release|commit|build|revision|sha\b", name, re.I)][:8]


_FIELDS: dict[str, tuple[str, ...]] = {
    "component_field": ("component", "service", "app", "app_name", "application", "service.name", "service_name",
                        "kubernetes.labels.app", "kubernetes.container_name", "container_name", "logger_name"),
    "level_field": ("level", "severity", "log_level", "loglevel", "log.level", "levelname"),
    "version_field": ("version", "service.version", "app_version", "release", "image_tag"),
    "pod_field": ("pod", "pod_name", "kubernetes.pod_name", "k8s.pod.name", "kubernetes.pod.name", "hostname"),
    "status_field": ("status", "status_code", "http.status_code", "http_status", "response_code", "sc_status"),
    "duration_field": ("duration_ms", "response_time_ms", "elapsed_ms", "latency_ms", "took_ms"),
    "client_field": ("client_ip", "remote_addr", "clientip", "client.ip", "c_ip", "x_forwarded_for", "source_ip")}
"""Fields of the configuration to the names that log events may have for them, the usual first."""
_BAD = re.compile(r"err|fatal|crit|severe|emerg|panic|alert", re.I)


def splunk_search(asked: Asked, facts: Facts) -> Named:
    """Return the search that finds the service's lines; empty where none was found."""
    sources = facts.of(Splunk).sources
    if asked.splunk_search:
        return Named(asked.splunk_search, "named with --splunk-search")
    if not sources:
        return Named("", "")
    others = ", ".join(f"index={one.index} sourcetype={one.sourcetype} ({one.count})" for one in sources[1:4])
    return Named(search_of(sources[0], ""), f"seen: {sources[0].count} lines of 15 min name the workloads"
                 + (f"; others: {others}" if others else ""))


def splunk_fields(facts: Facts, chosen: Chosen) -> Iterator[tuple[str, Named]]:
    """Yield the fields that log events have; an empty value where none fits."""
    splunk = facts.of(Splunk)
    by_name = {one.name: one for one in splunk.fields}
    for key, names in _FIELDS.items():
        fits = [by_name[name] for name in names if name in by_name]
        if key == "component_field":
            # Whatever it is called: the field whose values are the components' names.
            fits = sorted((one for one in splunk.fields if set(one.values) & set(chosen.names)), key=lambda one: (
                -len(set(one.values) & set(chosen.names)), one.name not in names,
                names.index(one.name) if one.name in names else 0, -one.count))
        else:
            fits.sort(key=lambda one: -one.count)
        best = next(iter(fits), None)
        yield key, Named(best.name if best else "", _share(best, splunk.sampled))


def _share(one: LogField | None, sampled: int) -> str:
    return f"seen: in {one.count} of {sampled} events" if one and sampled else ""


def error_levels(facts: Facts, level_field: str) -> Sequence[str]:
    """Return the values of the level field that mean an error."""
    found = next((one for one in facts.of(Splunk).fields if one.name == level_field), None)
    return sorted({value.upper() for value in found.values if _BAD.search(value)}) if found else ()
