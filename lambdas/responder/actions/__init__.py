"""What the remedies do, one module each: planning, applying and reverting, with all their I/O.

A module sets ``ACTION``, for the remedy that the module of the same name in ``plan/remedies`` decides on and declares.
The stacks give each a function with a role of its own, built from what it declares. The state machine calls it with an
operation: ``plan`` (check the preconditions anew, say what would be done, keep what is there now), ``apply``,
``revert``.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, Any, Generic, Literal

from responder.clients.failure import CallFailed
from responder.model.change import OWN_MANAGER
from responder.model.codec import Json, Malformed, encode
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.service import Policy, Service
from responder.model.shown import NotExact, Shown, exact, shown
from responder.people import Message
from responder.plan.remedies import Audience, B, F, P, Remedy, Risk
from responder.sources import Statement

if TYPE_CHECKING:
    # A remedy that only informs somebody needs no HTTP client.
    from responder.clients.flags import Flag
    from responder.clients.kubernetes import Kubernetes
    from responder.clients.workloads import Workload


log = logging.getLogger(__name__)


def _no_record() -> IncidentRecord:
    raise LookupError("nothing is on record here")


@dataclass(frozen=True)
class RemediationContext:
    """What a remedy is asked to remediate."""

    service: Service
    incident: str
    number: int
    """1-based position among this incident's remedies."""
    cause: str
    mechanism: str
    """Which of the cause's mechanisms it is."""
    component: str
    onset: float | None
    """When the symptom began, seconds since 1970 (UTC)."""
    deadline: float
    """``time.monotonic`` seconds by which it must have ended."""
    where: str = ""
    """Where the failures arise; see ``model/fault_location.py``."""
    symptom: str = ""
    """The kind of the symptom, as it was confirmed."""
    chosen: int | None = None
    """The value that a person chose for the parameter that may be changed (``Remedy.choice``); None: nobody did."""
    answer_instructions: str = ""
    """How those who are given a task say that it is done."""
    at: float = 0.0
    """When the step began, seconds since 1970 (UTC); the same at each try."""
    more_by: str = ""
    """When customers may be told that they hear more, ISO 8601 in UTC; empty: nothing may be promised."""
    record: Callable[[], IncidentRecord] = _no_record
    """Reads what is on record of the incident, without its timeline."""

    @property
    def mark(self) -> str:
        """What the remedy leaves on what it changes, so that a repeat finds it."""
        return f"{self.incident}/{self.number}"

    @property
    def workload(self) -> str:
        """The name of the workload that runs the component."""
        return self.service.component(self.component).deployment

    @property
    def namespace(self) -> str:
        """The Kubernetes namespace of the component's workload."""
        inside = self.component in self.service.graph
        return self.service.namespace(self.component) if inside else self.service.cluster.namespace


@dataclass(frozen=True)
class Plan(Generic[B, P]):
    """What a remedy would do."""

    target: str
    """What it changes: ``deployment/payment-gateway``."""
    summary: str
    before: B
    """What is there now, enough to put it back: exact."""
    parameters: P
    """What ``apply`` needs: exact."""
    diff: Shown = field(default_factory=lambda: shown(""))
    """What changes, as a person reads a diff: never compared or applied."""
    temporary: bool = False
    """Whether it is a temporary mitigation, which is restored when it is no longer needed."""

    def __post_init__(self) -> None:
        """Refuse operands that are not exact: NotExact for what is hidden or shown, TypeError for a diff of any text.
        """
        exact([encode(self.before), encode(self.parameters)])
        if not isinstance(self.diff, Shown):
            raise TypeError("a diff is shown to people: shown(…) makes it")


@dataclass(frozen=True)
class Declined:
    """What a remedy would do and must not, by its own check of the preconditions."""

    target: str
    summary: str
    reason: str
    """One sentence without a capital and a full stop."""
    transient: bool = False
    """Whether the reason may pass by itself, so that it is looked at again before people are asked."""
    diff: Shown = field(default_factory=lambda: shown(""))


@dataclass(frozen=True)
class Action(Generic[F, B, P]):
    """What a remedy does, and what it takes to do it. ``F`` are its facts, ``B`` and ``P`` its operands."""

    remedy: Remedy[F, B, P]
    plan: Callable[[RemediationContext, F], Plan[B, P] | Declined]
    apply: Callable[[RemediationContext, Plan[B, P]], str]
    """Do it and return what was done, in a sentence. A repeat finds its own mark and does nothing."""
    revert: Callable[[RemediationContext, Plan[B, P]], str] | None = None
    """Undo it, where nobody else has changed it since."""
    statements: Callable[[Service], tuple[Statement, ...]] = lambda service: ()
    kubernetes_group: str = ""
    message: Callable[[RemediationContext, Plan[B, P]], Message] | None = None
    """What the audience is told, by every channel that takes it, before ``apply`` says so."""
    deadline_seconds: float = 20.0
    configured: Callable[[Service], bool] = lambda service: True
    """Whether a service's configuration names what it needs; where it does not, no function is deployed for it."""

    @property
    def name(self) -> str:
        """The remedy's name, and that of its two modules."""
        return self.remedy.name

    @property
    def risk(self) -> Risk:
        """How much it risks."""
        return self.remedy.risk

    @property
    def default_policy(self) -> Policy:
        """The policy of a service that says nothing of it."""
        return self.remedy.default_policy

    @property
    def audience(self) -> Audience | Literal[""]:
        """Whom it informs; empty: it changes something instead."""
        return self.remedy.audience

    @property
    def task_for(self) -> str:
        """The role of the team that it gives a task to; empty: none."""
        return self.remedy.task_for

    def plan_of(self, context: RemediationContext, facts: Json) -> Plan[B, P] | Declined:
        """Plan from the facts of a proposal on record; raises Malformed, and CallFailed as ``plan`` does."""
        read = self.remedy.facts_of(facts)
        with understood():
            return self.plan(context, read)

    def kept(self, target: str, summary: str, before: Json, parameters: Json, diff: str) -> Plan[B, P]:
        """Return a plan on record; raises ActionFailed where its operands are those of another version."""
        try:
            typed = self.remedy.on_record(target, "", before, parameters)
        except Malformed as error:
            raise ActionFailed(f"its plan on record cannot be read by this version: {error}") from error
        return Plan(target, summary, typed.before, typed.parameters, shown(diff))


AnyAction = Action[Any, Any, Any]
"""An action of whatever remedy: facts and operands pass through its own methods."""
AnyPlan = Plan[Any, Any]


class ActionFailed(Exception):
    """A remedy could not be applied; nothing, or nothing more, was changed."""


@contextmanager
def understood() -> Iterator[None]:
    """Turn what an answer of another form than its system documents leads to within the block into CallFailed.

    The cluster's objects are written by whoever may write them, and a remedy reads deep into them.
    """
    try:
        yield
    except (Malformed, NotExact):
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        log.warning("an answer was not understood", exc_info=True)
        raise CallFailed("malformed", f"an answer has another form than documented ({type(error).__name__})"
                         ) from error


@contextmanager
def writing(target: str, conflicts: frozenset[int] = frozenset({409, 422})) -> Iterator[None]:
    """Turn Kubernetes' refusal of a write within the block into what the step does about it.

    A status in ``conflicts`` (422 is also what a failed ``test`` of a JSON patch gives) means that the object changed
    at the same moment: CallFailed, so that the step is tried again. Any other is ActionFailed.
    """
    # Imported here, for a remedy that only informs somebody needs no HTTP client.
    from responder.clients.kubernetes import Refused

    try:
        yield
    except Refused as refused:
        if refused.code in conflicts:
            raise CallFailed("unavailable", f"{target} changed at the same moment",
                             http_status=refused.code) from refused
        raise ActionFailed(f"Kubernetes refused: {refused}") from refused


def put(place: Flag, old: Collection[str], new: str, target: str, summary: str) -> str:
    """Set a value where it says one of others, and return what was done; where it says the value already nothing is.

    Raises ActionFailed where the place is gone or somebody else has set another value, CallFailed where it changes at
    the same moment.
    """
    from responder.clients.flags import Changed
    from responder.clients.kubernetes import NotFound

    try:
        now = place.read().value
    except NotFound as error:
        raise ActionFailed(f"{target} is gone") from error
    if now == new:
        return f"{summary}: it was done before"
    if now not in old:
        raise ActionFailed(f"{target} says {now!r} by somebody else: nothing was done")
    try:
        with writing(target):
            place.write(now, new, OWN_MANAGER)
    except Changed as error:
        raise CallFailed("unavailable", f"{target} changed at the same moment") from error
    return summary


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


def of_workload(context: RemediationContext, api: Kubernetes,
                planned: Callable[[Workload], Plan[B, P] | Declined]) -> Plan[B, P] | Declined:
    """Return what is ``planned`` for the workload of the context's component; declined where there is none."""
    from responder.clients import kubernetes, workloads

    component = context.service.component(context.component)
    try:
        workload = workloads.of_component(api, context.namespace, component)
    except kubernetes.NotFound as error:
        return Declined(f"{component.kind or 'deployment'}/{context.workload}", "", str(error.args[0]))
    return planned(workload)


def workload_of(context: RemediationContext, target: str, api: Kubernetes) -> Workload:
    """Return the workload that a plan is for, as it is now; raises ActionFailed where it is gone."""
    from responder.clients import kubernetes, owners, workloads

    try:
        return workloads.get(api, owners.ref_of(target, context.namespace))
    except (kubernetes.NotFound, ValueError) as error:
        raise ActionFailed(f"{target} is gone") from error


def connected(context: RemediationContext, api: Kubernetes | None) -> Kubernetes:
    """Return the client that is given, or one for the service's cluster."""
    from responder.clients import kubernetes

    return api or kubernetes.connect(context.service.cluster.name, context.deadline)


def find(name: str) -> AnyAction:
    """Return the action called ``name``, importing its module alone."""
    action: AnyAction = importlib.import_module(f"{__name__}.{name}").ACTION
    return action


def every() -> tuple[AnyAction, ...]:
    """Return all actions, by name."""
    return tuple(find(module.name) for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name))
