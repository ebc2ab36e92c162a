"""What a call of boto3 asks IAM for: the action, the resources that its parameters name, and its condition keys.

Sources: the Service Authorization Reference of each service; for S3 "Required permissions for Amazon S3 API
operations", for DynamoDB "Using IAM policy conditions for fine-grained access control".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.iam.evaluate import Call
from sandbox.places import ACCOUNT, REGION

Parameters = Mapping[str, Any]


class UnknownCall(LookupError):
    """It is not known which resources this call is about."""


_PREFIXES = {"stepfunctions": "states", "appconfigdata": "appconfig"}
"""Names of boto3's clients to IAM's prefixes, where they differ."""
_ACTIONS = {"s3:HeadObject": "s3:GetObject", "lambda:Invoke": "lambda:InvokeFunction"}
"""Operations whose action has another name."""
_NO_RESOURCE = frozenset({
    "application-signals:ListServiceDependencies", "application-signals:ListServices",
    "cloudwatch:GetMetricData", "cloudtrail:LookupEvents", "health:DescribeEvents", "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstances", "logs:StopQuery",
    "ec2:DescribeSecurityGroups", "rds:DescribeEvents", "sts:GetCallerIdentity", "dynamodb:ListStreams"})
_ITEMS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


def of(service: str, operation: str, parameters: Parameters) -> tuple[Call, ...]:
    """Return what a call asks for, one for each action; raises UnknownCall.

    ``service`` is the name of boto3's client, ``operation`` that of the API (``DescribeDBInstances``).
    """
    prefix = _PREFIXES.get(service, service)
    if prefix == "dynamodb":
        return tuple(_items(operation, parameters))
    name = f"{prefix}:{operation}"
    action = _ACTIONS.get(name, name)
    if action in _NO_RESOURCE:
        return (Call(action),)
    named = _NAMED.get(prefix)
    found = tuple(named(operation, parameters)) if named else ()
    if not found:
        raise UnknownCall(name)
    return (Call(action, found, _keys(action, parameters)), *(
        Call(f"s3:{more}", found) for more in _more(name, parameters)))


def implied(call: Call, key: str) -> tuple[Call, ...]:
    """Return what a service asks KMS for in the caller's name, where a key of one's own covers what the call is about.

    Sources: AWS's pages "Using server-side encryption with AWS KMS keys", "Amazon SNS: Data encryption", "DynamoDB
    encryption at rest", "Secret encryption and decryption".
    """
    service, _, name = call.action.partition(":")
    via = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com", "kms:CallerAccount": ACCOUNT}
    wanted = {"s3:PutObject": ("GenerateDataKey",), "s3:GetObject": ("Decrypt",),
              "sns:Publish": ("GenerateDataKey", "Decrypt"), "secretsmanager:GetSecretValue": ("Decrypt",)}.get(
        call.action, ("Decrypt",) if service == "dynamodb" and name not in ("ListStreams", "DescribeStream") else ())
    return tuple(Call(f"kms:{action}", (key,), via) for action in wanted)


def _items(operation: str, parameters: Parameters) -> Iterator[Call]:
    """A transaction is not an action: each of its items is authorized as what it does, on its table."""
    from sandbox.rights import condition_keys

    if operation == "TransactWriteItems":
        for item in parameters["TransactItems"]:
            for member, action in _ITEMS.items():
                if member in item:
                    yield Call(f"dynamodb:{action}", (_table(item[member]["TableName"]),), {
                        **condition_keys(item[member]), "dynamodb:EnclosingOperation": [operation]})
    else:
        yield Call(f"dynamodb:{operation}", (_table(parameters["TableName"]),), condition_keys(parameters))


def _table(name: str) -> str:
    return name if name.startswith("arn:") else _arn("dynamodb", f"table/{name}")


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _keys(action: str, parameters: Parameters) -> dict[str, Any]:
    if action == "s3:ListBucket" and "Prefix" in parameters:
        return {"s3:prefix": parameters["Prefix"]}
    return {}


def _more(name: str, parameters: Parameters) -> Iterator[str]:
    if name == "s3:PutObject":
        if parameters.get("Tagging"):
            yield "PutObjectTagging"
        if parameters.get("ObjectLockMode") or parameters.get("ObjectLockRetainUntilDate"):
            yield "PutObjectRetention"


def _rds(operation: str, given: Parameters) -> Iterator[str]:
    for parameter, kind in (("DBInstanceIdentifier", "db"), ("DBParameterGroupName", "pg"),
                            ("DBClusterIdentifier", "cluster"), ("DBClusterParameterGroupName", "cluster-pg")):
        if given.get(parameter):
            yield _arn("rds", f"{kind}:{given[parameter]}")
    if given.get("DBProxyName"):
        # The ids at the end of a proxy's and its target group's ARNs are not in the request; any will do.
        yield _arn("rds", "db-proxy:prx-40c1a2b340c1a2b34")
        if operation == "DescribeDBProxyTargets":
            yield _arn("rds", "target-group:prx-tg-40c1a2b340c1a2b34")
    if operation in ("DescribeDBInstances", "DescribeDBClusters") and not any(
            key.endswith("Identifier") for key in given):
        yield _arn("rds", "db:*" if operation == "DescribeDBInstances" else "cluster:*")


def _pi(operation: str, given: Parameters) -> Iterator[str]:
    yield _arn("pi", f"metrics/{str(given['ServiceType']).lower()}/{given['Identifier']}")


def _health(operation: str, given: Parameters) -> Iterator[str]:
    yield from (str(arn) for arn in (given.get("filter") or given).get("eventArns") or ())


def _acm(operation: str, given: Parameters) -> Iterator[str]:
    yield str(given["CertificateArn"])


def _eks(operation: str, given: Parameters) -> Iterator[str]:
    name = given.get("clusterName") or given["name"]
    # The id at the end of a node group's ARN is not in the request; any will do.
    yield _arn("eks", f"nodegroup/{name}/{given['nodegroupName']}/40c1a2b3" if given.get("nodegroupName")
               else f"cluster/{name}")


def _ec2(operation: str, given: Parameters) -> Iterator[str]:
    if given.get("GroupId"):
        yield _arn("ec2", f"security-group/{given['GroupId']}")
    if given.get("TagSpecifications"):
        yield _arn("ec2", "security-group-rule/*")


def _s3(operation: str, given: Parameters) -> Iterator[str]:
    yield f"arn:aws:s3:::{given['Bucket']}" + (f"/{given['Key']}" if given.get("Key") else "")


def _ssm(operation: str, given: Parameters) -> Iterator[str]:
    yield _arn("ssm", f"parameter/{str(given['Name']).lstrip('/')}")


def _secretsmanager(operation: str, given: Parameters) -> Iterator[str]:
    name = str(given["SecretId"])
    yield name if name.startswith("arn:") else _arn("secretsmanager", f"secret:{name}-AbCdEf")


def _sns(operation: str, given: Parameters) -> Iterator[str]:
    yield str(given["TopicArn"])


def _lambda(operation: str, given: Parameters) -> Iterator[str]:
    name = str(given["FunctionName"])
    yield name if name.startswith("arn:") else _arn("lambda", f"function:{name}")


def _states(operation: str, given: Parameters) -> Iterator[str]:
    if operation.startswith("SendTask"):
        # The token says whose it is; here there is one state machine.
        yield _arn("states", "stateMachine:incident-response")
    elif given.get("executionArn") or given.get("stateMachineArn"):
        # A version or an alias is checked by its state machine's own ARN.
        yield str(given.get("executionArn") or ":".join(given["stateMachineArn"].split(":")[:7]))


def _logs(operation: str, given: Parameters) -> Iterator[str]:
    """Of results, only CloudWatch Logs knows the log groups; an id of the stand-in bears them (``vendors/logs.py``)."""
    names = given.get("logGroupNames") or [
        name for name in str(given.get("queryId", "")).partition("#")[2].split(",") if name]
    for name in names:
        yield _arn("logs", f"log-group:{name}")


def _cloudwatch(operation: str, given: Parameters) -> Iterator[str]:
    for name in given.get("AlarmNames") or ["*"]:
        yield _arn("cloudwatch", f"alarm:{name}")


def _appconfig(operation: str, given: Parameters) -> Iterator[str]:
    application = f"application/{given.get('ApplicationId') or given.get('ApplicationIdentifier')}"
    profile = given.get("ConfigurationProfileId") or given.get("ConfigurationProfileIdentifier")
    environment = given.get("EnvironmentId") or given.get("EnvironmentIdentifier")
    if operation == "GetLatestConfiguration":
        # Only AppConfig knows whose token it is. A test's token is the ARN itself.
        yield from [str(given["ConfigurationToken"])] * str(given["ConfigurationToken"]).startswith("arn:")
        return
    if operation == "StartConfigurationSession":
        yield _arn("appconfig", f"{application}/environment/{environment}/configuration/{profile}")
        return
    yield _arn("appconfig", application)
    yield _arn("appconfig", f"{application}/configurationprofile/{profile}")
    if operation == "StartDeployment":
        yield _arn("appconfig", f"{application}/environment/{environment}")
        yield _arn("appconfig", f"deploymentstrategy/{given['DeploymentStrategyId']}")


_NAMED: Mapping[str, Callable[[str, Parameters], Iterator[str]]] = {
    "rds": _rds, "pi": _pi, "health": _health, "eks": _eks, "ec2": _ec2, "s3": _s3, "ssm": _ssm,
    "secretsmanager": _secretsmanager, "sns": _sns, "lambda": _lambda, "states": _states,
    "cloudwatch": _cloudwatch, "acm": _acm, "appconfig": _appconfig, "logs": _logs}
