"""The drill file: what breaks and when, and what a good response to it is. docs/drills.md describes it.

A file that does not fit is refused before anything starts, with file, line, field, what was found and expected.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from responder import actions
from sandbox.vendors.gate import FAULTS
from sandbox.vendors.rds import PARAMETERS
from stacks.configuration import Problem, line_of, path_text

ComponentName = Literal["frontend", "backend", "payment-gateway"]
Outcome = Literal["resolved", "false_alarm", "escalated", "observed", "none"]
CauseId = Literal["code_bug", "database_connection", "overload", "cluster_failure", "network", "provider_outage",
                  "unknown", "none"]

_UNATTENDED = ("rollback", "restore_configuration", "restore_database", "restore_parameter_group", "scale_up",
               "restart_pods", "cycle_deployment", "engage_network_team", "switch_provider", "inform_customers")
"""Actions that need nobody in a drill that does not say otherwise. Of any other nobody plays who would be asked: it is
off where it would ask for approval."""


def _known(value: str, known: Collection[str], what: str) -> str:
    if value not in known:
        near = difflib.get_close_matches(value, known, 1, 0.5)
        raise ValueError(f"{near[0]!r} in place of {value!r}?" if near else what)
    return value


def _action(value: str) -> str:
    known = ["escalate", *(action.name for action in actions.every())]
    return _known(value, known, f"one of {', '.join(known)}")


def _parameter(value: str) -> str:
    return _known(value, PARAMETERS, "a parameter of PostgreSQL 16")


ActionId = Annotated[str, AfterValidator(_action)]
ParameterName = Annotated[str, AfterValidator(_parameter)]
SOURCES = ("newrelic", "splunk", "cloudwatch", "kubernetes", "rds", "aws_health", "status_page", "pagerduty", "slack",
           "statuspage")
_PLACES = Literal["frontend", "backend", "payment-gateway", "database", "provider"]


class ContractError(Exception):
    """Drill files that do not fit the contract."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def _duration(value: Any) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(value))
    if not found:
        raise ValueError("a duration such as 20s, 500ms or 2m")
    return float(found[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[found[2]]


def _scalar(value: Any) -> str:
    """A value of a ConfigMap as text, as YAML wrote it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a text, a number or a truth value")


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Duration = Annotated[float, BeforeValidator(_duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Release(_Strict):
    """A new version of a component goes out."""

    component: ComponentName
    version: Annotated[str, BeforeValidator(str), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    error_rate: float = Field(0, ge=0, le=1)
    latency_ms: float = Field(0, ge=0)
    capacity: float | None = Field(None, gt=0)
    memory_mib: float | None = Field(None, gt=0)
    log: str = ""
    state: Literal["", "crash_loop", "image_missing", "not_ready", "oom_killed"] = ""


class Telemetry(_Strict):
    """A source fails the responder."""

    source: str
    fault: Literal["down", "slow", "empty", "malformed", "stale", "throttled", "unauthorized"]

    @model_validator(mode="after")
    def _known(self) -> Telemetry:
        if self.source not in SOURCES:
            raise ValueError(f"one of {', '.join(SOURCES)}")
        return self


class Alarm(_Strict):
    """Alarm events with no fault behind them."""

    count: int = Field(1, ge=1, le=5000)


class Traffic(_Strict):
    """More or fewer requests; with ``client``, what comes beyond the usual is from that one address."""

    factor: float = Field(ge=0)
    client: str | None = None

    @model_validator(mode="after")
    def _address(self) -> Traffic:
        if self.client is not None:
            try:
                ipaddress.ip_address(self.client)
            except ValueError:
                raise ValueError("as client an IP address") from None
            if self.factor <= 1:
                raise ValueError("with a client, a factor above 1")
        return self


class Log(_Strict):
    """Lines in Splunk, whatever they say."""

    component: str
    line: str
    every: Duration = 1.0


class Named(_Strict):
    """An object of Kubernetes."""

    kind: str
    name: str
    namespace: str | None = None
    patch: dict[str, Any] | None = None


class Kubernetes(_Strict):
    """The real API does it, and what follows, follows."""

    apply: Any = None
    patch: Named | None = None
    delete: Named | None = None

    @model_validator(mode="after")
    def _one(self) -> Kubernetes:
        given = [word for word in ("apply", "patch", "delete") if getattr(self, word) is not None]
        if len(given) != 1:
            raise ValueError("one of apply, patch or delete")
        if self.apply is not None:
            text = isinstance(self.apply, str)
            manifests = list(yaml.safe_load_all(self.apply)) if text else _listed(self.apply)
            for manifest in manifests:
                if not (isinstance(manifest, dict) and manifest.get("apiVersion") and manifest.get("kind")
                        and (manifest.get("metadata") or {}).get("name")):
                    raise ValueError("a manifest with apiVersion, kind and metadata.name")
            self.apply = manifests
        if self.patch is not None and self.patch.patch is None:
            raise ValueError("a patch with kind, name and patch")
        return self


class Configuration(_Strict):
    """Values of the gateway's ConfigMap change, and pods that read them behave so."""

    set: dict[str, Annotated[str, BeforeValidator(_scalar)]] = Field(min_length=1)
    error_rate: float = Field(0, ge=0, le=1)
    latency_ms: float = Field(0, ge=0)
    log: str = ""


class DatabaseFault(_Strict):
    """The database instance fails, or somebody sets parameters of its group."""

    fault: Literal["refuses_connections", "connections_exhausted", "failing_over", "storage_full", "slow",
                   "rejects_credentials"] | None = None
    parameters: dict[ParameterName, Annotated[str, BeforeValidator(_scalar)]] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> DatabaseFault:
        if (self.fault is None) is (self.parameters is None):
            raise ValueError("fault or parameters, one of them")
        return self


class Nodes(_Strict):
    """Nodes fail: so many, those with most gateway pods first, or those that are named."""

    fault: Literal["not_ready", "cordoned", "gone"]
    count: int | None = Field(None, ge=1, le=3)
    names: list[Literal["node-a", "node-b", "node-c"]] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Nodes:
        if self.count is not None and self.names is not None:
            raise ValueError("count or names, not both")
        return self


class Pods(_Strict):
    """Pods of a component run and serve nobody: so many (default: all) hang, or all wait for each other."""

    component: ComponentName
    fault: Literal["hung", "deadlocked"]
    count: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _all(self) -> Pods:
        if self.fault == "deadlocked" and self.count is not None:
            raise ValueError("no count: all pods wait for each other")
        return self


class ControlPlane(_Strict):
    """The Kubernetes API does not answer the responder."""

    fault: Literal["down"]


class Network(_Strict):
    """A path below Kubernetes is broken."""

    source: _PLACES = Field(alias="from")
    target: _PLACES = Field(alias="to")
    fault: Literal["blocked", "lossy", "dns"]

    @model_validator(mode="after")
    def _path(self) -> Network:
        paths = {("frontend", "backend"), ("backend", "payment-gateway"), ("payment-gateway", "database"),
                 ("payment-gateway", "provider")}
        if (self.source, self.target) not in paths:
            raise ValueError("a path that requests take: " + ", ".join(f"{a} to {b}" for a, b in sorted(paths)))
        return self


class ProviderFault(_Strict):
    """A payment provider fails, and its status page says something or other."""

    name: Literal["primary", "fallback"] = "primary"
    fault: Literal["down", "errors", "slow"] | None = None
    error_rate: float | None = Field(None, ge=0, le=1)
    status_page: Literal["operational", "degraded", "outage"] | None = None


class KillSwitch(_Strict):
    """Somebody stops all remedies, or lets them go on."""

    value: str = "engaged"


class AwsHealth(_Strict):
    """An AWS Health event, also on EventBridge."""

    service: str = Field(min_length=1)
    code: str = Field(min_length=1)
    status: Literal["open", "closed"] = "open"
    region: str = "us-east-1"


KINDS: dict[str, type[_Strict]] = {
    "release": Release, "telemetry": Telemetry, "alarm": Alarm, "traffic": Traffic, "kubernetes": Kubernetes,
    "log": Log, "configuration": Configuration, "database": DatabaseFault, "nodes": Nodes, "pods": Pods,
    "control_plane": ControlPlane, "network": Network, "provider": ProviderFault, "aws_health": AwsHealth,
    "kill_switch": KillSwitch}


class Event(BaseModel):
    """One event: when, what, and for how long."""

    at: Duration
    kind: str
    fields: dict[str, Any]
    lasts: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "kind" in value:
            raise ValueError("a mapping with at and one kind of event")
        rest = {key: item for key, item in value.items() if key not in ("at", "for")}
        unknown = [key for key in rest if key not in KINDS]
        if unknown:
            near = difflib.get_close_matches(str(unknown[0]), KINDS, 1, 0.5)
            raise ValueError(f"{near[0]!r} in place of {unknown[0]!r}?" if near else f"one of {', '.join(KINDS)}, "
                             f"not {unknown[0]!r}")
        if len(rest) != 1:
            raise ValueError(f"exactly one kind of event, of {', '.join(KINDS)}")
        if "at" not in value:
            raise ValueError("at, the time of the event")
        (kind, fields), = rest.items()
        model = KINDS[kind].model_validate(fields or {})
        return {"at": value["at"], "kind": kind, "fields": model.model_dump(exclude_none=True, by_alias=True),
                "lasts": _duration(value["for"]) if "for" in value else None}


class Start(_Strict):
    """Changes to the steady state."""

    requests_per_second: float = Field(40, gt=0, le=2000)
    replicas: dict[ComponentName, int] = Field(default_factory=dict)
    mode: Literal["auto", "approve", "observe"] = "auto"
    policy: dict[ActionId, Literal["auto", "approve", "off"]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        # YAML reads a bare off as False.
        if isinstance(value, dict) and isinstance(value.get("policy"), dict):
            value = value | {"policy": {key: "off" if item is False else item
                                        for key, item in value["policy"].items()}}
        return value


class Answer(_Strict):
    """What a person does."""

    answer: Literal["approve", "reject", "done"]
    after: Duration = 0.0
    way: Literal["link", "iam", "slack"] = "link"
    times: int = Field(1, ge=1, le=10)


class Expect(_Strict):
    """What must hold; every line that is given."""

    outcome: Annotated[list[Outcome] | None, BeforeValidator(lambda v: v if v is None else _listed(v))] = None
    cause: Annotated[list[CauseId] | None, BeforeValidator(lambda v: v if v is None else _listed(v))] = None
    affected: list[str] | None = None
    actions: list[ActionId | list[ActionId]] | None = None
    targets: list[str] | None = None
    never: list[ActionId] | None = None
    notified: list[Literal["team", "customers", "network_team", "provider"]] | None = None
    incidents: int | None = Field(None, ge=0)
    stored_nowhere: list[Annotated[str, BeforeValidator(str)]] | None = None
    within: Duration | None = None
    put_back: list[ActionId] | None = None
    """Remedies that were for the time being, and must have been put back in the end."""


class Drill(_Strict):
    """One drill."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    about: str
    start: Start = Field(default_factory=lambda: Start.model_validate({}))
    events: list[Event] = Field(min_length=1)
    people: list[Answer] = Field(default_factory=list)
    expect: Expect = Field(default_factory=lambda: Expect.model_validate({}))

    @model_validator(mode="after")
    def _ordered(self) -> Drill:
        times = [event.at for event in self.events]
        if times != sorted(times):
            raise ValueError("events in order of at")
        if "\n" in self.about.strip():
            raise ValueError("about in one line")
        return self

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
            problems.append(Problem(str(path), 0, "(folder)", "no .yaml file", "drills"))
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
            problems.append(Problem(str(file), 1, "name", repr(drill.name), f"a name that {names[drill.name]} has not"))
        names[drill.name] = file
        drills.append(drill)
    if problems:
        raise ContractError(problems)
    return drills


def _read(file: Path) -> Drill:
    try:
        text = file.read_text(encoding="utf-8")
        value, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError([Problem(str(file), 0, "(file)", type(error).__name__, "a readable text file")]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ContractError([Problem(str(file), mark.line + 1 if mark else 0, "(file)",
                                     str(getattr(error, "problem", error)), "YAML")]) from error
    if not isinstance(value, dict):
        raise ContractError([Problem(str(file), 1, "(file)", type(value).__name__, "a mapping of fields")])
    try:
        return Drill.model_validate(value)
    except ValidationError as error:
        problems = []
        for item in error.errors():
            path = [part for part in item["loc"] if not (isinstance(part, str) and part.startswith("list["))]
            if len(path) > 2 and path[0] == "events" and isinstance(path[1], int):
                # An event's own fields are checked by its kind's model, which does not know where it stands.
                kinds = [key for key in value["events"][path[1]] if key in KINDS]
                path[2:2] = kinds[:1] if kinds and path[2] != "at" else []
            found = "nothing" if item["type"] == "missing" else repr(item.get("input"))[:80]
            expected = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            if item["type"] == "missing":
                expected = "this field"
            elif item["type"] == "extra_forbidden":
                model = _model_at(path[:-1])
                near = difflib.get_close_matches(str(path[-1]), model, 1, 0.5)
                found, expected = "an unknown field", f"{near[0]!r}?" if near else f"one of {', '.join(model)}"
            problems.append(Problem(str(file), line_of(node, path), path_text(path), found, expected))
        raise ContractError(problems) from error


def _model_at(path: Sequence[str | int]) -> list[str]:
    """The fields that are known at a place of the file."""
    place: dict[str, type[BaseModel]] = {"start": Start, "people": Answer, "expect": Expect}
    models = [model for name, model in place.items() if name in path] or [
        KINDS[str(part)] for part in path if part in KINDS] or [Drill]
    return sorted(models[-1].model_fields)


assert set(get_args(Telemetry.model_fields["fault"].annotation)) == set(FAULTS)
