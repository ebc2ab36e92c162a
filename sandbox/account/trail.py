"""CloudTrail of a busy account: reads, writes, refused calls and dry runs of others, made minute by minute on demand.

Formats: AWS's pages "CloudTrail record contents" (``errorCode``) and "Logging AWS Secrets Manager events with AWS
CloudTrail". A dry run is recorded as a call with the error ``Client.DryRunOperation``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache

from sandbox.account import Account
from sandbox.account.events import TrailEvent
from sandbox.places import ACCOUNT, CLUSTER, REGION

_MINUTE = 60
_HISTORY_MINUTES = 200
"""How long before a question the account has a history."""
_READS_A_MINUTE = 90
_WRITES_A_MINUTE = 8
_READS = (
    ("ec2", "DescribeInstances", "karpenter/1763912007"), ("ec2", "DescribeInstanceTypes", "karpenter/1763912007"),
    ("ec2", "DescribeSecurityGroups", "aws-load-balancer-controller/1763912011"),
    ("elasticloadbalancing", "DescribeTargetHealth", "aws-load-balancer-controller/1763912011"),
    ("elasticloadbalancing", "DescribeListeners", "aws-load-balancer-controller/1763912011"),
    ("rds", "DescribeDBInstances", "datadog-integration/dd"), ("rds", "DescribeDBClusters", "datadog-integration/dd"),
    ("monitoring", "DescribeAlarms", "grafana/grafana"), ("eks", "DescribeCluster", "gitlab-runner/job-88231"),
    ("eks", "ListNodegroups", "backstage/catalog"), ("kms", "Decrypt", "checkout/pod"),
    ("secretsmanager", "GetSecretValue", "external-secrets/eso"), ("sts", "AssumeRole", "eks.amazonaws.com"),
    ("autoscaling", "DescribeAutoScalingGroups", "cluster-autoscaler/1763911950"),
    ("rds", "DescribeEvents", "incident-response-source-rds/incident-response-source-rds"),
    ("eks", "DescribeCluster", "incident-response-ledger/incident-response-ledger"),
    ("rds", "DescribeDBParameters", "incident-response-ledger/incident-response-ledger"))
"""(service, call, caller): controllers, tools, and the responder itself."""
_OTHER_GROUPS = ("sg-01a2b3c4d5e6f7089", "sg-0d1e2f30415263748", "sg-0fedcba9876543210")
_SECRETS = ("orders-db/checkout", "payments-db-staging/payment-gateway", "warehouse/etl")
_WRITES = (
    ("logs", "CreateLogStream", "checkout/pod"), ("logs", "CreateLogStream", "batch-reports/pod"),
    ("ssm", "UpdateInstanceInformation", "bastion/i-0bb0000000000000a"),
    ("ec2", "CreateNetworkInterface", "aws-node/vpc-cni"), ("ec2", "CreateTags", "karpenter/1763912007"),
    ("ec2", "AuthorizeSecurityGroupIngress", "aws-load-balancer-controller/1763912011"),
    ("ec2", "RevokeSecurityGroupIngress", "aws-load-balancer-controller/1763912011"),
    ("elasticloadbalancing", "RegisterTargets", "aws-load-balancer-controller/1763912011"),
    ("elasticloadbalancing", "ModifyRule", "Deployer/terraform"), ("rds", "ModifyDBInstance", "Deployer/terraform"),
    ("rds", "CreateDBSnapshot", "rds.amazonaws.com"), ("rds", "ModifyDBParameterGroup", "DataTeam/kim"),
    ("secretsmanager", "PutSecretValue", "rotation/rotate"), ("ecr", "PutImage", "gitlab-runner/job-88231"),
    ("autoscaling", "SetDesiredCapacity", "cluster-autoscaler/1763911950"), ("route53", "ChangeResourceRecordSets",
                                                                             "external-dns/edns"))
_TRAPS = 5
"""Every so many minutes something that looks like the cause of an outage, and is none."""


def happened(account: Account, since: float, until: float) -> Iterator[TrailEvent]:
    """Yield the others' events between two times, newest first."""
    if not account.busy:
        return
    first = max(int(since) // _MINUTE, int(until) // _MINUTE - _HISTORY_MINUTES)
    for minute in range(int(until) // _MINUTE, first - 1, -1):
        yield from (event for event in _minute(account.seed, minute) if since <= event.at <= until)


def forget() -> None:
    """Let go of the events of a platform that began anew: the next one is another account's, by its seed."""
    _minute.cache_clear()


@lru_cache(maxsize=2 * _HISTORY_MINUTES)
def _minute(seed: str, minute: int) -> tuple[TrailEvent, ...]:
    """The events of one minute, newest first."""
    rng = random.Random(f"{seed} {minute}")
    start, found = float(minute * _MINUTE), []
    for number in range(_READS_A_MINUTE):
        source, name, user = rng.choice(_READS)
        found.append(TrailEvent(start + rng.uniform(0, 60), name, f"{source}.amazonaws.com", user, number=number))
    for number in range(_WRITES_A_MINUTE):
        found.append(_write(rng, start + rng.uniform(0, 60), number))
    if minute % _TRAPS == 0:
        found += _traps(rng, start)
    return tuple(sorted(found, key=lambda event: -event.at))


def _write(rng: random.Random, at: float, number: int) -> TrailEvent:
    source, name, user = rng.choice(_WRITES)
    resources: tuple[tuple[str, str], ...] = ()
    parameters: dict[str, object] = {}
    if "SecurityGroup" in name:
        group = rng.choice(_OTHER_GROUPS)
        resources, parameters = (("AWS::EC2::SecurityGroup", group),), {"groupId": group, "ipPermissions": {"items": [
            {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": {"items": [{"cidrIp": "10.1.0.0/16"}]}}]}}
    elif source == "rds" and "Parameter" in name:
        resources, parameters = (("AWS::RDS::DBParameterGroup", "orders-pg16"),), {
            "dBParameterGroupName": "orders-pg16", "parameters": [
                {"parameterName": "work_mem", "parameterValue": "65536", "applyMethod": "immediate"}]}
    elif source == "rds":
        resources, parameters = (("AWS::RDS::DBInstance", "orders-db"),), {"dBInstanceIdentifier": "orders-db"}
    elif source == "autoscaling":
        parameters = {"autoScalingGroupName": "batch-nodes", "desiredCapacity": rng.randint(2, 9)}
    elif source == "secretsmanager":
        resources = (("AWS::SecretsManager::Secret", _secret(rng.choice(_SECRETS))),)
    return TrailEvent(at, name, f"{source}.amazonaws.com", user, resources, parameters, number=1000 + number)


def _traps(rng: random.Random, start: float) -> list[TrailEvent]:
    """A refused call and a dry run on the platform's own group, a rotation of others, one of the own that failed."""
    own, rule = "sg-0f1e2d3c4b5a69788", {"items": [{
        "ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "groups": {},
        "ipRanges": {"items": [{"cidrIp": "10.0.0.0/16"}]}}]}
    on_group, by_service = (("AWS::EC2::SecurityGroup", own),), "secretsmanager.amazonaws.com"
    told = {"groupId": own, "ipPermissions": rule}
    return [
        TrailEvent(start + rng.uniform(0, 60), "RevokeSecurityGroupIngress", "ec2.amazonaws.com", "DataTeam/kim",
                   on_group, told, "Client.UnauthorizedOperation", number=2000),
        TrailEvent(start + rng.uniform(0, 60), "RevokeSecurityGroupIngress", "ec2.amazonaws.com", "Auditor/scan",
                   on_group, {**told, "dryRun": True}, "Client.DryRunOperation", number=2001),
        TrailEvent(start + rng.uniform(0, 60), "RotationSucceeded", by_service, by_service,
                   additional={"SecretId": _secret(rng.choice(_SECRETS))}, number=2002),
        TrailEvent(start + rng.uniform(0, 60), "RotationFailed", by_service, by_service,
                   additional={"SecretId": _secret("payments-db/payment-gateway")}, number=2003),
        TrailEvent(start + rng.uniform(0, 60), "DeleteNodegroup", "eks.amazonaws.com", "Deployer/terraform",
                   parameters={"name": "analytics", "nodegroupName": "spot"}, number=2004),
        TrailEvent(start + rng.uniform(0, 60), "UpdateClusterConfig", "eks.amazonaws.com", "DataTeam/kim",
                   parameters={"name": CLUSTER}, error="AccessDenied", number=2005)]


def _secret(name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-Ab3dE9"
