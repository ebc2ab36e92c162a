"""Values that the platform reads, by which people hold off load or do without what the service calls."""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass
from responder.model.service.platform import ProviderSwitch

Purpose = Literal["shed_load", "cap_retries", "fail_open"]


@dataclass(frozen=True)
class Switch:
    """One value that a component reads again and again, with what it says usually and what it may be set to."""

    name: str
    """What it is, as people call it: "load shedding of the gateway"."""
    purpose: Purpose
    """``shed_load``: the component refuses a part of its requests at once. ``cap_retries``: it makes fewer attempts for
    each call. ``fail_open``: it gets along without a dependency."""
    component: str
    """The component that reads it."""
    place: ProviderSwitch
    """Where it stands."""
    usual: str
    """What it says in normal operation; where it says anything else nothing is done."""
    values: tuple[str, ...]
    """What it may be set to: one value, or the steps of load shedding, what refuses most first."""
    of: str = ""
    """What is called: a component, provider, database or dependency by its name; of ``cap_retries`` may be empty, which
    is all that the component calls."""
    step_seconds: float = 30.0
    """How long each step of load shedding lasts: longer than what has queued up takes."""
