"""A stand-in refuses what IAM refuses, in the words and the form of each of AWS's services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.iam import calls
from sandbox.iam.evaluate import Call, decide
from sandbox.vendors.aws import Aws
from tests.contract.test_aws_stand_ins import Account, Ports, ports, refused
from tests.stacks.test_iam import DB, anyone, document

__all__ = ["ports"]  # a fixture
CASES: dict[str, tuple[str, Callable[[Any], Any], tuple[str, int]]] = {
    "rds:DescribeEvents on *": ("rds", lambda rds: rds.describe_events(), ("AccessDenied", 403)),
    f"rds:RebootDBInstance on {DB}": (
        "rds", lambda rds: rds.reboot_db_instance(DBInstanceIdentifier="payments-db"), ("AccessDenied", 403)),
    "pi:DescribeDimensionKeys on arn:aws:pi:us-east-1:000000000000:metrics/rds/db-1": ("pi", lambda pi: (
        pi.describe_dimension_keys(ServiceType="RDS", Identifier="db-1", Metric="db.load.avg", StartTime=1, EndTime=2,
                                   GroupBy={"Group": "db.user"})), ("NotAuthorizedException", 400)),
    "health:DescribeEvents on *": ("health", lambda health: health.describe_events(), ("AccessDeniedException", 400)),
    "cloudtrail:LookupEvents on *": ("cloudtrail", lambda trail: trail.lookup_events(), ("AccessDeniedException", 400)),
    "eks:DescribeCluster on arn:aws:eks:us-east-1:000000000000:cluster/payments": (
        "eks", lambda eks: eks.describe_cluster(name="payments"), ("AccessDeniedException", 403)),
    "ec2:DescribeInstanceStatus on *": (
        "ec2", lambda ec2: ec2.describe_instance_status(), ("UnauthorizedOperation", 403)),
    "ec2:AuthorizeSecurityGroupIngress on arn:aws:ec2:us-east-1:000000000000:security-group/sg-1": (
        "ec2", lambda ec2: ec2.authorize_security_group_ingress(GroupId="sg-1", IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]),
        ("UnauthorizedOperation", 403)),
}


class Refusing(Account):
    """The stand-ins, with an IAM that a test gives."""

    def __init__(self, ports: Ports, permits: Callable[[str, Call], str]) -> None:
        super().__init__(ports)
        ports.asked = Aws(ports.engine_url, lambda: self.world, self.nodes, self.gates, 5.0, permits).answer


@pytest.mark.parametrize("asked", CASES)
def test_a_call_is_refused_in_its_service_s_own_form(ports: Ports, asked: str) -> None:
    seen = []

    def permits(access_key: str, call: Call) -> str:
        seen.append((access_key, f"{call.action} on {', '.join(call.resources)}"))
        return f"User: someone is not authorized to perform: {call.action}"

    service, call, answer = CASES[asked]
    client = Refusing(ports, permits).client(service)
    assert refused(lambda: call(client)) == answer
    assert seen == [("ASIASANDBOX000000001", asked)]


def test_a_reboot_is_stopped_by_a_permission_on_the_events_that_can_never_allow(ports: Ports) -> None:
    """The policy of ``restore_database`` as it was: AWS lets it describe the instance, and refuses the events."""
    role = anyone(document({"Action": ["rds:DescribeDBInstances", "rds:DescribeEvents", "rds:RebootDBInstance"],
                            "Resource": DB}))
    rds = Refusing(ports, lambda key, call: "" if decide(role, call).allowed else "not authorized").client("rds")
    assert rds.describe_db_instances(DBInstanceIdentifier="payments-db")["DBInstances"]
    assert refused(rds.describe_events, SourceIdentifier="payments-db", SourceType="db-instance")[0] == "AccessDenied"
    rds.reboot_db_instance(DBInstanceIdentifier="payments-db")


def test_a_call_whose_resources_are_not_known_is_no_call_on_any() -> None:
    with pytest.raises(calls.UnknownCall):
        calls.of("rds", "StopEverything", {})
    with pytest.raises(calls.UnknownCall):
        calls.of("polly", "SynthesizeSpeech", {})
