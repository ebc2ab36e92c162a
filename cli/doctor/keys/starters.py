"""What other systems prove themselves by when they start an incident; nobody can be asked whether it is right."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.keys import Key
from responder.model.service import Service

_LEAST = 20


def _form(value: str) -> str:
    short = [line for line in value.splitlines() if line.strip() and len(line.strip()) < _LEAST]
    return f"it has fewer than {_LEAST} characters, and is refused" if short else ""


def keys(service: Service) -> Iterator[Key]:
    """Yield the secrets of the systems that may start incidents."""
    for name in ("pagerduty", "newrelic", "splunk"):
        if starter := getattr(service.starters, name):
            yield Key(name, starter.secret, f"starters.{name}.secret", "a signing secret or a token", _form, lines=True)
