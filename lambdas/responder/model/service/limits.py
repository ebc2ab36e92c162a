"""When something is an outage, when it is over, and what bounds the remedies."""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass

Mode = Literal["observe", "approve", "auto"]
Policy = Literal["auto", "approve", "off"]


@dataclass(frozen=True)
class Tag:
    """A tag of an alarm in CloudWatch."""

    key: str
    """The tag's key."""
    value: str
    """The tag's value."""


@dataclass(frozen=True)
class OwnAlarm:
    """An alarm that the user made: it starts an incident of this service, too. Either of the two is given."""

    name: str = ""
    """Its name, in this account and Region."""
    tag: Tag | None = None
    """Every alarm with this tag."""


@dataclass(frozen=True)
class Alarms:
    """The thresholds of the CloudWatch alarms that start an incident; ``docs/alarms.md`` has their reasons."""

    error_rate: float = 0.05
    """Share of failed requests above which the service is in trouble."""
    latency_p95_ms: int = 1500
    """Milliseconds of the 95th percentile above which the service is in trouble."""
    latency_p99_ms: int | None = None
    """The same for the 99th percentile; None: it has no alarm."""
    minimum_requests_per_period: int = 20
    """A period with fewer requests than this raises no alarm on p95, and with five times fewer none on p99."""
    latency_period_seconds: int = 60
    """10 or 30 finds slowness alone in 20 s or 60 s, of services with enough requests in that time, and costs $0.40 a
    month more; 60 finds it in about a minute."""
    minimum_failures: int = 5
    """Fewer failed requests than this raise no error-rate alarm: one customer who tries again is no outage."""
    false_alarms_a_week: float = 0.1
    """How often each alarm may go off for nothing if the service always failed just as much as its threshold allows.
    The fewer requests there are, the more of them must fail."""
    objective: float | None = None
    """Share of the requests that must succeed, such as 0.999; None: that of ``reports.objective``. Where neither is
    given, nobody looks at the rate at which the error budget burns."""
    traffic_share: float = 0.4
    """Less than this share of the requests of the same time of the last weeks is a loss of traffic."""
    traffic_floor_requests_per_period: float = 1.0
    """Until the last weeks are known: fewer requests than this, or no data at all, is a loss of traffic."""
    evaluation_periods: int = 1
    """The responder asks three sources before it wakes anybody, so the alarm may be quick."""
    datapoints_to_alarm: int = 1
    """Of ``evaluation_periods``, how many must be over the threshold."""
    traffic_evaluation_periods: int = 3
    """Periods of too little traffic before its alarm; longer than the metrics are late."""
    own: tuple[OwnAlarm, ...] = ()


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
    """The time between two rounds."""
    looks: int = 4
    """How often evidence is gathered while no cause stands out, before it is left to people."""
    look_wait_seconds: int = 15
    """Kubernetes itself needs 40 s to give up a node."""


@dataclass(frozen=True)
class Recovery:
    """When an outage counts as over."""

    hold_seconds: int = 300
    """How long the symptom must have been gone, by more than one source."""
    check_every_seconds: int = 30
    """How often the symptom is looked for, at first."""
    give_up_seconds: int = 900
    """A remedy that has not helped by then did not help."""
    watch_after_escalation_seconds: int = 3600
    """How long the responder keeps watching while people work: 14 days at most."""
    check_at_most_every_seconds: int = 900
    """Looks become rarer the longer it takes, up to this."""
    long_outage_seconds: int = 900
    """Customers are told of an outage of any cause that lasts longer."""
    calm_seconds: int = 1800
    """Stabilisation period: a temporary change (more pods, the other provider, a closed node) is restored when it has
    not been needed for this time."""
    aftercare_seconds: int = 21_600
    """A temporary change that is still needed after this time, 14 days at most, is left to people."""
    relapse_seconds: int = 1800
    """A signal within this time after an incident was closed opens the same one again."""


@dataclass(frozen=True)
class Guardrails:
    """What bounds the remedies of one incident."""

    minimum_confidence: float = 0.8
    """No remedy is applied, and no cause named, that is less certain than this."""
    minimum_sources: int = 2
    """Independent sources that must support the cause."""
    remedies_per_incident: int = 3
    """So many remedies at most are carried out in one incident."""
    reach_share: float = 0.5
    """The largest share of a workload's pods that is restarted or added at once."""
    maximum_replicas: int = 20
    """No workload is scaled beyond this many pods."""
    storage_growth: float = 0.25
    """Storage is raised by this share of what is allocated."""
    remedies_per_hour: int = 6
    """Over all incidents of the service."""
    cooldown_seconds: int = 900
    """Minimum time between two runs of one action on one target."""
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True)
class Freeze:
    """A time in which nothing is changed; people are told what would have been."""

    start: str
    """ISO 8601 with a time zone (``2026-11-27T00:00:00Z``), or ``fri 18:00`` of every week, in UTC."""
    end: str
    """The same of the end."""
    reason: str = ""
    """Why, as people are told."""
    allows: tuple[str, ...] = ()
    """Actions that are carried out all the same."""


@dataclass(frozen=True)
class Approval:
    """How people are asked."""

    wait_seconds: int = 900
    """A request that nobody answers expires, and the next hypothesis or people follow."""
    task_seconds: int = 3600
    """How long a manual task stays open."""
    remind_seconds: int = 600
    """How often the person with a manual task is reminded, and the next person told, until somebody says that it is
    done."""
    roles: tuple[str, ...] = ("sre",)
    """Roles of the team members who are asked for approvals."""
    links: Literal["none", "low", "medium"] = "none"
    """The highest risk for which signed links are sent, each to its person alone, because a link works for its holder.
    There are no links for high risk or where two people must approve; IAM and Slack always work."""
    two_person: tuple[str, ...] = ()
    """Actions that two people must approve: two identities by IAM, by Slack, or one by each."""
