"""Take a workload back to the last revision that is known to have been healthy.

| kind | what it does |
|---|---|
| Deployment, StatefulSet, DaemonSet | what ``kubectl rollout undo --to-revision`` does: the template of the revision takes the place of the workload's, in one patch that holds only while the workload is as it was seen |
| StatefulSet | also deletes the pods that the bad revision keeps from being ready, for which the rolling update would wait for ever (Kubernetes: "StatefulSets", "Forced rollback") |
| Rollout, while an update runs | what ``kubectl argo rollouts abort`` does: ``status.abort``; its controller goes back to the revision that served before. An update that is complete by then is undone instead |
| Rollout, fully promoted | what ``kubectl argo rollouts undo`` does: the template of the revision takes the place of its own, or of that of the Deployment which it names; the steps of its strategy apply, and none is skipped |
"""  # noqa: E501 - rows of a table

from __future__ import annotations

from collections.abc import Sequence

from responder.actions import (
    Action,
    ActionFailed,
    Declined,
    Plan,
    RemediationContext,
    connected,
    of_workload,
    workload_of,
    writing,
)
from responder.clients import revisions, workloads
from responder.clients.kubernetes import Kubernetes, NotFound, Refused
from responder.clients.owners import WORKLOADS, Ref
from responder.clients.revisions import Revision
from responder.clients.workloads import Workload
from responder.model.change import OWN_MANAGER
from responder.model.codec import Json
from responder.model.redact import redacted_diff
from responder.model.shown import shown
from responder.plan.remedies.rollback import REMEDY, Before, Facts, Healthy, Parameters, known_as, named
from responder.plan.wording import clock
from responder.sources import cluster_access

MARK = "incident-responder/rollback"
NO_ROLLBACK = "incident-responder/no-rollback"
"""Annotation of a workload or of its pod template: a migration that the version before cannot live with. Its value
is the reason, which is shown."""
_ONSET_SECONDS = 20.0
"""The onset is known to a period of 10 s, and clocks differ a little."""
_PROVEN_SECONDS = 60.0
"""A revision that ran for less than a minute before the symptom has proven nothing, and may be what brought it."""
_GONE = frozenset({404, 409})
"""The pod is gone, or another one has its name."""

Planned = Plan[Before, Parameters]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Choose the revision to go back to, or say why there is none; see ``Action.plan``."""
    found = connected(context, api)
    return of_workload(context, found, lambda workload: _plan(context, facts, found, workload))


def _plan(context: RemediationContext, facts: Facts, api: Kubernetes, workload: Workload) -> Planned | Declined:
    target, kept = workload.target, revisions.listed(api, workload.ref)
    current = _current(workload, kept)
    healthy = _healthy(context, facts, kept, current)
    abort = bool(workload.update and workload.update.running)
    if abort:
        # An aborted update goes back to the one revision that serves, and to no other.
        healthy = [one for one in healthy if workload.update and one.hash == workload.update.stable]
    chosen = next((one for one in healthy if context.chosen in (None, one.revision)), None)
    refusal = _refusal(workload) or _unfit(context, workload, kept, current, chosen)
    if refusal or chosen is None or current is None:
        return Declined(target, f"roll back {target}", refusal, transient=_beginning(workload, kept, current))
    return Plan(
        target,
        f"roll {target} back from {named(current.revision, current.images)}, which came at {clock(current.created)} "
        f"UTC, to {named(chosen.revision, chosen.images)}{_how(workload, abort)}",
        # The template itself stays in its revision and is not copied into the record: it may hold secrets.
        Before(current.revision, current.name, current.images),
        Parameters(chosen.revision, chosen.name, workload.uid, workload.generation, chosen.images,
                   tuple(Healthy(one.revision, one.images)
                         for one in sorted(healthy, key=lambda one: -one.revision)), abort, workload.template_of),
        shown("+ status.abort: true") if abort else redacted_diff(
            workload.template, chosen.template, context.service.shown_keys, ("template",)))


def _current(workload: Workload, kept: Sequence[Revision]) -> Revision | None:
    """Return the revision that the workload is to have now; None: it is not there yet."""
    if workload.update and workload.update.wanted:
        return next((one for one in kept if one.hash == workload.update.wanted), None)
    if workload.revision:
        return next((one for one in kept if str(one.revision) == workload.revision), None)
    # The newest ControllerRevision is the current one, whatever it was made from.
    return next(iter(kept), None) if not WORKLOADS[workload.ref.kind].by_sets else None


def _how(workload: Workload, abort: bool) -> str:
    if abort:
        return ", by aborting its update; its template stays the new one until somebody changes it"
    if workload.ref.kind == "StatefulSet":
        return "; pods of the bad revision that are not ready are deleted, for the update would wait for them"
    return ", by the steps of its own strategy" if workload.update else ""


def _refusal(workload: Workload) -> str:
    aborts = workload.update is not None and workload.update.running
    keeper = workload.keeper
    # A repository says nothing of an update's status.
    if keeper and not (aborts and keeper.gitops):
        return f"{keeper} manages it and would overwrite the rollback: {keeper.instead}"
    reason = workload.annotations.get(NO_ROLLBACK) or workload.template_annotations.get(NO_ROLLBACK)
    if reason:
        return f"the annotation {NO_ROLLBACK} forbids it: {reason}"
    if workload.paused:
        return f"the {workload.ref.kind} is paused: somebody is working on it"
    if workload.on_delete:
        return f"the {workload.ref.kind} has the strategy OnDelete: its pods change only when somebody deletes them"
    if workload.update and workload.update.running and workload.update.aborted:
        return "its update is aborted already"
    return ""


def _unfit(context: RemediationContext, workload: Workload, kept: Sequence[Revision], current: Revision | None,
           chosen: Revision | None) -> str:
    """Say why no revision can be gone back to; an empty text where there is one."""
    if _beginning(workload, kept, current):
        return "the current revision is not among those that are kept: a rollout is just beginning"
    if not [one for one in kept if one is not current]:
        return ("no earlier revision is kept (revisionHistoryLimit is 0, or it was never changed): roll back by the "
                "pipeline")
    if chosen is None:
        return "no earlier revision is known to have been healthy" if context.chosen is None else (
            f"revision {context.chosen} is not known to have been healthy")
    return ""


def _beginning(workload: Workload, kept: Sequence[Revision], current: Revision | None) -> bool:
    """Whether the workload has a template whose revision is still to come."""
    return bool(workload.update and not workload.update.seen) or (current is None and bool(kept))


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Put the chosen revision's template in place, unless the workload has changed since the plan was made."""
    wanted, api = plan.parameters, connected(context, api)
    workload = workload_of(context, plan.target, api)
    if workload.uid != wanted.uid:
        raise ActionFailed(f"{plan.target} is another one than was planned for: nothing was done")
    aborts = wanted.abort and not _completed(api, workload, wanted)
    if wanted.abort and not aborts and workload.keeper:
        raise ActionFailed(f"the update was complete before it was aborted, and {workload.keeper} would overwrite a "
                           f"rollback: {workload.keeper.instead}")
    done = _abort(api, workload, plan) if aborts else _undo(context, api, workload, plan)
    if workload.ref.kind == "StatefulSet":
        _delete_broken(api, workload.ref, plan.before.replica_set)
    return done


def _completed(api: Kubernetes, workload: Workload, wanted: Parameters) -> bool:
    """Whether the update that was to be aborted is complete, so that another revision serves than the wanted one."""
    update = workload.update
    if update is None or update.running:
        return False
    try:
        return revisions.get(api, workload.ref, wanted.replica_set).hash != update.stable
    except NotFound as error:
        raise ActionFailed(f"{error.args[0]} is gone") from error


def _undo(context: RemediationContext, api: Kubernetes, workload: Workload, plan: Planned) -> str:
    wanted, changed = plan.parameters, f"{plan.target} was changed by somebody else after the plan was made"
    if workload.template_of != wanted.template_of:
        raise ActionFailed(f"{changed}: nothing was done")
    try:
        holder = workloads.get(api, Ref("Deployment", workload.ref.namespace, wanted.template_of)
                               ) if wanted.template_of else workload
        chosen = revisions.get(api, workload.ref, wanted.replica_set)
    except NotFound as error:
        raise ActionFailed(f"{error.args[0]} is gone") from error
    if holder.annotations.get(MARK) == context.mark:
        return f"{plan.summary}: it was done before"
    if workload.generation != wanted.generation:
        raise ActionFailed(f"{changed}: nothing was done")
    patch: list[dict[str, Json]] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": holder.resource_version},
        {"op": "replace", "path": "/spec/template", "value": chosen.template}]
    if not holder.annotations:
        patch.append({"op": "add", "path": "/metadata/annotations", "value": {}})
    patch.append({"op": "add", "path": "/metadata/annotations/" + MARK.replace("/", "~1"), "value": context.mark})
    # The status of a workload that is rolling out changes all the time, and its resourceVersion with it: the step is
    # tried again, and the generation above tells whether a person changed what is wanted.
    how = WORKLOADS[holder.ref.kind]
    with writing(plan.target):
        api.patch(how.api, how.plural, holder.ref.namespace, holder.name, patch, manager=OWN_MANAGER)
    return plan.summary


def _abort(api: Kubernetes, workload: Workload, plan: Planned) -> str:
    """Abort a Rollout's update, while it is the same; a repeat finds it aborted, or gone back already."""
    update = workload.update
    if update is None or not update.running or update.aborted:
        return f"{plan.summary}: it was done before"
    if workload.generation != plan.parameters.generation:
        raise ActionFailed(f"{plan.target} was changed by somebody else after the plan was made: nothing was done")
    how = WORKLOADS[workload.ref.kind]
    with writing(plan.target):
        api.patch(how.api, how.plural, workload.ref.namespace, workload.name, [
            {"op": "test", "path": "/metadata/resourceVersion", "value": workload.resource_version},
            {"op": "add", "path": "/status/abort", "value": True}], manager=OWN_MANAGER, subresource="status")
    return plan.summary


def _delete_broken(api: Kubernetes, ref: Ref, bad: str) -> None:
    """Delete the pods that a bad revision keeps from being ready, each only if it is still the same."""
    for pod in workloads.pods_of(api, ref):
        if not pod.ready and pod.revision and bad.endswith(pod.revision):
            try:
                api.delete("api/v1", "pods", ref.namespace, pod.name, pod.uid)
            except Refused as refused:
                if refused.code not in _GONE:
                    raise ActionFailed(f"Kubernetes refused: {refused}") from refused


def _healthy(context: RemediationContext, facts: Facts, kept: Sequence[Revision],
             current: Revision | None) -> list[Revision]:
    """Return the other revisions that are known to have been healthy, the one to go back to first.

    Known is a revision that ran for a while before the symptom began, of a version that was seen to serve well, or,
    where nobody tells versions apart, while the component as a whole served well.
    """
    versions, replaced_at = set(facts.healthy_versions), context.onset
    candidates: list[tuple[bool, Revision]] = []
    for revision in kept:  # newest first: each ran until the one before it in this list came
        known = bool(known_as(revision.images) & versions) if versions else facts.healthy_before
        before = context.onset is None or revision.created < context.onset + _ONSET_SECONDS
        if revision is not current and before and known:
            ran = (replaced_at or revision.created) - revision.created
            candidates.append((ran >= _PROVEN_SECONDS, revision))
        replaced_at = revision.created
    proven = [revision for proved, revision in candidates if proved]
    # Where none ran for long, the oldest is what served in the time that was seen to be healthy.
    return proven or [revision for _, revision in reversed(candidates)]


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    statements=cluster_access,
    kubernetes_group="incident-responder:rollback",
)
