"""What status pages of several makes say, each told by the shape of its JSON.

Formats: Atlassian Statuspage, "Status API" (``/api/v2/summary.json``, ``status.json``); Instatus, "Publicly available
Data" (``summary.json``; its components are at ``v3/components.json``); Better Stack, "JSON API status"
(``index.json``, JSON:API); incident.io, "Widget" (``/api/v1/summary``); OpenStatus, "Public Status Widget"; and any
JSON in which the configuration says where the status is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from responder.model.evidence.status_page import PageIncident, StatusPage
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import Provider

MAINTENANCE = 0.5
"""The level of a maintenance: less than trouble, and not well."""
_LEVELS: Mapping[float, tuple[str, ...]] = {
    0.0: ("operational", "none", "up", "ok", "okay", "healthy", "good", "green", "normal", "available", "online",
          "running", "pass", "passing", "success", "true", "resolved", "allsystemsoperational", "active",
          "notmonitored"),
    MAINTENANCE: ("maintenance", "undermaintenance", "allundermaintenance", "plannedmaintenance",
                  "scheduledmaintenance"),
    1.0: ("minor", "degraded", "degradedperformance", "degradation", "hasissues", "issues", "minoroutage", "warning",
          "warn", "yellow", "partiallydegraded", "partialdegradation", "performanceissues", "incident", "partial"),
    2.0: ("major", "partialoutage", "disruption", "servicedisruption", "partialservicedisruption", "orange"),
    3.0: ("critical", "majoroutage", "fulloutage", "outage", "down", "downtime", "red", "offline", "unavailable",
          "error", "fail", "failing", "failure", "unhealthy", "false", "serviceoutage"),
}
_LEVEL_OF = {word: level for level, words in _LEVELS.items() for word in words}
_OVER = frozenset({"resolved", "postmortem", "completed", "maintenancecomplete"})
_UNDER_WAY = frozenset({"inprogress", "verifying", "maintenanceinprogress"})
_PARTS = 20
_INCIDENTS = 10
_WORD, _NAME, _TITLE = 40, 80, 200
"""Characters that are kept of a status, a component's name and an incident's."""


class Unreadable(Exception):
    """The page has a form, or a word, that is not known; it says which."""


@dataclass(frozen=True)
class Part:
    """A component on the page."""

    key: str
    name: str
    status: str


@dataclass(frozen=True)
class Entry:
    """An incident or a maintenance on the page."""

    name: str
    status: str
    impact: str = ""
    parts: tuple[str, ...] = ()
    """The names and keys of the components that it is of; none: the page does not say."""


@dataclass(frozen=True)
class Page:
    """What a page says, whatever its make."""

    indicator: str
    parts: tuple[Part, ...] = ()
    incidents: tuple[Entry, ...] = ()
    maintenances: tuple[Entry, ...] = ()
    """Those under way."""
    updated: str = ""
    parts_at: tuple[str, ...] = ()
    """Addresses beside the page's own where its components may be, if it has none itself."""


def read(answer: Any, provider: Provider, now: float) -> Page:
    """Return what a page's JSON says; ``now`` in seconds since 1970. Raises Unreadable."""
    try:
        if provider.status_path:
            return Page(_at(answer, provider.status_path))
        for fits, reader in _MAKES:
            if isinstance(answer, dict) and fits(answer):
                return reader(answer, now)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Unreadable("the status page has another form") from error
    raise Unreadable("the status page has another form")


def components(answer: Any) -> tuple[Part, ...]:
    """Return the components of Instatus' ``components.json``; raises Unreadable."""
    try:
        return tuple(_parts(answer["components"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable("the status page's components have another form") from error


def judged(page: Page, provider: Provider) -> tuple[float, StatusPage]:
    """Return how bad it is for us, from 0 (operational) to 3 (critical), and what the page says of it.

    With ``status_components`` trouble of other products is none of ours. Raises Unreadable.
    """
    wanted = {name.casefold() for name in provider.status_components}
    parts = [part for part in page.parts if not wanted or {part.key.casefold(), part.name.casefold()} & wanted]
    if missing := [name for name in provider.status_components
                   if not any(name.casefold() in (part.key.casefold(), part.name.casefold()) for part in parts)]:
        raise Unreadable(f"the status page has no component {missing[0]!r}")
    names = {text.casefold() for part in parts for text in (part.key, part.name)}
    incidents, maintenances = (
        [entry for entry in entries if not wanted or names & {text.casefold() for text in entry.parts}]
        for entries in (page.incidents, page.maintenances))
    levels = {part.name: _level(part.status, provider, not wanted) for part in parts}
    level, said = _level(page.indicator, provider), page.indicator
    if wanted:
        worst = max(parts, key=lambda part: (levels[part.name], part.name))
        level, said = max(levels[worst.name], MAINTENANCE if maintenances else 0.0), worst.status
    if wanted or not page.parts:
        level = max([level, *(_LEVEL_OF.get(_plain(entry.impact), 0.0) for entry in incidents)])
    under: list[str] = []
    if level == MAINTENANCE:
        under = [entry.name for entry in maintenances] or [
            name for name, found in levels.items() if found == MAINTENANCE] or [said]
        level, said = 1.0, "maintenance"
    unwell = {part.name: part.status for part in parts if levels[part.name] != 0.0}
    return level, StatusPage(
        indicator=said, components=dict(list(unwell.items())[:_PARTS]), updated=page.updated,
        incidents=tuple(PageIncident(entry.name, entry.status, entry.impact) for entry in incidents[:_INCIDENTS]),
        maintenance=tuple(under[:_INCIDENTS]))


def _level(word: str, provider: Provider, lenient: bool = False) -> float:
    """Return how bad a status is; ``lenient``: a word that is not known is trouble of an unknown degree."""
    if word.casefold() in {well.casefold() for well in provider.status_well}:
        return 0.0
    level = _LEVEL_OF.get(_plain(word))
    if level is None and not (lenient or provider.status_well):
        raise Unreadable(f"the status page says {word!r}, which is no status that is known")
    return 2.0 if level is None else level


def _plain(word: str) -> str:
    return re.sub(r"[^a-z]", "", word.casefold())


def _text(value: Any, most: int) -> str:
    return mask(str(value if value is not None else ""))[:most]


def _at(answer: Any, path: str) -> str:
    value = answer
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    if not isinstance(value, str | int | float):
        raise Unreadable(f"the status page has no status at {path!r}")
    return _text(value, _WORD)


def _parts(given: Iterable[Any]) -> Iterator[Part]:
    for item in given:
        group = item.get("group")
        if group is not True:  # A group's status is that of its parts.
            yield Part(_text(item.get("id"), _NAME), _text(item["name"], _NAME), _text(item["status"], _WORD))


def _entries(given: Iterable[Any], parts: str = "components") -> Iterator[Entry]:
    for item in given:
        named = [part for part in item.get(parts) or [] if isinstance(part, dict)]
        yield Entry(
            _text(item.get("name"), _TITLE), _text(item.get("status"), _WORD),
            _text(item.get("impact", item.get("current_worst_impact")), _WORD),
            tuple(_text(part.get(key), _NAME) for part in named for key in ("id", "name") if part.get(key)))


def _open(given: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in given if _plain(entry.status) not in _OVER)


def _under_way(given: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in given if _plain(entry.status) in _UNDER_WAY)


def _statuspage(answer: Any, _: float) -> Page:
    return Page(
        _text(answer["status"]["indicator"], _WORD), tuple(_parts(answer.get("components") or [])),
        _open(_entries(answer.get("incidents") or [])),
        _under_way(_entries(answer.get("scheduled_maintenances") or [])),
        _text((answer.get("page") or {}).get("updated_at"), _WORD))


def _instatus(answer: Any, _: float) -> Page:
    return Page(
        _text(answer["page"]["status"], _WORD), (), _open(_entries(answer.get("activeIncidents") or [])),
        _under_way(_entries(answer.get("activeMaintenances") or [])),
        parts_at=("v3/components.json", "v2/components.json", "components.json"))


def _better_stack(answer: Any, now: float) -> Page:
    attributes = answer["data"]["attributes"]
    included = [(str(item.get("id")), str(item["type"]), item["attributes"]) for item in answer.get("included") or []]
    parts = tuple(Part(key, _text(item.get("public_name"), _NAME), _text(item["status"], _WORD))
                  for key, kind, item in included if kind == "status_page_resource")
    reports = [(item.get("report_type") == "maintenance", Entry(
        _text(item.get("title"), _TITLE), "", _text(item.get("aggregate_state"), _WORD),
        tuple(str(part.get("status_page_resource_id")) for part in item.get("affected_resources") or [])))
        for _, kind, item in included if kind == "status_report"
        and _seconds(item.get("starts_at"), now) <= now < _seconds(item.get("ends_at"), now + 1)]
    return Page(
        _text(attributes["aggregate_state"], _WORD), parts, tuple(entry for planned, entry in reports if not planned),
        tuple(entry for planned, entry in reports if planned), _text(attributes.get("updated_at"), _WORD))


def _incident_io(answer: Any, _: float) -> Page:
    incidents = tuple(_entries(answer["ongoing_incidents"], "affected_components"))
    worst = max(incidents, key=lambda entry: _LEVEL_OF.get(_plain(entry.impact), 0.0), default=None)
    return Page(worst.impact if worst and _plain(worst.impact) in _LEVEL_OF else "operational", (), incidents,
                tuple(_entries(answer.get("in_progress_maintenances") or [], "affected_components")))


def _open_status(answer: Any, _: float) -> Page:
    return Page(_text(answer["status"], _WORD))


def _seconds(text: Any, missing: float) -> float:
    return datetime.fromisoformat(text).timestamp() if text else missing


_MAKES: tuple[tuple[Callable[[Any], bool], Callable[[Any, float], Page]], ...] = (
    (lambda answer: isinstance(answer.get("status"), dict) and "indicator" in answer["status"], _statuspage),
    (lambda answer: "activeIncidents" in answer or (
        isinstance(answer.get("page"), dict) and "status" in answer["page"]), _instatus),
    (lambda answer: isinstance(answer.get("data"), dict) and "attributes" in answer["data"], _better_stack),
    (lambda answer: "ongoing_incidents" in answer, _incident_io),
    (lambda answer: isinstance(answer.get("status"), str), _open_status),
)
