"""Take a Deployment back to the last revision that is known to have been healthy.

What it does is what ``kubectl rollout undo --to-revision`` does: the pod template of the revision's ReplicaSet takes
the place of the Deployment's, in one patch that holds only while the Deployment is as it was seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, of_workload, writing
from responder.clients import workloads
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.clients.workloads import Deployment, ReplicaSet
from responder.model.change import OWN_MANAGER
from responder.model.codec import Json
from responder.model.images import version_of
from responder.model.redact import redacted_diff
from responder.plan.remedies.rollback import REMEDY, Before, Facts, Parameters, versions
from responder.plan.wording import clock
from responder.sources import cluster_access

MARK = "incident-responder/rollback"
NO_ROLLBACK = "incident-responder/no-rollback"
"""Annotation of a Deployment or of its pod template: a migration that the version before cannot live with. Its value
is the reason, which is shown."""
_ONSET_SECONDS = 20.0
"""The onset is known to a period of 10 s, and clocks differ a little."""
_PROVEN_SECONDS = 60.0
"""A revision that ran for less than a minute before the symptom has proven nothing, and may be what brought it."""

Planned = Plan[Before, Parameters]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Choose the revision to go back to, or say why there is none; see ``Action.plan``."""
    found = connected(context, api)
    return of_workload(context, found, lambda deployment: _plan(context, facts, found, deployment))


def _plan(context: RemediationContext, facts: Facts, api: Kubernetes, deployment: Deployment) -> Planned | Declined:
    target = f"deployment/{deployment.name}"
    revisions = workloads.replica_sets(api, context.namespace, deployment.name)
    current = next((one for one in revisions if str(one.revision) == deployment.revision), None)
    chosen = _last_healthy(context, facts, revisions, current)
    refusal = _refusal(deployment)
    if not refusal and current is None:
        refusal = "the current revision is not among the ReplicaSets: a rollout is just beginning"
    if not refusal and chosen is None:
        refusal = "no earlier revision is known to have been healthy"
    if refusal or chosen is None or current is None:
        return Declined(target, f"roll back {target}", refusal, transient=current is None)
    return Plan(
        target,
        f"roll {target} back from {_named(current)}, which came at {clock(current.created)} UTC, to {_named(chosen)}",
        # The template itself stays in its ReplicaSet and is not copied into the record: it may hold secrets.
        Before(current.revision, current.name, current.images),
        Parameters(chosen.revision, chosen.name, deployment.uid, deployment.generation, chosen.images),
        redacted_diff(deployment.template, chosen.template, context.service.shown_keys, ("template",)))


def _named(revision: ReplicaSet) -> str:
    """Return a revision as people name it: its version and its number."""
    named = versions(revision.images)
    return f"{named} (revision {revision.revision})" if named else f"revision {revision.revision}"


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Put the chosen revision's template in place, unless the Deployment has changed since the plan was made."""
    namespace, wanted = context.namespace, plan.parameters
    api = connected(context, api)
    try:
        deployment = workloads.deployment(api, namespace, context.workload)
        chosen = workloads.replica_set(api, namespace, wanted.replica_set)
    except NotFound as error:
        raise ActionFailed(f"{error.args[0]} is gone") from error
    if deployment.annotations.get(MARK) == context.mark:
        return f"{plan.summary}: it was done before"
    if deployment.uid != wanted.uid or deployment.generation != wanted.generation:
        raise ActionFailed(f"{plan.target} was changed by somebody else after the plan was made: nothing was done")
    patch: list[dict[str, Json]] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": deployment.resource_version},
        {"op": "replace", "path": "/spec/template", "value": chosen.template}]
    if not deployment.annotations:
        patch.append({"op": "add", "path": "/metadata/annotations", "value": {}})
    patch.append({"op": "add", "path": "/metadata/annotations/" + MARK.replace("/", "~1"), "value": context.mark})
    # The status of a Deployment that is rolling out changes all the time, and its resourceVersion with it: the step is
    # tried again, and the generation above tells whether a person changed what is wanted.
    with writing(plan.target):
        api.patch("apis/apps/v1", "deployments", namespace, deployment.name, patch, manager=OWN_MANAGER)
    return plan.summary


def _refusal(deployment: Deployment) -> str:
    if deployment.owner:
        return f"{deployment.owner} manages it and would overwrite the rollback: revert the change in its repository"
    reason = deployment.annotations.get(NO_ROLLBACK) or deployment.template_annotations.get(NO_ROLLBACK)
    if reason:
        return f"the annotation {NO_ROLLBACK} forbids it: {reason}"
    return "the Deployment is paused: somebody is working on it" if deployment.paused else ""


def _last_healthy(context: RemediationContext, facts: Facts, revisions: Sequence[ReplicaSet],
                  current: ReplicaSet | None) -> ReplicaSet | None:
    """Return the newest revision, older than the current one, that is known to have been healthy.

    Known is a revision that ran for a while before the symptom began, of a version that was seen to serve well, or,
    where nobody tells versions apart, while the component as a whole served well.
    """
    versions, replaced_at = set(facts.healthy_versions), context.onset
    candidates: list[tuple[bool, ReplicaSet]] = []
    for revision in revisions:  # newest first: each ran until the one before it in this list came
        known = bool({version_of(image) for image in revision.images} & versions) if versions else facts.healthy_before
        before = context.onset is None or revision.created < context.onset + _ONSET_SECONDS
        if revision is not current and before and known:
            ran = (replaced_at or revision.created) - revision.created
            candidates.append((ran >= _PROVEN_SECONDS, revision))
        replaced_at = revision.created
    proven = [revision for proved, revision in candidates if proved]
    # Where none ran for long, the oldest is what served in the time that was seen to be healthy.
    return proven[0] if proven else candidates[-1][1] if candidates else None


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    statements=cluster_access,
    kubernetes_group="incident-responder:rollback",
)
