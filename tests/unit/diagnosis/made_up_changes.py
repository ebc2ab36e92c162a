"""What the made-up outages of this folder are told in: changes and symptoms, in minutes since the symptom began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from responder.model.foreign_change import Deployed, ForeignChange, ForeignKind
from responder.plan.change_symptom import Line, Moved, Notice, Symptom

ONSET = 1_800_000_000.0
NONE = "none"


@dataclass(frozen=True)
class Outage:
    """One made-up outage and what was to blame."""

    name: str
    symptom: Symptom
    changes: tuple[ForeignChange, ...]
    truth: str
    sure: bool = True
    """Whether the evidence tells enough to name it."""


def change(name: str, files: str, title: str, diff: str = "", at: float = -5.0, on: str = "",
           kind: ForeignKind = "commit", merged: float | None = None, after: str = "") -> ForeignChange:
    """A change; ``at`` is when it came into effect ``on`` a component, or was merged where there is none."""
    made = ONSET + 60 * (merged if merged is not None else at - 3 if on else at)
    return ForeignChange(name, kind, made, "somebody", title, tuple(files.split()), diff.strip("\n"),
                         on if kind != "commit" else "", (Deployed(on, ONSET + 60 * at),) if on else (),
                         "off" if after == "on" else "", after)


def shown(component: str, told: str, lines: Sequence[str | tuple[str, str]] = (), gradual: bool = False,
          moved: Sequence[tuple[str, str, float, float, float]] = (), path: str = "",
          notices: Sequence[tuple[str, float]] = (), calm: Sequence[str] = ()) -> Symptom:
    """A symptom; a line without a component is of the component itself."""
    told_lines = [Line(*((component, one) if isinstance(one, str) else one), 200.0) for one in lines]
    return Symptom(component, told, ONSET, gradual,
                   (*told_lines, *(Line(component, text, -50.0, False) for text in calm)),
                   tuple(Moved(where, name, before, after, ONSET + 60 * minute)
                         for where, name, before, after, minute in moved),
                   frozenset({component, *path.split()}),
                   tuple(Notice(text, ONSET + 60 * minute) for text, minute in notices))


TIDY = change("tidy", "docs/flags.md", "docs: how flags live", "-Flags live.\n+Flags live and die.", -2)
TESTS = change("tests", "tests/test_total.py", "test: totals", "+def test_total():\n+    assert total([]) == 0", -4)
STYLE = change("style", "web/src/theme.css", "restyle the header", "-.a { padding: 1px }\n+.a { padding: 2px }", -1,
       "web")
BUMP = change("bump", "go.mod go.sum", "chore: bump dependencies",
              "-\tgithub.com/lib/pq v1.10.8\n+\tgithub.com/lib/pq v1.10.9", -3)
NOISE = (TIDY, TESTS, STYLE, BUMP)
