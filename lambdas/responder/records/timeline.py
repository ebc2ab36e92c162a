"""Timeline entries: what happened, why, by whom. They are append-only, and one function adds them
(``handlers/timeline.py``).

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `TIMELINE#id` | `TIMELINE#entered#nn#step` | one entry |
"""

from __future__ import annotations

import json
import time
from dataclasses import field
from typing import Any

from responder.clients import aws
from responder.model.codec import Json, decode, encode
from responder.model.facts import Fact
from responder.model.frozen import dataclass
from responder.model.incident import EntryKind
from responder.model.masking import mask_all
from responder.model.moment import iso
from responder.records.store import Store


@dataclass(frozen=True)
class NewEntry:
    """An entry to be written."""

    incident: str
    entered: str
    """When the step's state was entered."""
    step: str
    """The step's title, as people read it."""
    what: str
    number: int = 0
    """0 to 999, orders the entries of one step."""
    why: str = ""
    by: str = "system"
    kind: EntryKind = "step"
    fact: str = ""
    """The name of the fact that ``detail`` holds; see ``model/facts.py``."""
    detail: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """The answer of the function that keeps the timeline."""

    written: bool
    """False where the entry was there before."""


class Timeline(Store):
    """The timeline entries of incidents."""

    def __init__(self, table: str, client: Any = None, timeline: str = "") -> None:
        """``timeline`` names the function that alone may write timeline entries; empty: this is it."""
        super().__init__(table, client)
        self._timeline = timeline

    def note(self, incident: str, entered: str, step: str, what: str, *, number: int = 0, why: str = "",
             by: str = "system", kind: EntryKind = "step", fact: Fact | None = None) -> bool:
        """Write a timeline entry; False where this step has written it before.

        ``entered`` is when the state was entered, which stays the same when the step is retried. ``number`` orders
        several entries of one step. The step's name separates entries that two executions write in the same
        millisecond, such as the incident's and a person's answer. ``by`` is ``system``, ``policy`` or a person.
        """
        entry = NewEntry(incident, entered, step, what, number, why, by, kind, fact.NAME if fact else "",
                         encode(fact) if fact else {})
        if not self._timeline:
            return self.append(entry)
        answer = aws.client("lambda").invoke(FunctionName=self._timeline,
                                             Payload=json.dumps(mask_all(encode(entry)), default=str).encode())
        said = json.loads(answer["Payload"].read())
        if answer.get("FunctionError") or not isinstance(said, dict):
            raise RuntimeError(f"the timeline entry of {step} could not be written: {str(said)[:300]}")
        return decode(Written, said, "timeline").written

    def append(self, entry: NewEntry) -> bool:
        """Write a timeline entry to the table; IAM allows this to the function that keeps the timeline only."""
        item = {"pk": f"TIMELINE#{entry.incident}",
                "sk": f"TIMELINE#{entry.entered}#{entry.number:02d}#{entry.step}", "at": iso(time.time()),
                "step": entry.step, "what": entry.what, "why": entry.why, "by": entry.by, "kind": entry.kind,
                "detail": entry.detail}
        return self.put_once(item | ({"fact": entry.fact} if entry.fact else {}))
