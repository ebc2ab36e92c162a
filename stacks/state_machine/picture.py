"""The state machine as a page: a picture in Mermaid, which GitHub draws, and the states that follow an error."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.state_machine.asl import Machine, State

_SHAPES = {"Choice": ("{", "}"), "Wait": ("{{", "}}"), "Map": ("[[", "]]"), "Succeed": ("([", "])"),
           "Fail": ("([", "])")}
_HEAD = """# The state machine

Written by `python -m stacks.state_machine` from `stacks/state_machine/plan.py`, as is
`statemachines/incident_response.asl.json`; a test holds all three together.

A double frame does the same for several items, side by side or one after the other; a rhombus says where the plan goes
on; a hexagon waits. What follows a step that failed in spite of its retries is in the table below the picture.
"""


def page(machine: Machine) -> str:
    """Return ``docs/state-machine.md``."""
    return "\n".join([_HEAD, "```mermaid", *_picture(machine), "```", "", "## What each state is for", "",
                      "| state | what for |", "|---|---|", *_comments(machine), "",
                      "## What follows a step that failed", "", "| where it goes | after which steps |", "|---|---|",
                      *_failures(machine), "", "## What is passed on", "", "Everything else is read from the record.",
                      "", "| variable | what it is |", "|---|---|",
                      *(f"| `{name}` | {machine.variables[name]} |" for name in variables(machine)), ""])


def variables(machine: Machine) -> list[str]:
    """Return the names of all variables that any state assigns."""
    found = {name for state in machine.states.values() for part in [state, *_parts(state, "Choices"),
                                                                   *_parts(state, "Catch")]
             for name in _mapping(part.get("Assign"))}
    return sorted(found)


def successors(state: State) -> list[str]:
    """Return the states that follow one that did not fail, each once."""
    ways = [str(way["Next"]) for way in _parts(state, "Choices")]
    return list(dict.fromkeys([*ways, *(str(state[key]) for key in ("Default", "Next") if key in state)]))


def _picture(machine: Machine) -> Iterator[str]:
    ids = {title: title.lower().removesuffix("?").replace(" ", "_") for title in machine.states}
    yield "flowchart TD"
    for number, (part, titles) in enumerate(machine.parts.items()):
        yield f'  subgraph p{number}["{part}"]'
        for title in titles:
            begin, end = _SHAPES.get(str(machine.states[title]["Type"]), ("[", "]"))
            yield f'    {ids[title]}{begin}"{title}"{end}'
        yield "  end"
    for title, state in machine.states.items():
        for following in successors(state):
            yield f"  {ids[title]} --> {ids[following]}"


def _comments(machine: Machine) -> Iterator[str]:
    for title, state in machine.states.items():
        if "Comment" in state:
            yield f"| {title} | {state['Comment']} |"


def _failures(machine: Machine) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for title, state in machine.states.items():
        for catch in _parts(state, "Catch"):
            found.setdefault(str(catch["Next"]), []).append(title)
    for following, titles in found.items():
        yield f"| {following} | {', '.join(titles)} |"


def _parts(state: State, key: str) -> list[State]:
    found = state.get(key, [])
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _mapping(value: object) -> State:
    return value if isinstance(value, dict) else {}
