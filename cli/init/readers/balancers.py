"""ELBv2: load balancers, their target groups, and the tags that say whose they are.

Formats: "Elastic Load Balancing API Reference (2015-12-01)": DescribeLoadBalancers, DescribeTargetGroups, DescribeTags
(20 resources a call); AWS Load Balancer Controller's tags ``elbv2.k8s.aws/cluster``, ``ingress.k8s.aws/stack``
(``NAMESPACE/INGRESS``, or an IngressGroup's name), ``ingress.k8s.aws/resource`` (``NAMESPACE/INGRESS-SERVICE:PORT``)
and ``service.k8s.aws/stack`` (``NAMESPACE/SERVICE``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cli.init.facts import Balancer, Balancers, TargetGroup
from cli.init.readers import Asked, Known, Reader, pages

_TAGS_AT_ONCE = 20


def read(asked: Asked, known: Known) -> Balancers:
    """Return all load balancers of the account and Region with their target groups."""
    elb = known.session.client("elbv2")
    balancers = pages(elb, "describe_load_balancers", "LoadBalancers")
    groups: Sequence[Mapping[str, Any]] = known.tried(
        "target groups", lambda: pages(elb, "describe_target_groups", "TargetGroups"), [])
    arns = [*(one["LoadBalancerArn"] for one in balancers), *(one["TargetGroupArn"] for one in groups)]
    tags: Mapping[str, Mapping[str, str]] = known.tried("their tags", lambda: _tags(elb, arns), {})
    behind: dict[str, list[TargetGroup]] = {}
    for group in groups:
        for arn in group.get("LoadBalancerArns") or []:
            behind.setdefault(arn, []).append(
                TargetGroup(group["TargetGroupArn"], tags.get(group["TargetGroupArn"], {})))
    return Balancers(tuple(Balancer(
        arn=one["LoadBalancerArn"], kind=one.get("Type", ""), scheme=one.get("Scheme", ""),
        host=str(one.get("DNSName", "")).lower(), tags=tags.get(one["LoadBalancerArn"], {}),
        target_groups=tuple(behind.get(one["LoadBalancerArn"], ()))) for one in balancers))


def _tags(elb: Any, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for first in range(0, len(arns), _TAGS_AT_ONCE):
        answer = elb.describe_tags(ResourceArns=arns[first:first + _TAGS_AT_ONCE])
        for one in answer.get("TagDescriptions") or []:
            found[one["ResourceArn"]] = {tag["Key"]: tag.get("Value", "") for tag in one.get("Tags") or []}
    return found


READER = Reader(
    name="balancers", title="load balancers and target groups", part=Balancers, read=read,
    rights=("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTags"))
