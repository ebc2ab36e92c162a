"""Rules of security groups that were taken away are put back as they were, once, and nothing else is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from responder.actions import ActionFailed, Case
from responder.actions import restore_security_group as remedy
from responder.clients import aws
from responder.model.service import Service

pytestmark = pytest.mark.usefixtures("changes_pass")

POSTGRES = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432,
            "IpRanges": [{"CidrIp": "10.0.0.0/16"}, {"CidrIp": "10.1.0.0/16"}]}


class Place:
    """A security group that has one rule, and may lose it."""

    def __init__(self, service: Service) -> None:
        self.ec2: Any = boto3.client("ec2", region_name="us-east-1")
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.group = self.ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[{
            **POSTGRES, "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}])
        self.service = replace(service, aws=replace(service.aws, security_groups=(self.group,)))

    def case(self, **rule: Any) -> Case:
        return Case(self.service, "i", 1, "network", "path_below", "payment-gateway", None, {"revoked": [{
            "name": "RevokeSecurityGroupIngress", "group": self.group, "direction": "ingress",
            "permissions": [POSTGRES], **rule}]}, time.monotonic() + 5)

    def rules(self, name: str = "IpPermissions") -> set[tuple[Any, str]]:
        group = self.ec2.describe_security_groups(GroupIds=[self.group])["SecurityGroups"][0]
        return {(permission.get("FromPort"), item["CidrIp"]) for permission in group[name]
                for item in permission["IpRanges"]}


SSH, FIRST, SECOND = (22, "10.0.0.0/16"), (5432, "10.0.0.0/16"), (5432, "10.1.0.0/16")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Place]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    aws.client.cache_clear()
    with mock_aws():
        yield Place(service)
    aws.client.cache_clear()


def test_what_was_taken_is_put_back_once_and_taken_again_without_the_rest(place: Place) -> None:
    plan = remedy.plan(place.case())
    assert not plan.refusal
    assert plan.diff.text.splitlines()[1:] == ["+ tcp 5432 from 10.0.0.0/16", "+ tcp 5432 from 10.1.0.0/16"]
    assert place.rules() == {SSH}
    remedy.apply(place.case(), plan)
    assert place.rules() == {SSH, FIRST, SECOND}
    assert "done before" in remedy.apply(place.case(), plan)
    remedy.revert(place.case(), plan)
    assert place.rules() == {SSH}
    remedy.revert(place.case(), plan)
    assert place.rules() == {SSH}


def test_only_what_is_missing_is_put_back_and_later_taken_away(place: Place) -> None:
    place.ec2.authorize_security_group_ingress(GroupId=place.group, IpPermissions=[
        {**POSTGRES, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}])
    plan = remedy.plan(place.case())
    assert "10.1.0.0/16" not in plan.diff.text
    remedy.apply(place.case(), plan)
    assert place.rules() == {SSH, FIRST, SECOND}
    remedy.revert(place.case(), plan)
    assert place.rules() == {SSH, SECOND}


def test_a_step_that_died_half_way_goes_on(place: Place) -> None:
    plan = remedy.plan(place.case())
    place.ec2.authorize_security_group_ingress(GroupId=place.group, IpPermissions=[
        {**POSTGRES, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}])
    remedy.apply(place.case(), plan)
    assert place.rules() == {SSH, FIRST, SECOND}


def test_what_goes_out_is_put_back_as_well(place: Place) -> None:
    case = place.case(name="RevokeSecurityGroupEgress", direction="egress")
    remedy.apply(case, remedy.plan(case))
    assert {FIRST, SECOND} <= place.rules("IpPermissionsEgress")
    assert place.rules() == {SSH}


def test_it_is_refused_where_nothing_is_missing_or_the_group_is_not_named(place: Place) -> None:
    place.ec2.authorize_security_group_ingress(GroupId=place.group, IpPermissions=[POSTGRES])
    assert "there again" in remedy.plan(place.case()).refusal
    assert "may be changed" in remedy.plan(place.case(group="sg-0123456789abcdef0")).refusal
    assert "may be changed" in remedy.plan(replace(place.case(), facts={})).refusal


def test_a_group_that_is_gone_is_no_reason_to_try_again(place: Place) -> None:
    gone = "sg-0123456789abcdef0"
    case = place.case(group=gone)
    case = replace(case, service=replace(case.service, aws=replace(case.service.aws, security_groups=(gone,))))
    with pytest.raises(ActionFailed, match="EC2 refused"):
        remedy.plan(case)


def test_its_role_reaches_the_named_groups_alone(service: Service) -> None:
    named = replace(service, aws=replace(service.aws, security_groups=("sg-1", "sg-2")))
    changing = [statement for statement in remedy.ACTION.statements(named)
                if any("Authorize" in action for action in statement.actions)]
    assert [resource.rpartition("/")[2] for statement in changing for resource in statement.resources] == [
        "sg-1", "sg-2"]
    assert remedy.ACTION.statements(replace(service, aws=replace(service.aws, security_groups=()))) == ()
