"""The configuration of one service that the responder looks after.

The classes are plain dataclasses, so that a function starts without a validation library. Whoever builds or deploys
checks the YAML file against these same classes with pydantic (``stacks/configuration.py``); what a function reads is
the checked result as JSON, bundled beside its code and read by ``model/codec.py``.

Durations carry their unit in the name. Shares are 0 to 1. Times of day are UTC.
"""

from __future__ import annotations

from responder.model.service.configuration import Service
from responder.model.service.customers import Customers, Language
from responder.model.service.limits import (
    Alarms,
    Approval,
    Confirm,
    Freeze,
    Guardrails,
    Mode,
    Policy,
    Recovery,
    Reports,
)
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
from responder.model.service.observability import Metrics, NewRelic, Splunk
from responder.model.service.people import PagerDuty, Person, Slack, Statuspage
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

__all__ = [
    "Alarms", "AppConfig", "Approval", "Asked", "AwsAccount", "Cluster", "Component", "Confirm", "Customers",
    "Database", "Deployment", "Freeze", "Guardrails", "Language", "Metrics", "Mode", "Network", "NewRelic",
    "PagerDuty", "Person", "Policy", "Probe", "Provider", "ProviderSwitch", "Recovery", "Remedy", "Reports", "Role",
    "Service", "Slack", "Splunk", "Statuspage", "UnknownService", "deployed", "load", "names", "recorded_service"]
