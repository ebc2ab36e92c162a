"""What a check finds, before it is told: readers that several checks share return it."""

from __future__ import annotations

from typing import NamedTuple

from responder.model.evidence.problems import Basis, Severity, Sign


class Found(NamedTuple):
    """What a check found, before it is told."""

    object: str
    """What is at fault, as ``str(Ref)`` says it: ``deployment/pay``."""
    sentence: str
    severity: Severity
    basis: Basis
    apps: tuple[str, ...] = ()
    """Names of the workloads that it hits (``state.app(pod)``)."""
    said: str = ""
    mend: str = ""
    since: float = 0.0
    sign: Sign | None = None
    """What it speaks for, where that is not what the check's problems do."""
    stands_alone: bool = False
    """Whether it is no consequence of any other problem, whatever the check's problems mostly follow."""
