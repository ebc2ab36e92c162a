"""Give the records of an earlier stack to a new one: its table, buckets and key, which are kept when a stack ends.

    python -m stacks.adopt cdk.out/IncidentResponse.template.json RecordsTimeline=NAME RecordsReports=NAME \\
        RecordsAccessLogs=NAME RecordsKey=ID

It makes the stack with these resources alone, by an import. The next ``cdk deploy`` adds all others and brings these up
to date. Source: the CloudFormation User Guide's page "Create a stack from existing resources".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

if TYPE_CHECKING:
    from botocore.client import BaseClient

IDENTIFIERS = {"AWS::DynamoDB::GlobalTable": "TableName", "AWS::S3::Bucket": "BucketName", "AWS::KMS::Key": "KeyId"}
"""What is kept, by its resource type, and the property by which CloudFormation knows each."""
_CHANGE_SET = "adopt-records"


class NotAdopted(Exception):
    """The records could not be given to the stack; it says why."""


def kept(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the resources of a template that are kept when its stack ends, and hold records: logical id to each."""
    return {name: resource for name, resource in template["Resources"].items()
            if resource["Type"] in IDENTIFIERS and resource.get("DeletionPolicy", "").startswith("Retain")}


def imports(template: Mapping[str, Any], named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return ``ResourcesToImport``; ``named`` maps the beginning of each logical id to the name of what is there.

    Raises NotAdopted where a resource has no name, or a name no resource.
    """
    found, wanted = [], dict(named)
    for name, resource in kept(template).items():
        beginning = next((given for given in wanted if name.startswith(given)), None)
        if beginning is None:
            raise NotAdopted(f"nothing was named for {name} ({resource['Type']})")
        found.append({"ResourceType": resource["Type"], "LogicalResourceId": name,
                      "ResourceIdentifier": {IDENTIFIERS[resource["Type"]]: wanted.pop(beginning)}})
    if wanted:
        raise NotAdopted(f"the template keeps nothing called {', '.join(sorted(wanted))}")
    return found


def adopt(cloudformation: BaseClient, stack: str, template: Mapping[str, Any], named: Mapping[str, str]) -> None:
    """Make the stack with its kept resources alone. Raises NotAdopted."""
    try:
        cloudformation.create_change_set(
            StackName=stack, ChangeSetName=_CHANGE_SET, ChangeSetType="IMPORT",
            ResourcesToImport=imports(template, named),
            TemplateBody=json.dumps({"Resources": kept(template)}))
        cloudformation.get_waiter("change_set_create_complete").wait(StackName=stack, ChangeSetName=_CHANGE_SET)
        cloudformation.execute_change_set(StackName=stack, ChangeSetName=_CHANGE_SET)
        cloudformation.get_waiter("stack_import_complete").wait(StackName=stack)
    except (BotoCoreError, ClientError, WaiterError) as error:
        raise NotAdopted(str(error)) from error


def main(arguments: Sequence[str]) -> None:
    """Adopt what the command line names."""
    file = Path(arguments[0])
    template, stack = json.loads(file.read_text(encoding="utf-8")), file.name.partition(".")[0]
    named = dict(argument.split("=", 1) for argument in arguments[1:])
    adopt(boto3.client("cloudformation"), stack, template, named)
    sys.stdout.write(f"{stack} has its records again; `cdk deploy` adds all others\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (NotAdopted, OSError, IndexError, ValueError) as problem:
        sys.exit(f"nothing was adopted: {problem}")
