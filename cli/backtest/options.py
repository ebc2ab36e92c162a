"""The command's options, read; and the report that they ask for."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import boto3

from cli.backtest import observed as handled
from cli.backtest import page, running, text, truth
from cli.backtest.outcome import Report
from cli.backtest.reads import reads_only
from cli.output import NOT_ASKED, Refused, tell
from responder.model.codec import Malformed, decode
from responder.model.incident import IncidentRecord
from responder.model.moment import iso, seconds
from responder.model.service import Mode, Service
from responder.plan.replay import BadRecord, service_of
from responder.records.history import past_incidents
from responder.records.record import unpack
from responder.records.table import Records
from stacks.configuration import read_folder, read_settings
from stacks.deployed import NoStack, described

_AGO = re.compile(r"(\d+)\s*([dhm])")
_UNIT_SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0}
_MODES = (*get_args(Mode), "any")


@dataclass(frozen=True)
class Given:
    """What was given on the command line, as texts; ``cli/commands/backtest.py`` says what each is."""

    since: str
    until: str
    at: tuple[str, ...]
    alarms: tuple[str, ...]
    service: str
    mode: str
    most: int
    handled_in: str
    records: str
    truth: str
    against: str
    out: str
    config: Path
    stack: str
    profile: str
    region: str


def report(given: Given, *, observed: bool) -> Report:
    """Return the report that is asked for, and write it to a file where one is named; raises Refused."""
    _checked(given)
    happened = truth.read(Path(given.truth)) if given.truth else []
    before = _read(Path(given.against)) if given.against else None
    found = _observed(given) if observed else _backtested(given, happened)
    compared = [*(truth.with_truth(found.cases, happened) if happened else []),
                *(truth.beside(found, before) if before else [])]
    found = replace(found, compared=tuple(compared))
    if given.out:
        _write(Path(given.out), found)
    return found


def _checked(given: Given) -> None:
    """Refuse what cannot be done before anything is asked."""
    for name, value, known in (("--mode", given.mode, get_args(Mode)), ("--handled-in", given.handled_in, _MODES)):
        if value not in known:
            raise Refused(f"{name}: expected one of {', '.join(known)}; found {value!r}")
    if given.out and Path(given.out).suffix not in (".html", ".md"):
        raise Refused(f"--out {given.out}: expected a file that ends with .html or .md")


def moment(value: str, option: str, now: float) -> float:
    """Return a time, or so long ago (``14d``, ``12h``, ``30m``), as seconds since 1970; raises Refused."""
    ago = _AGO.fullmatch(value.strip())
    return now - int(ago[1]) * _UNIT_SECONDS[ago[2]] if ago else truth.moment(value, option)


def _span(given: Given) -> tuple[float, float]:
    now = time.time()
    since, until = moment(given.since, "--since", now), moment(given.until, "--until", now) if given.until else now
    if since >= until:
        raise Refused(f"--since {given.since}: expected a time before {iso(until)[:19]}Z")
    return since, until


def _backtested(given: Given, happened: Sequence[truth.Happened]) -> Report:
    now = time.time()
    since, until = _span(given)
    times = [moment(value, "--at", now) for value in given.at]
    if late := [value for value, at in zip(given.at, times, strict=True) if at > now]:
        raise Refused(f"--at {late[0]}: expected a time in the past")
    services = _services(given)
    mode: Mode = next(one for one in get_args(Mode) if one == given.mode)
    with running.environment(given.profile, given.region, ""):
        table = table_of(given)
    wanted = running.Wanted(services, min([since, *times]), until, tuple(times), given.alarms, mode, given.most, table)
    with running.environment(given.profile, given.region, table):
        found = running.backtest(wanted)
        missed = [one.at for one in happened if not given.at and since <= one.at <= until and not any(
            abs(seconds(case.moment.at) - one.at) <= truth.NEAR_SECONDS for case in found.cases)]
        if not missed:
            return found
        # No alarm went off then: what the sources would have said is worth knowing all the same.
        further = running.backtest(replace(wanted, at=tuple(missed)))
    return replace(found, cases=tuple(sorted([*found.cases, *further.cases], key=lambda case: case.moment.at)),
                   notes=tuple(dict.fromkeys([*found.notes, *further.notes])),
                   calls={name: found.calls.get(name, 0) + further.calls.get(name, 0)
                          for name in sorted({*found.calls, *further.calls})})


def _services(given: Given) -> tuple[Service, ...]:
    services = read_folder(given.config)
    chosen = tuple(one for one in services if given.service in ("", one.service))
    if not chosen:
        raise Refused(f"--service {given.service}: expected one of {', '.join(one.service for one in services)}")
    return chosen


def table_of(given: Given) -> str:
    """Return the name of the timeline table; empty where the responder is not deployed. Raises Refused."""
    name = given.stack or read_settings(given.config).stack_name
    with reads_only():
        try:
            outputs = described(boto3.Session(profile_name=given.profile or None).client("cloudformation"),
                                name).outputs
        except NoStack as absent:
            if not given.stack:
                return ""
            raise absent.refusal from None
    found = outputs.get("Timeline")
    if not found:
        raise Refused(f"the stack {name} has no output Timeline: it is not the responder's, or its deployment has not "
                      "ended", NOT_ASKED)
    return found


def _observed(given: Given) -> Report:
    since, until = _span(given)
    with running.environment(given.profile, given.region, ""):
        found = handled.in_mode(_records(given), given.handled_in)
    cases = tuple(handled.case_of(*one) for one in found if since <= seconds(one.record.incident.opened_at) <= until
                  and given.service in ("", one.record.incident.service))
    mode = "in any mode" if given.handled_in == "any" else f"in mode {given.handled_in}"
    return Report(iso(since), iso(until), "observed", cases, (
        f"these are the incidents that the responder handled {mode}",
        *(["a remedy that would run was not applied in mode observe"] if given.handled_in == "observe" else [])))


def _records(given: Given) -> Iterator[handled.Kept]:
    if given.records:
        yield from _of_folder(Path(given.records))
        return
    table = table_of(given)
    if not table:
        raise Refused("the responder is not deployed: it has handled no incident", NOT_ASKED)
    with reads_only():
        kept = Records(table)
        for service in _services(given):
            for past in past_incidents(kept, service.service):
                try:
                    yield handled.Kept(kept.load(past.id), service)
                except Malformed as error:
                    tell(f"{past.id}: its record cannot be read, and it is left out ({error})")


def _of_folder(folder: Path) -> Iterator[handled.Kept]:
    files = sorted(folder.glob("*.json.gz"))
    if not files:
        raise Refused(f"--records {folder}: expected a folder with files that end with .json.gz")
    for file in files:
        try:
            content = unpack(file.read_bytes())
            yield handled.Kept(IncidentRecord.of(content.get("items") or ()), service_of(content))
        except (BadRecord, Malformed, OSError, AttributeError) as error:
            raise Refused(f"{file}: expected the record of an incident ({error})") from error


def _read(file: Path) -> Report:
    try:
        return decode(Report, json.loads(file.read_text(encoding="utf-8")), file.name)
    except (OSError, ValueError) as error:
        raise Refused(f"--against {file}: expected a report that --json wrote ({error})") from error


def _write(file: Path, found: Report) -> None:
    content = page.html(found) if file.suffix == ".html" else text.markdown(found)
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise Refused(f"--out {file}: {error.strerror or error}") from error
