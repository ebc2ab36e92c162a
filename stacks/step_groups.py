"""Which steps of the plan share a function, and what each such function needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Steps that share a function, because they need the same rights."""

    description: str
    steps: tuple[str, ...]
    """Modules of ``responder.handlers``."""
    memory_mib: int = 512
    timeout_seconds: int = 30


GROUPS = {
    "decide": Group("Judges: opens, confirms, isolates, diagnoses, checks the guardrails, monitors, cares",
                    ("open", "confirm", "isolate", "diagnose", "guard", "monitor", "aftercare")),
    "tell": Group("Tells people: assembles the team, asks for approval, informs, stands down, escalates",
                  ("assemble", "approval", "close", "customers", "inform", "remind"), timeout_seconds=55),
    "report": Group("Writes the postmortem", ("review",), 1024, 90),
}
