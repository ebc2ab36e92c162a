"""The drill file: what breaks and when, and what a good response to it is. docs/drills.md describes it.

A file that does not fit is refused before anything starts, with file, line, field, what was found and what is
expected. The fields of each kind of event are in its module in ``sandbox/events``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from responder import actions
from sandbox import events, worlds
from sandbox.events.calling import CallingFields
from sandbox.events.dependency import DependencyFault, DependencyName
from sandbox.events.event import ComponentName, Duration, Fields, known, like, seconds
from stacks.reading.loading import Loader, TooLong, file_text, loaded
from stacks.reading.problem import Problem, line_of, path_text

Outcome = Literal["resolved", "false_alarm", "escalated", "observed", "none"]
CauseId = Literal["code_bug", "database_connection", "overload", "cluster_failure", "network", "provider_outage",
                  "unknown", "none"]

_UNATTENDED = ("rollback", "restore_configuration", "restore_database", "restore_parameter_group", "scale_up",
               "restart_pods", "cordon_node", "cycle_deployment", "engage_network_team", "switch_provider",
               "inform_customers", "cap_retries", "shed_load", "fail_open", "turn_flag_back", "hide_payment_method")
"""Actions that a drill allows without approval unless it says otherwise. Nobody in a drill would answer for the
others: an action that would ask for approval by default is off."""


def _action(value: str) -> str:
    names = ["escalate", *(action.name for action in actions.every())]
    return known(value, names, f"one of {', '.join(names)}")


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]


ActionId = Annotated[str, AfterValidator(_action)]


class ContractError(Exception):
    """Drill files that do not fit the contract."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Unreadable(Problem):
    """A file or folder that holds no drill at all; ``found`` is the whole message."""

    def __str__(self) -> str:
        return f"{self.file}: {self.found}"


class Scheduled(BaseModel):
    """One event of a drill: when, what, and for how long."""

    at: Duration
    """Seconds after the first event."""
    kind: str
    """One of ``events.every()``."""
    fields: SerializeAsAny[Fields]
    """The fields of the kind's own schema."""
    lasts: float | None = None
    """Seconds after which it heals by itself; None where it does not."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        kinds = events.every()
        if not isinstance(value, dict) or "kind" in value:
            raise ValueError("a mapping with at and one kind of event")
        rest = {key: item for key, item in value.items() if key not in ("at", "for")}
        unknown = [key for key in rest if key not in kinds]
        if unknown:
            near = difflib.get_close_matches(str(unknown[0]), kinds, 1, 0.5)
            raise ValueError(f"{near[0]!r} in place of {unknown[0]!r}?" if near else f"one of {', '.join(kinds)}, "
                             f"not {unknown[0]!r}")
        if len(rest) != 1:
            raise ValueError(f"exactly one kind of event, of {', '.join(kinds)}")
        if "at" not in value:
            raise ValueError("at, the time of the event")
        (kind, fields), = rest.items()
        return {"at": value["at"], "kind": kind, "fields": kinds[kind].schema.model_validate(fields or {}),
                "lasts": seconds(value["for"]) if "for" in value else None}


class Start(Fields):
    """Changes to the steady state."""

    requests_per_second: float = Field(40, gt=0, le=2000)
    replicas: dict[ComponentName, int] = Field(default_factory=dict)
    behaviour: dict[ComponentName, CallingFields] = Field(default_factory=dict)
    """How the first version of a component calls others."""
    dependencies: list[DependencyName] = Field(default_factory=list)
    """What the gateway calls besides the database and the provider."""
    mode: Literal["auto", "approve", "observe"] = "auto"
    policy: dict[ActionId, Literal["auto", "approve", "off"]] = Field(default_factory=dict)
    world: dict[str, str] = Field(default_factory=dict)
    """How the sandbox speaks; a key that is not named has its default."""

    @field_validator("world")
    @classmethod
    def _known_world(cls, value: dict[str, str]) -> dict[str, str]:
        return {key: worlds.checked(key, item) for key, item in value.items()}

    @field_validator("policy", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        # YAML reads a bare off as False.
        if isinstance(value, dict):
            return {key: "off" if item is False else item for key, item in value.items()}
        return value


class Answer(Fields):
    """What a person does."""

    answer: Literal["approve", "reject", "done"]
    after: Duration = 0.0
    way: Literal["link", "iam", "slack"] = "link"
    times: int = Field(1, ge=1, le=10)


class Expect(Fields):
    """What must hold; every line that is given."""

    outcome: Annotated[list[Outcome] | None, BeforeValidator(_listed)] = None
    cause: Annotated[list[CauseId] | None, BeforeValidator(_listed)] = None
    affected: list[str] | None = None
    actions: list[ActionId | list[ActionId]] | None = None
    targets: list[str] | None = None
    never: list[ActionId] | None = None
    notified: list[Literal["team", "customers", "network_team", "provider"]] | None = None
    incidents: int | None = Field(None, ge=0)
    stored_nowhere: list[Annotated[str, BeforeValidator(str)]] | None = None
    within: Duration | None = None
    put_back: list[ActionId] | None = None
    """Temporary mitigations that must be restored in the end."""
    worlds: dict[str, Annotated[list[str], BeforeValidator(_listed)]] = Field(default_factory=dict, alias="in")
    """The worlds in which the drill is run: key to values; elsewhere it is reported as not run."""

    @field_validator("worlds")
    @classmethod
    def _known_worlds(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        return {key: [worlds.checked(key, item) for item in items] for key, items in value.items()}


class Drill(Fields):
    """One drill."""

    name: Annotated[str, like(r"[a-z0-9-]+", "lower-case letters, digits, hyphens")]
    about: str
    start: Start = Field(default_factory=lambda: Start.model_validate({}))
    events: list[Scheduled] = Field(min_length=1)
    people: list[Answer] = Field(default_factory=list)
    expect: Expect = Field(default_factory=lambda: Expect.model_validate({}))

    @model_validator(mode="after")
    def _ordered(self) -> Drill:
        times = [event.at for event in self.events]
        if times != sorted(times):
            raise ValueError("events in order of at")
        if "\n" in self.about.strip():
            raise ValueError("about in one line")
        for event in self.events:
            if isinstance(event.fields, DependencyFault) and event.fields.name not in self.start.dependencies:
                raise ValueError(f"start.dependencies with {event.fields.name}, which an event is about")
        return self

    def world(self, given: Mapping[str, str]) -> dict[str, str]:
        """The world that it runs in: ``given`` holds for all drills of a run, the drill's own for the other keys."""
        return worlds.whole({**self.start.world, **given})

    def runs_in(self, world: Mapping[str, str]) -> bool:
        """Whether it is meant for a world, and each of its events can happen there."""
        return all(world[key] in values for key, values in self.expect.worlds.items()) and not any(
            worlds.lack(world, event.kind, dict(event.fields)) for event in self.events)

    def overrides(self) -> dict[str, Any]:
        """What the responder's configuration has different for this drill."""
        policy = {action.name: "auto" if action.name in _UNATTENDED or action.default_policy == "auto" else "off"
                  for action in actions.every()}
        return {"mode": self.start.mode,
                "policy": policy | {name: value for name, value in self.start.policy.items() if name in policy}}


def read(paths: Sequence[Path]) -> list[Drill]:
    """Return the drills of files and folders; raises ContractError with every problem of every file."""
    files: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        found = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
        if not found:
            problems.append(Unreadable(str(path), 0, "", "the folder has no .yaml file", "drills"))
        files += found
    drills: list[Drill] = []
    names: dict[str, Path] = {}
    for file in files:
        try:
            drill = _read(file)
        except ContractError as error:
            problems += error.problems
            continue
        if drill.name in names:
            problems.append(Problem(str(file), 1, "name", repr(drill.name),
                                    f"a name that {names[drill.name]} does not have"))
        names[drill.name] = file
        drills.append(drill)
    if problems:
        raise ContractError(problems)
    return drills


def _read(file: Path) -> Drill:
    try:
        text = file_text(file)
        value, node = loaded(text), yaml.compose(text, Loader=Loader)
    except (OSError, UnicodeDecodeError, TooLong) as error:
        raise ContractError([Unreadable(str(file), 0, "", _why(error), "a readable text file")]) from error
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        said = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error)
        raise ContractError([Problem(str(file), mark.line + 1 if mark else 0, "(file)", _yaml(str(said)),
                                     "YAML")]) from error
    if value is None:
        raise ContractError([Unreadable(str(file), 0, "", "the file is empty", "a drill")])
    if not isinstance(value, dict):
        raise ContractError([Problem(str(file), 1, "(file)", _sort(value), "a mapping of fields")])
    try:
        return Drill.model_validate(value)
    except ValidationError as error:
        problems = []
        for item in error.errors():
            path = _place(item, value)
            found, expected = _said(item, path)
            problems.append(Problem(str(file), line_of(node, path), path_text(path), found, expected))
        raise ContractError(problems) from error


def _why(error: Exception) -> str:
    """Why a file cannot be read."""
    match error:
        case FileNotFoundError():
            return "no such file"
        case PermissionError():
            return "the file may not be read"
        case UnicodeDecodeError():
            return f"not a text file in UTF-8 (byte {error.start})"
    return str(error)


def _yaml(said: str) -> str:
    """The YAML parser's complaint, in words."""
    if "\\t" in said:
        return "a tab; YAML is indented with spaces"
    return said.removeprefix("found ")


def _sort(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "a truth value", int: "a number",
            float: "a number"}.get(type(value), type(value).__name__)


def _place(item: ErrorDetails, file: Mapping[str, Any]) -> list[str | int]:
    """Where in the file an error is."""
    path = [part for part in item["loc"] if not (isinstance(part, str) and part.startswith("list["))]
    if len(path) > 2 and path[0] == "events" and isinstance(path[1], int):
        # An event's own fields are checked by its kind's schema, which does not know where the event stands.
        kinds = [key for key in file["events"][path[1]] if key in events.every()]
        path[2:2] = kinds[:1] if kinds and path[2] != "at" else []
    return path


_EXPECTED = {
    "float_parsing": "a number", "float_type": "a number", "int_parsing": "a whole number",
    "int_type": "a whole number", "int_from_float": "a whole number", "string_type": "a text", "list_type": "a list",
    "dict_type": "a mapping", "model_type": "a mapping of fields", "model_attributes_type": "a mapping of fields",
    "too_short": "at least one", "string_too_short": "a text that is not empty"}
"""The validator's error to what it expected, where its own words are no help."""


def _said(item: ErrorDetails, path: Sequence[str | int]) -> tuple[str, str]:
    """What was found and what is expected, in words."""
    if item["type"] == "missing":
        return "nothing", "this field"
    if item["type"] == "extra_forbidden":
        names = _fields_at(path[:-1])
        near = difflib.get_close_matches(str(path[-1]), names, 1, 0.5)
        return "an unknown field", f"{near[0]!r}?" if near else f"one of {', '.join(names)}"
    expected = _EXPECTED.get(item["type"]) or item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return repr(item.get("input"))[:80], expected


def _fields_at(path: Sequence[str | int]) -> list[str]:
    """The fields that are known at a place of the file."""
    places: dict[str, type[BaseModel]] = {"start": Start, "people": Answer, "expect": Expect}
    models = [model for name, model in places.items() if name in path] or [
        events.every()[str(part)].schema for part in path if part in events.every()] or [Drill]
    return sorted(models[-1].model_fields)
