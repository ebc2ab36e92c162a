"""The configuration and the deployment that are bundled beside the code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from responder.model.codec import Json, decode
from responder.model.frozen import dataclass
from responder.model.service.configuration import Service


class UnknownService(LookupError):
    """Nobody looks after the service that was named."""


@cache
def load(name: str) -> Service:
    """Return the configuration of the service called ``name``.

    It is read from ``services/NAME.json`` in the folder named by ``RESPONDER_CONFIG``, beside the code by default.
    Raises UnknownService where no file has that name.
    """
    path = folder() / f"{name}.json"
    if name not in names():
        raise UnknownService(f"no service called {name!r} is configured; configured are: {', '.join(names()) or '-'}")
    return decode(Service, json.loads(path.read_text(encoding="utf-8")))


def recorded_service(value: Json) -> Service:
    """Return the configuration that stands in an incident's record; raises Malformed.

    In records of before November 2026 ``approval.links`` is true or false; in the oldest there is no ``approval``.
    """
    approval = value.get("approval") or {}
    links = approval.get("links")
    if isinstance(links, bool):
        value = value | {"approval": approval | {"links": "medium" if links else "none"}}
    return decode(Service, value)


@dataclass(frozen=True)
class Asked:
    """A source and its function."""

    source: str
    function: str


@dataclass(frozen=True)
class Remedy:
    """An action's function, and what the state machine needs to know of it."""

    action: str
    function: str
    risk: str = "high"
    """``low``, ``medium`` or ``high``."""
    mends: bool = True
    """Whether it may mend something: by itself, or by those who are given a task."""


@dataclass(frozen=True)
class Deployment:
    """What was deployed for a service; written by ``stacks/packaging.py`` beside the configuration."""

    alarms: tuple[str, ...]
    """The names of the CloudWatch alarms whose events start its incidents."""
    sources: Mapping[str, tuple[Asked, ...]]
    """Phase to the sources that are asked in it."""
    remedies: tuple[Remedy, ...]


@cache
def deployed(name: str) -> Deployment:
    """Return what was deployed for the service called ``name``."""
    text = (folder() / "deployed" / f"{name}.json").read_text(encoding="utf-8")
    return decode(Deployment, json.loads(text))


def names() -> tuple[str, ...]:
    """The names of all services that are looked after."""
    return tuple(sorted(path.stem for path in folder().glob("*.json")))


def folder() -> Path:
    """The folder of the configurations that are bundled."""
    return Path(os.environ.get("RESPONDER_CONFIG") or Path(__file__).resolve().parents[3] / "services")
