"""One service, as one file of ``config/`` describes it."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property

from responder.model.frozen import dataclass
from responder.model.service.cloudwatch_logs import CloudWatchLogs
from responder.model.service.credentials import Credential
from responder.model.service.customers import Customers
from responder.model.service.dependencies import Dependency
from responder.model.service.foreign_changes import ChangeFeeds
from responder.model.service.hosts import Parties
from responder.model.service.issues import GitHub, Jira
from responder.model.service.limits import Alarms, Approval, Confirm, Guardrails, Mode, Policy, Recovery
from responder.model.service.links import Links
from responder.model.service.observability import ApplicationSignals, Metrics, NewRelic, Prometheus, Splunk
from responder.model.service.payments import Payments
from responder.model.service.people import PagerDuty, Person, Slack, Statuspage
from responder.model.service.platform import (
    AwsAccount,
    Cluster,
    Component,
    Database,
    Network,
    Probe,
    Provider,
    ProviderSwitch,
)
from responder.model.service.reports import Reports
from responder.model.service.starters import Starters
from responder.model.service.switches import Switch


@dataclass(frozen=True)
class Service:
    """One service, as one file of ``config/`` describes it."""

    service: str
    """Its name: lower-case letters, digits and hyphens."""
    cluster: Cluster
    components: tuple[Component, ...]
    entry: str
    """The component that customers reach first."""
    metrics: Metrics
    mode: Mode = "observe"
    """``observe`` says what it would do, ``approve`` asks before each remedy, ``auto`` acts as ``policy`` says."""
    description: str = ""
    """What it does, in a sentence; where it speaks of payments, customers are told of payments."""
    newrelic: NewRelic | None = None
    splunk: Splunk | None = None
    cloudwatch_logs: CloudWatchLogs | None = None
    prometheus: Prometheus | None = None
    application_signals: ApplicationSignals | None = None
    foreign_changes: ChangeFeeds | None = None
    database: Database | None = None
    providers: tuple[Provider, ...] = ()
    provider_switch: ProviderSwitch | None = None
    payments: Payments | None = None
    """None: that payments are declined is not looked at."""
    credentials: tuple[Credential, ...] = ()
    """Certificates, keys and tokens that come to an end: what is told of them where a callee refuses ours."""
    dependencies: tuple[Dependency, ...] = ()
    """What else the components call: caches, queues, checks, vaults."""
    switches: tuple[Switch, ...] = ()
    """By which load is shed, retries are capped, or a dependency is done without; none: that is left to people."""
    probes: tuple[Probe, ...] = ()
    """At most one a target; none: the network is not probed."""
    network: Network | None = None
    """None: probes start outside the service's network, so only those of providers say anything."""
    aws: AwsAccount = field(default_factory=AwsAccount)
    alarms: Alarms = field(default_factory=Alarms)
    starters: Starters = field(default_factory=Starters)
    """Other systems whose alerts start an incident."""
    confirm: Confirm = field(default_factory=Confirm)
    recovery: Recovery = field(default_factory=Recovery)
    guardrails: Guardrails = field(default_factory=Guardrails)
    approval: Approval = field(default_factory=Approval)
    policy: dict[str, Policy] = field(default_factory=dict)
    """Per action: ``auto``, ``approve`` or ``off``; an action that is not named is ``off``."""
    pagerduty: PagerDuty | None = None
    slack: Slack | None = None
    statuspage: Statuspage | None = None
    customers: Customers = field(default_factory=Customers)
    github: GitHub | None = None
    """Where improvements are filed as issues; so is ``jira``."""
    jira: Jira | None = None
    reports: Reports = field(default_factory=Reports)
    links: Links = field(default_factory=Links)
    """The team's own pages that messages link to."""
    team: tuple[Person, ...] = ()
    notify_emails: tuple[str, ...] = ()
    """E-mail addresses that are subscribed to the incident topic."""
    prefix: str = "incident-response"
    """The deployment's prefix, by which its names begin; ``deployment.yaml`` has it, and no service's own file."""
    shown_keys: tuple[str, ...] = ()
    """Names of environment variables and ConfigMap keys, or patterns such as ``LOG_*``, whose values people may be
    shown in diffs. Any other value is told to have changed only, unless it is harmless (``model/redact.py``)."""

    def component(self, name: str) -> Component:
        """Return the component called ``name``; KeyError where there is none."""
        for component in self.components:
            if component.name == name:
                return component
        raise KeyError(name)

    def namespace(self, name: str) -> str:
        """Return the Kubernetes namespace of the workload of the component called ``name``; KeyError for no component.
        """
        return self.component(name).namespace or self.cluster.namespace

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The Kubernetes namespaces of the components' workloads, the cluster's first."""
        return tuple(dict.fromkeys([self.cluster.namespace, *(
            component.namespace for component in self.components if component.namespace)]))

    @property
    def graph(self) -> dict[str, tuple[str, ...]]:
        """The call graph: each component's name to the names of its callees."""
        return {component.name: component.calls for component in self.components}

    def called(self, host: str) -> str:
        """Return what ``host`` is: a component's name, ``database``, ``provider:NAME``, ``dependency:NAME`` or an empty
        text."""
        return self.parties.called(host)

    @cached_property
    def parties(self) -> Parties:
        """Whose hosts there are."""
        return Parties(self.components, self.database, self.providers, self.cluster.namespace, self.dependencies)

    def dependency(self, name: str) -> Dependency | None:
        """Return the dependency called ``name``; None where there is none."""
        return next((dependency for dependency in self.dependencies if dependency.name == name), None)

    def target(self, name: str) -> str:
        """Return what a probe's target is: a component's name, ``database``, ``provider:NAME``, ``dependency:NAME`` or
        an empty text.
        """
        if name in self.graph:
            return name
        if self.database and name == self.database.name:
            return "database"
        if self.dependency(name):
            return f"dependency:{name}"
        return f"provider:{name}" if any(name == provider.name for provider in self.providers) else ""

    @property
    def lease_seconds(self) -> float:
        """How long an execution that shows no sign of life holds the service's place: longer than it ever waits."""
        return max(self.approval.wait_seconds, self.recovery.check_at_most_every_seconds,
                   self.recovery.check_every_seconds, self.confirm.round_wait_seconds,
                   self.confirm.look_wait_seconds) + 600.0

    @property
    def remedy_seconds(self) -> float:
        """How long a remedy takes at most: until people have answered, it is applied, and it was watched."""
        return self.approval.wait_seconds + 3 * self.recovery.give_up_seconds + 600.0

    @property
    def kill_switch(self) -> str:
        """The SSM parameter that stops all remedies: anything but ``released`` does."""
        return f"/{self.prefix}/{self.service}/kill-switch"
