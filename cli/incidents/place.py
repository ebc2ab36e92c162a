"""Where the responder is deployed, as its stack says: table, bucket, state machine, answer URL, services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

import boto3
from pydantic import ValidationError

from cli.incidents.asking import asking
from cli.output import NOT_ASKED, WRONG_INPUT, Refused
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.records.table import Records
from stacks.configuration import read_settings
from stacks.deployed import NoStack, deployed_services, described
from stacks.deployment import DEFAULT_PREFIX

_OUTPUTS = {"Timeline": "the table", "Reports": "the bucket", "StateMachine": "the state machine",
            "Live": "the alias of the state machine", "AnswerUrl": "the address for answers"}


@dataclass(frozen=True)
class Place:
    """One deployment, and the clients that ask it as whoever runs the command."""

    session: Any
    """boto3's."""
    stack: str
    outputs: Mapping[str, str]
    services: Mapping[str, Service]
    """As they were deployed, by name."""
    made: dict[str, Any] = field(default_factory=dict)
    """The clients that were asked for before, by service."""

    @property
    def table(self) -> str:
        """The name of the timeline table."""
        return self.outputs["Timeline"]

    @property
    def bucket(self) -> str:
        """The name of the bucket for reports."""
        return self.outputs["Reports"]

    @property
    def region(self) -> str:
        """The responder's Region."""
        return str(self.session.region_name or "")

    @property
    def prefix(self) -> str:
        """What the names of the deployment begin with."""
        return next((service.prefix for service in self.services.values()), DEFAULT_PREFIX)

    def client(self, name: str) -> Any:
        """Return boto3's client of an AWS service in the responder's own account and Region."""
        # To make one takes longer than most calls.
        if name not in self.made:
            self.made[name] = self.session.client(name)
        return self.made[name]

    def records(self) -> Records:
        """Return the timeline table."""
        return Records(self.table, self.client("dynamodb"))

    def chosen(self, service: str) -> tuple[Service, ...]:
        """Return the service of this name, or all services where it is empty; raises Refused."""
        if not service:
            return tuple(self.services.values())
        if service not in self.services:
            raise Refused(f"--service {service}: {self.stack} has no such service; it has "
                          f"{', '.join(sorted(self.services)) or 'none'}", WRONG_INPUT)
        return (self.services[service],)


def stack_of(config: Path, stack: str = "") -> str:
    """Return the name of the stack: the one that is given, or that of the configuration folder's deployment.

    A folder without ``deployment.yaml``, or none at all, means the stack of the default prefix. Raises
    ConfigurationError.
    """
    if stack:
        return stack
    return read_settings(config).stack_name


def find(config: Path, stack: str, profile: str, region: str) -> Place:
    """Return the deployment that the commands speak to; raises Refused."""
    name = stack_of(config, stack)
    with asking(f"read the stack {name}", "cloudformation:DescribeStacks, cloudformation:GetTemplate", "read-only"):
        session = boto3.Session(profile_name=profile or None, region_name=region or None)
        client = session.client("cloudformation")
        try:
            outputs = described(client, name).outputs
        except NoStack as error:
            raise Refused(f"there is no stack {name} in {session.region_name}: deploy the responder there, or name "
                          "another with --region, --profile or --stack", NOT_ASKED) from error
        try:
            services = deployed_services(client, name)
        except ValidationError as error:
            raise Refused(f"the stack {name} was deployed by another version of the responder: use that version's "
                          f"command line ({error.error_count()} fields of its configuration cannot be read)",
                          NOT_ASKED) from error
    missing = [f"{key} ({what})" for key, what in _OUTPUTS.items() if key not in outputs]
    if missing:
        raise Refused(f"the stack {name} has no output {', '.join(missing)}: it is not the responder's, or its "
                      "deployment has not ended", NOT_ASKED)
    return Place(session, name, outputs, services)
