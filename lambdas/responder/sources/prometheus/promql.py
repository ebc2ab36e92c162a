"""What is asked of Prometheus, by the usual conventions of metrics' names and labels.

Formats: OpenTelemetry's "Semantic conventions for HTTP metrics" and "for database client metrics" with "Prometheus and
OpenMetrics Compatibility" (dots become underscores, seconds are in the name); Spring Boot, "Supported Metrics and
Meters"; Istio, "Istio Standard Metrics"; Prometheus, "Metric and label naming" (``http_requests_total``). Functions:
Prometheus, "Querying basics" (string literals) and "Query functions" (``increase`` extrapolates to the whole range, and
needs two samples in it).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from string import Template

from responder.model.frozen import dataclass
from responder.model.service import Prometheus, Service
from responder.model.service.observability import Convention

_LABELS = ("service_name", "application", "app", "app_kubernetes_io_name", "component", "service", "job",
           "destination_workload", "destination_app", "destination_service_name", "workload", "deployment", "container")
"""Labels that may hold a component's name, those first that are meant for it."""


@dataclass(frozen=True)
class Called:
    """Metrics of what a component calls."""

    count: str
    total: str
    """The sum of what the calls took."""
    milliseconds: float
    """How many there are in a unit of the sum."""
    peer: str
    code: str
    details: tuple[str, ...] = ()
    """Labels that say why a call failed."""
    component: str = ""
    """The label with the caller's name; empty: the same as of what it serves."""
    match: str = ""


@dataclass(frozen=True)
class Known:
    """One convention."""

    served: str
    """The counter of requests."""
    failed: str
    """Matchers of those that failed."""
    buckets: str
    milliseconds: float
    """How many there are in a unit of the buckets' bounds."""
    version: str
    calls: tuple[Called, ...] = ()
    match: str = ""
    """Matchers of the series that the component itself tells."""


CONVENTIONS: Mapping[Convention, Known] = {
    "opentelemetry": Known(
        "http_server_request_duration_seconds_count", 'http_response_status_code=~"5.."',
        "http_server_request_duration_seconds_bucket", 1000.0, "service_version", (
            Called("http_client_request_duration_seconds_count", "http_client_request_duration_seconds_sum", 1000.0,
                   "server_address", "http_response_status_code", ("error_type",)),
            Called("db_client_operation_duration_seconds_count", "db_client_operation_duration_seconds_sum", 1000.0,
                   "server_address", "db_response_status_code", ("error_type",)))),
    "spring": Known(
        "http_server_requests_seconds_count", 'status=~"5.."', "http_server_requests_seconds_bucket", 1000.0, "version",
        (Called("http_client_requests_seconds_count", "http_client_requests_seconds_sum", 1000.0, "client_name",
                "status", ("exception", "error")),)),
    "istio": Known(
        "istio_requests_total", 'response_code=~"5..|0"', "istio_request_duration_milliseconds_bucket", 1.0,
        "destination_version", (
            Called("istio_requests_total", "istio_request_duration_milliseconds_sum", 1.0, "destination_service",
                   "response_code", ("response_flags",), "source_workload", 'reporter="source"'),),
        'reporter="destination"'),
    "http": Known("http_requests_total", 'code=~"5.."', "http_request_duration_seconds_bucket", 1000.0, "version"),
}
"""The conventions, those first that tell most."""
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Names:
    """What the metrics and labels of a service are called."""

    known: Known | None
    """None: the configuration has queries of its own."""
    component: str
    version: str


def search() -> str:
    """Return the query for which conventions there are, and in which labels the components' names may be."""
    metrics = "|".join(known.served for known in CONVENTIONS.values())
    return f'group by (__name__, {", ".join(_LABELS)}) ({{__name__=~"{metrics}"}})'


def found(settings: Prometheus, service: Service, series: Iterable[Mapping[str, str]]) -> Names | None:
    """Return what the metrics are called, by what a search found; None where nothing bears the components' names."""
    components = {component.name for component in service.components}
    series = list(series)
    for convention, known in CONVENTIONS.items():
        if settings.convention not in ("", convention):
            continue
        bearing = {label: {named(one.get(label, "")) for one in series if one.get("__name__") == known.served}
                   & components for label in ([settings.component_label] if settings.component_label else _LABELS)}
        label = max(bearing, key=lambda name: len(bearing[name]))
        if bearing[label]:
            return Names(known, label, settings.version_label or known.version)
    return None


def configured(settings: Prometheus) -> Names | None:
    """Return what the metrics are called, where the configuration says it all; None: it has to be found."""
    if settings.requests:
        return Names(None, settings.component_label or "component", settings.version_label or "version")
    if settings.convention and settings.component_label:
        known = CONVENTIONS[settings.convention]
        return Names(known, settings.component_label, settings.version_label or known.version)
    return None


def named(value: str) -> str:
    """Return the component that a label's value names: OpenTelemetry's ``job`` is ``namespace/name``."""
    return value.rpartition("/")[2]


@dataclass(frozen=True)
class Asked:
    """The queries of one service; each method returns PromQL for a range in seconds."""

    settings: Prometheus
    names: Names
    components: tuple[str, ...]

    def requests(self, seconds: float, version: bool = False) -> str:
        """By component, and version: how many requests came."""
        known = self.names.known
        return self._of(self.settings.requests or f"sum by ($by) (increase({known.served if known else ''}"
                        "{$match}[$range]))", seconds, version)

    def errors(self, seconds: float, version: bool = False) -> str:
        """By component, and version: how many of them failed."""
        known = self.names.known
        return self._of(self.settings.errors or f"sum by ($by) (increase({known.served if known else ''}"
                        f"{{$match,{known.failed if known else ''}}}[$range]))", seconds, version)

    def p95_ms(self, seconds: float, version: bool = False) -> str:
        """By component, and version: milliseconds within which 95 % of them were answered; empty: not known."""
        known = self.names.known
        if known and not self.settings.latency_p95_ms:
            return self._of(f"{known.milliseconds:g} * histogram_quantile(0.95, sum by (le, $by) (rate({known.buckets}"
                            "{$match}[$range])))", seconds, version)
        return self._of(self.settings.latency_p95_ms, seconds, version)

    def calls(self, called: Called, seconds: float) -> str:
        """By caller, host, status and reason: how many calls there were."""
        by = ", ".join((self._caller(called), called.peer, called.code, *called.details))
        return f"sum by ({by}) (increase({called.count}{{{self._callers(called)}}}[{_range(seconds)}]))"

    def called_ms(self, called: Called, seconds: float) -> str:
        """By caller and host: how many milliseconds all calls took together."""
        return (f"{called.milliseconds:g} * sum by ({self._caller(called)}, {called.peer}) (increase({called.total}"
                f"{{{self._callers(called)}}}[{_range(seconds)}]))")

    def _of(self, template: str, seconds: float, version: bool) -> str:
        by = f"{self.names.component}, {self.names.version}" if version else self.names.component
        return Template(template).safe_substitute(by=by, range=_range(seconds), match=self._match(
            self.names.component, self.names.known.match if self.names.known else ""))

    def _caller(self, called: Called) -> str:
        return called.component or self.names.component

    def _callers(self, called: Called) -> str:
        return self._match(self._caller(called), called.match)

    def _match(self, label: str, more: str) -> str:
        values = "|".join(map(re.escape, self.components))
        # PromQL's texts have Go's escapes, of which JSON's are a part.
        named = f"{label}=~{json.dumps(f'(.+/)?({values})', ensure_ascii=False)}"
        return ",".join(part for part in (named, more, self.settings.selector) if part)


def is_label(text: str) -> bool:
    """Whether a text is a label's name (Prometheus: "Data model")."""
    return bool(_NAME.fullmatch(text))


def _range(seconds: float) -> str:
    return f"{max(1, round(seconds))}s"
