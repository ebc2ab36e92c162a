"""The systems that are asked for evidence, one module each.

A module is a source by being here: it sets ``SOURCE``. The stacks give each one that a service's configuration names
a function with a role of its own, built from what it declares; nothing else needs to be edited for a new one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from responder.clients.failure import CallFailed
from responder.model.evidence import Detail, Finding, Window
from responder.model.frozen import dataclass
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


def load(name: str) -> Source:
    """Return the source called ``name``, importing its module alone."""
    source: Source = importlib.import_module(f"{__name__}.{name}").SOURCE
    return source


def all() -> tuple[Source, ...]:
    """Return all sources, by name."""
    return tuple(load(module.name) for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name))
