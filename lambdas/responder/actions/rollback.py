"""Take a Deployment back to the last revision that is known to have been healthy.

What it does is what ``kubectl rollout undo --to-revision`` does: the pod template of the revision's ReplicaSet takes
the place of the Deployment's, in one patch that holds only while the Deployment is as it was seen.
"""

from __future__ import annotations

import json
from typing import Any

from responder.actions import Action, ActionFailed, Case, Plan, of_workload, writing
from responder.clients import kubernetes
from responder.model.images import version_of
from responder.model.redact import redacted_diff
from responder.sources import cluster_access
from responder.sources.kubernetes import owner
from responder.sources.rollouts import REVISION, gitops, revisions_of

MARK = "incident-responder/rollback"
NO_ROLLBACK = "incident-responder/no-rollback"
"""Annotation of a Deployment or of its pod template: a migration that the version before cannot live with. Its value
is the reason, which is shown."""
MANAGER = "incident-responder"
_HASH = "pod-template-hash"
_ONSET_SECONDS = 20.0
"""The onset is known to a period of 10 s, and clocks differ a little."""
_PROVEN_SECONDS = 60.0
"""A revision that ran for less than a minute before the symptom has proven nothing, and may be what brought it."""


def plan(case: Case, api: kubernetes.Kubernetes | None = None) -> Plan:
    """Choose the revision to go back to, or say why there is none; see ``Action.plan``."""
    found = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    return of_workload(case, found, lambda deployment: _plan(case, found, deployment))


def _plan(case: Case, api: kubernetes.Kubernetes, deployment: dict[str, Any]) -> Plan:
    namespace, name = _place(case)
    target = f"deployment/{name}"
    metadata, spec = deployment["metadata"], deployment["spec"]
    annotations = metadata.get("annotations") or {}
    sets = [item for item in api.items("apis/apps/v1", "replicasets", namespace) if owner(item, "Deployment") == name]
    revisions = revisions_of(sets, annotations.get(REVISION, ""))
    refusal = _refusal(metadata, spec)
    current = next((revision for revision in revisions if revision["current"]), None)
    chosen = _last_healthy(case, revisions)
    if not refusal and current is None:
        refusal = "the current revision is not among the ReplicaSets: a rollout is just beginning"
    if not refusal and chosen is None:
        refusal = "no earlier revision is known to have been healthy"
    if refusal or chosen is None or current is None:
        return Plan(target, f"roll back {target}", refusal=refusal, passing=current is None)
    template = _template(next(item for item in sets if item["metadata"]["name"] == chosen["replica_set"]))
    return Plan(
        target,
        f"roll {target} back from revision {current['revision']} ({', '.join(current['images'])}) "
        f"to revision {chosen['revision']} ({', '.join(chosen['images'])})",
        diff=redacted_diff(spec["template"], template, case.service.shown_keys, ("template",)),
        # The template itself stays in its ReplicaSet and is not copied into the record: it may hold secrets.
        before={"revision": current["revision"], "replica_set": current["replica_set"], "images": current["images"]},
        parameters={"revision": chosen["revision"], "replica_set": chosen["replica_set"], "uid": metadata["uid"],
                    "generation": metadata.get("generation", 0)})


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Put the chosen revision's template in place, unless the Deployment has changed since the plan was made."""
    namespace, name = _place(case)
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    try:
        deployment = api.get("apis/apps/v1", "deployments", namespace, name)
        replica_set = api.get("apis/apps/v1", "replicasets", namespace, plan.parameters["replica_set"])
    except KeyError as error:
        raise ActionFailed(f"{error.args[0]} is gone") from error
    metadata = deployment["metadata"]
    if (metadata.get("annotations") or {}).get(MARK) == case.mark:
        return f"{plan.summary}: it was done before"
    if metadata["uid"] != plan.parameters["uid"] or metadata.get("generation", 0) != plan.parameters["generation"]:
        raise ActionFailed(f"{plan.target} was changed by somebody else after the plan was made: nothing was done")
    changes: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/spec/template", "value": _template(replica_set)}]
    if not metadata.get("annotations"):
        changes.append({"op": "add", "path": "/metadata/annotations", "value": {}})
    changes.append({"op": "add", "path": "/metadata/annotations/" + MARK.replace("/", "~1"), "value": case.mark})
    # The status of a Deployment that is rolling out changes all the time, and its resourceVersion with it: the step is
    # tried again, and the generation above tells whether a person changed what is wanted.
    with writing(plan.target):
        api.patch("apis/apps/v1", "deployments", namespace, name, changes, manager=MANAGER)
    return plan.summary


def _place(case: Case) -> tuple[str, str]:
    return case.service.cluster.namespace, case.workload


def _refusal(metadata: dict[str, Any], spec: dict[str, Any]) -> str:
    tool = gitops(metadata)
    if tool:
        return f"{tool} manages it and would overwrite the rollback: revert the change in its repository"
    template = (spec["template"].get("metadata") or {}).get("annotations") or {}
    reason = (metadata.get("annotations") or {}).get(NO_ROLLBACK) or template.get(NO_ROLLBACK)
    if reason:
        return f"the annotation {NO_ROLLBACK} forbids it: {reason}"
    if spec.get("paused"):
        return "the Deployment is paused: somebody is working on it"
    return ""


def _last_healthy(case: Case, revisions: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the newest revision, older than the current one, that is known to have been healthy.

    Known is a revision that ran for a while before the symptom began, of a version that was seen to serve well, or,
    where nobody tells versions apart, while the component as a whole served well.
    """
    versions = set(case.facts.get("healthy_versions", {}).get(case.component, []))
    whole = case.component in case.facts.get("healthy_before", [])
    replaced_at = case.onset
    candidates = []
    for revision in revisions:  # newest first: each ran until the one before it in this list came
        known = bool({version_of(image) for image in revision["images"]} & versions) if versions else whole
        before = case.onset is None or revision["created"] < case.onset + _ONSET_SECONDS
        if not revision["current"] and before and known:
            ran = (replaced_at or revision["created"]) - revision["created"]
            candidates.append((ran >= _PROVEN_SECONDS, revision))
        replaced_at = revision["created"]
    proven = [revision for proved, revision in candidates if proved]
    # Where none ran for long, the oldest is what served in the time that was seen to be healthy.
    return proven[0] if proven else candidates[-1][1] if candidates else None


def _template(replica_set: dict[str, Any]) -> dict[str, Any]:
    """Return a ReplicaSet's pod template as its Deployment had it."""
    template: dict[str, Any] = json.loads(json.dumps(replica_set["spec"]["template"]))
    labels = (template.get("metadata") or {}).get("labels") or {}
    labels.pop(_HASH, None)
    return template


ACTION = Action(
    name="rollback",
    risk="medium",
    default_policy="auto",
    reversible=True,
    # What would be put back is the version that was found to be bad.
    keep_when_not_helped=True,
    plan=plan,
    apply=apply,
    revert=None,
    statements=cluster_access,
    kubernetes_group="incident-responder:rollback",
)
