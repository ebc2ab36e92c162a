"""The stack: everything that is deployed for the services of one configuration folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Stack, Tags
from aws_cdk import aws_lambda as lambda_
from cdk_nag import NagSuppressions
from constructs import Construct

from responder.model.service import Service
from stacks.access import ClusterAccess
from stacks.alarm_names import alarm_names
from stacks.alarms import Alarms, Starter
from stacks.dashboard import Dashboard
from stacks.deployment import Settings
from stacks.elsewhere import function_name, is_elsewhere
from stacks.hardening import harden
from stacks.heartbeat import Heartbeat
from stacks.live import LivePage
from stacks.member import origins, take_events
from stacks.memory import Memory
from stacks.network import action_units, source_units, unit_of
from stacks.own_health import OwnHealth
from stacks.packaging import bundle
from stacks.records import Records
from stacks.room import reserve_the_rest
from stacks.settings import SettingsStore, metadata
from stacks.signals import Signals
from stacks.sweep import Sweep
from stacks.used import used_actions, used_sources
from stacks.usual_traffic import UsualTraffic
from stacks.versions import start_live
from stacks.workflow import Workflow


class IncidentResponse(Stack):
    """The incident responder for all configured services."""

    def __init__(self, scope: Construct, construct_id: str, *, services: Sequence[Service], build: Path,
                 settings: Settings, **stack: Any) -> None:
        super().__init__(scope, construct_id, **stack)
        emails = sorted({email for service in services for email in service.notify_emails})
        records = Records(self, "Records", settings=settings, emails=emails,
                          locked=any(service.reports.lock_days for service in services))
        code = lambda_.Code.from_asset(str(bundle(
            services, {service.service: _deployed(service, services, settings) for service in services}, build)))
        workflow = Workflow(self, "Workflow", settings=settings, services=services, code=code, records=records)
        store = SettingsStore(self, "Settings", prefix=settings.prefix, services=services)
        store.grant_read(workflow.decide)
        self.template_options.metadata = metadata(services)
        starter = Starter(self, "Starter", settings=settings, services=services, state_machine=workflow.state_machine,
                          origins=origins(services))
        for rule in starter.rules:
            start_live(rule, workflow.live)
        live = LivePage(self, "LivePage", settings=settings, code=code, records=records, answer_url=workflow.answer_url)
        memory = Memory(self, "Memory", settings=settings, services=services, code=code, records=records,
                        dead_letters=starter.dead_letters)
        sweep = Sweep(self, "Sweep", settings=settings, services=services, code=code, records=records,
                      state_machine=workflow.state_machine, live=workflow.live.arn)
        ClusterAccess(self, "ClusterAccess", settings=settings, services=services, workflow=workflow, memory=memory)
        take_events(self, services)
        Signals(self, "Signals", settings=settings, services=services, code=code, state_machine=workflow.state_machine,
                live=workflow.live.arn, dead_letters=starter.dead_letters)
        UsualTraffic(self, "UsualTraffic", settings=settings, code=code)
        for service in services:
            if not is_elsewhere(service):
                Alarms(self, f"Alarms-{service.service}", settings=settings, service=service)
            # The kill switch itself is no resource of this stack, so an update of the stack cannot release it.
            CfnOutput(self, f"KillSwitch-{service.service}", value=service.kill_switch,
                      description="SSM parameter: nothing is changed unless people have set it to 'released'")
        Heartbeat(self, "Heartbeat", settings=settings, services=services, code=code, records=records,
                  workflow=workflow)
        # After all else, because it looks at every function, queue, rule and starting alarm of the stack.
        health = OwnHealth(self, "OwnHealth", settings=settings, services=services, topic=records.topic,
                           state_machine=workflow.state_machine, not_started=starter.dead_letters,
                           not_told=workflow.undelivered, page=live.function, sweep=sweep.function,
                           ledgers=list(memory.ledgers.values()))
        if settings.dashboard:
            Dashboard(self, "Dashboard", settings=settings, services=services, health=health)
        reserve_the_rest(self, len(services))
        Tags.of(self).add("application", settings.prefix)
        self._suppress(records, starter, workflow)
        harden(self, settings, records.key)
        CfnOutput(self, "StateMachine", value=workflow.state_machine.state_machine_arn)
        CfnOutput(self, "Live", value=workflow.live.arn,
                  description="What alarms and people start: the state machine's version of the last deployment")
        CfnOutput(self, "Timeline", value=records.table.table_name)
        CfnOutput(self, "Reports", value=records.bucket.bucket_name)
        CfnOutput(self, "Topic", value=records.topic.topic_arn)
        CfnOutput(self, "AnswerUrl", value=workflow.answer_url,
                  description=f"Where people answer as themselves in AWS (policy {settings.prefix}-approver)")
        if workflow.approvals_topic:
            CfnOutput(self, "ApprovalsTopic", value=workflow.approvals_topic.topic_arn)
        if workflow.approval_url:
            CfnOutput(self, "ApprovalUrl", value=workflow.approval_url,
                      description="Where links lead, and the Request URL of a Slack app for its buttons")

    def _suppress(self, records: Records, starter: Starter, workflow: Workflow) -> None:
        NagSuppressions.add_resource_suppressions(records.access_logs, [
            {"id": "AwsSolutions-S1", "reason": "It holds the access logs of the report bucket; it logs no others."}])
        for queue in (starter.dead_letters, workflow.undelivered):
            NagSuppressions.add_resource_suppressions(queue, [
                {"id": "AwsSolutions-SQS3", "reason": "It is a dead-letter queue; an alarm watches its depth."}])


def _deployed(service: Service, services: Sequence[Service], settings: Settings) -> dict[str, Any]:
    """Return what ``responder.model.service.Deployment`` reads of a service."""
    phases: dict[str, list[dict[str, str]]] = {}
    asking, acting = source_units(services), action_units(services)
    for source in used_sources([service]):
        for phase in sorted(source.phases):
            phases.setdefault(phase, []).append({"source": source.name, "function": function_name(
                settings.prefix, "source", unit_of(service, asking, source.name).key)})
    return {"alarms": alarm_names(settings.prefix, service), "sources": phases,
            "remedies": [{"action": action.name, "risk": action.risk,
                          "mends": not action.audience or bool(action.task_for),
                          "function": function_name(
                             settings.prefix, "action", unit_of(service, acting, action.name).key)}
                         for action in used_actions([service])]}
