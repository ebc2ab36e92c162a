"""``responder backtest``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import NOT_WELL, WELL, AsJson, ConfigFolder, Profile, Region, show


def command(
    since: Annotated[str, typer.Option(help="Look at incidents since this time (UTC), such as 2026-11-03T14:20Z, 12h "
                                            "or 14d.")] = "14d",
    until: Annotated[str, typer.Option(help="Look at incidents until this time; until now otherwise.")] = "",
    at: Annotated[list[str] | None, typer.Option(help="The time of an incident, in place of the alarms' history. May "
                                                      "be given several times.")] = None,
    alarm: Annotated[list[str] | None, typer.Option(help="A further alarm whose history is read. May be given several "
                                                         "times.")] = None,
    service: Annotated[str, typer.Option(help="One service; all of the configuration otherwise.")] = "",
    mode: Annotated[str, typer.Option(help="The mode that is assumed: auto, approve or observe.")] = "auto",
    most: Annotated[int, typer.Option(min=1, help="Look at so many incidents at most, the newest.")] = 20,
    observed: Annotated[bool, typer.Option("--observed", help="Ask no vendor: report what the responder decided in "
                                                              "incidents that it handled.")] = False,
    handled_in: Annotated[str, typer.Option(help="With --observed: incidents in this mode: observe, approve, auto or "
                                                 "any.")] = "observe",
    records: Annotated[str, typer.Option(metavar="FOLDER", help="With --observed: a folder of record.json.gz files, in "
                                                                "place of the table.")] = "",
    truth: Annotated[str, typer.Option(metavar="FILE", help="What really happened, as YAML; the report compares. "
                                                            "Without --at, its times are looked at as well.")] = "",
    against: Annotated[str, typer.Option(metavar="FILE", help="A report of before (--json); decisions that differ are "
                                                              "named.")] = "",
    out: Annotated[str, typer.Option(metavar="FILE.html|FILE.md", help="Write the report to a file as well.")] = "",
    config: ConfigFolder = "config",
    stack: Annotated[str, typer.Option(help="The CloudFormation stack; that of the configuration otherwise.")] = "",
    profile: Profile = "",
    region: Region = "",
    as_json: AsJson = False,
) -> int:
    """Show what the responder would have decided in past incidents. Nothing is changed: only reads are sent.

    It finds the incidents by the history of the alarms, asks your vendors as of then, and makes the plan's decisions.
    The exit code is 1 where --truth or --against finds a difference.
    """
    from cli.backtest import options, text

    given = options.Given(since, until, tuple(at or ()), tuple(alarm or ()), service, mode, most, handled_in, records,
                          truth, against, out, Path(config), stack, profile, region)
    report = options.report(given, observed=observed)
    show(report, as_json, lambda console: text.render(report, console))
    return WELL if all(one.verdict in ("right", "same") for one in report.compared) else NOT_WELL
