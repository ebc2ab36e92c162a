"""The configuration of one service that the responder looks after.

The classes are plain dataclasses, so that a function starts without a validation library. Whoever builds or deploys
checks the YAML file against these same classes with pydantic (``stacks/configuration.py``); what a function reads is
the checked result as JSON, bundled beside its code.

Durations carry their unit in the name. Shares are 0 to 1. Times of day are UTC.
"""

from __future__ import annotations

import json
import os
import types
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Mode = Literal["observe", "approve", "auto"]
Policy = Literal["auto", "approve", "off"]
Role = Literal["frontend", "backend", "gateway", "database", "provider", "other"]


@dataclass(frozen=True)
class Component:
    """One part of the service: what the plan calls frontend, backend, payment gateway."""

    name: str
    """Its name in every vendor's data (New Relic's appName, Splunk's component, CloudWatch's dimension)."""
    role: Role = "other"
    workload: str = ""
    """The Kubernetes Deployment that runs it; empty: the component's name."""
    calls: tuple[str, ...] = ()
    """Names of components, of the database or of providers that it calls while it serves a request."""

    @property
    def deployment(self) -> str:
        """The name of the Deployment that runs it."""
        return self.workload or self.name


@dataclass(frozen=True)
class Cluster:
    """Where the workloads run."""

    name: str
    """The EKS cluster's name."""
    namespace: str
    """The Kubernetes namespace of the workloads."""
    nodes_are_added: bool = False
    """Whether nodes are added where pods find none (Cluster Autoscaler, Karpenter, EKS Auto Mode): then there is always
    room for more pods, a minute later."""


@dataclass(frozen=True)
class Database:
    """The RDS instance behind the service."""

    name: str
    """Its name among the components' ``calls``."""
    instance: str
    """The RDS instance's identifier."""
    host: str = ""
    """The host by which the callers name it; empty: its name."""
    maximum_connections: int = 0
    """Connections that the instance takes at most; 0: not known."""
    performance_insights: bool = True
    parameter_group: str = ""
    """Its parameter group, whose changes are remembered and may be put back; empty: they are left to people."""

    @property
    def address(self) -> str:
        """The host by which the callers name it."""
        return self.host or self.name


@dataclass(frozen=True)
class Provider:
    """A payment provider that the service calls."""

    name: str
    status_page: str = ""
    """Its status page's summary URL (Statuspage's ``/api/v2/summary.json``); empty: it has none."""
    host: str = ""
    """The host that the service calls, as New Relic's spans and the logs name it; empty: its name."""
    health_url: str = ""
    """A URL that answers below 400 while the provider is well; empty: none is asked."""

    @property
    def address(self) -> str:
        """The host that the service calls."""
        return self.host or self.name


@dataclass(frozen=True)
class AppConfig:
    """A hosted, freeform JSON configuration profile of AWS AppConfig; all by their ids."""

    application: str
    environment: str
    profile: str
    strategy: str = "AppConfig.AllAtOnce"
    """How it is deployed; a slow strategy is a slow remedy. While one bakes (this one for ten minutes) no other is
    deployed: one without bake time can be taken back at once."""


@dataclass(frozen=True)
class ProviderSwitch:
    """Where the platform reads which provider it uses: one of the three."""

    config_map: str = ""
    key: str = ""
    """In the ConfigMap, or among the top-level keys of the AppConfig profile."""
    ssm_parameter: str = ""
    """The parameter whose value is the provider's name."""
    appconfig: AppConfig | None = None


@dataclass(frozen=True)
class Probe:
    """A way out that is tried when something is wrong: name, TCP, and TLS where it begins at once."""

    target: str
    """What is behind it: the name of a component, of the database or of a provider."""
    host: str
    """As the callers name it, without a scheme."""
    port: int
    tls: bool = True
    """False where the protocol begins without TLS (PostgreSQL, MySQL) or the certificate is of a private authority."""


@dataclass(frozen=True)
class Network:
    """Where in the service's VPC the probes start."""

    subnets: tuple[str, ...]
    """Ids of the subnets of the cluster's nodes: what leaves them takes the routes that the pods' packets take."""
    security_groups: tuple[str, ...]
    """Ids of groups that may get out to what is probed, and that the database's group lets in."""


@dataclass(frozen=True)
class AwsAccount:
    """What is asked of the AWS account around the service."""

    health_api: bool = False
    """Whether the support plan has the AWS Health API (Business or higher); events on EventBridge come anyway."""
    services: tuple[str, ...] = ("RDS", "EKS", "EC2", "ELASTICLOADBALANCING")
    """The services, in AWS Health's words, that this one lives on."""
    cloudtrail: bool = True
    nodegroups: bool = True
    """Whether EKS' node groups and the EC2 status of the nodes are asked."""
    security_groups: tuple[str, ...] = ()
    """Ids of the security groups on the service's ways (the database's, the nodes') in which a rule that somebody just
    took away may be put back, as CloudTrail recorded it; none: that is left to people."""


@dataclass(frozen=True)
class Metrics:
    """The service's own metrics in CloudWatch, one metric per component."""

    namespace: str
    dimension: str = "Component"
    requests: str = "Requests"
    errors: str = "Errors"
    latency: str = "Latency"
    """Milliseconds, published as values, so that percentiles can be asked for."""
    period_seconds: int = 10
    """10 where the metrics are published with a storage resolution of 1 s, else 60."""
    load_balancer: str = ""
    """The LoadBalancer dimension of the Application Load Balancer in front, ``app/name/id``; empty: none."""
    target_group: str = ""
    """The TargetGroup dimension of the entry's targets behind it, ``targetgroup/name/id``; empty: healthy hosts are
    not asked for."""
    canaries: tuple[str, ...] = ()
    """Names of the CloudWatch Synthetics canaries that try the service from outside."""


@dataclass(frozen=True)
class NewRelic:
    """What is asked of New Relic by NerdGraph."""

    account: int
    secret: str
    """The Secrets Manager secret that holds the user key, as a plain string."""
    endpoint: str = "https://api.newrelic.com/graphql"
    """``https://api.eu.newrelic.com/graphql`` for accounts in Europe."""
    event: str = "Transaction"
    component_attribute: str = "appName"
    version_attribute: str = "service.version"
    """The attribute that bears the deployed version; findings per version need it."""
    peer_attribute: str = "server.address"
    """The attribute of client spans that names the host called; findings per path need it."""


@dataclass(frozen=True)
class Splunk:
    """What is asked of Splunk by a search export."""

    url: str
    """The management endpoint, usually port 8089."""
    secret: str
    """The Secrets Manager secret that holds the authentication token, as a plain string."""
    search: str
    """The search that finds the service's logs, without a leading ``search``: ``index=payments``."""
    component_field: str = "component"
    level_field: str = "level"
    version_field: str = "version"
    pod_field: str = "pod"
    error_levels: tuple[str, ...] = ("ERROR", "FATAL")
    auth_failures: str = ('("authentication failed" OR "invalid credentials" OR "invalid api key" OR "invalid token" '
                          'OR "login failed") NOT "password authentication failed"')
    """The part of a search that finds lines about callers whose authentication failed; PostgreSQL's words are left
    out, for they are of the service's own way to its database."""
    rejected_signatures: str = ('("missing signature" OR "invalid signature" OR "signature mismatch" OR '
                                '"signature verification failed" OR "signature does not match" OR "bad signature" OR '
                                '"wrong signature" OR "unsigned request" OR "unsigned callback" OR "unsigned webhook" '
                                'OR "no signatures found matching")')
    """The part of a search that finds requests which were refused because their signature is missing or wrong."""
    client_field: str = "client_ip"
    """The field of the entry's request lines that names the client; empty: clients are not counted."""
    status_field: str = "status"
    """The field of request lines that holds the HTTP status; from 400 on a request failed. Empty: by level alone."""
    duration_field: str = "duration_ms"
    """The field of request lines that holds how many milliseconds an answer took; where no line has it, or it is empty,
    Splunk does not tell of slow answers."""


@dataclass(frozen=True)
class Alarms:
    """The thresholds of the CloudWatch alarms that start an incident."""

    error_rate: float = 0.05
    """Share of failed requests above which the service is in trouble."""
    latency_p95_ms: int = 1500
    minimum_requests_per_period: int = 20
    """A period with fewer requests than this raises no error-rate alarm: two of three failed is no outage."""
    traffic_floor_requests_per_period: float = 1.0
    """Fewer requests than this, or no data at all, is a loss of traffic."""
    evaluation_periods: int = 1
    """The responder asks three sources before it wakes anybody, so the alarm may be quick."""
    datapoints_to_alarm: int = 1
    traffic_evaluation_periods: int = 3


@dataclass(frozen=True)
class Confirm:
    """How the responder decides whether there is an outage."""

    window_seconds: int = 180
    """How far back the symptom is looked for, from the first signal; longer than the slowest source's delay."""
    baseline_seconds: int = 3600
    """The time before the window that counts as normal."""
    error_rate: float = 0.05
    """A component fails when its error rate is above this beyond doubt (and well above its own baseline)."""
    latency_p95_ms: int = 1500
    """Slower than this, and three times slower than its baseline, is an outage too."""
    minimum_requests: int = 20
    """Fewer requests than this in a stretch of time decide nothing about its error rate."""
    rounds: int = 3
    """How often the sources are asked again while the answer is inconclusive."""
    round_wait_seconds: int = 30
    looks: int = 4
    """How often evidence is gathered while no cause stands out, before it is left to people."""
    look_wait_seconds: int = 15
    """Kubernetes itself needs 40 s to give up a node."""


@dataclass(frozen=True)
class Recovery:
    """When an outage counts as over."""

    hold_seconds: int = 300
    """The symptom must have been gone for so long, by more than one source."""
    check_every_seconds: int = 30
    give_up_seconds: int = 900
    """A remedy that has not helped by then did not help."""
    watch_after_escalation_seconds: int = 3600
    """How long the responder keeps watching while people work."""
    check_at_most_every_seconds: int = 900
    """While it takes long, looks become rarer, up to this."""
    long_outage_seconds: int = 900
    """An outage of any cause that has lasted so long is one that customers are to be told of."""
    calm_seconds: int = 1800
    """What was done for the time being (more pods, the other provider, a closed node) is put back when its reason has
    been gone for so long."""
    aftercare_seconds: int = 21_600
    """After so long without that it is left to people."""
    relapse_seconds: int = 1800
    """A signal within this time after an incident was closed opens the same one again."""


@dataclass(frozen=True)
class Guardrails:
    """What bounds the remedies of one incident."""

    minimum_confidence: float = 0.8
    minimum_sources: int = 2
    """Independent sources that must support the cause."""
    remedies_per_incident: int = 3
    reach_share: float = 0.5
    """The largest share of a workload's pods that is restarted or added at once."""
    maximum_replicas: int = 20
    """No workload is scaled beyond this many pods."""
    storage_growth: float = 0.25
    """Storage is raised by this share of what is allocated."""
    remedies_per_hour: int = 6
    """Over all incidents of the service."""
    cooldown_seconds: int = 900
    """The same action on the same target not before so long after the last time."""
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True)
class Freeze:
    """A time in which nothing is changed; people are told what would have been."""

    start: str
    """ISO 8601 with a time zone (``2026-11-27T00:00:00Z``), or ``fri 18:00`` of every week, in UTC."""
    end: str
    reason: str = ""
    allows: tuple[str, ...] = ()
    """Actions that are carried out all the same."""


@dataclass(frozen=True)
class Approval:
    """How people are asked."""

    wait_seconds: int = 900
    """A request that nobody answers expires, and the next hypothesis or people follow."""
    task_seconds: int = 3600
    """So long a manual task can be marked as done."""
    remind_seconds: int = 600
    """So often who has a manual task is reminded, and the next person told, while nobody says that it is done."""
    roles: tuple[str, ...] = ("sre",)
    """Who of the team is asked for approvals."""
    links: Literal["none", "low", "medium"] = "none"
    """The highest risk for which signed links are sent, each to its person alone: whoever holds one can answer. There
    are none for high risk or for what two people must approve; the ways with IAM and Slack are always there."""
    two_person: tuple[str, ...] = ()
    """Actions that two people must approve: two identities by IAM, by Slack, or one by each."""


@dataclass(frozen=True)
class Reports:
    """How postmortems are kept."""

    lock_days: int = 0
    """So long no version can be deleted (S3 Object Lock, governance mode); 0: versions are kept, and not locked. A
    bucket gets Object Lock when it is made: for one that is there AWS's page "Configuring S3 Object Lock" tells how."""


@dataclass(frozen=True)
class Person:
    """Somebody of the incident response team, or a group of them."""

    name: str
    role: str
    """``sre``, ``developer``, ``network``, ``database``, or one of the team's own."""
    email: str = ""
    """Where questions reach this person alone: its own subscription of the topic for approvals."""
    components: tuple[str, ...] = ()
    """What a developer is called for; none: for all."""
    pagerduty: str = ""
    """The id of a user (``P…``) who is asked to join, beside the one whom the integration pages."""
    slack: str = ""
    """The member id (``U…``) that is invited to the incident's channel, and may decide there."""
    iam: str = ""
    """Who it is in AWS: ``arn:aws:iam::123456789012:user/ada``, or a role and session
    ``arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Approver_*/ada@example.com``; ``*`` in the role alone."""


@dataclass(frozen=True)
class PagerDuty:
    """Who wakes people: an Events API v2 integration."""

    secret: str
    """The Secrets Manager secret that holds the integration's routing key, as a plain string."""
    events: str = "https://events.pagerduty.com/v2/enqueue"
    """``https://events.eu.pagerduty.com/v2/enqueue`` for accounts in Europe."""
    api_secret: str = ""
    """The secret that holds a REST API key, by which further responders are asked to join; empty: they are not."""
    api: str = "https://api.pagerduty.com"
    requester: str = ""
    """The id of the user in whose name they are asked."""
    requester_email: str = ""


@dataclass(frozen=True)
class Slack:
    """Where the team reads how it goes."""

    secret: str
    """The secret that holds the bot token, as a plain string."""
    channel: str = ""
    """The id of a standing channel, in which each incident is a thread; empty: each gets a channel of its own."""
    prefix: str = "inc"
    """What the name of an incident's own channel begins with."""
    signing_secret: str = ""
    """The secret that holds the app's signing secret; empty: there are no buttons, questions have links."""
    team: str = ""
    """The workspace's id (``T…``): buttons that are pressed in another decide nothing; empty: it is not looked at."""
    app: str = ""
    """The app's id (``A…``): payloads of another decide nothing; empty: it is not looked at."""
    api: str = "https://slack.com/api"


@dataclass(frozen=True)
class Statuspage:
    """Where customers read what does not work."""

    secret: str
    """The secret that holds the API key, as a plain string."""
    page: str
    components: dict[str, str] = field(default_factory=dict)
    """The service's components to the ids of those of the page that customers know."""
    api: str = "https://api.statuspage.io/v1"


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
    newrelic: NewRelic | None = None
    splunk: Splunk | None = None
    database: Database | None = None
    providers: tuple[Provider, ...] = ()
    provider_switch: ProviderSwitch | None = None
    probes: tuple[Probe, ...] = ()
    """At most one a target; none: the network is not probed."""
    network: Network | None = None
    """None: probes start outside the service's network, so only those of providers say anything."""
    aws: AwsAccount = field(default_factory=AwsAccount)
    alarms: Alarms = field(default_factory=Alarms)
    confirm: Confirm = field(default_factory=Confirm)
    recovery: Recovery = field(default_factory=Recovery)
    guardrails: Guardrails = field(default_factory=Guardrails)
    approval: Approval = field(default_factory=Approval)
    policy: dict[str, Policy] = field(default_factory=dict)
    """Per action: ``auto``, ``approve`` or ``off``; an action that is not named is ``off``."""
    pagerduty: PagerDuty | None = None
    slack: Slack | None = None
    statuspage: Statuspage | None = None
    reports: Reports = field(default_factory=Reports)
    team: tuple[Person, ...] = ()
    notify_emails: tuple[str, ...] = ()
    """E-mail addresses that are subscribed to the incident topic."""
    shown_keys: tuple[str, ...] = ()
    """Names of environment variables and ConfigMap keys, or patterns such as ``LOG_*``, whose values people may be
    shown in diffs. Any other value is told to have changed only, unless it is harmless (``model/redact.py``)."""

    def component(self, name: str) -> Component:
        """Return the component called ``name``; KeyError where there is none."""
        for component in self.components:
            if component.name == name:
                return component
        raise KeyError(name)

    @property
    def graph(self) -> dict[str, tuple[str, ...]]:
        """Who calls whom: component name to the names it calls."""
        return {component.name: component.calls for component in self.components}

    def called(self, host: str) -> str:
        """Return what ``host`` is: a component's name, ``database``, ``provider:NAME`` or an empty text."""
        name = host.split(":")[0].split(".svc")[0]
        for component in self.components:
            if name in (component.name, f"{component.name}.{self.cluster.namespace}"):
                return component.name
        if self.database and name in (self.database.address, self.database.name):
            return "database"
        for provider in self.providers:
            if name in (provider.address, provider.name):
                return f"provider:{provider.name}"
        return ""

    def target(self, name: str) -> str:
        """Return what a probe's target is: a component's name, ``database``, ``provider:NAME`` or an empty text."""
        if name in self.graph:
            return name
        if self.database and name == self.database.name:
            return "database"
        return f"provider:{name}" if any(name == provider.name for provider in self.providers) else ""

    @property
    def lease_seconds(self) -> float:
        """How long an execution that shows no sign of life holds the service's place: longer than it ever waits."""
        return max(self.approval.wait_seconds, self.recovery.check_at_most_every_seconds,
                   self.recovery.check_every_seconds, self.confirm.round_wait_seconds,
                   self.confirm.look_wait_seconds) + 600.0

    @property
    def kill_switch(self) -> str:
        """The SSM parameter that stops all remedies: anything but ``released`` does."""
        return f"/incident-response/{self.service}/kill-switch"


class UnknownService(LookupError):
    """Nobody looks after the service that was named."""


def build(kind: Any, value: Any) -> Any:
    """Return ``value`` (parsed JSON) as ``kind``: a dataclass, tuple, dict, optional or plain type.

    It builds what ``stacks/configuration.py`` has checked, and so checks nothing itself.
    """
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if value is None else build(options[0], value)
    if origin is tuple:
        return tuple(build(typing.get_args(kind)[0], item) for item in value)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{f.name: build(hints[f.name], value[f.name]) for f in fields(kind)
                       if f.name in value or (f.default is MISSING and f.default_factory is MISSING)})
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


@cache
def load(name: str) -> Service:
    """Return the configuration of the service called ``name``.

    It is read from ``services/NAME.json`` in the folder named by ``RESPONDER_CONFIG``, beside the code by default.
    Raises UnknownService where no file has that name.
    """
    path = _folder() / f"{name}.json"
    if name not in names():
        raise UnknownService(f"no service called {name!r} is configured; configured are: {', '.join(names()) or '-'}")
    service: Service = build(Service, json.loads(path.read_text(encoding="utf-8")))
    return service


@dataclass(frozen=True)
class Remedy:
    """An action's function, and what the state machine needs to know of it."""

    action: str
    function: str
    tells: str = ""
    """Whom it tells, where it changes nothing."""
    risk: str = "high"
    """``low``, ``medium`` or ``high``."""
    mends: bool = True
    """Whether it may mend something: by itself, or by those who are given a task."""


@dataclass(frozen=True)
class Deployment:
    """What was deployed for a service; written by ``stacks/packaging.py`` beside the configuration."""

    alarms: tuple[str, ...]
    """The names of the CloudWatch alarms that start its incidents."""
    sources: dict[str, list[dict[str, str]]]
    """Phase to the functions that are asked in it: [{source, function}]."""
    remedies: tuple[Remedy, ...]


@cache
def deployed(name: str) -> Deployment:
    """Return what was deployed for the service called ``name``."""
    text = (_folder() / "deployed" / f"{name}.json").read_text(encoding="utf-8")
    deployment: Deployment = build(Deployment, json.loads(text))
    return deployment


def names() -> tuple[str, ...]:
    """The names of all services that are looked after."""
    return tuple(sorted(path.stem for path in _folder().glob("*.json")))


def _folder() -> Path:
    return Path(os.environ.get("RESPONDER_CONFIG") or Path(__file__).resolve().parents[2] / "services")
