"""What is asked of New Relic: one GraphQL request of NerdGraph with an NRQL query per alias.

Formats: New Relic's pages "NerdGraph tutorial: Query your data using NRQL", "NRQL reference" (facets, functions, time
series), "Set a query's time range", its data dictionary ("Span", "Transaction") and "OpenTelemetry traces in New
Relic". Both SINCE and UNTIL lie on multiples of the period where periods are counted, so it does not matter whether
they are laid from either of them or by the clock. FACET leaves out rows whose value is null, so each has another value
in place of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from responder.model.evidence import Window
from responder.model.evidence.error_rate_by_version import UNKNOWN
from responder.model.frozen import dataclass
from responder.model.service import NewRelic
from responder.plan.periods import period_seconds
from responder.sources import Query

MAX_FACETS = 2000
NO_TEXT = "-"
"""In place of the text of an error that has none."""
_VERSIONS = 4
"""How many versions a component is thought to run, for the length of their periods."""
_MAX_KINDS = 200
_RECENT_SECONDS = 60
_SHORTEST = 0.001
"""A query's time range has a length, in whole milliseconds."""
_CHANGES_SECONDS = 3600
_MARKERS = "SELECT timestamp, entity.name, version, user FROM Deployment"
_ISSUES = ("aiIssues { issues(filter: {states: [ACTIVATED]}) { issues { issueId title priority state activatedAt "
           "entityNames } nextCursor } }")
_COMPONENTS = ("appName", "service.name")
"""Who sends a span, by agents and by OpenTelemetry."""
_PODS = ("k8s.pod.name", "host.name", "host")
"""The pod that sends a span: as Kubernetes' metadata is injected or OpenTelemetry's resource has it, or else the
host's name, which is the pod's unless its definition says otherwise (New Relic: "Link your applications to
Kubernetes"; Kubernetes: "DNS for Services and Pods")."""
_PEERS = ("server.address", "net.peer.name", "peer.hostname")
"""Whom a span calls: newer agents and OpenTelemetry's conventions, those before, and agents' datastore spans."""
_DATASTORES = ("db.system", "db.system.name")
"""What a span calls where no host is named."""
_URL_HOST = r"capture(http.url, r'[A-Za-z]+://(?:[^/@]*@)?(?P<host>[^/:?#]+).*')"
"""The host of a URL: agents whose spans do not name it otherwise have it there."""
_TEXTS = ("error.message", "otel.status_description", "error.class", "error.type")
_STATUSES = ("http.statusCode", "http.response.status_code", "http.status_code")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_UNNAMED = re.compile(r"[`\\\x00-\x1f\x7f]")
"""What no name has and no quotation keeps."""
REQUESTS, SPANS = "", "span_"
"""Before an alias: what is counted by the event of requests, and by entry spans."""
PEERS, URLS = "", "url_"
"""Before an alias: calls whose spans name the host, and those that have a URL alone."""


@dataclass(frozen=True)
class Queries:
    """The NRQL queries of one request, by alias.

    Of requests, once by their event and once by entry spans (``REQUESTS``, ``SPANS``): ``series`` (per component,
    period by period; whole ones), ``rest`` (in the period that is not over yet), ``window`` and ``baseline`` (per
    component and version), ``recent`` (in the newest minute: the time before would hide what has just begun),
    ``day_window`` and ``day_hour`` (the same a day before), ``versions`` (per component and version, period by period),
    ``pods`` (per component and pod, in the newest minute).

    Of calls, once by the host that spans name and once by their URL (``PEERS``, ``URLS``): ``calls`` (per component and
    host, in the newest minute), ``calls_before`` (in the baseline), ``kinds`` (as ``calls``, by the text of the error
    and its HTTP status). And ``deployments``: markers of change tracking.
    """

    asked: dict[str, str]

    def __getitem__(self, alias: str) -> str:
        """Return the query of an alias; empty where it is not asked."""
        return self.asked.get(alias, "")


def queries(settings: NewRelic, query: Query) -> Queries:
    """Return what is asked in the phase of a query."""
    names = ", ".join(quote(component.name) for component in query.service.components)
    asked: dict[str, str] = {}
    if settings.event != "Span":
        senders = _names(settings.component_attribute, "appName")
        asked |= _served(_Events(REQUESTS, f"FROM {events(settings.event)} WHERE {_sent_by(senders, names)}",
                                 first_of(senders), settings.errors, ("duration",)), settings, query)
    senders = _names(settings.component_attribute, *_COMPONENTS)
    spans = f"FROM Span WHERE {_sent_by(senders, names)}"
    asked |= _served(_Events(SPANS, f"{spans} AND ({settings.entry_spans})", first_of(senders), settings.span_errors,
                             ("duration", "duration.ms")), settings, query)
    asked |= _called(settings, query.window, query.baseline, f"{spans} AND ({settings.client_spans})",
                     first_of(senders))
    if query.phase == "diagnose":
        changed = Window(query.window.start - _CHANGES_SECONDS, query.window.end)
        asked["deployments"] = f"{_MARKERS} WHERE entity.name IN ({names}) {span(changed)} LIMIT 100"
    return Queries(asked)


@dataclass(frozen=True)
class _Events:
    """Events of which each stands for a request."""

    prefix: str
    source: str
    component: str
    """The component's name, as a value."""
    errors: str
    """The condition that it failed."""
    durations: tuple[str, ...]
    """Attributes that may hold how long it took, in seconds, or in milliseconds where they say so."""


def _served(events: _Events, settings: NewRelic, query: Query) -> dict[str, str]:
    """Return the queries about the requests that components served, by alias."""
    window, limit, components = query.window, f"LIMIT {MAX_FACETS}", len(query.service.components)
    bucket, whole = periods(window, components)
    rest = Window(whole.end, window.end)
    counts = f"count(*) AS requests, filter(count(*), WHERE {events.errors}) AS errors"
    p95 = ", ".join(f"percentile({name}, 95) AS {_unit('p95', name)}" for name in events.durations)
    by, each = f"{events.source} FACET {events.component}", f"SELECT {counts} {events.source}"
    version = first_of(_names(settings.version_attribute), quote(UNKNOWN))
    found = {
        "series": f"SELECT {counts} {by} {span(whole)} TIMESERIES {bucket} seconds {limit}",
        "window": f"SELECT {counts}, {p95} {by}, {version} {span(Window(whole.start, window.end))} {limit}",
        "baseline": f"SELECT {counts}, {p95} {by}, {version} {span(query.baseline)} {limit}",
        "recent": f"SELECT {counts}, {p95} {by} {span(newest(window))} {limit}"}
    if rest.seconds > _SHORTEST:
        found["rest"] = f"SELECT {counts} {by} {span(rest)} {limit}"
    if query.phase == "confirm":
        # Whether an hour is always like this: the same window, and the hour before it, a day before.
        for name, part in zip(("day_window", "day_hour"), query.day_before, strict=True):
            found[name] = f"SELECT {counts} {by} {span(part)} {limit}"
    if query.phase == "diagnose":
        # Which version failed while another served beside it: totals would compare one time with another.
        length = period_seconds(window.seconds, _VERSIONS * components)
        found["versions"] = (f"{each} FACET {events.component}, {version} {span(window)} "
                             f"TIMESERIES {length} seconds {limit}")
        found["pods"] = f"{each} FACET {events.component}, {first_of(_PODS)} {span(newest(window))} {limit}"
    return {events.prefix + name: text for name, text in found.items()}


def _called(settings: NewRelic, window: Window, baseline: Window, source: str, component: str) -> dict[str, str]:
    """Return the queries about the calls that components made, by alias."""
    peers = _names(settings.peer_attribute, *_PEERS)
    unnamed = " AND ".join(f"{peer} IS NULL" for peer in peers)
    failed = f"({settings.span_errors} OR {settings.refusals})"
    measured = (f"count(*) AS requests, filter(count(*), WHERE {failed}) AS errors, "
                f"average(duration) AS {_unit('mean', 'duration')}, "
                f"average(duration.ms) AS {_unit('mean', 'duration.ms')}")
    text, status = first_of(_TEXTS, quote(NO_TEXT)), first_of(_STATUSES, "0")
    limit, recent = f"LIMIT {MAX_FACETS}", span(newest(window))
    found: dict[str, str] = {}
    for prefix, where, host in ((PEERS, "", first_of((*peers, *_DATASTORES))),
                                (URLS, f" AND {unnamed} AND http.url IS NOT NULL", _URL_HOST)):
        by = f"{source}{where} FACET {component}, {host}"
        found |= {
            f"{prefix}calls": f"SELECT {measured} {by} {recent} {limit}",
            f"{prefix}calls_before": f"SELECT {measured} {by} {span(baseline)} {limit}",
            f"{prefix}kinds": f"SELECT count(*) AS requests {source}{where} AND {failed} "
                              f"FACET {component}, {host}, {text}, {status} {recent} LIMIT {_MAX_KINDS}"}
    return found


def graphql(asked: Iterable[str], issues: bool) -> str:
    """Return the GraphQL text for queries by alias; ``issues`` asks for the open issues too."""
    names = list(asked)
    variables = ", ".join(f"${name}: Nrql!" for name in names)
    aliases = " ".join(f"{name}: nrql(query: ${name}, timeout: 9) {{ results }}" for name in names)
    more = _ISSUES if issues else ""
    return f"query ($account: Int!, {variables}) {{ actor {{ account(id: $account) {{ {aliases} {more} }} }} }}"


def periods(window: Window, components: int = 1) -> tuple[int, Window]:
    """Return the length of a window's periods in seconds, and its whole periods, which begin at the clock's multiples.

    The first reaches back before the window, so that all of it is counted. One that is not whole comes after them, so
    that there are never more than NRQL's 366 ("NRQL reference", TIMESERIES).
    """
    length = period_seconds(window.seconds, components)
    start = window.start // length * length
    return length, Window(start, max(start + length, window.end // length * length))


def newest(window: Window) -> Window:
    """Return the last minute of a window."""
    return Window(max(window.start, window.end - _RECENT_SECONDS), window.end)


def first_of(attributes: Sequence[str], otherwise: str = "") -> str:
    """Return the value of the first attribute that is there, by NRQL's ``if()``; or else a constant, or null."""
    first, *others = attributes
    if not others and not otherwise:
        return first
    return f"if({first} IS NOT NULL, {first}, {first_of(others, otherwise) if others else otherwise})"


def _sent_by(senders: Sequence[str], names: str) -> str:
    found = " OR ".join(f"{sender} IN ({names})" for sender in senders)
    return f"({found})" if len(senders) > 1 else found


def _names(*attributes: str) -> tuple[str, ...]:
    """Return attributes as NRQL names them, each once."""
    return tuple(dict.fromkeys(attribute(name) for name in attributes if name))


def _unit(measure: str, attribute: str) -> str:
    return f"{measure}_ms" if attribute.endswith(".ms") else measure


def span(window: Window) -> str:
    return f"SINCE {int(window.start * 1000)} UNTIL {int(window.end * 1000)}"


def quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def attribute(name: str) -> str:
    """Return an attribute's name as NRQL takes it; what would end the backticks is left out of it."""
    return name if _PLAIN.fullmatch(name) else f"`{_UNNAMED.sub('', name)}`"


def events(names: str) -> str:
    """Return what ``FROM`` names, an event or several with commas between them."""
    return ", ".join(attribute(name.strip()) for name in names.split(","))
