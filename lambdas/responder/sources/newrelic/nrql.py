"""What is asked of New Relic: one GraphQL request of NerdGraph with an NRQL query per alias.

Formats: New Relic's pages "NerdGraph tutorial: Query your data using NRQL", "NRQL reference" (facets, time series) and
"Set a query's time range": the periods of TIMESERIES are laid from UNTIL backwards, and one that SINCE would cut is
left out. So both lie on multiples of the period, and the periods of every look are the same.
"""

from __future__ import annotations

from dataclasses import asdict

from responder.model.evidence import Window
from responder.model.frozen import dataclass
from responder.model.service import NewRelic
from responder.plan.periods import period_seconds
from responder.sources import Query

MAX_FACETS = 2000
_VERSIONS = 4
"""How many versions a component is thought to run, for the length of their periods."""
_MAX_KINDS = 200
_RECENT_SECONDS = 60
_SHORTEST = 0.001
"""A query's time range has a length, in whole milliseconds."""
_CHANGES_SECONDS = 3600
_COUNTS = "count(*) AS requests, filter(count(*), WHERE error IS true) AS errors"
_CALLS = ("count(*) AS requests, filter(count(*), WHERE error.class IS NOT NULL) AS errors, "
          "average(duration) AS mean")
_MARKERS = "SELECT timestamp, entity.name, version, user FROM Deployment"
_ISSUES = ("aiIssues { issues(filter: {states: [ACTIVATED]}) { issues { issueId title priority state activatedAt "
           "entityNames } nextCursor } }")


@dataclass(frozen=True)
class Queries:
    """The NRQL queries of one request, by alias; an empty one is not asked."""

    series: str
    """Per component, period by period; whole ones."""
    rest: str
    """Per component, in the period that is not over yet."""
    window: str
    """Per component and version, in the window."""
    baseline: str
    recent: str
    """Per component, in the newest minute: the time before would hide what has just begun."""
    calls: str
    """Per component and host that it called, in the newest minute."""
    calls_before: str
    kinds: str
    """As ``calls``, by the text of the error."""
    day_window: str = ""
    """Per component, in the window of the day before."""
    day_hour: str = ""
    """Per component, in the baseline of the day before."""
    versions: str = ""
    """Per component and version, period by period."""
    deployments: str = ""
    """Markers of change tracking."""

    @property
    def asked(self) -> dict[str, str]:
        """Alias to query."""
        return {alias: text for alias, text in asdict(self).items() if text}


def queries(settings: NewRelic, query: Query) -> Queries:
    """Return what is asked in the phase of a query."""
    window, baseline = query.window, query.baseline
    names = ", ".join(_quote(component.name) for component in query.service.components)
    component, version = _attribute(settings.component_attribute), _attribute(settings.version_attribute)
    source = f"FROM {settings.event} WHERE {component} IN ({names})"
    components = len(query.service.components)
    bucket, whole = periods(window, components)
    by_version_bucket = period_seconds(window.seconds, _VERSIONS * components)
    counted, rest = Window(whole.start, window.end), Window(whole.end, window.end)
    by_version = f"SELECT {_COUNTS}, percentile(duration, 95) AS p95 {source} FACET {component}, {version}"
    peer = _attribute(settings.peer_attribute)
    calls = f"FROM Span WHERE {component} IN ({names}) AND span.kind = 'client'"
    called = f"SELECT {_CALLS} {calls} FACET {component}, {peer}"
    recent, limit = _span(newest(window)), f"LIMIT {MAX_FACETS}"
    diagnose, confirm = query.phase == "diagnose", query.phase == "confirm"
    # Whether an hour is always like this: the same window, and the hour before it, a day before.
    day_window, day_hour = (f"SELECT {_COUNTS} {source} FACET {component} {_span(part)} {limit}" if confirm else ""
                            for part in query.day_before)
    return Queries(
        series=f"SELECT {_COUNTS} {source} FACET {component} {_span(whole)} TIMESERIES {bucket} seconds {limit}",
        rest=f"SELECT {_COUNTS} {source} FACET {component} {_span(rest)} {limit}" if rest.seconds > _SHORTEST else "",
        window=f"{by_version} {_span(counted)} {limit}", baseline=f"{by_version} {_span(baseline)} {limit}",
        recent=f"SELECT count(*) AS requests, percentile(duration, 95) AS p95 {source} FACET {component} "
               f"{recent} {limit}",
        day_window=day_window, day_hour=day_hour,
        calls=f"{called} {recent} {limit}", calls_before=f"{called} {_span(baseline)} {limit}",
        kinds=f"SELECT count(*) AS requests {calls} AND error.class IS NOT NULL "
              f"FACET {component}, {peer}, error.message {recent} LIMIT {_MAX_KINDS}",
        # Which version failed while another served beside it: totals would compare one time with another.
        versions=f"SELECT {_COUNTS} {source} FACET {component}, {version} {_span(window)} "
                 f"TIMESERIES {by_version_bucket} seconds {limit}" if diagnose else "",
        deployments=f"{_MARKERS} WHERE entity.name IN ({names}) "
                    f"{_span(Window(window.start - _CHANGES_SECONDS, window.end))} LIMIT 100" if diagnose else "")


def graphql(asked: dict[str, str], issues: bool) -> str:
    """Return the GraphQL text for queries by alias; ``issues`` asks for the open issues too."""
    variables = ", ".join(f"${name}: Nrql!" for name in asked)
    aliases = " ".join(f"{name}: nrql(query: ${name}, timeout: 9) {{ results }}" for name in asked)
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


def _span(window: Window) -> str:
    return f"SINCE {int(window.start * 1000)} UNTIL {int(window.end * 1000)}"


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _attribute(name: str) -> str:
    return f"`{name.replace('`', '')}`" if not name.replace("_", "").isalnum() else name
