"""What an idle month of a deployment costs: the price of each resource of its template, and of what schedules start.

Pure: from the template, as CloudFormation gets it, and a price list. What a template does not say (how long a function
runs, how many objects there are) stands in the price list's ``use``, each with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cli.costs.lines import Line, added, line
from cli.costs.schedules import calls_a_month
from stacks.prices import MONTH_HOURS, Prices

Template = Mapping[str, Any]
"""A CloudFormation template as JSON."""
Properties = Mapping[str, Any]

FREE = frozenset({
    "AWS::AppConfig::Application", "AWS::AppConfig::ConfigurationProfile", "AWS::AppConfig::Deployment",
    "AWS::AppConfig::DeploymentStrategy", "AWS::AppConfig::Environment", "AWS::AppConfig::HostedConfigurationVersion",
    "AWS::CDK::Metadata", "AWS::EKS::AccessEntry", "AWS::Events::EventBus", "AWS::Events::EventBusPolicy",
    "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::KMS::Alias", "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function",
    "AWS::Lambda::Permission", "AWS::Lambda::Url", "AWS::Lambda::Version", "AWS::Logs::LogGroup",
    "AWS::Logs::ResourcePolicy", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SSM::Parameter",
    "AWS::StepFunctions::StateMachine", "AWS::StepFunctions::StateMachineAlias",
    "AWS::StepFunctions::StateMachineVersion"})
"""Types that cost nothing while nothing uses them: no price for being there, or for requests alone. A Lambda poller of
a DynamoDB stream is not charged (AWS: "Amazon DynamoDB Pricing", streams)."""
_HIGH_RESOLUTION_BELOW = 60
_AT_ALL_HOURS = frozenset({"LedgerAge", "UsualRequestsPerSecond"})
_WITH_THE_HEARTBEAT = frozenset({"HeartbeatUnread"})
_KB_A_GB = 1024.0 * 1024.0
_LOG_MONTHS = 12


def of_template(template: Template, prices: Prices) -> tuple[Line, ...]:
    """Return the lines of an idle month."""
    resources: Mapping[str, Mapping[str, Any]] = template["Resources"]
    lines = [one for resource in resources.values() if resource["Type"] in _PRICED
             for one in _PRICED[resource["Type"]](resource.get("Properties", {}), prices)]
    services = max(1, len(template.get("Metadata", {}).get("Services", {})))
    calls = dict(_scheduled(resources))
    return added([*lines, *_metrics(resources, calls, prices), *_of_schedules(resources, calls, services, prices),
                  *_kept(resources, services, prices)])


def unpriced(template: Template) -> tuple[str, ...]:
    """Return the types of resources of which no price is known here, and the schedules that cannot be counted."""
    found = {resource["Type"] for resource in template["Resources"].values()} - FREE - set(_PRICED) - {
        "AWS::Events::Rule"}
    uncounted = {name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::Events::Rule"
                 and (said := resource["Properties"].get("ScheduleExpression")) and calls_a_month(said) is None}
    handlers = {f"schedule of {handler}" for handler in dict(_scheduled(template["Resources"])) if handler not in _RUNS}
    return tuple(sorted(found | uncounted | handlers))


# --- resources that cost something for being there --------------------------------------------------------------------


def _alarm(alarm: Properties, prices: Prices) -> Iterator[Line]:
    metrics = [item["MetricStat"] for item in alarm.get("Metrics", []) if "MetricStat" in item]
    count = len(metrics) if alarm.get("Metrics") else 1
    shortest = min([stat.get("Period", 60) for stat in metrics] or [alarm.get("Period", 60)])
    high = shortest < _HIGH_RESOLUTION_BELOW
    yield line("alarms", "metrics of alarms, of 10 or 30 s" if high else "metrics of alarms", count,
               "high_resolution_alarm_metric" if high else "alarm_metric", prices)


def _one(part: str, what: str, price: str) -> Callable[[Properties, Prices], Iterator[Line]]:
    def lines(properties: Properties, prices: Prices) -> Iterator[Line]:
        yield line(part, what, 1, price, prices)

    return lines


_PRICED: dict[str, Callable[[Properties, Prices], Iterator[Line]]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _one("alarms", "composite alarms", "composite_alarm"),
    "AWS::CloudWatch::Dashboard": _one("dashboards", "dashboards", "dashboard"),
    "AWS::KMS::Key": _one("keys", "KMS keys, before their rotation", "key_month"),
    "AWS::SecretsManager::Secret": _one("secrets", "secrets of its own", "secret_month"),
    # What is in them is counted apart, by the services.
    "AWS::DynamoDB::GlobalTable": lambda properties, prices: iter(()),
    "AWS::S3::Bucket": lambda properties, prices: iter(()),
}


def _metrics(resources: Mapping[str, Any], calls: Mapping[str, float], prices: Prices) -> Iterator[Line]:
    """The responder's own metrics that have data while nothing happens, each by the share of hours in which it has."""
    beats = min(1.0, calls.get("heartbeat", 0.0) / MONTH_HOURS)
    seen: set[str] = set()
    for resource in resources.values():
        if resource["Type"] != "AWS::CloudWatch::Alarm":
            continue
        own = resource["Properties"]
        stats = [own] if "MetricName" in own else [item["MetricStat"]["Metric"] for item in own.get("Metrics", [])
                                                   if "MetricStat" in item]
        for stat in stats:
            name, which = stat["MetricName"], f"{stat['MetricName']} {stat.get('Dimensions')}"
            share = 1.0 if name in _AT_ALL_HOURS else beats if name in _WITH_THE_HEARTBEAT else 0.0
            if share and which not in seen:
                seen.add(which)
                yield line("metrics", "metrics of its own, by hours with data", share, "custom_metric", prices)


# --- what schedules start ---------------------------------------------------------------------------------------------


def _scheduled(resources: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield handler (``ledger``) and calls a month of each scheduled function; of several of a handler the sum."""
    found: dict[str, float] = {}
    for rule in resources.values():
        if rule["Type"] != "AWS::Events::Rule" or "ScheduleExpression" not in rule["Properties"]:
            continue
        often = calls_a_month(rule["Properties"]["ScheduleExpression"])
        for target in rule["Properties"].get("Targets", []):
            function = _function(resources, target["Arn"])
            if function is not None and often is not None:
                name = str(function["Handler"]).split(".")[-2]
                found[name] = found.get(name, 0.0) + often
    yield from found.items()


def _function(resources: Mapping[str, Any], arn: Any) -> Properties | None:
    """Return the function behind the ARN of a function, a version or an alias."""
    named = arn.get("Ref") or arn.get("Fn::GetAtt", [""])[0] if isinstance(arn, dict) else ""
    resource = resources.get(named)
    if resource is None:
        return None
    properties: Properties = resource.get("Properties", {})
    return properties if resource["Type"] == "AWS::Lambda::Function" else _function(
        resources, properties.get("FunctionName"))


_RUNS: dict[str, str] = {"ledger": "ledger_seconds", "sweep": "sweep_seconds", "usual_traffic": "usual_traffic_seconds",
                         "heartbeat": "heartbeat_seconds"}
"""Handler to how long one run takes, for each service."""


def _of_schedules(resources: Mapping[str, Any], calls: Mapping[str, float], services: int,
                  prices: Prices) -> Iterator[Line]:
    use = {name: one.value for name, one in prices.use.items()}
    functions = {str(one["Handler"]).split(".")[-2]: one for one in (
        resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::Lambda::Function")}
    sources = sum("-source-" in str(resource["Properties"].get("FunctionName")) for resource in resources.values()
                  if resource["Type"] == "AWS::Lambda::Function")
    for name in sorted(calls.keys() & _RUNS.keys()):
        yield from _runs(name, functions[name], calls[name], services * use[_RUNS[name]], prices)
    if beats := calls.get("heartbeat", 0.0):
        yield from _runs("sources, asked by the heartbeat", functions["ask"], beats * sources * services,
                         use["source_seconds"], prices)
    asked = services * (beats * use["metrics_a_heartbeat"] + calls.get("sweep", 0.0) * use["metrics_a_sweep"]
                        + calls.get("usual_traffic", 0.0) * use["metrics_a_usual_traffic"])
    yield line("metrics", "metrics asked of CloudWatch", asked, "metric_asked", prices)
    puts = services * calls.get("usual_traffic", 0.0)
    yield line("metrics", "requests to publish metrics", puts, "metric_request", prices)
    if looks := calls.get("ledger", 0.0):
        yield from _ledger(looks, services, use, prices)


def _runs(name: str, function: Properties, calls: float, seconds: float, prices: Prices) -> Iterator[Line]:
    gb_seconds = calls * seconds * function.get("MemorySize", 128) / 1024
    arm = "arm64" in function.get("Architectures", [])
    yield line("functions", f"GB-seconds of {name}", gb_seconds,
               "lambda_arm_gb_second" if arm else "lambda_x86_gb_second", prices)
    yield line("functions", "requests", calls, "lambda_request", prices)
    written = calls * prices.use["log_kb_a_call"].value / _KB_A_GB
    yield line("logs", "GB written", written, "log_gb", prices)
    kept = written * _LOG_MONTHS * prices.use["log_compressed"].value
    yield line("logs", "GB kept, compressed", kept, "log_gb_month", prices)
    if function.get("TracingConfig", {}).get("Mode") == "Active" and not name.startswith("sources"):
        yield line("traces", "traces", calls, "trace", prices)


def _ledger(looks: float, services: int, use: Mapping[str, float], prices: Prices) -> Iterator[Line]:
    """The ledger's reads and writes: the time of the last snapshot each minute, its objects each hour."""
    whole = math.ceil(use["ledger_objects"] * use["ledger_object_kb"] / 4)
    reads = services * (2 * looks + MONTH_HOURS * whole)
    changes = MONTH_HOURS * use["ledger_changes_an_hour"]
    writes = services * (looks + changes * (2 * math.ceil(use["ledger_object_kb"]) + 1))
    yield line("table", "read units", reads, "table_read_unit", prices)
    yield line("table", "write units", writes, "table_write_unit", prices)
    keys = MONTH_HOURS * use["key_requests_an_hour"]
    yield line("keys", "requests", keys, "key_request", prices)
    secrets = looks / 5
    yield line("secrets", "requests", secrets, "secret_request", prices)


def _kept(resources: Mapping[str, Any], services: int, prices: Prices) -> Iterator[Line]:
    """What is stored, for each service."""
    types = {resource["Type"]: resource.get("Properties", {}) for resource in resources.values()}
    if table := types.get("AWS::DynamoDB::GlobalTable"):
        size = services * prices.use["table_gb"].value
        yield line("table", "GB kept", size, "table_gb_month", prices)
        recovery = [replica.get("PointInTimeRecoverySpecification", {}) for replica in table.get("Replicas", [])]
        if any(one.get("PointInTimeRecoveryEnabled") for one in recovery):
            yield line("table", "GB of point-in-time recovery", size, "table_backup_gb_month", prices)
    if "AWS::S3::Bucket" in types:
        size = services * prices.use["bucket_gb"].value
        yield line("bucket", "GB kept", size, "s3_gb_month", prices)
