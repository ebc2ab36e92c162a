"""Rules of security groups that were taken away are put back as they were, once, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from responder.actions import ActionFailed, AnyPlan, RemediationContext
from responder.actions import restore_security_group as remedy
from responder.clients import aws
from responder.model.service import Service
from responder.plan.remedies.restore_security_group import Facts
from responder.plan.security_rules import Permission, RuleChange, Target
from tests.remedies import asked, planned, refusal

pytestmark = pytest.mark.usefixtures("changes_pass")

POSTGRES = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432,
            "IpRanges": [{"CidrIp": "10.0.0.0/16"}, {"CidrIp": "10.1.0.0/16"}]}


REVOKED = Permission("tcp", 5432, 5432, (Target("IpRanges", "10.0.0.0/16"), Target("IpRanges", "10.1.0.0/16")))


class Place:
    """A security group that has one rule, and may lose it."""

    def __init__(self, service: Service) -> None:
        self.ec2: Any = boto3.client("ec2", region_name="us-east-1")
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.group = self.ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[{
            **POSTGRES, "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}])
        self.service = replace(service, aws=replace(service.aws, security_groups=(self.group,)))

    @property
    def case(self) -> RemediationContext:
        return asked(self.service, "path_below")

    def revoked(self, **rule: Any) -> Facts:
        return Facts((replace(RuleChange("RevokeSecurityGroupIngress", self.group, (REVOKED,)), **rule),))

    def plan(self, **rule: Any) -> AnyPlan:
        return planned(remedy.plan(self.case, self.revoked(**rule)))

    def rules(self, name: str = "IpPermissions") -> set[tuple[Any, str]]:
        group = self.ec2.describe_security_groups(GroupIds=[self.group])["SecurityGroups"][0]
        return {(permission.get("FromPort"), item["CidrIp"]) for permission in group[name]
                for item in permission["IpRanges"]}


SSH, FIRST, SECOND = (22, "10.0.0.0/16"), (5432, "10.0.0.0/16"), (5432, "10.1.0.0/16")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Place]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    aws.made.cache_clear()
    with mock_aws():
        yield Place(service)
    aws.made.cache_clear()


def test_a_removed_rule_is_restored_once_and_rolled_back_without_the_other_rules(place: Place) -> None:
    plan = place.plan()
    assert plan.diff.text.splitlines()[1:] == ["+ tcp 5432 from 10.0.0.0/16", "+ tcp 5432 from 10.1.0.0/16"]
    assert place.rules() == {SSH}
    remedy.apply(place.case, plan)
    assert place.rules() == {SSH, FIRST, SECOND}
    assert "done before" in remedy.apply(place.case, plan)
    remedy.revert(place.case, plan)
    assert place.rules() == {SSH}
    remedy.revert(place.case, plan)
    assert place.rules() == {SSH}


def test_only_missing_rules_are_restored_and_later_rolled_back(place: Place) -> None:
    place.ec2.authorize_security_group_ingress(GroupId=place.group, IpPermissions=[
        {**POSTGRES, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}])
    plan = place.plan()
    assert "10.1.0.0/16" not in plan.diff.text
    remedy.apply(place.case, plan)
    assert place.rules() == {SSH, FIRST, SECOND}
    remedy.revert(place.case, plan)
    assert place.rules() == {SSH, SECOND}


def test_a_step_that_died_half_way_goes_on(place: Place) -> None:
    plan = place.plan()
    place.ec2.authorize_security_group_ingress(GroupId=place.group, IpPermissions=[
        {**POSTGRES, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}])
    remedy.apply(place.case, plan)
    assert place.rules() == {SSH, FIRST, SECOND}


def test_an_egress_rule_is_restored_as_well(place: Place) -> None:
    remedy.apply(place.case, place.plan(name="RevokeSecurityGroupEgress"))
    assert {FIRST, SECOND} <= place.rules("IpPermissionsEgress")
    assert place.rules() == {SSH}


def test_it_is_refused_where_nothing_is_missing_or_the_group_is_not_named(place: Place) -> None:
    place.ec2.authorize_security_group_ingress(GroupId=place.group, IpPermissions=[POSTGRES])
    assert "there again" in refusal(remedy.plan(place.case, place.revoked()))
    assert "may be changed" in refusal(remedy.plan(place.case, place.revoked(group="sg-0123456789abcdef0")))
    assert "may be changed" in refusal(remedy.plan(place.case, Facts()))


def test_a_group_that_is_gone_is_no_reason_to_try_again(place: Place) -> None:
    gone = "sg-0123456789abcdef0"
    place.service = replace(place.service, aws=replace(place.service.aws, security_groups=(gone,)))
    with pytest.raises(ActionFailed, match="EC2 refused"):
        remedy.plan(place.case, place.revoked(group=gone))


def test_its_role_reaches_the_named_groups_alone(service: Service) -> None:
    named = replace(service, aws=replace(service.aws, security_groups=("sg-1", "sg-2")))
    changing = [statement for statement in remedy.ACTION.statements(named)
                if any("Authorize" in action for action in statement.actions)]
    assert [resource.rpartition("/")[2] for statement in changing for resource in statement.resources] == [
        "sg-1", "sg-2"]
    assert remedy.ACTION.statements(replace(service, aws=replace(service.aws, security_groups=()))) == ()
