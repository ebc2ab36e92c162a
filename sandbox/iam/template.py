"""The roles and the policies of a synthesized CloudFormation template, with every reference filled in.

Names that CloudFormation would make up are the logical ids here. Formats: AWS's pages "Intrinsic function reference"
and "Return values" of each resource type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sandbox.iam.evaluate import Caller, Policy
from sandbox.places import ACCOUNT, REGION

Resources = Mapping[str, Mapping[str, Any]]
_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::URLSuffix": "amazonaws.com",
           "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/IncidentResponse/0a1b2c3d-4e5f"}
_PLACES = {
    "AWS::Lambda::Function": ("lambda", "function:", "FunctionName"),
    "AWS::DynamoDB::GlobalTable": ("dynamodb", "table/", "TableName"),
    "AWS::KMS::Key": ("kms", "key/", ""),
    "AWS::SNS::Topic": ("sns", "", "TopicName"),
    "AWS::SQS::Queue": ("sqs", "", "QueueName"),
    "AWS::Events::Rule": ("events", "rule/", "Name"),
    "AWS::StepFunctions::StateMachine": ("states", "stateMachine:", "StateMachineName"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "alarm:", "AlarmName"),
}
"""Type to the service, what comes before the name, and the property that names it."""
_ARNS_BY_REF = ("AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine",
                "AWS::IAM::ManagedPolicy", "AWS::Lambda::Version", "AWS::Lambda::Alias")
_VERSION = "1"
"""Of each function and of the state machine; CloudFormation publishes it."""


@dataclass(frozen=True)
class Template:
    """A template's resources."""

    resources: Resources

    def of_type(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Return the properties of the resources of a type, filled in, by logical id."""
        return {name: self.filled(item.get("Properties", {})) for name, item in self.resources.items()
                if item["Type"] == kind}

    def arn(self, name: str) -> str:
        """Return the ARN of the resource with a logical id."""
        item = self.resources[name]
        kind, properties = item["Type"], item.get("Properties", {})
        if kind == "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT}:role/{name}"
        if kind == "AWS::IAM::ManagedPolicy":
            return f"arn:aws:iam::{ACCOUNT}:policy/{properties.get('ManagedPolicyName', name)}"
        if kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{name.lower()}"
        if kind == "AWS::SecretsManager::Secret":
            return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"
        if kind == "AWS::Logs::LogGroup":
            return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{self.filled(properties['LogGroupName'])}:*"
        if kind in ("AWS::Lambda::Version", "AWS::Lambda::Alias"):
            return f"{self.arn(properties['FunctionName']['Ref'])}:{properties.get('Name', _VERSION)}"
        if kind == "AWS::StepFunctions::StateMachineVersion":
            return f"{self.arn(properties['StateMachineArn']['Ref'])}:{_VERSION}"
        if kind == "AWS::StepFunctions::StateMachineAlias":
            version = self.filled(properties["RoutingConfiguration"][0]["StateMachineVersionArn"])
            return f"{version.rpartition(':')[0]}:{properties['Name']}"
        service, before, key = _PLACES[kind]
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{before}{self.filled(properties.get(key, name))}"

    def filled(self, value: Any) -> Any:
        """Return a value with its intrinsic functions evaluated."""
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if set(value) == {"Ref"}:
            return self._ref(value["Ref"])
        if set(value) == {"Fn::GetAtt"}:
            name, attribute = value["Fn::GetAtt"][0], value["Fn::GetAtt"][1]
            if attribute == "StreamArn":
                return f"{self.arn(name)}/stream/label"
            return self.arn(name) if attribute == "Arn" else f"{name}.{attribute}"
        if set(value) == {"Fn::Join"}:
            separator, parts = value["Fn::Join"]
            return str(separator).join(str(self.filled(part)) for part in parts)
        if set(value) == {"Fn::Split"}:
            separator, text = value["Fn::Split"]
            return str(self.filled(text)).split(separator)
        if set(value) == {"Fn::Select"}:
            index, listed = value["Fn::Select"]
            return self.filled(listed)[int(index)]
        return {key: self.filled(item) for key, item in value.items()}

    def _ref(self, name: str) -> str:
        if name in _PSEUDO or name not in self.resources:
            return _PSEUDO.get(name, name)
        if self.resources[name]["Type"].startswith("AWS::AppConfig::"):
            return name  # AppConfig makes up an id
        arn = self.arn(name)
        if self.resources[name]["Type"] in _ARNS_BY_REF:
            return arn
        if self.resources[name]["Type"] == "AWS::IAM::Role":
            return name
        return arn.rpartition(":")[2].rpartition("/")[2]

    @cached_property
    def policies(self) -> dict[str, tuple[Policy, ...]]:
        """The identity policies of each role, by its logical id; a role without any is not there."""
        found: dict[str, list[Policy]] = {}
        for policy in self.of_type("AWS::IAM::Policy").values():
            for role in policy["Roles"]:
                found.setdefault(role, []).append(policy["PolicyDocument"])
        return {role: tuple(documents) for role, documents in found.items()}

    @cached_property
    def callers(self) -> dict[str, Caller]:
        """Who asks: each function by its name, the state machine and the rules by ``states`` and ``rule NAME``."""
        found = {}
        for item in self.of_type("AWS::Lambda::Function").values():
            if name := item.get("FunctionName"):
                found[name] = self._caller(item["Role"], name, {"lambda:SourceFunctionArn": (
                    f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")})
        for item in self.of_type("AWS::StepFunctions::StateMachine").values():
            found["states"] = self._caller(item["RoleArn"], "states", {})
        for name, rule in self.of_type("AWS::Events::Rule").items():
            for target in rule["Targets"]:
                if "RoleArn" in target:
                    found[f"rule {name}"] = self._caller(target["RoleArn"], "events", {})
        return found

    def environment(self, function: str) -> dict[str, str]:
        """Return the environment of a function."""
        for item in self.of_type("AWS::Lambda::Function").values():
            if item.get("FunctionName") == function:
                return {key: str(value) for key, value in item.get("Environment", {}).get("Variables", {}).items()}
        raise KeyError(function)

    def _caller(self, role_arn: str, session: str, keys: Mapping[str, Any]) -> Caller:
        role = role_arn.rpartition("/")[2]
        properties = self.filled(self.resources[role].get("Properties", {}))
        return Caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}", (
            *self.policies.get(role, ()), *(item["PolicyDocument"] for item in properties.get("Policies", ()))),
            self._boundary(properties.get("PermissionsBoundary")), keys)

    def _boundary(self, arn: str | None) -> Policy | None:
        if not arn:
            return None
        for name, item in self.of_type("AWS::IAM::ManagedPolicy").items():
            if self.arn(name) == arn:
                document: Policy = item["PolicyDocument"]
                return document
        raise LookupError(f"the boundary {arn} is not in the template: what it allows is not known")
