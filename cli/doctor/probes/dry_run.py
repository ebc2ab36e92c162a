"""Whether the cluster would let each remedy do what it does, and would refuse what it must not: dry runs as its group.

Each request has ``dryRun=All``, so it passes authorization and admission, and nothing is stored (Kubernetes API
Concepts, "Dry-run"). A patch without content shows that the group may patch the object; one that adds a label must be
refused by the policy of the group. A dry run is made by impersonating the group ("User impersonation").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cli.doctor.cluster import Answer, Cluster
from cli.doctor.model import Check, NotKnown, Probe, broken, note, well
from cli.doctor.probes.rbac import Right, rights
from cli.doctor.surroundings import Surroundings
from responder.model.service import Service
from stacks.rbac import group_of, rendered
from stacks.used import used_actions

_VERSIONS = {"": "/api/v1", "apps": "/apis/apps/v1", "autoscaling": "/apis/autoscaling/v2", "policy": "/apis/policy/v1",
             "networking.k8s.io": "/apis/networking.k8s.io/v1", "argoproj.io": "/apis/argoproj.io/v1alpha1",
             "keda.sh": "/apis/keda.sh/v1alpha1"}
_BOUNDED = frozenset({"deployments", "statefulsets", "daemonsets", "nodes"})
"""What no remedy may label."""
_MERGE = "application/merge-patch+json"
_LABEL = {"metadata": {"labels": {"incident-responder/doctor": "dry-run"}}}
_AT_ONCE = 4


@dataclass(frozen=True)
class Trial:
    """A right with an object on which it is tried."""

    right: Right
    path: str
    """The object's API path, its subresource included."""


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    cluster = here.cluster(service)
    groups = {group_of(here.settings, action.kubernetes_group): action.name for action in used_actions([service])
              if action.kubernetes_group}
    wanted = [right for right in rights(rendered(service, here.settings, ("rbac.yaml",)))
              if right.group in groups and right.verb == "patch"]
    trials = list(_trials(cluster, service, wanted))
    if not trials:
        yield note("dry runs", "there is no object on which a remedy could be tried")
        return
    _may_impersonate(cluster, trials[0])
    mend = f"make rbac SERVICE={service.service} | kubectl apply -f -"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda trial: (trial, _patched(cluster, trial, {}), _patched(cluster, trial, _LABEL)
                                               if _is_bounded(trial.right) else None), trials))
    for group, action in sorted(groups.items()):
        mine = [answer for answer in answers if answer[0].right.group == group]
        yield from judged(action, mine, mend)


def judged(action: str, answers: Sequence[tuple[Trial, Answer, Answer | None]], mend: str) -> Iterator[Check]:
    """Judge a remedy by what the API server answered: to a patch without content, and to one that adds a label."""
    fine, bounded = 0, 0
    for trial, empty, label in answers:
        if not empty.well:
            yield broken(f"{action}: dry run", f"it may not {trial.right}: {empty.message}", mend)
        elif label and label.well:
            yield broken(f"{action}: dry run", f"nothing keeps it from changing the labels of {trial.path}: its "
                         "admission policy is not in force", mend)
        else:
            fine += 1
            bounded += label is not None
    if fine and fine == len(answers):
        yield well(f"{action}: dry run", f"{fine} kinds of objects could be patched" + (
            f", and labels of {bounded} are refused" if bounded else ""))


def _is_bounded(right: Right) -> bool:
    return right.resource in _BOUNDED and not right.group.endswith(":restore-configuration")


def _trials(cluster: Cluster, service: Service, wanted: Sequence[Right]) -> Iterator[Trial]:
    """Yield an object for each right that can be tried: of the service's own workloads where there are any."""
    first: dict[str, str] = {}
    own = {component.deployment for component in service.components}
    for right in wanted:
        resource, _, subresource = right.resource.partition("/")
        root = _VERSIONS.get(right.api_group)
        if root is None:
            continue
        inside = f"/namespaces/{right.namespace}" if right.namespace else ""
        collection = f"{root}{inside}/{resource}"
        if right.name:
            name = right.name if cluster.get(f"{collection}/{right.name}") else ""
        else:
            if collection not in first:
                names = [str(item["metadata"]["name"]) for item in cluster.items(collection)]
                first[collection] = next((name for name in names if name in own), next(iter(names), ""))
            name = first[collection]
        if name:
            yield Trial(right, f"{collection}/{name}" + (f"/{subresource}" if subresource else ""))


def _may_impersonate(cluster: Cluster, trial: Trial) -> None:
    """Raise NotKnown where whoever runs this may not act as the group."""
    answer = _patched(cluster, trial, {})
    if answer.status == 403 and "impersonate" in answer.message:
        raise NotKnown(f"you may not impersonate the responder's groups in {cluster.name}: {answer.message}",
                       "a role that may impersonate users and groups; the probe rbac asks for less")


def _patched(cluster: Cluster, trial: Trial, body: object) -> Answer:
    return cluster.request("PATCH", f"{trial.path}?dryRun=All", body, group=trial.right.group, kind=_MERGE)


PROBE = Probe("dry-run", "the remedies' rights in the cluster, by dry runs", _look, (
    "kubernetes: impersonate users and groups", "kubernetes: list the workloads"), seconds=60.0)
