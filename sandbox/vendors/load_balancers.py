"""Elastic Load Balancing: load balancers, target groups and their tags, to be read alone.

Formats: "Elastic Load Balancing API Reference (2015-12-01)": DescribeLoadBalancers, DescribeTargetGroups, DescribeTags
(20 resources at most).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sandbox.account.balancers import Balanced, balancers
from sandbox.places import ACCOUNT, REGION
from sandbox.platform.state import World
from sandbox.vendors.gate import Answer
from sandbox.vendors.rds_wire import number
from sandbox.vendors.wire import Refused, form, listed, page, query_answer

_NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
_ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
_MOST_TAGGED = 20


class LoadBalancers:
    """The Query endpoint."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def answer(self, body: bytes) -> Answer:
        """Answer one action; raises Refused."""
        parameters = form(body)
        action = parameters.get("Action", "")
        known: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
            "DescribeLoadBalancers": self._balancers, "DescribeTargetGroups": self._groups, "DescribeTags": self._tags}
        if action not in known:
            raise Refused("InvalidAction", f"Could not find operation {action} for version 2015-12-01")
        return query_answer(action, _NAMESPACE, known[action](parameters))

    def _balancers(self, parameters: dict[str, str]) -> dict[str, Any]:
        part, marker = _paged([{
            "LoadBalancerArn": balancer_arn(one), "DNSName": _host(one), "CanonicalHostedZoneId": "Z35SXDOTRQ7X7K",
            "CreatedTime": "2024-03-05T09:12:44.118Z", "LoadBalancerName": one.name.split("/")[1], "Scheme": one.scheme,
            "VpcId": "vpc-0a1b2c3d4e5f60718", "State": {"Code": "active"}, "Type": "application",
            "IpAddressType": "ipv4"} for one in balancers(self._world().account)], parameters)
        return {"LoadBalancers": ("member", part), "NextMarker": marker}

    def _groups(self, parameters: dict[str, str]) -> dict[str, Any]:
        part, marker = _paged([{
            "TargetGroupArn": group_arn(one), "TargetGroupName": one.group.split("/")[1], "Protocol": "HTTP",
            "Port": 80, "VpcId": "vpc-0a1b2c3d4e5f60718", "HealthCheckEnabled": True, "TargetType": "ip",
            "LoadBalancerArns": ("member", [balancer_arn(one)])} for one in balancers(self._world().account)],
            parameters)
        return {"TargetGroups": ("member", part), "NextMarker": marker}

    def _tags(self, parameters: dict[str, str]) -> dict[str, Any]:
        wanted = listed(parameters, "ResourceArns.member")
        if not 0 < len(wanted) <= _MOST_TAGGED:
            raise Refused("ValidationError", f"The number of resources must be between 1 and {_MOST_TAGGED}")
        tags = {arn: found for one in balancers(self._world().account) for arn, found in (
            (balancer_arn(one), one.tags), (group_arn(one), one.group_tags))}
        for arn in wanted:
            if arn not in tags:
                raise Refused("LoadBalancerNotFound", f"Resource '{arn}' not found")
        return {"TagDescriptions": ("member", [{"ResourceArn": arn, "Tags": ("member", [
            {"Key": key, "Value": value} for key, value in tags[arn].items()])} for arn in wanted])}


def _paged(items: Sequence[dict[str, Any]], parameters: dict[str, str]) -> tuple[Sequence[dict[str, Any]], str | None]:
    try:
        return page(items, parameters.get("Marker"), number(parameters, "PageSize", 400, 1, 400))
    except ValueError as error:
        raise Refused("ValidationError", "The specified marker is invalid.") from error


def balancer_arn(one: Balanced) -> str:
    """The ARN of a load balancer."""
    return f"{_ARN}:loadbalancer/{one.name}"


def group_arn(one: Balanced) -> str:
    """The ARN of its target group."""
    return f"{_ARN}:{one.group}"


def _host(one: Balanced) -> str:
    name, identifier = one.name.split("/")[1:]
    before = "internal-" if one.scheme == "internal" else ""
    return f"{before}{name}-{int(identifier[:8], 16)}.{REGION}.elb.amazonaws.com"
