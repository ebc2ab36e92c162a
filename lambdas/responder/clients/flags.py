"""A value that the platform reads to know what to do: in a ConfigMap, an SSM parameter or an AppConfig profile.

Formats: AWS's pages "PutParameter" (Systems Manager), "GetLatestConfiguration" (AppConfig Data),
"CreateHostedConfigurationVersion" and "StartDeployment" (AppConfig).
"""

from __future__ import annotations

import json
from typing import Protocol

from responder.clients import aws, kubernetes
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import NotFound
from responder.clients.workloads import gitops
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.service import AppConfig, ProviderSwitch


class Changed(Exception):
    """The value is no longer what it was seen to be: nothing was written."""


@dataclass(frozen=True)
class Reading:
    """What was read."""

    value: str
    owner: str = ""
    """The GitOps tool that owns the place; empty: none."""


class Flag(Protocol):
    """One value, and where it stands."""

    target: str
    key: str

    def read(self) -> Reading:
        """Return the value; raises NotFound where the place or the value is not there, CallFailed where that cannot be
        seen."""

    def write(self, old: str, new: str, manager: str) -> None:
        """Write ``new`` where ``old`` is; raises Changed, CallFailed, ``kubernetes.Refused``."""


def flag(switch: ProviderSwitch, namespace: str, cluster: kubernetes.Kubernetes | None) -> Flag:
    """Return the flag that the configuration names; ``cluster`` is needed for a ConfigMap alone."""
    if switch.ssm_parameter:
        return _Parameter(switch.ssm_parameter)
    if switch.appconfig:
        return _Profile(switch.appconfig, switch.key)
    if cluster is None:
        raise ValueError("a ConfigMap cannot be reached without its cluster")
    return _ConfigMap(cluster, namespace, switch.config_map, switch.key)


_ROOT = "arn:{partition}:appconfig:{region}:{account}"
Rights = tuple[tuple[str, ...], tuple[str, ...]]


def statements_of(switch: ProviderSwitch) -> tuple[Rights, ...]:
    """Return the IAM actions that it takes to read and write a flag, each group with its resources' ARNs.

    A ConfigMap takes none: the cluster decides (Service Authorization Reference: "AWS Systems Manager", "AWS
    AppConfig").
    """
    if switch.ssm_parameter:
        return ((("ssm:GetParameter", "ssm:PutParameter"),
                 (f"arn:{{partition}}:ssm:{{region}}:{{account}}:parameter/{switch.ssm_parameter.lstrip('/')}",)),)
    if not switch.appconfig:
        return ()
    place = switch.appconfig
    root = f"{_ROOT}:application/{place.application}"
    profile, environment = f"{root}/configurationprofile/{place.profile}", f"{root}/environment/{place.environment}"
    return (
        (("appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"),
         (f"{environment}/configuration/{place.profile}",)),
        (("appconfig:ListHostedConfigurationVersions", "appconfig:CreateHostedConfigurationVersion"), (root, profile)),
        (("appconfig:StartDeployment",),
         (root, profile, environment, f"{_ROOT}:deploymentstrategy/{place.strategy}")))


class _ConfigMap:
    def __init__(self, api: kubernetes.Kubernetes, namespace: str, name: str, key: str) -> None:
        self._api, self._namespace, self._name = api, namespace, name
        self.target, self.key = f"configmap/{name}", key

    def read(self) -> Reading:
        item = self._api.get("api/v1", "configmaps", self._namespace, self._name)
        return Reading(_valued(item.get("data") or {}, self.key), gitops(item["metadata"]))

    def write(self, old: str, new: str, manager: str) -> None:
        path = "/data/" + self.key.replace("~", "~0").replace("/", "~1")
        self._api.patch("api/v1", "configmaps", self._namespace, self._name, [
            {"op": "test", "path": path, "value": old}, {"op": "replace", "path": path, "value": new}],
            manager=manager)


class _Parameter:
    def __init__(self, name: str) -> None:
        self._name = name
        self.target, self.key = f"parameter/{name.lstrip('/')}", name

    def read(self) -> Reading:
        client = aws.client("ssm")
        try:
            with aws.failures("SSM"):
                return Reading(str(client.get_parameter(Name=self._name)["Parameter"]["Value"]))
        except CallFailed as failed:
            if failed.code == "ParameterNotFound":
                raise NotFound(self.target) from failed
            raise

    def write(self, old: str, new: str, manager: str) -> None:
        # SSM has no conditional write; reading just before the write is as close as it gets.
        if self.read().value != old:
            raise Changed(self.target)
        with aws.failures("SSM"):
            aws.client("ssm").put_parameter(Name=self._name, Value=new, Overwrite=True)


class _Profile:
    """A hosted, freeform JSON configuration with the flag among its top-level keys."""

    def __init__(self, place: AppConfig, key: str) -> None:
        self._place = place
        self.target, self.key = f"appconfig/{place.application}/{place.profile}", key

    def read(self) -> Reading:
        return Reading(_valued(self._deployed(), self.key))

    def write(self, old: str, new: str, manager: str) -> None:
        client, place, content = aws.client("appconfig"), self._place, self._deployed()
        if content.get(self.key) != old:
            raise Changed(self.target)
        with aws.failures("AppConfig"):
            versions = [item["VersionNumber"] for page in client.get_paginator(
                "list_hosted_configuration_versions").paginate(
                ApplicationId=place.application, ConfigurationProfileId=place.profile) for item in page["Items"]]
            # Refused with a conflict where somebody has made another version meanwhile.
            made = client.create_hosted_configuration_version(
                ApplicationId=place.application, ConfigurationProfileId=place.profile, ContentType="application/json",
                Content=json.dumps(content | {self.key: new}).encode(), Description=f"{manager}: {self.key}",
                LatestVersionNumber=max(versions, default=0))
            client.start_deployment(
                ApplicationId=place.application, EnvironmentId=place.environment,
                ConfigurationProfileId=place.profile, DeploymentStrategyId=place.strategy,
                ConfigurationVersion=str(made["VersionNumber"]), Description=f"{manager}: {self.key} is {new}")

    def _deployed(self) -> dict[str, Json]:
        """What the environment has now, not the newest version that may never have been deployed."""
        client, place = aws.client("appconfigdata"), self._place
        with aws.failures("AppConfig"):
            token = client.start_configuration_session(
                ApplicationIdentifier=place.application, EnvironmentIdentifier=place.environment,
                ConfigurationProfileIdentifier=place.profile)["InitialConfigurationToken"]
            text = client.get_latest_configuration(ConfigurationToken=token)["Configuration"].read()
        try:
            content = json.loads(text)
        except ValueError as error:
            raise CallFailed("malformed", f"{self.target} holds no JSON") from error
        if not isinstance(content, dict):
            raise CallFailed("malformed", f"{self.target} holds no JSON object")
        return content


def _valued(content: dict[str, Json], key: str) -> str:
    if key not in content:
        raise NotFound(key)
    return str(content[key])
