"""The postmortem as HTML, Markdown and JSON, and its place in S3.

The HTML page is one file that has no script and makes no request. The template engine escapes all text for
HTML; ``model/markdown.py`` escapes it for Markdown.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from statistics import median

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from responder.clients import objects
from responder.model.frozen import dataclass
from responder.model.markdown import cell, inline, tidy
from responder.model.masking.typed import masked
from responder.model.moment import iso
from responder.model.visible import visible
from responder.model.zone import zone
from responder.plan.review import Notes, PastIncident, Review
from responder.plan.review.chapters import chapters
from responder.plan.review.live import LIVE_TAGS, Live
from responder.plan.wording import (
    amount,
    capital,
    clock,
    count,
    day,
    days_from,
    duration,
    listed,
    moment,
    plural,
    share,
    source_name,
    stamp,
    times,
    words,
)
from responder.records.chart import chart_of

_HTML = "text/html; charset=utf-8"
_FORMATS = {"html": ("postmortem.html", _HTML), "md": ("postmortem.md", "text/markdown; charset=utf-8"),
            "json": ("postmortem.json", "application/json"), "gz": ("record.json.gz", "application/gzip")}
"""File ending to the name in the bucket and the content type."""
_SHOWN_FIRST, _SHOWN_LAST = 300, 1500
"""The pages shorten a very long timeline to its beginning and end; postmortem.json and the record have all of it."""
_SLOWEST, _MONTHS = 20, 24
"""Maximum length of the lists of the slowest incidents and of the months."""
_ENDED = {"resolved": "recovered", "escalated": "handed to people", "observed": "left to people",
          "false_alarm": "a false alarm", "open": "not at an end"}
"""An opening's outcome as the pages have it."""
_NOTES = "review.md"
_NOTES_BYTES = 200_000


def render(review: Review, live: Live | None = None) -> dict[str, str]:
    """Return the postmortem's formats, by file ending.

    With ``live`` the incident is not over: the page begins with how it stands, reloads itself, and draws no lessons.
    """
    review = masked(review)
    with days_from(review.incident.opened_at):
        given = _given(review)
        text = environment(escape=False).get_template("postmortem.md").render(given, live=None)
        page = _page(given, live)
    return {"html": page, "md": visible(tidy(text)), "json": _json(review)}


def render_json(review: Review) -> str:
    """Return the postmortem as JSON; see ``render``."""
    return _json(masked(review))


def _json(review: Review) -> str:
    return json.dumps(asdict(review), indent=1, sort_keys=True)


def render_page(review: Review, live: Live | None = None) -> str:
    """Return the postmortem as a page; see ``render``."""
    with days_from(review.incident.opened_at):
        return _page(_given(masked(review)), live)


def _page(given: Mapping[str, object], live: Live | None) -> str:
    return visible(environment(escape=True).get_template("postmortem.html").render(given, live=masked(live)))


def _given(review: Review) -> dict[str, object]:
    """Return what the templates read; ``review`` is masked."""
    left_out = max(0, len(review.timeline) - _SHOWN_FIRST - _SHOWN_LAST)
    shown = review if not left_out else replace(
        review, timeline=(*review.timeline[:_SHOWN_FIRST], *review.timeline[-_SHOWN_LAST:]))
    return {"review": shown, "chart": chart_of(review), "left_out": left_out, "chapters": chapters(shown),
            "impact": told(review), "zone": zone(review.time_zone), "ended": _ENDED,
            "helped": any(action.verified_at for action in review.actions)}


@dataclass(frozen=True)
class ImpactTold:
    """The impact as the top of the report has it."""

    failed: str
    """"1,801 payments failed"."""
    more: tuple[str, ...]
    """What else is known of it."""


def told(review: Review) -> ImpactTold:
    """Return the impact in words; what is not known is not said."""
    impact, requests = review.impact, review.requests
    error = f" (± {count(impact.failed_error)})" if impact.failed_error else ""
    failed = f"{count(impact.failed_requests)}{error} {requests} failed" if impact.failed_requests is not None else (
        f"Failed {requests} were not counted")
    missing = (f"about {count(impact.missing_requests)} (± {count(impact.missing_error)}) fewer than usual came"
               if impact.missing_requests else "")
    affected = f"{share(impact.affected_share)} of all" if impact.affected_share else ""
    worst = f"{share(impact.worst_error_rate)} at the worst" if impact.worst_error_rate else ""
    lasted = f"for {duration(impact.seconds)}" if impact.seconds else ""
    until = f"measured until {clock(impact.measured_until)}" if impact.measured_until and not impact.ended else ""
    return ImpactTold(failed, tuple(part for part in (missing, affected, worst, lasted, until) if part))


@dataclass(frozen=True)
class Total:
    """Incidents with the same cause or month."""

    name: str
    """The cause, or the month."""
    incidents: int
    median_seconds: float | None
    """Of the times to recovery."""
    failed_requests: float


def render_index(service: str, history: Sequence[PastIncident]) -> str:
    """Return the list of all incidents of a service as one HTML page, in several orders, because there is no script."""
    newest = sorted(masked(tuple(history)), key=lambda past: past.opened_at, reverse=True)
    causes: dict[str, list[PastIncident]] = defaultdict(list)
    months: dict[str, list[PastIncident]] = defaultdict(list)
    for past in newest:
        causes[past.cause].append(past)
        months[past.opened_at[:7]].append(past)
    recovered = [past for past in newest if past.recovery_seconds is not None]
    by_month = [_total(month, found) for month, found in sorted(months.items())][-_MONTHS:]
    return environment(escape=True).get_template("index.html").render(
        service=service, newest=newest, months=by_month,
        slowest=sorted(recovered, key=lambda past: -(past.recovery_seconds or 0.0))[:_SLOWEST],
        most=max((total.median_seconds or 0.0 for total in by_month), default=0.0),
        causes=sorted((_total(cause, found) for cause, found in causes.items()), key=lambda total: -total.incidents))


def _total(name: str, found: Sequence[PastIncident]) -> Total:
    times = [past.recovery_seconds for past in found if past.recovery_seconds is not None]
    return Total(name, len(found), median(times) if times else None, sum(past.failed_requests or 0 for past in found))


@cache
def environment(*, escape: bool) -> Environment:
    """Return the template engine with the filters of the templates, one for the life of the function; ``escape`` is for
    HTML.

    It keeps its templates compiled: that takes six times as long as filling one.
    """
    made = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")),
                       autoescape=escape, undefined=StrictUndefined,  # noqa: S701 - Markdown: filter md
                       trim_blocks=True, lstrip_blocks=True)
    made.filters.update({"md": inline, "cell": cell, "time": clock, "moment": moment, "day": day, "stamp": stamp,
                         "duration": duration, "percent": share, "count": count, "plural": plural, "words": words,
                         "listed": listed, "times": times, "source": source_name, "amount": amount, "capital": capital})
    return made


def notes(bucket: str, service: str, incident: str) -> Notes | None:
    """Return people's review of an incident; None where there is none. Raises CallFailed.

    It is ``review.md`` beside the report; its author is the metadata ``author``, or the first line "Author: …".
    """
    stored = objects.read(bucket, f"postmortems/{service}/{incident}/{_NOTES}", _NOTES_BYTES)
    if stored is None:
        return None
    author, text = stored.author, stored.text
    first, _, rest = text.partition("\n")
    if not author and first.lower().startswith("author:"):
        author, text = first.partition(":")[2].strip(), rest
    return Notes(author or "not named", iso(stored.modified.timestamp()), text.strip())


def store_index(bucket: str, page: str, service: str) -> None:
    """Write a service's list of all incidents; raises CallFailed."""
    objects.write(bucket, f"postmortems/{service}/index.html", page, _HTML)


def store(bucket: str, service: str, incident: str, page: str, version: str, files: Mapping[str, str | bytes],
          lock: objects.Lock = objects.NO_LOCK, *, final: bool = True) -> dict[str, str]:
    """Write the page and the other formats to the versioned bucket, and return their addresses by file ending.

    The page replaces only an older one; see ``plan/review/live.py:version``. With a ``lock`` no version of what is
    ``final`` can be deleted before its days have passed. Raises CallFailed.
    """
    if final:
        objects.write_newer(bucket, _key(service, incident, "html"), page, _HTML, version, lock=lock)
    else:
        store_live(bucket, service, incident, page, version)
    for ending, body in files.items():
        objects.write(bucket, _key(service, incident, ending), body, _FORMATS[ending][1],
                      lock if final else objects.NO_LOCK)
    return {ending: f"s3://{bucket}/{_key(service, incident, ending)}" for ending in ("html", *files)}


def store_live(bucket: str, service: str, incident: str, page: str, version: str) -> bool:
    """Write the page of an incident that is not over; returns False where a newer one is there. Raises CallFailed.

    It is not locked, and tagged, so that the bucket forgets it soon after it has been replaced.
    """
    return objects.write_newer(bucket, _key(service, incident, "html"), page, _HTML, version, tags=LIVE_TAGS)


def _key(service: str, incident: str, ending: str) -> str:
    return f"postmortems/{service}/{incident}/{_FORMATS[ending][0]}"
