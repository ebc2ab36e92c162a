"""The CDK app. ``-c config=FOLDER`` names another configuration folder than ``config/``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "lambdas")]

from aws_cdk import App, Aspects, Environment  # noqa: E402
from cdk_nag import AwsSolutionsChecks  # noqa: E402

from stacks.configuration import ConfigurationError, read_folder, read_settings  # noqa: E402
from stacks.incident_response import IncidentResponse  # noqa: E402
from stacks.packaging import PackagingError  # noqa: E402
from stacks.room import RoomError  # noqa: E402


def main() -> None:
    """Check the configuration, then synthesize."""
    app = App()
    folder = Path(app.node.try_get_context("config") or ROOT / "config")
    try:
        services, settings = read_folder(folder), read_settings(folder)
        IncidentResponse(
            app, settings.stack_name, services=services, settings=settings, build=ROOT / ".build",
            env=Environment(account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=os.environ.get("CDK_DEFAULT_REGION")),
            description="Runs the incident response plan when an alarm of a payment service goes off")
    except (ConfigurationError, PackagingError, RoomError) as error:
        sys.exit(f"nothing was built:\n{error}")
    Aspects.of(app).add(AwsSolutionsChecks())
    app.synth()


main()
