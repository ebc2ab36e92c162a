"""The functions' access to Kubernetes clusters: EKS access entries, one per function's role.

An entry only names groups; a group's rights are in ``kubernetes/rbac.yaml`` (verbs) and
``kubernetes/admission.yaml`` (fields), which the cluster's owner applies.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_eks as eks
from constructs import Construct

from responder.model.service import Service
from responder.sources.kubernetes import READERS
from stacks.memory import Memory
from stacks.workflow import Workflow, access_groups


class ClusterAccess(Construct):
    """Access entries for the functions that speak to Kubernetes."""

    def __init__(self, scope: Construct, construct_id: str, *, services: Sequence[Service],
                 workflow: Workflow, memory: Memory) -> None:
        super().__init__(scope, construct_id)
        for cluster in sorted({service.cluster.name for service in services}):
            eks.CfnAccessEntry(self, f"{cluster}-ledger", cluster_name=cluster, type="STANDARD",
                               principal_arn=memory.ledger.role.role_arn, kubernetes_groups=[READERS])
        for cluster, kind, name, group in access_groups(services):
            function = (workflow.sources if kind == "source" else workflow.actions)[name]
            eks.CfnAccessEntry(self, f"{cluster}-{kind}-{name}", cluster_name=cluster, type="STANDARD",
                               principal_arn=function.role.role_arn, kubernetes_groups=[group])
