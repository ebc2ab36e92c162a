"""The functions' access to Kubernetes clusters: EKS access entries, one per function's role.

An entry only names groups; a group's rights are in ``kubernetes/rbac.yaml`` (verbs) and
``kubernetes/admission.yaml`` (fields), which ``stacks/rbac.py`` renders and the cluster's owner applies. The entries of
clusters that are elsewhere are in ``stacks/member.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_eks as eks
from constructs import Construct

from responder.model.service import Service
from responder.sources.kubernetes import READERS
from stacks.cluster_groups import access_groups
from stacks.deployment import Settings
from stacks.elsewhere import is_elsewhere
from stacks.memory import Memory
from stacks.network import ledger_units
from stacks.rbac import group_of
from stacks.workflow import Workflow


class ClusterAccess(Construct):
    """Access entries for the functions that speak to Kubernetes."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 workflow: Workflow, memory: Memory) -> None:
        super().__init__(scope, construct_id)
        for cluster, key in sorted({(service.cluster.name, unit.key) for unit in ledger_units(services)
                                    for service in unit.services if not is_elsewhere(service)}):
            eks.CfnAccessEntry(self, f"{cluster}-{key}", cluster_name=cluster, type="STANDARD",
                               principal_arn=memory.ledgers[key].role.role_arn,
                               kubernetes_groups=[group_of(settings, READERS)])
        for cluster, kind, name, group in access_groups(services):
            function = (workflow.sources if kind == "source" else workflow.actions)[name]
            eks.CfnAccessEntry(self, f"{cluster}-{kind}-{name}", cluster_name=cluster, type="STANDARD",
                               principal_arn=function.role.role_arn, kubernetes_groups=[group_of(settings, group)])
