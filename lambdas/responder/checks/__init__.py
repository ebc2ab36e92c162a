"""What is wrong in a cluster as it is now: one file here is one check.

A check is a pure function of the live state (``responder/state``) that yields problems. It needs no history: it reads
what the API server, the scheduler and the kubelet say (conditions, Events, reasons of containers), and what objects
contradict each other. A module is a check by being here: it sets ``CHECK``, whose id is the module's name, and its
docstring says in one line what is wrong. Kinds of checks are those that k8sgpt's analyzers and kube-linter's checks
name; what each looks at comes from the API's own semantics (the Kubernetes documentation, by the page's title).

Rules that hold for all:

- **Messages are read, not reasons alone.** ``FailedCreate`` may be a quota, a missing ServiceAccount or a webhook.
- **Only what is known is said to be missing**: ``state.lists(kind, namespace)``.
- **Old troubles are none.** Restarts, Events and ends of days ago are not told; what holds now is, however old it is.
- **One problem has one check**: a check that sees only the consequence of another's problem (a pod that waits because
  its node is down) says so in ``follows``, so that the cause is told first.
- A check that cannot read an object says nothing of it; it never raises for what a cluster may contain.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from responder.model.evidence.problems import Basis, Family, Problem, Severity, Sign
from responder.model.masking import mask
from responder.state import State
from responder.state.found import Found

__all__ = ["Check", "Found", "every", "run"]

_SAID = 300
"""Characters of a message that are kept."""
_ORDER: dict[Severity, int] = {"stops": 0, "lessens": 1, "risks": 2}
_SURE: dict[Basis, int] = {"said": 0, "seen": 1, "guessed": 2}


class Check(NamedTuple):
    """One way to see that something is wrong."""

    id: str
    """The name of its file."""
    family: Family
    find: Callable[[State], Iterator[Found]]
    sign: Sign = ""
    """What its problems speak for where causes are weighed."""
    follows: tuple[str, ...] = ()
    """Ids of checks whose problems may have this one's as their consequence."""


def run(state: State) -> tuple[Problem, ...]:
    """Return all problems of a live state, worst first, each once; the objects' order changes nothing."""
    found = {Problem(
        check=check.id, family=check.family, object=one.object, sentence=one.sentence, severity=one.severity,
        basis=one.basis, apps=tuple(sorted(set(one.apps))), said=mask(one.said)[:_SAID], mend=one.mend,
        since=one.since, sign=check.sign if one.sign is None else one.sign,
        follows=() if one.stands_alone else check.follows)
        for check in every() for one in check.find(state)}
    return tuple(sorted(found, key=lambda one: (
        _ORDER[one.severity], _SURE[one.basis], one.check, one.object, one.sentence, one.said, one.since)))


@cache
def every() -> tuple[Check, ...]:
    """Return all checks, by name; raises ValueError where an id is not the name of its file."""
    checks = []
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        check: Check = importlib.import_module(f"{__name__}.{name}").CHECK
        if check.id != name:
            raise ValueError(f"{__name__}.{name}: the check's id is {check.id!r}, expected the name of its file")
        checks.append(check)
    return tuple(checks)
