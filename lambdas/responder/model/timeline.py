"""One entry of an incident's timeline, and the fact that it states."""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeVar

from responder.model.codec import Json, decode
from responder.model.facts import ApprovalAsked, Delivered, Fact, Undelivered
from responder.model.frozen import dataclass
from responder.model.item import Item, keyed, plain, sort_key

EntryKind = Literal["step", "decision", "plan", "action", "notification", "approval", "outcome", "report"]
"""What a timeline entry tells of."""
F = TypeVar("F", bound=Fact)


@dataclass(frozen=True)
class Entry:
    """One entry of the timeline."""

    entered: str
    """When the step's state was entered."""
    number: int
    """Orders the entries of one run of a step."""
    at: str
    """When it was written."""
    step: str
    """The step's title, as people read it."""
    what: str
    why: str = ""
    by: str = "system"
    """``system``, ``policy`` or a person."""
    kind: EntryKind = "step"
    fact: str = ""
    """The name of the fact that ``detail`` holds; empty where it states none."""
    detail: dict[str, Json] = field(default_factory=dict)
    """The fact's fields; see ``stated``."""

    def stated(self, fact: type[F]) -> F | None:
        """Return the fact of this type that the entry states; None where it states another or none.

        Raises Malformed where it is not of the fact's form.
        """
        if self.fact != fact.NAME:
            return None
        return decode(fact, self.detail, f"TIMELINE#{self.entered}#{self.number:02d}#{self.step}.detail")


_FACT_OF_STEP = {
    ("Open the incident", "step"): "opened", ("Plan the remedy", "plan"): "planned",
    ("Apply the remedy", "action"): "applied", ("Ask for approval", "approval"): ApprovalAsked.NAME,
    ("Decide", "approval"): "answered", ("Write the postmortem", "report"): "reported",
    ("Confirm the incident", "decision"): "confirm", ("Isolate the issue", "decision"): "isolate",
    ("Diagnose the root cause", "decision"): "diagnose", ("Check the guardrails", "decision"): "guard",
    ("Monitor the recovery", "decision"): "monitor"}
"""How an entry from before facts had names is recognised: by its step's title and its kind."""
_ASKED = "approval is asked for: "


def entry_of(item: Item) -> Entry:
    """Return an item ``TIMELINE#entered#nn#step``; raises Malformed."""
    place = sort_key(item)
    _, entered, number, *_ = keyed(place)
    entry = decode(Entry, plain(item) | {"entered": entered, "number": int(number)}, place)
    return entry if entry.fact else _with_fact(entry)


def _with_fact(entry: Entry) -> Entry:
    """Name the fact of an entry from before facts had names."""
    detail = dict(entry.detail)
    if entry.kind == "notification":
        name = Undelivered.NAME if "failed" in detail else Delivered.NAME if "to" in detail else ""
    else:
        name = _FACT_OF_STEP.get((entry.step, entry.kind), "")
    if name == ApprovalAsked.NAME and entry.what.startswith(_ASKED):
        detail.setdefault("summary", entry.what.removeprefix(_ASKED))
    return Entry(entry.entered, entry.number, entry.at, entry.step, entry.what, entry.why, entry.by, entry.kind, name,
                 detail)
