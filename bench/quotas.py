"""At how many services each of AWS's quotas breaks: what is deployed, and what incidents ask, against the quotas.

What a deployment has is counted in its synthesized template, with one, two and three services of the shipped kind, and
continued in a straight line. What an incident asks of AWS is the most that a recorded drill asked (``tests/records``,
``calls``); all incidents begin at once, and all that one asks is put into its first minute, which is more than it does.
The quotas stand in ``bench/data/quotas.yaml``. ``docs/scale.md`` says what follows.
"""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from bench import Benchmark, Outcome

ROOT = Path(__file__).resolve().parent.parent
_QUOTAS = Path(__file__).parent / "data" / "quotas.yaml"
SPREAD_SECONDS = 60.0
"""In which an incident makes all its calls."""
MOST = 100_000
"""Services; a quota that holds more never breaks here."""
SERVICES, ACCOUNTS = 10_000, 500
SHARES = (0.0, 0.1, 1.0)
"""Of the services that have an incident at the same time."""
_PAIRS = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}
_ARN = 110
"""Characters of an ARN that CloudFormation fills in."""
_TYPES = {"AWS::IAM::Role": "roles", "AWS::IAM::ManagedPolicy": "managed_policies", "AWS::Events::Rule": "rules",
          "AWS::AppConfig::Environment": "environments", "AWS::AppConfig::ConfigurationProfile": "profiles"}
_WRITES = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
_READS = ("dynamodb:GetItem", "dynamodb:Query")
_WRITE_UNITS, _READ_UNITS = 2.0, 20.0
"""Units of one call, on the high side: items of evidence have up to some kB, and a query reads a whole incident."""


@dataclass(frozen=True)
class Quota:
    """One of AWS's quotas; see the file for the fields."""

    key: str
    name: str
    value: float
    per: Literal["deployment", "account"]
    adjustable: bool
    page: str
    """Title of AWS's page."""
    checked: bool
    answer: str
    """What the design does about it."""
    burst: float | None = None
    """What a bucket holds on top of its rate; None where the quota is a rate without one, or no rate."""

    @property
    def is_rate(self) -> bool:
        """Whether it counts calls a second."""
        return self.key in RATES

    @property
    def room(self) -> float:
        """How much fits: of a rate, in the time in which incidents make their calls."""
        return self.value * SPREAD_SECONDS + (self.burst or 0.0) if self.is_rate else self.value


RATES = frozenset({
    "states:StartExecution", "transitions", "invocations", "cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms",
    "cloudtrail:LookupEvents", "ssm:GetParameter", "secretsmanager:GetSecretValue", "sns:Publish", "kms:",
    "s3:PutObject", "table_writes", "table_reads"})


@dataclass(frozen=True)
class Need:
    """What is needed of each thing that a quota counts, by its key."""

    fixed: Mapping[str, float] = field(default_factory=dict)
    """By a deployment, whatever it looks after."""
    service: Mapping[str, float] = field(default_factory=dict)
    """By each service."""
    incident: Mapping[str, float] = field(default_factory=dict)
    """By each open incident: calls, or things that are there at once."""

    def of(self, key: str, services: int, incidents: float, deployments: int = 1) -> float:
        """Return what some deployments need together."""
        return (self.fixed.get(key, 0.0) * deployments + self.service.get(key, 0.0) * services
                + self.incident.get(key, 0.0) * incidents)


def quotas() -> tuple[Quota, ...]:
    """Return the quotas of the file."""
    return tuple(Quota(**one) for one in yaml.safe_load(_QUOTAS.read_text(encoding="utf-8")))


def fits(quota: Quota, need: Need, share: float, each: int | None = None) -> int:
    """Return how many services fit under a quota, ``MOST`` where more do.

    ``share`` of them have an incident at once. ``each`` is how many services a deployment has at most (None: there is
    one deployment).
    """
    def holds(services: int) -> bool:
        deployments = 1 if each is None else math.ceil(services / max(1, each))
        return need.of(quota.key, services, share * services, deployments) <= quota.room

    low, high = 0, MOST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def first(found: Mapping[str, int]) -> tuple[str, int]:
    """Return the quota that breaks first, and how many services it lets be."""
    return min(found.items(), key=lambda pair: pair[1])


@dataclass(frozen=True)
class Layout:
    """How services are spread."""

    services_a_deployment: int
    deployments_an_account: int
    over: tuple[str, ...]
    """Names of the account's quotas that do not hold with their defaults."""


def layout(known: Sequence[Quota], need: Need, services: int, accounts: int, share: float) -> Layout:
    """Return the fewest deployments for the services of each account, and what of the account then is too little."""
    here = math.ceil(services / accounts)
    each = min(fits(quota, need, share) for quota in known if quota.per == "deployment")
    if each < 1:
        raise ValueError("not even one service fits")
    count = math.ceil(here / each)
    return Layout(each, count, tuple(quota.name for quota in known if quota.per == "account" and need.of(
        quota.key, here, share * here, count) > quota.room))


def deployed(templates: Sequence[Mapping[str, Any]]) -> Need:
    """Return what a deployment needs, by its templates with one, two and three services."""
    counts = [_counted(template) for template in templates]
    # The last step is the steady one: the second service brings what exists only where there are several.
    service = {key: max(0.0, counts[-1][key] - counts[-2][key]) for key in counts[-1]}
    return Need({key: counts[-1][key] - len(templates) * service[key] for key in counts[-1]}, service)


def _counted(template: Mapping[str, Any]) -> dict[str, float]:
    resources = template["Resources"].values()
    types = Counter(resource["Type"] for resource in resources)
    inline: Counter[str] = Counter()
    for resource in resources:
        if resource["Type"] == "AWS::IAM::Policy":
            for role in resource["Properties"].get("Roles", []):
                inline[json.dumps(role)] += len(written(resource["Properties"]["PolicyDocument"]))
    return {"resources": len(template["Resources"]), "template_bytes": len(json.dumps(template, separators=(",", ":"))),
            "inline_policy": max(inline.values(), default=0), **{key: types[kind] for kind, key in _TYPES.items()},
            "concurrency": sum(resource["Properties"].get("ReservedConcurrentExecutions", 0) for resource in resources
                               if resource["Type"] == "AWS::Lambda::Function")}


def written(value: Any) -> str:
    """Return a document as IAM gets it, without whitespace; what only CloudFormation knows has the length of an ARN."""
    return json.dumps(_resolved(value), separators=(",", ":"))


def _resolved(value: Any) -> Any:
    match value:
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(str(_resolved(part)) for part in parts)
        case {"Ref": str(name)}:
            return _PAIRS.get(name, "x" * _ARN)
        case {"Fn::GetAtt": _} | {"Fn::Sub": _} | {"Fn::ImportValue": _} | {"Fn::Select": _}:
            return "x" * _ARN
        case dict():
            return {key: _resolved(one) for key, one in value.items()}
        case list():
            return [_resolved(one) for one in value]
    return value


def asked(folder: Path, at_once: int) -> dict[str, float]:
    """Return the most that one recorded incident asked of AWS; ``at_once``: functions that it runs at the same time."""
    most: dict[str, float] = {}
    for path in sorted(folder.glob("*.json.gz")):
        calls: Counter[str] = Counter()
        for call in json.loads(gzip.decompress(path.read_bytes())):
            calls[call["action"]] += call["count"]
        calls["table_writes"] = round(_WRITE_UNITS * sum(calls[name] for name in _WRITES))
        calls["table_reads"] = round(_READ_UNITS * sum(calls[name] for name in _READS))
        # A state that calls a function stands beside one that decides where to go.
        calls["transitions"] = 2 * calls["lambda:InvokeFunction"]
        calls["invocations"] = calls["states:StartExecution"]
        for name, count in calls.items():
            most[name] = max(most.get(name, 0.0), float(count))
    most["kms:"] = most.get("table_writes", 0.0) + most.get("s3:PutObject", 0.0)
    return most | {"executions": 1.0, "concurrency": float(at_once)}


def needed() -> Need:
    """Return what the shipped configuration needs; synthesizes three templates."""
    from bench.bed import fresh
    from cli.costs.templates import synthesized, twin
    from sandbox.iam import log
    from stacks.deployment import Settings
    from stacks.used import most_at_once

    service = fresh.service()
    others = [replace(twin(service), service=f"{service.service}-{number}") for number in (2, 3)]
    templates = [synthesized([service, *others[:count]], Settings()) for count in range(3)]
    need = deployed(templates)
    # What is reserved is counted as deployed; an incident needs no more of it than that.
    found = asked(ROOT / "tests" / "records" / log.FOLDER, most_at_once([service]))
    return replace(need, incident={key: value for key, value in found.items() if key != "concurrency"})


def _run(repeats: int) -> Outcome:
    known, need = quotas(), needed()
    each = min(fits(quota, need, 0.0) for quota in known if quota.per == "deployment")
    lines = ["Services that fit, with AWS's defaults, at a share of the services with an incident at once:", "",
             f"  {'':44} {'per':10} {'now':>9} " + " ".join(f"{share:>7.0%}" for share in SHARES)]
    for quota in sorted(known, key=lambda one: fits(one, need, 1.0, None if one.per == "deployment" else each)):
        found = [fits(quota, need, share, None if quota.per == "deployment" else each) for share in SHARES]
        lines.append(f"  {quota.name:44} {quota.per:10} {need.of(quota.key, 1, 0.0):>9.0f} "
                     + " ".join(f"{'never' if count >= MOST else count:>7}" for count in found)
                     + ("" if quota.checked else "  (not checked)"))
    for share in SHARES:
        spread = layout(known, need, SERVICES, ACCOUNTS, share)
        lines.append(f"{SERVICES} services in {ACCOUNTS} accounts, {share:.0%} with an incident: "
                     f"{spread.services_a_deployment} a deployment, {spread.deployments_an_account} an account; too "
                     f"little: {', '.join(spread.over) or 'nothing'}")
    return Outcome(text="\n".join(lines), more={"need": {
        "fixed": dict(need.fixed), "service": dict(need.service), "incident": dict(need.incident)}})


BENCHMARK = Benchmark("at how many services each of AWS's quotas breaks", _run, 1)
