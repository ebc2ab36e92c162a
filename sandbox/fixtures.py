"""What a team has before it deploys the responder: a cluster, a database, the vendors' keys."""

from __future__ import annotations

import json

import boto3

from sandbox.admin import Engine
from sandbox.control_plane import run as control_plane
from sandbox.places import CLUSTER, DATABASE, STATE, Ports
from sandbox.vendors import deployments, launchdarkly, newrelic, people, splunk


def create(ports: Ports) -> None:
    """Create all of it in an engine that has nothing yet."""
    secrets = boto3.client("secretsmanager")
    for name, value in (("incident-response/newrelic", newrelic.KEY), ("incident-response/splunk", splunk.TOKEN),
                        ("incident-response/pagerduty", people.ROUTING_KEY),
                        ("incident-response/pagerduty-api", people.API_KEY),
                        ("incident-response/slack", people.BOT_TOKEN),
                        ("incident-response/slack-signing", people.SIGNING_SECRET),
                        ("incident-response/statuspage", people.PAGE_KEY),
                        ("incident-response/launchdarkly", launchdarkly.TOKEN),
                        ("incident-response/github-read", deployments.TOKEN)):
        secrets.create_secret(Name=name, SecretString=value)
    boto3.client("iam").create_role(RoleName="eks", AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"},
                                                "Action": "sts:AssumeRole"}]}))
    boto3.client("eks").create_cluster(
        name=CLUSTER, roleArn="arn:aws:iam::000000000000:role/eks", resourcesVpcConfig={"subnetIds": ["subnet-1"]})
    name_cluster(ports)
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier=DATABASE, DBInstanceClass="db.r6g.large", Engine="postgres", MultiAZ=True,
        AllocatedStorage=100, MasterUsername="payments", MasterUserPassword="first-password")


def name_cluster(ports: Ports) -> None:
    """Let EKS name the control plane that runs here."""
    Engine(ports.engine_admin).name_cluster(CLUSTER, f"https://127.0.0.1:{ports.kubernetes}",
                                            control_plane.authority(STATE / "control-plane"))
