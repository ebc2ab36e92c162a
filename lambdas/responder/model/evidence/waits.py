"""What sessions of the database wait for."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Waits(Detail):
    """What sessions of the database wait for. ``value`` is the average number of active sessions."""

    waits: dict[str, float] = field(default_factory=dict)
    """Wait event to its load."""
    clients: dict[str, float] = field(default_factory=dict)
    """Client to its load, as ``grouped_by`` says."""
    grouped_by: str = "application"
    """What a client is here: ``application`` (PostgreSQL alone), ``user`` of the database."""


KIND = Waits
