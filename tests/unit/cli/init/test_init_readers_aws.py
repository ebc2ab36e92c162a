"""The readers of AWS; botocore checks each answer here against the API's own model ("Stubber Reference")."""

from __future__ import annotations

from datetime import UTC, datetime

from cli.init.facts import CacheNode
from cli.init.readers import Asked, read_all
from cli.init.readers import alarms as alarms_reader
from cli.init.readers import balancers as balancers_reader
from cli.init.readers import caches as caches_reader
from cli.init.readers import control_plane as plane_reader
from cli.init.readers import databases as databases_reader
from cli.init.readers import metrics as metrics_reader
from cli.init.readers import secrets as secrets_reader
from tests.unit.cli.init.stubs import ASKED, Session, known, workload

LB = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188"
TG = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/k8s-shop/6d0ecf831eec9f09"


def test_balancers_with_target_groups_and_tags_twenty_at_a_time() -> None:
    groups = [{"TargetGroupArn": f"{TG}{number}", "LoadBalancerArns": [LB]} for number in range(20)]
    tags = [{"ResourceArn": f"{TG}0", "Tags": [{"Key": "elbv2.k8s.aws/cluster", "Value": "payments"}]}]
    given = known({"elbv2": [
        ("describe_load_balancers", {"LoadBalancers": [
            {"LoadBalancerArn": LB, "Type": "application", "Scheme": "internet-facing", "DNSName": "Shop.example"}]}),
        ("describe_target_groups", {"TargetGroups": groups}),
        ("describe_tags", {"TagDescriptions": tags}), ("describe_tags", {"TagDescriptions": []})]})
    found = balancers_reader.read(ASKED, given).found
    assert found[0].dimension == "app/shop/50dc6c495c0c9188"
    assert found[0].target_groups[0].dimension == "targetgroup/k8s-shop/6d0ecf831eec9f090"
    assert found[0].target_groups[0].tags == {"elbv2.k8s.aws/cluster": "payments"}
    assert not given.troubles


def test_tags_that_may_not_be_read_leave_the_balancers() -> None:
    given = known({"elbv2": [
        ("describe_load_balancers", {"LoadBalancers": [{"LoadBalancerArn": LB}]}),
        ("describe_target_groups", {"TargetGroups": []}), ("describe_tags", "AccessDenied")]})
    assert len(balancers_reader.read(ASKED, given).found) == 1
    assert given.troubles == ["their tags: DescribeTags is not allowed (AccessDenied)"]


def test_alarms_of_all_pages_with_the_dimensions_of_metric_math() -> None:
    given = known({"cloudwatch": [
        ("describe_alarms", {"NextToken": "more", "MetricAlarms": [
            {"AlarmName": "5xx", "Namespace": "AWS/ApplicationELB", "MetricName": "HTTPCode_Target_5XX_Count",
             "Dimensions": [{"Name": "LoadBalancer", "Value": "app/shop/1"}]}]}),
        ("describe_alarms", {"MetricAlarms": [{"AlarmName": "rate", "Metrics": [
            {"Id": "m", "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {
                "Namespace": "Shop", "MetricName": "Errors", "Dimensions": [{"Name": "Component", "Value": "api"}]}}},
            {"Id": "e", "Expression": "m / 2"}]}]})]})
    found = alarms_reader.read(ASKED, given).found
    assert [(one.name, one.metric, one.dimensions) for one in found] == [
        ("5xx", "HTTPCode_Target_5XX_Count", (("LoadBalancer", "app/shop/1"),)),
        ("rate", "Errors", (("Component", "api"),))]


def test_metrics_by_one_dimension_and_their_resolution() -> None:
    def metric(namespace: str, name: str, *dimensions: tuple[str, str]) -> dict[str, object]:
        return {"Namespace": namespace, "MetricName": name,
                "Dimensions": [{"Name": one, "Value": value} for one, value in dimensions]}

    given = known({"cloudwatch": [
        ("list_metrics", {"Metrics": [
            metric("Shop", "Requests", ("Component", "api")), metric("Shop", "Errors", ("Component", "api")),
            metric("Shop", "Requests", ("Component", "api"), ("Operation", "pay")),
            metric("AWS/RDS", "CPUUtilization", ("DBInstanceIdentifier", "api")),
            metric("Others", "Requests", ("Service", "orders"))]}),
        ("get_metric_data", {"MetricDataResults": [
            {"Id": "m0", "Timestamps": [datetime(2026, 11, 26, tzinfo=UTC)], "Values": [3.0]}]})],
        "synthetics": [("describe_canaries", {"Canaries": [{"Name": "api-checkout"}]})]}, [workload("api")])
    found = metrics_reader.read(ASKED, given)
    assert [(one.namespace, one.dimension, one.names, one.values) for one in found.sets] == [
        ("Shop", "Component", ("Errors", "Requests"), ("api",))]
    assert (found.fine, found.canaries) == (("Shop",), ("api-checkout",))


def test_databases_with_endpoints_in_lower_case_and_managed_secrets() -> None:
    given = known({"rds": [
        ("describe_db_instances", {"DBInstances": [{
            "DBInstanceIdentifier": "pay-1", "DBClusterIdentifier": "pay", "Engine": "aurora-postgresql",
            "Endpoint": {"Address": "Pay-1.abc.eu-west-1.rds.amazonaws.com", "Port": 5432},
            "DBParameterGroups": [{"DBParameterGroupName": "default.aurora-postgresql16"}],
            "PerformanceInsightsEnabled": True, "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}]}]}),
        ("describe_db_clusters", {"DBClusters": [{
            "DBClusterIdentifier": "pay", "Endpoint": "pay.cluster-abc.eu-west-1.rds.amazonaws.com",
            "ReaderEndpoint": "pay.cluster-ro-abc.eu-west-1.rds.amazonaws.com", "DBClusterParameterGroup": "pay16",
            "DBClusterMembers": [{"DBInstanceIdentifier": "pay-2", "IsClusterWriter": False},
                                 {"DBInstanceIdentifier": "pay-1", "IsClusterWriter": True}],
            "MasterUserSecret": {
                "SecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-1-AbCdEf"}}]}),
        ("describe_db_proxies", "AccessDenied")]})
    found = databases_reader.read(ASKED, given)
    assert found.instances[0].host == "pay-1.abc.eu-west-1.rds.amazonaws.com"
    assert found.clusters[0].members == ("pay-1", "pay-2")
    assert found.clusters[0].secret == "rds!cluster-1"
    assert given.troubles == ["RDS Proxies: DescribeDBProxies is not allowed (AccessDenied)"]


def test_caches_are_asked_only_where_a_workload_names_one() -> None:
    assert caches_reader.read(ASKED, known(workloads=[workload("api")])).nodes == ()
    host = "tokens.abc.ng.0001.euw1.cache.amazonaws.com"
    given = known({"elasticache": [
        ("describe_replication_groups", {"ReplicationGroups": [{"ReplicationGroupId": "tokens", "NodeGroups": [
            {"PrimaryEndpoint": {"Address": host, "Port": 6379}}]}]}),
        ("describe_cache_clusters", {"CacheClusters": [
            {"CacheClusterId": "tokens-001", "ReplicationGroupId": "tokens"}]})]},
        [workload("api", calls={"CACHE_HOST": host})])
    assert caches_reader.read(ASKED, given).nodes == (CacheNode("tokens-001", "tokens", (host,)),)


def test_secrets_by_name_alone() -> None:
    given = known({"secretsmanager": [
        ("list_secrets", {"SecretList": [{"Name": "b"}], "NextToken": "more"}),
        ("list_secrets", {"SecretList": [{"Name": "a"}]})]})
    assert secrets_reader.read(ASKED, given).names == ("a", "b")


def test_auto_mode_and_node_groups() -> None:
    given = known({"eks": [
        ("describe_cluster", {"cluster": {"name": "payments", "computeConfig": {"enabled": True},
                                          "resourcesVpcConfig": {"clusterSecurityGroupId": "sg-9"}}}),
        ("list_nodegroups", {"nodegroups": ["a"]})]})
    found = plane_reader.read(ASKED, given)
    assert (found.auto_mode, found.security_groups, found.node_groups) == (True, ("sg-9",), ("a",))


def test_each_reader_that_fails_is_said_and_the_others_go_on() -> None:
    session = Session({
        "eks": [("describe_cluster", "ResourceNotFoundException")],
        "secretsmanager": [("list_secrets", {"SecretList": [{"Name": "a"}]})],
        "rds": [("describe_db_instances", "AccessDenied")], "elbv2": [("describe_load_balancers", "Throttling")],
        "cloudwatch": [("describe_alarms", {"MetricAlarms": []})]})
    _, outcomes = read_all(Asked("pay", "payments", "payments", context="there-is-none"), session)
    by_name = {one.reader: one for one in outcomes}
    assert "--context there-is-none" in by_name["cluster"].troubles[0]
    assert by_name["databases"].troubles == ("DescribeDBInstances is not allowed (AccessDenied)",)
    assert not by_name["balancers"].read
    assert by_name["secrets"].read
    assert by_name["newrelic"].troubles == ("it was not asked: name the account with --newrelic-account",)
