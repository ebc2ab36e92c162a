"""What an incident shows that could be better, before it is weighed against the rest: the words of one improvement.

A mechanism's file says what would have prevented it, or ended it sooner (``plan/mechanisms``); what concerns the
handling of any incident is in ``plan/review/improvements``. Both are given a ``Case`` and yield ``Advice``. The types
are named tuples, as those of ``plan/signals`` are, for the diagnosing function loads the mechanisms too.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

from responder.model.change import PARAMETER_GROUP, Change, FieldChange
from responder.model.evidence import Evidence, Window
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.pods import Pods
from responder.model.incident import Hypothesis, IncidentRecord
from responder.model.moment import epoch
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.changes import in_effect
from responder.plan.failure_modes import FailureMode
from responder.plan.kinds import ErrorKind
from responder.plan.wording import duration, listed
from responder.plan.workload_kinds import kind_and_name

_MOSTLY = 0.5
_METRIC_SECONDS = 60.0
Aim = Literal["prevention", "detection", "recovery"]
Size = Literal["small", "medium", "large"]


class Effort(StrEnum):
    """What kind of measure it is, which says how much work it is as a rule."""

    SETTING = "setting"
    """A value, a rule or an alarm is set: hours."""
    ACCESS = "access"
    """A credential, a role or a right is put in order: hours."""
    QUESTION = "question"
    """Somebody is asked, or decides: hours."""
    CHECK = "check"
    """Something is checked before it goes out, or tested regularly: days."""
    DESIGN = "design"
    """The service is built in another way: weeks."""

    @property
    def size(self) -> Size:
        """``small``: hours, ``medium``: days, ``large``: weeks."""
        if self is Effort.DESIGN:
            return "large"
        return "medium" if self is Effort.CHECK else "small"


class Advice(NamedTuple):
    """One improvement."""

    key: str
    """What is to be done, as an id that stays the same across incidents; with the object it tells items apart."""
    aim: Aim
    what: str
    """What was missing, in a few words without a full stop."""
    evidence: str
    """The facts of this incident that show it, in a sentence without a full stop."""
    object: str
    """What is to be changed or checked, by name."""
    measure: str
    """What to do, as an order without a capital and a full stop."""
    owner: str
    """A role."""
    effort: Effort
    done_when: str
    """What one can look at to see that it is done."""
    saves: tuple[Window, ...] = ()
    """The stretches of the incident that it would have saved; none: that cannot be told from the record."""


class Trouble(NamedTuple):
    """The time in which the service was seen to fail: what an improvement can save at most."""

    start: float | None
    """Seconds since 1970 (UTC), as ``end``; None: not known."""
    end: float | None
    """When it was well again, or the last moment at which it was known not to be."""
    over: bool = True
    """Whether ``end`` is its end: else it lasted at least until then."""

    @property
    def whole(self) -> tuple[Window, ...]:
        """All of it: what would have been saved by whatever prevents it."""
        return self.between(self.start, self.end)

    def between(self, start: float | None, end: float | None) -> tuple[Window, ...]:
        """Return what lies in it of a stretch of time; nothing where one of the ends is not known."""
        if None in (start, end, self.start, self.end):
            return ()
        first, last = max(start or 0.0, self.start or 0.0), min(end or 0.0, self.end or 0.0)
        return (Window(first, last),) if last > first else ()

    def after(self, start: float | None) -> tuple[Window, ...]:
        """Return what is left of it from a moment on."""
        return self.between(start, self.end)


class Case(NamedTuple):
    """One mechanism that was at work in an incident, and what is known of it."""

    service: Service
    record: IncidentRecord
    evidence: Evidence
    """All that was seen, without what the responder itself changed."""
    mechanism: str
    component: str
    hypothesis: Hypothesis | None
    """What the diagnosis said of it; None in a record that does not say."""
    changes: tuple[Change, ...]
    """The changes that may have brought it, by their kind and time, what fits best first."""
    trouble: Trouble
    mode: FailureMode | None = None
    """The failures that it brought; None in a record that does not say."""

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """The remedies that were planned against it."""
        return tuple(remedy for remedy in self.record.remedies if remedy.mechanism == self.mechanism)

    @property
    def helped(self) -> Remedy | None:
        """The remedy that was seen to help; None where none was."""
        return next((remedy for remedy in self.remedies if remedy.status is RemedyStatus.VERIFIED), None)

    @property
    def change(self) -> Change | None:
        """The change that may have brought it; None where none is known."""
        return next(iter(self.changes), None)

    @property
    def developers(self) -> str:
        """Who owns the component."""
        return f"developers of {self.component}"

    @property
    def workload(self) -> str:
        """The component's workload, as people name it: ``StatefulSet pay``."""
        return " ".join(kind_and_name(self.target(self.component)))

    @property
    def database(self) -> str:
        """The database's instance, by name."""
        database = self.service.database
        if database is None:
            return "the database"
        return f"RDS instance {database.instance}" if database.instance else f"DB cluster {database.cluster}"

    @property
    def instance(self) -> str:
        """The database's identifier, as a command needs it."""
        return shlex.quote((self.service.database and self.service.database.instance) or "INSTANCE")

    @property
    def fail_over(self) -> str:
        """The command that fails the database over: its cluster, or its instance to the standby."""
        cluster = next((finding.detail.cluster for finding in self.evidence.of(DatabaseInstance)
                        if finding.detail.cluster), "")
        return (f"aws rds failover-db-cluster --db-cluster-identifier {shlex.quote(cluster)}" if cluster else
                f"aws rds reboot-db-instance --db-instance-identifier {self.instance} --force-failover")

    @property
    def mysql(self) -> bool:
        """Whether the database is one of MySQL or MariaDB, as RDS says."""
        return any("mysql" in finding.detail.engine or finding.detail.engine in ("mariadb", "aurora")
                   for finding in self.evidence.of(DatabaseInstance))

    @property
    def provider(self) -> str:
        """The provider whose calls fail; empty: none."""
        where = self.hypothesis.where if self.hypothesis else ""
        return where.removeprefix("provider:") if where.startswith("provider:") else ""

    @property
    def callee(self) -> str:
        """What the failing calls are of, as people know it."""
        where = self.hypothesis.where if self.hypothesis else ""
        if where == "database" and self.service.database:
            return self.service.database.name
        return self.provider or (where if where in self.service.graph else "") or self.component

    @property
    def earlier(self) -> tuple[Window, ...]:
        """What an alarm would have saved: from the onset to the first signal, where that took longer than a minute.

        CloudWatch's metrics of RDS, and most of kube-state-metrics, come once a minute: none tells sooner.
        """
        opened = epoch(self.record.incident.opened_at)
        stretch = self.trouble.between(self.trouble.start, opened)
        return stretch if sum(window.seconds for window in stretch) > _METRIC_SECONDS else ()

    def beyond(self, seconds: float) -> tuple[Window, ...]:
        """Return what came later than so long after the onset: what is saved by that which takes so long to help."""
        return self.trouble.after(self.trouble.start + seconds) if self.trouble.start is not None else ()

    @property
    def kubectl(self) -> str:
        """``kubectl`` with the namespace of the component."""
        namespace = (self.service.namespace(self.component) if self.component in self.service.graph
                     else self.service.cluster.namespace)
        return f"kubectl -n {shlex.quote(namespace)}" if namespace else "kubectl"

    def deployment(self, component: str) -> str:
        """Return the name of a component's workload."""
        return self.target(component).partition("/")[2]

    def target(self, component: str) -> str:
        """Return a component's workload, as ``kubectl`` names it: ``statefulset/pay``."""
        found = next((finding.detail.workload for finding in self.evidence.looks(Pods, component)
                      if finding.detail.workload), "")
        if found or component not in self.service.graph:
            return shlex.quote(found or f"deployment/{component}")
        configured = self.service.component(component)
        return shlex.quote(f"{configured.kind or 'deployment'}/{configured.deployment}")

    def seen(self, *findings: str, most: int = 2) -> str:
        """Return what the diagnosis saw, strongest first; ``findings`` narrows it to kinds of findings."""
        kinds = {weighed.sentence: weighed.finding for weighed in self.record.incident.evidence}
        sentences = self.hypothesis.evidence_for if self.hypothesis else ()
        told = [sentence for sentence in sentences if not findings or kinds.get(sentence) in findings]
        if not told and not kinds.keys() >= set(sentences):
            told = list(sentences)  # It is of an earlier diagnosis, whose kinds of findings are not all on record.
        return said(*told[:most])

    def mostly(self, kind: ErrorKind) -> bool:
        """Whether at least half of the failures were errors of a kind."""
        return self.mode is not None and self.mode.kinds.get(kind, 0.0) >= _MOSTLY

    @property
    def pod_states(self) -> frozenset[str]:
        """The reasons for which containers of the component were seen to wait, or to have ended."""
        return frozenset(reason for finding in self.evidence.looks(Pods, self.component)
                         for reason in (*finding.detail.waiting, *finding.detail.terminated))

    def told(self, change: Change) -> str:
        """Say what a change was and when, for people."""
        onset = epoch(self.record.incident.onset)
        before = (onset or 0.0) - change.latest
        when = f", {duration(before)} before it began" if onset and before >= 1 else ", as it began"
        return what_counts(change).sentence(self.service.shown_keys) + when

    def pods(self, component: str = "") -> Pods | None:
        """Return the pods of a component as they were seen last; None where they were not."""
        finding = self.evidence.one(Pods, component or self.component)
        return finding.detail if finding else None


def said(*parts: str) -> str:
    """Return facts as one sentence; empty ones are left out."""
    return "; ".join(filter(None, parts))


Advise: TypeAlias = Callable[[Case], Iterator[Advice]]


def nothing(case: Case) -> Iterator[Advice]:
    """Yield nothing: of such a mechanism nothing is known that would be better."""
    yield from ()


_POD = ("template", "spec")
_LISTS = ("containers", "initContainers")
_MOST_FIELDS = 2


def thing(change: Change) -> str:
    """Return what was changed, by name: "ConfigMap payment-gateway-config, key DB_HOST"."""
    names = list(dict.fromkeys(filter(None, map(field_name, paths(change))))) if change.what == "changed" else []
    if len(names) > _MOST_FIELDS:
        names = [*names[:_MOST_FIELDS], "others"]
    word = {"ConfigMap": "key ", PARAMETER_GROUP: "parameter "}.get(change.kind, "")
    kind = "DB parameter group" if change.kind == PARAMETER_GROUP else change.kind
    return f"{kind} {change.name}" + (f", {word}{listed(names)}" if names else "")


def what_counts(change: Change) -> Change:
    """Return a change without the fields that break nothing by themselves, where others were changed too.

    Such are how pods are replaced, and a database's parameters that only write logs or count.
    """
    parameters = change.kind == PARAMETER_GROUP
    left = tuple(field for field in change.fields
                 if (in_effect(field) if parameters else field.path[:1] != ("strategy",)))
    return replace(change, fields=left) if left else change


def paths(change: Change) -> Iterator[tuple[str, ...]]:
    """Yield the changed fields that count."""
    for field in what_counts(change).fields:
        yield tuple(str(part) for part in field.path)


def field_name(path: tuple[str, ...]) -> str:
    """Return a field as people know it: ``readinessProbe.httpGet.path``, ``variable DB_HOST``."""
    rest = path[1:] if path[:1] in (("data",), ("parameters",)) else path
    rest = rest[2:] if rest[:2] == _POD else rest
    if rest[:1] and rest[0] in _LISTS and len(rest) > 2:
        rest = rest[2:]
    if rest[:1] == ("env",) and len(rest) > 1:
        return f"variable {rest[1]}"
    return ".".join(rest)


def keep_old_pods(case: Case) -> Iterator[Advice]:
    """Yield that old pods should stay until new ones are ready, where a change let all be replaced and none got ready.

    Source: Kubernetes, "Deployments", sections "Recreate Deployment" and "Rolling Update Deployment".
    """
    for change in case.changes:
        at_once = replaces_all(change)
        unready = [finding.detail for finding in case.evidence.looks(Pods)
                   if case.deployment(finding.component) == change.name and not finding.detail.ready]
        if at_once and unready:
            told = listed([f"{'.'.join(map(str, field.path))} became {field.after}" for field in at_once])
            yield Advice(
                "keep-old-pods", "prevention", f"All pods of {change.name} were replaced at once",
                f"{told} with that change, and 0 of {unready[0].wanted} pods were ready",
                f"Deployment {change.name}, strategy", "roll out with RollingUpdate and maxUnavailable 0, so that a "
                "pod that does not get ready replaces none", f"developers of {change.name}", Effort.SETTING,
                f"`{case.kubectl} get deployment {change.name} -o jsonpath='{{.spec.strategy}}'` shows RollingUpdate "
                "and maxUnavailable 0", case.trouble.whole)


def replaces_all(change: Change) -> list[FieldChange]:
    """Return the fields of a change by which a Deployment replaces all its pods at once."""
    return [field for field in change.fields if _all_at_once(tuple(map(str, field.path)), field.after)]


def _all_at_once(path: tuple[str, ...], value: object) -> bool:
    return (path, value) in ((("strategy", "type"), "Recreate"), (("strategy", "rollingUpdate", "maxUnavailable"),
                                                                  "100%"))
