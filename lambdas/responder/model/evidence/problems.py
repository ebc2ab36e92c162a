"""What is wrong in the cluster as it is now, whatever happened before: what the checks of live state find."""

from __future__ import annotations

from typing import Literal

from responder.model.evidence import Detail
from responder.model.frozen import dataclass

Family = Literal["admission", "scheduling", "startup", "runtime", "routing", "infrastructure", "performance"]
"""At which step of a pod's or a request's way something is wrong."""
Severity = Literal["stops", "lessens", "risks"]
"""What it does to those whom it hits: nothing of theirs starts or is reached; a part of it; nothing yet."""
Basis = Literal["said", "seen", "guessed"]
"""Why it is believed: who is in charge says so (the API server, the scheduler, the kubelet); two objects contradict
each other, or a state is plain; it is unusual, and may be meant so."""
Sign = Literal[
    "", "quota", "admission", "room", "placement", "volume", "image", "registry", "definition", "route", "policy",
    "names", "resolver", "node", "control_plane", "gone"]
"""What it speaks for where causes are weighed (``plan/signals/live_state.py``); empty: it is told to people alone, for
other evidence tells the same, or a consequence. ``quota``: a limit of the namespace; ``placement``: what a workload
asks for fits no node; ``room``: nodes that would fit are full or closed; ``definition``: a workload as it is defined
cannot start or serve; ``names``: it asks another resolver than the cluster's."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    check: str
    """The check that found it (``responder/checks``)."""
    family: Family
    object: str
    """What is at fault: ``deployment/pay``, ``service/pay``, ``node/n1``, ``namespace/payments``,
    ``persistentvolumeclaim/data``."""
    sentence: str
    """What is wrong, as a person would say it."""
    severity: Severity
    basis: Basis
    apps: tuple[str, ...] = ()
    """Workloads (in a finding: components) that it hits, by name; empty: it cannot be told, or it is everything."""
    said: str = ""
    """The message or the values that show it, word for word (masked)."""
    mend: str = ""
    """What would mend it, as a person would say it."""
    since: float = 0.0
    """Since when, seconds since 1970 (UTC); 0: not known."""
    sign: Sign = ""
    follows: tuple[str, ...] = ()
    """Checks whose problems may have this one as their consequence."""


@dataclass(frozen=True)
class Problems(Detail):
    """What is wrong in the cluster now. ``value`` is the number of problems that are not mere risks."""

    problems: tuple[Problem, ...] = ()
    """Worst first."""


KIND = Problems
