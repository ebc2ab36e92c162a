"""Whether the EventBridge rules are enabled, have their targets, and take the events of every alarm that starts.

Source: the EventBridge API Reference's pages "DescribeRule" and "ListTargetsByRule".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.account import Account, is_missing
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings, side_by_side
from stacks.alarm_names import alarm_names
from stacks.elsewhere import is_elsewhere

_ALARMS = "CloudWatch Alarm State Change"


def _look(here: Surroundings) -> Iterable[Check]:
    names = [resource.physical.rpartition("|")[2] for resource in here.account.stack.of("AWS::Events::Rule")]
    here.account.client("events")
    patterns: list[Mapping[str, Any]] = []
    yield from side_by_side({f"rule {name}": partial(_rule, here.account, name, patterns) for name in names})
    live = {name for pattern in patterns for name in _alarms(pattern)}
    yield from here.of_each(lambda service: [starts(
        alarm_names(here.settings.prefix, service),
        handed_over(here.place(service)) if is_elsewhere(service) else live)])


def handed_over(account: Account) -> set[str]:
    """Return the names of the alarms that rules of a service's account hand to another event bus."""
    client, found = account.client("events"), set[str]()
    with account.asking("events"):
        for page in client.get_paginator("list_rules").paginate():
            for rule in page["Rules"]:
                pattern = json.loads(rule.get("EventPattern") or "{}")
                if rule.get("State") != "DISABLED" and _ALARMS in pattern.get("detail-type", []) and any(
                        ":event-bus/" in target["Arn"]
                        for target in client.list_targets_by_rule(Rule=rule["Name"])["Targets"]):
                    found |= _alarms(pattern)
    return found


def _alarms(pattern: Mapping[str, Any]) -> set[str]:
    if _ALARMS not in pattern.get("detail-type", []):
        return set()
    return {name for name in pattern.get("detail", {}).get("alarmName", []) if isinstance(name, str)}


def _rule(account: Account, name: str, patterns: list[Mapping[str, Any]]) -> Iterator[Check]:
    client = account.client("events")
    with account.asking("events"):
        try:
            rule = client.describe_rule(Name=name)
        except ClientError as error:
            if not is_missing(error):
                raise
            yield broken(f"rule {name}", "it is gone, although the stack has it", "deploy again: make deploy")
            return
        targets = client.list_targets_by_rule(Rule=name)["Targets"]
    check = judged(rule, targets)
    if check.verdict == "well" and rule.get("EventPattern"):
        patterns.append(json.loads(rule["EventPattern"]))
    yield check


def judged(rule: Mapping[str, Any], targets: Sequence[Mapping[str, Any]]) -> Check:
    """Judge one rule and its targets."""
    name, what = str(rule["Name"]), str(rule.get("Description") or rule.get("ScheduleExpression") or "no description")
    subject = f"rule {name}"
    if rule.get("State") == "DISABLED":
        return broken(subject, f"it is disabled ({what})", f"aws events enable-rule --name {name}")
    if not targets:
        return broken(subject, f"it has no target ({what})", "deploy again: make deploy")
    return well(subject, f"enabled: {what}")


def starts(wanted: Sequence[str], live: Iterable[str]) -> Check:
    """Judge whether an enabled rule with a target takes every alarm that is to start the responder."""
    missing = sorted(set(wanted) - set(live))
    if missing:
        return broken("alarms start the responder", f"no rule that works takes {', '.join(missing)}: an outage would "
                      "start nothing", "enable the rule, or deploy again: make deploy")
    return well("alarms start the responder", f"rules take {', '.join(wanted)}")


PROBE = Probe("rules", "EventBridge rules and their targets", _look,
              ("events:DescribeRule", "events:ListTargetsByRule", "events:ListRules"))
