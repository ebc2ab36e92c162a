"""What a source said: the evidence of an incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, field, fields
from typing import Any

from responder.model import evidence
from responder.model.evidence import Bucket as Bucket
from responder.model.evidence import Status as Status
from responder.model.evidence import Window as Window
from responder.model.frozen import dataclass

USABLE: frozenset[str] = frozenset({"ok", "partial"})


@dataclass(frozen=True)
class Finding:
    """One answer of one source about one component, or about the service where ``component`` is empty."""

    source: str
    name: str
    """What was looked at: ``error_rate``, ``pods``, ``rollouts``, ``error_signatures``, …"""
    status: Status = "ok"
    component: str = ""
    value: float | None = None
    unit: str = ""
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
    detail: dict[str, Any] = field(default_factory=dict)
    """What is peculiar to ``name``; see the source's module for its shape."""

    @property
    def usable(self) -> bool:
        """Whether it observed anything."""
        return self.status in USABLE

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, leaving out what is empty."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "", {})} | {
            "status": self.status}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Finding:
        """Return the finding that ``to_json`` wrote; unknown keys are left out."""
        known = {f.name for f in fields(cls)}
        rest = {key: item for key, item in value.items() if key in known}
        if isinstance(rest.get("window"), dict):
            rest["window"] = Window(float(rest["window"]["start"]), float(rest["window"]["end"]))
        return cls(**rest)


def recorded(items: Iterable[Mapping[str, Any]], first: str = "", last: str = "~") -> list[Finding]:
    """Return the findings of an incident's items, of the visits of steps that were entered between two moments (UTC).
    """
    return [Finding.from_json(finding) for item in items if str(item["sk"]).startswith("EVIDENCE#")
            and first <= str(item["sk"]).split("#")[1] <= last for finding in item.get("findings", [])]


def latest(findings: Iterable[Finding]) -> list[Finding]:
    """Return of the same question asked again the usable answer whose window ends last, in a fixed order."""
    kept: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        key = (finding.source, finding.name, finding.component)
        end = finding.window.end if finding.window else 0.0
        other = kept.get(key)
        other_end = other.window.end if other and other.window else -1.0
        if other is None or (finding.usable, end) > (other.usable, other_end):
            kept[key] = finding
    return [kept[key] for key in sorted(kept)]


def usual_per_second(finding: Finding, counted: str = "baseline_requests") -> float:
    """Return the requests a second of a finding's baseline, 0 where it has none; ``counted`` names their number."""
    before: float = finding.detail.get(counted, 0.0)
    return before / (finding.detail.get("baseline_seconds") or 3600.0)


def buckets(finding: Finding, key: str = "series") -> list[Bucket]:
    """The series ``[[start, requests, errors], …]`` of a finding's detail, in order of time."""
    return sorted((Bucket(float(t), float(requests), float(errors))
                   for t, requests, errors in finding.detail.get(key, [])), key=lambda bucket: bucket.start)


# --- while the evidence becomes typed, module by module ---------------------------------------------------------------


def typed(findings: Iterable[Finding]) -> evidence.Evidence:
    """Return findings as typed evidence."""
    return evidence.Evidence(_once(finding, "_typed", lambda f: evidence.finding_of(_shallow(f)))
                             for finding in findings)


def _shallow(finding: Finding) -> dict[str, Any]:
    """As ``to_json``, without a copy of the detail."""
    found = {key: value for key, value in vars(finding).items() if value not in (None, "")}
    return found | ({"window": vars(finding.window)} if finding.window else {})


def untyped(findings: evidence.Evidence) -> list[Finding]:
    """Return typed evidence as findings whose detail is a dict."""
    return [_once(finding, "_untyped", lambda f: Finding.from_json(f.to_json())) for finding in findings.every]


def _once(finding: Any, name: str, made: Any) -> Any:
    """Each finding is converted once: a replay converts the same ones for each decision."""
    known = vars(finding).get(name)
    if known is None:
        known = made(finding)
        object.__setattr__(finding, name, known)
    return known
