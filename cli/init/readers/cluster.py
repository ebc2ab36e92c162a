"""The cluster: workloads, Services, ways from outside, settings, autoscalers, budgets and mesh objects of a namespace.

Pods are not read: a workload's template says what they are, however many there are. Secrets are never read. Formats:
the Kubernetes API reference; AWS Load Balancer Controller's "TargetGroupBinding"; Istio's "Service Entry"; Gateway
API's "HTTPRoute"; External Secrets Operator's "ExternalSecret".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cli.init.addresses import SECRET, SWITCH, found
from cli.init.facts import Address, Cluster, Front, Route, Setting, Workload
from cli.init.readers import Asked, Known, Reader
from cli.kube import Kube, connect

Object = dict[str, Any]
_KINDS = (("apis/apps/v1/deployments", "deployment"), ("apis/apps/v1/statefulsets", "statefulset"),
          ("apis/apps/v1/daemonsets", "daemonset"))
_USER = re.compile(r"(?:^|_)(?:DB|DATABASE|PG|POSTGRES|MYSQL|JDBC|DATASOURCE)\w*?_?USER(?:NAME)?$|^PGUSER$", re.I)
_LONGEST_SETTING = 40


def read(asked: Asked, known: Known) -> Cluster:
    """Return what the namespace has; raises where the workloads cannot be read."""
    kube = connect(asked.cluster, asked.context, known.session)
    return of(kube, asked.namespace, known)


def of(kube: Kube, namespace: str, known: Known) -> Cluster:
    """Return what a namespace has; what may not be read besides the workloads is noted."""
    groups = known.tried("the API groups", kube.groups, {})

    def listed(what: str, path: str, group: str = "") -> list[Object]:
        if group:
            if group not in groups:
                return []
            path = f"apis/{groups[group]}/{path}"
        found_items: list[Object] = known.tried(what, lambda: list(kube.items(path, namespace)), [])
        return found_items

    maps = {one["metadata"]["name"]: one.get("data") or {} for one in listed("ConfigMaps", "api/v1/configmaps")
            if one["metadata"]["name"] not in ("kube-root-ca.crt", "istio-ca-root-cert")}
    workloads = [(one, kind) for path, kind in _KINDS for one in kube.items(path, namespace)]
    workloads += [(one, "rollout") for one in listed("Argo Rollouts", "rollouts", "argoproj.io")
                  if one.get("kind", "Rollout") == "Rollout"] if "argoproj.io" in groups else []
    made = _without_shadows([_workload(one, kind, maps) for one, kind in workloads])
    routes = [
        *_ingresses(listed("Ingresses", "apis/networking.k8s.io/v1/ingresses")),
        *_http_routes(listed("HTTPRoutes", "httproutes", "gateway.networking.k8s.io")),
        *_bindings(listed("TargetGroupBindings", "targetgroupbindings", "elbv2.k8s.aws"))]
    entries = listed("ServiceEntries", "serviceentries", "networking.istio.io")
    return Cluster(
        server=kube.where, workloads=tuple(made), routes=tuple(routes), settings=tuple(_settings(made, maps)),
        services=tuple(_service(one) for one in listed("Services", "api/v1/services")),
        autoscaled=tuple(sorted(_scaled(listed(
            "HorizontalPodAutoscalers", "horizontalpodautoscalers", "autoscaling")))),
        budgets=tuple(sorted(one["metadata"]["name"] for one in listed(
            "PodDisruptionBudgets", "apis/policy/v1/poddisruptionbudgets"))),
        outside_hosts=tuple(sorted({host for one in entries for host in one.get("spec", {}).get("hosts") or []
                                    if one.get("spec", {}).get("location", "MESH_EXTERNAL") == "MESH_EXTERNAL"})),
        mesh=_mesh(kube, namespace, groups, known), adds_nodes=_adds_nodes(kube, groups, known),
        remote_secrets=tuple(sorted(set(_remote(listed("ExternalSecrets", "externalsecrets", "external-secrets.io"))))))


def _without_shadows(workloads: list[Workload]) -> list[Workload]:
    """A Rollout stands for the Deployment of its name that it takes its template from."""
    rollouts = {one.name for one in workloads if one.kind == "rollout"}
    return [one for one in workloads if one.kind != "deployment" or one.name not in rollouts]


def _workload(one: Object, kind: str, maps: dict[str, dict[str, str]]) -> Workload:
    metadata, template = one["metadata"], one.get("spec", {}).get("template") or {}
    spec = template.get("spec") or {}
    target = f"{kind}/{metadata['name']}"
    addresses: list[Address] = []
    users: list[str] = []
    used = {volume["configMap"].get("name", "") for volume in spec.get("volumes") or [] if volume.get("configMap")}
    for container in spec.get("containers") or []:
        for name, value, where in _variables(container, maps, used):
            if _USER.search(name) and SWITCH.fullmatch(value):
                users.append(value)
            if not SECRET.search(name):
                addresses += found(name, value, f"{where} of {target}")
    for config_map in sorted(used):
        for key, text in sorted(maps.get(config_map, {}).items()):
            if not SECRET.search(key):
                addresses += found(key, text, f"key {key} of ConfigMap {config_map}, which {target} reads")
    return Workload(
        kind=kind, name=metadata["name"], labels=metadata.get("labels") or {},
        pod_labels=(template.get("metadata") or {}).get("labels") or {},
        containers=tuple(container["name"] for container in spec.get("containers") or []),
        addresses=_once(addresses), users=tuple(dict.fromkeys(users)), config_maps=tuple(sorted(used - {""})))


def _once(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Keep the first mention of each host, one with a port before one without."""
    kept: dict[str, Address] = {}
    for address in addresses:
        if address.host not in kept or (address.port and not kept[address.host].port):
            kept[address.host] = address
    return tuple(kept.values())


def _variables(container: Object, maps: dict[str, dict[str, str]], used: set[str]) -> Iterator[tuple[str, str, str]]:
    """Yield a container's variables whose values are no secrets: name, value, and where it stands."""
    for source in container.get("envFrom") or []:
        if name := (source.get("configMapRef") or {}).get("name"):
            used.add(name)
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("configMapKeyRef") or {}
        if "value" in variable:
            yield variable["name"], str(variable["value"] or ""), variable["name"]
        elif reference:
            used.add(reference.get("name", ""))
            value = maps.get(reference.get("name", ""), {}).get(reference.get("key", ""), "")
            yield variable["name"], value, f"{variable['name']} (ConfigMap {reference.get('name')})"


def _service(one: Object) -> Front:
    spec = one.get("spec") or {}
    return Front(one["metadata"]["name"], spec.get("selector") or {}, spec.get("type", "ClusterIP"),
                 str(spec.get("externalName", "")).lower())


def _settings(workloads: Iterable[Workload], maps: dict[str, dict[str, str]]) -> Iterator[Setting]:
    """Yield the keys that may be switches: short plain words in ConfigMaps that workloads read."""
    used = {name for workload in workloads for name in workload.config_maps}
    for name in sorted(used & maps.keys()):
        for key, value in sorted(maps[name].items()):
            if SWITCH.fullmatch(value) and len(value) <= _LONGEST_SETTING and not SECRET.search(key):
                yield Setting(name, key, value)


def _ingresses(items: Iterable[Object]) -> Iterator[Route]:
    for one in items:
        spec, by = one.get("spec") or {}, f"ingress/{one['metadata']['name']}"
        backends = [spec.get("defaultBackend"), *(path.get("backend") for rule in spec.get("rules") or []
                                                  for path in (rule.get("http") or {}).get("paths") or [])]
        for name in dict.fromkeys((backend or {}).get("service", {}).get("name", "") for backend in backends):
            if name:
                yield Route(name, by)


def _http_routes(items: Iterable[Object]) -> Iterator[Route]:
    for one in items:
        names = [reference.get("name", "") for rule in (one.get("spec") or {}).get("rules") or []
                 for reference in rule.get("backendRefs") or [] if reference.get("kind", "Service") == "Service"]
        for name in dict.fromkeys(names):
            yield Route(name, f"httproute/{one['metadata']['name']}")


def _bindings(items: Iterable[Object]) -> Iterator[Route]:
    for one in items:
        spec = one.get("spec") or {}
        if name := (spec.get("serviceRef") or {}).get("name"):
            yield Route(name, f"targetgroupbinding/{one['metadata']['name']}", spec.get("targetGroupARN", ""))


def _scaled(items: Iterable[Object]) -> Iterator[str]:
    for one in items:
        target = (one.get("spec") or {}).get("scaleTargetRef") or {}
        yield f"{str(target.get('kind', '')).lower()}/{target.get('name', '')}"


def _remote(items: Iterable[Object]) -> Iterator[str]:
    for one in items:
        spec = one.get("spec") or {}
        for entry in [*(spec.get("data") or []), *(spec.get("dataFrom") or [])]:
            if key := ((entry.get("remoteRef") or entry.get("extract") or {}).get("key")):
                yield str(key)


def _mesh(kube: Kube, namespace: str, groups: dict[str, str], known: Known) -> str:
    if not {"networking.istio.io", "linkerd.io", "policy.linkerd.io"} & groups.keys():
        return ""
    labels: dict[str, str] = known.tried("the namespace's labels", lambda: kube.get(
        f"/api/v1/namespaces/{namespace}", {})["metadata"].get("labels") or {}, {})
    if labels.get("istio-injection") == "enabled" or "istio.io/rev" in labels or "istio.io/dataplane-mode" in labels:
        return "istio"
    return "linkerd" if labels.get("linkerd.io/inject") == "enabled" else ""


def _adds_nodes(kube: Kube, groups: dict[str, str], known: Known) -> str:
    if "karpenter.sh" in groups and known.tried(
            "Karpenter's NodePools", lambda: list(kube.items(f"apis/{groups['karpenter.sh']}/nodepools")), []):
        return "Karpenter's NodePools"
    scalers: list[Object] = known.tried(
        "Deployments of kube-system", lambda: list(kube.items("apis/apps/v1/deployments", "kube-system")), [])
    named = [one["metadata"]["name"] for one in scalers if "cluster-autoscaler" in one["metadata"]["name"]]
    return f"deployment/{named[0]} in kube-system" if named else ""


READER = Reader(
    name="cluster", title="the cluster's workloads, Services and configuration", part=Cluster, read=read, first=True,
    rights=("get, list: Deployments, StatefulSets, DaemonSets, Services, ConfigMaps, Ingresses, "
            "HorizontalPodAutoscalers, PodDisruptionBudgets of the namespace (the ClusterRole `view` has them)",
            "list: TargetGroupBindings, ServiceEntries, HTTPRoutes, ExternalSecrets, Rollouts where they are served",
            "eks:DescribeCluster"))
