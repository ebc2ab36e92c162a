"""The systems that are asked for evidence, one module each.

A module is a source by being here: it sets ``SOURCE``. The stacks give each one that a service's configuration names
a function with a role of its own, built from what it declares; nothing else needs to be edited for a new one.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from responder.clients.failure import CallFailed
from responder.clients.looks import ALONE, Alone
from responder.model.codec import encode
from responder.model.evidence import Detail, Finding, Window, finding_of
from responder.model.frozen import dataclass
from responder.model.masking import mask_all
from responder.model.service import Database, Service

DAY_SECONDS = 86_400.0
Phase = Literal["confirm", "isolate", "diagnose", "watch", "aftercare"]


@dataclass(frozen=True)
class Statement:
    """A permission that a function needs.

    ``resources`` are ARNs in which the stack fills ``{partition}``, ``{region}`` and ``{account}``. Where the API
    knows no resources, ``resources`` is ``("*",)`` and ``why_all`` gives the reason, which the synthesis shows.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why_all: str = ""


METRIC_DATA = Statement(
    ("cloudwatch:GetMetricData",), ("*",),
    why_all="cloudwatch:GetMetricData knows no resources (Service Authorization Reference, Amazon CloudWatch)")

RDS_EVENTS = Statement(
    ("rds:DescribeEvents",), ("*",),
    why_all="rds:DescribeEvents knows no resources (Service Authorization Reference, Amazon RDS)")


def cluster_access(service: Service) -> tuple[Statement, ...]:
    """Return the IAM permissions to reach the service's cluster; its RBAC decides on the rest."""
    return (Statement(("eks:DescribeCluster",),
                      (f"arn:{{partition}}:eks:{{region}}:{{account}}:cluster/{service.cluster.name}",)),)


def database_reading(database: Database) -> tuple[Statement, ...]:
    """Return the permissions to read what ``clients/databases.py`` reads."""
    arn = "arn:{partition}:rds:{region}:{account}:"
    if not database.cluster:
        return (Statement(("rds:DescribeDBInstances",), (f"{arn}db:{database.instance}",)),
                Statement(("rds:DescribeDBClusters",), (f"{arn}cluster:*",), why_all=(
                    "the DB cluster of an instance is not known before it is described")))
    return (Statement(("rds:DescribeDBClusters",), (f"{arn}cluster:{database.cluster}",)),
            Statement(("rds:DescribeDBInstances",), (f"{arn}db:*",), why_all=(
                "the instances of a DB cluster come and go, and are found by a filter, which allows db:* alone")))


@dataclass(frozen=True)
class Query:
    """What a source is asked: for which service, for which window of time, and by when."""

    service: Service
    phase: Phase
    window: Window
    """When the symptom is looked for."""
    baseline: Window
    """What counts as normal operation."""
    deadline: float
    """``time.monotonic`` seconds by which the answer must be there."""
    age_seconds: float = 0.0
    """How long ago the window ended; 0: it ends now. What was not known at its end must not be told."""
    looks: Alone = ALONE
    """How look-ups are made: within the source's budget, and shared with other incidents."""

    @property
    def day_before(self) -> tuple[Window, Window]:
        """The window and the baseline of the same hour a day before."""
        return (Window(self.window.start - DAY_SECONDS, self.window.end - DAY_SECONDS),
                Window(self.baseline.start - DAY_SECONDS, self.baseline.end - DAY_SECONDS))

    @property
    def past(self) -> bool:
        """Whether it is about a past time."""
        return self.age_seconds > 0

    def whole(self, period_seconds: int) -> Window:
        """Return the window; of a past time without a period that had not ended, which by now has data of later."""
        end = self.window.end // period_seconds * period_seconds if self.past else self.window.end
        return Window(self.window.start, max(self.window.start, end))


@dataclass(frozen=True)
class Budget:
    """How many calls the responder makes of one vendor for all services together (``docs/neighbours.md``).

    Others use the same account, so it is half of what the vendor allows, or less.
    """

    api: str
    """The vendor's calls that have the limit. Several sources may have budgets of one."""
    calls: float
    """In ``seconds``, for each scope. So many may come at once after a pause, and as many again meanwhile."""
    seconds: float
    limit: str
    """The vendor's limit, in words, with the page that says so; or that none is documented."""
    vendor_calls: float | None = None
    """The vendor's limit for each scope in the same ``seconds``; None: it is no rate, or none is documented."""
    a_look: Callable[[Query], int] = lambda query: 1
    """How many calls one look makes at most."""
    scope: Callable[[Service], str] = lambda service: ""
    """Whose limit it is; empty: nobody's but the service's own, which has one incident at a time."""


GET_METRIC_DATA = "CloudWatch GetMetricData"
KUBERNETES_API = "the Kubernetes API"
KUBERNETES_LIMIT = ("requests at once, by their flow, and none a second (Kubernetes: API Priority and Fairness); a "
                    "cluster in trouble is spared")


def of_account(service: Service) -> str:
    """Return the account and the Region that are asked after a service, as the scope of a budget."""
    return f"{service.aws.account or 'own'}/{service.aws.region or 'own'}"


def metric_data_budget(calls_a_second: float, a_look: Callable[[Query], int]) -> Budget:
    """Return a source's part of the limit on CloudWatch's GetMetricData, which several sources ask."""
    return Budget(GET_METRIC_DATA, calls_a_second, 1.0,
                  "50 calls a second in an account and a Region (AWS: CloudWatch service quotas)", 50.0, a_look,
                  of_account)


def of_cluster(service: Service) -> str:
    """Return the cluster of a service, as the scope of a budget."""
    return f"{of_account(service)}/{service.cluster.name}"


def asked_as(service: Service, *parts: object) -> str:
    """Return the end of a shared look-up's key: as whom it is asked, where, and a digest of what else it depends on.

    Only those who would ask as the same role share what it was answered.
    """
    aws = service.aws
    given = json.dumps([aws.role_arn, aws.external_id, *(encode(part) for part in parts)], sort_keys=True)
    return f"{of_account(service)}/{hashlib.sha256(given.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Source:
    """A system that is asked, and what its function needs for that."""

    name: str
    phases: frozenset[Phase]
    collect: Callable[[Query], Sequence[Finding[Detail]]]
    """Return findings; raise CallFailed where nothing came back at all."""
    configured: Callable[[Service], bool] = lambda service: True
    """Whether the service's configuration names it; it is not deployed otherwise."""
    statements: Callable[[Service], tuple[Statement, ...]] = lambda service: ()
    secrets: Callable[[Service], tuple[str, ...]] = lambda service: ()
    """Names of the Secrets Manager secrets that it reads."""
    budget: Budget | None = None
    """How much it may ask; a test fails for a source without one."""
    shared: Callable[[Query], tuple[str, ...]] | None = None
    """The keys of what it asks that is the same for several services, by which it shares it; None: it shares nothing.
    """
    ahead: Callable[[Query], None] | None = None
    """Ask, and share, what takes long for the first diagnosis, while the incident is still confirmed; None: nothing."""
    kubernetes_group: str = ""
    """The group of ``kubernetes/rbac.yaml`` that its role belongs to."""
    alarms: bool = False
    """Whether it describes the alarms that start a service's incidents, and no others."""
    reads: str = ""
    """The partition of the timeline table that it reads (``LEDGER#``, ``HEALTH``); empty: none."""
    inside: bool = False
    """Whether its function runs in the service's network, where the configuration gives one."""
    deadline_seconds: float = 10.0
    past: bool = True
    """Whether it can be asked about a past time; False: it tells only how things are when it is asked."""
    now_only: frozenset[type[Detail]] = frozenset()
    """Of a source that can be asked about a past time: the kinds of findings that tell only of when it is asked."""


NOT_THEN = "it tells only of now, and how it was then is not known"
"""Why a question about a past time has no answer."""


def collect_independently(source: str, query: Query,
                          parts: Mapping[type[Detail], Callable[[], Sequence[Finding[Detail]]]]
                          ) -> list[Finding[Detail]]:
    """Return the findings of all parts; a part that fails is a finding of its kind that says so.

    A question about a past time does not ask for a part that tells only of now.
    """
    findings: list[Finding[Detail]] = []
    left_out = load(source).now_only if query.past else frozenset()
    for kind, collect in parts.items():
        if kind in left_out:
            findings.append(Finding(source=source, detail=kind(), status="unavailable", window=query.window,
                                    note=NOT_THEN))
            continue
        try:
            findings += collect()
        except CallFailed as failed:
            findings.append(Finding(source=source, detail=kind(), status=failed.status, window=query.window,
                                    note=failed.note))
    return findings


def shared_findings(query: Query, key: str,
                    collect: Callable[[Query], Sequence[Finding[Detail]]]) -> list[Finding[Detail]]:
    """Return the findings of a look-up that does not depend on the service beyond what is in its key.

    Each is of the window that it tells of; what lies in time within it is left to the source to cut.
    """
    answered = query.looks.once(key, query.window, lambda wide: [
        mask_all(finding.to_json()) for finding in collect(replace(query, window=wide))])
    return [replace(finding, window=answered.window) for finding in map(finding_of, answered.value)]


def load(name: str) -> Source:
    """Return the source called ``name``, importing its module alone."""
    source: Source = importlib.import_module(f"{__name__}.{name}").SOURCE
    return source


def all() -> tuple[Source, ...]:
    """Return all sources, by name."""
    return tuple(load(module.name) for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name))
