"""Answers of sources within the sizes that AWS allows.

| what | at most | source |
|---|---|---|
| input or output of a state, of a task and of an execution | 262,144 bytes of UTF-8 | Step Functions' page "Quotas" |
| an item of the table | 400 kB | DynamoDB's page "Service, account, and table quotas" |

A larger answer never ends an incident: the sources ask for longer periods the longer the time is
(``plan/periods.py``), and what is too large all the same is left out by name, so that it counts as not known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from responder.model.codec import Json
from responder.model.evidence import Finding
from responder.model.evidence.answer import Answer

STATE_BYTES = 262_144
"""The most that a state, a task or an execution takes or gives."""
_BESIDE_BYTES = 65_536
"""Room for what the state after the sources is given besides their answers: incident, course and confirmation."""
ANSWER_BYTES = 300_000
"""The most that one source answers at once: it is kept as one item, which has other attributes as well."""
FOLDER = "evidence"
"""The folder, in the bucket for reports, of the answers that are too large to travel; each source has one in it."""
_LEFT_OUT = "it was left out: with it the answer would have had more than {most} bytes"
_NOTES = 300


def share_bytes(sources: int) -> int:
    """Return how much each of so many sources may answer to the state that asked all of them."""
    return (STATE_BYTES - _BESIDE_BYTES) // max(1, sources)


def size_bytes(value: Json) -> int:
    """Return the size of plain JSON as Lambda writes it; as UTF-8 without spaces it is never larger."""
    return len(json.dumps(value))


def fitted(source: str, findings: Sequence[Finding[Any]], most_bytes: int) -> tuple[Finding[Any], ...]:
    """Return findings that have at most so many bytes together, in their order.

    The largest are left out first: each stays as a finding of its kind that observed nothing and says why. Where even
    those are too many, the last of them become one that says how many they were.
    """
    kept = list(findings)
    sizes = [_with_comma(finding) for finding in kept]
    for place in sorted(range(len(kept)), key=lambda place: -sizes[place]):
        if sum(sizes) + 2 <= most_bytes:
            break
        gone = _left_out(kept[place], most_bytes)
        if (size := _with_comma(gone)) < sizes[place]:
            kept[place], sizes[place] = gone, size
    if sum(sizes) + 2 <= most_bytes:
        return tuple(kept)
    rest = _rest(source, len(kept), len(kept), most_bytes)
    room, first = most_bytes - 2 - _with_comma(rest), 0
    while sizes[first] <= room:
        room -= sizes[first]
        first += 1
    return (*kept[:first], _rest(source, len(kept) - first, len(kept), most_bytes))


def _rest(source: str, gone: int, every: int, most_bytes: int) -> Finding[Any]:
    """Return what stands for findings that are too many even without what they observed."""
    return Finding(source=source, detail=Answer(), status="unavailable", note=(
        f"{gone} of {every} findings were left out: with them the answer would have had more than {most_bytes} bytes"))


def _left_out(finding: Finding[Any], most_bytes: int) -> Finding[Any]:
    """Return a finding without what it observed."""
    if not finding.usable and finding.detail == type(finding.detail)():
        return replace(finding, query="", link="", note=finding.note[:_NOTES])
    return replace(finding, detail=type(finding.detail)(), status="unavailable", value=None, baseline=None, query="",
                   link="", note=_LEFT_OUT.format(most=most_bytes))


def _with_comma(finding: Finding[Any]) -> int:
    return size_bytes(finding.to_json()) + 2
