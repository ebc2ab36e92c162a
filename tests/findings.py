"""Findings from few words, and those of a recorded incident: shared by the tests of what decides upon them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from responder.model.codec import encode
from responder.model.evidence import Detail, Evidence, Finding, Status, Window, finding_of
from responder.model.incident import evidence_of, looked_of

D = TypeVar("D", bound=Detail)


def one(findings: Sequence[Finding[Detail]], kind: type[D], component: str | None = None) -> Finding[D]:
    """Return the only answer of a kind, with an observation or without."""
    found, = Evidence(findings).asked(kind, component)
    return found


def observed(source: str, name: str, status: Status = "ok", *, component: str = "", value: float | None = None,
             unit: str = "", baseline: float | None = None, window: Window | None = None, note: str = "",
             detail: Mapping[str, Any] | None = None) -> Finding[Any]:
    """Return what a source said; ``detail`` is plain JSON, of which the kind ``name`` knows every key."""
    return finding_of({
        "source": source, "name": name, "status": status, "component": component, "value": value, "unit": unit,
        "baseline": baseline, "window": encode(window), "note": note, "detail": detail or {}})


def recorded(items: Iterable[Mapping[str, Any]], first: str = "", last: str = "~") -> Evidence:
    """Return the findings of an incident's items, of the visits that were entered between two moments (UTC)."""
    return evidence_of([looked_of(item) for item in items if str(item["sk"]).startswith("EVIDENCE#")], first, last)
