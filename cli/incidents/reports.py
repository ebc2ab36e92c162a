"""Reports and records of incidents, as they lie in the bucket, and the list of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from botocore.exceptions import ClientError

from cli.incidents.asking import asking
from cli.incidents.known import every_one
from cli.incidents.named import Known, chosen
from cli.incidents.place import Place
from cli.output import NOT_WELL, WRONG_INPUT, Refused
from responder.model.frozen import dataclass
from responder.model.moment import iso, seconds
from responder.model.service import Service
from responder.plan.review import PastIncident

Form = Literal["md", "html", "json", "record"]
NAMES: dict[Form, str] = {"md": "postmortem.md", "html": "postmortem.html", "json": "postmortem.json",
                          "record": "record.json.gz"}
"""What people say to the object's name (``records/report.py``)."""
RIGHT = "s3:GetObject, kms:Decrypt"
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Report:
    """One file of an incident's report."""

    incident: str
    service: str
    address: str
    """``s3://BUCKET/KEY``."""
    written_at: str
    """ISO 8601 in UTC."""
    content: bytes

    @property
    def name(self) -> str:
        """The file's name in the bucket."""
        return self.address.rpartition("/")[2]


def form_of(text: str) -> Form:
    """Return the form that somebody names; raises Refused."""
    for form in NAMES:
        if form == text:
            return form
    raise Refused(f"--format {text[:40]}: expected one of {', '.join(NAMES)}", WRONG_INPUT)


def fetch(place: Place, services: Sequence[Service], incident: str, form: Form) -> Report:
    """Return a file of the report of the incident that is meant; raises Refused."""
    return report_of(place, chosen(incident, every_one(place, services)), form)


def report_of(place: Place, one: Known, form: Form) -> Report:
    """Return a file of an incident's report; raises Refused, also where it is not written yet."""
    key = f"postmortems/{one.service}/{one.id}/{NAMES[form]}"
    found = _object(place, key)
    if found is None:
        live = "" if form == "html" else "; while it is open, `responder report --format html` has its page"
        raise Refused(f"{one.id} has no {NAMES[form]} yet: it is written when the incident is closed or handed to "
                      f"people{live}", NOT_WELL)
    return Report(one.id, one.service, f"s3://{place.bucket}/{key}", iso(found["LastModified"].timestamp()),
                  found["Body"].read())


def _object(place: Place, key: str) -> Any:
    """Return an object of the bucket; None where there is none. Without the right to list, S3 says 403 in its place."""
    with asking("read reports", RIGHT, "read-only"):
        try:
            return place.client("s3").get_object(Bucket=place.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise


def within(past: Sequence[PastIncident], since: str, until: str, now: float) -> list[PastIncident]:
    """Return the incidents that were opened between two moments, newest first; raises Refused.

    A moment is a day or a time in UTC (``2026-11-24``, ``2026-11-24T10:00``), or how long ago (``36h``, ``14d``,
    ``2w``); empty: no bound.
    """
    first = moment_of("--since", since, now) if since else float("-inf")
    last = moment_of("--until", until, now) if until else float("inf")
    return [one for one in past if first <= seconds(one.opened_at) <= last]


def moment_of(option: str, text: str, now: float) -> float:
    """Return a moment in seconds since 1970 (UTC), as ``within`` takes it; raises Refused."""
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isascii() and number.isdecimal():
        return now - timedelta(**{_UNITS[unit]: int(number[:6])}).total_seconds()
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"{option} {text[:40]}: expected a day or a time in UTC such as 2026-11-24 or 2026-11-24T10:00, "
                      "or how long ago: 36h, 14d, 2w", WRONG_INPUT) from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


