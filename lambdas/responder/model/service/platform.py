"""What the service runs on: its parts, cluster, database, providers, and the AWS account around it."""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass

Role = Literal["frontend", "backend", "gateway", "database", "provider", "other"]


@dataclass(frozen=True)
class Component:
    """One part of the service: what the plan calls frontend, backend, payment gateway."""

    name: str
    """Its name in every vendor's data (New Relic's appName, Splunk's component, CloudWatch's dimension)."""
    role: Role = "other"
    """Which part of the plan it is: for people who read the file; nothing is decided by it."""
    workload: str = ""
    """The Kubernetes workload that runs it, ``NAME`` or ``KIND/NAME`` (``statefulset/pay``, ``daemonset/pay``,
    ``rollout/pay``); empty: the one with the component's name, of whatever kind."""
    calls: tuple[str, ...] = ()
    """Names of components, of the database or of providers that it calls while it serves a request."""
    namespace: str = ""
    """The Kubernetes namespace of the workload; empty: the cluster's."""
    service: str = ""
    """The Kubernetes Service in front of it, by name; empty: the one whose selector selects its pods."""
    container: str = ""
    """The container of its pods that is the application; empty: it is told from the sidecars by what the pods say."""
    hosts: tuple[str, ...] = ()
    """Further hosts by which its callers name it (an internal load balancer's); ``*`` stands for any characters."""

    @property
    def deployment(self) -> str:
        """The name of the workload that runs it."""
        return self.workload.rpartition("/")[2] or self.name

    @property
    def kind(self) -> str:
        """The workload's kind in lower case, where the configuration says it; empty: whatever kind there is."""
        return self.workload.rpartition("/")[0].lower()


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
    """The database behind the service: an RDS instance, or a DB cluster (Aurora, Multi-AZ DB cluster).

    RDS itself says which engine it is.
    """

    name: str
    """Its name among the components' ``calls``."""
    instance: str = ""
    """The RDS instance's identifier; of a cluster one of its members; empty: the cluster alone is named."""
    host: str = ""
    """The host by which the callers name it; empty: its name."""
    hosts: tuple[str, ...] = ()
    """Further hosts by which they name it; ``*`` stands for any characters. The endpoints that RDS gives the same
    instance or cluster are known without it."""
    maximum_connections: int = 0
    """Connections that the instance takes at most; 0: not known."""
    performance_insights: bool = True
    """Whether Performance Insights is on, and is asked for what the database waits for."""
    parameter_group: str = ""
    """Its parameter group, whose changes are recorded and may be restored; empty: they are left to people."""
    secret: str = ""
    """The secret in Secrets Manager with the service's password for it, by name: its rotations may be a cause; empty:
    whose rotations CloudTrail tells of is not known, and they are evidence of nothing."""
    cluster: str = ""
    """The DB cluster's identifier, which gives the right to fail it over and to read its members; empty: none, or one
    that the instance tells of, which people fail over."""
    proxy: str = ""
    """The name of the RDS Proxy in front of it; empty: none."""
    cluster_parameter_group: str = ""
    """The same of the DB cluster, which has the parameters of all its instances."""
    users: tuple[str, ...] = ()
    """The database users by which the service itself logs in; empty: not known, and then no other client is told by its
    user, as MySQL needs it."""

    @property
    def address(self) -> str:
        """The host by which the callers name it."""
        return self.host or self.name

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The names by which AWS knows it and what belongs to it."""
        return tuple(name for name in (self.instance, self.cluster, self.proxy, self.parameter_group,
                                       self.cluster_parameter_group) if name)


@dataclass(frozen=True)
class Provider:
    """A payment provider that the service calls."""

    name: str
    """Its name among the components' ``calls``, and as the switch of the provider says it."""
    status_page: str = ""
    """The address of its status page's JSON: Statuspage's ``/api/v2/summary.json``, Instatus' ``/summary.json``, Better
    Stack's ``/index.json``, incident.io's ``/api/v1/summary``; others by ``status_path``. Empty: it has none."""
    host: str = ""
    """The host that the service calls, as New Relic's spans and the logs name it; empty: its name."""
    hosts: tuple[str, ...] = ()
    """Further hosts of it that the service calls; ``*`` stands for any characters: ``*.payments.example``."""
    status_components: tuple[str, ...] = ()
    """The components on the page that the service depends on, by name or id; none: what the page says of all."""
    status_path: str = ""
    """Where the status stands in a page of another make: its keys, with dots between (``result.0.state``)."""
    status_well: tuple[str, ...] = ()
    """What the page says while all is well, where that is no usual word; then anything else is trouble."""
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
    """The application's id."""
    environment: str
    """The environment's id."""
    profile: str
    """The configuration profile's id."""
    strategy: str = "AppConfig.AllAtOnce"
    """How it is deployed; a slow strategy is a slow remedy. While one bakes (this one for ten minutes) no other is
    deployed: a strategy without bake time can be rolled back at once."""


@dataclass(frozen=True)
class ProviderSwitch:
    """Where the platform reads which provider it uses: one of the three."""

    config_map: str = ""
    """The ConfigMap, in the namespace of the workloads."""
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
    """The port that is tried, by TCP."""
    tls: bool = True
    """False where the protocol begins without TLS (PostgreSQL, MySQL) or the certificate is of a private authority."""


@dataclass(frozen=True)
class Network:
    """Where in the service's VPC functions run, and what they find there. Probes always start there."""

    subnets: tuple[str, ...]
    """Ids of the subnets of the cluster's nodes: what leaves them takes the routes that the pods' packets take."""
    security_groups: tuple[str, ...]
    """Ids of groups that may get out to what is probed, and that the database's group lets in."""
    name: str = ""
    """The names of the functions there end with it. Each further network of a deployment needs one."""
    functions: tuple[str, ...] = ()
    """What else runs there: ``cluster`` (all that speak to the cluster's API), names of sources and actions, ``ledger``
    or ``all``. ``make network`` says what each then needs."""
    endpoints: tuple[str, ...] = ()
    """The VPC's endpoints, by the last part of their names: ``s3``, ``rds``, ``monitoring``."""
    nat: bool = False
    """Whether the subnets' routes lead to a NAT gateway."""
    proxy: str = ""
    """The HTTP proxy for what is not within the VPC: ``http://proxy.internal:3128``; empty: there is none."""
    inner: tuple[str, ...] = ()
    """Hosts, or domains, that are reached within the VPC: neither by the proxy nor by NAT."""


@dataclass(frozen=True)
class AwsAccount:
    """What is asked of the AWS account around the service."""

    health_api: bool = False
    """Whether the support plan has the AWS Health API (Business or higher); events on EventBridge come anyway."""
    services: tuple[str, ...] = ("RDS", "EKS", "EC2", "ELASTICLOADBALANCING")
    """The services, in AWS Health's words, that this one lives on."""
    cloudtrail: bool = True
    """Whether CloudTrail is asked who changed what."""
    nodegroups: bool = True
    """Whether EKS' node groups and the EC2 status of the nodes are asked."""
    security_groups: tuple[str, ...] = ()
    """Ids of the security groups on the service's ways (the database's, the nodes') in which a rule that somebody just
    removed may be restored, as CloudTrail recorded it; none: that is left to people."""
    role_arn: str = ""
    """Where the service is in another account: how the ARNs of the functions' roles there begin
    (``arn:aws:iam::222222222222:role/incident-response-payments``); the names of the functions follow. Empty: it is in
    the responder's own. ``make member`` makes the roles."""
    external_id: str = ""
    """What these roles ask for besides."""
    region: str = ""
    """The Region of the service's cluster, database and metrics; empty: the responder's."""
    resources: tuple[str, ...] = ()
    """Ids or names of further resources that the service depends on (security groups that are left to people, route
    tables, network ACLs, load balancers): changes of them, and AWS Health's events on them, are of the service. An
    account holds others' as well."""
    nodegroup_names: tuple[str, ...] = ()
    """The node groups that the service's pods run on; none: all of the cluster."""

    @property
    def account(self) -> str:
        """The id of the account that the service is in; empty: the responder's own."""
        return self.role_arn.split(":")[4] if self.role_arn else ""
