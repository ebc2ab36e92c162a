"""The configuration of one service that the responder looks after.

The classes are plain dataclasses, so that a function starts without a validation library. Whoever builds or deploys
checks the YAML file against these same classes with pydantic (``stacks/configuration.py``); what a function reads is
the checked result as JSON, bundled beside its code and read by ``model/codec.py``.

Durations carry their unit in the name. Shares are 0 to 1. Times of day are UTC.
"""

from __future__ import annotations

from responder.model.service.cloudwatch_logs import CloudWatchLogs
from responder.model.service.configuration import Service
from responder.model.service.credentials import Credential, CredentialKind
from responder.model.service.customers import Customers, Language
from responder.model.service.dependencies import Dependency
from responder.model.service.limits import (
    Alarms,
    Approval,
    Confirm,
    Freeze,
    Guardrails,
    Mode,
    OwnAlarm,
    Policy,
    Recovery,
    Tag,
)
from responder.model.service.links import Links
from responder.model.service.loading import (
    Asked,
    Deployment,
    Remedy,
    UnknownService,
    deployed,
    load,
    names,
    recorded_service,
)
from responder.model.service.observability import ApiGateway, ApplicationSignals, Metrics, NewRelic, Prometheus, Splunk
from responder.model.service.payments import MethodSwitch, Payments
from responder.model.service.people import PagerDuty, Person, Severities, Slack, Statuspage
from responder.model.service.platform import (
    AppConfig,
    AwsAccount,
    Cluster,
    Component,
    Database,
    Network,
    Probe,
    Provider,
    ProviderSwitch,
    Role,
)
from responder.model.service.reports import Objective, Payment, Reports, SeverityRule, SeverityRules
from responder.model.service.starters import Starter, Starters
from responder.model.service.switches import Switch

__all__ = [
    "Alarms", "ApiGateway", "AppConfig", "ApplicationSignals", "Approval", "Asked", "AwsAccount", "CloudWatchLogs",
    "Cluster", "Component", "Confirm", "Credential", "CredentialKind", "Customers", "Database", "Dependency",
    "Deployment", "Freeze", "Guardrails", "Language", "Links", "MethodSwitch", "Metrics", "Mode", "Network",
    "NewRelic", "Objective", "OwnAlarm", "PagerDuty", "Payment", "Payments", "Person", "Policy", "Probe", "Prometheus",
    "Provider", "ProviderSwitch", "Recovery", "Remedy", "Reports", "Role", "Service", "Severities", "SeverityRule",
    "SeverityRules", "Slack", "Splunk", "Starter", "Starters", "Statuspage", "Switch", "Tag", "UnknownService",
    "deployed", "load", "names", "recorded_service"]
