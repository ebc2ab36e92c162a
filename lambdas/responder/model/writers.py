"""Who writes in Kubernetes under which name: people, pipelines, GitOps tools and controllers, as a table.

A field manager is a name that a client gives itself, by default the first part of its user agent (Kubernetes:
"Server-Side Apply", "Field management"). So the name says which program it was and not which person, and anybody may
write under it. Sources of the names: the tools' own documentation and objects that their users have published;
``tests/corpus/field_managers.tsv`` has one line for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from fnmatch import fnmatchcase

from responder.model.change import Change
from responder.model.codec import Json
from responder.model.frozen import dataclass


class Role(StrEnum):
    """What a write under a name means."""

    PERSON = "person"
    """Somebody at a keyboard, or a script of theirs."""
    PIPELINE = "pipeline"
    """A deployment that runs once: what is changed by hand afterwards stays changed."""
    GITOPS = "gitops"
    """A deployment from a repository, which is compared with the cluster all the time: it puts back what others change.
    """
    CONTROLLER = "controller"
    """It regulates by what it measures: an autoscaler, a mesh, Kubernetes itself. Nobody decided on the change."""
    OPERATOR = "operator"
    """It brings about what an object of its own says, where the change was made; it puts back what others change."""
    UNKNOWN = "unknown"
    """A program that the table does not have; its change counts like a person's."""


@dataclass(frozen=True)
class Writer:
    """Who writes under a name."""

    role: Role
    what: str
    """As people call it."""


_TABLE: tuple[tuple[str, Role, str], ...] = (
    # People, by the command that they used.
    ("kubectl*", Role.PERSON, "kubectl"),
    ("oc", Role.PERSON, "oc"),
    ("k9s*", Role.PERSON, "k9s"),
    ("Mozilla", Role.PERSON, "a browser"),
    ("node-fetch", Role.PERSON, "Lens"),
    ("dashboard*", Role.PERSON, "the Kubernetes dashboard"),
    ("headlamp*", Role.PERSON, "Headlamp"),
    ("rancher*", Role.PERSON, "Rancher"),
    ("argocd-server", Role.PERSON, "Argo CD's page"),
    ("curl", Role.PERSON, "curl"),
    ("Go-http-client", Role.UNKNOWN, "a program"),
    ("OpenAPI-Generator", Role.UNKNOWN, "a program"),
    ("python-requests", Role.UNKNOWN, "a program"),
    ("unknown", Role.UNKNOWN, "a program"),
    ("before-first-apply", Role.UNKNOWN, "a program"),
    # Deployments that run once.
    ("helm", Role.PIPELINE, "Helm"),
    ("Helm", Role.PIPELINE, "Helm"),
    ("terraform-provider-*", Role.PIPELINE, "Terraform"),
    ("Terraform", Role.PIPELINE, "Terraform"),
    ("HashiCorp", Role.PIPELINE, "Terraform"),
    ("pulumi*", Role.PIPELINE, "Pulumi"),
    ("ansible*", Role.PIPELINE, "Ansible"),
    ("skaffold*", Role.PIPELINE, "Skaffold"),
    ("kapp", Role.PIPELINE, "kapp"),
    ("spinnaker*", Role.PIPELINE, "Spinnaker"),
    ("harness*", Role.PIPELINE, "Harness"),
    ("octopus*", Role.PIPELINE, "Octopus Deploy"),
    ("werf", Role.PIPELINE, "werf"),
    # GitOps tools.
    ("argocd*", Role.GITOPS, "Argo CD"),
    ("gitops-engine*", Role.GITOPS, "Argo CD"),
    ("kustomize-controller", Role.GITOPS, "Flux"),
    ("helm-controller", Role.GITOPS, "Flux"),
    ("source-controller", Role.GITOPS, "Flux"),
    ("flux*", Role.GITOPS, "Flux"),
    ("fleet*", Role.GITOPS, "Fleet"),
    ("configsync*", Role.GITOPS, "Config Sync"),
    ("kapp-controller", Role.GITOPS, "kapp-controller"),
    # Kubernetes itself and the cloud's part of it. The HorizontalPodAutoscaler is a controller of the first.
    ("kube-controller-manager", Role.CONTROLLER, "Kubernetes"),
    ("horizontal-pod-autoscaler", Role.CONTROLLER, "the HorizontalPodAutoscaler"),
    ("hyperkube", Role.CONTROLLER, "Kubernetes"),
    ("kube-scheduler", Role.CONTROLLER, "Kubernetes"),
    ("kube-apiserver", Role.CONTROLLER, "Kubernetes"),
    ("kubelet", Role.CONTROLLER, "the kubelet"),
    ("kubeadm", Role.CONTROLLER, "kubeadm"),
    ("cloud-controller-manager", Role.CONTROLLER, "the cloud's controller"),
    ("aws-cloud-controller-manager", Role.CONTROLLER, "the cloud's controller"),
    ("eks*", Role.CONTROLLER, "EKS"),
    ("vpc-resource-controller", Role.CONTROLLER, "EKS"),
    ("aws-k8s-agent", Role.CONTROLLER, "the VPC CNI"),
    ("node-problem-detector", Role.CONTROLLER, "the node problem detector"),
    ("aws-node-termination-handler", Role.CONTROLLER, "the node termination handler"),
    ("node-termination-handler", Role.CONTROLLER, "the node termination handler"),
    ("kured", Role.CONTROLLER, "kured"),
    ("descheduler", Role.CONTROLLER, "the descheduler"),
    # Autoscalers of pods and of nodes.
    ("keda*", Role.CONTROLLER, "KEDA"),
    ("vpa-*", Role.CONTROLLER, "the VerticalPodAutoscaler"),
    ("recommender", Role.CONTROLLER, "the VerticalPodAutoscaler"),
    ("updater", Role.CONTROLLER, "the VerticalPodAutoscaler"),
    ("admission-controller", Role.CONTROLLER, "the VerticalPodAutoscaler"),
    ("goldilocks", Role.CONTROLLER, "Goldilocks"),
    ("datadog-cluster-agent", Role.CONTROLLER, "Datadog's autoscaler"),
    ("cluster-proportional-autoscaler", Role.CONTROLLER, "the proportional autoscaler"),
    ("addon-resizer", Role.CONTROLLER, "the add-on resizer"),
    ("pod_nanny", Role.CONTROLLER, "the add-on resizer"),
    ("karpenter*", Role.CONTROLLER, "Karpenter"),
    ("cluster-autoscaler", Role.CONTROLLER, "the Cluster Autoscaler"),
    # Networks, meshes, certificates, policies.
    ("cilium*", Role.CONTROLLER, "Cilium"),
    ("calico*", Role.CONTROLLER, "Calico"),
    ("tigera-operator", Role.CONTROLLER, "Calico"),
    ("pilot-discovery", Role.CONTROLLER, "Istio"),
    ("istio*", Role.CONTROLLER, "Istio"),
    ("linkerd*", Role.CONTROLLER, "Linkerd"),
    ("consul-k8s*", Role.CONTROLLER, "Consul"),
    ("appmesh-controller", Role.CONTROLLER, "App Mesh"),
    ("cert-manager*", Role.CONTROLLER, "cert-manager"),
    ("trust-manager", Role.CONTROLLER, "trust-manager"),
    ("cainjector", Role.CONTROLLER, "cert-manager"),
    ("aws-load-balancer-controller", Role.CONTROLLER, "the AWS Load Balancer Controller"),
    ("nginx-ingress-controller", Role.CONTROLLER, "ingress-nginx"),
    ("external-dns", Role.CONTROLLER, "ExternalDNS"),
    ("kyverno*", Role.CONTROLLER, "Kyverno"),
    ("gatekeeper*", Role.CONTROLLER, "Gatekeeper"),
    ("reloader*", Role.CONTROLLER, "Reloader"),
    # Progressive delivery: they carry out an update that somebody else wrote.
    ("rollouts-controller", Role.CONTROLLER, "Argo Rollouts"),
    ("argo-rollouts*", Role.CONTROLLER, "Argo Rollouts"),
    ("flagger*", Role.CONTROLLER, "Flagger"),
    # What an object of their own says. The names are the usual ones of such programs.
    ("external-secrets*", Role.OPERATOR, "External Secrets"),
    ("strimzi*", Role.OPERATOR, "Strimzi"),
    ("prometheus-operator", Role.OPERATOR, "the Prometheus operator"),
    ("PrometheusOperator", Role.OPERATOR, "the Prometheus operator"),
    ("crossplane*", Role.OPERATOR, "Crossplane"),
    ("manager", Role.OPERATOR, "an operator"),
    ("controller", Role.OPERATOR, "an operator"),
    ("*-operator", Role.OPERATOR, "an operator"),
    ("*-manager", Role.OPERATOR, "an operator"),
    ("*-controller", Role.OPERATOR, "an operator"),
    ("*-webhook", Role.OPERATOR, "an operator"),
)
"""Name, or pattern of it, as ``fnmatch`` reads it, in the order in which they are tried."""
_NOBODY = Writer(Role.UNKNOWN, "")

_AUTOSCALED, _SCALE = ("kube-controller-manager", "hyperkube"), "the HorizontalPodAutoscaler"

CONTROLLERS_TAINTS: tuple[str, ...] = (
    "node.kubernetes.io/*", "node.cloudprovider.kubernetes.io/*", "karpenter.sh/*", "karpenter.k8s.aws/*",
    "ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler", "node.cilium.io/*",
    "*.cluster-autoscaler.kubernetes.io/*", "aws-node-termination-handler/*", "ebs.csi.aws.com/*", "efs.csi.aws.com/*",
    "fsx.csi.aws.com/*", "node.istio.io/*", "cni.istio.io/*", "eks.amazonaws.com/*", "vpc.amazonaws.com/*")
"""Keys of taints that controllers set and take away (Kubernetes: "Well-Known Labels, Annotations and Taints";
Karpenter: "Disruption"; Cluster Autoscaler: FAQ; Cilium: "Considerations on Node Pool Taints and Unmanaged Pods";
Istio: "Install the Istio CNI node agent"; the AWS CSI drivers' pages on startup taints)."""


def writer(manager: str) -> Writer:
    """Return who writes under the name of a field manager; unknown where the table has no such name."""
    if not manager:
        return _NOBODY
    return next((Writer(role, what) for pattern, role, what in _TABLE if fnmatchcase(manager, pattern)),
                Writer(Role.UNKNOWN, manager))


def writer_of(change: Change) -> Writer:
    """Return who made a change: by the name that it was written under, or by what was written."""
    if change.kind == "Node" and _by_taints(change):
        return Writer(Role.CONTROLLER, "a controller of nodes")
    found = writer(change.by)
    if change.by in _AUTOSCALED and [field.path for field in change.fields] == [("replicas",)]:
        return Writer(found.role, _SCALE)
    return found


def by_controller(change: Change) -> bool:
    """Whether a controller made a change, so that nobody decided on it: neither cause nor to be undone."""
    return writer_of(change).role is Role.CONTROLLER


def put_back_by(manager: str) -> str:
    """Return who puts back what others change of a manager's fields; empty: nobody does."""
    found = writer(manager)
    return found.what if found.role in (Role.GITOPS, Role.CONTROLLER, Role.OPERATOR) else ""


def _by_taints(change: Change) -> bool:
    """Whether a node changed only by taints that controllers set; or it is gone that one of them was about to remove.
    """
    if change.what == "created":
        return False
    if change.what == "deleted":
        return any(_controllers(key) for field in change.fields for key in _keys(_part(field.before, "taints")))
    return bool(change.fields) and all(
        field.path == ("taints",) and all(map(_controllers, _differing(field.before, field.after)))
        for field in change.fields)


def _controllers(key: str) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in CONTROLLERS_TAINTS)


def _differing(before: Json, after: Json) -> Iterator[str]:
    """Yield the keys of the taints that only one of two lists has."""
    sides = [side if isinstance(side, list) else [] for side in (before, after)]
    for one, other in (sides, reversed(sides)):
        yield from _keys([taint for taint in one if taint not in other])


def _part(value: Json, key: str) -> Json:
    return value.get(key) if isinstance(value, dict) else None


def _keys(taints: Json) -> Iterator[str]:
    for taint in taints if isinstance(taints, list) else []:
        yield str(_part(taint, "key") or "")
