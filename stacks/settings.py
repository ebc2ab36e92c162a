"""The settings of each service as data in AppConfig, and the command that changes them without a deployment of code.

    python -m stacks.settings config/payment-gateway.yaml          (make settings FILE=config/payment-gateway.yaml)

The command checks the file as a deployment does, says what would change, refuses what needs a deployment, and deploys
the rest. AppConfig itself refuses what does not fit the JSON Schema, whoever sends it. Sources: the AppConfig User
Guide's pages "Understanding validators" (JSON Schema draft 4, 32 KB) and "Working with deployment strategies"; the
Service Authorization Reference, AWS AppConfig (the resource ``configuration``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_appconfig as appconfig
from aws_cdk import aws_iam as iam
from botocore.exceptions import BotoCoreError, ClientError
from constructs import Construct
from pydantic import TypeAdapter

from responder.model.codec import encode
from responder.model.service import Service
from responder.model.service.settings import ServiceSettings, needs_deployment, settings_of
from stacks.configuration import ConfigurationError, read_file, read_folder, read_settings
from stacks.deployed import AT_ONCE, METADATA, Place, Refused, deployed_services, differences, without_settings
from stacks.function import Function


class SettingsStore(Construct):
    """An application with an environment and a profile for each service, and the settings of this deployment."""

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str, services: Sequence[Service]) -> None:
        super().__init__(scope, construct_id)
        self._application = appconfig.CfnApplication(self, "Application", name=prefix)
        self._profiles: list[tuple[str, str]] = []
        at_once = appconfig.CfnDeploymentStrategy(
            self, "AtOnce", name=f"{prefix}-{AT_ONCE}", replicate_to="NONE", growth_factor=100,
            deployment_duration_in_minutes=0, final_bake_time_in_minutes=0,
            description="An incident that opens has the new settings at once; those that are open keep theirs")
        for service in services:
            self._add(service, at_once.ref)

    def grant_read(self, function: Function) -> None:
        """Let a function read the newest settings."""
        function.function.add_environment("SETTINGS", self._application.ref)
        function.role.add_to_policy(iam.PolicyStatement(
            actions=["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
            resources=[Stack.of(self).format_arn(
                service="appconfig", resource="application", arn_format=ArnFormat.SLASH_RESOURCE_NAME,
                resource_name=f"{self._application.ref}/environment/{environment}/configuration/{profile}")
                for environment, profile in self._profiles]))

    def _add(self, service: Service, strategy: str) -> None:
        name, application = service.service, self._application.ref
        # An environment of its own, because only one deployment at a time runs in one.
        environment = appconfig.CfnEnvironment(self, f"{name}-Environment", application_id=application, name=name)
        profile = appconfig.CfnConfigurationProfile(
            self, f"{name}-Profile", application_id=application, name=name, location_uri="hosted",
            type="AWS.Freeform", validators=[appconfig.CfnConfigurationProfile.ValidatorsProperty(
                type="JSON_SCHEMA", content=json.dumps(schema(), separators=(",", ":"), sort_keys=True))])
        version = appconfig.CfnHostedConfigurationVersion(
            self, f"{name}-Settings", application_id=application, configuration_profile_id=profile.ref,
            content_type="application/json", content=text_of(settings_of(service)),
            description="Deployed together with the code")
        # What was in force before stays there to be compared, and to be put back.
        version.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        appconfig.CfnDeployment(
            self, f"{name}-Deployment", application_id=application, environment_id=environment.ref,
            configuration_profile_id=profile.ref, configuration_version=version.ref,
            deployment_strategy_id=strategy)
        self._profiles.append((environment.ref, profile.ref))


def metadata(services: Sequence[Service]) -> dict[str, Any]:
    """Return what the template keeps of the configuration, for the command to compare with."""
    # As texts, because metadata may have no fractions.
    return {METADATA: {service.service: json.dumps(encode(service), sort_keys=True) for service in services}}


def text_of(settings: ServiceSettings) -> str:
    """Return settings as AppConfig keeps them."""
    return json.dumps(encode(settings), indent=1, sort_keys=True)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 4) of settings; it allows no unknown field."""
    found: dict[str, Any] = TypeAdapter(ServiceSettings).json_schema(ref_template="#/definitions/{model}")
    found["definitions"] = found.pop("$defs", {})
    found = _plain(found)
    for part in (found, *found["definitions"].values()):
        if "properties" in part:
            part["additionalProperties"] = False
    return {"$schema": "http://json-schema.org/draft-04/schema#", **found}


def _plain(part: Any, names: bool = False) -> Any:
    """Return a schema without titles, descriptions and defaults; ``names``: the keys are names of fields."""
    if isinstance(part, dict):
        return {key: _plain(value, key in ("properties", "definitions")) for key, value in part.items()
                if names or key not in ("title", "description", "default")}
    return [_plain(item) for item in part] if isinstance(part, list) else part


def change(file: Path, clients: Callable[[str], Any], say: Callable[[str], None]) -> bool:
    """Deploy the settings of a file; False where nothing differs. Raises Refused and ConfigurationError."""
    name, deployment = read_file(file).service, read_settings(file.parent)
    # Beside the others, as a deployment reads it.
    wanted = next(service for service in read_folder(file.parent) if service.service == name)
    known = deployed_services(clients("cloudformation"), deployment.stack_name)
    if wanted.service not in known:
        raise Refused(f"{wanted.service} needs a deployment: it is not among {', '.join(sorted(known))}")
    structural = [path for path, *_ in differences(without_settings(known[wanted.service]), without_settings(wanted))]
    bundled = known[wanted.service]
    actions = {action for action, policy in bundled.policy.items() if policy != "off"}
    longest = max(service.approval.wait_seconds for service in known.values())
    problems = [*structural, *needs_deployment(bundled, actions, longest, settings_of(wanted))]
    if problems:
        raise Refused("\n".join(f"needs a deployment: {problem}" for problem in problems))
    place = Place(clients("appconfig"), deployment.prefix, wanted.service)
    changed = list(differences(json.loads(place.text()), encode(settings_of(wanted))))
    for path, before, after in changed:
        say(f"{path}: {before} → {after}")
    if not changed:
        say(f"{wanted.service}: nothing differs from configuration {place.label or place.number}")
        return False
    say(f"{wanted.service}: configuration {place.deploy(text_of(settings_of(wanted)))} is deployed; incidents that "
        "are open keep theirs")
    return True


if __name__ == "__main__":
    try:
        change(Path(sys.argv[1]), boto3.client, lambda line: print(line))  # noqa: T201 - it is a command
    except (ConfigurationError, Refused, BotoCoreError, ClientError, IndexError) as problem:
        sys.exit(f"nothing was deployed:\n{problem}")
