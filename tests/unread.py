"""Names that no code of the responder reads by their types, each with the reason: see ``unit/test_names.py``."""

from __future__ import annotations

UNREAD: dict[str, tuple[str, ...]] = {
    "incidents that others recorded are read by it (bench/external); our own alarms bring the onset along": (
        "plan/change_onset.py:Departure.gradual", "plan/change_onset.py:Departure.moved"),
    "people see it in the record of a decision; older records hold it as well": (
        "plan/guardrails.py:GuardrailRequest.cause",),
    "people see it in the evidence of the record; no decision needs it": (
        "model/evidence/canary.py:Canary.canaries",
        "model/evidence/canary.py:CanaryRuns.runs", "model/evidence/changes.py:Changes.last_look",
        "model/evidence/cpu.py:Cpu.pods", "model/evidence/deployments.py:Deployments.markers",
        "model/evidence/database_cluster.py:ClusterMember.status",
        "model/evidence/database_proxy.py:DatabaseProxy.status",
        "model/evidence/front_door.py:FrontDoor.baseline_errors",
        "model/evidence/front_door.py:FrontDoor.baseline_requests", "model/evidence/front_door.py:FrontDoor.series",
        "model/evidence/health.py:ProviderHealth.refusal", "model/evidence/instance.py:DatabaseInstance.resource",
        "model/evidence/deployments.py:Marker.at", "model/evidence/deployments.py:Marker.component",
        "model/evidence/deployments.py:Marker.user", "model/evidence/deployments.py:Marker.version",
        "model/evidence/endpoints.py:Endpoints.not_ready", "model/evidence/endpoints.py:Endpoints.ready",
        "model/evidence/error_signatures.py:Signature.first", "model/evidence/error_signatures.py:Signature.pods",
        "model/evidence/health.py:ProviderHealth.milliseconds",
        "model/evidence/healthy_hosts.py:HealthyHosts.unhealthy",
        "model/evidence/instance.py:DatabaseInstance.instance_class",
        "model/evidence/instance.py:DatabaseInstance.parameters",
        "model/evidence/instance.py:DatabaseInstance.pending", "model/evidence/instance.py:DatabaseInstance.zone",
        "model/evidence/instances.py:Instances.impaired",
        "model/evidence/issues.py:Issue.entities", "model/evidence/issues.py:Issue.id",
        "model/evidence/issues.py:Issue.priority", "model/evidence/issues.py:Issue.title",
        "model/evidence/issues.py:Issues.issues",
        "model/evidence/limits.py:Budget.allowed", "model/evidence/limits.py:Budget.name",
        "model/evidence/limits.py:Limits.budgets",
        "model/evidence/limits.py:UsedUp.hard",
        "model/evidence/limits.py:UsedUp.resource", "model/evidence/limits.py:UsedUp.used",
        "model/evidence/memory.py:Memory.container", "model/evidence/memory.py:Memory.sidecars",
        "model/evidence/memory.py:Memory.pods", "model/evidence/node_cpu.py:NodeCpu.fullest",
        "model/evidence/node_cpu.py:NodeCpu.nodes", "model/evidence/nodegroups.py:HealthIssue.message",
        "model/evidence/nodegroups.py:Nodegroup.status", "model/evidence/nodegroups.py:Nodegroups.groups",
        "model/evidence/nodes.py:Nodes.coming", "model/evidence/nodes.py:Nodes.going",
        "model/evidence/pods.py:Pods.container",
        "model/evidence/pods.py:Probed.failed",
        "model/evidence/pods.py:Pods.dns_policy",
        "model/evidence/pods.py:Pods.failing",
        "model/evidence/probe.py:ProbeOutcome.addresses",
        "model/evidence/service_events.py:ServiceEvents.elsewhere",
        "model/evidence/status_page.py:PageIncident.impact", "model/evidence/status_page.py:PageIncident.name",
        "model/evidence/status_page.py:PageIncident.status", "model/evidence/status_page.py:StatusPage.components",
        "model/evidence/status_page.py:StatusPage.incidents", "model/evidence/status_page.py:StatusPage.updated",
        "model/evidence/target_connection_errors.py:BalancerMinute.elb_5xx",
        "model/evidence/target_connection_errors.py:BalancerMinute.errors",
        "model/evidence/target_connection_errors.py:BalancerMinute.requests",
        "model/evidence/target_connection_errors.py:BalancerMinute.start",
        "model/evidence/target_connection_errors.py:TargetConnectionErrors.baseline_elb_5xx",
        "model/evidence/target_connection_errors.py:TargetConnectionErrors.baseline_errors",
        "model/evidence/target_connection_errors.py:TargetConnectionErrors.baseline_requests",
        "model/evidence/target_connection_errors.py:TargetConnectionErrors.elb_5xx",
        "model/evidence/target_connection_errors.py:TargetConnectionErrors.series",
        "model/evidence/trail.py:Trail.complete_until", "model/evidence/trail.py:TrailEvent.source",),
    "a fact of the timeline: people, the drills and past incidents read the record itself": (
        "model/facts.py:Answered.note", "model/facts.py:Applied.target", "model/facts.py:Delivered.target",
        "model/facts.py:Opened.mode", "model/facts.py:Opened.reopened",
        "model/facts.py:Opened.signal_at", "model/facts.py:Planned.diff", "model/facts.py:Reported.gz",
        "model/facts.py:Reported.html", "model/facts.py:Reported.json", "model/facts.py:Reported.md",
        "model/incident.py:Incident.report", "model/incident.py:Incident.watched_until",
        "model/incident.py:Looked.at", "model/incident.py:Looked.cut", "model/incident.py:Looked.milliseconds",
        "model/incident.py:Refusal.cause", "model/incident.py:Refusal.mechanism", "model/incident.py:Weighed.against",
        "model/incident.py:Weighed.status", "plan/decisions.py:Diagnosed.fading",
        "plan/decisions.py:Diagnosed.missing", "plan/decisions.py:Isolated.pods",
        "plan/decisions.py:Isolated.reasons", "plan/decisions.py:Ruled.summary",
        "plan/decisions.py:Watched.error_rate",),
    "the record shows with each plan what was found: taking it back or checking it needs less": (
        "plan/remedies/cordon_node.py:Before.ready",
        "plan/remedies/restart_pods.py:Before.bad_nodes", "plan/remedies/restart_pods.py:Before.pods",
        "plan/remedies/restore_configuration.py:Before.objects",
        "plan/remedies/restore_database.py:Before.replicas", "plan/remedies/restore_database.py:Before.zone",
        "plan/remedies/restore_security_group.py:Before.missing", "plan/remedies/rollback.py:Before.images",
        "plan/remedies/scale_up.py:Parameters.uid",),
    "incident.json has it for other programs, but no report shows it": (
        "plan/review/contents.py:Overview.confirmed_at", "plan/review/contents.py:Overview.isolated_at",
        "plan/review/contents.py:Overview.closed_at",
        "plan/review/contents.py:Overview.confirmed",
        "plan/review/contents.py:Overview.execution",
        "plan/review/contents.py:Overview.reopened_at",
        "plan/review/contents.py:ReportedEntry.detail",
        "plan/review/contents.py:ReportedRemedy.decided_by", "plan/review/contents.py:ReportedRemedy.guardrail",
        "plan/review/contents.py:ReportedRemedy.planned_at", "plan/review/contents.py:ReportedRemedy.risk",
        "plan/review/contents.py:Review.schema",
        "plan/review/contents.py:Review.further_causes", "plan/review/contents.py:Review.trigger",),
    "tells people who read the module what it is about; tests hold it to its form": (
        "plan/causes.py:Cause.title",),
    "the benches read it; isolating takes the name, the reason and the confidence": (
        "plan/origin.py:Suspect.score", "plan/origin.py:Suspect.shows"),
    "responder replay prints it": (
        "plan/replay.py:Decision.at", "plan/replay.py:Decision.id", "plan/replay.py:Decision.step",
        "plan/replay.py:Decision.why",),
    "the version of a file, by which records/record.py converts it before it is decoded": (
        "plan/replay.py:_File.schema",),
    "read as an Origin, which a finding is as well": (
        "plan/signals/__init__.py:Seen.name", "plan/signals/__init__.py:Seen.source",),
    "shown to people alone: no mechanism weighs it": (
        "plan/signals/shown_only.py:alarms_raised", "plan/signals/shown_only.py:auth_failures_above_baseline",
        "plan/signals/shown_only.py:canary_fails", "plan/signals/shown_only.py:regulated",),
}
"""Why, to ``module:Class.field`` or ``module:name``."""
UNUSED_VALUES: dict[str, tuple[str, ...]] = {
    "configuration may say so; it is compared with the risks of remedies by their order": (
        "model/service/limits.py:low", "model/service/limits.py:medium",),
    "configuration may say so; stacks/ and people read it": (
        "model/service/platform.py:backend", "model/service/platform.py:database",
        "model/service/platform.py:frontend", "model/service/platform.py:gateway",
        "model/service/platform.py:provider",),
    "configuration may say so; PagerDuty reads it": (
        "model/service/people.py:error", "model/service/people.py:info"),
    "used behind a comparison that is misspelt as well, so that it is not looked at": (
        "plan/course.py:confirm", "plan/course.py:remind",),
}
"""Why, to ``module:value``."""
