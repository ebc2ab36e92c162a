"""What the sources said of an incident: one file here is one kind of finding.

A module holds a dataclass derived from ``Detail``, named by ``KIND``; the module's name is the kind's name in the
record. Counts are floats where they come from metrics or logs (a vendor may extrapolate), and whole numbers where
objects are counted. Shares are 0 to 1; times are seconds since 1970 (UTC).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, cast

from responder.model.codec import Malformed, decode, encode
from responder.model.frozen import dataclass

Status = Literal[
    "ok", "partial", "empty", "stale", "malformed", "throttled", "unauthorized", "timeout", "unavailable"]
"""``ok`` and ``partial`` carry an observation; all others say why there is none."""

USABLE: frozenset[Status] = frozenset({"ok", "partial"})


@dataclass(frozen=True)
class Window:
    """A stretch of time, in seconds since 1970 (UTC)."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return self.end - self.start


class Bucket(NamedTuple):
    """Requests and failures in one period of a series."""

    start: float
    """Seconds since 1970 (UTC)."""
    requests: float
    errors: float

    @property
    def error_rate(self) -> float:
        """Share of requests that failed, 0 where there were none."""
        return self.errors / self.requests if self.requests else 0.0


Series = tuple[Bucket, ...]


class Detail:
    """What is peculiar to one kind of finding."""

    name: ClassVar[str]
    """The kind's name in the record, and the name of its module."""

    def __init_subclass__(cls) -> None:
        """Name the kind after its module."""
        cls.name = cls.__module__.rpartition(".")[2]


D = TypeVar("D", bound=Detail)
D_co = TypeVar("D_co", bound=Detail, covariant=True)


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What all kinds of findings have."""

    source: str
    component: str = ""
    """What it is about: a component, ``provider:NAME``, or empty for the service as a whole."""
    status: Status = "ok"
    value: float | None = None
    """The measure, where the kind has one; see the kind's docstring for its unit."""
    unit: str = ""
    """The unit of ``value`` and ``baseline``, as people read it."""
    baseline: float | None = None
    """The same measure in normal operation."""
    window: Window | None = None
    query: str = ""
    """What was asked, as a person could ask it again."""
    link: str = ""
    """The vendor's page that shows it."""
    raw: str = ""
    """Where the answer is kept word for word: an address in S3."""
    note: str = ""
    """Why there is no observation, or what limits it, in one sentence."""
    left_out: int | None = None
    """How many items its lists lack, because an answer has a size; None: they are whole."""


@dataclass(frozen=True, kw_only=True)
class Finding(_Answer, Generic[D_co]):
    """One answer of one source about one component, or about the service as a whole."""

    detail: D_co
    """What is peculiar to its kind; the defaults of its type where nothing was observed."""

    @property
    def name(self) -> str:
        """What was looked at: the kind's name."""
        return self.detail.name

    @property
    def usable(self) -> bool:
        """Whether it observed anything."""
        return self.status in USABLE

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, leaving out what is empty."""
        common = {field.name: value for field in fields(_Answer)
                  if (value := encode(getattr(self, field.name))) not in (None, "")}
        detail = encode(self.detail) if self.usable or self.detail != type(self.detail)() else {}
        return {**common, "name": self.name, **({"detail": detail} if detail else {})}


def finding_of(value: Mapping[str, Any], place: str = "finding") -> Finding[Detail]:
    """Return the finding that ``to_json`` wrote; raises Malformed, also for a kind that nobody knows."""
    rest = dict(value)
    kind = kind_of(rest.pop("name", None), place)
    detail = decode(kind, rest.pop("detail", {}), f"{place}.detail ({kind.name})")
    return Finding(detail=detail, **vars(decode(_Answer, rest, place)))


def kind_of(name: object, place: str = "finding") -> type[Detail]:
    """Return the kind of finding called ``name``, importing its module alone; raises Malformed."""
    if not isinstance(name, str) or name not in kinds():
        raise Malformed(f"{place}.name", f"a kind of finding ({', '.join(kinds())})", name)
    return _kind(name)


@cache
def _kind(name: str) -> type[Detail]:
    return cast(type[Detail], importlib.import_module(f"{__name__}.{name}").KIND)


@cache
def kinds() -> tuple[str, ...]:
    """Return the names of all kinds of findings."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


SHOWN_ONLY: Mapping[str, str] = {
    "issues": "New Relic's own alarms tell people where to look; each is made of measures that count already",
    "deployments": "a marker is set by hand and may be missing: the change ledger knows what changed",
    "node_cpu": "a full node slows its pods, which their own CPU tells",
    "free_memory": "a database uses free memory as cache: little of it is usual",
    "read_latency": "a slow disk shows in the database's waits and in its callers' latency",
    "write_latency": "a slow disk shows in the database's waits and in its callers' latency",
    "replica_lag": "no mechanism of the plan is about a replica",
}
"""Kinds that no decision reads, each with the reason: they are kept for people."""


class Evidence:
    """An incident's findings: of a question asked again the newest answer counts, in a fixed order."""

    def __init__(self, findings: Iterable[Finding[Any]] = ()) -> None:
        self.every: tuple[Finding[Any], ...] = tuple(findings)
        """All answers, as they came."""
        self.newest: tuple[Finding[Any], ...] = _newest(self.every)
        """For each question, the usable answer whose window ends last, else an answer without an observation."""
        self._by_kind: dict[type[Detail], list[Finding[Any]]] = {}
        for finding in self.newest:
            self._by_kind.setdefault(type(finding.detail), []).append(finding)

    def of(self, kind: type[D], component: str | None = None, source: str | None = None) -> Iterator[Finding[D]]:
        """Yield the newest observations of a kind; ``component`` and ``source`` narrow it down."""
        return (finding for finding in self.asked(kind, component, source) if finding.usable)

    def asked(self, kind: type[D], component: str | None = None,
              source: str | None = None) -> Iterator[Finding[D]]:
        """Yield the newest answers of a kind, those without an observation among them."""
        return (finding for finding in self._by_kind.get(kind, ())
                if component in (None, finding.component) and source in (None, finding.source))

    def one(self, kind: type[D], component: str | None = None, source: str | None = None) -> Finding[D] | None:
        """Return the first newest observation of a kind; None where there is none."""
        return next(self.of(kind, component, source), None)

    def looks(self, kind: type[D], component: str | None = None) -> Iterator[Finding[D]]:
        """Yield every observation of a kind, the older ones among them, as they came."""
        return (finding for finding in self.every if isinstance(finding.detail, kind) and finding.usable
                and component in (None, finding.component))

    @property
    def unusable(self) -> tuple[Finding[Any], ...]:
        """All answers that hold no observation."""
        return tuple(finding for finding in self.every if not finding.usable)


def _newest(findings: Iterable[Finding[Any]]) -> tuple[Finding[Any], ...]:
    kept: dict[tuple[str, str, str], Finding[Any]] = {}
    for finding in findings:
        key = (finding.source, finding.name, finding.component)
        end = finding.window.end if finding.window else 0.0
        other = kept.get(key)
        other_end = other.window.end if other and other.window else -1.0
        if other is None or (finding.usable, end) > (other.usable, other_end):
            kept[key] = finding
    return tuple(kept[key] for key in sorted(kept))
