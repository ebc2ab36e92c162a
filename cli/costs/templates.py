"""Synthesize the templates of which costs are reckoned: of the configuration, and of one service and its twin.

CDK runs in this process, into a temporary folder; nothing is deployed or asked of AWS.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aws_cdk import App, Environment

from cli.costs.month import Template
from cli.output import Refused
from responder.model.service import Service
from stacks.deployment import Settings
from stacks.elsewhere import is_elsewhere
from stacks.incident_response import IncidentResponse
from stacks.member import Member
from stacks.packaging import PackagingError
from stacks.room import RoomError

_ROOT = Path(__file__).resolve().parents[2]
_ACCOUNT, _REGION = "000000000000", "us-east-1"


def twin(service: Service) -> Service:
    """Return a further service that is as the first: of the same size, with the same systems and the same secrets."""
    return replace(service, service=f"{service.service}-twin", alarms=replace(service.alarms, own=()))


def synthesized(services: Sequence[Service], settings: Settings) -> Template:
    """Return all resources that are deployed for some services, as one template; raises Refused."""
    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder)
        try:
            IncidentResponse(app, settings.stack_name, services=services, settings=settings, build=_ROOT / ".build",
                             env=Environment(account=_ACCOUNT, region=_REGION))
            for service in services:
                if is_elsewhere(service):
                    Member(app, f"{settings.stack_name}-{service.service}", service=service, services=services,
                           settings=settings, home_account=_ACCOUNT, home_region=_REGION,
                           env=Environment(account=_ACCOUNT, region=service.aws.region or _REGION))
        except (PackagingError, RoomError) as error:
            raise Refused(f"the template could not be built: {error}") from error
        app.synth()
        return joined([json.loads(path.read_text(encoding="utf-8"))
                       for path in sorted(Path(folder).glob("*.template.json"))])


def joined(templates: Sequence[Template]) -> Template:
    """Return several templates as one: the responder's own, and those of services elsewhere with numbered names."""
    templates = sorted(templates, key=lambda one: "Services" not in one.get("Metadata", {}))
    return {"Metadata": next((one["Metadata"] for one in templates if "Services" in one.get("Metadata", {})), {}),
            "Resources": {name: resource for one in _numbered(templates) for name, resource in one.items()}}


def _numbered(templates: Sequence[Template]) -> list[Template]:
    # References keep their names: only the responder's own template has schedules, whose targets are looked up.
    return [one["Resources"] if number == 0 else {f"{number}.{name}": item for name, item in one["Resources"].items()}
            for number, one in enumerate(templates)]
