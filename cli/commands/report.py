"""``responder report``."""

from __future__ import annotations

import sys
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.incidents.options import OfService, Stack
from cli.output import WRONG_INPUT, AsJson, ConfigFolder, Profile, Refused, Region, show, tell

if TYPE_CHECKING:
    from cli.incidents.place import Place
    from cli.incidents.reports import Report

Incident = Annotated[str, typer.Argument(metavar="[INCIDENT]", help=(
    "An incident: its id, a part of it that only one begins with, or latest. Without it reports are listed."))]
Format = Annotated[str, typer.Option("--format", help="md, html, json, or record (all that was known and decided).")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there; into it, if it is a folder.")]
Open = Annotated[bool, typer.Option("--open", help="Show the page in the browser.")]
Since = Annotated[str, typer.Option("--since", help="List those from then on: 2026-11-24, or how long ago: 14d.")]
Until = Annotated[str, typer.Option("--until", help="List those until then.")]


def command(incident: Incident = "", form: Format = "md", out: Out = None, in_browser: Open = False,
            since: Since = "", until: Until = "", service: OfService = "", config: ConfigFolder = "config",
            stack: Stack = "", profile: Profile = "", region: Region = "", as_json: AsJson = False) -> None:
    """Print the report of an incident, or list all reports.

    While an incident is open, --open and --format html have the page that is kept up to date.
    """
    from cli.incidents.known import past_ones
    from cli.incidents.lines import past_lines, printed
    from cli.incidents.place import find
    from cli.incidents.reports import within

    place = find(Path(config), stack, profile, region)
    if not incident:
        found = within(past_ones(place.records(), place.chosen(service)), since, until, time.time())
        show(found, as_json, printed(past_lines(found) if found else ["No incident has a report there."]))
        return
    if since or until:
        raise Refused("--since and --until are for the list, without an incident", WRONG_INPUT)
    _give(_fetched(place, service, incident, _form(form, as_json, in_browser)), out, in_browser)


def _form(form: str, as_json: bool, in_browser: bool) -> str:
    return "html" if in_browser else "json" if as_json else form


def _fetched(place: Place, service: str, incident: str, form: str) -> Report:
    from cli.incidents.reports import fetch, form_of

    return fetch(place, place.chosen(service), incident, form_of(form))


def _give(report: Report, out: Path | None, in_browser: bool) -> None:
    """Write a report to a file, show it in the browser, or print it."""
    if in_browser and out is None:
        out = Path(tempfile.mkdtemp(prefix="responder-")) / f"{report.incident}.html"
    if out:
        file = out / f"{report.incident}-{report.name}" if out.is_dir() else out
        try:
            file.write_bytes(report.content)
        except OSError as error:
            raise Refused(f"--out {file}: it cannot be written ({error.strerror})", WRONG_INPUT) from error
        tell(f"{report.address}, written {report.written_at}, is in {file}")
        if in_browser and not webbrowser.open(file.resolve().as_uri()):
            tell("No browser could be opened: open that file.")
    elif report.name.endswith(".gz") and sys.stdout.isatty():
        raise Refused("a record is no text: name a file with --out", WRONG_INPUT)
    elif report.name.endswith(".md") and sys.stdout.isatty():
        _show_markdown(report.content.decode())
    else:
        sys.stdout.buffer.write(report.content)


def _show_markdown(text: str) -> None:
    from rich.markdown import Markdown

    from cli.output import Safe

    Safe().print(Markdown(text))
