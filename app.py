"""The CDK app. ``-c config=FOLDER`` names another configuration folder than ``config/``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "lambdas")]

from aws_cdk import App, Aspects, Environment
from cdk_nag import AwsSolutionsChecks, PCIDSS321Checks

from responder.model.service import Service
from stacks.configuration import ConfigurationError, check_folder
from stacks.deployment import Settings
from stacks.elsewhere import is_elsewhere
from stacks.incident_response import IncidentResponse
from stacks.member import Member
from stacks.packaging import PackagingError
from stacks.room import RoomError


def add_member(app: App, service: Service, services: list[Service], settings: Settings) -> None:
    """Add what is deployed in the account and Region of a service that is elsewhere."""
    home = os.environ.get("CDK_DEFAULT_ACCOUNT"), os.environ.get("CDK_DEFAULT_REGION")
    if not home[0] or not home[1]:
        sys.exit(f"nothing was built:\n{service.service} is elsewhere, which needs CDK_DEFAULT_ACCOUNT and "
                 "CDK_DEFAULT_REGION, those of the responder, to be set")
    account = service.aws.role_arn.split(":")[4] if service.aws.role_arn else home[0]
    Member(app, f"{settings.stack_name}-{service.service}", service=service, services=services, settings=settings,
           home_account=home[0], home_region=home[1],
           env=Environment(account=account, region=service.aws.region or home[1]),
           description=f"What the incident responder needs where {service.service} is")


def main() -> None:
    """Check the configuration, then synthesize."""
    app = App()
    folder = Path(app.node.try_get_context("config") or ROOT / "config")
    try:
        checked = check_folder(folder)
        for problem in checked.problems:
            if problem.level == "warning":
                sys.stderr.write(f"{problem}\n")
        if checked.errors:
            raise ConfigurationError(checked.errors)
        services, settings = list(checked.services), checked.settings
        IncidentResponse(
            app, settings.stack_name, services=services, settings=settings, build=ROOT / ".build",
            env=Environment(account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=os.environ.get("CDK_DEFAULT_REGION")),
            description="Runs the incident response plan when an alarm of a payment service goes off")
        for service in services:
            if is_elsewhere(service):
                add_member(app, service, services, settings)
    except (ConfigurationError, PackagingError, RoomError) as error:
        sys.exit(f"nothing was built:\n{error}")
    Aspects.of(app).add(AwsSolutionsChecks())
    if app.node.try_get_context("packs") == "on":
        # What it finds is judged by stacks/exceptions.py, so that the synthesis does not fail of it.
        Aspects.of(app).add(PCIDSS321Checks(reports=True, log_ignores=True))
    app.synth()


main()
