"""What an event is, and the types that several events' fields share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer

if TYPE_CHECKING:
    # A drill file is checked without any of the sandbox's servers.
    from sandbox.parts import Sandbox

ComponentName = Literal["frontend", "backend", "payment-gateway"]


class Fields(BaseModel):
    """Fields of a drill file; a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


Given = TypeVar("Given", bound=Fields)
Trace = TypeVar("Trace")


@dataclass(frozen=True)
class Event(Generic[Given, Trace]):
    """One kind of event of a drill."""

    name: str
    """How a drill file names it."""
    schema: type[Given]
    """Its fields in a drill file."""
    apply: Callable[[Sandbox, Given], Trace]
    """Brings it about; returns what ``heal`` must know."""
    heal: Callable[[Sandbox, Trace], None]
    """Takes away what ``apply`` did and nothing else, whatever other events did meanwhile."""

    def begin(self, sandbox: Sandbox, fields: Mapping[str, object]) -> Callable[[], None]:
        """Bring it about with the fields of a drill file, and return how to heal it; raises ValidationError."""
        trace = self.apply(sandbox, self.schema.model_validate(fields))
        return lambda: self.heal(sandbox, trace)


def nothing(sandbox: Sandbox, trace: None) -> None:
    """Heal an event that leaves nothing behind."""


def known(value: str, names: Collection[str], expected: str) -> str:
    """Return the value; raises ValueError with the nearest of the names, or with what is expected."""
    if value not in names:
        near = difflib.get_close_matches(value, names, 1, 0.5)
        raise ValueError(f"{near[0]!r} in place of {value!r}?" if near else expected)
    return value


def like(pattern: str, expected: str) -> AfterValidator:
    """A check that a text fits a pattern; the error says in words what is expected."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(expected)
        return value

    return AfterValidator(check)


def seconds(value: Any) -> float:
    """Read a duration such as ``20s``; raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(value))
    if not found:
        raise ValueError("a duration such as 20s, 500ms or 2m")
    return float(found[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[found[2]]


def scalar(value: Any) -> str:
    """Read a single value as text, as YAML wrote it; raises ValueError."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a text, a number or a truth value")


Duration = Annotated[float, BeforeValidator(seconds), PlainSerializer("{:f}s".format)]
"""Seconds; written again as a drill file has it."""
Scalar = Annotated[str, BeforeValidator(scalar)]
