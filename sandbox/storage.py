"""What the engine's CloudFormation leaves out of tables and buckets: TTL, recovery, protection, lifecycle rules.

The APIs have all of it. Sources: CloudFormation's pages ``AWS::DynamoDB::GlobalTable`` (what a replica has of its own)
and ``AWS::S3::Bucket`` with ``Rule``; the S3 API Reference's page "PutBucketLifecycleConfiguration".
"""

from __future__ import annotations

from typing import Any

from ministack.services import dynamodb, s3
from ministack.services.cloudformation import provisioners


def bridge() -> None:
    """Provision them with the table, or the bucket."""
    _after("AWS::DynamoDB::GlobalTable", _table)
    _after("AWS::S3::Bucket", _bucket)


def _after(kind: str, provision: Any) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, properties, stack_name)
        provision(made[0], properties)
        return made

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> Any:
        made = update(physical_id, old, new, stack_name)
        provision(made[0] if isinstance(made, tuple) else physical_id, new)
        return made

    handlers.update({"create": created, "update": updated})


def _table(name: str, properties: dict[str, Any]) -> None:
    replica = (properties.get("Replicas") or [{}])[0]
    if properties.get("TimeToLiveSpecification"):
        dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": properties["TimeToLiveSpecification"]})
    if replica.get("PointInTimeRecoverySpecification"):
        dynamodb._update_continuous_backups({
            "TableName": name, "PointInTimeRecoverySpecification": replica["PointInTimeRecoverySpecification"]})
    if replica.get("DeletionProtectionEnabled"):
        dynamodb._tables[name]["DeletionProtectionEnabled"] = True


def _bucket(name: str, properties: dict[str, Any]) -> None:
    rules = (properties.get("LifecycleConfiguration") or {}).get("Rules") or []
    if rules:
        s3._bucket_lifecycle[name] = [_rule(rule) for rule in rules]


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as the API has it."""
    tags, prefix = rule.get("TagFilters") or [], rule.get("Prefix", "")
    newer = rule.get("NoncurrentVersionExpiration") or {}
    return {
        "ID": rule.get("Id", ""), "Status": rule.get("Status", "Enabled"),
        "Filter": {"And": {"Prefix": prefix, "Tags": tags}} if tags else {"Prefix": prefix},
        **({"Expiration": {"Days": rule["ExpirationInDays"]}} if rule.get("ExpirationInDays") else {}),
        **({"NoncurrentVersionExpiration": {"NoncurrentDays": newer["NoncurrentDays"]}} if newer else {})}
