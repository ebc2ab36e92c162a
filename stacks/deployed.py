"""The configuration that is deployed: as the stack keeps it, and the settings that are in force in AppConfig.

No CDK is needed to read it. ``stacks/settings.py`` deploys and changes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from pydantic import TypeAdapter

from responder.model.codec import encode
from responder.model.service import Service
from responder.model.service.settings import SETTINGS

METADATA = "Services"
"""The key of the template's metadata with the configuration that was deployed."""
AT_ONCE = "at-once"
_SHOWN = 60


class NoStack(Exception):
    """There is no stack of that name."""

    def __init__(self, refusal: ClientError) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        """AWS's own error."""


class Described(NamedTuple):
    """What CloudFormation says of a stack."""

    status: str
    outputs: Mapping[str, str]


class Refused(Exception):
    """The settings are not deployed; it says why."""


class Place:
    """The settings of one service in AppConfig."""

    def __init__(self, client: Any, prefix: str, service: str) -> None:
        self._client = client
        self._application = self._named("list_applications", prefix)
        given = {"ApplicationId": self._application}
        self._environment = self._named("list_environments", service, **given)
        self._profile = self._named("list_configuration_profiles", service, **given)
        self._strategy = self._named("list_deployment_strategies", f"{prefix}-{AT_ONCE}")
        newest = max((item for page in client.get_paginator("list_deployments").paginate(
            ApplicationId=self._application, EnvironmentId=self._environment) for item in page["Items"]
            if item["State"] == "COMPLETE"), key=lambda item: int(item["DeploymentNumber"]))
        self.number, self.label = newest["ConfigurationVersion"], newest.get("VersionLabel", "")

    def text(self) -> str:
        """What is deployed now."""
        content: bytes = self._client.get_hosted_configuration_version(
            ApplicationId=self._application, ConfigurationProfileId=self._profile,
            VersionNumber=int(self.number))["Content"].read()
        return content.decode()

    def deploy(self, text: str) -> str:
        """Deploy a text and return its label, such as ``12 of 2026-11-26T07:12Z``."""
        versions = [item["VersionNumber"] for page in self._client.get_paginator(
            "list_hosted_configuration_versions").paginate(
            ApplicationId=self._application, ConfigurationProfileId=self._profile) for item in page["Items"]]
        last = max(versions, default=0)
        label = f"{last + 1} of {datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
        # Refused with a conflict where somebody has made another version meanwhile.
        made = self._client.create_hosted_configuration_version(
            ApplicationId=self._application, ConfigurationProfileId=self._profile, Content=text.encode(),
            ContentType="application/json", LatestVersionNumber=last, VersionLabel=label)
        self._client.start_deployment(
            ApplicationId=self._application, EnvironmentId=self._environment, ConfigurationProfileId=self._profile,
            DeploymentStrategyId=self._strategy, ConfigurationVersion=str(made["VersionNumber"]))
        return label

    def _named(self, operation: str, name: str, **given: str) -> str:
        for page in self._client.get_paginator(operation).paginate(**given):
            for item in page["Items"]:
                if item["Name"] == name:
                    found: str = item["Id"]
                    return found
        raise Refused(f"AppConfig has no {name} ({operation}): deploy the stack first")


def described(client: Any, stack: str) -> Described:
    """Return the state of a stack; ``client`` is boto3's of CloudFormation. Raises NoStack, or what else AWS refuses.

    Source: the CloudFormation API Reference's page "DescribeStacks": a ValidationError where there is no such stack.
    """
    try:
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise NoStack(error) from error
        raise
    return Described(found["StackStatus"], {
        item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])})


def deployed_services(client: Any, stack: str) -> dict[str, Service]:
    """Return the services as the stack has them, by name, from its template's metadata.

    ``client`` is boto3's of CloudFormation. Raises pydantic's ValidationError where another version of the responder
    deployed what this one cannot read.
    """
    body = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    return {name: TypeAdapter(Service).validate_json(value)
            for name, value in template.get("Metadata", {}).get(METADATA, {}).items()}


def without_settings(service: Service) -> dict[str, Any]:
    return {name: value for name, value in encode(service).items() if name not in SETTINGS}


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield each field that differs: its path, what it was and what it is, as short texts."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}".lstrip("."))
    elif before != after:
        yield path, _shown(before), _shown(after)


def _shown(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
