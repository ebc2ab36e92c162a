"""``responder costs``: what the responder costs in an idle month, and what an incident costs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import boto3
import typer

from cli.costs import account, bill, shown
from cli.costs.incident import Size, of_execution, sizes
from cli.costs.month import Template
from cli.output import NOT_WELL, WELL, AsJson, ConfigFolder, Profile, Refused, Region, show, tell
from stacks.configuration import read_folder, read_settings
from stacks.prices import Prices, PricesError, read, shipped


def command(
        config: ConfigFolder = "config",
        prices: Annotated[Path | None, typer.Option(
            "--prices", metavar="FILE", help="Prices and uses in place of those of stacks/prices.yaml.")] = None,
        template: Annotated[Path | None, typer.Option(
            "--template", metavar="FILE", help="A synthesized template, in place of the configuration.")] = None,
        execution: Annotated[str, typer.Option(
            "--execution", metavar="ARN", help="The execution of an incident, read from AWS.")] = "",
        history: Annotated[Path | None, typer.Option(
            "--history", metavar="FILE", help="The same from a file: aws stepfunctions get-execution-history.")] = None,
        record: Annotated[str, typer.Option(
            "--record", metavar="FILE|s3://…", help="The incident's record.json.gz, for what the history lacks.")] = "",
        budget: Annotated[float | None, typer.Option(
            "--budget", metavar="DOLLARS", help="Exit with 1 where the month, or the incident, costs more.")] = None,
        profile: Profile = "", region: Region = "", as_json: AsJson = False) -> int:
    """Say what the responder costs at AWS's list prices: an idle month of the configuration, or one incident.

    The month is reckoned from the template that would be deployed, resource by resource, with what its schedules
    start; building it takes half a minute and asks nothing of AWS. An incident is reckoned from its execution's history
    and its record.
    """
    list_ = _prices(prices)
    if execution or history:
        session = boto3.Session(profile_name=profile or None, region_name=region or None)
        events = account.history_in(history) if history else account.history_of(session, execution)
        items = account.items_of(session, record) if record else []
        one = bill.incident(of_execution(events, items, list_, _sizes(template)), list_, not items)
        show(one, as_json, shown.incident(one))
        return _within(one.dollars, budget)
    idle = _of_template(template, list_) if template else _of_configuration(Path(config), list_)
    show(idle, as_json, shown.month(idle))
    return _within(idle.all_dollars, budget)


def _within(dollars: float, budget: float | None) -> int:
    if budget is not None and dollars > budget:
        tell(f"${dollars:.4f} is more than the budget of ${budget:.4f}")
        return NOT_WELL
    return WELL


def _prices(path: Path | None) -> Prices:
    try:
        return read(path) if path else shipped()
    except PricesError as error:
        raise Refused(str(error)) from error


def _read(path: Path) -> Template:
    try:
        found: Template = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found["Resources"], dict):
            raise TypeError("Resources")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path}: expected a CloudFormation template as JSON, as cdk.out has it ({error!r})") from error
    return found


def _sizes(template: Path | None) -> dict[str, Size]:
    return sizes(_read(template)) if template else {}


def _of_template(path: Path, prices: Prices) -> bill.Month:
    found = _read(path)
    return bill.month([], found, None, found, prices)


def _of_configuration(folder: Path, prices: Prices) -> bill.Month:
    services, settings = read_folder(folder), read_settings(folder)
    tell("building the templates of one service and of two; this takes about half a minute …")
    # CDK takes a second to load, which other uses of this command should not wait for. It warns as it loads.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    from cli.costs.templates import synthesized, twin

    first = synthesized(services[:1], settings)
    two = synthesized([services[0], twin(services[0])], settings)
    whole = first if len(services) == 1 else synthesized(services, settings)
    return bill.month(services, first, two, whole, prices)
