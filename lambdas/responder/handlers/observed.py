"""Each function's entry: what its lines of log are about, its trace, its error, and what it costs."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, cast

from responder.clients import telemetry
from responder.clients.closing import closing
from responder.handlers import environment
from responder.model.codec import Foreign, Malformed, decode_known
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.plan.own_metrics import cost

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Whose(Foreign):
    """The incident of an event, as far as it is known: nothing here may fail by what an event lacks."""

    KEYS: ClassVar[Mapping[str, str]] = {"opened_at": "opened_at"}
    id: str = ""
    service: str = ""
    opened_at: str = ""
    """ISO 8601 in UTC."""
    execution: str | None = None


@dataclass(frozen=True)
class _About:
    """What an event says of itself."""

    incident: Whose = Whose()
    do: str = ""
    operation: str = ""
    phase: str = ""
    execution: str | None = None
    """The execution's ARN, in the event that opens an incident."""


def observed(states: int = 0) -> Callable[[F], F]:
    """Return a decorator for a Lambda handler; ``states`` is how many states the state machine enters for a call."""

    def wrap(function: F) -> F:
        own = function.__module__.rpartition(".")[2]

        @functools.wraps(function)
        def handler(event: Any, context: object) -> Any:
            about, started = _about(event), time.monotonic()
            incident, step = about.incident, about.operation or about.do or own
            telemetry.begin(service=incident.service, incident=incident.id, step=step,
                            execution=incident.execution or about.execution or "")
            try:
                with closing(), telemetry.traced(f"## {step}", incident=incident.id, service=incident.service,
                                                 phase=about.phase, part=environment.part()):
                    return function(event, context)
            except Exception as error:
                telemetry.write({"failed": type(error).__name__, "why": mask(str(error))[:500]}, failed=True)
                raise
            finally:
                if incident.service and states:
                    telemetry.emit(environment.namespace(), [cost(
                        incident.service, time.monotonic() - started, environment.memory_mib(), states)])

        return cast(F, handler)

    return wrap


def _about(event: object) -> _About:
    """Return what an event says; an event of another kind says nothing."""
    try:
        return decode_known(_About, event) if isinstance(event, Mapping) else _About()
    except Malformed:
        return _About()
