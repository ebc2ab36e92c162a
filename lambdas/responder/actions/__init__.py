"""The remedies, one module each.

A module is a remedy by being here: it sets ``ACTION``. The stacks give each a function with a role of its own, built
from what it declares. The state machine calls it with an operation: ``plan`` (check the preconditions anew, say what
would be done, keep what is there now), ``apply``, ``revert``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from responder.clients.failure import CallFailed
from responder.model.finding import Finding
from responder.model.service import Policy, Service
from responder.model.shown import Shown, exact, shown
from responder.people import Kind, Message
from responder.sources import Statement

if TYPE_CHECKING:
    # A remedy that only tells somebody needs no HTTP client.
    from responder.clients.kubernetes import Kubernetes


@dataclass(frozen=True)
class Case:
    """What a remedy is asked to mend."""

    service: Service
    incident: str
    number: int
    """The how manieth remedy of the incident it is."""
    cause: str
    mechanism: str
    """Which of the cause's mechanisms it is (``plan/weights.json``)."""
    component: str
    onset: float | None
    """When the symptom began, seconds since 1970 (UTC)."""
    facts: dict[str, Any]
    """What the diagnosis knows that the remedy needs; see ``plan/remedies.py``."""
    deadline: float
    """``time.monotonic`` seconds by which it must have ended."""
    answers: str = ""
    """How those who are given a task say that it is done."""

    @property
    def mark(self) -> str:
        """What the remedy leaves on what it changes, so that a repeat finds it."""
        return f"{self.incident}/{self.number}"

    @property
    def workload(self) -> str:
        """The name of the Deployment that runs the component."""
        return self.service.component(self.component).deployment


@dataclass(frozen=True)
class Plan:
    """What a remedy would do."""

    target: str
    """What it changes: ``deployment/payment-gateway``."""
    summary: str
    diff: Shown = field(default_factory=lambda: shown(""))
    """What changes, as a person reads a diff: never compared or applied."""
    before: dict[str, Any] = field(default_factory=dict)
    """What is there now, enough to put it back: exact."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What ``apply`` needs: exact."""
    refusal: str = ""
    """Why it must not be done, in one sentence; empty where it may."""
    passing: bool = False
    """Whether the refusal may pass by itself, so that it is looked at again before people are asked."""
    temporary: bool = False
    """Whether it is a temporary mitigation: it is put back when its reason is gone; see ``Action.over``."""

    def __post_init__(self) -> None:
        """Refuse operands that are not exact: NotExact for what is hidden or shown, TypeError for a diff of any text.
        """
        exact([self.before, self.parameters])
        if not isinstance(self.diff, Shown):
            raise TypeError("a diff is shown to people: shown(…) makes it")


@dataclass(frozen=True)
class Action:
    """A remedy, and what it takes to carry it out."""

    name: str
    risk: Literal["low", "medium", "high"]
    default_policy: Policy
    reversible: bool
    keep_when_not_helped: bool
    """Whether it stays as it is where it did not help."""
    plan: Callable[[Case], Plan]
    apply: Callable[[Case, Plan], str]
    """Carry it out and return what was done, in a sentence. A repeat finds its own mark and does nothing."""
    revert: Callable[[Case, Plan], str] | None
    over: Callable[[Service, Mapping[str, Any], Sequence[Finding]], str] | None = None
    """Of what was done for the time being: whether the reason for it is gone, in a sentence, by its record and the
    newest findings. An empty text where it is not, or nobody can tell. None: nothing is for the time being."""
    more: bool = False
    """Whether it may be too little by itself: where it did not help and the reason for it is still there (``over``), it
    stays, and the incident may add to it."""
    statements: Callable[[Service], tuple[Statement, ...]] = lambda service: ()
    kubernetes_group: str = ""
    tells: Kind | Literal[""] = ""
    """Whom it tells: ``customers``, ``provider``, ``network_team``; empty: it changes something instead."""
    message: Callable[[Case, Plan], Message] | None = None
    """What they are told, by every channel that takes it, before ``apply`` says so."""
    task_for: str = ""
    """The role of the team that it gives a task to, which somebody then marks as done; empty: none."""
    deadline_seconds: float = 20.0


class ActionFailed(Exception):
    """A remedy could not be carried out; nothing, or nothing more, was changed."""


@contextmanager
def writing(target: str, conflicts: frozenset[int] = frozenset({409, 422})) -> Iterator[None]:
    """Turn Kubernetes' refusal of a write within the block into what the step does about it.

    A status in ``conflicts`` (422 is also what a failed ``test`` of a JSON patch gives) means that the object changed
    at the same moment: CallFailed, so that the step is tried again. Any other is ActionFailed.
    """
    # Imported here, for a remedy that only tells somebody needs no HTTP client.
    from responder.clients.kubernetes import Refused

    try:
        yield
    except Refused as refused:
        if refused.code in conflicts:
            raise CallFailed("unavailable", f"{target} changed at the same moment") from refused
        raise ActionFailed(f"Kubernetes refused: {refused}") from refused


@contextmanager
def asking(system: str, final: frozenset[str]) -> Iterator[None]:
    """Turn AWS' errors within the block into what the step does about them.

    One whose code is in ``final`` is ActionFailed; any other, such as of an object that somebody changes at the same
    moment, is CallFailed, so that the step is tried again.
    """
    from botocore.exceptions import ClientError

    from responder.clients import aws

    with aws.failures(system):
        try:
            yield
        except ClientError as error:
            told = error.response.get("Error", {})
            if told.get("Code") in final:
                raise ActionFailed(f"{system} refused: {told.get('Message', '')[:200]}") from error
            raise


def of_workload(case: Case, api: Kubernetes, planned: Callable[[dict[str, Any]], Plan]) -> Plan:
    """Return what is ``planned`` for the Deployment of the case's component; refused where there is none."""
    namespace, name = case.service.cluster.namespace, case.workload
    try:
        deployment = api.get("apis/apps/v1", "deployments", namespace, name)
    except KeyError:
        return Plan(f"deployment/{name}", "", refusal=f"there is no Deployment {name} in {namespace}")
    return planned(deployment)


def find(name: str) -> Action:
    """Return the action called ``name``, importing its module alone."""
    action: Action = importlib.import_module(f"{__name__}.{name}").ACTION
    return action


def every() -> tuple[Action, ...]:
    """Return all actions, by name."""
    return tuple(find(module.name) for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name))
